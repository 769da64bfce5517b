// Everything that a directory lists, at once.

import type { Task } from '@f2fskit/task';
import { entryNameProblem } from './entry-name.ts';
import type { DirectoryEntry, Inode } from './inode.ts';

/** In the order of storage. Throws ENOTDIR, and the first damage met: use `inode.list()` to list around damage. */
export function* directoryEntries(directory: Inode): Task<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  const reader = directory.list();
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
