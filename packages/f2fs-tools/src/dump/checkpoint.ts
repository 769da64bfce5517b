// The checkpoint: one of the two packs, from a mounted volume or from a device that no mount accepts. The dump is of the
// pack's first block; what the pack holds beside it are its children, as far as the first block is sound:
//
//   closing checkpoint block | layout of the pack | version bitmaps | NAT journal | SIT journal | orphans | nat_bits

import type { FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CHECKPOINT_BITMAP_OFFSET,
  CHECKPOINT_CHECKSUM_OFFSET_MIN,
  type Checkpoint,
  checkpointChecksum,
  checkpointFlagNames,
  countBits,
  decodeCheckpoint,
  decodeOrphanBlock,
  decodePack,
  formatKinds,
  NAT_BITS_FULL_OFFSET,
  NatBitsHeader,
  natBitsBytes,
  natBitsEmptyOffset,
  natBitsKeyMatches,
  natBlockCount,
  OrphanBlock,
  type PackLayout,
  packAddress,
  packLayout,
  RawCheckpoint,
  RawSuperblock,
  SEGMENT_BLOCKS,
  SUPER_MAGIC,
  type Superblock,
  segmentTypeName,
  selectPack,
  versionBitmapOffsets,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { CACHE_BYTES_MIN, DeviceMapping, PageCache } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { CHECKPOINT_BITMAP_NAME, checkpointNames } from './c-names.ts';
import { attempt, type Dump, type DumpRow, fieldRows, type Meanings, newDump, placeAt, problemsOf } from './dump.ts';
import { natJournalDump, readNatJournal, readSitJournal, sitJournalDump } from './journals.ts';
import { blockBytesOf, bytesOf, countOf, hexOf, segmentBytesOf } from './phrases.ts';
import { type DumpSource, deviceOf, readSuperblockInUse, type SuperblockCopy } from './superblock.ts';

/**
 * A checkpoint pack, every field of its first block also where the pack is broken. Without `pack` the one in use: of a
 * volume the one it was mounted with, of a device the newer sound one, or pack 0 where none is.
 *
 * Throws the superblock's own error where no copy of it says where the packs are, and EIO.
 */
export function* dumpCheckpoint(source: DumpSource, pack?: 0 | 1): Task<Dump> {
  const device = deviceOf(source);
  if (!('submit' in source)) {
    return yield* dumpPack(source.store.blocks, source.superblock, pack ?? source.pack.index);
  }
  const blocks = new DeviceMapping(new PageCache({ budgetBytes: CACHE_BYTES_MIN }), device);
  const found = yield* readSuperblockInUse(device);
  if (found.superblock !== undefined) {
    return yield* dumpPack(blocks, found.superblock, pack ?? (yield* packInUse(blocks, found.superblock)));
  }
  return yield* dumpWithoutSuperblock(blocks, found, pack ?? 0);
}

function* packInUse(blocks: DeviceMapping, superblock: Superblock): Task<0 | 1> {
  const candidates: Array<Checkpoint | FsError> = [];
  for (const pack of [0, 1] as const) {
    const { value, problem } = yield* attempt(readPack(blocks, superblock, pack));
    candidates.push(problem ?? value);
  }
  let chosen: 0 | 1 = 0;
  problemsOf(() => {
    chosen = selectPack(candidates[0]!, candidates[1]!, formatKinds).pack;
  });
  return chosen;
}

function* readPack(blocks: DeviceMapping, superblock: Superblock, pack: 0 | 1): Task<Checkpoint> {
  const address = packAddress(superblock, pack);
  const first = yield* blocks.copy(address);
  const { packBlockCount } = decodeCheckpoint(first.bytes, superblock, address);
  const last = yield* blocks.copy(address + packBlockCount - 1);
  return decodePack(first.bytes, last.bytes, superblock, address);
}

function* dumpPack(blocks: DeviceMapping, superblock: Superblock, pack: 0 | 1): Task<Dump> {
  const address = packAddress(superblock, pack);
  const block = yield* blocks.copy(address);
  let checkpoint: Checkpoint | undefined;
  const problems = problemsOf(() => {
    checkpoint = decodeCheckpoint(block.bytes, superblock, address);
  });
  const children: Dump[] = [];
  if (checkpoint !== undefined) {
    problems.push(...checkpoint.problems);
    const closing = yield* attempt(readPack(blocks, superblock, pack));
    if (closing.problem !== undefined) problems.push(closing.problem);
    let layout: PackLayout | undefined;
    problems.push(
      ...problemsOf(() => {
        layout = packLayout(checkpoint!, superblock);
      }),
    );
    if (layout !== undefined) {
      for (const part of yield* packParts(blocks, superblock, checkpoint, layout, problems)) children.push(part);
    }
  }
  return newDump({
    title: `Checkpoint, pack ${pack + 1}`,
    place: placeAt(address),
    layout: RawCheckpoint.$name,
    rows: checkpointRows(block.bytes, block.view),
    problems,
    children,
  });
}

/** Only where the packs start is taken from a superblock that is not sound, and only where it says F2FS. */
function* dumpWithoutSuperblock(blocks: DeviceMapping, found: SuperblockCopy, pack: 0 | 1): Task<Dump> {
  const view = viewOf(found.bytes);
  if (RawSuperblock.magic.get(view, 0) !== SUPER_MAGIC) throw found.problems[0]!;
  const address = RawSuperblock.checkpointAddress.get(view, 0) + pack * SEGMENT_BLOCKS;
  const block = yield* blocks.copy(address);
  return newDump({
    title: `Checkpoint, pack ${pack + 1}`,
    place: placeAt(address),
    layout: RawCheckpoint.$name,
    rows: checkpointRows(block.bytes, block.view),
    problems: found.problems,
  });
}

function checkpointRows(block: Uint8Array, view: DataView): DumpRow[] {
  const checksumOffset = RawCheckpoint.checksumOffset.get(view, 0);
  const rows = fieldRows(RawCheckpoint, view, 0, { cNames: checkpointNames, meanings });
  rows.push({
    offset: CHECKPOINT_BITMAP_OFFSET,
    size: BLOCK_SIZE - CHECKPOINT_BITMAP_OFFSET,
    type: `u8[${BLOCK_SIZE - CHECKPOINT_BITMAP_OFFSET}]`,
    name: 'bitmapArea',
    cName: CHECKPOINT_BITMAP_NAME,
    value: block.slice(CHECKPOINT_BITMAP_OFFSET),
    meaning: 'version bitmaps and checksum',
    note: 'the version bitmaps of SIT and NAT, or as much of them as fits, and the checksum',
  });
  if (checksumOffset >= CHECKPOINT_CHECKSUM_OFFSET_MIN && checksumOffset <= BLOCK_SIZE - 4) {
    const value = view.getUint32(checksumOffset, true);
    const expected = checkpointChecksum(block, checksumOffset);
    rows.push({
      offset: checksumOffset,
      size: 4,
      type: 'u32',
      name: 'checksum',
      value,
      meaning: value === expected ? 'right' : `wrong, should be ${hexOf(expected)}`,
      note: 'CRC of the block, where checksumOffset says',
    });
  }
  return rows;
}

const logNames = ['hot', 'warm', 'cold'];

const meanings: Meanings<typeof RawCheckpoint> = {
  userBlockCount: (count) => blockBytesOf(Number(count)),
  validBlockCount: (count) => blockBytesOf(Number(count)),
  reservedSegmentCount: segmentBytesOf,
  overprovisionSegmentCount: segmentBytesOf,
  freeSegmentCount: segmentBytesOf,
  currentNodeSegments: threeLogs,
  currentNodeOffsets: threeLogs,
  currentDataSegments: threeLogs,
  currentDataOffsets: threeLogs,
  flags: checkpointFlagNames,
  packBlockCount: (count) => blockBytesOf(count),
  elapsedTime: (seconds) => `${seconds} seconds mounted`,
  allocationTypes: (types) =>
    Array.from(types.subarray(0, 6), (type, log) => `${segmentTypeName(log)} ${allocationName(type)}`),
};

function threeLogs(values: number[]): string[] {
  return logNames.map((name, log) => `${name} ${values[log]}`);
}

function allocationName(type: number): string {
  return type === 0 ? 'appends' : type === 1 ? 'fills holes' : `unknown ${type}`;
}

function* packParts(
  blocks: DeviceMapping,
  superblock: Superblock,
  checkpoint: Checkpoint,
  layout: PackLayout,
  problems: FsError[],
): Task<Dump[]> {
  const { address } = checkpoint;
  const parts: Dump[] = [layoutDump(address, layout)];
  const places = { address, layout };
  const tasks: Array<Task<Dump | undefined>> = [
    bitmapsDump(blocks, superblock, checkpoint),
    journalDump(readNatJournal(blocks, places), superblock, natJournalDump),
    journalDump(readSitJournal(blocks, places), superblock, sitJournalDump),
    orphansDump(blocks, address, layout),
    natBitsDump(blocks, superblock, checkpoint, layout),
  ];
  for (const task of tasks) {
    const { value, problem } = yield* attempt(task);
    if (problem !== undefined) problems.push(problem);
    else if (value !== undefined) parts.push(value);
  }
  return parts;
}

function* journalDump<J>(
  reading: Task<J>,
  superblock: Superblock,
  dump: (journal: J, superblock: Superblock) => Dump,
): Task<Dump> {
  return dump(yield* reading, superblock);
}

/** Where each part of the pack lies; the value is its first block. */
function layoutDump(address: number, layout: PackLayout): Dump {
  const { dataSummaryBlocks, compact, nodeSummaryBlocks, orphanBlocks, payloadBlocks, natBitsBlocks } = layout;
  const parts: Array<[name: string, index: number, blocks: number, note: string]> = [
    ['checkpoint', 0, 1, 'opens the pack'],
    ['payload', layout.payloadIndex, payloadBlocks, 'version bitmaps that outgrow the checkpoint block'],
    ['orphans', layout.orphanIndex, orphanBlocks, 'inodes to free'],
    [
      'dataSummaries',
      layout.dataSummaryIndex,
      dataSummaryBlocks,
      compact ? 'packed, with the journals' : 'three, full',
    ],
    ['nodeSummaries', layout.nodeSummaryIndex, nodeSummaryBlocks, 'three, after an unmount'],
    ['closingCheckpoint', layout.lastIndex, 1, 'the same block again: the pack was written to its end'],
    ['natBits', layout.natBitsIndex, natBitsBlocks, 'free and full NAT blocks, at the end of the segment'],
  ];
  const rows = parts
    .filter(([, , blocks]) => blocks > 0)
    .map(
      ([name, index, blocks, note]): DumpRow => ({
        offset: index * BLOCK_SIZE,
        size: blocks * BLOCK_SIZE,
        type: `block[${blocks}]`,
        name,
        value: address + index,
        meaning: `${countOf(blocks, 'block')} from index ${index}`,
        note,
      }),
    );
  return newDump({ title: 'Layout of the pack', place: placeAt(address), layout: 'checkpoint pack', rows });
}

function* bitmapsDump(blocks: DeviceMapping, superblock: Superblock, checkpoint: Checkpoint): Task<Dump> {
  const packBytes = new Uint8Array((1 + superblock.checkpointPayloadBlocks) * BLOCK_SIZE);
  for (let index = 0; index <= superblock.checkpointPayloadBlocks; index++) {
    packBytes.set((yield* blocks.copy(checkpoint.address + index)).bytes, index * BLOCK_SIZE);
  }
  const starts = versionBitmapOffsets(checkpoint, superblock);
  const row = (name: string, offset: number, size: number, what: string): DumpRow => {
    const value = packBytes.slice(offset, offset + size);
    const second = countBits(value);
    return {
      offset,
      size,
      type: `u8[${size}]`,
      name,
      value,
      meaning: second === 0 ? `every ${what} block in copy 1` : `${countOf(second, `${what} block`)} in copy 2`,
      note: 'MSB-first, one bit a block: which copy is in use',
    };
  };
  return newDump({
    title: 'Version bitmaps',
    place: placeAt(checkpoint.address),
    layout: CHECKPOINT_BITMAP_NAME,
    rows: [
      row('natBitmap', starts.nat, checkpoint.natBitmapBytes, 'NAT'),
      row('sitBitmap', starts.sit, checkpoint.sitBitmapBytes, 'SIT'),
    ].sort((a, b) => a.offset - b.offset),
  });
}

function* orphansDump(
  blocks: DeviceMapping,
  address: number,
  { orphanIndex, orphanBlocks }: PackLayout,
): Task<Dump | undefined> {
  if (orphanBlocks === 0) return undefined;
  const rows: DumpRow[] = [];
  const problems: FsError[] = [];
  for (let index = 0; index < orphanBlocks; index++) {
    const block = yield* blocks.copy(address + orphanIndex + index);
    problems.push(...problemsOf(() => decodeOrphanBlock(block.view, block.address)));
    const { inos, entryCount } = OrphanBlock;
    const count = Math.min(entryCount.get(block.view, 0), inos.length);
    rows.push({
      offset: index * BLOCK_SIZE,
      size: 4 * count,
      type: `u32[${count}]`,
      name: `inos[${index}]`,
      cName: 'ino',
      value: Array.from({ length: count }, (_, entry) => inos.get(block.view, 0, entry)),
      meaning: countOf(count, 'orphan'),
      note: inos.note,
    });
  }
  return newDump({
    title: 'Orphans',
    place: placeAt(address + orphanIndex),
    layout: OrphanBlock.$name,
    rows,
    problems,
  });
}

function* natBitsDump(
  blocks: DeviceMapping,
  superblock: Superblock,
  checkpoint: Checkpoint,
  { natBitsIndex, natBitsBlocks }: PackLayout,
): Task<Dump | undefined> {
  if (natBitsBlocks === 0) return undefined;
  const address = checkpoint.address + natBitsIndex;
  const bytes = new Uint8Array(natBitsBlocks * BLOCK_SIZE);
  for (let index = 0; index < natBitsBlocks; index++) {
    bytes.set((yield* blocks.copy(address + index)).bytes, index * BLOCK_SIZE);
  }
  const view = viewOf(bytes);
  const mapBytes = natBitsBytes(superblock);
  const natBlocks = natBlockCount(superblock);
  const { key } = NatBitsHeader;
  const map = (name: string, offset: number, what: string): DumpRow => {
    const value = bytes.slice(offset, offset + mapBytes);
    const meaning = `${countOf(countBits(value), 'NAT block')} of ${natBlocks} ${what}`;
    return {
      offset,
      size: mapBytes,
      type: `u8[${mapBytes}]`,
      name,
      value,
      meaning,
      note: 'LSB-first, one bit a NAT block',
    };
  };
  return newDump({
    title: 'nat_bits',
    place: placeAt(address),
    layout: NatBitsHeader.$name,
    rows: [
      {
        offset: key.offset,
        size: key.size,
        type: key.type,
        name: 'key',
        value: key.decode(view, 0),
        meaning: natBitsKeyMatches(checkpoint, view, 0) ? 'of this checkpoint' : 'of another checkpoint: to be ignored',
        note: key.note,
      },
      map('full', NAT_BITS_FULL_OFFSET, 'without a free nid'),
      map('empty', natBitsEmptyOffset(superblock), 'without a nid in use'),
    ],
    facts: [{ name: 'size', value: bytesOf(NatBitsHeader.$size + 2 * mapBytes) }],
  });
}
