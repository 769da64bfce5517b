// NAT entries: where a node lives. The entry that holds is the journal's, or else the one in the copy of its NAT block
// that the version bitmap names; the dump of one nid shows all three.

import type { FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  corrupt,
  isMainAddress,
  NAT_ENTRIES_PER_BLOCK,
  NatEntry,
  type NatRecord,
  NULL_ADDRESS,
  natBlockIndex,
  natCopyAddress,
  natEntryOffset,
  otherNatAddress,
  RESERVED_NIDS,
  RESERVED_NODE_ADDRESS,
} from '@f2fskit/f2fs-format';
import type { CachedBlock } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { addressMeaning } from './areas.ts';
import { natEntryNames } from './c-names.ts';
import { type Dump, type DumpRow, fieldRows, newDump, placeAt } from './dump.ts';
import { type Journal, readNatJournal, type TableSource } from './journals.ts';
import { requireInRange, requireRange } from './usage.ts';

/** The entry of a nid, and where it lies. */
export interface NatLine extends NatRecord {
  readonly source: TableSource;
  /** Block address of the entry itself, and the byte there. */
  readonly entryBlock: number;
  readonly entryOffset: number;
}

/**
 * The NAT entry of one nid; its children are the entries of both copies and of the journal. Throws EINVAL for a nid that
 * the table has no room for, EIO.
 */
export function* dumpNat(volume: F2fsVolume, nid: number): Task<Dump> {
  requireInRange('nid', nid, 0, volume.store.nat.nidEnd - 1);
  const { blocks } = volume.store;
  const inUse = natBlockInUse(volume, nid);
  const journal = yield* readNatJournal(blocks, volume.pack);
  const journaled = journal.inForce.get(nid);
  const offset = natEntryOffset(nid);
  const current = yield* blocks.copy(inUse.address);
  const other = yield* blocks.copy(otherNatAddress(volume.superblock, inUse.address));
  const children = [
    entryDump(volume, `In the table, ${inUse.source}`, current, offset),
    entryDump(volume, `In the table, ${inUse.source === 'copy 1' ? 'copy 2' : 'copy 1'}, not in use`, other, offset),
  ];
  if (journaled !== undefined) {
    children.push(entryDump(volume, 'In the journal', journal.block, journaled.entryAt));
  }
  const line = effectiveLine(nid, journal, current, inUse.source);
  return newDump({
    title: `NAT entry of nid ${nid}`,
    place: placeAt(line.entryBlock, line.entryOffset),
    layout: NatEntry.$name,
    facts: [
      { name: 'source', value: line.source === 'journal' ? 'NAT journal of the checkpoint' : `table, ${line.source}` },
      { name: 'state', value: stateOf(line) },
    ],
    rows: entryRows(volume, line.source === 'journal' ? journal.block : current, line.entryOffset),
    problems: problemsOfEntry(volume, line),
    children,
  });
}

/**
 * The entries in force of a range of nids, a NAT block at a time; free nids are left out. The caller owns the loop:
 *
 *   const range = NatRange.of(volume, 0, end);
 *   for (let lines = yield* range.next(); lines !== undefined; lines = yield* range.next()) { … }
 */
export class NatRange {
  readonly #volume: F2fsVolume;
  readonly #last: number;
  #next: number;
  #journal: Journal | undefined;

  /** Throws EINVAL for nids that the table has no room for. */
  static of(volume: F2fsVolume, first = 0, last = volume.store.nat.nidEnd - 1): NatRange {
    requireRange('nid', first, last, volume.store.nat.nidEnd - 1);
    return new NatRange(volume, first, last);
  }

  private constructor(volume: F2fsVolume, first: number, last: number) {
    this.#volume = volume;
    this.#next = first;
    this.#last = last;
  }

  /** The entries of the next NAT block, possibly none; `undefined` at the end. Throws EIO. */
  *next(): Task<NatLine[] | undefined> {
    if (this.#next > this.#last) return undefined;
    const { blocks } = this.#volume.store;
    this.#journal ??= yield* readNatJournal(blocks, this.#volume.pack);
    const { address, source } = natBlockInUse(this.#volume, this.#next);
    const block = yield* blocks.copy(address);
    const end = Math.min(this.#last, (natBlockIndex(this.#next) + 1) * NAT_ENTRIES_PER_BLOCK - 1);
    const lines: NatLine[] = [];
    const { inForce } = this.#journal;
    for (; this.#next <= end; this.#next++) {
      // Most nids of most volumes are free: nothing is made for those.
      const at = natEntryOffset(this.#next);
      if (!inForce.has(this.#next) && NatEntry.blockAddress.get(block.view, at) === NULL_ADDRESS) continue;
      const line = effectiveLine(this.#next, this.#journal, block, source);
      if (line.blockAddress !== NULL_ADDRESS) lines.push(line);
    }
    return lines;
  }
}

/** The NAT block of a nid that the version bitmap names. */
function natBlockInUse(volume: F2fsVolume, nid: number): { address: number; source: 'copy 1' | 'copy 2' } {
  const { block: address } = volume.store.nat.placeOf(nid);
  const first = natCopyAddress(volume.superblock, natBlockIndex(nid), 0);
  return { address, source: address === first ? 'copy 1' : 'copy 2' };
}

function effectiveLine(nid: number, journal: Journal, table: CachedBlock, tableSource: TableSource): NatLine {
  const journaled = journal.inForce.get(nid);
  const block = journaled === undefined ? table : journal.block;
  const at = journaled?.entryAt ?? natEntryOffset(nid);
  return {
    nid,
    version: NatEntry.version.get(block.view, at),
    ino: NatEntry.ino.get(block.view, at),
    blockAddress: NatEntry.blockAddress.get(block.view, at),
    source: journaled === undefined ? tableSource : 'journal',
    entryBlock: block.address,
    entryOffset: at,
  };
}

function entryDump(volume: F2fsVolume, title: string, block: CachedBlock, at: number): Dump {
  const rows = entryRows(volume, block, at);
  return newDump({ title, place: placeAt(block.address, at), layout: NatEntry.$name, rows });
}

function entryRows({ superblock }: F2fsVolume, block: CachedBlock, at: number): DumpRow[] {
  const isReserved = (address: number): boolean => address === RESERVED_NODE_ADDRESS;
  return fieldRows(NatEntry, block.view, at, {
    cNames: natEntryNames,
    meanings: {
      blockAddress: (address) => (isReserved(address) ? 'reserved' : addressMeaning(superblock, address)),
    },
  });
}

function stateOf({ nid, ino, blockAddress }: NatLine): string {
  if (nid < RESERVED_NIDS) return 'reserved, never a node';
  if (blockAddress === NULL_ADDRESS) return 'free';
  return ino === nid ? 'inode' : `node of ino ${ino}`;
}

function problemsOfEntry({ superblock }: F2fsVolume, line: NatLine): FsError[] {
  const { nid, blockAddress } = line;
  if (nid < RESERVED_NIDS || blockAddress === NULL_ADDRESS || isMainAddress(superblock, blockAddress)) return [];
  const where = { nid, block: line.entryBlock, offset: line.entryOffset + NatEntry.blockAddress.offset };
  return [corrupt('blockAddress', { where, expected: 'an address in the main area', found: blockAddress })];
}

/** The NAT entry of a nid that has a node. Throws EINVAL for one that the table lacks, EIO. */
export function* natLineOf(volume: F2fsVolume, nid: number): Task<NatLine> {
  requireInRange('nid', nid, 0, volume.store.nat.nidEnd - 1);
  const { blocks } = volume.store;
  const journal = yield* readNatJournal(blocks, volume.pack);
  const { address, source } = natBlockInUse(volume, nid);
  return effectiveLine(nid, journal, yield* blocks.copy(address), source);
}
