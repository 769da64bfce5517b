// The edge of the API: here, once, an error learns which call failed and on which path.

import { Corruption, errnoOf, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { utf8Decode } from '@f2fskit/vfs';

/** Runs the task; an FsError it throws is thrown again with `syscall` and `path`, as node:fs has them. */
export function* withPath<T>(syscall: string, path: string | Uint8Array | undefined, task: Task<T>): Task<T> {
  try {
    return yield* task;
  } catch (error) {
    throw atEdge(error, syscall, path);
  }
}

/** The same for a call with two paths. */
export function* withPaths<T>(
  syscall: string,
  path: string | Uint8Array,
  dest: string | Uint8Array,
  task: Task<T>,
): Task<T> {
  try {
    return yield* task;
  } catch (error) {
    throw atEdge(error, syscall, path, dest);
  }
}

/** An FsError with `syscall`, `path` and `dest`; anything else as it is. */
export function atEdge(
  error: unknown,
  syscall: string,
  path: string | Uint8Array | undefined,
  dest?: string | Uint8Array,
): unknown {
  if (!(error instanceof FsError)) return error;
  const paths = {
    ...(path === undefined ? {} : { path: shown(path) }),
    ...(dest === undefined ? {} : { dest: shown(dest) }),
  };
  if (error instanceof Corruption) {
    const { kind, where, expected, found } = error;
    const details = { where, syscall, ...paths, cause: error };
    return new Corruption(kind, {
      ...details,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
    });
  }
  const detail = error.detail === undefined ? {} : { detail: error.detail };
  return new FsError(errnoOf(error.code) ?? -error.errno, { syscall, ...paths, ...detail, cause: error });
}

/** A path as errors show it. */
export function shown(path: string | Uint8Array): string {
  return typeof path === 'string' ? path : utf8Decode(path);
}
