// The two surfaces over one set of operations: promises, and sync calls. Argument checks are inside the operations, so that
// a promise call rejects where the sync call throws.

import type { Task } from '@f2fskit/task';
import type { FsPromises, FsSync, GlobDirentOptions, GlobOptions, PathLike } from './api.ts';
import type { FsContext } from './context.ts';
import type { Dirent } from './dirent.ts';
import type { FileHandle } from './file-handle.ts';
import { chmod, chown, fchmod, fchown, futimes, lchown, lutimes, utimes } from './operations/attributes.ts';
import { link, mkdir, mkdtemp, mknod, rename, rmdir, symlink, unlink } from './operations/change-names.ts';
import {
  compressFile,
  compressionUsage,
  decompressFile,
  getCompression,
  releaseSavedBlocks,
  reserveSavedBlocks,
  setCompression,
} from './operations/compression.ts';
import { copyFile } from './operations/copy-file.ts';
import { Copy } from './operations/cp.ts';
import { Glob } from './operations/glob.ts';
import { access, exists, readlink, realpath } from './operations/links.ts';
import {
  abortAtomicWrite,
  commitAtomicWrite,
  fallocate,
  fiemap,
  getFlags,
  getxattr,
  listxattr,
  removexattr,
  seekData,
  seekHole,
  setFlags,
  setxattr,
  startAtomicWrite,
  syncRange,
} from './operations/linux.ts';
import { close, open } from './operations/open.ts';
import { readSync, readv } from './operations/read.ts';
import { type ReadFileOptions, readFile } from './operations/read-file.ts';
import { opendir, readdir } from './operations/readdir.ts';
import { rm } from './operations/rm.ts';
import { fstat, lstat, stat, statfs, unlessAbsent } from './operations/stat.ts';
import { fdatasync, fsync, ftruncate, write, writev } from './operations/write.ts';
import { appendFile, truncate, writeFile } from './operations/write-file.ts';
import { isParts, writeParts } from './operations/write-parts.ts';

// biome-ignore lint/suspicious/noExplicitAny: the operations are called through the types of the surface only
type Operation = (context: any, ...args: any[]) => Task<unknown>;

/** By path, in both forms. */
const BOTH: Record<string, Operation> = {
  access,
  chmod,
  chown,
  compressFile,
  compressionUsage,
  copyFile,
  decompressFile,
  getCompression,
  getFlags,
  getxattr,
  lchown,
  link,
  listxattr,
  lstat,
  lutimes,
  mkdir,
  mkdtemp,
  mknod,
  opendir,
  readdir,
  readlink,
  realpath,
  releaseSavedBlocks,
  removexattr,
  rename,
  reserveSavedBlocks,
  rm,
  rmdir,
  setCompression,
  setFlags,
  setxattr,
  stat,
  statfs,
  symlink,
  truncate,
  unlink,
  utimes,
};

/** In the sync form only, or different there. */
const SYNC: Record<string, Operation> = {
  ...BOTH,
  abortAtomicWrite,
  appendFile,
  close,
  commitAtomicWrite,
  exists,
  fchmod,
  fchown,
  fallocate,
  fdatasync,
  fiemap,
  fstat,
  fsync,
  ftruncate,
  futimes,
  lstat: unlessAbsent(lstat),
  open,
  readFile,
  readv,
  seekData,
  seekHole,
  startAtomicWrite,
  stat: unlessAbsent(stat),
  syncRange,
  write,
  writeFile,
  writev,
};

/** The methods of `node:fs/promises`. */
export function promiseSurface<B extends Uint8Array, H extends FileHandle<B>>(
  context: FsContext<B, H>,
): FsPromises<B, H> {
  const { scheduler, platform } = context;
  const surface: Record<string, unknown> = {};
  for (const [name, operation] of Object.entries(BOTH)) {
    surface[name] = (...args: unknown[]) => scheduler.run(operation(context, ...args));
  }
  const own: Pick<FsPromises<B, H>, 'appendFile' | 'cp' | 'open' | 'writeFile'> & Record<'readFile' | 'glob', unknown> =
    {
      async appendFile(file, data, options) {
        return scheduler.run(appendFile(context, fileOf(file), data, options));
      },
      async cp(source, destination, options) {
        return scheduler.run(new Copy(context, options, true).run(source, destination));
      },
      async writeFile(file, data, options) {
        if (isParts(data)) return writeParts(context, fileOf(file), data, options);
        return scheduler.run(writeFile(context, fileOf(file), data, options));
      },
      async open(path, flags, mode) {
        return platform.handle(context, await scheduler.run(open(context, path, flags, mode)));
      },
      async readFile(file: PathLike | { readonly fd: number }, options?: ReadFileOptions) {
        return scheduler.run(readFile(context, fileOf(file), options));
      },
      async *glob(pattern: string | readonly string[], options?: GlobOptions | GlobDirentOptions) {
        const glob = new Glob(context, pattern, options);
        for (;;) {
          const found = await scheduler.run(glob.next());
          if (found === undefined) return;
          yield found;
        }
      },
    };
  return Object.assign(surface, own) as unknown as FsPromises<B, H>;
}

/** The descriptor of a handle; a path as it is. */
function fileOf(file: PathLike | { readonly fd: number }): PathLike | number {
  return typeof file === 'object' && file !== null && 'fd' in file ? file.fd : file;
}

/** The sync methods of `node:fs`. On a device that completes later each throws ERR_SYNC_UNAVAILABLE. */
export function syncSurface<B extends Uint8Array>(context: FsContext<B>): FsSync<B> {
  const { scheduler } = context;
  const surface: Record<string, unknown> = {};
  for (const [name, operation] of Object.entries(SYNC)) {
    surface[`${name}Sync`] = (...args: unknown[]) => scheduler.runSync(operation(context, ...args));
  }
  const own: Pick<FsSync<B>, 'cpSync' | 'readSync'> & Record<'globSync', unknown> = {
    cpSync: (source, destination, options) => scheduler.runSync(new Copy(context, options).run(source, destination)),
    readSync: (fd: number, buffer: ArrayBufferView, ...place: []) => readSync(context, fd, buffer, ...place),
    globSync(pattern: string | readonly string[], options?: GlobOptions | GlobDirentOptions) {
      const glob = new Glob(context, pattern, options);
      const found: Array<string | Dirent> = [];
      for (;;) {
        const one = scheduler.runSync(glob.next());
        if (one === undefined) return found;
        found.push(one);
      }
    },
  };
  return Object.assign(surface, own) as unknown as FsSync<B>;
}
