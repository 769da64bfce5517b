// The fixed part of a volume: superblocks, checkpoint packs, tables, summaries.

import type { MemoryDevice } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  type Checkpoint,
  COMPACT_ENTRIES_OFFSET,
  decodeCheckpoint,
  decodePack,
  decodeSuperblock,
  journalsOfPack,
  NatBlock,
  NatJournal,
  natBlockCount,
  natCopyAddress,
  OrphanBlock,
  type PackLayout,
  packAddress,
  packLayout,
  RawCheckpoint,
  RawSuperblock,
  SIT_ENTRIES_PER_BLOCK,
  SitBlock,
  SitJournal,
  SUPER_OFFSET,
  SummaryBlock,
  SummaryEntry,
  type Superblock,
  selectPack,
  sitCopyAddress,
  ssaBlockAddress,
  testMsb,
  versionBitmapOffsets,
  versionBitmaps,
} from '@f2fskit/f2fs-format';
import { structs } from '@f2fskit/ondisk';
import { readImageBlock } from './image.ts';
import { rawBytes, single, without } from './layouts.ts';
import type { StructureCollector, VolumeFrame } from './structures.ts';

/** Places of each table that is mostly empty: more would only be more of the same. */
const TABLE_BLOCKS_MAX = 64;

export function collectMetadata(image: MemoryDevice, collector: StructureCollector): VolumeFrame {
  const superblock = decodeSuperblock(readImageBlock(image, 0).bytes.subarray(SUPER_OFFSET), 0);
  for (const block of [0, 1]) {
    const kind = block === 0 ? 'superblock' : 'superblockCopy';
    collector.add({ kind, block, offset: SUPER_OFFSET, layout: RawSuperblock, label: `copy ${block}` });
    collector.own(block, block === 0 ? 'all' : []);
    collector.seals.set(block, { type: 'superblock' });
  }
  const frame = collectPacks(image, superblock, collector);
  collectTables(frame, collector);
  return frame;
}

function readPack(image: MemoryDevice, superblock: Superblock, index: 0 | 1): Checkpoint | undefined {
  const address = packAddress(superblock, index);
  const first = readImageBlock(image, address).bytes;
  try {
    const { packBlockCount } = decodeCheckpoint(first, superblock, address);
    return decodePack(first, readImageBlock(image, address + packBlockCount - 1).bytes, superblock, address);
  } catch {
    return undefined; // a volume that was just made, or closed once, may have one pack only
  }
}

function collectPacks(image: MemoryDevice, superblock: Superblock, collector: StructureCollector): VolumeFrame {
  const packs = [readPack(image, superblock, 0), readPack(image, superblock, 1)] as const;
  const sound = packs.find((pack) => pack !== undefined);
  assert(sound !== undefined, 'a good volume has a sound pack');
  const { checkpoint, pack: inForce } = selectPack(packs[0] ?? sound, packs[1] ?? sound, [
    'checkpointErrorFlag',
    'checkpointLargeNatBitmap',
  ]);
  const index = packs[inForce] === undefined ? 1 - inForce : inForce;
  const other = packs[1 - index];
  const address = packAddress(superblock, index as 0 | 1);
  const layout = packLayout(checkpoint, superblock);
  const journals = journalsOfPack(layout);
  const last = address + layout.lastIndex;

  collector.add({
    kind: 'checkpoint',
    block: address,
    offset: 0,
    layout: RawCheckpoint,
    label: 'in force, first block',
  });
  collector.add({
    kind: 'checkpointEnd',
    block: last,
    offset: 0,
    layout: RawCheckpoint,
    label: 'in force, last block',
  });
  collector.seals.set(address, { type: 'checkpoint', twin: last });
  collector.seals.set(last, { type: 'checkpoint', twin: address });
  for (const block of [address, last]) collector.own(block, 'all');
  if (other !== undefined) {
    const otherLast = other.address + other.packBlockCount - 1;
    for (const [block, twin] of [
      [other.address, otherLast],
      [otherLast, other.address],
    ] as const) {
      collector.add({ kind: 'otherCheckpoint', block, offset: 0, layout: RawCheckpoint, label: 'not in force' });
      collector.seals.set(block, { type: 'checkpoint', twin });
      collector.own(block, 'all'); // with a newer version it would be in force
    }
  }
  collectPackBlocks(checkpoint, superblock, address, layout, collector);

  const headBlocks = 1 + superblock.checkpointPayloadBlocks;
  const head = image.toBytes(address * BLOCK_SIZE, headBlocks * BLOCK_SIZE);
  const natJournal = { block: address + journals.nat.index, offset: journals.nat.offset };
  const bitmaps = versionBitmaps(checkpoint, superblock, head);
  return { image, superblock, checkpoint, packAddress: address, layout, bitmaps, natJournal };
}

function collectPackBlocks(
  checkpoint: Checkpoint,
  superblock: Superblock,
  address: number,
  layout: PackLayout,
  collector: StructureCollector,
): void {
  const bitmaps = versionBitmapOffsets(checkpoint, superblock);
  for (const [name, at, size] of [
    ['natBitmap', bitmaps.nat, checkpoint.natBitmapBytes],
    ['sitBitmap', bitmaps.sit, checkpoint.sitBitmapBytes],
  ] as const) {
    const block = address + Math.floor(at / BLOCK_SIZE);
    const offset = at % BLOCK_SIZE;
    const inBlock = Math.min(size, BLOCK_SIZE - offset);
    collector.add({ kind: 'versionBitmap', block, offset, layout: rawBytes(name, inBlock), label: name });
    collector.own(block, 'all');
  }
  for (let index = 0; index < layout.orphanBlocks; index++) {
    const block = address + layout.orphanIndex + index;
    collector.add({ kind: 'orphanBlock', block, offset: 0, layout: OrphanBlock, label: `orphan block ${index}` });
    collector.own(block, []);
  }
  const journals = journalsOfPack(layout);
  for (const [kind, place, journal] of [
    ['natJournal', journals.nat, NatJournal],
    ['sitJournal', journals.sit, SitJournal],
  ] as const) {
    const block = address + place.index;
    collector.add({ kind, block, offset: place.offset, layout: journal, label: 'of the pack in force' });
    collector.own(block, []);
    if (kind === 'natJournal') collector.natBlocks.add(block);
  }
  const entries = layout.compact
    ? single('entries', structs(COMPACT_ENTRIES_OFFSET, SummaryEntry, 439))
    : without(SummaryBlock, 'journal');
  for (let index = 0; index < layout.dataSummaryBlocks; index++) {
    const block = address + layout.dataSummaryIndex + index;
    collector.add({ kind: 'dataSummary', block, offset: 0, layout: entries, label: `data summary ${index}` });
    collector.own(block, []);
  }
  for (let index = 0; index < layout.nodeSummaryBlocks; index++) {
    const block = address + layout.nodeSummaryIndex + index;
    collector.add({ kind: 'nodeSummary', block, offset: 0, layout: SummaryBlock, label: `node summary ${index}` });
    collector.own(block, []);
  }
}

function collectTables({ image, superblock, bitmaps }: VolumeFrame, collector: StructureCollector): void {
  for (let index = 0; index < natBlockCount(superblock); index++) {
    const current = testMsb(bitmaps.nat, index) ? 1 : 0;
    for (const copy of [0, 1] as const) {
      const block = natCopyAddress(superblock, index, copy);
      const inForce = copy === current;
      if (inForce) collector.natBlocks.add(block);
      collector.own(block, []); // owners of nids are found by comparing tables
      if (index >= TABLE_BLOCKS_MAX || isZero(readImageBlock(image, block).bytes)) continue;
      const label = `NAT block ${index} copy ${copy}`;
      collector.add({ kind: inForce ? 'natBlock' : 'natCopy', block, offset: 0, layout: NatBlock, label });
    }
  }
  const sitBlocks = Math.ceil(superblock.segmentCountMain / SIT_ENTRIES_PER_BLOCK);
  for (let index = 0; index < sitBlocks; index++) {
    const current = testMsb(bitmaps.sit, index) ? 1 : 0;
    for (const copy of [0, 1] as const) {
      const block = sitCopyAddress(superblock, index, copy);
      const label = `SIT block ${index} copy ${copy}`;
      const kind = copy === current ? 'sitBlock' : 'sitCopy';
      collector.own(block, []);
      if (index < TABLE_BLOCKS_MAX) collector.add({ kind, block, offset: 0, layout: SitBlock, label });
    }
  }
  for (let segno = 0; segno < superblock.segmentCountMain; segno++) {
    const block = ssaBlockAddress(superblock, segno);
    collector.own(block, []);
    if (segno >= TABLE_BLOCKS_MAX || isZero(readImageBlock(image, block).bytes)) continue;
    collector.add({ kind: 'ssaBlock', block, offset: 0, layout: SummaryBlock, label: `segment ${segno}` });
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
