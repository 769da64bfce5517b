// createReadStream: Node's own ReadStream over a volume. It takes the functions that open, read and close, so everything
// else (start, end, highWaterMark, encoding, autoClose, signal) is Node's.

import { ReadStream } from 'node:fs';
import type { PathLike, ReadStreamOptions } from '../api.ts';
import { toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import type { FileHandle } from '../file-handle.ts';
import type { Bytes } from './bytes.ts';
import { handleCalls, pathCalls } from './stream-calls.ts';

/** Its constructor is public in JavaScript; the types keep it to themselves. */
const Stream = ReadStream as unknown as new (path: unknown, options: object) => ReadStream;

/** What `fs.createReadStream` takes beyond a handle's: flags, and an open descriptor instead of the path. */
export interface PathStreamOptions extends ReadStreamOptions {
  flags?: string | undefined;
  fd?: number | FileHandle<Bytes> | null | undefined;
}

/** A stream of the file at `path`; errors are its 'error' events. */
export function pathStream(
  context: FsContext<Bytes>,
  path: PathLike,
  options?: BufferEncoding | PathStreamOptions,
): ReadStream {
  const given = typeof options === 'string' ? { encoding: options } : (options ?? {});
  const { fd } = given as PathStreamOptions;
  if (fd !== null && typeof fd === 'object') return handleStream(context, fd, given);
  const where = fd === undefined || fd === null ? toPath(path) : path;
  return new Stream(where, { ...given, fs: pathCalls(context) });
}

/** A stream from an open file. */
export function handleStream(
  context: FsContext<Bytes>,
  handle: FileHandle<Bytes>,
  options: ReadStreamOptions = {},
): ReadStream {
  return new Stream('', { ...options, fd: handle.fd, fs: handleCalls(context, handle) });
}
