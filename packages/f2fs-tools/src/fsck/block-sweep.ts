// Reading many blocks that are known in advance: sorted by address, near ones in one request of up to 1 MiB. What cannot
// be read is tried again block by block, so that one bad sector costs one block.

import { type BlockDevice, readBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';

const READ_BLOCKS = 256;
/** Blocks that are read for nothing rather than with a request more. */
const GAP_BLOCKS = 15;
/** What a list may hold: with addresses of 32 bits, address and index are one exact number. */
export const SWEEP_BLOCKS_MAX = 1 << 21;

/** One block in the buffer of a sweep: good until the visit of it ends. */
export interface SweptBlock {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Takes the block at `address`; `index` is its place in the list. What it returns is run. */
export type Visit = (block: SweptBlock, address: number, index: number) => Task<void> | undefined;

/** A buffer, and the reads into it. One sweep at a time. */
export class BlockSweep {
  readonly #device: BlockDevice;
  readonly #buffer = new Uint8Array(READ_BLOCKS * BLOCK_SIZE);
  readonly #blocks: SweptBlock[] = [];
  readonly #unreadable: (address: number, error: FsError) => void;

  /** `unreadable` is told of each block that is left out. */
  constructor(device: BlockDevice, unreadable: (address: number, error: FsError) => void) {
    this.#device = device;
    this.#unreadable = unreadable;
    for (let at = 0; at < this.#buffer.length; at += BLOCK_SIZE) {
      const bytes = this.#buffer.subarray(at, at + BLOCK_SIZE);
      this.#blocks.push({ bytes, view: new DataView(this.#buffer.buffer, at, BLOCK_SIZE) });
    }
  }

  /** Visits the first `count` blocks of a list (all of them) in the order of their addresses. */
  *run(addresses: ArrayLike<number>, visit: Visit, count = addresses.length): Task<void> {
    for (let start = 0; start < count; start += SWEEP_BLOCKS_MAX) {
      const keys = new Float64Array(Math.min(SWEEP_BLOCKS_MAX, count - start));
      for (let n = 0; n < keys.length; n++) keys[n] = addresses[start + n]! * SWEEP_BLOCKS_MAX + n;
      keys.sort();
      yield* this.#runSorted(keys, start, visit);
    }
  }

  *#runSorted(keys: Float64Array, start: number, visit: Visit): Task<void> {
    let next = 0;
    while (next < keys.length) {
      const first = addressOf(keys[next]!);
      let end = next;
      let last = first;
      while (end < keys.length) {
        const address = addressOf(keys[end]!);
        if (address - last > GAP_BLOCKS || address - first >= READ_BLOCKS) break;
        last = address;
        end++;
      }
      const whole = yield* this.#read(first, last - first + 1);
      for (; next < end; next++) {
        const address = addressOf(keys[next]!);
        const slot = address - first;
        if (!whole && !(yield* this.#readOne(address, slot))) continue;
        const task = visit(this.#blocks[slot]!, address, start + (keys[next]! % SWEEP_BLOCKS_MAX));
        if (task !== undefined) yield* task;
      }
    }
  }

  *#read(address: number, blocks: number): Task<boolean> {
    try {
      yield* readBytes(this.#device, address * BLOCK_SIZE, this.#buffer.subarray(0, blocks * BLOCK_SIZE));
      return true;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      return false;
    }
  }

  *#readOne(address: number, slot: number): Task<boolean> {
    try {
      yield* readBytes(this.#device, address * BLOCK_SIZE, this.#blocks[slot]!.bytes);
      return true;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.#unreadable(address, error);
      return false;
    }
  }
}

function addressOf(key: number): number {
  return Math.floor(key / SWEEP_BLOCKS_MAX);
}

/** A list of numbers up to 2^32 - 1 that grows. */
export class NumberList {
  #items = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#items.length) {
      const grown = new Uint32Array(2 * this.length);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.length++] = value;
  }

  at(index: number): number {
    return this.#items[index]!;
  }

  /** The memory behind it; the first `length` items mean something. */
  get items(): Uint32Array {
    return this.#items;
  }
}
