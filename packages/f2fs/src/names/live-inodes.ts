// The inodes of a writable volume that somebody holds: one object for each number, however often it is read, so that all
// see the same state. It keeps none of them alive: an inode that nobody holds is read again.

import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { F2fsInode } from '../inode.ts';

/** Numbers are swept for inodes that went away when there are this many, and whenever twice as many as were left. */
const SWEEP_MIN = 256;

export class LiveInodes {
  readonly #inodes = new Map<number, WeakRef<F2fsInode>>();
  #sweepAt = SWEEP_MIN;

  /** The inode if somebody holds it. */
  get(ino: number): F2fsInode | undefined {
    return this.#inodes.get(ino)?.deref();
  }

  /** Those that somebody holds. */
  *[Symbol.iterator](): Generator<F2fsInode, void, void> {
    for (const reference of [...this.#inodes.values()]) {
      const inode = reference.deref();
      if (inode !== undefined) yield inode;
    }
  }

  /** Notes an inode that was read; where another object has its number meanwhile, returns that one. */
  add(inode: F2fsInode): F2fsInode {
    const other = this.get(inode.ino);
    if (other !== undefined) return other;
    this.#inodes.set(inode.ino, new WeakRef(inode));
    if (this.#inodes.size >= this.#sweepAt) this.#sweep();
    return inode;
  }

  /** The inode changed. */
  refresh(raw: DecodedInode): void {
    const inode = this.get(raw.ino);
    if (inode !== undefined) inode.raw = raw;
  }

  /** The inode was freed: its number may come back as another file. */
  forget(ino: number): void {
    const inode = this.get(ino);
    if (inode !== undefined) inode.gone = true;
    this.#inodes.delete(ino);
  }

  #sweep(): void {
    for (const [ino, reference] of this.#inodes) if (reference.deref() === undefined) this.#inodes.delete(ino);
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * this.#inodes.size);
  }
}
