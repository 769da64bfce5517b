// Locking a directory together with the inodes that its names stand for. Which ones these are is known only by looking, so
// it is looked twice: once to learn whom to lock, and again under the locks; when it changed in between, all is given back
// and it begins anew.

import type { Task } from '@f2fskit/task';
import { type FoundDentry, findDentry } from '../directory.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { checkDirectory } from './entry-rules.ts';

/** A name that is looked up. */
export interface EntryQuery {
  readonly directory: F2fsInode;
  readonly name: Uint8Array;
}

/** The entry of a name; the directory's lock is held. Throws ENOENT for a directory that was removed, Corruption, EIO. */
export function findEntry(
  { store, directories }: VolumeWriter,
  { directory, name }: EntryQuery,
): Task<FoundDentry | undefined> {
  checkDirectory(directory);
  return findDentry(store, directory.raw, name, directories);
}

/** Runs `body` as an operation, with the entries of all names, while nobody else changes them or what they stand for. */
export function* withEntries<T>(
  writer: VolumeWriter,
  queries: readonly EntryQuery[],
  body: (entries: Array<FoundDentry | undefined>) => Task<T>,
): Task<T> {
  const { locks } = writer;
  for (;;) {
    const guessed: number[] = [];
    for (const query of queries) {
      const guess = yield* locks.shared(query.directory.ino, () => findEntry(writer, query));
      guessed.push(guess?.ino ?? 0);
    }
    const held = yield* locks.lock([...queries.map(({ directory }) => directory.ino), ...guessed]);
    try {
      const entries: Array<FoundDentry | undefined> = [];
      for (const query of queries) entries.push(yield* findEntry(writer, query));
      if (entries.every((entry, index) => (entry?.ino ?? 0) === guessed[index])) {
        return yield* writer.operation(body(entries));
      }
    } finally {
      held.unlock();
    }
  }
}
