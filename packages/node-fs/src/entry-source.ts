// The names of a directory, or of everything below it, part by part: what readdir collects and a Dir hands out.

import { ENOTDIR, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import {
  type DirectoryReader,
  entryNameProblem,
  type Inode,
  type InodeKind,
  listingOf,
  type TreeWalk,
} from '@f2fskit/vfs';
import type { FsContext } from './context.ts';

/** How many events of a tree walk make one part. */
const TREE_PART_ENTRIES = 256;
const EMPTY = new Uint8Array(0);

export interface SourceEntry {
  /** The directory that lists it, from where the listing began, without slashes at its ends; empty for that one itself. */
  parent: Uint8Array;
  name: Uint8Array;
  kind: InodeKind | 'unknown';
  ino: number;
}

export interface EntrySource {
  /** The next part, `undefined` at the end. Parts may be empty. Throws the first damage it meets. */
  next(): Task<SourceEntry[] | undefined>;
}

/** Throws what the walk throws, and ENOTDIR. */
export function* openEntries({ vfs }: FsContext, path: string | Uint8Array, recursive: boolean): Task<EntrySource> {
  const { inode } = yield* vfs.walk(path);
  if (inode.kind !== 'directory') throw new FsError(ENOTDIR);
  return recursive ? new TreeSource(vfs.tree(inode, EMPTY, { order: 'disk' })) : new DirectorySource(inode);
}

/** The kind of an entry; the inode is asked where the directory does not say. */
export function* kindOf({ vfs }: FsContext, { kind, ino }: SourceEntry): Task<InodeKind> {
  return kind === 'unknown' ? (yield* vfs.inodes.get(ino)).kind : kind;
}

class DirectorySource implements EntrySource {
  readonly #ino: number;
  readonly #reader: DirectoryReader;

  constructor(directory: Inode) {
    this.#ino = directory.ino;
    this.#reader = listingOf(directory);
  }

  *next(): Task<SourceEntry[] | undefined> {
    const batch = yield* this.#reader.next();
    if (batch === undefined) return undefined;
    if (batch.problems.length > 0) throw batch.problems[0]!;
    return batch.entries.map((entry) => {
      const problem = entryNameProblem(this.#ino, entry);
      if (problem !== undefined) throw problem;
      return { parent: EMPTY, name: entry.name, kind: entry.kind, ino: entry.ino };
    });
  }
}

class TreeSource implements EntrySource {
  readonly #walk: TreeWalk;

  constructor(walk: TreeWalk) {
    this.#walk = walk;
  }

  *next(): Task<SourceEntry[] | undefined> {
    const entries: SourceEntry[] = [];
    while (entries.length < TREE_PART_ENTRIES) {
      const event = yield* this.#walk.next();
      if (event === undefined) return entries.length > 0 ? entries : undefined;
      if (event.type === 'damage') throw event.error;
      if (event.depth === 0) continue;
      const { path, name } = event;
      // "/a/b": without its first slash, and without the name.
      const parent = path.slice(1, Math.max(1, path.length - name.length - 1));
      const [kind, ino] = event.type === 'entry' ? [event.inode.kind, event.ino] : [event.entry.kind, event.entry.ino];
      entries.push({ parent, name, kind, ino });
    }
    return entries;
  }
}
