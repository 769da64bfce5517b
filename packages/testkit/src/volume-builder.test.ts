import {
  BLOCK_SIZE,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  decodeInode,
  decodePack,
  decodeSuperblock,
  dentryEntryOffset,
  dentryHash,
  FileType,
  ROOT_INO,
  SUPER_OFFSET,
  testLsb,
} from '@f2fskit/f2fs-format';
import { describe, expect, it } from 'vitest';
import { adversaries, INNOCENT_CONTENT } from './adversaries.ts';
import { readImageBlock } from './image.ts';
import { NatTable } from './nat-table.ts';
import { mapStructures } from './structures.ts';
import { putEntries, VolumeBuilder } from './volume-builder.ts';

describe('a volume built by hand', () => {
  it('has a sound superblock in both copies and one sound pack without problems', () => {
    const { image, superblock } = new VolumeBuilder({ mainSegments: 10 });
    for (const block of [0, 1]) {
      const copy = readImageBlock(image, block).bytes.subarray(SUPER_OFFSET);
      expect(decodeSuperblock(copy, block)).toEqual(superblock);
    }
    expect(image.size).toBe(superblock.blockCount * BLOCK_SIZE);
    const address = superblock.checkpointAddress;
    const [first, last] = [readImageBlock(image, address), readImageBlock(image, address + 5)];
    expect(decodePack(first.bytes, last.bytes, superblock, address).problems).toEqual([]);
  });

  it('finds its nodes through the NAT, as inodes that decode', () => {
    const volume = new VolumeBuilder();
    const ino = volume.file(volume.nid(), 'hello');
    volume.directory(ROOT_INO, [{ name: 'file', ino, fileType: FileType.regular }]);
    const map = mapStructures(volume.image);
    expect([...map.inodes.keys()]).toEqual([ROOT_INO, ino]);
    const address = new NatTable(volume.image, map.frame).addressOf(ino);
    const { bytes, view } = readImageBlock(volume.image, address);
    const fields = decodeInode(bytes, view, volume.superblock, { nid: ino, address });
    const { offset } = fields.inlineArea;
    expect(Buffer.from(bytes.subarray(offset, offset + fields.size)).toString()).toBe('hello');
  });

  it('puts long names over several slots, and empty ones in one', () => {
    const area = new Uint8Array(BLOCK_SIZE);
    putEntries(area, DENTRY_BLOCK_LAYOUT, [
      { name: 'x'.repeat(20), ino: 5, fileType: FileType.regular },
      { name: '', ino: 6, fileType: FileType.regular },
    ]);
    expect([0, 1, 2, 3, 4].map((slot) => testLsb(area, slot))).toEqual([true, true, true, true, false]);
    const view = new DataView(area.buffer);
    const at = dentryEntryOffset(DENTRY_BLOCK_LAYOUT, 0);
    expect(Dentry.hash.get(view, at)).toBe(dentryHash(Buffer.from('x'.repeat(20))));
    expect(Dentry.ino.get(view, dentryEntryOffset(DENTRY_BLOCK_LAYOUT, 3))).toBe(6);
  });

  it('makes adversaries that share nothing but their innocent file', () => {
    const names = new Set(adversaries.map(({ name }) => name));
    expect(names.size).toBe(adversaries.length);
    for (const { build } of adversaries) {
      const image = build();
      const content = image.toBytes((4096 + 6 * 512) * BLOCK_SIZE, BLOCK_SIZE);
      expect(Buffer.from(content).includes(INNOCENT_CONTENT)).toBe(true);
    }
  });
});
