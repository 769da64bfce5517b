// Zeros in a part of a file that stays: at the edges of a hole that is punched, behind the new end of a file that gets shorter.
// Source: buffered I/O spec 9.1, 9.3, 9.4.

import { zeroBuffered } from '@f2fskit/iomap';
import type { Task } from '@f2fskit/task';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';

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
