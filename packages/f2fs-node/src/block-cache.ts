// Blocks of metadata (NAT, nodes, directories) by address, in memory of a fixed bound, least recently used first.
//
// Invariants
//   - a cached block is never changed: whoever holds one may keep it across any wait, also after it left the cache;
//   - a block is read once, however many tasks want it: they wait for the same read and get what it brought, also when
//     other blocks have pushed it out of the cache before they run again;
//   - a block that failed is not cached, so a later try reads again. Tasks that waited for it fail with it.
//
// The page cache takes this over when it arrives; until then nothing here is dirty, and dropping a block loses nothing.

import { type BlockDevice, readBytes } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { Completion, type Task } from '@f2fskit/task';

/** Blocks kept by default: 4 MiB. */
export const BLOCKS_CACHED_MAX = 1024;

/** One block as it was read: 4096 bytes, never changed. */
export interface CachedBlock {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** A read in progress; exactly one of the two results is there when it is over. */
class Reading {
  readonly over = new Completion();
  block: CachedBlock | undefined = undefined;
  failure: unknown = undefined;
}

export class BlockCache {
  readonly device: BlockDevice;
  readonly #capacity: number;
  readonly #blocks = new Map<number, CachedBlock>();
  readonly #reading = new Map<number, Reading>();
  /** Reads that went to the device. */
  misses = 0;

  constructor(device: BlockDevice, capacity = BLOCKS_CACHED_MAX) {
    this.device = device;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** The block if it is cached; never waits. */
  peek(address: number): CachedBlock | undefined {
    const block = this.#blocks.get(address);
    if (block === undefined) return undefined;
    this.#blocks.delete(address);
    this.#blocks.set(address, block);
    return block;
  }

  /** The block, read if need be. Throws EIO naming device and offset. */
  *get(address: number): Task<CachedBlock> {
    const cached = this.peek(address);
    if (cached !== undefined) return cached;
    const reading = this.#reading.get(address);
    if (reading === undefined) return yield* this.#read(address);
    yield reading.over;
    if (reading.block === undefined) throw reading.failure;
    return reading.block;
  }

  *#read(address: number): Task<CachedBlock> {
    const reading = new Reading();
    this.#reading.set(address, reading);
    this.misses++;
    try {
      const bytes = new Uint8Array(BLOCK_SIZE);
      yield* readBytes(this.device, address * BLOCK_SIZE, bytes);
      const block: CachedBlock = { address, bytes, view: viewOf(bytes) };
      reading.block = block;
      this.#blocks.set(address, block);
      if (this.#blocks.size > this.#capacity) this.#blocks.delete(this.#blocks.keys().next().value as number);
      return block;
    } catch (cause) {
      reading.failure = cause;
      throw cause;
    } finally {
      this.#reading.delete(address);
      reading.over.complete();
    }
  }
}
