// Inodes by number, least recently used first. An entry is only a reference: dropping one loses nothing, because what is
// held here can be read from the medium again; an inode that was freed is forgotten. Tasks that want the same inode wait for
// one read, and each of them gets what it brought, also when other inodes have pushed that one out of the cache before they
// run again.

import type { Task } from '@f2fskit/task';
import { Completion } from '@f2fskit/task';
import type { Filesystem, Inode } from './inode.ts';

/** An inode keeps about 4 KiB alive; this many are about 4 MiB. */
export const INODES_CACHED_MAX = 1024;

/** A read in progress. */
class Reading {
  readonly over = new Completion();
  /** What it brought; stays `undefined` when it failed. */
  inode: Inode | undefined = undefined;
}

export class InodeCache {
  readonly #filesystem: Filesystem;
  readonly #capacity: number;
  /** In the order of last use. */
  readonly #inodes = new Map<number, Inode>();
  readonly #reading = new Map<number, Reading>();
  #freed = 0;

  constructor(filesystem: Filesystem, capacity = INODES_CACHED_MAX) {
    this.#filesystem = filesystem;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#inodes.size;
  }

  /** How often an inode was freed: a number that was looked up before may stand for another file now. */
  get freed(): number {
    return this.#freed;
  }

  #evictOldest(): void {
    const [ino, inode] = this.#inodes.entries().next().value!;
    this.#inodes.delete(ino);
    inode.evict?.();
  }

  /** The inode if it is cached; never waits. */
  peek(ino: number): Inode | undefined {
    const inode = this.#inodes.get(ino);
    if (inode === undefined) return undefined;
    this.#inodes.delete(ino);
    if (inode.gone === true) return undefined;
    this.#inodes.set(ino, inode);
    return inode;
  }

  /** Takes an inode that was made just now. */
  add(inode: Inode): void {
    this.#inodes.delete(inode.ino);
    this.#inodes.set(inode.ino, inode);
    if (this.#inodes.size > this.#capacity) this.#evictOldest();
  }

  /** The inode was freed. */
  forget(ino: number): void {
    this.#freed++;
    this.#inodes.delete(ino);
  }

  /** The inode, read if need be. Whoever may meet one that is freed meanwhile looks at {@link freed}. */
  *get(ino: number): Task<Inode> {
    for (;;) {
      const cached = this.peek(ino);
      if (cached !== undefined) return cached;
      const reading = this.#reading.get(ino);
      if (reading === undefined) break;
      yield reading.over; // whoever reads it wakes us; if that failed, we try for ourselves and report our own error
      if (reading.inode !== undefined && reading.inode.gone !== true) return reading.inode;
    }
    const reading = new Reading();
    const freed = this.#freed;
    this.#reading.set(ino, reading);
    try {
      const inode = yield* this.#filesystem.readInode(ino);
      reading.inode = inode;
      if (this.#freed === freed) this.add(inode);
      return inode;
    } finally {
      this.#reading.delete(ino);
      reading.over.complete();
    }
  }
}
