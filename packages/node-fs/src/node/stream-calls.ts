// What Node's own streams are given to open, read, write and close with.

import type { Buffer } from 'node:buffer';
import type { PathLike } from '../api.ts';
import type { FsContext } from '../context.ts';
import type { FileHandle } from '../file-handle.ts';
import { close, open } from '../operations/open.ts';
import { read } from '../operations/read.ts';
import { fsync, write, writev } from '../operations/write.ts';
import type { Bytes } from './bytes.ts';

type Callback<T extends unknown[] = []> = (error: Error | null, ...results: T | []) => void;

/** Of a stream that opens its file itself, or is given a descriptor. */
export function pathCalls(context: FsContext<Bytes>): object {
  return calls(context, (fd) => context.scheduler.run(close(context, fd)));
}

/** Of a stream on an open handle: the handle is closed with the stream. */
export function handleCalls(context: FsContext<Bytes>, handle: FileHandle<Bytes>): object {
  return calls(context, () => handle.close());
}

function calls(context: FsContext<Bytes>, closeFile: (fd: number) => Promise<void>): object {
  const { scheduler } = context;
  return {
    open(path: PathLike, flags: string, mode: number, callback: Callback<[fd: number]>): void {
      scheduler.run(open(context, path, flags, mode)).then((fd) => callback(null, fd), callback);
    },
    read(
      fd: number,
      buffer: Buffer,
      offset: number,
      length: number,
      position: number | undefined,
      callback: Callback<[bytesRead: number, buffer: Buffer]>,
    ): void {
      scheduler
        .run(read(context, fd, buffer, offset, length, position))
        .then((count) => callback(null, count, buffer), callback);
    },
    write(
      fd: number,
      buffer: Buffer,
      offset: number,
      length: number,
      position: number | undefined,
      callback: Callback<[bytesWritten: number, buffer: Buffer]>,
    ): void {
      scheduler
        .run(write(context, fd, buffer, offset, length, position))
        .then((count) => callback(null, count, buffer), callback);
    },
    writev(
      fd: number,
      buffers: Buffer[],
      position: number | undefined,
      callback: Callback<[bytesWritten: number, buffers: Buffer[]]>,
    ): void {
      scheduler.run(writev(context, fd, buffers, position)).then((count) => callback(null, count, buffers), callback);
    },
    fsync(fd: number, callback: Callback): void {
      scheduler.run(fsync(context, fd)).then(() => callback(null), callback);
    },
    close(fd: number, callback: Callback): void {
      closeFile(fd).then(() => callback(null), callback);
    },
  };
}
