// readFile: by path, or by descriptor from where its position is.

import { EBADF, EISDIR, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { type OpenFile, READ_FILE_BYTES_MAX } from '@f2fskit/vfs';
import type { Abortable, AbortSignalLike, Encoding, PathLike, TextOptions, UrlLike } from '../api.ts';
import { fileTooLarge } from '../argument-error.ts';
import { toEncoding, toOptions, toSignal } from '../arguments.ts';
import { abortPoint, bytesOrText, type FsContext } from '../context.ts';
import { withPath } from '../edge.ts';
import { open, thenClose } from './open.ts';
import { openFile } from './read.ts';

export type ReadFileOptions = TextOptions & Abortable & { flag?: string | number | undefined };

/** Throws what `open` throws, EISDIR, ERR_FS_FILE_TOO_LARGE from 2 GiB on, and what reading met. */
export function* readFile<B extends Uint8Array>(
  context: FsContext<B>,
  from: PathLike | number,
  options?: ReadFileOptions | Encoding | null,
): Task<B | string> {
  const { encoding, signal, flag } = toOptions<ReadFileOptions>(options);
  const wanted = toEncoding(encoding);
  const abort = toSignal(signal);
  if (wanted !== undefined) bytesOrText(context, NOTHING, wanted); // an encoding that does not exist, before reading
  if (abort !== undefined) yield* abortPoint(abort);
  if (isDescriptor(from)) return bytesOrText(context, yield* readRest(openFile(context, from, 'read'), abort), wanted);
  const fd = yield* open(context, from, flag);
  const path = typeof from === 'string' || from instanceof Uint8Array ? from : (from as UrlLike).pathname;
  const bytes = yield* thenClose(context, fd, readRest(openFile(context, fd, 'read'), abort, path));
  return bytesOrText(context, bytes, wanted);
}

/** As Node: any other number is no path either. */
export function isDescriptor(from: unknown): from is number {
  return typeof from === 'number' && (from | 0) === from;
}

const NOTHING = new Uint8Array(0);

/** Node names no path for a directory; for what a volume has of its own, damage or a missing codec, we do. */
function* readRest(file: OpenFile, signal: AbortSignalLike | undefined, path?: string | Uint8Array): Task<Uint8Array> {
  const { inode, readable } = file;
  if (!readable) throw new FsError(EBADF, { syscall: 'read' });
  if (inode.kind === 'directory') throw new FsError(EISDIR, { syscall: 'read' });
  const { size } = inode.attributes();
  if (size > READ_FILE_BYTES_MAX) throw fileTooLarge(size);
  const between = signal === undefined ? undefined : () => abortPoint(signal);
  return yield* withPath('read', path, file.readRest(between));
}
