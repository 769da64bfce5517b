// Dentry blocks go to the volume at the start of a checkpoint: each takes the next block of the hot data log, its slot
// learns the new address, and the old block is given up. Space and slot were promised when the block first changed.
//
// Source: spec 5.2, 10.1; kernel fs/f2fs/checkpoint.c (block_operations).

import { submitAndWait, writeBio } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import { BLOCK_SIZE, NULL_ADDRESS, SegmentType } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { VolumeWriter } from '../volume-writer.ts';
import { findSlot, putAddress, slotOwner } from './slots.ts';

/** Blocks in one request at most. */
const RUN_BLOCKS_MAX = 64;

/** Blocks that go to the device one behind the other. */
interface Run {
  readonly address: number;
  readonly blocks: Array<{ ino: number; fileBlock: number; bytes: Uint8Array }>;
}

/** Writes every dirty dentry block. The caller keeps all changes away meanwhile. Throws EIO. */
export function* flushDirectories(writer: VolumeWriter): Task<void> {
  const { allocator, directories, store } = writer;
  let run: Run | undefined;
  for (const { ino, fileBlock, block } of directories.list()) {
    const inode = yield* store.readInode(ino);
    const slot = yield* findSlot(writer, inode, fileBlock);
    assert(slot !== undefined && slot.address !== NULL_ADDRESS, 'a dentry block has its slot before it is written');
    const address = yield* allocator.allocate(SegmentType.hotData, yield* slotOwner(writer, slot));
    yield* putAddress(writer, inode, slot, address);
    if (run !== undefined && (address !== run.address + run.blocks.length || run.blocks.length === RUN_BLOCKS_MAX)) {
      yield* submit(writer, run);
      run = undefined;
    }
    run ??= { address, blocks: [] };
    run.blocks.push({ ino, fileBlock, bytes: block.bytes });
  }
  if (run !== undefined) yield* submit(writer, run);
}

function* submit({ directories, store }: VolumeWriter, { address, blocks }: Run): Task<void> {
  const bio = writeBio(
    address * BLOCK_SIZE,
    blocks.map(({ bytes }) => bytes),
  );
  yield* submitAndWait(store.device, bio);
  for (const [index, { ino, fileBlock, bytes }] of blocks.entries()) {
    // Whatever lay there before may still be cached.
    store.blocks.peek(address + index)?.bytes.set(bytes);
    directories.drop(ino, fileBlock);
  }
}
