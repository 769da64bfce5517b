// A volume made by hand, block by block, for what no Linux would write: directories that contain themselves, nodes in two
// places, sizes without blocks. Small, without a table of segments (a reader does not look), with a sound superblock and
// one sound checkpoint; everything else is the caller's to get wrong.
//
//   | 0 superblock | 1 copy | … | 512 checkpoint packs | 1536 SIT | 2560 NAT | 3584 SSA | 4096 main area |
//
// Not the TestVolume of f2fs-node: that one states tables and nodes slot by slot, in any geometry, for tests of the layers
// below a mount. This one is a whole volume, with names and content, for whatever reads volumes from outside.

import { MemoryDevice } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CHECKPOINT_CHECKSUM_OFFSET,
  CheckpointFlag,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  type DentryLayout,
  decodeSuperblock,
  dentryEntryOffset,
  dentryHash,
  dentryLayoutOf,
  dentryNameOffset,
  dentrySlots,
  type FileType,
  fileTypeOfMode,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  inlineBytesMax,
  META_INO,
  ModeType,
  NatEntry,
  NODE_FOOTER_OFFSET,
  NODE_INO,
  NodeFooter,
  natBlockIndex,
  natCopyAddress,
  natEntryOffset,
  nodeFooterFlag,
  OrphanBlock,
  RawCheckpoint,
  RawInode,
  RawSuperblock,
  ROOT_INO,
  SEGMENT_BLOCKS,
  SUPER_MAGIC,
  SUPER_OFFSET,
  type Superblock,
  sealCheckpoint,
  setLsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { writeImageBlock } from './image.ts';

const FIRST_SEGMENT_ADDRESS = 512;
const TABLE_SEGMENTS = 7;
/** Main segments that the six logs stand in; blocks are taken behind them. */
const LOG_SEGMENTS = 6;
const CHECKPOINT_VERSION = 1;

/** An entry of a directory, as wrong as one likes. */
export interface BuiltEntry {
  readonly name: string | Uint8Array;
  readonly ino: number;
  readonly fileType: FileType;
}

/** What an inode holds beyond its type. */
export interface BuiltInode {
  readonly mode: number;
  readonly parentIno?: number;
  readonly size?: number;
  readonly inlineFlags?: number;
  /** Changes the block before it is written; addresses start at byte `INODE_ADDRESSES_OFFSET`. */
  readonly fill?: (view: DataView, bytes: Uint8Array) => void;
}

/** What is decided before anything is written. */
export interface BuilderOptions {
  mainSegments?: number;
  /** Inodes that the checkpoint lists as deleted while open, 1020 at most. */
  orphans?: readonly number[];
  /** Feature bits. The builder's own inodes have no extra attributes. */
  features?: number;
}

export class VolumeBuilder {
  readonly image: MemoryDevice;
  readonly superblock: Superblock;
  readonly #nat = new Map<number, Uint8Array>();
  #nextBlock: number;
  #nextNid = ROOT_INO + 1;

  constructor({ mainSegments = 24, orphans = [], features = 0 }: BuilderOptions = {}) {
    const segments = TABLE_SEGMENTS + mainSegments;
    this.image = new MemoryDevice((FIRST_SEGMENT_ADDRESS + segments * SEGMENT_BLOCKS) * BLOCK_SIZE, { name: 'built' });
    const block = superblockOf(segments, mainSegments, features);
    this.superblock = decodeSuperblock(block.subarray(SUPER_OFFSET), 0);
    for (const copy of [0, 1]) writeImageBlock(this.image, copy, block);
    this.#writePack(orphans);
    for (const nid of [NODE_INO, META_INO]) this.setNat(nid, nid, 1);
    this.#nextBlock = this.superblock.mainAddress + LOG_SEGMENTS * SEGMENT_BLOCKS;
  }

  /** The address of a block of the main area that nothing uses. */
  block(): number {
    return this.#nextBlock++;
  }

  /** A nid that nothing uses. */
  nid(): number {
    return this.#nextNid++;
  }

  write(address: number, bytes: Uint8Array): void {
    writeImageBlock(this.image, address, bytes);
  }

  setNat(nid: number, ino: number, address: number): void {
    const index = natBlockIndex(nid);
    let bytes = this.#nat.get(index);
    if (bytes === undefined) {
      bytes = new Uint8Array(BLOCK_SIZE);
      this.#nat.set(index, bytes);
    }
    const view = viewOf(bytes);
    NatEntry.ino.set(view, natEntryOffset(nid), ino);
    NatEntry.blockAddress.set(view, natEntryOffset(nid), address);
    writeImageBlock(this.image, natCopyAddress(this.superblock, index, 0), bytes);
  }

  /** Writes a node at a new place and enters it into the NAT; returns its address. */
  node(nid: number, ino: number, nodeOffset: number, fill: (view: DataView, bytes: Uint8Array) => void): number {
    const address = this.block();
    const bytes = new Uint8Array(BLOCK_SIZE);
    const view = viewOf(bytes);
    NodeFooter.nid.set(view, NODE_FOOTER_OFFSET, nid);
    NodeFooter.ino.set(view, NODE_FOOTER_OFFSET, ino);
    NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, nodeFooterFlag(nodeOffset, 0));
    fill(view, bytes);
    this.write(address, bytes);
    this.setNat(nid, ino, address);
    return address;
  }

  inode(ino: number, { mode, parentIno = ROOT_INO, size = 0, inlineFlags = 0, fill }: BuiltInode): number {
    return this.node(ino, ino, 0, (view, bytes) => {
      RawInode.mode.set(view, 0, mode);
      RawInode.inlineFlags.set(view, 0, inlineFlags);
      RawInode.links.set(view, 0, 1);
      RawInode.size.set(view, 0, size);
      RawInode.blocks.set(view, 0, 1);
      RawInode.parentIno.set(view, 0, parentIno);
      RawInode.currentDepth.set(view, 0, 1);
      fill?.(view, bytes);
    });
  }

  /** A file with inline data. */
  file(ino: number, content: string, parentIno: number = ROOT_INO): number {
    return this.#inline(ino, ModeType.regular | 0o644, content, parentIno);
  }

  symlink(ino: number, target: string, parentIno: number = ROOT_INO): number {
    return this.#inline(ino, ModeType.symlink | 0o777, target, parentIno);
  }

  /** A directory whose entries lie in the inode, `.` and `..` before them. */
  directory(ino: number, entries: readonly BuiltEntry[], parentIno: number = ROOT_INO): number {
    const size = inlineBytesMax(0, INLINE_XATTR_WORDS);
    return this.inode(ino, {
      mode: ModeType.directory | 0o755,
      parentIno,
      size,
      inlineFlags: InlineFlag.dentry,
      fill: (_, bytes) => {
        const area = bytes.subarray(INLINE_OFFSET, INLINE_OFFSET + size);
        putEntries(area, dentryLayoutOf(size), [...dots(ino, parentIno), ...entries]);
      },
    });
  }

  /** A dentry block with these entries; returns its address. */
  dentryBlock(entries: readonly BuiltEntry[]): number {
    const address = this.block();
    const bytes = new Uint8Array(BLOCK_SIZE);
    putEntries(bytes, DENTRY_BLOCK_LAYOUT, entries);
    this.write(address, bytes);
    return address;
  }

  /**
   * Writes a chain of nodes that look fsynced after the checkpoint: node i goes where the warm node log would write, and
   * `next(i)` is the index of the one it points to.
   */
  fsyncChain(nodes: number, next: (index: number) => number): void {
    const first = this.superblock.mainAddress + WARM_NODE_SEGMENT * SEGMENT_BLOCKS;
    for (let index = 0; index < nodes; index++) {
      const bytes = new Uint8Array(BLOCK_SIZE);
      const view = viewOf(bytes);
      NodeFooter.nid.set(view, NODE_FOOTER_OFFSET, this.nid());
      NodeFooter.checkpointVersion.set(view, NODE_FOOTER_OFFSET, CHECKPOINT_VERSION, 0);
      NodeFooter.nextAddress.set(view, NODE_FOOTER_OFFSET, first + next(index));
      this.write(first + index, bytes);
    }
  }

  #inline(ino: number, mode: number, content: string, parentIno: number): number {
    const data = Buffer.from(content, 'utf8');
    assert(data.length <= inlineBytesMax(0, 0), 'content that fits an inode');
    const inlineFlags = InlineFlag.data | InlineFlag.dataExist;
    const fill = (_: DataView, bytes: Uint8Array) => bytes.set(data, INLINE_OFFSET);
    this.inode(ino, { mode, parentIno, size: data.length, inlineFlags, fill: (view, bytes) => void fill(view, bytes) });
    return ino;
  }

  /** Pack 0: checkpoint, orphans if any, one compact summary, three node summaries, checkpoint. */
  #writePack(orphans: readonly number[]): void {
    const { checkpointAddress, segmentCountMain, segmentCountNat, segmentCountSit } = this.superblock;
    const bytes = new Uint8Array(BLOCK_SIZE);
    const view = viewOf(bytes);
    const raw = RawCheckpoint;
    raw.version.set(view, 0, CHECKPOINT_VERSION, 0);
    raw.userBlockCount.set(view, 0, (segmentCountMain - 4) * SEGMENT_BLOCKS);
    raw.reservedSegmentCount.set(view, 0, 2);
    raw.overprovisionSegmentCount.set(view, 0, 4);
    raw.freeSegmentCount.set(view, 0, segmentCountMain - LOG_SEGMENTS);
    for (let log = 0; log < 8; log++) {
      raw.currentDataSegments.set(view, 0, log, log < 3 ? log : 0xffff_ffff);
      raw.currentNodeSegments.set(view, 0, log, log < 3 ? 3 + log : 0xffff_ffff);
    }
    const orphanBlocks = orphans.length > 0 ? 1 : 0;
    const orphanFlag = orphanBlocks > 0 ? CheckpointFlag.orphanPresent : 0;
    raw.flags.set(view, 0, CheckpointFlag.umount | CheckpointFlag.compactSummary | orphanFlag);
    raw.packBlockCount.set(view, 0, 6 + orphanBlocks);
    raw.startSum.set(view, 0, 1 + orphanBlocks);
    raw.validNodeCount.set(view, 0, 1);
    raw.validInodeCount.set(view, 0, 1);
    raw.nextFreeNid.set(view, 0, ROOT_INO + 1);
    raw.sitBitmapBytes.set(view, 0, (segmentCountSit / 2) * (SEGMENT_BLOCKS / 8));
    raw.natBitmapBytes.set(view, 0, (segmentCountNat / 2) * (SEGMENT_BLOCKS / 8));
    raw.checksumOffset.set(view, 0, CHECKPOINT_CHECKSUM_OFFSET);
    sealCheckpoint(bytes);
    for (const index of [0, 5 + orphanBlocks]) this.write(checkpointAddress + index, bytes);
    if (orphanBlocks > 0) this.write(checkpointAddress + 1, orphanBlockOf(orphans));
  }
}

const WARM_NODE_SEGMENT = 4;
const INLINE_XATTR_WORDS = 50;
/** Inline data and inline entries start after one reserved word. */
const INLINE_OFFSET = INODE_ADDRESSES_OFFSET + 4;

function dots(ino: number, parentIno: number): BuiltEntry[] {
  const fileType = fileTypeOfMode(ModeType.directory);
  return [
    { name: '.', ino, fileType },
    { name: '..', ino: parentIno, fileType },
  ];
}

/** Fills a dentry area; a name takes the slots that its length needs, and an empty one takes a slot. */
export function putEntries(area: Uint8Array, layout: DentryLayout, entries: readonly BuiltEntry[]): void {
  const view = viewOf(area);
  let slot = 0;
  for (const { name, ino, fileType } of entries) {
    const bytes = typeof name === 'string' ? Buffer.from(name, 'utf8') : name;
    const slots = Math.max(1, dentrySlots(bytes.length));
    assert(slot + slots <= layout.slots, 'entries that fit their area');
    const at = dentryEntryOffset(layout, slot);
    Dentry.hash.set(view, at, dentryHash(bytes));
    Dentry.ino.set(view, at, ino);
    Dentry.nameLength.set(view, at, bytes.length);
    Dentry.fileType.set(view, at, fileType);
    area.set(bytes, dentryNameOffset(layout, slot));
    for (let taken = 0; taken < slots; taken++) setLsb(area, slot + taken);
    slot += slots;
  }
}

function orphanBlockOf(orphans: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(bytes);
  for (const [index, ino] of orphans.entries()) OrphanBlock.inos.set(view, 0, index, ino);
  OrphanBlock.blockIndex.set(view, 0, 1);
  OrphanBlock.blockCount.set(view, 0, 1);
  OrphanBlock.entryCount.set(view, 0, orphans.length);
  return bytes;
}

function superblockOf(segments: number, mainSegments: number, features: number): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(block.subarray(SUPER_OFFSET));
  const raw = RawSuperblock;
  let next = FIRST_SEGMENT_ADDRESS;
  const area = (count: number): number => {
    const start = next;
    next += count * SEGMENT_BLOCKS;
    return start;
  };
  raw.magic.set(view, 0, SUPER_MAGIC);
  raw.majorVersion.set(view, 0, 1);
  raw.logSectorSize.set(view, 0, 9);
  raw.logSectorsPerBlock.set(view, 0, 3);
  raw.logBlockSize.set(view, 0, 12);
  raw.logBlocksPerSegment.set(view, 0, 9);
  raw.segmentsPerSection.set(view, 0, 1);
  raw.sectionsPerZone.set(view, 0, 1);
  raw.blockCount.set(view, 0, FIRST_SEGMENT_ADDRESS + segments * SEGMENT_BLOCKS);
  raw.sectionCount.set(view, 0, mainSegments);
  raw.segmentCount.set(view, 0, segments);
  raw.segmentCountCheckpoint.set(view, 0, 2);
  raw.segmentCountSit.set(view, 0, 2);
  raw.segmentCountNat.set(view, 0, 2);
  raw.segmentCountSsa.set(view, 0, 1);
  raw.segmentCountMain.set(view, 0, mainSegments);
  raw.segment0Address.set(view, 0, FIRST_SEGMENT_ADDRESS);
  raw.checkpointAddress.set(view, 0, area(2));
  raw.sitAddress.set(view, 0, area(2));
  raw.natAddress.set(view, 0, area(2));
  raw.ssaAddress.set(view, 0, area(1));
  raw.mainAddress.set(view, 0, area(mainSegments));
  raw.rootIno.set(view, 0, ROOT_INO);
  raw.nodeIno.set(view, 0, NODE_INO);
  raw.metaIno.set(view, 0, META_INO);
  raw.features.set(view, 0, features);
  return block;
}
