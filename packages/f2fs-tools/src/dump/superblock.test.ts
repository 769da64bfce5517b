import { MemoryDevice } from '@f2fskit/block';
import { BLOCK_SIZE, RawSuperblock, SUPER_OFFSET } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { kindsOf, rowOf } from '../../test/rows.ts';
import { damaged, goldenVolume } from '../../test/volumes.ts';
import { dumpSuperblock } from './superblock.ts';

const MAGIC = SUPER_OFFSET + RawSuperblock.magic.offset;

describe('dumpSuperblock', () => {
  it('shows every byte of the structure exactly once', () => {
    const { rows } = runSync(dumpSuperblock(goldenVolume('plain')));
    let end = 0;
    for (const { offset, size } of rows) {
      expect(offset).toBe(end);
      end = offset + size;
    }
    expect(end).toBe(RawSuperblock.$size);
  });

  it('shows what is stored and what it means', () => {
    const dump = runSync(dumpSuperblock(goldenVolume('compress-lz4-4')));
    expect(dump).toMatchObject({
      title: 'Superblock, copy 1',
      place: { block: 0, offset: 1024, address: 1024 },
      layout: 'f2fs_super_block',
      problems: [],
    });
    expect(rowOf(dump, 'magic')).toMatchObject({ offset: 0, size: 4, type: 'u32', value: 0xf2f52010, meaning: 'F2FS' });
    expect(rowOf(dump, 'segmentCountMain')).toMatchObject({
      cName: 'segment_count_main',
      value: 18,
      meaning: '36 MiB',
    });
    const features = rowOf(dump, 'features');
    expect(features.value).toBe(0x2968);
    expect(features.meaning).toEqual([
      'extra_attr',
      'inode_checksum',
      'flexible_inline_xattr',
      'inode_crtime',
      'sb_checksum',
      'compression',
    ]);
    expect(rowOf(dump, 'extensions').meaning).toContain('mp');
    expect(rowOf(dump, 'extensions').meaning).toContain('vmdk (hot)');
    expect(rowOf(dump, 'checksum').meaning).toBe('right');
    expect(rowOf(dump, 'checksum').note).toContain('CRC');
  });

  it('takes the copy that is asked for', () => {
    const volume = goldenVolume('plain');
    expect(runSync(dumpSuperblock(volume, 1)).place).toEqual({ block: 1, offset: 1024, address: 5120 });
    expect(runSync(dumpSuperblock(volume, 0)).place.block).toBe(0);
  });

  it('shows a copy that is broken, with the rule that it breaks', () => {
    const device = damaged('plain', { 0: (view) => view.setUint32(MAGIC, 0x12345678, true) });
    const dump = runSync(dumpSuperblock(device, 0));
    expect(kindsOf(dump)).toEqual(['superblockMagic']);
    expect(rowOf(dump, 'magic')).toMatchObject({ value: 0x12345678, meaning: 'not F2FS' });
    expect(rowOf(dump, 'segmentCountMain').value).toBe(18);
  });

  it('shows the second copy of a device whose first one is broken, and the first one where both are', () => {
    const breakMagic = (view: DataView): void => view.setUint32(MAGIC, 0, true);
    expect(runSync(dumpSuperblock(damaged('plain', { 0: breakMagic }))).place.block).toBe(1);
    const both = runSync(dumpSuperblock(damaged('plain', { 0: breakMagic, 1: breakMagic })));
    expect(both.place.block).toBe(0);
    expect(kindsOf(both)).toEqual(['superblockMagic']);
  });

  it('says what a wrong checksum should be', () => {
    const salt = SUPER_OFFSET + RawSuperblock.encryptionPasswordSalt.offset;
    const device = damaged('compress-lz4-4', { 0: (view) => view.setUint8(salt, 1) });
    const dump = runSync(dumpSuperblock(device, 0));
    expect(kindsOf(dump)).toEqual(['superblockChecksum']);
    expect(rowOf(dump, 'checksum').meaning).toMatch(/^wrong, should be 0x[0-9a-f]+$/);
    // Without the feature there is nothing to check.
    expect(rowOf(runSync(dumpSuperblock(goldenVolume('plain'))), 'features').value).toBe(0);
    expect(rowOf(runSync(dumpSuperblock(goldenVolume('plain'))), 'checksum').meaning).toBe('not in use');
  });

  it('names the devices of a volume that has some', () => {
    const at = SUPER_OFFSET + RawSuperblock.devices.offset;
    const device = damaged('plain', {
      0: (view) => {
        view.setUint8(at, 0x61);
        view.setUint32(at + 64, 31, true);
      },
    });
    const dump = runSync(dumpSuperblock(device, 0));
    expect(rowOf(dump, 'devices[0].path')).toMatchObject({ cName: 'devs[0].path', meaning: '"a"', offset: 2201 });
    expect(rowOf(dump, 'devices[0].segmentCount')).toMatchObject({ value: 31, meaning: '62 MiB', offset: 2265 });
  });

  it('fails only where the copy cannot be read', () => {
    const oneBlock = new MemoryDevice(BLOCK_SIZE);
    expect(kindsOf(runSync(dumpSuperblock(oneBlock)))).toEqual(['superblockMagic']);
    expect(() => runSync(dumpSuperblock(oneBlock, 1))).toThrow(expect.objectContaining({ code: 'EIO' }));
  });
});
