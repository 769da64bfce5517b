// Everything that a directory lists, at once.

import { ENOTDIR, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { entryNameProblem } from './entry-name.ts';
import type { DirectoryBatch, DirectoryEntry, DirectoryReader, Inode } from './inode.ts';

/**
 * In the order of storage; of a directory that is removed meanwhile what was found by then. Throws ENOTDIR, and the first
 * damage met: use `inode.list()` to list around damage.
 */
export function* directoryEntries(directory: Inode): Task<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  const reader = listingOf(directory);
  for (let batch = yield* reader.next(); batch !== undefined; batch = yield* reader.next()) {
    if (batch.problems.length > 0) throw batch.problems[0]!;
    for (const entry of batch.entries) {
      const problem = entryNameProblem(directory.ino, entry);
      if (problem !== undefined) throw problem;
      entries.push(entry);
    }
  }
  return entries;
}

/** The listing of a directory, which ends when the directory goes. Throws ENOTDIR. */
export function listingOf(directory: Inode): DirectoryReader {
  if (directory.kind !== 'directory') throw new FsError(ENOTDIR);
  const reader = directory.list();
  return {
    *next(): Task<DirectoryBatch | undefined> {
      try {
        return yield* reader.next();
      } catch (error) {
        if (directory.gone === true) return undefined;
        throw error;
      }
    },
  };
}
