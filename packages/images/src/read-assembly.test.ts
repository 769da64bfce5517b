import { type Bio, DeviceWrapper, FaultDevice, MemoryDevice, readBio, StatisticsDevice } from '@f2fskit/block';
import { EIO } from '@f2fskit/errno';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReadAssembly } from './read-assembly.ts';

const below = Uint8Array.from({ length: 16 * 512 }, (_, index) => (index * 7) ^ (index >> 8));

describe('a read of many pieces', () => {
  it('is what its pieces are, whatever the segments', () => {
    const piece = fc.oneof(
      fc.record({ offset: fc.nat(below.length - 700), size: fc.integer({ min: 0, max: 700 }) }),
      fc.record({ pattern: fc.uint8Array({ minLength: 4, maxLength: 4 }), size: fc.nat(700) }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(300)), (pieces, lengths) => {
        const device = MemoryDevice.from(below);
        const total = pieces.reduce((sum, { size }) => sum + size, 0);
        const segments = lengths.map((length) => new Uint8Array(length));
        segments.push(new Uint8Array(Math.max(0, total - lengths.reduce((sum, length) => sum + length, 0))));
        const bio = readBio(0, segments);
        bio.size = total; // what lies beyond it in the segments is not asked for
        const assembly = new ReadAssembly(bio, device);
        const expected: number[] = [];
        for (const item of pieces) {
          if ('offset' in item) {
            assembly.fromDevice(item.offset, item.size);
            expected.push(...below.subarray(item.offset, item.offset + item.size));
          } else {
            assembly.repeat(item.pattern, item.size);
            for (let i = 0; i < item.size; i++) expected.push(item.pattern[i % 4]!);
          }
        }
        assembly.submit();
        expect([bio.completion.done, bio.completion.error, bio.residual]).toEqual([true, 0, 0]);
        expect(segments.flatMap((segment) => [...segment]).slice(0, total)).toEqual(expected);
      }),
    );
  });

  it('asks for pieces with a small gap between them in one request, and for others in their own', () => {
    const device = new StatisticsDevice(MemoryDevice.from(below));
    const bio = readBio(0, [new Uint8Array(512)]);
    const assembly = new ReadAssembly(bio, device);
    assembly.fromDevice(40, 100);
    assembly.fromDevice(152, 100); // 12 bytes on
    assembly.fromDevice(252 + 512, 100); // a sector on
    assembly.fromDevice(864 + 513, 100); // more than a sector on
    assembly.fromDevice(0, 112); // back
    assembly.submit();
    expect(device.snapshot().read).toMatchObject({ bios: 3, bytes: 1024 + 512 + 512 });
  });

  it('obeys the segment limit of the device below', () => {
    const memory = MemoryDevice.from(below);
    const limited = new StatisticsDevice(
      new (class extends StatisticsDevice {
        override readonly segmentsMax = 4;
      })(memory),
    );
    expect(limited.segmentsMax).toBe(4);
    const bio = readBio(0, [new Uint8Array(512)]);
    const assembly = new ReadAssembly(bio, limited);
    for (let index = 0; index < 8; index++) assembly.fromDevice(100 + index * 76, 64);
    assembly.submit();
    expect(bio.completion.error).toBe(0);
    expect(limited.snapshot().read.bios).toBe(8);
  });

  it('that fails says how far it came: to the first byte that is missing', () => {
    const device = new FaultDevice(MemoryDevice.from(below), [
      { operation: 'read', range: { start: 8 * 512, end: 9 * 512 }, action: { kind: 'fail' } },
    ]);
    const bio = readBio(0, [new Uint8Array(2048)]);
    const assembly = new ReadAssembly(bio, device);
    assembly.fromDevice(0, 700);
    assembly.fromDevice(8 * 512 + 30, 300);
    assembly.fromDevice(12 * 512, 1048);
    assembly.submit();
    expect([bio.completion.error, bio.residual]).toEqual([EIO, 2048 - 700]);
  });

  it('counts what a short request brought', () => {
    const device = new FaultDevice(MemoryDevice.from(below), [
      { operation: 'read', range: { start: 8 * 512, end: 9 * 512 }, action: { kind: 'short', sectors: 1 } },
    ]);
    const bio = readBio(0, [new Uint8Array(2048)]);
    const assembly = new ReadAssembly(bio, device);
    assembly.fromDevice(0, 700);
    assembly.fromDevice(8 * 512 - 112, 1348);
    assembly.submit();
    expect([bio.completion.error, bio.residual]).toEqual([EIO, 2048 - 700 - 112]);
  });

  it('is fine when only bytes that nobody wants are missing', () => {
    /** Fails with the last ten bytes missing. */
    class TenShort extends DeviceWrapper {
      submit(bio: Bio): void {
        bio.end(EIO, 10);
      }
    }
    for (const [size, error] of [
      [502, 0],
      [503, EIO],
    ] as const) {
      const bio = readBio(0, [new Uint8Array(size)]);
      const assembly = new ReadAssembly(bio, new TenShort(MemoryDevice.from(below)));
      assembly.fromDevice(0, size);
      assembly.submit();
      expect([bio.completion.error, bio.residual]).toEqual([error, error === 0 ? 0 : 1]);
    }
  });
});
