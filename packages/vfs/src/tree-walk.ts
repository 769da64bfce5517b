// A walk over everything below a directory, as a stream: at any time one listing per level is in memory.
//
// Every inode number is entered as a directory at most once (one bit a number), so neither a directory that contains
// itself nor one that hangs under two names makes the walk long. What cannot be read is an event of the walk, not its end.
//
// Order 'bytes' is the global byte order of the paths: in a directory, a record sorts by `name` and the contents of a
// directory by `name/`, because `a-b` comes before `a/b`.

import { Corruption, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { DirectoryEntry, DirectoryReader, Inode } from './inode.ts';
import type { InodeCache } from './inode-cache.ts';
import { compareBytes, joinBytes } from './utf8.ts';

const SLASH = Uint8Array.of(0x2f);

/** What the walk came to. Paths begin with the path that the walk was given. */
export type TreeEvent =
  | { type: 'entry'; path: Uint8Array; name: Uint8Array; depth: number; inode: Inode; ino: number }
  /** A name whose inode cannot be read. `kind` is what the directory says of it. */
  | { type: 'unreadable'; path: Uint8Array; name: Uint8Array; depth: number; entry: DirectoryEntry; error: FsError }
  /** Damage inside the listing of the directory `path`. */
  | { type: 'damage'; path: Uint8Array; depth: number; error: FsError };

export interface TreeWalkOptions {
  /** 'bytes' (default): global byte order of the paths. 'disk': as stored, without sorting. */
  order?: 'bytes' | 'disk';
  /** Do not enter directories deeper than this below the start; 0 lists the start alone. */
  depthMax?: number;
}

interface Item {
  /** What the item sorts by: the name, or the name and a slash for contents. */
  key: Uint8Array;
  name: Uint8Array;
  contents: boolean;
  entry?: DirectoryEntry;
}

interface Level {
  path: Uint8Array;
  depth: number;
  /** Sorted, still to do; the next one last. */
  items: Item[];
  /** Only in disk order: where more items come from. */
  reader: DirectoryReader | undefined;
}

export class TreeWalk {
  readonly #inodes: InodeCache;
  readonly #order: 'bytes' | 'disk';
  readonly #depthMax: number;
  readonly #levels: Level[] = [];
  readonly #pending: TreeEvent[] = [];
  readonly #entered = new SparseBits();
  #start: { inode: Inode; path: Uint8Array } | undefined;

  /** `path` is how the start is called in the events; it is not looked up. */
  constructor(
    inodes: InodeCache,
    start: Inode,
    path: Uint8Array,
    { order = 'bytes', depthMax = Infinity }: TreeWalkOptions = {},
  ) {
    this.#inodes = inodes;
    this.#order = order;
    this.#depthMax = depthMax;
    this.#start = { inode: start, path };
  }

  /** The next event, `undefined` at the end. */
  *next(): Task<TreeEvent | undefined> {
    if (this.#start !== undefined) {
      const { inode, path } = this.#start;
      this.#start = undefined;
      if (inode.kind === 'directory') yield* this.#enter(inode, path, 0);
      this.#pending.unshift({ type: 'entry', path, name: path, depth: 0, inode, ino: inode.ino });
    }
    for (;;) {
      const event = this.#pending.shift();
      if (event !== undefined) return event;
      const level = this.#levels[this.#levels.length - 1];
      if (level === undefined) return undefined;
      const item = level.items.pop();
      if (item === undefined) {
        if (level.reader === undefined || !(yield* this.#more(level))) this.#levels.pop();
        continue;
      }
      const path = joinPath(level.path, item.name);
      if (item.contents) {
        yield* this.#enterByNumber(item.entry!.ino, path, level.depth + 1);
      } else yield* this.#visit(level, item, path);
    }
  }

  /** Emits one name; queues the contents when it is a directory. */
  *#visit(level: Level, item: Item, path: Uint8Array): Task<void> {
    const depth = level.depth + 1;
    const entry = item.entry!;
    let inode: Inode;
    try {
      inode = this.#inodes.peek(entry.ino) ?? (yield* this.#inodes.get(entry.ino));
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.#pending.push({ type: 'unreadable', path, name: entry.name, depth, entry, error });
      return;
    }
    this.#pending.push({ type: 'entry', path, name: entry.name, depth, inode, ino: inode.ino });
    if (inode.kind !== 'directory') return;
    if (this.#order === 'disk') {
      yield* this.#enter(inode, path, depth);
      return;
    }
    const contents: Item = { key: joinBytes(item.name, SLASH), name: item.name, contents: true, entry };
    insertSorted(level.items, contents);
  }

  /** Enters a directory whose record was emitted a while ago; its inode may have left the cache since. */
  *#enterByNumber(ino: number, path: Uint8Array, depth: number): Task<void> {
    try {
      yield* this.#enter(this.#inodes.peek(ino) ?? (yield* this.#inodes.get(ino)), path, depth);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.#pending.push({ type: 'damage', path, depth, error });
    }
  }

  /** Starts the listing of a directory, unless it was entered before or lies too deep. */
  *#enter(directory: Inode, path: Uint8Array, depth: number): Task<void> {
    if (depth >= this.#depthMax) return;
    if (!this.#entered.add(directory.ino)) {
      const error = new Corruption('directoryLoop', {
        where: { ino: directory.ino },
        detail: 'this directory was reached before under another name; it is not entered again',
      });
      this.#pending.push({ type: 'damage', path, depth, error });
      return;
    }
    const level: Level = { path, depth, items: [], reader: directory.list() };
    if (this.#order === 'bytes') {
      while (yield* this.#more(level));
      level.reader = undefined;
      level.items.sort((a, b) => compareBytes(b.key, a.key));
    }
    this.#levels.push(level);
  }

  /** Reads one more part of a listing; false at its end. */
  *#more(level: Level): Task<boolean> {
    const batch = yield* level.reader!.next();
    if (batch === undefined) return false;
    for (const error of batch.problems)
      this.#pending.push({ type: 'damage', path: level.path, depth: level.depth, error });
    for (let i = batch.entries.length - 1; i >= 0; i--) {
      const entry = batch.entries[i]!;
      level.items.push({ key: entry.name, name: entry.name, contents: false, entry });
    }
    return true;
  }
}

/** Inserts into items sorted downwards (the next one last). */
function insertSorted(items: Item[], item: Item): void {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes(items[middle]!.key, item.key) > 0) low = middle + 1;
    else high = middle;
  }
  items.splice(low, 0, item);
}

function joinPath(directory: Uint8Array, name: Uint8Array): Uint8Array {
  const rooted = directory.length === 1 && directory[0] === 0x2f;
  return rooted ? joinBytes(directory, name) : joinBytes(directory, SLASH, name);
}

/** A set of numbers as bits, in pages made when first needed. */
class SparseBits {
  readonly #pages = new Map<number, Uint8Array>();

  /** False when the number was in the set already. */
  add(number: number): boolean {
    const key = Math.floor(number / 32768);
    let page = this.#pages.get(key);
    if (page === undefined) {
      page = new Uint8Array(4096);
      this.#pages.set(key, page);
    }
    const byte = (number % 32768) >> 3;
    const mask = 1 << (number & 7);
    if ((page[byte]! & mask) !== 0) return false;
    page[byte]! |= mask;
    return true;
  }
}
