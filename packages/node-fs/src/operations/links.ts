// readlink, realpath, access, exists.

import { EACCES, EROFS, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { Inode } from '@f2fskit/vfs';
import type { BytesOptions, Encoding, PathLike, TextOptions } from '../api.ts';
import { checkInteger, toEncoding, toOptions, toPath } from '../arguments.ts';
import { constants } from '../constants.ts';
import { bytesOrText, type FsContext } from '../context.ts';
import { withPath } from '../edge.ts';

type NameOptions = TextOptions | BytesOptions | Encoding | 'buffer' | null;

/** How names are wanted: utf8 text unless said otherwise. */
export function nameEncoding(options: NameOptions | undefined): Encoding | 'buffer' {
  return toEncoding(toOptions<TextOptions | BytesOptions>(options).encoding) ?? 'utf8';
}

export function* readlink<B extends Uint8Array>(
  context: FsContext<B>,
  path: PathLike,
  options?: NameOptions,
): Task<B | string> {
  const encoding = nameEncoding(options);
  const where = toPath(path);
  const reading = context.vfs.use(where, { followLast: false }, (inode) => inode.readLink());
  return bytesOrText(context, yield* withPath('readlink', where, reading), encoding);
}

/** The absolute path without `.`, `..` and symlinks. */
export function* realpath<B extends Uint8Array>(
  context: FsContext<B>,
  path: PathLike,
  options?: NameOptions,
): Task<B | string> {
  const encoding = nameEncoding(options);
  const where = toPath(path);
  const resolved = yield* withPath('realpath', where, context.vfs.walk(where));
  return bytesOrText(context, resolved.path, encoding);
}

/**
 * What the superuser may do: read everything, write where the volume is opened for writing (else EROFS), execute what has
 * any execute bit, and search every directory.
 */
export function* access(context: FsContext, path: PathLike, mode: number = constants.F_OK): Task<void> {
  const where = toPath(path);
  checkInteger(mode, 'mode', 0, 7);
  yield* withPath('access', where, mayAccess(context, where, mode));
}

function* mayAccess({ vfs }: FsContext, path: string | Uint8Array, mode: number): Task<void> {
  const { inode } = yield* vfs.walk(path);
  if ((mode & constants.X_OK) !== 0 && !executable(inode)) throw new FsError(EACCES);
  if ((mode & constants.W_OK) !== 0 && writesToVolume(inode) && vfs.filesystem.writable !== true)
    throw new FsError(EROFS);
}

function executable(inode: Inode): boolean {
  return inode.kind === 'directory' || (inode.attributes().mode & 0o111) !== 0;
}

/** Devices, fifos and sockets lead elsewhere: writing to them does not change the volume. */
function writesToVolume({ kind }: Inode): boolean {
  return kind === 'file' || kind === 'directory' || kind === 'symlink';
}

/** Never throws: what cannot be looked at does not exist. */
export function* exists(context: FsContext, path: PathLike): Task<boolean> {
  try {
    yield* context.vfs.walk(toPath(path));
    return true;
  } catch {
    return false;
  }
}
