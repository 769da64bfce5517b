// Cleaning: what is valid in segments that hold little moves together, so that whole segments become free. It is done when the
// logs have hardly any room left, at the start of a checkpoint, with every change kept away; the segments are free once that
// checkpoint is durable.
//
//   a node    becomes dirty: the checkpoint writes it to its log
//   data      is copied to the cold data log; the slot that the summary names learns the new address
//
// The summary is a hint: what no node and no slot refers to stays where it is. Content is copied as it lies on the device, so
// compressed and encrypted files need nothing special. What is in memory, dirty or not, stays valid; a read from the old
// place that is under way is done again (`VolumeWriter.moves`).
// Source: spec 5.4; kernel fs/f2fs/gc.c (do_garbage_collect, gc_node_segment, move_data_block).

import { Plug, readBio, throwIfFailed, writeBio } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  InlineFlag,
  isNodeSegmentType,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  RawExtent,
  RawInode,
  SEGMENT_BLOCKS,
  SegmentType,
  testMsb,
} from '@f2fskit/f2fs-format';
import { type Task, waitAll } from '@f2fskit/task';
import { changeInodeNode } from '../change-inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { type BlockOwner, readSummaryEntry } from './log.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A segment was cleaned: so many blocks moved. */
    'segment:clean': { segno: number; type: number; moved: number };
  }
}

/** Segments that one checkpoint cleans at most. */
const VICTIMS_MAX = 64;
/** Segments that a round should free, net of those that the moved blocks fill. */
const FREED_WANTED = 8;

/**
 * Empties segments that hold little. The caller keeps every change away, has nothing in flight, and takes a checkpoint
 * right behind. Returns how many blocks moved; 0 when cleaning would free nothing. Throws EIO, Corruption.
 */
export function* cleanSegments(writer: VolumeWriter): Task<number> {
  const victims = pickVictims(writer);
  const { allocator } = writer;
  let moved = 0;
  for (const segno of victims) allocator.avoided.add(segno);
  try {
    for (const segno of victims) moved += yield* cleanSegment(writer, segno);
  } finally {
    allocator.avoided.clear();
  }
  writer.moves++;
  return moved;
}

/** The segments with the fewest valid blocks, as long as together they free more than they fill and there is room to move. */
function pickVictims({ allocator, store }: VolumeWriter): number[] {
  const { segments, logs } = allocator;
  const candidates: number[] = [];
  for (let segno = 0; segno < segments.validCounts.length; segno++) {
    const valid = segments.validCounts[segno]!;
    if (valid === 0 || valid >= SEGMENT_BLOCKS || logs.some((log) => log.segno === segno)) continue;
    candidates.push(segno);
  }
  candidates.sort((a, b) => segments.validCounts[a]! - segments.validCounts[b]!);
  let dataRoom = allocator.roomFor(SegmentType.coldData);
  let nodeRoom = allocator.roomFor(SegmentType.warmNode) - store.dirty.size;
  const victims: number[] = [];
  let freed = 0;
  for (const segno of candidates) {
    const valid = segments.validCounts[segno]!;
    const nodes = isNodeSegmentType(segments.types[segno]!);
    // The holes of the victim itself are no room for what moves.
    const holes = SEGMENT_BLOCKS - segments.heldCounts[segno]!;
    if (nodes) nodeRoom -= valid + holes;
    else {
      dataRoom -= valid + holes;
      // Each slot may be in another node.
      nodeRoom -= valid;
    }
    if (nodeRoom < 0 || dataRoom < 0) break;
    victims.push(segno);
    freed += SEGMENT_BLOCKS - valid;
    if (freed >= FREED_WANTED * SEGMENT_BLOCKS || victims.length === VICTIMS_MAX) break;
  }
  return freed >= SEGMENT_BLOCKS ? victims : [];
}

/** A block on its way to another place. */
interface Move {
  owner: BlockOwner;
  from: number;
  to: number;
  bytes: Uint8Array;
}

function* cleanSegment(writer: VolumeWriter, segno: number): Task<number> {
  const { allocator, store } = writer;
  const { segments, superblock } = allocator;
  const segment = yield* segments.get(segno);
  const summary = (yield* allocator.summaryOf(segno)).slice();
  const valid = segment.valid.slice();
  const first = superblock.mainAddress + segno * SEGMENT_BLOCKS;
  const nodes = isNodeSegmentType(segment.type);
  const moves: Move[] = [];
  let moved = 0;
  for (let offset = 0; offset < SEGMENT_BLOCKS; offset++) {
    if (!testMsb(valid, offset)) continue;
    const owner = readSummaryEntry(summary, offset);
    if (nodes) moved += (yield* dirtyNode(writer, owner.nid, first + offset)) ? 1 : 0;
    else if ((yield* slotNaming(writer, owner, first + offset)) >= 0) {
      const to = yield* allocator.allocate(SegmentType.coldData, owner);
      moves.push({ owner, from: first + offset, to, bytes: new Uint8Array(BLOCK_SIZE) });
      moved++;
    }
  }
  // The content first: readers are not kept away, and a slot that they look up names a block that is there.
  yield* copyBlocks(writer, moves);
  for (const move of moves) yield* moveSlot(writer, move);
  if (store.tracer?.active) store.tracer.emit('segment:clean', { segno, type: segment.type, moved });
  return moved;
}

/** The node that lies at `address` becomes dirty; false when none does. */
function* dirtyNode({ store }: VolumeWriter, nid: number, address: number): Task<boolean> {
  if (nid >= store.nat.nidEnd) return false;
  const entry = yield* store.nat.lookup(nid);
  if (entry.blockAddress !== address) return false;
  yield* store.readAnyNode(nid);
  store.markDirty(nid);
  return true;
}

/** Byte in its node of the slot that names the block at `address`; -1 where none does. */
function* slotNaming(writer: VolumeWriter, { nid, version, offsetInNode }: BlockOwner, address: number): Task<number> {
  const { store } = writer;
  if (nid === 0 || nid >= store.nat.nidEnd) return -1;
  const entry = yield* store.nat.lookup(nid);
  if (entry.version !== version || entry.blockAddress === 0) return -1;
  const byte = yield* slotByte(writer, nid, offsetInNode);
  const { view } = yield* store.readAnyNode(nid);
  return byte >= 0 && view.getUint32(byte, true) === address ? byte : -1;
}

/** The slot of a block that was copied learns its new place. */
function* moveSlot(writer: VolumeWriter, { owner, from, to }: Move): Task<void> {
  const { store, allocator } = writer;
  const { nid } = owner;
  const byte = yield* slotNaming(writer, owner, from);
  assert(byte >= 0, 'no slot changes while segments are cleaned');
  const { view } = yield* store.readAnyNode(nid);
  view.setUint32(byte, to, true);
  const ino = NodeFooter.ino.get(view, NODE_FOOTER_OFFSET);
  store.markDirty(nid);
  const { view: inode } = yield* store.readAnyNode(ino);
  const forgetsExtent = RawExtent.length.get(inode, RawInode.extent.at(0, 0)) > 0;
  if (nid === ino || forgetsExtent) {
    yield* changeInodeNode(writer, ino, (changed) => RawExtent.length.set(changed, RawInode.extent.at(0, 0), 0));
  }
  yield* allocator.invalidate(from);
}

/** Where in a node a slot is; -1 where there is none. */
function* slotByte({ store }: VolumeWriter, nid: number, index: number): Task<number> {
  const { view } = yield* store.readAnyNode(nid);
  if (NodeFooter.ino.get(view, NODE_FOOTER_OFFSET) !== nid) return 4 * index;
  const { fields } = yield* store.readInode(nid);
  const inside =
    (fields.inlineFlags & (InlineFlag.data | InlineFlag.dentry)) !== 0 || index >= fields.addressesPerInode;
  return inside ? -1 : fields.addressesOffset + 4 * index;
}

/** Copies blocks: all are read, then all are written. Throws EIO. */
function* copyBlocks({ store }: VolumeWriter, moves: readonly Move[]): Task<void> {
  const { device } = store;
  for (const make of [
    ({ from, bytes }: Move) => readBio(from * BLOCK_SIZE, [bytes]),
    ({ to, bytes }: Move) => writeBio(to * BLOCK_SIZE, [bytes]),
  ]) {
    const bios = moves.map(make);
    const plug = new Plug(device);
    for (const bio of bios) plug.add(bio);
    plug.flush();
    yield* waitAll(bios.map((bio) => bio.completion));
    for (const bio of bios) throwIfFailed(device, bio);
  }
  // Whatever lay there before may still be cached.
  for (const { to, bytes } of moves) store.blocks.peek(to)?.bytes.set(bytes);
}
