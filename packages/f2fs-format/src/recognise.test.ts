import { describe, expect, it } from 'vitest';
import { referenceHead } from '../test/reference-volume.ts';
import { recogniseForeign } from './index.ts';

function image(offset: number, magic: string | readonly number[], size = 70_000): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(typeof magic === 'string' ? Buffer.from(magic, 'latin1') : magic, offset);
  return bytes;
}

describe('recogniseForeign', () => {
  it.each([
    ['ext2, ext3 or ext4', 1080, [0x53, 0xef]],
    ['EROFS', 1024, [0xe2, 0xe1, 0xf5, 0xe0]],
    ['squashfs', 0, 'hsqs'],
    ['XFS', 0, 'XFSB'],
    ['btrfs', 65_600, '_BHRfS_M'],
    ['an Android sparse image', 0, [0x3a, 0xff, 0x26, 0xed]],
    ['a disk with a GPT partition table', 512, 'EFI PART'],
    ['a gzip file', 0, [0x1f, 0x8b]],
    ['a zip file', 0, 'PK\x03\x04'],
    ['NTFS', 3, 'NTFS    '],
    ['FAT', 82, 'FAT32   '],
    ['FAT', 54, 'FAT16   '],
    ['a LUKS encrypted device', 0, 'LUKS\xba\xbe'],
    ['a disk with an MBR partition table', 510, [0x55, 0xaa]],
    ['ISO 9660', 32_769, 'CD001'],
  ])('%s', (name, offset, magic) => {
    const found = recogniseForeign(image(offset, magic));
    expect(found?.name).toBe(name);
    expect(found?.hint.length).toBeGreaterThan(10);
  });

  it('sees a container before the filesystem signature inside its bytes', () => {
    const both = image(512, 'EFI PART');
    both.set([0x55, 0xaa], 510);
    both.set([0x53, 0xef], 1080);
    expect(recogniseForeign(both)?.name).toBe('a disk with a GPT partition table');
  });

  it('names an empty image and stays silent about noise, short input and F2FS itself', () => {
    expect(recogniseForeign(new Uint8Array(8192))?.name).toBe('empty (all zeros)');
    expect(recogniseForeign(new Uint8Array(8192).fill(0x11))).toBeUndefined();
    expect(recogniseForeign(new Uint8Array(0))).toBeUndefined();
    expect(recogniseForeign(image(1080, [0x53, 0xef]).subarray(0, 1081))).toBeUndefined();
    expect(recogniseForeign(referenceHead())).toBeUndefined();
  });
});
