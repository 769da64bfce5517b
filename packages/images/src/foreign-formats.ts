// What else a file may be: magic numbers, names, and what a person can do next. Formats that may have a volume inside come
// first; the first match wins.

import { EINVAL, EOPNOTSUPP } from '@f2fskit/errno';

/** A format that is recognised and not read here. */
export interface ForeignFormat {
  /** `a gzip file`, `ext2, ext3 or ext4`. */
  readonly name: string;
  /** What to do about it, as a clause. `IMAGE` in a command stands for the file. */
  readonly nextStep: string;
  /** EOPNOTSUPP for what may hold a volume, EINVAL for what is something else. */
  readonly errno: number;
}

interface Signature extends ForeignFormat {
  readonly offset: number;
  readonly magic: readonly number[];
}

const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));

/** A format that may hold a volume. */
function holder(name: string, nextStep: string, offset: number, magic: readonly number[]): Signature {
  return { name, nextStep, offset, magic, errno: EOPNOTSUPP };
}

/** Something else. */
function other(name: string, nextStep: string, offset: number, magic: readonly number[]): Signature {
  return { name, nextStep, offset, magic, errno: EINVAL };
}

const unpack = (command: string): string => `unpack it first: ${command}`;
const toRaw = (format: string): string =>
  `make a raw image of it first: qemu-img convert -f ${format} -O raw IMAGE RAW`;
const noVolume = 'it holds no volume: look for userdata, system, vendor or product beside it';
const otherFilesystem = 'use a tool for that filesystem';

export const SUPER_IMAGE: ForeignFormat = {
  name: 'an Android super image (logical partitions)',
  nextStep: 'take the partitions out of it first: lpunpack IMAGE DIRECTORY',
  errno: EOPNOTSUPP,
};

/** LP_METADATA_GEOMETRY_MAGIC, 0x616c4467, in both places where Android keeps it. */
export const superSignatures: readonly Signature[] = [4096, 8192].map((offset) => ({
  ...SUPER_IMAGE,
  offset,
  magic: ascii('gDla'),
}));

/** Looked for before partition tables: their magic is in the boot sector, or they are containers themselves. */
export const containerSignatures: readonly Signature[] = [
  holder('a gzip file', unpack('gunzip --keep IMAGE'), 0, [0x1f, 0x8b, 8]),
  holder('an xz file', unpack('xz --decompress --keep IMAGE'), 0, [0xfd, ...ascii('7zXZ'), 0]),
  holder('a zstd file', unpack('zstd --decompress IMAGE'), 0, [0x28, 0xb5, 0x2f, 0xfd]),
  holder('an lz4 file', unpack('lz4 -d IMAGE RAW'), 0, [0x04, 0x22, 0x4d, 0x18]),
  holder('an lz4 file (old form)', unpack('lz4 -d IMAGE RAW'), 0, [0x02, 0x21, 0x4c, 0x18]),
  holder('a bzip2 file', unpack('bunzip2 --keep IMAGE'), 0, ascii('BZh')),
  holder('an lzop file', unpack('lzop --decompress IMAGE'), 0, [0x89, ...ascii('LZO'), 0]),
  holder('a zip file', unpack('unzip IMAGE'), 0, [...ascii('PK'), 3, 4]),
  holder('a 7z file', unpack('7z x IMAGE'), 0, [...ascii('7z'), 0xbc, 0xaf, 0x27, 0x1c]),
  holder('a rar file', unpack('unrar x IMAGE'), 0, [...ascii('Rar!'), 0x1a, 0x07]),
  holder('a tar file', unpack('tar -xf IMAGE'), 257, ascii('ustar')),
  holder('a cpio archive', unpack('cpio -id < IMAGE'), 0, ascii('07070')),
  holder('an Android update (payload.bin)', unpack('payload-dumper-go IMAGE'), 0, ascii('CrAU')),
  holder('a qcow2 disk', toRaw('qcow2'), 0, [...ascii('QFI'), 0xfb]),
  holder('a VHD disk', toRaw('vpc'), 0, ascii('conectix')),
  holder('a VHDX disk', toRaw('vhdx'), 0, ascii('vhdxfile')),
  holder('a VMDK disk', toRaw('vmdk'), 0, ascii('KDMV')),
  holder('a VirtualBox disk', toRaw('vdi'), 64, [0x7f, 0x10, 0xda, 0xbe]),
  holder('an EnCase image', 'export it as a raw image first: ewfexport -f raw IMAGE', 0, [
    ...ascii('EVF'),
    9,
    13,
    10,
    0xff,
    0,
  ]),
  holder('a LUKS encrypted device', 'unlock it first and open the plain device: cryptsetup open IMAGE NAME', 0, [
    ...ascii('LUKS'),
    0xba,
    0xbe,
  ]),
  holder('a BitLocker device', 'unlock it first and open the plain device: dislocker IMAGE', 3, ascii('-FVE-FS-')),
  other('an Android boot image', noVolume, 0, ascii('ANDROID!')),
  other('an Android vendor_boot image', noVolume, 0, ascii('VNDRBOOT')),
  other('an Android vbmeta image', noVolume, 0, ascii('AVB0')),
  other('an Android dtbo image', noVolume, 0, [0xd7, 0xb7, 0xab, 0x1e]),
  // Boot sectors, which end like an MBR.
  other('NTFS', otherFilesystem, 3, ascii('NTFS    ')),
  other('exFAT', otherFilesystem, 3, ascii('EXFAT   ')),
  other('FAT', otherFilesystem, 82, ascii('FAT32   ')),
  other('FAT', otherFilesystem, 54, ascii('FAT1')),
];

/** Looked for after partition tables: what is left of an older use of the disk must not hide them. */
export const filesystemSignatures: readonly Signature[] = [
  holder('an LVM physical volume', 'activate it and open the logical volume: vgchange -ay', 512, ascii('LABELONE')),
  other('ext2, ext3 or ext4', otherFilesystem, 1080, [0x53, 0xef]),
  other('EROFS', otherFilesystem, 1024, [0xe2, 0xe1, 0xf5, 0xe0]),
  other('squashfs', otherFilesystem, 0, ascii('hsqs')),
  other('XFS', otherFilesystem, 0, ascii('XFSB')),
  other('UBI', otherFilesystem, 0, ascii('UBI#')),
  other('HFS+', otherFilesystem, 1024, [...ascii('H+'), 0, 4]),
  other('APFS', otherFilesystem, 32, ascii('NXSB')),
  other('swap space', otherFilesystem, 4086, ascii('SWAPSPACE2')),
  other('ISO 9660', otherFilesystem, 32_769, ascii('CD001')),
  other('btrfs', otherFilesystem, 65_600, ascii('_BHRfS_M')),
];

/** The first of the formats whose magic is in `head`, the first bytes of a device. */
export function matchSignature(signatures: readonly Signature[], head: Uint8Array): ForeignFormat | undefined {
  return signatures.find(({ offset, magic }) => magic.every((byte, index) => head[offset + index] === byte));
}
