// writeFile, appendFile, truncate: by path, or by descriptor from where its position is.

import { EIO, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { OpenFile } from '@f2fskit/vfs';
import type { AbortSignalLike, BufferView, Encoding, PathLike, WriteFileOptions } from '../api.ts';
import { invalidType, invalidValue } from '../argument-error.ts';
import { toBoolean, toEncoding, toOptions, toSignal } from '../arguments.ts';
import { abortPoint, type FsContext } from '../context.ts';
import { open, thenClose } from './open.ts';
import { openFile } from './read.ts';
import { isDescriptor } from './read-file.ts';
import { fsync, ftruncate, writeOpen } from './write.ts';

/** Written between two looks at the signal. */
const PART_BYTES = 512 * 1024;

/** Options as they were given, checked. */
export interface WriteFileRequest {
  encoding: Encoding | 'buffer' | undefined;
  mode: number | string | null | undefined;
  flag: string | number;
  flush: boolean;
  signal: AbortSignalLike | undefined;
}

/** `flag`: what files are opened with unless the options say otherwise. */
export function toWriteRequest(
  context: FsContext,
  options: WriteFileOptions | Encoding | null | undefined,
  flag: 'w' | 'a',
): WriteFileRequest {
  const given = toOptions<WriteFileOptions>(options);
  const encoding = toEncoding(given.encoding);
  if (encoding !== undefined && encoding !== 'buffer') encoded(context, '', encoding); // one that does not exist
  return {
    encoding,
    mode: given.mode,
    flag: given.flag || flag, // an empty one is none
    flush: given.flush === undefined || given.flush === null ? false : toBoolean(given.flush, 'options.flush'),
    signal: toSignal(given.signal),
  };
}

/** The bytes of data as it was given. Throws ERR_INVALID_ARG_TYPE. */
export function toData(context: FsContext, data: unknown, encoding: Encoding | 'buffer' | undefined): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (typeof data === 'string') return encoded(context, data, encoding === 'buffer' ? 'utf8' : (encoding ?? 'utf8'));
  throw invalidType('data', 'of type string or an instance of Buffer, TypedArray, or DataView', data);
}

function encoded({ platform }: FsContext, text: string, encoding: Encoding): Uint8Array {
  const bytes = platform.encode(text, encoding);
  if (bytes === undefined) throw invalidValue('encoding', encoding, 'is invalid encoding');
  return bytes;
}

/** Writes all of `data`. Throws what `open` and `write` throw. */
export function* writeFile(
  context: FsContext,
  to: PathLike | number,
  data: string | BufferView,
  options?: WriteFileOptions | Encoding | null,
  flag: 'w' | 'a' = 'w',
): Task<void> {
  const request = toWriteRequest(context, options, flag);
  const bytes = toData(context, data, request.encoding);
  if (request.signal !== undefined) yield* abortPoint(request.signal);
  yield* withTarget(context, to, request, (fd) => writeAll(openFile(context, fd, 'write'), bytes, request.signal));
}

export function* appendFile(
  context: FsContext,
  to: PathLike | number,
  data: string | BufferView,
  options?: WriteFileOptions | Encoding | null,
): Task<void> {
  yield* writeFile(context, to, data, options, 'a');
}

/** Runs `body` with a descriptor: the one given, or one of its own, which is closed behind it. */
function* withTarget(
  context: FsContext,
  to: PathLike | number,
  { flag, mode, flush }: WriteFileRequest,
  body: (fd: number) => Task<void>,
): Task<void> {
  const given = isDescriptor(to);
  const fd = given ? to : yield* open(context, to as PathLike, flag, mode);
  const work = function* (): Task<void> {
    yield* body(fd);
    if (flush) yield* fsync(context, fd);
  };
  yield* given ? work() : thenClose(context, fd, work());
}

/** Writes at the position, until all is written or a write throws. */
export function* writeAll(file: OpenFile, bytes: Uint8Array, signal?: AbortSignalLike): Task<void> {
  const partBytes = signal === undefined ? bytes.length : PART_BYTES;
  for (let at = 0; at < bytes.length; ) {
    if (signal !== undefined && at > 0) yield* abortPoint(signal);
    const count = yield* writeOpen(file, bytes.subarray(at, at + partBytes), -1);
    if (count === 0) throw new FsError(EIO, { syscall: 'write' });
    at += count;
  }
}

/** Opens to write, then ftruncate, as Node does: what is wrong with the path is an error of `open`. */
export function* truncate(context: FsContext, path: PathLike | number, length?: number): Task<void> {
  if (isDescriptor(path)) return yield* ftruncate(context, path, length);
  const fd = yield* open(context, path as PathLike, 'r+');
  yield* thenClose(context, fd, ftruncate(context, fd, length));
}
