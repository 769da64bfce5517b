// createWriteStream: Node's own WriteStream over a volume.

import { WriteStream } from 'node:fs';
import type { PathLike, WriteStreamOptions } from '../api.ts';
import { toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import type { FileHandle } from '../file-handle.ts';
import type { Bytes } from './bytes.ts';
import { handleCalls, pathCalls } from './stream-calls.ts';

/** Its constructor is public in JavaScript; the types keep it to themselves. */
const Stream = WriteStream as unknown as new (path: unknown, options: object) => WriteStream;

/** What `fs.createWriteStream` takes beyond a handle's: flags and mode, and an open descriptor instead of the path. */
export interface PathWriteStreamOptions extends WriteStreamOptions {
  flags?: string | undefined;
  mode?: number | undefined;
  fd?: number | FileHandle<Bytes> | null | undefined;
}

/** A stream into the file at `path`; errors are its 'error' events. */
export function pathWriteStream(
  context: FsContext<Bytes>,
  path: PathLike,
  options?: BufferEncoding | PathWriteStreamOptions,
): WriteStream {
  const given = typeof options === 'string' ? { encoding: options } : (options ?? {});
  const { fd } = given as PathWriteStreamOptions;
  if (fd !== null && typeof fd === 'object') return handleWriteStream(context, fd, given);
  const where = fd === undefined || fd === null ? toPath(path) : path;
  return new Stream(where, { ...given, fs: pathCalls(context) });
}

/** A stream into an open file. */
export function handleWriteStream(
  context: FsContext<Bytes>,
  handle: FileHandle<Bytes>,
  options: WriteStreamOptions = {},
): WriteStream {
  return new Stream('', { ...options, fd: handle.fd, fs: handleCalls(context, handle) });
}
