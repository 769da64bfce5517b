// The transfer loop over a file that behaves as files rarely do: it answers short, is interrupted, shrinks, runs full.

import { EAGAIN, EINTR, EIO, ENOSPC, EOPNOTSUPP } from '@f2fskit/errno';
import { type RandomSource, seededRandom } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { type Bio, readBio, writeBio } from '../index.ts';
import type { FileCalls, TransferCallback } from './file-calls.ts';
import { osErrno } from './os-error.ts';
import { BUFFERS_MAX, RETRIES_MAX, type TransferResult, transferAsync, transferSync } from './transfer.ts';

function osError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A file in memory. Every call checks what the operating system would insist on. */
class FakeFile implements FileCalls {
  bytes: Uint8Array;
  calls = 0;
  /** The most bytes that a call moves. */
  limit: () => number = () => Number.POSITIVE_INFINITY;
  /** Thrown instead of moving anything, when it returns something. */
  fault: () => Error | undefined = () => undefined;

  constructor(size: number) {
    this.bytes = Uint8Array.from({ length: size }, (_, i) => i * 7);
  }

  readSync(_fd: number, buffers: readonly Uint8Array[], position: number): number {
    return this.#move(buffers, position, (buffer, at) => buffer.set(this.bytes.subarray(at, at + buffer.byteLength)));
  }

  writeSync(_fd: number, buffers: readonly Uint8Array[], position: number): number {
    return this.#move(buffers, position, (buffer, at) => this.bytes.set(buffer, at));
  }

  read(fd: number, buffers: readonly Uint8Array[], position: number, callback: TransferCallback): void {
    this.#later(callback, () => this.readSync(fd, buffers, position));
  }

  write(fd: number, buffers: readonly Uint8Array[], position: number, callback: TransferCallback): void {
    this.#later(callback, () => this.writeSync(fd, buffers, position));
  }

  fdatasyncSync(): void {}

  fdatasync(_fd: number, callback: (error: Error | null) => void): void {
    callback(null);
  }

  #move(buffers: readonly Uint8Array[], position: number, copy: (buffer: Uint8Array, at: number) => void): number {
    this.calls++;
    expect(typeof position).toBe('number');
    expect(buffers.every((buffer) => buffer.byteLength > 0)).toBe(true);
    expect(buffers.length).toBeGreaterThan(0);
    expect(buffers.length).toBeLessThanOrEqual(BUFFERS_MAX);
    const fault = this.fault();
    if (fault !== undefined) throw fault;
    let left = Math.max(0, Math.min(this.limit(), this.bytes.byteLength - position));
    let moved = 0;
    for (const buffer of buffers) {
      const part = buffer.subarray(0, Math.min(left, buffer.byteLength));
      copy(part, position + moved);
      moved += part.byteLength;
      left -= part.byteLength;
    }
    return moved;
  }

  #later(callback: TransferCallback, call: () => number): void {
    void Promise.resolve().then(() => {
      let moved = 0;
      try {
        moved = call();
      } catch (error) {
        callback(error as Error, 0);
        return;
      }
      callback(null, moved);
    });
  }
}

type Mode = (file: FileCalls, bio: Bio) => Promise<TransferResult>;
const modes: Array<[name: string, transfer: Mode]> = [
  ['sync', async (file, bio) => transferSync(file, 3, bio)],
  ['async', (file, bio) => new Promise((resolve) => transferAsync(file, 3, bio, resolve))],
];

function memory(random: RandomSource, size: number): Uint8Array[] {
  const segments: Uint8Array[] = [];
  for (let left = size; left > 0; ) {
    const segment = Uint8Array.from({ length: Math.min(left, random.below(300)) }, () => random.u32());
    segments.push(segment);
    left -= segment.byteLength;
  }
  return segments;
}

const joined = (segments: Uint8Array[]): Uint8Array => Buffer.concat(segments);

describe.each(modes)('a %s transfer', (_name, transfer) => {
  it.each([1, 2, 3, 4, 5])(
    'continues short calls and repeats interrupted ones until all is done (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      for (let round = 0; round < 8; round++) {
        const file = new FakeFile(64 * 512);
        file.limit = () => 1 + random.below(700);
        file.fault = () => (random.chance(0.2) ? osError(random.chance(0.5) ? 'EINTR' : 'EAGAIN') : undefined);
        const offset = random.below(32) * 512;
        const size = (1 + random.below(32)) * 512;
        const expected = file.bytes.slice();
        if (random.chance(0.5)) {
          const bio = readBio(offset, memory(random, size));
          expect(await transfer(file, bio)).toEqual({ error: 0, residual: 0 });
          expect(Buffer.compare(joined(bio.segments), expected.subarray(offset, offset + size))).toBe(0);
        } else {
          const bio = writeBio(offset, memory(random, size));
          expect(await transfer(file, bio)).toEqual({ error: 0, residual: 0 });
          expected.set(joined(bio.segments), offset);
        }
        expect(Buffer.compare(file.bytes, expected)).toBe(0);
        expect(file.calls).toBeGreaterThanOrEqual(size / 700);
      }
    },
  );

  it('goes in calls of at most 1,024 buffers, empty ones left out', async () => {
    const file = new FakeFile(16 * 512);
    const segments = Array.from({ length: 3 * 1024 }, (_, i) => new Uint8Array(i % 3 === 0 ? 0 : 2));
    expect(await transfer(file, readBio(512, segments))).toEqual({ error: 0, residual: 0 });
    expect(file.calls).toBe(2);
    expect(Buffer.compare(joined(segments), file.bytes.subarray(512, 512 + 4096))).toBe(0);
  });

  it('turns the end of a file that has shrunk into EIO, and says how much there was', async () => {
    const file = new FakeFile(3 * 512 + 100);
    const target = new Uint8Array(2048).fill(0xa5);
    expect(await transfer(file, readBio(1024, [target]))).toEqual({ error: EIO, residual: 2048 - 612 });
    expect(Buffer.compare(target.subarray(0, 612), file.bytes.subarray(1024))).toBe(0);
    expect(target.subarray(612).every((byte) => byte === 0xa5)).toBe(true); // no silent zeros
    expect(await transfer(file, readBio(2048, [target]))).toEqual({ error: EIO, residual: 2048 });
  });

  it('does not try a write for ever that moves nothing', async () => {
    const file = new FakeFile(4096);
    file.limit = () => (file.calls > 2 ? 0 : 512);
    expect(await transfer(file, writeBio(0, [new Uint8Array(2048)]))).toEqual({ error: EIO, residual: 1024 });
    expect(file.calls).toBe(3);
  });

  it('ends with the error of the system, and what was moved before it counts', async () => {
    const file = new FakeFile(4096);
    file.limit = () => 1024;
    file.fault = () => (file.calls > 2 ? osError('ENOSPC') : undefined);
    expect(await transfer(file, writeBio(0, [new Uint8Array(4096)]))).toEqual({ error: ENOSPC, residual: 2048 });
  });

  it.each([
    ['EINTR', EINTR],
    ['EAGAIN', EAGAIN],
  ])('takes %s for an answer when nothing else comes', async (code, errno) => {
    const file = new FakeFile(4096);
    file.fault = () => osError(code);
    expect(await transfer(file, readBio(0, [new Uint8Array(512)]))).toEqual({ error: errno, residual: 512 });
    expect(file.calls).toBe(RETRIES_MAX + 1);
    file.calls = 0;
    file.limit = () => 1;
    file.fault = () => (file.calls % 2 === 0 ? osError(code) : undefined); // hardly moves, but moves
    expect(await transfer(file, readBio(0, [new Uint8Array(512)]))).toEqual({ error: 0, residual: 0 });
  });
});

describe('transferSync', () => {
  it('asks for at most a gigabyte in one call', () => {
    const half = new Uint8Array(2 ** 29); // never touched, so it costs no memory
    const asked: number[][] = [];
    const file = new FakeFile(0);
    file.readSync = (_fd, buffers, position) => {
      asked.push([position, ...buffers.map((buffer) => buffer.byteLength)]);
      return buffers.reduce((bytes, buffer) => bytes + buffer.byteLength, 0);
    };
    const segments = [half.subarray(0, 512), half, half, half];
    expect(transferSync(file, 3, readBio(4096, segments))).toEqual({ error: 0, residual: 0 });
    expect(asked).toEqual([
      [4096, 512, 2 ** 29, 2 ** 29 - 512],
      [4096 + 2 ** 30, 512, 2 ** 29],
    ]);
  });

  it('throws for what is a bug and no error of the system', () => {
    const file = new FakeFile(4096);
    file.fault = () => Object.assign(new TypeError('bad argument'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(() => transferSync(file, 3, readBio(0, [new Uint8Array(512)]))).toThrow('bad argument');
  });
});

describe('osErrno', () => {
  it('knows our numbers, synonyms, and EIO for the rest', () => {
    expect(
      ['ENOSPC', 'EDQUOT', 'ENOTSUP', 'EIO', 'EREMOTEIO', 'UNKNOWN'].map((code) => osErrno(osError(code))),
    ).toEqual([ENOSPC, ENOSPC, EOPNOTSUPP, EIO, EIO, EIO]);
  });

  it('throws what is no error of the system', () => {
    expect(() => osErrno(new Error('a bug'))).toThrow('a bug');
    expect(() => osErrno('a string')).toThrow('a string');
  });
});
