// A device that looks over the shoulder of writeback: the memory of a write may not change between submit and end (I-40), two
// writes to one block may not be in flight together, and somebody counts what is written.

import { type Bio, BLOCK_SIZE, type BlockDevice, cloneBio, DeviceWrapper, submitFor } from '@f2fskit/block';

export class CheckingDevice extends DeviceWrapper {
  readonly problems: string[] = [];
  /** Writes submitted, as [offset, size]. */
  readonly writes: Array<[number, number]> = [];
  /** Writes submitted that have not ended. */
  inFlight = 0;
  readonly #blocks = new Set<number>();
  readonly #mayChange: boolean;

  /** `mayChange`: memory may change while it is written (mappings that are not stable). */
  constructor(device: BlockDevice, mayChange = false) {
    super(device, { mode: device.mode });
    this.#mayChange = mayChange;
  }

  get bytesWritten(): number {
    return this.writes.reduce((sum, [, size]) => sum + size, 0);
  }

  /** Numbers of the blocks written since this was called last, in the order of the requests. */
  takeBlocks(): number[] {
    const blocks: number[] = [];
    for (const [offset, size] of this.writes.splice(0)) {
      for (let at = offset; at < offset + size; at += BLOCK_SIZE) blocks.push(at / BLOCK_SIZE);
    }
    return blocks;
  }

  submit(bio: Bio): void {
    if (bio.operation !== 'write') {
      this.device.submit(bio);
      return;
    }
    this.writes.push([bio.offset, bio.size]);
    this.inFlight++;
    const before = bio.segments.map((segment) => segment.slice());
    const child = cloneBio(bio);
    for (let at = bio.offset; at < bio.endOffset; at += BLOCK_SIZE) {
      if (this.#blocks.has(at)) this.problems.push(`block at ${at} is written twice at once`);
      this.#blocks.add(at);
    }
    child.completion.subscribe(() => {
      this.inFlight--;
      for (let at = bio.offset; at < bio.endOffset; at += BLOCK_SIZE) this.#blocks.delete(at);
      const same = before.every((segment, index) => Buffer.compare(segment, bio.segments[index]!) === 0);
      if (!same && !this.#mayChange) this.problems.push(`I-40: memory of the write at ${bio.offset} has changed`);
    });
    submitFor(bio, this.device, child);
  }
}
