import { EIO } from '@f2fskit/errno';
import { runAsync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { type Bio, BlobDevice, type BlobLike, closeDevice, readBio, readBytes } from './index.ts';

const bytes = Uint8Array.from({ length: 4096 }, (_, i) => i * 7);

function ended(...bios: Bio[]): Promise<unknown> {
  return Promise.all(bios.map((bio) => new Promise<void>((resolve) => bio.completion.subscribe(resolve))));
}

describe('BlobDevice', () => {
  it('leaves out a partial last sector', () => {
    const device = new BlobDevice(new Blob([bytes, 'tail']));
    expect([device.size, device.mode, device.readOnly]).toEqual([4096, 'async', true]);
  });

  it('asks for exactly the bytes of a bio, once', async () => {
    const slices: Array<[number, number]> = [];
    const blob = new Blob([bytes]);
    const spy: BlobLike = {
      size: blob.size,
      slice(start, end) {
        slices.push([start, end]);
        return blob.slice(start, end);
      },
    };
    const segments = [new Uint8Array(100), new Uint8Array(924)];
    const bio = readBio(512, segments);
    new BlobDevice(spy).submit(bio);
    await ended(bio);
    expect(slices).toEqual([[512, 1536]]);
    expect(segments[1]).toEqual(bytes.subarray(612, 1536));
  });

  it('has several requests in flight, which end in the order in which the Blob answers', async () => {
    const answers: Array<() => void> = [];
    const blob: BlobLike = {
      size: 4096,
      slice: (start, end) => ({
        arrayBuffer: () => new Promise((resolve) => answers.push(() => resolve(bytes.slice(start, end).buffer))),
      }),
    };
    const device = new BlobDevice(blob);
    const bios = [0, 512, 1024].map((offset) => readBio(offset, [new Uint8Array(512)]));
    const order: number[] = [];
    for (const bio of bios) {
      bio.completion.subscribe(() => order.push(bio.offset));
      device.submit(bio);
    }
    expect(answers.length).toBe(3);
    answers[2]!();
    await ended(bios[2]!);
    expect(bios.map((bio) => bio.completion.done)).toEqual([false, false, true]);
    const closed = runAsync(closeDevice(device));
    answers[0]!();
    answers[1]!();
    await closed;
    expect(order).toEqual([1024, 0, 512]);
    for (const bio of bios) expect(bio.segments[0]).toEqual(bytes.slice(bio.offset, bio.endOffset));
  });

  it('turns a Blob that fails, or answers with another number of bytes, into EIO', async () => {
    const failures: Array<() => Promise<ArrayBuffer>> = [
      () => Promise.reject(new Error('NotReadableError')),
      () => {
        throw new Error('gone');
      },
      () => Promise.resolve(new ArrayBuffer(511)),
      () => Promise.resolve(new ArrayBuffer(0)),
      () => Promise.resolve(new ArrayBuffer(513)),
    ];
    for (const arrayBuffer of failures) {
      const device = new BlobDevice({ size: 4096, slice: () => ({ arrayBuffer }) }, 'photo.img');
      const target = new Uint8Array(512).fill(1);
      const bio = readBio(0, [target]);
      device.submit(bio);
      await ended(bio);
      expect([bio.completion.error, bio.residual]).toEqual([EIO, 512]);
      expect(target.every((byte) => byte === 1)).toBe(true);
      await expect(runAsync(readBytes(device, 512, target))).rejects.toThrow('512 bytes at 512 on photo.img');
    }
  });
});
