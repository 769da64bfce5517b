// Zeros in a part of a file that stays: at the edges of a hole that is punched, behind the new end of a file that gets shorter,
// behind the old end of one that grows.
// Source: buffered I/O spec 8 (step 7), 9.1 to 9.4.

import { ENOSPC, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { zeroBuffered } from '@f2fskit/iomap';
import type { Task } from '@f2fskit/task';
import { isInsideCluster, zeroClusterFrom } from '../clusters/cut-cluster.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { truncateInlineData } from './inline-file.ts';
import { reserveInSteps } from './reserve-blocks.ts';

/**
 * Makes the bytes [from, to) zeros, here and, with the next writeback, on the medium; holes and blocks never written stay. The
 * size stays. The lock of the inode is held; contents are not in the inode. Throws Corruption, EIO.
 */
export function* zeroRange(writer: VolumeWriter, inode: F2fsInode, from: number, to: number): Task<void> {
  const file = inode.pages();
  const { operations } = file;
  yield* zeroBuffered(file, from, to, {
    begin: (position, length, request, map) => operations.begin(position, length, request, map),
    throttle: () => writer.flusher.throttle(),
  });
}

/**
 * Makes what the last block holds behind the end of the file zeros: the file is about to grow beyond that block, and would show it. A
 * reader has seen zeros there all along, but another system may have left anything on the medium. The lock of the inode is
 * held. Throws ENOSPC, Corruption, EIO.
 */
export function* zeroTail(writer: VolumeWriter, inode: F2fsInode): Task<void> {
  const { size } = inode;
  if (hasInlineData(inode.raw)) {
    yield* writer.operation(truncateInlineData(writer, inode, size));
    return;
  }
  if (inode.fields.compressed && (yield* isInsideCluster(inode, size))) {
    yield* zeroClusterFrom(inode, size);
    return;
  }
  const block = Math.floor(size / BLOCK_SIZE);
  if (size === block * BLOCK_SIZE) return;
  // The zeros of an atomic write need a block of their own.
  if (inode.atomic !== undefined && (yield* reserveInSteps(writer, inode, block, block + 1)) === block) {
    throw new FsError(ENOSPC);
  }
  yield* zeroRange(writer, inode, size, (block + 1) * BLOCK_SIZE);
}
