// open and close.

import { EISDIR, ELOOP, ENOTDIR, ENXIO, EROFS, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { PathLike } from '../api.ts';
import { checkFd, toPath } from '../arguments.ts';
import { constants } from '../constants.ts';
import type { FsContext } from '../context.ts';
import { atEdge, withPath } from '../edge.ts';
import { openFlags, wantsWrite } from '../open-flags.ts';

/**
 * A descriptor. Throws EROFS for flags that write, ENXIO for what a volume cannot connect to anything (devices, fifos,
 * sockets), EMFILE from 1,024 on, and what the walk meets. `O_CREAT` of a file that exists is a write as well.
 */
export function* open(context: FsContext, path: PathLike, flags?: string | number): Task<number> {
  const where = toPath(path);
  const bits = openFlags(flags);
  return yield* withPath('open', where, openChecked(context, where, bits));
}

function* openChecked({ vfs }: FsContext, path: string | Uint8Array, bits: number): Task<number> {
  return yield* vfs.open(path, {
    followLast: (bits & constants.O_NOFOLLOW) === 0,
    check: ({ kind }) => {
      if (kind === 'symlink') throw new FsError(ELOOP);
      if ((bits & constants.O_DIRECTORY) !== 0 && kind !== 'directory') throw new FsError(ENOTDIR);
      if (wantsWrite(bits)) throw new FsError(kind === 'directory' ? EISDIR : EROFS);
      if (kind !== 'file' && kind !== 'directory') throw new FsError(ENXIO, `a ${kind} of a volume leads nowhere`);
    },
  });
}

export function close({ vfs }: FsContext, fd: number): void {
  try {
    vfs.close(checkFd(fd));
  } catch (error) {
    throw atEdge(error, 'close', undefined);
  }
}
