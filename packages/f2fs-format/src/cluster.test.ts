import { decode, viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import {
  ClusterHeader,
  CompressAlgorithm,
  clusterBlocks,
  clusterChecksum,
  compressAlgorithmId,
  compressAlgorithmName,
  compressFlag,
  compressLevels,
  payloadBlocks,
  payloadBytesMax,
} from './index.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('clusters', () => {
  // Checksums that Linux stored (and one that mkfs tools would have): the plain CRC over the compressed data.
  it.each([
    ['LZ4, text', `1f410100 ${'ff'.repeat(64)} 27 50 4141414141`, 0xe1935faa],
    ['LZ4HC level 9', `1f000100 ${'ff'.repeat(128)} 67 50 0000000000`, 0x7722fa4f],
    ['ZSTD level 15', '28b52ffd00304c000008000100fc7f1d0801010000', 0x0528c991],
    ['LZO-RLE', `1101020000000000 ${'1ffcffff'.repeat(15)} 1efcfff60002 ${'00'.repeat(20)} 110000`, 0xf089b6eb],
  ])('%s', (_name, data, checksum) => {
    expect(clusterChecksum(bytes(data))).toBe(checksum);
    const framed = Uint8Array.from([9, 9, ...bytes(data), 9]);
    expect(clusterChecksum(framed, 2, framed.length - 1)).toBe(checksum);
  });

  it('header as it is on disk', () => {
    const block = bytes(`8b000000 4ffa2277 ${'00'.repeat(16)}`);
    expect(decode(ClusterHeader, viewOf(block))).toEqual({
      length: 139,
      checksum: 0x7722fa4f,
      reserved: new Uint8Array(16),
    });
  });

  it('payload blocks hold the data and its header', () => {
    expect([1, 4072, 4073, 8168, 8169].map(payloadBlocks)).toEqual([1, 1, 2, 2, 3]);
    expect([1, 3].map(payloadBytesMax)).toEqual([4072, 12_264]);
    expect([2, 8].map(clusterBlocks)).toEqual([4, 256]);
  });

  it('algorithms have the names of the mount options', () => {
    for (const [id, name] of ['lzo', 'lz4', 'zstd', 'lzo-rle'].entries()) {
      expect(compressAlgorithmName(id)).toBe(name);
      expect(compressAlgorithmId(name)).toBe(id);
    }
    expect(compressAlgorithmName(4)).toBeUndefined();
    expect(compressAlgorithmId('LZ4')).toBeUndefined();
    expect(CompressAlgorithm.lzoRle).toBe(3);
  });

  it('flags as Linux stored them', () => {
    expect([compressFlag(true, 9), compressFlag(false, 1), compressFlag(true, 15), compressFlag(false, 0)]).toEqual([
      0x0901, 0x0100, 0x0f01, 0,
    ]);
    expect([0, 1, 2, 3].map(compressLevels)).toEqual([undefined, { min: 3, max: 16 }, { min: 1, max: 22 }, undefined]);
  });
});
