// The two surfaces over one set of operations: promises, and sync calls. Argument checks are inside the operations, so that
// a promise call rejects where the sync call throws.

import type { Task } from '@f2fskit/task';
import type { FsPromises, FsSync, GlobDirentOptions, GlobOptions, PathLike } from './api.ts';
import type { FsContext } from './context.ts';
import type { Dirent } from './dirent.ts';
import type { FileHandle } from './file-handle.ts';
import { chmod, chown, fchmod, fchown, futimes, lchown, lutimes, utimes } from './operations/attributes.ts';
import { Glob } from './operations/glob.ts';
import { access, exists, readlink, realpath } from './operations/links.ts';
import { fiemap, getFlags, getxattr, listxattr, seekData, seekHole } from './operations/linux.ts';
import { close, open } from './operations/open.ts';
import { readSync, readv } from './operations/read.ts';
import { type ReadFileOptions, readFile } from './operations/read-file.ts';
import { opendir, readdir } from './operations/readdir.ts';
import { fstat, lstat, stat, statfs, unlessAbsent } from './operations/stat.ts';

// biome-ignore lint/suspicious/noExplicitAny: the operations are called through the types of the surface only
type Operation = (context: any, ...args: any[]) => Task<unknown>;

/** By path, in both forms. */
const BOTH: Record<string, Operation> = {
  access,
  chmod,
  chown,
  getFlags,
  getxattr,
  lchown,
  listxattr,
  lstat,
  lutimes,
  opendir,
  readdir,
  readlink,
  realpath,
  stat,
  statfs,
  utimes,
};

/** In the sync form only, or different there. */
const SYNC: Record<string, Operation> = {
  ...BOTH,
  exists,
  fchmod,
  fchown,
  fiemap,
  fstat,
  futimes,
  lstat: unlessAbsent(lstat),
  open,
  readFile,
  readv,
  seekData,
  seekHole,
  stat: unlessAbsent(stat),
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
  const own: Pick<FsPromises<B, H>, 'open'> & Record<'readFile' | 'glob', unknown> = {
    async open(path, flags) {
      return platform.handle(context, await scheduler.run(open(context, path, flags)));
    },
    async readFile(file: PathLike | { readonly fd: number }, options?: ReadFileOptions) {
      const from = typeof file === 'object' && 'fd' in file ? file.fd : file;
      return scheduler.run(readFile(context, from, options));
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

/** The sync methods of `node:fs`. On a device that completes later each throws ERR_SYNC_UNAVAILABLE. */
export function syncSurface<B extends Uint8Array>(context: FsContext<B>): FsSync<B> {
  const { scheduler } = context;
  const surface: Record<string, unknown> = {};
  for (const [name, operation] of Object.entries(SYNC)) {
    surface[`${name}Sync`] = (...args: unknown[]) => scheduler.runSync(operation(context, ...args));
  }
  const own: Pick<FsSync<B>, 'closeSync' | 'readSync'> & Record<'globSync', unknown> = {
    closeSync: (fd) => close(context, fd),
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
