// A walk over everything below a directory, as a stream: at any time one listing per level is in memory, and one path.
//
// Every inode number is entered as a directory at most once (one bit a number), so neither a directory that contains
// itself nor one that hangs under two names makes the walk long. A directory that says it lies elsewhere, and is listed
// there, is entered only there: a broken directory must not take the contents of a good one away. What cannot be read is an
// event of the walk, not its end.
//
// Order 'bytes' is the global byte order of the paths: in a directory, a record sorts by `name` and the contents of a
// directory by `name/`, because `a-b` comes before `a/b`. Order 'names' is that of a drawn tree: names sorted, and the
// contents of a directory right behind its record.

import { Corruption, ENAMETOOLONG, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { listingOf } from './directory-entries.ts';
import { entryNameProblem } from './entry-name.ts';
import type { DirectoryBatch, DirectoryEntry, DirectoryHome, DirectoryReader, Inode } from './inode.ts';
import type { InodeCache } from './inode-cache.ts';
import { compareBytes, joinBytes } from './utf8.ts';

const SLASH = Uint8Array.of(0x2f);

/**
 * A directory whose path is longer is not entered: 32 times what Linux takes in one path. Every event carries its path,
 * so without a bound a chain of directories costs the square of its length.
 */
export const TREE_PATH_BYTES_MAX = 131_072;

/** What the walk came to. Paths begin with the path that the walk was given. */
export type TreeEvent =
  | {
      type: 'entry';
      path: Uint8Array;
      name: Uint8Array;
      depth: number;
      inode: Inode;
      ino: number;
      /** No other name follows in its directory. Told in order 'names' only: elsewhere false. */
      last: boolean;
    }
  /** A name whose inode cannot be read. `kind` is what the directory says of it. */
  | { type: 'unreadable'; path: Uint8Array; name: Uint8Array; depth: number; entry: DirectoryEntry; error: FsError }
  /** Damage inside the listing of the directory `path`, or the reason why it is not listed. */
  | { type: 'damage'; path: Uint8Array; depth: number; error: FsError };

export type TreeOrder = 'bytes' | 'names' | 'disk';

export interface TreeWalkOptions {
  /** 'bytes' (default): global byte order of the paths. 'names': a drawn tree's. 'disk': as stored, without sorting. */
  order?: TreeOrder;
  /** The depth of the deepest entries: 0 = the start alone, 1 = also what is in it, as `find -maxdepth`. */
  depthMax?: number;
}

interface Item {
  /** What the item sorts by: the name, or the name and a slash for contents. */
  key: Uint8Array;
  contents: boolean;
  entry: DirectoryEntry;
}

interface Level {
  ino: number;
  /** How many inodes had been freed when the listing began. */
  freed: number;
  /** Its path is the first so many bytes of the walk's path buffer. */
  pathBytes: number;
  depth: number;
  /** Still to do, the next one last; in sorted orders sorted once the listing is over. */
  items: Item[];
  /** Where more items come from; `undefined` at the end of the listing. */
  reader: DirectoryReader | undefined;
}

export class TreeWalk {
  readonly #inodes: InodeCache;
  readonly #order: TreeOrder;
  readonly #depthMax: number;
  readonly #levels: Level[] = [];
  /** Begins with the path of the deepest level, hence with that of every level. */
  #pathBuffer: Uint8Array;
  /** Events that were not returned yet, from `#returned` on. */
  readonly #events: TreeEvent[] = [];
  #returned = 0;
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
    this.#pathBuffer = new Uint8Array(path);
  }

  /** The next event, `undefined` at the end. */
  *next(): Task<TreeEvent | undefined> {
    for (;;) {
      if (this.#returned < this.#events.length) return this.#events[this.#returned++];
      this.#events.length = 0;
      this.#returned = 0;
      if (this.#start !== undefined) {
        const { inode, path } = this.#start;
        this.#start = undefined;
        this.#events.push({
          type: 'entry',
          path,
          name: path,
          depth: 0,
          inode,
          ino: inode.ino,
          last: this.#order === 'names',
        });
        if (inode.kind === 'directory' && this.#depthMax > 0) this.#enter(inode, path, 0);
        continue;
      }
      const level = this.#levels[this.#levels.length - 1];
      if (level === undefined) return undefined;
      if (level.reader !== undefined && (this.#order !== 'disk' || level.items.length === 0)) {
        yield* this.#more(level, level.reader);
        continue;
      }
      const item = level.items.pop();
      if (item === undefined) this.#levels.pop();
      else yield* this.#visit(level, item);
    }
  }

  /** Emits one name and queues the contents when it is a directory; or, when these are due, enters it. */
  *#visit(level: Level, { entry, contents }: Item): Task<void> {
    const depth = level.depth + 1;
    const path = this.#pathOf(level, entry.name);
    let inode: Inode;
    try {
      // For contents again: the record was emitted a while ago, the inode may have left the cache since.
      inode = this.#inodes.peek(entry.ino) ?? (yield* this.#inodes.get(entry.ino));
      if (this.#inodes.freed !== level.freed && !(yield* this.#isStill(level, entry))) return;
    } catch (error) {
      if (this.#inodes.freed !== level.freed && !(yield* this.#isStill(level, entry))) return;
      if (contents || !(error instanceof FsError)) this.#damage(path, depth, error);
      else this.#events.push({ type: 'unreadable', path, name: entry.name, depth, entry, error });
      return;
    }
    if (contents) {
      yield* this.#enterFrom(level, inode, path, depth);
      return;
    }
    const last = this.#order === 'names' && level.items.length === 0;
    this.#events.push({ type: 'entry', path, name: entry.name, depth, inode, ino: inode.ino, last });
    if (inode.kind !== 'directory' || depth >= this.#depthMax) return;
    if (this.#order !== 'bytes') yield* this.#enterFrom(level, inode, path, depth);
    else insertSorted(level.items, { key: joinBytes(entry.name, SLASH), contents: true, entry });
  }

  /** Whether a name stands for what it did when it was listed: its number may be another file's by now. */
  *#isStill(level: Level, { name, ino }: DirectoryEntry): Task<boolean> {
    return yield* this.#isListed({ parentIno: level.ino, name }, ino);
  }

  /** Enters a directory that `level` lists, unless it belongs to another one. */
  *#enterFrom(level: Level, directory: Inode, path: Uint8Array, depth: number): Task<void> {
    const { home } = directory;
    if (home === undefined || home.parentIno === level.ino || !(yield* this.#isListed(home, directory.ino))) {
      this.#enter(directory, path, depth);
      return;
    }
    const error = new Corruption('directoryLoop', {
      where: { ino: directory.ino },
      expected: level.ino,
      found: home.parentIno,
      detail: 'this directory belongs to another one, which lists it; it is not entered here',
    });
    this.#damage(path, depth, error);
  }

  /** Is the directory listed where it says it is? What cannot be read does not count. */
  *#isListed({ parentIno, name }: DirectoryHome, ino: number): Task<boolean> {
    try {
      const parent = this.#inodes.peek(parentIno) ?? (yield* this.#inodes.get(parentIno));
      return parent.kind === 'directory' && (yield* parent.lookup(name)) === ino;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      return false;
    }
  }

  /** Starts the listing of a directory, unless it was entered before or its path is too long. */
  #enter(directory: Inode, path: Uint8Array, depth: number): void {
    try {
      if (path.length > TREE_PATH_BYTES_MAX) {
        throw new FsError(ENAMETOOLONG, 'a directory this deep is not entered');
      }
      if (!this.#entered.add(directory.ino)) {
        throw new Corruption('directoryLoop', {
          where: { ino: directory.ino },
          detail: 'this directory was reached before under another name; it is not entered again',
        });
      }
      const reader = listingOf(directory);
      const { freed } = this.#inodes;
      this.#levels.push({ ino: directory.ino, freed, pathBytes: path.length, depth, items: [], reader });
    } catch (error) {
      this.#damage(path, depth, error);
    }
  }

  /** Reads one more part of a listing. An error ends the listing; what came before it stays. */
  *#more(level: Level, reader: DirectoryReader): Task<void> {
    const path = this.#pathBuffer.slice(0, level.pathBytes);
    let batch: DirectoryBatch | undefined;
    try {
      batch = yield* reader.next();
    } catch (error) {
      this.#damage(path, level.depth, error);
    }
    if (batch !== undefined) {
      for (const error of batch.problems) this.#damage(path, level.depth, error);
      for (const entry of batch.entries) {
        const problem = entryNameProblem(level.ino, entry);
        if (problem !== undefined) this.#damage(path, level.depth, problem);
        else level.items.push({ key: entry.name, contents: false, entry });
      }
    } else {
      level.reader = undefined;
      if (this.#order !== 'disk') level.items.sort((a, b) => compareBytes(a.key, b.key));
    }
    // Items are taken from the end. In sorted orders that matters once, behind the sort.
    if (this.#order === 'disk' || batch === undefined) level.items.reverse();
  }

  /** What cannot be read is an event; anything but an FsError is a bug and ends the walk. */
  #damage(path: Uint8Array, depth: number, error: unknown): void {
    if (!(error instanceof FsError)) throw error;
    this.#events.push({ type: 'damage', path, depth, error });
  }

  /**
   * The path of a name in the deepest level, which it also leaves in the buffer: entering the directory of that name needs
   * no path of its own. A path for every level would take the square of the depth in memory.
   */
  #pathOf(level: Level, name: Uint8Array): Uint8Array {
    let end = level.pathBytes;
    const size = end + 1 + name.length;
    if (size > this.#pathBuffer.length) {
      const grown = new Uint8Array(2 * size);
      grown.set(this.#pathBuffer.subarray(0, end));
      this.#pathBuffer = grown;
    }
    if (end === 0 || this.#pathBuffer[end - 1] !== SLASH[0]) this.#pathBuffer[end++] = SLASH[0]!;
    this.#pathBuffer.set(name, end);
    return this.#pathBuffer.slice(0, end + name.length);
  }
}

/** Inserts into items sorted downwards (the next one last); behind its equals. */
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
