import {
  BLOCK_SIZE,
  COMPRESS_ADDRESS,
  decodeInode,
  Feature,
  FileType,
  NEW_ADDRESS,
  ROOT_INO,
} from '@f2fskit/f2fs-format';
import { describe, expect, it } from 'vitest';
import { writeBigFile } from './big-file.ts';
import { readImageBlock } from './image.ts';
import { mapStructures } from './structures.ts';
import { VolumeBuilder } from './volume-builder.ts';

describe('writeBigFile', () => {
  it.each([
    [1, 0],
    [923, 0],
    [924, 1],
    [3000, 2],
    [1_100_000, 2],
    [2_100_000, 3],
  ])('a sparse file of %i blocks needs %i nodes for its last one', (blocks, nodes) => {
    const volume = new VolumeBuilder();
    const address = volume.block();
    const slots = new Uint32Array(blocks);
    slots[0] = address;
    slots[blocks - 1] = address + 1;
    const ino = writeBigFile(volume, { size: blocks * BLOCK_SIZE, slots });
    volume.directory(ROOT_INO, [{ name: 'big', ino, fileType: FileType.regular }]);
    const { inodes, places } = mapStructures(volume.image);
    expect([...inodes.keys()]).toEqual([ROOT_INO, ino]);
    const below = [...(places.get('directNode') ?? []), ...(places.get('indirectNode') ?? [])];
    expect(new Set(below.map(({ block }) => block)).size).toBe(nodes);
  });

  it('a compressed file has its algorithm and its cluster size', () => {
    const volume = new VolumeBuilder({ features: Feature.compression | Feature.extraAttr });
    const slots = [COMPRESS_ADDRESS, volume.block(), NEW_ADDRESS, NEW_ADDRESS];
    const compression = { algorithm: 1, logClusterSize: 2 };
    const ino = writeBigFile(volume, { size: 4 * BLOCK_SIZE, slots, compression });
    volume.directory(ROOT_INO, [{ name: 'big', ino, fileType: FileType.regular }]);
    const place = mapStructures(volume.image).places.get('compressedInode')![0]!;
    const { bytes, view } = readImageBlock(volume.image, place.block);
    const where = { nid: ino, address: place.block };
    expect(decodeInode(bytes, view, volume.superblock, where)).toMatchObject({
      compressed: true,
      compressAlgorithm: 1,
      logClusterSize: 2,
    });
  });
});
