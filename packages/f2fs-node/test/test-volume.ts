// A volume that a test states slot by slot: superblock, NAT entries, nodes, on a sparse device. It makes nothing up: what
// a test does not write is zero, and nothing has to be consistent. The geometry is that of reference volume R (spec A.2)
// with as many NAT and main segments as the test asks for; features extra_attr, inode_checksum and sb_checksum unless told
// otherwise. Other packages import it as `@f2fskit/f2fs-node/test-volume`; it is never published.
//
// Not the VolumeBuilder of testkit: that one makes one small volume that mounts, with directories and a checkpoint, for the
// whole stack to read. This one has neither; it has any geometry, both copies of the NAT, and inodes slot by slot, for
// tests of single layers.

import { MemoryDevice, writeBytes } from '@f2fskit/block';
import {
  BLOCK_SIZE,
  decodeSuperblock,
  ExtraAttributes,
  Feature,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  NatEntry,
  NODE_FOOTER_OFFSET,
  NodeFlag,
  NodeFooter,
  nodeFooterFlag,
  RawExtent,
  RawInode,
  RawSuperblock,
  SEGMENT_BLOCKS,
  SUPER_MAGIC,
  SUPER_OFFSET,
  SUPER_SIZE,
  type Superblock,
  sealInode,
  sealSuperblock,
  setMsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { runSync } from '@f2fskit/task';

export interface TestVolumeOptions {
  features?: number;
  /** Segments of both NAT copies together. Default 2: 232,960 nids. */
  natSegments?: number;
  sitSegments?: number;
  /** Default 42. The device is sparse: a number costs nothing. */
  mainSegments?: number;
  payloadBlocks?: number;
  /** Changes the superblock before it is sealed. */
  superblock?: (view: DataView) => void;
  /** Blocks of the device; as the superblock says unless given. */
  deviceBlocks?: number;
}

/** What an inode says; everything has a default that a small regular file would have. */
export interface TestInode {
  mode?: number;
  advise?: number;
  /** {@link InlineFlag} bits; `extraAttr` is added where `extraSize` is not 0. */
  inline?: number;
  size?: number;
  blocks?: number;
  links?: number;
  flags?: number;
  depth?: number;
  dirLevel?: number;
  xattrNid?: number;
  /** Bytes of extra attributes. Default 36. */
  extraSize?: number;
  inlineXattrWords?: number;
  compression?: { algorithm?: number; logClusterSize?: number; flag?: number };
  extent?: { fileBlock: number; address: number; length: number };
  /** Address slots from the first one on. */
  slots?: ArrayLike<number>;
  nids?: readonly number[];
  /** Changes the block before it is sealed. */
  raw?: (view: DataView, block: Uint8Array) => void;
  /** Leaves the checksum as it is: wrong. */
  unsealed?: boolean;
}

export const REGULAR = 0o100644;

/** nids that a direct or indirect node has room for; so many addresses too, in a file without clusters. */
const WORDS_PER_NODE = 1018;

/** Address slots of an inode and of its direct nodes: 923 words less what else is there, both in whole clusters. */
export function slotsOf(description: TestInode): { perInode: number; perNode: number } {
  const { extraSize = 36, inlineXattrWords = 0, compression } = description;
  const cluster = compression === undefined ? 1 : 2 ** (compression.logClusterSize ?? 2);
  const words = 923 - extraSize / 4 - inlineXattrWords;
  return { perInode: words - (words % cluster), perNode: WORDS_PER_NODE - (WORDS_PER_NODE % cluster) };
}

export class TestVolume {
  readonly device: MemoryDevice;
  readonly superblock: Superblock;
  /** One bit a NAT block, MSB-first: which copy is current. Change it before `setNat`. */
  readonly natBitmap: Uint8Array;
  #free: number;
  #nid = 1000;

  constructor(options: TestVolumeOptions = {}) {
    const { natSegments = 2, sitSegments = 2, mainSegments = 42 } = options;
    const copy = superblockCopy(options, natSegments, sitSegments, mainSegments);
    this.superblock = decodeSuperblock(copy, 0);
    this.device = new MemoryDevice((options.deviceBlocks ?? this.superblock.blockCount) * BLOCK_SIZE);
    this.natBitmap = new Uint8Array((natSegments / 2) * (SEGMENT_BLOCKS / 8));
    this.#free = this.superblock.mainAddress;
    for (const block of [0, 1]) this.writeSuperblock(block, copy);
  }

  /** A superblock copy at block 0 or 1. */
  writeSuperblock(block: number, copy: Uint8Array): void {
    const bytes = new Uint8Array(BLOCK_SIZE);
    bytes.set(copy, SUPER_OFFSET);
    this.write(block, bytes);
  }

  write(address: number, bytes: Uint8Array): void {
    runSync(writeBytes(this.device, address * BLOCK_SIZE, bytes));
  }

  read(address: number): Uint8Array {
    return this.device.toBytes(address * BLOCK_SIZE, BLOCK_SIZE);
  }

  /** Changes a block in place. */
  edit(address: number, change: (view: DataView, bytes: Uint8Array) => void): void {
    const bytes = this.read(address);
    change(viewOf(bytes), bytes);
    this.write(address, bytes);
  }

  /** The first of `count` main blocks that nobody was given yet. */
  allocate(count = 1): number {
    const address = this.#free;
    this.#free += count;
    return address;
  }

  /** Writes the entry of a nid in one copy of its NAT block; in the current one unless told otherwise. */
  setNat(nid: number, address: number, { ino = nid, version = 0, copy }: NatOptions = {}): void {
    const index = Math.floor(nid / 455);
    const current = (this.natBitmap[index >> 3]! & (0x80 >> (index & 7))) !== 0 ? 1 : 0;
    // Pairs of segments: 512 blocks of copy 0, the same 512 of copy 1, the next 512 of copy 0, …
    const pair = Math.floor(index / SEGMENT_BLOCKS);
    const block =
      this.superblock.natAddress + (2 * pair + (copy ?? current)) * SEGMENT_BLOCKS + (index % SEGMENT_BLOCKS);
    this.edit(block, (view) => {
      const at = (nid % 455) * 9;
      NatEntry.version.set(view, at, version);
      NatEntry.ino.set(view, at, ino);
      NatEntry.blockAddress.set(view, at, address);
    });
  }

  /** Makes copy 1 of a NAT block the current one. */
  flipNat(index: number): void {
    setMsb(this.natBitmap, index);
  }

  /** A node below an inode, with its NAT entry; returns its address. `words`: addresses or nids from the first one on. */
  node(nid: number, ino: number, nodeOffset: number, words: ArrayLike<number> | Uint8Array = []): number {
    const block = new Uint8Array(BLOCK_SIZE);
    const view = viewOf(block);
    if (words instanceof Uint8Array) block.set(words);
    else for (let index = 0; index < words.length; index++) view.setUint32(4 * index, words[index]!, true);
    writeFooter(view, nid, ino, nodeOffset);
    const address = this.allocate();
    this.write(address, block);
    this.setNat(nid, address, { ino });
    return address;
  }

  /** An inode with its NAT entry; returns its address. */
  inode(ino: number, description: TestInode = {}): number {
    const address = this.allocate();
    this.write(address, inodeBlock(this.superblock, ino, description));
    this.setNat(ino, address);
    return address;
  }

  /** A nid that nobody was given yet: 1000, 1001, … */
  newNid(): number {
    return this.#nid++;
  }

  /**
   * A file with these slots, one a file block: the inode's, those of two direct nodes, then of direct nodes below the first
   * indirect one. A node whose slots are all 0 is left out.
   */
  file(ino: number, slots: ArrayLike<number>, description: TestInode = {}): number {
    const all = Array.from(slots);
    const { perInode, perNode } = slotsOf(description);
    const nids = [0, 0, 0];
    const below: number[] = [];
    for (let index = 0, from = perInode; from < all.length; index++, from += perNode) {
      const part = all.slice(from, from + perNode);
      const nodeOffset = index < 2 ? 1 + index : 4 + (index - 2);
      const nid = part.some((slot) => slot !== 0) ? this.newNid() : 0;
      if (nid !== 0) this.node(nid, ino, nodeOffset, part);
      if (index < 2) nids[index] = nid;
      else below.push(nid);
    }
    if (below.some((nid) => nid !== 0)) this.node((nids[2] = this.newNid()), ino, 3, below);
    return this.inode(ino, { ...description, nids, slots: all.slice(0, perInode) });
  }
}

interface NatOptions {
  ino?: number;
  version?: number;
  copy?: 0 | 1;
}

export function writeFooter(view: DataView, nid: number, ino: number, nodeOffset: number): void {
  NodeFooter.nid.set(view, NODE_FOOTER_OFFSET, nid);
  NodeFooter.ino.set(view, NODE_FOOTER_OFFSET, ino);
  NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, nodeFooterFlag(nodeOffset, NodeFlag.cold));
}

/** The block of an inode, sealed. */
export function inodeBlock(superblock: Superblock, ino: number, description: TestInode): Uint8Array {
  const { extraSize = 36, inlineXattrWords = 0, compression, extent, slots = [], nids = [] } = description;
  const block = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(block);
  RawInode.mode.set(view, 0, description.mode ?? REGULAR);
  RawInode.advise.set(view, 0, description.advise ?? 0);
  RawInode.inlineFlags.set(view, 0, (description.inline ?? 0) | (extraSize > 0 ? InlineFlag.extraAttr : 0));
  RawInode.links.set(view, 0, description.links ?? 1);
  RawInode.size.set(view, 0, description.size ?? 0);
  RawInode.blocks.set(view, 0, description.blocks ?? 1);
  RawInode.flags.set(view, 0, description.flags ?? 0);
  RawInode.currentDepth.set(view, 0, description.depth ?? 0);
  RawInode.dirLevel.set(view, 0, description.dirLevel ?? 0);
  RawInode.xattrNid.set(view, 0, description.xattrNid ?? 0);
  if (extent !== undefined) {
    RawExtent.fileBlock.set(view, RawInode.extent.offset, extent.fileBlock);
    RawExtent.address.set(view, RawInode.extent.offset, extent.address);
    RawExtent.length.set(view, RawInode.extent.offset, extent.length);
  }
  const extra = INODE_ADDRESSES_OFFSET;
  if (extraSize > 0) ExtraAttributes.size.set(view, extra, extraSize);
  if (inlineXattrWords > 0) ExtraAttributes.inlineXattrWords.set(view, extra, inlineXattrWords);
  if (compression !== undefined) {
    ExtraAttributes.compressAlgorithm.set(view, extra, compression.algorithm ?? 1);
    ExtraAttributes.logClusterSize.set(view, extra, compression.logClusterSize ?? 2);
    ExtraAttributes.compressFlag.set(view, extra, compression.flag ?? 0);
  }
  for (let index = 0; index < slots.length; index++) view.setUint32(extra + extraSize + 4 * index, slots[index]!, true);
  nids.forEach((nid, index) => {
    RawInode.nids.set(view, 0, index, nid);
  });
  writeFooter(view, ino, ino, 0);
  description.raw?.(view, block);
  if (description.unsealed !== true) sealInode(superblock, block);
  return block;
}

const SEGMENT0 = 512;

function superblockCopy(
  options: TestVolumeOptions,
  natSegments: number,
  sitSegments: number,
  mainSegments: number,
): Uint8Array {
  const copy = new Uint8Array(SUPER_SIZE);
  const view = viewOf(copy);
  const raw = RawSuperblock;
  const ssaSegments = Math.ceil(mainSegments / SEGMENT_BLOCKS);
  const segments = 2 + sitSegments + natSegments + ssaSegments + mainSegments;
  raw.magic.set(view, 0, SUPER_MAGIC);
  raw.majorVersion.set(view, 0, 1);
  raw.minorVersion.set(view, 0, 15);
  raw.logSectorSize.set(view, 0, 9);
  raw.logSectorsPerBlock.set(view, 0, 3);
  raw.logBlockSize.set(view, 0, 12);
  raw.logBlocksPerSegment.set(view, 0, 9);
  raw.segmentsPerSection.set(view, 0, 1);
  raw.sectionsPerZone.set(view, 0, 1);
  raw.blockCount.set(view, 0, SEGMENT0 + segments * SEGMENT_BLOCKS);
  raw.sectionCount.set(view, 0, mainSegments);
  raw.segmentCount.set(view, 0, segments);
  raw.segmentCountCheckpoint.set(view, 0, 2);
  raw.segmentCountSit.set(view, 0, sitSegments);
  raw.segmentCountNat.set(view, 0, natSegments);
  raw.segmentCountSsa.set(view, 0, ssaSegments);
  raw.segmentCountMain.set(view, 0, mainSegments);
  let address = SEGMENT0;
  raw.segment0Address.set(view, 0, address);
  raw.checkpointAddress.set(view, 0, address);
  raw.sitAddress.set(view, 0, (address += 2 * SEGMENT_BLOCKS));
  raw.natAddress.set(view, 0, (address += sitSegments * SEGMENT_BLOCKS));
  raw.ssaAddress.set(view, 0, (address += natSegments * SEGMENT_BLOCKS));
  raw.mainAddress.set(view, 0, address + ssaSegments * SEGMENT_BLOCKS);
  raw.rootIno.set(view, 0, 3);
  raw.nodeIno.set(view, 0, 1);
  raw.metaIno.set(view, 0, 2);
  for (let index = 0; index < 16; index++) copy[raw.uuid.offset + index] = 0x11 * index;
  raw.checkpointPayloadBlocks.set(view, 0, options.payloadBlocks ?? 0);
  raw.features.set(view, 0, options.features ?? Feature.extraAttr | Feature.inodeChecksum | Feature.sbChecksum);
  raw.checksumOffset.set(view, 0, 3068);
  options.superblock?.(view);
  sealSuperblock(copy);
  return copy;
}
