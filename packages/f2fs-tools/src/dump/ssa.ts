// The summary of a segment as a dump. Entries that go on from one block to the next are one row: the same node slot after
// slot, or one nid after the other.

import type { FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  corrupt,
  isNodeSegmentType,
  SummaryBlock,
  SummaryEntry,
  SummaryType,
  segmentTypeName,
  testMsb,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { summaryBlockNames } from './c-names.ts';
import { attempt, type Dump, type DumpRow, fieldRows, newDump, placeAt } from './dump.ts';
import { natLineOf } from './nat.ts';
import { countOf, rangeOf } from './phrases.ts';
import { type SitLine, sitLineOf } from './sit.ts';
import { readSummary, type Summary, type SummaryLine, summaryLine } from './summary.ts';
import { requireInRange } from './usage.ts';

/**
 * The summary that holds for one segment: its SSA block, or for a current segment what the checkpoint pack has. Throws
 * EINVAL for a segment that the main area does not have, ENODATA where the volume has no SSA, Corruption, EIO.
 */
export function* dumpSsa(volume: F2fsVolume, segno: number): Task<Dump> {
  requireInRange('segment', segno, 0, volume.superblock.segmentCountMain - 1);
  const sit = yield* sitLineOf(volume, segno);
  const summary = yield* readSummary(volume, segno);
  return newDump({
    title: `Summary of segment ${segno}`,
    place: placeAt(summary.address),
    layout: SummaryBlock.$name,
    facts: [
      { name: 'source', value: summary.source },
      { name: 'segment', value: `${segmentTypeName(sit.type)}, ${countOf(sit.validBlocks, 'valid block')}` },
    ],
    rows: [
      ...(yield* entryRows(volume, summary, sit)),
      ...fieldRows(SummaryBlock, summary.view, 0, {
        cNames: summaryBlockNames,
        meanings: {
          journal: (journal) => (journal.every((byte) => byte === 0) ? 'empty' : 'in use'),
          entryType: (type) => typeNames[type],
        },
      }),
    ],
    problems: problemsOfSummary(summary, sit),
  });
}

const typeNames = ['data segment', 'node segment'];

/** Entries of the same kind that go on from one to the next. */
interface Run extends SummaryLine {
  readonly index: number;
  readonly valid: boolean;
  count: number;
}

function* entryRows(volume: F2fsVolume, summary: Summary, sit: SitLine): Task<DumpRow[]> {
  const isNode = SummaryBlock.entryType.get(summary.view, 0) === SummaryType.node;
  const rows: DumpRow[] = [];
  for (const run of runsOf(summary, sit, isNode)) rows.push(yield* runRow(volume, run, isNode));
  return rows;
}

function runsOf(summary: Summary, sit: SitLine, isNode: boolean): Run[] {
  const runs: Run[] = [];
  for (let index = 0; index < SummaryBlock.entries.length; index++) {
    const line = summaryLine(summary, index);
    const valid = testMsb(sit.validMap, index);
    const run = runs.at(-1);
    if (run !== undefined && run.valid === valid && goesOn(run, line, isNode)) run.count++;
    else runs.push({ ...line, index, valid, count: 1 });
  }
  return runs;
}

function goesOn(run: Run, { nid, version, offsetInNode }: SummaryLine, isNode: boolean): boolean {
  if (version !== run.version) return false;
  if (run.nid === 0) return nid === 0 && offsetInNode === run.offsetInNode;
  if (isNode) return nid === run.nid + run.count && offsetInNode === run.offsetInNode;
  return nid === run.nid && offsetInNode === run.offsetInNode + run.count;
}

function* runRow(volume: F2fsVolume, run: Run, isNode: boolean): Task<DumpRow> {
  const { index, count, nid, version, offsetInNode, valid } = run;
  return {
    offset: SummaryBlock.entries.at(0, index),
    size: SummaryEntry.$size * count,
    type: count === 1 ? SummaryEntry.$name : `${SummaryEntry.$name}[${count}]`,
    name: `entries[${rangeOf(index, count)}]`,
    cName: `entries[${index}]`,
    value: [nid, version, offsetInNode],
    ...(count === 1 ? {} : { run: count }),
    meaning: `${valid ? 'valid' : 'free'}: ${nid === 0 ? 'no owner' : yield* ownerText(volume, run, isNode)}`,
    note: 'nid, version, index in the node; who points to these blocks',
  };
}

function* ownerText(volume: F2fsVolume, { nid, count, offsetInNode }: Run, isNode: boolean): Task<string> {
  if (isNode) return `node ${rangeOf(nid, count)}`;
  const slots = `slot ${rangeOf(offsetInNode, count)} of node ${nid}`;
  const { value: line } = yield* attempt(natLineOf(volume, nid));
  if (line === undefined) return `${slots}, a nid that the NAT has no room for`;
  if (line.blockAddress === 0) return `${slots}, which is free now`;
  return line.ino === nid ? `${slots}, an inode` : `${slots} of ino ${line.ino}`;
}

/** A segment with valid blocks whose summary is of the other kind: nothing in it can be believed. */
function problemsOfSummary({ view, address, segno }: Summary, sit: SitLine): FsError[] {
  const found = SummaryBlock.entryType.get(view, 0);
  const expected = isNodeSegmentType(sit.type) ? SummaryType.node : SummaryType.data;
  if (sit.validBlocks === 0 || found === expected) return [];
  const where = { block: address, segno, offset: SummaryBlock.entryType.offset };
  return [corrupt('summary', { where, expected: typeNames[expected]!, found: typeNames[found] ?? found })];
}
