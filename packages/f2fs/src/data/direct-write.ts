// O_DIRECT writes: blocks that have their places are overwritten there, from the caller's memory. As in Linux the rest goes
// through the cache, and is then written back and dropped from it:
//
//   past the cache      whole blocks that have been written before
//   then the cache      from the first hole or reserved block on
//   only the cache      parts of blocks, contents in the inode, compressed files, atomic writes, sources that are not one piece of memory, the page engine
//
// A window of requests is an operation: no checkpoint comes between finding the places and the arrival of the bytes, so the
// cleaner moves none of them meanwhile.
// Source: buffered I/O spec 9.8; kernel fs/f2fs/file.c (f2fs_should_use_dio, f2fs_dio_write_iter).

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { writeDirect } from '@f2fskit/iomap';
import type { Task } from '@f2fskit/task';
import { BytesSource, type WriteSource } from '@f2fskit/writeback';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { noteEnd } from './pending-attributes.ts';

/** The bytes of a write at `start` that may go past the cache; `undefined` where none may. */
export function directBytes(
  writer: VolumeWriter,
  inode: F2fsInode,
  start: number,
  source: WriteSource,
): Uint8Array | undefined {
  if (writer.bufferedIo === 'page' || hasInlineData(inode.raw)) return undefined;
  if (inode.atomic !== undefined || inode.fields.compressed) return undefined;
  if (!(source instanceof BytesSource)) return undefined;
  return start % BLOCK_SIZE === 0 && source.length % BLOCK_SIZE === 0 ? source.bytes : undefined;
}

/**
 * Writes whole blocks at `start`: those that have a place past the cache, the others by `buffered`. The lock of the inode is
 * held. Returns how many bytes; fewer mean that something failed behind them. Throws EIO, and what `buffered` throws.
 */
export function* writeBlocks(
  writer: VolumeWriter,
  inode: F2fsInode,
  start: number,
  bytes: Uint8Array,
  buffered: (start: number, source: WriteSource) => Task<number>,
): Task<number> {
  const file = inode.pages();
  const { operations } = file;
  const done = yield* writeDirect(file, start, bytes, {
    begin: (position, length, request, map) => operations.begin(position, length, request, map),
    writeBack: (from, to) => inode.writeBack(from, to),
    window: (body) => writer.operation(body),
    grow: (end) => noteEnd(writer, inode, end),
  });
  if (done === bytes.length) return done;
  const from = start + done;
  let count: number;
  try {
    count = yield* buffered(from, new BytesSource(bytes.subarray(done)));
  } catch (error) {
    if (done > 0) return done;
    throw error;
  }
  yield* inode.writeBack(from, from + count);
  yield* file.mapping.invalidate(from / BLOCK_SIZE, Math.ceil((from + count) / BLOCK_SIZE));
  return done + count;
}
