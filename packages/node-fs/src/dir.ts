// A directory being read: `opendir`. In memory is one part of the listing at a time.

import { Lock, type Task } from '@f2fskit/task';
import { utf8Decode } from '@f2fskit/vfs';
import { directoryClosed } from './argument-error.ts';
import type { FsContext } from './context.ts';
import type { Dirent } from './dirent.ts';
import { withPath } from './edge.ts';
import type { EntrySource, SourceEntry } from './entry-source.ts';

type ReadCallback = (error: Error | null, entry: Dirent | null) => void;

export class Dir implements AsyncIterable<Dirent> {
  /** As it was given to `opendir`, as text. */
  readonly path: string;
  readonly #context: FsContext;
  readonly #where: string | Uint8Array;
  readonly #source: EntrySource;
  readonly #dirent: (entry: SourceEntry) => Task<Dirent>;
  /** Reads that overlap get the entries in the order of asking, each once. */
  readonly #lock = new Lock();
  #part: readonly SourceEntry[] = [];
  #taken = 0;
  #atEnd = false;
  #closed = false;

  constructor(
    context: FsContext,
    where: string | Uint8Array,
    source: EntrySource,
    dirent: (entry: SourceEntry) => Task<Dirent>,
  ) {
    this.path = typeof where === 'string' ? where : utf8Decode(where);
    this.#context = context;
    this.#where = where;
    this.#source = source;
    this.#dirent = dirent;
  }

  /** The next entry, null at the end. Rejects with ERR_DIR_CLOSED. */
  read(): Promise<Dirent | null>;
  read(callback: ReadCallback): void;
  read(callback?: ReadCallback): Promise<Dirent | null> | undefined {
    const next = this.#context.scheduler.run(this.#next());
    if (callback === undefined) return next;
    next.then(
      (entry) => callback(null, entry),
      (error: Error) => callback(error, null),
    );
    return undefined;
  }

  readSync(): Dirent | null {
    return this.#context.scheduler.runSync(this.#next());
  }

  close(): Promise<void>;
  close(callback: (error?: Error | null) => void): void;
  close(callback?: (error?: Error | null) => void): Promise<void> | undefined {
    const done = new Promise<void>((resolve) => {
      this.closeSync();
      resolve();
    });
    if (callback === undefined) return done;
    done.then(() => callback(null), callback);
    return undefined;
  }

  closeSync(): void {
    if (this.#closed) throw directoryClosed();
    this.#closed = true;
    this.#part = [];
  }

  /** Closes the directory at the end, and when the loop is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Dirent, undefined, undefined> {
    try {
      for (let entry = await this.read(); entry !== null; entry = await this.read()) yield entry;
      return undefined;
    } finally {
      if (!this.#closed) this.closeSync();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) this.closeSync();
  }

  *#next(): Task<Dirent | null> {
    if (this.#closed) throw directoryClosed();
    if (!this.#lock.tryLock()) yield* this.#lock.wait();
    try {
      return yield* withPath('scandir', this.#where, this.#take());
    } finally {
      this.#lock.unlock();
    }
  }

  *#take(): Task<Dirent | null> {
    while (this.#taken === this.#part.length && !this.#atEnd) {
      const part = yield* this.#source.next();
      this.#atEnd = part === undefined;
      this.#part = part ?? [];
      this.#taken = 0;
    }
    const entry = this.#part[this.#taken];
    if (entry === undefined) return null;
    this.#taken++;
    return yield* this.#dirent(entry);
  }
}
