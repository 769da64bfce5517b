// One lock an inode, for what users do with it: names of a directory, links, attributes and xattrs of any inode.
//
//   exclusive   whoever changes it
//   shared      whoever looks names up or lists
//
// Several are always taken in the order of their numbers, so that no two tasks wait for each other; whoever learns only
// under a lock which others it needs gives all back and begins anew. They come before the operation lock (spec 2.1, locks 1
// and 5 of buffered I/O). A lock exists as long as somebody holds it or waits for it.

import { SharedLock, type Task } from '@f2fskit/task';

interface Entry {
  readonly lock: SharedLock;
  /** Holders and waiters. */
  users: number;
}

/** Held locks; given back once. */
export interface HeldLocks {
  unlock(): void;
}

export class InodeLocks {
  readonly #entries = new Map<number, Entry>();
  /** An entry that nobody uses, for the next who needs one. */
  #spare: Entry | undefined = undefined;

  /** Inodes that somebody holds or waits for. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes the locks of several inodes; numbers may repeat, 0 stands for none. */
  *lock(inos: readonly number[]): Task<HeldLocks> {
    const sorted = [...new Set(inos)].filter((ino) => ino !== 0).sort((a, b) => a - b);
    const held: number[] = [];
    for (const ino of sorted) {
      const { lock } = this.#use(ino);
      if (!lock.tryLockExclusive()) yield* lock.waitExclusive();
      held.push(ino);
    }
    return {
      unlock: () => {
        for (let ino = held.pop(); ino !== undefined; ino = held.pop()) {
          this.#entries.get(ino)!.lock.unlockExclusive();
          this.#drop(ino);
        }
      },
    };
  }

  /** Takes the lock of one inode where nobody has it; else false. See {@link unlockOne}. */
  tryLockOne(ino: number): boolean {
    if (this.#use(ino).lock.tryLockExclusive()) return true;
    this.#drop(ino);
    return false;
  }

  *lockOne(ino: number): Task<void> {
    const { lock } = this.#use(ino);
    if (!lock.tryLockExclusive()) yield* lock.waitExclusive();
  }

  unlockOne(ino: number): void {
    this.#entries.get(ino)!.lock.unlockExclusive();
    this.#drop(ino);
  }

  /** Runs `body` while nobody changes the inode. */
  *shared<T>(ino: number, body: () => Task<T>): Task<T> {
    const { lock } = this.#use(ino);
    if (!lock.tryLockShared()) yield* lock.waitShared();
    try {
      return yield* body();
    } finally {
      lock.unlockShared();
      this.#drop(ino);
    }
  }

  #use(ino: number): Entry {
    let entry = this.#entries.get(ino);
    if (entry === undefined) {
      entry = this.#spare ?? { lock: new SharedLock(), users: 0 };
      this.#spare = undefined;
      this.#entries.set(ino, entry);
    }
    entry.users++;
    return entry;
  }

  #drop(ino: number): void {
    const entry = this.#entries.get(ino)!;
    entry.users--;
    if (entry.users > 0) return;
    this.#entries.delete(ino);
    this.#spare = entry;
  }
}
