// One open file: an inode, a position, what may be done with it. The inode stays for as long as it is open, also without a
// name.

import { assert, EBADF, EINVAL, EOPNOTSUPP, EROFS, FsError } from '@f2fskit/errno';
import { type ErrorCursor, PAGE_SIZE, ReadaheadState } from '@f2fskit/pagecache';
import { Completion, Lock, type Task } from '@f2fskit/task';
import type { AllocationMode, Inode, RangeSyncMode, Written } from './inode.ts';
import { readToEnd } from './read-to-end.ts';
import { toSource, type Writable } from './write-source.ts';

/** What a file is opened for. `none` allows neither: an open file for its attributes. */
export type FileAccess = 'read' | 'write' | 'readWrite' | 'none';

/** When a write is durable: with the next sync, or when it returns, with all attributes or those that reading needs. */
export type WriteDurability = 'later' | 'data' | 'all';

/** How a file is open. */
export interface FileMode {
  /** Default `read`. */
  access?: FileAccess;
  /** Every write goes to the end of the file as it is then. */
  append?: boolean;
  /** Default `later`. */
  sync?: WriteDurability;
  /** O_DIRECT: reads and writes go past the cache where the filesystem can do that. Nothing has to be aligned. */
  direct?: boolean;
}

export class OpenFile {
  readonly inode: Inode;
  position = 0;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly append: boolean;
  /** What this reader is likely to want next. */
  readonly readahead = new ReadaheadState();
  readonly #sync: WriteDurability;
  readonly #direct: boolean;
  /** Which failed writes `fsync` has told of here. */
  readonly #errors: ErrorCursor | undefined;
  /**
   * Held while a read or write moves the position: tasks that use one file together get its bytes, or write theirs, in the
   * order of asking, each once.
   */
  readonly #positionLock = new Lock();
  /** Operations under way. */
  #active = 0;
  /** Set while `close` waits for them. */
  #idle: Completion | undefined = undefined;

  /** The inode is held until {@link close}. */
  constructor(inode: Inode, { access = 'read', append = false, sync = 'later', direct = false }: FileMode = {}) {
    this.inode = inode;
    this.readable = access === 'read' || access === 'readWrite';
    this.writable = access === 'write' || access === 'readWrite';
    this.append = append;
    this.#sync = sync;
    this.#direct = direct;
    this.#errors = inode.errorCursor?.();
    inode.hold?.();
  }

  /** Reads at a place of its own, for what needs no wait: -1 when it needs one, or would throw. */
  peekReadAt(position: number, target: Uint8Array): number {
    if (!this.readable || this.#direct) return -1;
    const count = this.inode.peekRead(position, target);
    if (count > 0) this.readahead.advance(Math.ceil((position + count) / PAGE_SIZE));
    return count;
  }

  /** Reads at the position and moves it, for what needs no wait: -1 when it needs one, or would throw. */
  peekRead(target: Uint8Array): number {
    if (this.#positionLock.held) return -1;
    const count = this.peekReadAt(this.position, target);
    if (count > 0) this.position += count;
    return count;
  }

  /** Reads at the position and moves it; returns the bytes read, 0 at the end. Throws EBADF, and what reading met. */
  *read(target: Uint8Array): Task<number> {
    requireAccess(this.readable);
    return yield* this.#using(this.#moving(() => this.#readHere(target)));
  }

  /** Reads at a place of its own; the position stays. Throws as `read`. */
  *readAt(position: number, target: Uint8Array): Task<number> {
    requireAccess(this.readable);
    return yield* this.#using(this.#get(position, target));
  }

  /** Everything from the position on, which moves to the end; `between` runs before each part. Throws as `read`. */
  *readRest(between?: () => Task<void>): Task<Uint8Array> {
    requireAccess(this.readable);
    return yield* this.#using(this.#moving(() => this.#restHere(between)));
  }

  /**
   * Writes at the position and moves it behind what was written; with `append` at the end of the file. Fewer bytes than
   * asked for mean that something failed behind them. Throws EBADF, and what writing met.
   */
  *write(what: Writable): Task<number> {
    requireAccess(this.writable);
    return yield* this.#using(this.#moving(() => this.#writeHere(what)));
  }

  /** Writes at a place of its own, with `append` at the end as well; the position stays. Throws as `write`. */
  *writeAt(position: number, what: Writable): Task<number> {
    requireAccess(this.writable);
    return (yield* this.#using(this.#put(position, what))).bytes;
  }

  /** Gives the file this many bytes. Throws EINVAL for what is not open for writing, and what truncating met. */
  *truncate(size: number): Task<void> {
    const { inode } = this;
    if (!this.writable || inode.kind !== 'file') throw new FsError(EINVAL);
    if (inode.truncate === undefined) throw new FsError(EROFS);
    yield* this.#using(inode.truncate(size));
  }

  /**
   * fallocate: `EINVAL` for no bytes, which comes first, `EBADF` for what is not open for writing, and what the filesystem
   * throws. Source: kernel fs/open.c (vfs_fallocate).
   */
  *allocate(mode: AllocationMode, position: number, length: number): Task<void> {
    if (length <= 0) throw new FsError(EINVAL);
    requireAccess(this.writable);
    if (this.inode.allocate === undefined) throw new FsError(EOPNOTSUPP);
    yield* this.#using(this.inode.allocate(mode, position, length));
  }

  /**
   * Makes the file durable; with `dataOnly` what is needed to read its contents. Throws what failed, each failure once for
   * each open file.
   */
  *fsync(dataOnly = false): Task<void> {
    if (this.#errors !== undefined && this.inode.fsync !== undefined) {
      yield* this.#using(this.inode.fsync(this.#errors, dataOnly));
    }
  }

  /**
   * sync_file_range: `length` bytes from `position` on, 0 = up to the end. Throws EINVAL for what has no data, and what failed,
   * each failure once for each open file.
   */
  *syncRange(mode: RangeSyncMode, position: number, length: number): Task<void> {
    const { inode } = this;
    if (inode.kind !== 'file') throw new FsError(EINVAL);
    if (this.#errors === undefined || inode.syncRange === undefined) return;
    const end = length === 0 ? Number.POSITIVE_INFINITY : position + length;
    yield* this.#using(inode.syncRange(this.#errors, mode, position, end));
  }

  /** Begins an atomic write of this open file. Throws EBADF, EOPNOTSUPP, and what the filesystem throws. */
  *startAtomicWrite(): Task<void> {
    requireAccess(this.writable);
    const { inode } = this;
    if (inode.startAtomicWrite === undefined) throw new FsError(EOPNOTSUPP);
    yield* this.#using(inode.startAtomicWrite(this));
  }

  /** Everything that was written since it began becomes durable together. Throws EBADF, EINVAL where none has begun, as `fsync`. */
  *commitAtomicWrite(): Task<void> {
    requireAccess(this.writable);
    const { inode } = this;
    if (inode.commitAtomicWrite === undefined || this.#errors === undefined) throw new FsError(EOPNOTSUPP);
    yield* this.#using(inode.commitAtomicWrite(this, this.#errors));
  }

  /** Nothing that was written since it began is seen any more. Throws EBADF, EINVAL where none has begun. */
  *abortAtomicWrite(): Task<void> {
    requireAccess(this.writable);
    const { inode } = this;
    if (inode.abortAtomicWrite === undefined) throw new FsError(EOPNOTSUPP);
    if (!(yield* this.#using(inode.abortAtomicWrite(this)))) throw new FsError(EINVAL);
  }

  /** Lets go of the inode, once everything that has begun on this file is over. Nothing may be begun any more. */
  *close(): Task<void> {
    assert(this.#idle === undefined, 'a file is closed once');
    this.#idle = new Completion();
    if (this.#active > 0) yield this.#idle;
    // What nobody has committed is not wanted.
    if (this.writable && this.inode.abortAtomicWrite !== undefined) yield* this.inode.abortAtomicWrite(this);
    if (this.inode.release !== undefined) yield* this.inode.release();
  }

  *#readHere(target: Uint8Array): Task<number> {
    const count = yield* this.#get(this.position, target);
    this.position += count;
    return count;
  }

  #get(position: number, target: Uint8Array): Task<number> {
    const { inode } = this;
    return this.#direct ? inode.readDirect(position, target) : inode.read(position, target, this.readahead);
  }

  *#restHere(between: (() => Task<void>) | undefined): Task<Uint8Array> {
    const bytes = yield* readToEnd(this.inode, this.position, this.readahead, between);
    this.position += bytes.length;
    return bytes;
  }

  *#writeHere(what: Writable): Task<number> {
    const { bytes, end } = yield* this.#put(this.position, what);
    this.position = end;
    return bytes;
  }

  *#put(position: number, what: Writable): Task<Written> {
    const { inode } = this;
    if (inode.write === undefined) throw new FsError(EROFS);
    const source = toSource(what);
    if (source.length === 0) return { bytes: 0, end: position };
    const at = this.append ? 'end' : position;
    const written = yield* this.#direct && inode.writeDirect !== undefined
      ? inode.writeDirect(at, source)
      : inode.write(at, source);
    if (this.#sync !== 'later') yield* this.fsync(this.#sync === 'data');
    return written;
  }

  *#moving<T>(body: () => Task<T>): Task<T> {
    if (!this.#positionLock.tryLock()) yield* this.#positionLock.wait();
    try {
      return yield* body();
    } finally {
      this.#positionLock.unlock();
    }
  }

  *#using<T>(body: Task<T>): Task<T> {
    this.#active++;
    try {
      return yield* body;
    } finally {
      if (--this.#active === 0) this.#idle?.complete();
    }
  }
}

function requireAccess(allowed: boolean): void {
  if (!allowed) throw new FsError(EBADF);
}
