import { type Bio, DeviceWrapper, MemoryDevice } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { PageBios } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { ContentStage } from './content-stage.ts';

/** Ends bios when it is told to; reads their memory only then. */
class Lazy extends DeviceWrapper {
  readonly medium: MemoryDevice;
  readonly waiting: Bio[] = [];
  slow = true;

  constructor() {
    const medium = new MemoryDevice(64 << 20);
    super(medium, { mode: 'async' });
    this.medium = medium;
  }

  submit(bio: Bio): void {
    if (this.slow) this.waiting.push(bio);
    else this.device.submit(bio);
  }

  serve(count = this.waiting.length): void {
    for (const bio of this.waiting.splice(0, count)) this.device.submit(bio);
  }
}

function staged(): { device: Lazy; bios: PageBios; stage: ContentStage } {
  const device = new Lazy();
  const bios = new PageBios(device);
  return { device, bios, stage: new ContentStage(bios) };
}

const letters = (size: number, letter: number): Uint8Array => new Uint8Array(size).fill(letter);
const run = (start: number, count: number): number[] => Array.from({ length: count }, (_, index) => start + index);

describe('contents on their way', () => {
  it('have zeros behind them, whatever was in memory before', () => {
    const { device, bios, stage } = staged();
    device.slow = false;
    for (let index = 0; index < 300; index++) stage.send(letters(BLOCK_SIZE, 9), [1 + index], 0);
    stage.send(letters(5000, 7), [1000, 1001], 0);
    bios.submit();
    const stored = device.medium.toBytes(1000 * BLOCK_SIZE, 2 * BLOCK_SIZE);
    expect(Buffer.compare(stored, Buffer.concat([letters(5000, 7), letters(3192, 0)]))).toBe(0);
  });

  it('go where they are sent, also in pieces', () => {
    const { device, bios, stage } = staged();
    device.slow = false;
    const contents = Uint8Array.from({ length: 5 * BLOCK_SIZE }, (_, at) => at >> 12);
    stage.send(contents, [20, 21, 40, 22, 23], 1);
    bios.submit();
    const stored = [20, 21, 40, 22, 23].map((address) => device.medium.toBytes(address * BLOCK_SIZE, 1)[0]);
    expect(stored).toEqual([0, 1, 2, 3, 4]);
  });

  it.each([32, 33])('keep their memory as long as the device is not done (%i blocks apart)', (distance) => {
    const { device, bios, stage } = staged();
    const addressOf = (index: number): number => 100 + distance * index;
    for (let index = 0; index < 40; index++) {
      stage.send(letters(32 * BLOCK_SIZE, 1 + index), run(addressOf(index), 32), 0);
      // Some of what lies in a piece of memory is written, some is not.
      if (index % 10 === 9) device.serve(1);
    }
    bios.submit();
    expect(device.waiting.length).toBeGreaterThan(0);
    device.serve();
    for (let index = 0; index < 40; index++) {
      const stored = device.medium.toBytes(addressOf(index) * BLOCK_SIZE, 32 * BLOCK_SIZE);
      expect(Buffer.compare(stored, letters(32 * BLOCK_SIZE, 1 + index))).toBe(0);
    }
  });

  it('use the same memory again, with a device that is done at once', () => {
    const { device, bios, stage } = staged();
    device.slow = false;
    const buffers = new Set<ArrayBufferLike>();
    const below = device.medium.submit.bind(device.medium);
    device.medium.submit = (bio) => {
      for (const { buffer } of bio.segments) buffers.add(buffer);
      below(bio);
    };
    for (let index = 0; index < 100; index++) stage.send(letters(32 * BLOCK_SIZE, 1), run(100 + 32 * index, 32), 0);
    bios.submit();
    expect(buffers.size).toBe(1);
  });
});
