// stat, lstat, fstat, statfs.

import { FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { Attributes } from '@f2fskit/vfs';
import type { PathLike, StatOptions, StatSyncOptions } from '../api.ts';
import { toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { withPath } from '../edge.ts';
import { BigIntStats, Stats } from '../stats.ts';
import { BigIntStatsFs, StatsFs } from '../stats-fs.ts';
import { openFile } from './read.ts';

function shown(attributes: Attributes, options: StatOptions | undefined): Stats | BigIntStats {
  return options?.bigint ? new BigIntStats(attributes) : new Stats(attributes);
}

export function* stat(context: FsContext, path: PathLike, options?: StatOptions): Task<Stats | BigIntStats> {
  const where = toPath(path);
  const { inode } = yield* withPath('stat', where, context.vfs.walk(where));
  return shown(inode.attributes(), options);
}

/** Does not follow a symlink at the end. */
export function* lstat(context: FsContext, path: PathLike, options?: StatOptions): Task<Stats | BigIntStats> {
  const where = toPath(path);
  const { inode } = yield* withPath('lstat', where, context.vfs.walk(where, { followLast: false }));
  return shown(inode.attributes(), options);
}

type StatTask = typeof stat;

/** The sync forms: `throwIfNoEntry: false` answers undefined instead of ENOENT. */
export function unlessAbsent(task: StatTask) {
  return function* (
    context: FsContext,
    path: PathLike,
    options?: StatSyncOptions,
  ): Task<Stats | BigIntStats | undefined> {
    try {
      return yield* task(context, path, options);
    } catch (error) {
      const absent = error instanceof FsError && error.code === 'ENOENT';
      if (absent && options?.throwIfNoEntry === false) return undefined;
      throw error;
    }
  };
}

export function* fstat(context: FsContext, fd: number, options?: StatOptions): Task<Stats | BigIntStats> {
  return shown(openFile(context, fd, 'fstat').inode.attributes(), options);
}

/** The path must exist; every path of a volume shows the same. */
export function* statfs(context: FsContext, path: PathLike, options?: StatOptions): Task<StatsFs | BigIntStatsFs> {
  const where = toPath(path);
  yield* withPath('statfs', where, context.vfs.walk(where));
  const usage = context.vfs.filesystem.statfs();
  return options?.bigint ? new BigIntStatsFs(usage) : new StatsFs(usage);
}
