// dump.f2fs and we look at the same volumes: every field that it prints is compared with ours, through the C name that
// each of our rows carries. What is not compared field by field stands in a list here, with the reason.
//
// The volumes: plain (no features; bitmaps with flipped bits), compress-lz4-4 (extra attributes, checksums, clusters),
// geometry (large NAT bitmap, sections and zones of two) and crash-fsync (a pack without node summaries, entries in both
// journals).

import type { F2fsVolume } from '@f2fskit/f2fs';
import { NEW_ADDRESS } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Dump,
  type DumpRow,
  dumpBlock,
  dumpCheckpoint,
  dumpDnode,
  dumpInode,
  dumpNat,
  dumpSit,
  dumpSsa,
  dumpSuperblock,
  NatRange,
  SitRange,
} from '../src/index.ts';
import { Judge, judgeVersion } from './judge.ts';
import { rowOf } from './rows.ts';
import { goldenDevice, goldenVolume, inoOf } from './volumes.ts';

const version = judgeVersion();

/** What dump.f2fs calls otherwise than the C structures: its spelling, or the name before a field was given one. */
const spellings: Readonly<Record<string, string>> = {
  volum_name: 'volume_name',
  i_compress_algrithm: 'i_compress_algorithm',
  i_padding: 'i_compress_flag',
};

/** Indices that it prints as names. */
const indices: Readonly<Record<string, number>> = {
  CURSEG_HOT_DATA: 0,
  CURSEG_WARM_DATA: 1,
  CURSEG_COLD_DATA: 2,
  CURSEG_HOT_NODE: 3,
  CURSEG_WARM_NODE: 4,
  CURSEG_COLD_NODE: 5,
};

/** The stored numbers of rows by C name; an array has one for each index: `cur_node_segno[0]`. */
function byCName(rows: readonly DumpRow[]): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const { cName, value } of rows) {
    if (cName === undefined) continue;
    if (typeof value === 'number' || typeof value === 'bigint') values.set(cName, BigInt.asUintN(64, BigInt(value)));
    else for (const [index, element] of value.entries()) values.set(`${cName}[${index}]`, BigInt(element));
  }
  return values;
}

/** Our value of a field of dump.f2fs; fails for one that we do not show. */
function ours(values: ReadonlyMap<string, bigint>, name: string): bigint {
  const [, base, index] = /^([^[]+)(?:\[(\w+)\])?$/.exec(name)!;
  const cName = spellings[base!] ?? base!;
  const value = values.get(index === undefined ? cName : `${cName}[${indices[index] ?? index}]`);
  if (value === undefined) throw new Error(`dump.f2fs (${version}) prints ${name}, which has no row here`);
  return value;
}

/** Text fields that dump.f2fs prints without a number. */
function printedText(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`dump.f2fs (${version}) did not print ${pattern}`);
  return found;
}

const textOf = (row: DumpRow): string => JSON.parse(String(row.meaning)) as string;

/** Words of an inode's address area, or slots of a node, as rows say: index in the C array → value. */
function slotsOf(rows: readonly DumpRow[], array: string): Map<number, number> {
  const slots = new Map<number, number>();
  for (const { cName, value, run = 1 } of rows) {
    const match = new RegExp(`^${array}\\[(\\d+)`).exec(cName ?? '');
    if (match === null) continue;
    const first = Number(match[1]);
    if (typeof value !== 'number')
      for (const [index, slot] of (value as number[]).entries()) slots.set(first + index, slot);
    else {
      const repeats = value === 0 || value === NEW_ADDRESS;
      for (let index = 0; index < run; index++) slots.set(first + index, repeats ? value : value + index);
    }
  }
  return slots;
}

const volumes: ReadonlyArray<readonly [name: string, paths: readonly string[]]> = [
  ['plain', ['/', '/d/many', '/d/inline', '/d/b4097', '/d/sparse', '/d/text', '/d/short', '/d/blk', '/far']],
  ['compress-lz4-4', ['/', '/d/a', '/c/zeros', '/c/mixed', '/c/sparse', '/c/released', '/d/short', '/d/null']],
  ['geometry', ['/', '/d/many', '/d/sparse', '/d/hard']],
  ['crash-fsync', ['/', '/d/old', '/c/synced']],
];

describe.skipIf(version === undefined).each(volumes)('dump.f2fs on %s', (name, paths) => {
  let judge: Judge;
  let volume: F2fsVolume;
  beforeAll(() => {
    volume = goldenVolume(name);
    judge = new Judge(goldenDevice(name));
  });
  afterAll(() => judge.close());

  it('sees the same superblock and the same checkpoint', () => {
    const { text, fields } = judge.run('-d', '1');
    const superblock = runSync(dumpSuperblock(volume));
    const checkpoint = runSync(dumpCheckpoint(volume));
    const names = fields.map((field) => field.name);
    expect(names.slice(0, 3)).toEqual(['magic', 'major_ver', 'minor_ver']);
    // The two structures follow each other in the output; `checksum_offset` is a field of both.
    const border = names.indexOf('checkpoint_ver');
    expect(border).toBeGreaterThan(25);
    expect(fields.length - border).toBeGreaterThan(30);
    const superblockValues = byCName(superblock.rows);
    const checkpointValues = byCName(checkpoint.rows);
    for (const [index, field] of fields.entries()) {
      const values = index < border ? superblockValues : checkpointValues;
      expect([field.name, ours(values, field.name)]).toEqual([field.name, field.value]);
    }

    expect(textOf(rowOf(superblock, 'volumeName'))).toBe(printedText(text, /^volum\w*_name\s*\[(.*)\]$/m));
    expect(textOf(rowOf(superblock, 'version'))).toBe(printedText(text, /^version\s+(.*)$/m));
    expect(textOf(rowOf(superblock, 'initVersion'))).toBe(printedText(text, /MKFS version\n\s*"(.*)"/));
    expect(textOf(rowOf(superblock, 'version'))).toBe(printedText(text, /FSCK version\n\s*from "(.*)"/));
    expect(rowOf(superblock, 'features').value).toBe(Number.parseInt(printedText(text, /features = ([0-9a-f]+) /), 16));
    const named = printedText(text, /features = [0-9a-f]+ : ?(.*)$/m)
      .split(/\s+/)
      .filter((word) => word !== '');
    expect([...(rowOf(superblock, 'features').meaning as string[])].sort()).toEqual(named.sort());
    expect(rowOf(superblock, 'encryptionLevel').value).toBe(Number(printedText(text, /encrypt level = (\d+)/)));
    const salt = Buffer.from(rowOf(superblock, 'encryptionPasswordSalt').value as Uint8Array).toString('hex');
    expect(salt).toBe(printedText(text, /salt = ([0-9a-f]+)/));
    expect(rowOf(superblock, 'segmentsPerSection').value).toBe(
      Number(printedText(text, /Segments per section = (\d+)/)),
    );
    expect(rowOf(superblock, 'sectionsPerZone').value).toBe(Number(printedText(text, /Sections per zone = (\d+)/)));
    const sectors = Number(printedText(text, /total FS sectors = (\d+)/));
    expect(rowOf(superblock, 'blockCount').value).toBe(sectors / 8);
    expect(rowOf(checkpoint, 'version').value).toBe(BigInt(`0x${printedText(text, /CKPT version = ([0-9a-f]+)/)}`));
    expect(rowOf(checkpoint, 'flags').value).toBe(Number.parseInt(printedText(text, /state = ([0-9a-f]+) /), 16));
    // Not compared, because they are of the run and not of the volume: the debug level, the kernel that dump.f2fs runs
    // on (`to "Linux version …"`), the seconds it took; and the flags of the checkpoint in its own words, beside their
    // value.
  });

  it('sees the same NAT', () => {
    judge.run('-n', '0~-1');
    const pattern = /nid:\s*(\d+)\s+ino:\s*(\d+)\s+offset:\s*(\d+)\s+blkaddr:\s*(\d+)\s+pack:(\d)/;
    const printed = judge
      .file('dump_nat')
      .split('\n')
      .filter((line) => line !== '');
    const theirs = printed.map((line) => pattern.exec(line)!.slice(1).map(Number));
    const mine: number[][] = [];
    const range = NatRange.of(volume);
    for (let lines = runSync(range.next()); lines !== undefined; lines = runSync(range.next())) {
      for (const { nid, ino, blockAddress } of lines) {
        if (blockAddress === 1) continue; // the reserved nids, which dump.f2fs leaves out
        const flag = rowOf(runSync(dumpDnode(volume, nid)), 'footer.flag').value as number;
        mine.push([nid, ino, flag >>> 3, blockAddress, copyInUse(runSync(dumpNat(volume, nid)))]);
      }
    }
    expect(mine).toEqual(theirs);
    expect(mine.length).toBe(volume.checkpoint.validNodeCount);
  });

  it('sees the same SIT', () => {
    judge.run('-s', '0~-1');
    const text = judge.file('dump_sit');
    const entries = [
      ...text.matchAll(/segno:\s*(\d+)\s+vblocks:\s*(\d+)\s+seg_type:(\d+)\s+sit_pack:(\d)\n([\s0-9a-f]*)/g),
    ];
    const theirs = entries.map(([, segno, blocks, type, copy, map]) => {
      return [Number(segno), Number(blocks), Number(type), Number(copy), map!.replace(/\s/g, '')];
    });
    const mine: unknown[] = [];
    const range = SitRange.of(volume);
    for (let lines = runSync(range.next()); lines !== undefined; lines = runSync(range.next())) {
      for (const { segno, validBlocks, type, validMap } of lines) {
        const map = validBlocks === 0 ? '' : Buffer.from(validMap).toString('hex'); // left out where it is empty
        mine.push([segno, validBlocks, type, copyInUse(runSync(dumpSit(volume, segno))), map]);
      }
    }
    expect(mine).toEqual(theirs);
  });

  it('sees the same owners of the blocks in every segment', () => {
    judge.run('-a', '0~-1');
    const sections = judge
      .file('dump_ssa')
      .split(/^segno: ([0-9a-f]+), .*$/m)
      .slice(1);
    expect(sections.length / 2).toBe(volume.superblock.segmentCountMain);
    for (let index = 0; index < sections.length; index += 2) {
      const segno = Number.parseInt(sections[index]!, 16);
      const theirs = [...sections[index + 1]!.matchAll(/\[\s*\d+:\s*([0-9a-f]+)\]/g)].map(([, nid]) =>
        Number.parseInt(nid!, 16),
      );
      expect([segno, nidsOf(runSync(dumpSsa(volume, segno)))]).toEqual([segno, theirs]);
    }
  });

  it.each(paths)('sees the same inode: %s', (path) => {
    const ino = inoOf(volume, path);
    const { text, fields } = judge.run('-d', '1', '-i', String(ino));
    const dump = runSync(dumpInode(volume, ino));
    const extra = dump.children.find(({ title }) => title === 'Extra attributes');
    const values = byCName([...dump.rows, ...(extra?.rows ?? [])]);
    const inode = fields.slice(fields.findIndex((field) => field.name === 'i_mode'));
    expect(inode.length).toBeGreaterThan(20);
    const words = wordsOf(volume, dump);
    const printed = new Map<number, number>();
    for (const { name: field, value } of inode) {
      // `i_addr[0xd] cluster flag`: the words of the address area that are not zero, whatever they hold.
      const word = /^i_addr\[0x([0-9a-f]+)\]/.exec(field);
      if (word !== null) printed.set(Number.parseInt(word[1]!, 16), Number(value));
      else expect([field, ours(values, field)]).toEqual([field, value]);
    }
    expect(printed).toEqual(new Map([...words].filter(([, value]) => value !== 0)));

    const extent = /^i_ext: fofs:([0-9a-f]+) blkaddr:([0-9a-f]+) len:([0-9a-f]+)$/m.exec(text)!;
    const extentRows = ['extent.fileBlock', 'extent.address', 'extent.length'];
    expect(extentRows.map((row) => rowOf(dump, row).value)).toEqual(
      extent.slice(1).map((hex) => Number.parseInt(hex, 16)),
    );
    // A name is not printed where there is none: the root's, and those that are encrypted.
    if (rowOf(dump, 'nameLength').value !== 0) {
      expect(Buffer.from(textOf(rowOf(dump, 'name'))).toString('latin1')).toBe(
        printedText(text, /^i_name\s+\[(.*)\]$/m),
      );
    }
    compareNode(volume, ino, dump, text);
    compareAttributes(dump, text);
  });

  it('sees the same direct and indirect nodes', () => {
    const nids = paths.flatMap((path) => {
      const inode = runSync(dumpInode(volume, inoOf(volume, path)));
      return inode.rows.flatMap((row) =>
        row.name.startsWith('nids[') && row.value !== 0 ? [row.value as number] : [],
      );
    });
    for (const nid of nids) {
      const { text } = judge.run('-d', '1', '-i', String(nid));
      const theirs = [...text.matchAll(/^\[(\d+)\]\s+\[0x\s*([0-9a-f]+) : \d+\]$/gm)].map(([, , hex]) =>
        Number.parseInt(hex!, 16),
      );
      const dump = runSync(dumpDnode(volume, nid));
      const array = dump.layout === 'direct_node' ? 'addr' : 'nid';
      expect([nid, [...slotsOf(dump.rows, array).values()]]).toEqual([nid, theirs]);
      compareNode(volume, nid, dump, text);
    }
    if (name === 'plain') expect(nids).toHaveLength(4);
  });
});

/** 1 or 2: the copy of its table block that the version bitmap names. */
function copyInUse({ children }: Dump): number {
  return Number(
    /^In the table, copy (\d)$/.exec(children.find(({ title }) => /^In the table, copy \d$/.test(title))!.title)![1],
  );
}

/** The nid of every entry of a summary. */
function nidsOf({ rows }: Dump): number[] {
  const isNode = rows.find(({ name }) => name === 'entryType')!.value === 1;
  return rows.flatMap(({ name, value, run = 1 }) => {
    if (!name.startsWith('entries[')) return [];
    const [nid] = value as number[];
    return Array.from({ length: run }, (_, index) => (isNode && nid !== 0 ? nid! + index : nid!));
  });
}

/** The NAT entry and the footer, which dump.f2fs prints before a node. */
function compareNode(volume: F2fsVolume, nid: number, dump: Dump, text: string): void {
  const nat = byCName(runSync(dumpNat(volume, nid)).rows);
  const hex = (pattern: RegExp): bigint => BigInt(printedText(text, pattern));
  expect(nat.get('block_addr')).toBe(hex(/nat_entry\.block_addr\s+\[(0x[0-9a-f]+)\]/));
  expect(nat.get('version')).toBe(hex(/nat_entry\.version\s+\[(0x[0-9a-f]+)\]/));
  expect(nat.get('ino')).toBe(hex(/nat_entry\.ino\s+\[(0x[0-9a-f]+)\]/));
  const footer = byCName(dump.rows);
  expect(footer.get('footer.ino')).toBe(hex(/node_blk\.footer\.ino\s+\[(0x[0-9a-f]+)\]/));
  expect(footer.get('footer.nid')).toBe(hex(/node_blk\.footer\.nid\s+\[(0x[0-9a-f]+)\]/));
}

/**
 * The words of an inode's address area behind the extra attributes and before the inline xattrs. dump.f2fs prints them as
 * addresses whatever they are; where we decode the area instead (inline data, inline entries, device numbers), they are
 * taken from the bytes of the block, as `dumpBlock` shows them.
 */
function wordsOf(volume: F2fsVolume, dump: Dump): Map<number, number> {
  const slots = dump.children.find(({ title }) => title.startsWith('Slots'));
  if (slots !== undefined) return slotsOf(slots.rows, 'i_addr');
  const { fields } = runSync(volume.store.readInode(rowOf(dump, 'footer.ino').value as number));
  const bytes = runSync(dumpBlock(volume, dump.place.block)).bytes!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = new Map<number, number>();
  for (let index = 0; index < fields.addressesPerInode; index++) {
    const word = fields.extraWords + index;
    words.set(word, view.getUint32(360 + 4 * word, true));
  }
  const inline = dump.children.find(({ title }) => title.startsWith('Inline data'));
  if (inline !== undefined) {
    const { offset } = inline.place;
    expect(inline.rows[0]!.value).toEqual(bytes.slice(offset, offset + inline.rows[0]!.size));
  }
  return words;
}

/** Extended attributes: index, name, sizes and, but for ACLs, which dump.f2fs prints in words of its own, the value. */
function compareAttributes(dump: Dump, text: string): void {
  const list = dump.children.find(({ title }) => title.startsWith('Extended attributes'));
  const rows = list?.rows.filter(({ name }) => name.startsWith('entries[')) ?? [];
  const pattern = /xattr: e_name_index:(\d+) e_name:(.*?) e_name_len:(\d+) e_value_size:(\d+) e_value:\n([0-9A-F]*)/g;
  const theirs = [...text.matchAll(pattern)];
  expect(rows).toHaveLength(theirs.length);
  for (const [index, [, , attribute, nameLength, size, hex]] of theirs.entries()) {
    const value = rows[index]!.value as Uint8Array;
    expect(rows[index]!.size).toBe(4 + Number(nameLength) + Number(size));
    expect(value).toHaveLength(Number(size));
    expect(String(rows[index]!.meaning)).toContain(`${attribute}"`);
    if (hex !== '') expect(Buffer.from(value).toString('hex')).toBe(hex!.toLowerCase());
  }
}
