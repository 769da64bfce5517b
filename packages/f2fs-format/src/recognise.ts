// What else an image may be. Asked only after both superblock copies turned out not to be F2FS, to give a person an
// answer instead of a bare refusal. The table is a list of magic numbers; the first match wins, so containers that can
// hold an F2FS volume come before filesystems.

/** A format that is not F2FS, and what to do about it. */
export interface ForeignFormat {
  readonly name: string;
  readonly hint: string;
}

interface Signature extends ForeignFormat {
  readonly offset: number;
  readonly magic: readonly number[];
}

const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));

const container = 'the volume may be inside it: unpack it first';
const filesystem = 'use a tool for that filesystem';

const signatures: readonly Signature[] = [
  {
    name: 'an Android sparse image',
    hint: 'convert it to a raw image (simg2img) or open it as a container',
    offset: 0,
    magic: [0x3a, 0xff, 0x26, 0xed],
  },
  {
    name: 'a disk with a GPT partition table',
    hint: 'name the partition that holds the volume',
    offset: 512,
    magic: ascii('EFI PART'),
  },
  {
    name: 'a disk with a GPT partition table (4096-byte sectors)',
    hint: 'name the partition that holds the volume',
    offset: 4096,
    magic: ascii('EFI PART'),
  },
  { name: 'a gzip file', hint: container, offset: 0, magic: [0x1f, 0x8b] },
  { name: 'an xz file', hint: container, offset: 0, magic: [0xfd, ...ascii('7zXZ'), 0] },
  { name: 'a zstd file', hint: container, offset: 0, magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'an lz4 file', hint: container, offset: 0, magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: 'a zip file', hint: container, offset: 0, magic: [...ascii('PK'), 3, 4] },
  { name: 'an Android boot image', hint: 'it holds a kernel, not a volume', offset: 0, magic: ascii('ANDROID!') },
  { name: 'a payload.bin update', hint: container, offset: 0, magic: ascii('CrAU') },
  {
    name: 'a LUKS encrypted device',
    hint: 'unlock it first and open the plain device',
    offset: 0,
    magic: [...ascii('LUKS'), 0xba, 0xbe],
  },
  {
    name: 'an Android super image (logical partitions)',
    hint: 'take the logical partition out of it first',
    offset: 4096,
    magic: ascii('gDla'),
  },
  { name: 'ext2, ext3 or ext4', hint: filesystem, offset: 1080, magic: [0x53, 0xef] },
  { name: 'EROFS', hint: filesystem, offset: 1024, magic: [0xe2, 0xe1, 0xf5, 0xe0] },
  { name: 'squashfs', hint: filesystem, offset: 0, magic: ascii('hsqs') },
  { name: 'XFS', hint: filesystem, offset: 0, magic: ascii('XFSB') },
  { name: 'btrfs', hint: filesystem, offset: 65_600, magic: ascii('_BHRfS_M') },
  { name: 'NTFS', hint: filesystem, offset: 3, magic: ascii('NTFS    ') },
  { name: 'exFAT', hint: filesystem, offset: 3, magic: ascii('EXFAT   ') },
  { name: 'FAT', hint: filesystem, offset: 82, magic: ascii('FAT32   ') },
  { name: 'FAT', hint: filesystem, offset: 54, magic: ascii('FAT1') },
  { name: 'ISO 9660', hint: filesystem, offset: 32_769, magic: ascii('CD001') },
];

const bootSignature: Signature = {
  name: 'a disk with an MBR partition table',
  hint: 'name the partition that holds the volume',
  offset: 510,
  magic: [0x55, 0xaa],
};

/**
 * Names the format of a volume that is not F2FS. `first` is its first bytes; formats whose magic lies beyond them are
 * not seen. `undefined` when nothing matches.
 */
export function recogniseForeign(first: Uint8Array): ForeignFormat | undefined {
  for (const signature of [...signatures, bootSignature]) {
    const { offset, magic, name, hint } = signature;
    if (magic.every((byte, index) => first[offset + index] === byte)) return { name, hint };
  }
  if (first.length > 0 && first.every((byte) => byte === 0)) {
    return { name: 'empty (all zeros)', hint: 'it was never formatted, or has been discarded' };
  }
  return undefined;
}
