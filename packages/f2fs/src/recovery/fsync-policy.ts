// What an fsync has to do, once the data of the file has arrived:
//
//   nothing      no node of the file changed (its blocks were overwritten where they are): a flush of the device is enough
//   chain        its dnodes go to the log with marks, and recovery finds them there
//   checkpoint   recovery could not bring back what changed: everything is written
//
// Recovery knows the file by its number, and a new one by one name in one directory. So whatever concerns other names, other
// directories, or contents that it cannot rebuild slot by slot needs a checkpoint.
// Source: buffered I/O spec 19; spec 10.2; kernel fs/f2fs/file.c (need_do_checkpoint, f2fs_do_sync_file).

import { readBytes } from '@f2fskit/block';
import {
  Advise,
  BLOCK_SIZE,
  ExtraAttributes,
  FileType,
  hasInodeChecksum,
  INODE_ADDRESSES_OFFSET,
  NEW_ADDRESS,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  RawInode,
} from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import type { VolumeWriter } from '../volume-writer.ts';

/** Nodes in chains behind one checkpoint: a mount has to read all of them. */
export const CHAIN_NODES_LIMIT = 4096;

/** Why an fsync is a checkpoint. */
export type CheckpointReason =
  /** A directory, symlink, device, … */
  | 'notRegular'
  /** Clusters are not rebuilt slot by slot. */
  | 'compressed'
  /** It has no name, or several. */
  | 'links'
  /** Renamed or linked since the last checkpoint; or new in a directory that lost a name to another one. */
  | 'names'
  /** No checkpoint knows its directory. */
  | 'newParent'
  /** What lies behind the last checkpoint is not from this mount: nodes of an older chain may lie there. */
  | 'firstOfMount'
  /** The nodes of the chain, beside everything else, would not find room when they are recovered. */
  | 'space'
  /** The chain is long enough. */
  | 'chainLength';

export type FsyncDecision =
  | { readonly how: 'nothing' }
  | { readonly how: 'chain' }
  | { readonly how: 'checkpoint'; readonly why: CheckpointReason };

/**
 * What the fsync of an inode is. `dataOnly`: what is only times need not be kept (fdatasync). Part of an operation. Throws what
 * reading the inode throws.
 */
export function* decideFsync(writer: VolumeWriter, ino: number, dataOnly: boolean): Task<FsyncDecision> {
  const inode = yield* writer.store.readInode(ino);
  const { fields } = inode;
  const checkpoint = (why: CheckpointReason): FsyncDecision => ({ how: 'checkpoint', why });
  if (fields.fileType !== FileType.regular) return checkpoint('notRegular');
  const namesChanged = writer.checkpointFirst.has(ino) || (fields.advise & Advise.lostParent) !== 0;
  const nodes = writer.nodes.dirtyDnodes(ino);
  if (nodes.length === 0 && !writer.checkpointFirst.has(ino)) return { how: 'nothing' };
  if (dataOnly && !namesChanged && (yield* onlyTimesChanged(writer, inode, nodes))) return { how: 'nothing' };
  if (fields.compressed) return checkpoint('compressed');
  if (fields.links !== 1) return checkpoint('links');
  if (namesChanged) return checkpoint('names');
  if (yield* isUnknown(writer, fields.parentIno)) return checkpoint('newParent');
  if (writer.checkpointFirst.has(fields.parentIno) && (yield* isUnknown(writer, ino))) return checkpoint('names');
  if (!writer.hasCheckpointed) return checkpoint('firstOfMount');
  const chainNodes = writer.nodes.chainNodes + nodes.length;
  if (writer.current.validBlockCount + chainNodes > writer.space.userBlocks) return checkpoint('space');
  if (chainNodes > CHAIN_NODES_LIMIT) return checkpoint('chainLength');
  return { how: 'chain' };
}

/** No checkpoint knows the inode, and no chain either. */
function* isUnknown({ store }: VolumeWriter, ino: number): Task<boolean> {
  if (ino <= 0 || ino >= store.nat.nidEnd) return true;
  const { blockAddress } = yield* store.nat.lookup(ino);
  return blockAddress === NEW_ADDRESS;
}

/** The inode is the only node that changed, and nothing in it did but its times. One block is read to know that. */
function* onlyTimesChanged(writer: VolumeWriter, { ino }: DecodedInode, nodes: readonly number[]): Task<boolean> {
  const { store } = writer;
  const now = nodes.length === 1 && nodes[0] === ino ? store.dirty.get(ino) : undefined;
  if (now === undefined || now.address === NEW_ADDRESS) return false;
  const written = new Uint8Array(BLOCK_SIZE);
  yield* readBytes(store.device, now.address * BLOCK_SIZE, written);
  const current = now.bytes.slice();
  for (const bytes of [written, current]) {
    for (const { offset, size } of TIMES) bytes.fill(0, offset, offset + size);
    bytes.fill(0, NODE_FOOTER_OFFSET + NodeFooter.flag.offset, BLOCK_SIZE);
    // What is a checksum in inodes with extra attributes is a place for addresses or contents in others.
    if (hasInodeChecksum(store.superblock, now.view)) bytes.fill(0, CHECKSUM.offset, CHECKSUM.offset + CHECKSUM.size);
  }
  return current.every((byte, index) => byte === written[index]);
}

const { accessSeconds, changeSeconds, modifySeconds, accessNanoseconds, changeNanoseconds, modifyNanoseconds } =
  RawInode;
const TIMES = [
  accessSeconds,
  changeSeconds,
  modifySeconds,
  accessNanoseconds,
  changeNanoseconds,
  modifyNanoseconds,
] as const;

const CHECKSUM = {
  offset: INODE_ADDRESSES_OFFSET + ExtraAttributes.checksum.offset,
  size: ExtraAttributes.checksum.size,
};
