// The mappings of a write of the iomap engine: `begin` reserves the holes of a stretch of the file, `end` gives back what the
// write did not come to. What is at the edges is read by the mappings of reads.
// Source: buffered I/O spec 8; kernel fs/f2fs/file.c (f2fs_preallocate_blocks).

import { ENOSPC, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import type { Iomap, WriteOperations } from '@f2fskit/iomap';
import type { Task } from '@f2fskit/task';
import { blockOutsideClusters } from '../clusters/cut-cluster.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { truncateBlocks } from '../names/free-inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { noteEnd } from './pending-attributes.ts';
import { RESERVE_BLOCKS, reserveBlocks } from './reserve-blocks.ts';

export class FolioWrites implements WriteOperations {
  readonly #writer: VolumeWriter;
  readonly #inode: F2fsInode;
  /** Where the write ends, and the block where it begins. */
  readonly #end: number;
  readonly #firstBlock: number;
  readonly #sizeBefore: number;

  /** A write of the bytes [start, end). */
  constructor(writer: VolumeWriter, inode: F2fsInode, start: number, end: number) {
    this.#writer = writer;
    this.#inode = inode;
    this.#end = end;
    this.#firstBlock = Math.floor(start / BLOCK_SIZE);
    this.#sizeBefore = inode.size;
  }

  /** Throws ENOSPC where not even one block can be had. */
  begin(position: number, length: number, _request: number, map: Iomap): Task<void> | undefined {
    const first = Math.floor(position / BLOCK_SIZE);
    map.offset = first * BLOCK_SIZE;
    if (hasInlineData(this.#inode.raw)) {
      map.kind = 'inline';
      map.length = position + length - map.offset;
      return undefined;
    }
    const end = Math.min(Math.ceil((position + length) / BLOCK_SIZE), first + RESERVE_BLOCKS);
    // Old data and reserved blocks side by side: what a reader would get is not said here.
    map.kind = 'private';
    map.length = (end - first) * BLOCK_SIZE;
    return this.#inode.hasSlots(first, end) ? undefined : this.#reserve(first, end, map);
  }

  *#reserve(first: number, end: number, map: Iomap): Task<void> {
    const reserved = yield* this.#writer.operation(
      reserveBlocks(this.#writer, this.#inode.blocksOwner.raw, first, end),
    );
    if (reserved <= first) throw new FsError(ENOSPC);
    map.length = (reserved - first) * BLOCK_SIZE;
  }

  end(map: Iomap, position: number, processed: number): Task<void> | undefined {
    if (map.kind === 'inline' || position + processed >= Math.min(map.end, this.#end)) return undefined;
    return this.#giveBack(map);
  }

  *#giveBack(map: Iomap): Task<void> {
    const keep = Math.ceil(Math.max(this.#inode.size, this.#sizeBefore) / BLOCK_SIZE);
    // Only what this write reserved: blocks behind the end may be there on purpose.
    const from = yield* blockOutsideClusters(this.#inode, Math.max(keep, this.#firstBlock));
    if (map.end > from * BLOCK_SIZE) {
      yield* this.#writer.operation(truncateBlocks(this.#writer, this.#inode.blocksOwner.raw, from));
    }
  }

  grow(end: number): void {
    noteEnd(this.#writer, this.#inode, end);
  }

  throttle(): Task<void> | undefined {
    return this.#writer.flusher.throttle();
  }
}
