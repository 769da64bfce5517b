// writeFile of promises with parts that come one by one: an iterable, an async iterable, a stream. Each is written before the
// next is asked for.

import type { BufferView, Encoding, Parts, PathLike, WriteFileOptions } from '../api.ts';
import { throwIfAborted } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { close, open } from './open.ts';
import { openFile } from './read.ts';
import { isDescriptor } from './read-file.ts';
import { fsync } from './write.ts';
import { toData, toWriteRequest, type WriteFileRequest, writeAll } from './write-file.ts';

/** Whether data is to be asked for its parts: text and bytes are not. */
export function isParts(data: string | BufferView | Parts): data is Parts {
  if (typeof data !== 'object' || data === null || ArrayBuffer.isView(data)) return false;
  return Symbol.asyncIterator in data || Symbol.iterator in data;
}

export async function writeParts(
  context: FsContext,
  to: PathLike | number,
  parts: Parts,
  options: WriteFileOptions | Encoding | null | undefined,
): Promise<void> {
  const request = toWriteRequest(context, options, 'w');
  throwIfAborted(request.signal);
  if (isDescriptor(to)) return writeEach(context, to, parts, request);
  const { scheduler } = context;
  const fd = await scheduler.run(open(context, to as PathLike, request.flag, request.mode));
  try {
    await writeEach(context, fd, parts, request);
  } finally {
    await scheduler.run(close(context, fd));
  }
}

async function writeEach(
  context: FsContext,
  fd: number,
  parts: Parts,
  { encoding, signal, flush }: WriteFileRequest,
): Promise<void> {
  const { scheduler } = context;
  for await (const part of parts) {
    throwIfAborted(signal);
    const bytes = toData(context, part, encoding);
    await scheduler.run(writeAll(openFile(context, fd, 'write'), bytes, signal));
    throwIfAborted(signal);
  }
  if (flush) await scheduler.run(fsync(context, fd));
}
