// The chain of nodes behind the last checkpoint, read from its beginning to its end, each node checked as far as it can be
// checked alone. A chain ends
//
//   - at the first block that does not follow this checkpoint: there the last fsync before the crash ended, or was cut off
//   - at a block that follows it and is no sound node: that is damage, and what lies behind it is not looked at
//
// One that comes back to itself was made by no writer, and nothing of it is to be trusted: Linux, too, then recovers nothing.
//
// Source: spec 10.3; kernel fs/f2fs/recovery.c (find_fsync_dnodes, is_recoverable_dnode).

import { type BlockDevice, readBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import {
  ADDRESSES_PER_NODE,
  BLOCK_SIZE,
  type Checkpoint,
  CheckpointFlag,
  COMPRESS_ADDRESS,
  corrupt,
  decodeInode,
  FileType,
  hasCheckpointFlag,
  InlineFlag,
  type InodeFields,
  isDentryNode,
  isFileNid,
  isFsyncNode,
  isIndirectNodeOffset,
  isMainAddress,
  MAX_NODE_OFFSET,
  mainEndAddress,
  NEW_ADDRESS,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  NULL_ADDRESS,
  nodeOffsetOf,
  type Superblock,
  segmentAddress,
  XATTR_NODE_OFFSET,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';

/** The most nodes that are recovered: 1 GiB of them. */
export const RECOVERED_NODES_MAX = 1 << 18;

/** Blocks that are read at once. */
const WINDOW_BLOCKS = 32;

/** A node of the chain. */
export interface ChainNode {
  readonly address: number;
  readonly nid: number;
  readonly ino: number;
  readonly nodeOffset: number;
  /** It was fsynced; else it was only written. */
  readonly fsync: boolean;
  /** An inode that was new: its name is to be made again. */
  readonly dentry: boolean;
}

export interface NodeChain {
  readonly nodes: readonly ChainNode[];
  /** Why it ends before its end. */
  readonly damage: FsError | undefined;
}

/** Does the block follow this checkpoint? */
export function followsCheckpoint(checkpoint: Checkpoint, view: DataView): boolean {
  const low = NodeFooter.checkpointVersion.low(view, NODE_FOOTER_OFFSET);
  const high = NodeFooter.checkpointVersion.high(view, NODE_FOOTER_OFFSET);
  if (low !== checkpoint.versionLow) return false;
  if (hasCheckpointFlag(checkpoint, CheckpointFlag.noCrcRecovery)) return true;
  const carriesCrc = hasCheckpointFlag(checkpoint, CheckpointFlag.crcRecovery);
  return high === (carriesCrc ? (checkpoint.versionHigh | checkpoint.checksum) >>> 0 : checkpoint.versionHigh);
}

/** Blocks of a device in about the order in which they lie there, past every cache. */
export class BlockWindow {
  readonly #device: BlockDevice;
  readonly #end: number;
  readonly #bytes = new Uint8Array(WINDOW_BLOCKS * BLOCK_SIZE);
  #first = 0;
  #count = 0;

  /** `end`: the block behind the last one that may be read. */
  constructor(device: BlockDevice, end: number) {
    this.#device = device;
    this.#end = end;
  }

  /** A block, good until the next call. Throws EIO. */
  *read(address: number): Task<Uint8Array> {
    if (address < this.#first || address >= this.#first + this.#count) {
      this.#count = 0;
      let count = Math.max(1, Math.min(WINDOW_BLOCKS, this.#end - address));
      for (;;) {
        try {
          yield* readBytes(this.#device, address * BLOCK_SIZE, this.#bytes.subarray(0, count * BLOCK_SIZE));
          break;
        } catch (error) {
          // What lies behind may be unreadable, and nobody asked for it.
          if (!(error instanceof FsError) || count === 1) throw error;
          count = 1;
        }
      }
      this.#first = address;
      this.#count = count;
    }
    const at = (address - this.#first) * BLOCK_SIZE;
    return this.#bytes.subarray(at, at + BLOCK_SIZE);
  }
}

/** Reads the chain of a checkpoint. Throws nothing for what it finds there. */
export function* readNodeChain(superblock: Superblock, checkpoint: Checkpoint, device: BlockDevice): Task<NodeChain> {
  const window = new BlockWindow(device, mainEndAddress(superblock));
  const nodes: ChainNode[] = [];
  const seen = new Set<number>();
  let address = segmentAddress(superblock, checkpoint.currentNodeSegments[1]) + checkpoint.currentNodeOffsets[1];
  while (isMainAddress(superblock, address)) {
    try {
      const bytes = yield* window.read(address);
      const view = viewOf(bytes);
      if (!followsCheckpoint(checkpoint, view)) break;
      if (seen.has(address)) return unusable(address, 'the chain of nodes behind the checkpoint loops');
      if (seen.size === RECOVERED_NODES_MAX)
        return unusable(address, `more than ${seen.size} nodes follow the checkpoint`);
      seen.add(address);
      nodes.push(readChainNode(superblock, bytes, view, address));
      address = NodeFooter.nextAddress.get(view, NODE_FOOTER_OFFSET);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      return { nodes, damage: error };
    }
  }
  return { nodes, damage: undefined };
}

function unusable(address: number, detail: string): NodeChain {
  return { nodes: [], damage: corrupt('recovery', { where: { block: address }, detail }) };
}

/** Checks and describes a node. Throws Corruption. */
export function readChainNode(superblock: Superblock, bytes: Uint8Array, view: DataView, address: number): ChainNode {
  const flag = NodeFooter.flag.get(view, NODE_FOOTER_OFFSET);
  const nid = NodeFooter.nid.get(view, NODE_FOOTER_OFFSET);
  const ino = NodeFooter.ino.get(view, NODE_FOOTER_OFFSET);
  const nodeOffset = nodeOffsetOf(flag);
  const node = { address, nid, ino, nodeOffset, fsync: isFsyncNode(flag), dentry: isDentryNode(flag) };
  for (const [kind, number] of [
    ['nodeFooterNid', nid],
    ['nodeFooterIno', ino],
  ] as const) {
    if (isFileNid(superblock, number)) continue;
    throw corrupt(kind, { where: { block: address, nid, ino }, expected: 'the number of a node', found: number });
  }
  if (nid === ino) checkInode(superblock, node, decodeInode(bytes, view, superblock, { nid, address }), view);
  else if (nodeOffset !== XATTR_NODE_OFFSET) {
    if (nodeOffset === 0 || nodeOffset > MAX_NODE_OFFSET || isIndirectNodeOffset(nodeOffset)) {
      const where = { block: address, nid, ino, offset: NODE_FOOTER_OFFSET + NodeFooter.flag.offset };
      throw corrupt('nodeOffset', { where, expected: 'the place of a direct node', found: nodeOffset });
    }
    checkSlots(superblock, node, view, 0, ADDRESSES_PER_NODE);
  }
  return node;
}

function checkInode(superblock: Superblock, node: ChainNode, fields: InodeFields, view: DataView): void {
  const { address, nid } = node;
  const slots = fields.fileType === FileType.regular && (fields.inlineFlags & InlineFlag.data) === 0;
  if (slots && !fields.deviceAlias)
    checkSlots(superblock, node, view, fields.addressesOffset, fields.addressesPerInode);
  for (const below of fields.nids) {
    if (below === 0 || isFileNid(superblock, below)) continue;
    throw corrupt('nidRange', { where: { block: address, nid }, expected: 'the number of a node', found: below });
  }
  if (!node.fsync || (fields.fileType === FileType.regular && !fields.compressed && !fields.deviceAlias)) return;
  const where = { block: address, nid };
  throw corrupt('recovery', { where, expected: 'a regular file without clusters', found: 'another one, fsynced' });
}

function checkSlots(
  superblock: Superblock,
  { address, nid, ino, fsync }: ChainNode,
  view: DataView,
  byte: number,
  count: number,
): void {
  for (let index = 0; index < count; index++) {
    const offset = byte + 4 * index;
    const found = view.getUint32(offset, true);
    if (found === NULL_ADDRESS || found === NEW_ADDRESS || isMainAddress(superblock, found)) continue;
    if (found === COMPRESS_ADDRESS && !fsync) continue;
    const where = { block: address, nid, ino, offset };
    throw corrupt('blockAddress', {
      where,
      expected: 'a hole, a reserved block or an address in the main area',
      found,
    });
  }
}
