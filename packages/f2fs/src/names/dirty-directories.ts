// Dentry blocks that changed since the last checkpoint, by directory and file block. Whoever reads a directory looks here
// before it looks at the device. The next checkpoint writes them (flush-directories.ts).

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';

/** A dentry block in memory, 4096 bytes. */
export interface DirtyBlock {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** What a reader of directories sees of them. */
export interface DentryOverlay {
  /** The block if it changed; good until the next wait. */
  peek(ino: number, fileBlock: number): DirtyBlock | undefined;
}

export class DirtyDirectories implements DentryOverlay {
  readonly #blocks = new Map<number, Map<number, DirtyBlock>>();
  /** Blocks of all directories. */
  count = 0;

  peek(ino: number, fileBlock: number): DirtyBlock | undefined {
    return this.#blocks.get(ino)?.get(fileBlock);
  }

  /** Takes over `bytes` as what the block holds from now on. */
  put(ino: number, fileBlock: number, bytes: Uint8Array = new Uint8Array(BLOCK_SIZE)): DirtyBlock {
    let blocks = this.#blocks.get(ino);
    if (blocks === undefined) {
      blocks = new Map();
      this.#blocks.set(ino, blocks);
    }
    if (!blocks.has(fileBlock)) this.count++;
    const block = { bytes, view: viewOf(bytes) };
    blocks.set(fileBlock, block);
    return block;
  }

  /** The block is written, or gone. */
  drop(ino: number, fileBlock: number): void {
    const blocks = this.#blocks.get(ino);
    if (blocks?.delete(fileBlock) !== true) return;
    this.count--;
    if (blocks.size === 0) this.#blocks.delete(ino);
  }

  /** The directory is gone. */
  dropAll(ino: number): void {
    this.count -= this.#blocks.get(ino)?.size ?? 0;
    this.#blocks.delete(ino);
  }

  /** What is dirty now, in order. */
  list(): Array<{ ino: number; fileBlock: number; block: DirtyBlock }> {
    const all: Array<{ ino: number; fileBlock: number; block: DirtyBlock }> = [];
    for (const [ino, blocks] of [...this.#blocks].sort(([a], [b]) => a - b)) {
      for (const [fileBlock, block] of [...blocks].sort(([a], [b]) => a - b)) all.push({ ino, fileBlock, block });
    }
    return all;
  }
}
