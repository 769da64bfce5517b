// Blocks at fixed places of a volume that is written to: what was put is seen at once and written by the next flush.
//
// The segment summary area, and the copies of NAT and SIT blocks that are not current, may be written at any time: nothing
// that the last checkpoint refers to lies there.

import { type BlockDevice, submitAndWait, writeBio } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { BlockCopy, DeviceMapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';

/** Blocks in one request at most. */
const RUN_BLOCKS_MAX = 256;

export class MetadataBlocks {
  readonly #blocks: DeviceMapping;
  readonly #pending = new Map<number, Uint8Array>();

  constructor(blocks: DeviceMapping) {
    this.#blocks = blocks;
  }

  get device(): BlockDevice {
    return this.#blocks.device;
  }

  /** Blocks that were put and not written yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** The block as it was last put; valid until the next wait. Throws EIO. */
  *get(address: number): Task<BlockCopy> {
    const bytes = this.#pending.get(address);
    if (bytes !== undefined) return { address, bytes, view: viewOf(bytes) };
    return yield* this.#blocks.get(address);
  }

  /** Takes over `bytes`, a whole block. */
  put(address: number, bytes: Uint8Array): void {
    this.#pending.set(address, bytes);
  }

  /** Writes what is pending, in the order of the device. Throws EIO: what was not written stays pending. */
  *flush(): Task<void> {
    const addresses = [...this.#pending.keys()].sort((a, b) => a - b);
    for (let at = 0; at < addresses.length; ) {
      const first = addresses[at]!;
      let end = at + 1;
      while (end < addresses.length && end - at < RUN_BLOCKS_MAX && addresses[end] === first + end - at) end++;
      const run = addresses.slice(at, end);
      const buffers = run.map((address) => this.#pending.get(address)!);
      yield* submitAndWait(this.device, writeBio(first * BLOCK_SIZE, buffers));
      for (const [index, address] of run.entries()) {
        this.#blocks.peek(address)?.bytes.set(buffers[index]!);
        // Put again meanwhile: still to be written.
        if (this.#pending.get(address) === buffers[index]) this.#pending.delete(address);
      }
      at = end;
    }
  }
}
