// Blocks that compression saves stay reserved for the file, so that it can be written to. Giving them back makes them room for
// everybody, and the file read-only; taking them again undoes it.
//
//   release   the NEW slots of compressed clusters become holes; for each such cluster the blocks of the file and of the
//             volume fall by those and by one for the mark; the count of saved blocks becomes 0
//   reserve   the reverse, as a whole or not at all
//
// All slots change in one operation: no checkpoint sees a file that is half one, half the other.
// Source: spec 9.6; kernel fs/f2fs/file.c (f2fs_release_compress_blocks, f2fs_reserve_compress_blocks).

import { EINVAL, ENOENT, EOPNOTSUPP, EPERM, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  COMPRESS_ADDRESS,
  clusterBlocks,
  corrupt,
  ExtraAttributes,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  isMainAddress,
  NEW_ADDRESS,
  NULL_ADDRESS,
  RawInode,
} from '@f2fskit/f2fs-format';
import { locateDnode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { changeInode } from '../change-inode.ts';
import { canCompress } from '../compression-policy.ts';
import { settleInode } from '../data/pending-attributes.ts';
import type { F2fsInode } from '../inode.ts';
import { addBlocks } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';

/**
 * Gives the saved blocks of a compressed file back; returns how many. Throws EINVAL for a file that is not compressed or has
 * given them back, EPERM where nothing is saved, EOPNOTSUPP, ENOSPC, Corruption, EIO.
 */
export function releaseSavedBlocks(writer: VolumeWriter, inode: F2fsInode): Task<number> {
  return change(writer, inode, false);
}

/**
 * Takes the blocks that were given back again, so that the file can be written to; returns how many. Throws EINVAL for a file
 * that has not given any back, ENOSPC with nothing changed, EOPNOTSUPP, Corruption, EIO.
 */
export function reserveSavedBlocks(writer: VolumeWriter, inode: F2fsInode): Task<number> {
  return change(writer, inode, true);
}

function* change(writer: VolumeWriter, inode: F2fsInode, reserve: boolean): Task<number> {
  if (!canCompress(writer.store.superblock)) throw new FsError(EOPNOTSUPP, 'the volume has no compression');
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    if (inode.gone) throw new FsError(ENOENT);
    const { compressed, inlineFlags } = inode.fields;
    const released = (inlineFlags & InlineFlag.compressReleased) !== 0;
    if (!compressed) throw new FsError(EINVAL, 'the file is not compressed');
    if (released !== reserve) {
      throw new FsError(EINVAL, reserve ? 'no blocks were given back' : 'the blocks were given back already');
    }
    if (!reserve) yield* inode.writeBack();
    return yield* writer.operation(reserve ? reserveAll(writer, inode) : releaseAll(writer, inode));
  } finally {
    held.unlock();
  }
}

function* releaseAll(writer: VolumeWriter, inode: F2fsInode): Task<number> {
  yield* settleInode(writer, inode);
  if (inode.fields.compressedBlocks === 0) throw new FsError(EPERM, 'compression saves nothing');
  const saved = yield* count(writer, inode, NEW_ADDRESS);
  writer.requireNodeRoom(saved.nodes);
  try {
    yield* exchange(writer, inode, NEW_ADDRESS, NULL_ADDRESS);
    yield* changeInode(writer, inode, (view) => {
      addBlocks(view, -saved.counted);
      setSaved(view, 0, inode.fields.inlineFlags | InlineFlag.compressReleased);
    });
    writer.space.release(saved.counted);
  } catch (error) {
    throw writer.abandon(error);
  }
  return saved.saved;
}

function* reserveAll(writer: VolumeWriter, inode: F2fsInode): Task<number> {
  const saved = yield* count(writer, inode, NULL_ADDRESS);
  writer.requireNodeRoom(saved.nodes);
  writer.space.reserve(saved.counted);
  try {
    yield* exchange(writer, inode, NULL_ADDRESS, NEW_ADDRESS);
    yield* changeInode(writer, inode, (view) => {
      addBlocks(view, saved.counted);
      setSaved(view, saved.saved, inode.fields.inlineFlags & ~InlineFlag.compressReleased);
    });
  } catch (error) {
    throw writer.abandon(error);
  }
  return saved.saved;
}

function setSaved(view: DataView, blocks: number, inlineFlags: number): void {
  ExtraAttributes.compressedBlocks.set(view, INODE_ADDRESSES_OFFSET, blocks);
  RawInode.inlineFlags.set(view, 0, inlineFlags);
}

interface Saved {
  /** Blocks that the clusters save. */
  saved: number;
  /** Blocks by which the counts of file and volume change: slots of the kind asked for, and the marks. */
  counted: number;
  /** Nodes with compressed clusters. */
  nodes: number;
}

/** Counts what compression saves; the slots without payload that hold `empty` are those that would change. */
function* count(writer: VolumeWriter, inode: F2fsInode, empty: number): Task<Saved> {
  const found: Saved = { saved: 0, counted: 0, nodes: 0 };
  yield* eachNode(writer, inode, (view, clusters) => {
    if (clusters.length > 0) found.nodes++;
    for (const { payload, slots } of clusters) {
      found.saved += slots.length + 1 - payload;
      found.counted++;
      for (const byte of slots.slice(payload)) if (view.getUint32(byte, true) === empty) found.counted++;
    }
    return false;
  });
  return found;
}

function* exchange(writer: VolumeWriter, inode: F2fsInode, from: number, to: number): Task<void> {
  yield* eachNode(writer, inode, (view, clusters) => {
    let changed = false;
    for (const { payload, slots } of clusters) {
      for (const byte of slots.slice(payload)) {
        if (view.getUint32(byte, true) !== from) continue;
        view.setUint32(byte, to, true);
        changed = true;
      }
    }
    return changed;
  });
}

/** A compressed cluster in a node. */
interface FoundCluster {
  /** Bytes in the node of the slots behind the mark. */
  slots: number[];
  /** How many of them hold payload: the first ones. */
  payload: number;
}

/** Calls `visit` with the compressed clusters of each node of a file; it returns whether it changed any. */
function* eachNode(
  { store }: VolumeWriter,
  inode: F2fsInode,
  visit: (view: DataView, clusters: FoundCluster[]) => boolean,
): Task<void> {
  const { ino, fields } = inode;
  const blocks = clusterBlocks(fields.logClusterSize);
  const end = Math.ceil(inode.size / (blocks * BLOCK_SIZE)) * blocks;
  for (let at = 0; at < end; ) {
    const range = yield* locateDnode(store, inode.raw, at);
    at = range.end;
    if (range.hole) continue;
    const { node, nid, slotOffset, start } = range;
    const clusters: FoundCluster[] = [];
    for (let first = start; first < Math.min(end, range.end); first += blocks) {
      const byte = slotOffset + 4 * (first - start);
      if (node.view.getUint32(byte, true) !== COMPRESS_ADDRESS) continue;
      const slots = Array.from({ length: blocks - 1 }, (_, index) => byte + 4 * (index + 1));
      const addresses = slots.map((slot) => node.view.getUint32(slot, true));
      const payload = addresses.findIndex((address) => !isMainAddress(store.superblock, address));
      const rest = payload < 0 ? [] : addresses.slice(payload);
      if (payload === 0 || rest.some((address) => address !== NEW_ADDRESS && address !== NULL_ADDRESS)) {
        const where = { block: node.address, ino, nid, offset: byte, fileBlock: first };
        throw corrupt('clusterLayout', { where, detail: 'payload, then slots without a block' });
      }
      clusters.push({ slots, payload: payload < 0 ? slots.length : payload });
    }
    if (visit(node.view, clusters)) store.markDirty(nid);
  }
}
