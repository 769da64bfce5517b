// write and writev by descriptor.

import type { Task } from '@f2fskit/task';
import { type OpenFile, utf8Encode, type Writable } from '@f2fskit/vfs';
import type { BufferView, Encoding, WriteOptions } from '../api.ts';
import { invalidType, invalidValue, outOfRange } from '../argument-error.ts';
import { checkFd, checkInteger, toSourceBytes } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { withPath } from '../edge.ts';
import { openFile } from './read.ts';

/**
 * What `write(fd, what, …)` takes behind what is written: of bytes where they are and where they go, or an object with that;
 * of text where it goes and its encoding.
 */
export type WritePlace = [
  offsetOrPosition?: number | bigint | WriteOptions | null | undefined,
  lengthOrEncoding?: number | string | null | undefined,
  position?: number | bigint | null | undefined,
];

/** The bytes written: fewer than asked for when something failed behind them. */
export function* write(
  context: FsContext,
  fd: number,
  what: BufferView | string,
  ...[first, second, third]: WritePlace
): Task<number> {
  checkFd(fd);
  if (ArrayBuffer.isView(what)) {
    const { offset, length, position } = place(first, second, third);
    const bytes = toSourceBytes(what, offset, length);
    return yield* writeOpen(openFile(context, fd, 'write'), bytes, toWritePosition(position));
  }
  if (typeof what !== 'string') {
    throw invalidType('buffer', 'of type string or an instance of Buffer, TypedArray, or DataView', what);
  }
  const bytes = textBytes(context, what, second);
  return yield* writeOpen(openFile(context, fd, 'write'), bytes, toWritePosition(first));
}

/** As Node: null is an object without options, whatever follows it. */
function place(first: WritePlace[0], second: WritePlace[1], third: WritePlace[2]): WriteOptions {
  if (typeof first === 'object') return first ?? {};
  return { offset: first as number | undefined, length: second as number | undefined, position: third };
}

/** As Node: of an encoding that does not exist utf8 is taken, but half a byte in hex is refused. */
function textBytes({ platform }: FsContext, text: string, encoding: unknown): Uint8Array {
  if (typeof encoding === 'string' && encoding.toLowerCase() === 'hex' && text.length % 2 !== 0) {
    throw invalidValue('encoding', encoding, `is invalid for data of length ${text.length}`);
  }
  const bytes = typeof encoding === 'string' ? platform.encode(text, encoding as Encoding) : undefined;
  return bytes ?? utf8Encode(text);
}

/** Where a write goes: -1 = where the file's position is, which is also what Node makes of everything that is no place. */
function toWritePosition(position: unknown): number {
  if (typeof position === 'bigint') {
    if (position > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw outOfRange('position', `<= ${Number.MAX_SAFE_INTEGER}`, position);
    }
    return Number(position) < 0 ? -1 : Number(position);
  }
  return typeof position === 'number' && Number.isSafeInteger(position) && position >= 0 ? position : -1;
}

export function* writeOpen(file: OpenFile, what: Writable, position: number): Task<number> {
  return yield* withPath('write', undefined, position < 0 ? file.write(what) : file.writeAt(position, what));
}

/** The buffers one behind the other, as one write. */
export function* writev(
  context: FsContext,
  fd: number,
  buffers: readonly BufferView[],
  position?: number | null,
): Task<number> {
  checkFd(fd);
  if (!Array.isArray(buffers) || !buffers.every((buffer) => ArrayBuffer.isView(buffer))) {
    throw invalidType('buffers', 'an ArrayBufferView[]', buffers);
  }
  if (buffers.length === 0) return 0;
  const runs = buffers.map((buffer: BufferView) => toSourceBytes(buffer));
  return yield* writeOpen(openFile(context, fd, 'write'), runs, toWritePosition(position));
}

/** ftruncate: what is cut off, or zeros behind the end. */
export function* ftruncate(context: FsContext, fd: number, length: number = 0): Task<void> {
  checkFd(fd);
  const size = Math.max(0, checkInteger(length, 'len', -Number.MAX_SAFE_INTEGER));
  yield* withPath('ftruncate', undefined, openFile(context, fd, 'ftruncate').truncate(size));
}

export function* fsync(context: FsContext, fd: number): Task<void> {
  yield* withPath('fsync', undefined, openFile(context, fd, 'fsync').fsync());
}

export function* fdatasync(context: FsContext, fd: number): Task<void> {
  yield* withPath('fdatasync', undefined, openFile(context, fd, 'fdatasync').fsync(true));
}
