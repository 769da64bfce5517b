import { EIO } from '@f2fskit/errno';
import { describe, expect, it } from 'vitest';
import { Bio, BioFlag, describeBio, discardBio, flushBio, readBio, writeBio } from './index.ts';

describe('Bio', () => {
  it('covers the sum of its segments', () => {
    const bio = writeBio(4096, [new Uint8Array(100), new Uint8Array(0), new Uint8Array(412)], BioFlag.SYNC);
    expect([bio.operation, bio.offset, bio.size, bio.endOffset, bio.flags]).toEqual(['write', 4096, 512, 4608, 1]);
    expect(bio.segments.length).toBe(3);
    expect([flushBio().size, flushBio().segments.length]).toEqual([0, 0]);
    expect([discardBio(512, 2 ** 40).size, discardBio(512, 2 ** 40).segments.length]).toEqual([2 ** 40, 0]);
  });

  it('takes memory that continues its last segment as more of that segment', () => {
    const folio = new Uint8Array(64 * 1024);
    const bio = new Bio('read', 0);
    for (let at = 0; at < folio.byteLength; at += 4096) expect(bio.append(folio.subarray(at, at + 4096), 1)).toBe(true);
    expect(bio.segments.length).toBe(1);
    expect(bio.segments[0]!.byteLength).toBe(folio.byteLength);
    bio.segments[0]!.fill(7);
    expect(folio.every((byte) => byte === 7)).toBe(true);
  });

  it('does not join memory that lies elsewhere, before, or in another buffer', () => {
    const memory = new Uint8Array(3 * 512);
    const bio = new Bio('write', 0);
    for (const segment of [memory.subarray(512, 1024), memory.subarray(0, 512), memory.subarray(1024)]) {
      bio.append(segment);
    }
    bio.append(new Uint8Array(512));
    expect(bio.segments.length).toBe(4);
    expect(bio.size).toBe(4 * 512);
  });

  it('refuses the segment that is too many, and stays as it was', () => {
    const bio = new Bio('write', 0);
    expect(bio.append(new Uint8Array(512), 2)).toBe(true);
    expect(bio.append(new Uint8Array(512), 2)).toBe(true);
    expect(bio.append(new Uint8Array(512), 2)).toBe(false);
    expect([bio.size, bio.segments.length]).toEqual([1024, 2]);
  });

  it('keeps the segments of readBio and writeBio as they were given', () => {
    const memory = new Uint8Array(1024);
    const segments = [memory.subarray(0, 512), memory.subarray(512)];
    expect(readBio(0, segments).segments).toEqual(segments);
  });

  it('ends once, and its residual says how much is missing', () => {
    const good = readBio(0, [new Uint8Array(1024)]);
    good.end();
    expect([good.completion.done, good.completion.error, good.residual]).toEqual([true, 0, 0]);
    expect(() => good.end()).toThrow('completes once');
    expect(() => good.append(new Uint8Array(1))).toThrow('before a bio is submitted');
    const failed = readBio(0, [new Uint8Array(1024)]);
    failed.end(EIO);
    expect([failed.completion.error, failed.residual]).toEqual([EIO, 1024]);
    const short = readBio(0, [new Uint8Array(1024)]);
    short.end(EIO, 512);
    expect(short.residual).toBe(512);
  });

  it('refuses ends that contradict themselves', () => {
    const bio = readBio(0, [new Uint8Array(1024)]);
    expect(() => bio.end(0, 512)).toThrow('transferred everything');
    expect(() => bio.end(EIO, 0)).toThrow('not transferred everything');
    expect(() => bio.end(EIO, 1025)).toThrow('within its bio');
    expect(bio.completion.done).toBe(false);
  });

  it('describes itself', () => {
    expect(describeBio('disk.img', writeBio(512, [new Uint8Array(1024)]))).toBe(
      'write of 1024 bytes at 512 on disk.img',
    );
    expect(describeBio('disk.img', flushBio())).toBe('flush of disk.img');
  });
});
