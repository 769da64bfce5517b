// A device that can be written to without changing the one below: what is written stays in memory. For a recovery that
// must leave a file as it is, and for trying something out.

import { ENODEV } from '@f2fskit/errno';
import type { Completion } from '@f2fskit/task';
import { type Bio, BLOCK_SIZE, SECTOR_SIZE } from './bio.ts';
import { type BlockDevice, checkBio, cloneBio, endWithoutTransfer } from './device.ts';
import { DeviceWrapper } from './device-wrapper.ts';
import { Lifetime } from './lifetime.ts';

const SECTORS = BLOCK_SIZE / SECTOR_SIZE;
const ALL_SECTORS = 2 ** SECTORS - 1;

/** A block of which some sectors were written. */
interface WrittenBlock {
  readonly bytes: Uint8Array;
  /** Bit i: sector i. */
  sectors: number;
}

/** Reads from the device below what was never written here. Memory grows with the blocks that were written. */
export class OverlayDevice extends DeviceWrapper {
  readonly #blocks = new Map<number, WrittenBlock>();
  readonly #lifetime = new Lifetime();

  constructor(device: BlockDevice, name = device.name) {
    super(device, { name, readOnly: false, canDiscard: false });
  }

  /** Bytes of memory that hold what was written. */
  get bytesAllocated(): number {
    return this.#blocks.size * BLOCK_SIZE;
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0 || bio.operation === 'flush' || bio.operation === 'discard') {
      endWithoutTransfer(this.mode, bio, error);
    } else if (bio.operation === 'write') {
      this.#write(bio);
      endWithoutTransfer(this.mode, bio, 0);
    } else if (this.#covers(bio)) {
      this.#fill(bio);
      endWithoutTransfer(this.mode, bio, 0);
    } else {
      const below = cloneBio(bio);
      below.completion.subscribe(() => {
        this.#fill(bio);
        bio.end(below.completion.error, below.residual);
      });
      this.device.submit(below);
    }
  }

  override close(): Completion {
    return this.#lifetime.close(() => this.device.close());
  }

  #write(bio: Bio): void {
    for (const { block, from, memory } of pieces(bio)) {
      let written = this.#blocks.get(block);
      if (written === undefined) {
        written = { bytes: new Uint8Array(BLOCK_SIZE), sectors: 0 };
        this.#blocks.set(block, written);
      }
      written.bytes.set(memory, from);
      // Sectors are complete when the whole bio has been copied.
      const last = Math.floor((from + memory.length - 1) / SECTOR_SIZE);
      for (let sector = Math.floor(from / SECTOR_SIZE); sector <= last; sector++) written.sectors |= 1 << sector;
    }
  }

  /** Whether every sector of a read was written. */
  #covers(bio: Bio): boolean {
    for (let at = bio.offset; at < bio.endOffset; at += SECTOR_SIZE) {
      if (!this.#has(Math.floor(at / BLOCK_SIZE), (at % BLOCK_SIZE) / SECTOR_SIZE)) return false;
    }
    return true;
  }

  #has(block: number, sector: number): boolean {
    const sectors = this.#blocks.get(block)?.sectors ?? 0;
    return sectors === ALL_SECTORS || (sectors & (1 << sector)) !== 0;
  }

  /** Copies what was written to the memory of a read. */
  #fill(bio: Bio): void {
    if (this.#blocks.size === 0) return;
    for (const { block, from, memory } of pieces(bio)) {
      const written = this.#blocks.get(block);
      if (written === undefined) continue;
      for (let at = 0; at < memory.length; ) {
        const sector = Math.floor((from + at) / SECTOR_SIZE);
        const end = Math.min(memory.length, (sector + 1) * SECTOR_SIZE - from);
        if (this.#has(block, sector)) memory.set(written.bytes.subarray(from + at, from + end), at);
        at = end;
      }
    }
  }
}

/** The memory of a bio, cut at the borders of segments and blocks; `from` is the byte in the block. */
function* pieces(bio: Bio): Generator<{ block: number; from: number; memory: Uint8Array }> {
  let offset = bio.offset;
  for (const segment of bio.segments) {
    for (let at = 0; at < segment.length; ) {
      const from = offset % BLOCK_SIZE;
      const count = Math.min(BLOCK_SIZE - from, segment.length - at);
      yield { block: Math.floor(offset / BLOCK_SIZE), from, memory: segment.subarray(at, at + count) };
      at += count;
      offset += count;
    }
  }
}
