import { crc32 } from 'node:zlib';
import { StatisticsDevice } from '@f2fskit/block';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { caught, deviceOver } from '../test/devices.ts';
import { buildSparse, type SparsePiece, unpackPieces } from './builders/index.ts';
import { verifyAndroidSparse } from './index.ts';

const stored = Uint8Array.from({ length: 3 * 4096 }, (_, index) => (index * 13) ^ (index >> 5));
const pieces: SparsePiece[] = [
  { kind: 'raw', bytes: stored },
  { kind: 'checksum' },
  { kind: 'fill', word: 0xdeadbeef, blocks: 2 },
  { kind: 'hole', blocks: 5 },
  { kind: 'checksum' },
];

describe('the checksums of an image', () => {
  it('are those of the raw image, in chunks and in the header', () => {
    const device = deviceOver(buildSparse(pieces, { checksum: true }));
    expect(runSync(verifyAndroidSparse(device))).toEqual({ checksums: 3, crc32: crc32(unpackPieces(pieces)) });
  });

  it('are not there, mostly', () => {
    const device = deviceOver(buildSparse(pieces.filter(({ kind }) => kind !== 'checksum')));
    expect(runSync(verifyAndroidSparse(device)).checksums).toBe(0);
  });

  it('find any bit that changed in what is stored, and say where the checksum is', () => {
    const dataEnd = 40 + stored.length;
    fc.assert(
      fc.property(fc.integer({ min: 40, max: dataEnd - 1 }), fc.nat(7), (at, bit) => {
        const bytes = buildSparse(pieces);
        bytes[at]! ^= 1 << bit;
        const error = caught(() => runSync(verifyAndroidSparse(deviceOver(bytes))));
        expect(error).toMatchObject({ kind: 'sparseChecksum', where: { offset: dataEnd + 12 } });
        expect(error.message).toContain('copy it again');
      }),
      { numRuns: 40 },
    );
  });

  it('of terabytes that one word fills are computed without them', () => {
    const run = (word: number): SparsePiece[] => [
      { kind: 'fill', word, blocks: 2 ** 31 },
      { kind: 'hole', blocks: 2 ** 30 },
      { kind: 'checksum', value: 0 },
    ];
    const device = new StatisticsDevice(deviceOver(buildSparse(run(1))));
    const error = caught(() => runSync(verifyAndroidSparse(device)));
    expect(error).toMatchObject({ kind: 'sparseChecksum', expected: 0 });
    expect(device.snapshot().read.bios).toBeLessThan(4);
  });
});
