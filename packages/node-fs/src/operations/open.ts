// open and close.

import type { Task } from '@f2fskit/task';
import type { PathLike } from '../api.ts';
import { checkFd, toMode, toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { withPath } from '../edge.ts';
import { openFlags, openOptions } from '../open-flags.ts';

/** Permissions of a new file, before the umask. */
export const FILE_MODE = 0o666;

/**
 * A descriptor. Throws as open(2): EROFS for what would change a volume that is not written to, ENXIO for what a volume cannot
 * connect to anything (devices, fifos, sockets), EMFILE from 1,024 on.
 */
export function* open(
  context: FsContext,
  path: PathLike,
  flags?: string | number,
  mode?: number | string | null,
): Task<number> {
  const where = toPath(path);
  const options = openOptions(openFlags(flags));
  const permissions = mode === undefined || mode === null ? FILE_MODE : toMode(mode);
  return yield* withPath('open', where, context.vfs.open(where, { ...options, mode: permissions }));
}

/** The descriptor is free at once; the task ends when what has begun on the file is over. */
export function* close({ vfs }: FsContext, fd: number): Task<void> {
  yield* withPath('close', undefined, vfs.close(checkFd(fd)));
}

/** Runs `body`, and closes the descriptor. What `body` threw counts more than what closing did. */
export function* thenClose<T>(context: FsContext, fd: number, body: Task<T>): Task<T> {
  let result: T;
  try {
    result = yield* body;
  } catch (error) {
    try {
      yield* close(context, fd);
    } catch {}
    throw error;
  }
  yield* close(context, fd);
  return result;
}
