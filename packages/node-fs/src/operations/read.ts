// read and readv by descriptor.

import { EINVAL, EISDIR, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { OpenFile } from '@f2fskit/vfs';
import type { BufferView, ReadOptions } from '../api.ts';
import { invalidType } from '../argument-error.ts';
import { checkFd, toPosition, toTarget } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { atEdge, withPath } from '../edge.ts';

/** The open file of a descriptor. Throws EBADF with the name of the call. */
export function openFile({ vfs }: FsContext, fd: number, syscall: string): OpenFile {
  try {
    return vfs.file(checkFd(fd));
  } catch (error) {
    throw atEdge(error, syscall, undefined);
  }
}

/** What `read(fd, buffer, …)` takes behind the buffer: three numbers, or an object with them. */
export type ReadPlace =
  | [
      offset?: number | null | undefined,
      length?: number | null | undefined,
      position?: number | bigint | null | undefined,
    ]
  | [options?: ReadOptions | undefined];

/**
 * The sync read: of what is in the cache a plain chain of calls, without a task. `-1` as position is where the file's is.
 */
export function readSync(context: FsContext, fd: number, buffer: BufferView, ...place: ReadPlace): number {
  const file = openFile(context, fd, 'read');
  // As Node: an offset alone is taken for the options.
  if (place.length === 1 && typeof place[0] === 'number') throw invalidType('options', 'of type object', place[0]);
  const [offset, length, position] = placeOf(place);
  const target = toTarget(buffer, offset, length);
  const at = toPosition(position);
  if (target.length === 0) return 0;
  if (context.scheduler.mode === 'sync') {
    const count = at < 0 ? file.peekRead(target) : file.peekReadAt(at, target);
    if (count >= 0) return count;
  }
  return context.scheduler.runSync(readOpen(file, target, at));
}

/** The same as a task. */
export function* read(context: FsContext, fd: number, buffer: BufferView, ...place: ReadPlace): Task<number> {
  const file = openFile(context, fd, 'read');
  const [offset, length, position] = placeOf(place);
  const target = toTarget(buffer, offset, length);
  const at = toPosition(position);
  return target.length === 0 ? 0 : yield* readOpen(file, target, at);
}

function placeOf(place: ReadPlace): [number | null | undefined, number | null | undefined, unknown] {
  const [first, length, position] = place;
  if (typeof first !== 'object' || first === null) return [first, length, position];
  return [first.offset, first.length, first.position];
}

function* readOpen(file: OpenFile, target: Uint8Array, at: number): Task<number> {
  return yield* withPath('read', undefined, readKind(file, target, at));
}

function* readKind(file: OpenFile, target: Uint8Array, at: number): Task<number> {
  if (file.readable && file.inode.kind === 'directory') throw new FsError(EISDIR);
  return at < 0 ? yield* file.read(target) : yield* file.readAt(at, target);
}

/** Fills the buffers one behind the other; fewer bytes only at the end of the file. */
export function* readv(
  context: FsContext,
  fd: number,
  buffers: readonly BufferView[],
  position?: number | null,
): Task<number> {
  const file = openFile(context, fd, 'read');
  if (!Array.isArray(buffers)) throw invalidType('buffers', 'an ArrayBufferView[]', buffers);
  if (buffers.length === 0) throw new FsError(EINVAL, { syscall: 'read' });
  const targets = buffers.map((buffer) => toTarget(buffer));
  // As Node: what is not a number is no place.
  let at = typeof position === 'number' ? toPosition(position) : -1;
  let sum = 0;
  for (const target of targets) {
    if (target.length === 0) continue;
    const count = yield* readOpen(file, target, at);
    sum += count;
    if (at >= 0) at += count;
    if (count < target.length) break;
  }
  return sum;
}
