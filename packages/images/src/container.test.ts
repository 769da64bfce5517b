import { FaultDevice, StatisticsDevice } from '@f2fskit/block';
import { ENODEV } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { caught, deviceOver } from '../test/devices.ts';
import { format, volume } from '../test/volume.ts';
import { buildGptDisk, buildMbrDisk, buildSparse } from './builders/index.ts';
import { recogniseContainer } from './container.ts';
import { containerSignatures, filesystemSignatures } from './foreign-formats.ts';
import { openContainer } from './index.ts';

const recognise = (bytes: Uint8Array) => runSync(recogniseContainer(deviceOver(bytes), format));

/** 80 KiB with `magic` at `offset`. */
function image(offset: number, magic: readonly number[] | string): Uint8Array {
  const bytes = new Uint8Array(80 * 1024);
  bytes.set(typeof magic === 'string' ? Buffer.from(magic, 'latin1') : magic, offset);
  return bytes;
}

const disk = buildGptDisk([{ content: volume(1) }]);

describe('recognising', () => {
  it.each<[string, Uint8Array]>([
    ['volume', volume(1)],
    ['androidSparse', buildSparse([{ kind: 'hole', blocks: 1 }])],
    ['gpt', disk],
    ['gpt', buildGptDisk([{ content: volume(1) }], { sectorSize: 4096 })],
    ['gpt', disk.slice().fill(0, 512, 1024)],
    ['gpt', disk.slice().fill(0, 0, 1024)],
    ['mbr', buildMbrDisk([{ content: volume(1) }])],
    ['super', image(4096, 'gDla')],
    ['super', image(8192, 'gDla')],
    ['empty', new Uint8Array(80 * 1024)],
    ['unknown', new Uint8Array(80 * 1024).fill(0x11)],
    ['unknown', new Uint8Array(0)],
    ['unknown', Uint8Array.of(0x3a, 0xff)],
  ])('%s', (kind, bytes) => {
    expect(recognise(bytes).kind).toBe(kind);
  });

  it('the second copy of the superblock is enough, and so is one that can be read', () => {
    expect(recognise(volume(1).fill(0, 1024, 1028)).kind).toBe('volume');
    const bad = new FaultDevice(deviceOver(volume(1)), [{ range: { start: 0, end: 4096 }, action: { kind: 'fail' } }]);
    expect(runSync(recogniseContainer(bad, format)).kind).toBe('volume');
  });

  it('a volume wins over what an older use left in its boot sector, and over nothing else', () => {
    const old = volume(1);
    old.set(buildMbrDisk([{ content: new Uint8Array(512) }]).subarray(0, 512));
    expect(recognise(old).kind).toBe('volume');
    expect(runSync(recogniseContainer(deviceOver(old))).kind).toBe('mbr');
  });

  it('a partition table wins over a filesystem that was on the disk before', () => {
    const old = image(1080, [0x53, 0xef]);
    old.set(buildMbrDisk([{ content: new Uint8Array(512) }]).subarray(0, 512));
    expect(recognise(old).kind).toBe('mbr');
  });

  it('takes what can be read of a start with bad blocks; the first block must be readable', () => {
    const swap = deviceOver(image(4086, 'SWAPSPACE2'));
    const rule = (start: number) => [{ range: { start, end: start + 1 }, action: { kind: 'fail' as const } }];
    expect(runSync(recogniseContainer(new FaultDevice(swap, rule(40_000)), format))).toMatchObject({
      kind: 'foreign',
      format: { name: 'swap space' },
    });
    expect(caught(() => runSync(recogniseContainer(new FaultDevice(swap, rule(0)), format))).code).toBe('EIO');
    const gone = new FaultDevice(swap, [{ action: { kind: 'fail', error: ENODEV } }]);
    expect(caught(() => runSync(recogniseContainer(gone, format))).code).toBe('ENODEV');
  });

  it('reads little: a volume two sectors, anything else 68 KiB and three more', () => {
    const known = new StatisticsDevice(deviceOver(volume(1)));
    runSync(recogniseContainer(known, format));
    expect(known.snapshot().read).toMatchObject({ bios: 1, bytes: 512 });
    const unknown = new StatisticsDevice(deviceOver(new Uint8Array(1 << 20).fill(9)));
    runSync(recogniseContainer(unknown, format));
    expect(unknown.snapshot().read).toMatchObject({ bios: 5, bytes: 68 * 1024 + 4 * 512 });
  });

  it('any bytes give an answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), (bytes) => {
        expect(recognise(bytes).kind).toMatch(/^\w+$/);
      }),
    );
  });
});

describe('what is refused', () => {
  const refuse = (bytes: Uint8Array) => caught(() => runSync(openContainer(deviceOver(bytes), { format })));

  // The words are part of what is promised: the name of the thing, and the command or the deed that helps.
  it.each<[bytes: Uint8Array, code: string, name: string, step: string]>([
    [image(0, [0x1f, 0x8b, 8]), 'EOPNOTSUPP', 'a gzip file', 'unpack it first: gunzip --keep IMAGE'],
    [image(0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), 'EOPNOTSUPP', 'an xz file', 'unpack it first: xz --decompress'],
    [image(0, [0x28, 0xb5, 0x2f, 0xfd]), 'EOPNOTSUPP', 'a zstd file', 'unpack it first: zstd --decompress'],
    [image(0, [0x04, 0x22, 0x4d, 0x18]), 'EOPNOTSUPP', 'an lz4 file', 'unpack it first: lz4 -d'],
    [image(0, [0x02, 0x21, 0x4c, 0x18]), 'EOPNOTSUPP', 'an lz4 file (old form)', 'unpack it first: lz4 -d'],
    [image(0, 'BZh9'), 'EOPNOTSUPP', 'a bzip2 file', 'unpack it first: bunzip2'],
    [image(0, '\x89LZO\0'), 'EOPNOTSUPP', 'an lzop file', 'unpack it first: lzop'],
    [image(0, 'PK\x03\x04'), 'EOPNOTSUPP', 'a zip file', 'unpack it first: unzip IMAGE'],
    [image(0, '7z\xbc\xaf\x27\x1c'), 'EOPNOTSUPP', 'a 7z file', 'unpack it first: 7z x'],
    [image(0, 'Rar!\x1a\x07'), 'EOPNOTSUPP', 'a rar file', 'unpack it first: unrar x'],
    [image(257, 'ustar'), 'EOPNOTSUPP', 'a tar file', 'unpack it first: tar -xf IMAGE'],
    [image(0, '070701'), 'EOPNOTSUPP', 'a cpio archive', 'unpack it first: cpio'],
    [image(0, 'CrAU'), 'EOPNOTSUPP', 'an Android update (payload.bin)', 'unpack it first: payload-dumper-go'],
    [image(0, 'QFI\xfb'), 'EOPNOTSUPP', 'a qcow2 disk', 'qemu-img convert -f qcow2 -O raw IMAGE RAW'],
    [image(0, 'conectix'), 'EOPNOTSUPP', 'a VHD disk', 'qemu-img convert -f vpc'],
    [image(0, 'vhdxfile'), 'EOPNOTSUPP', 'a VHDX disk', 'qemu-img convert -f vhdx'],
    [image(0, 'KDMV'), 'EOPNOTSUPP', 'a VMDK disk', 'qemu-img convert -f vmdk'],
    [image(64, '\x7f\x10\xda\xbe'), 'EOPNOTSUPP', 'a VirtualBox disk', 'qemu-img convert -f vdi'],
    [image(0, 'EVF\x09\x0d\x0a\xff\0'), 'EOPNOTSUPP', 'an EnCase image', 'ewfexport -f raw IMAGE'],
    [image(0, 'LUKS\xba\xbe'), 'EOPNOTSUPP', 'a LUKS encrypted device', 'unlock it first'],
    [image(3, '-FVE-FS-'), 'EOPNOTSUPP', 'a BitLocker device', 'unlock it first'],
    [image(4096, 'gDla'), 'EOPNOTSUPP', 'an Android super image (logical partitions)', 'lpunpack IMAGE DIRECTORY'],
    [image(512, 'LABELONE'), 'EOPNOTSUPP', 'an LVM physical volume', 'vgchange -ay'],
    [image(0, 'ANDROID!'), 'EINVAL', 'an Android boot image', 'look for userdata'],
    [image(0, 'VNDRBOOT'), 'EINVAL', 'an Android vendor_boot image', 'look for userdata'],
    [image(0, 'AVB0'), 'EINVAL', 'an Android vbmeta image', 'look for userdata'],
    [image(0, [0xd7, 0xb7, 0xab, 0x1e]), 'EINVAL', 'an Android dtbo image', 'look for userdata'],
    [image(3, 'NTFS    '), 'EINVAL', 'NTFS', 'use a tool for that filesystem'],
    [image(3, 'EXFAT   '), 'EINVAL', 'exFAT', 'use a tool for that filesystem'],
    [image(82, 'FAT32   '), 'EINVAL', 'FAT', 'use a tool for that filesystem'],
    [image(54, 'FAT16   '), 'EINVAL', 'FAT', 'use a tool for that filesystem'],
    [image(1080, [0x53, 0xef]), 'EINVAL', 'ext2, ext3 or ext4', 'use a tool for that filesystem'],
    [image(1024, [0xe2, 0xe1, 0xf5, 0xe0]), 'EINVAL', 'EROFS', 'use a tool for that filesystem'],
    [image(0, 'hsqs'), 'EINVAL', 'squashfs', 'use a tool for that filesystem'],
    [image(0, 'XFSB'), 'EINVAL', 'XFS', 'use a tool for that filesystem'],
    [image(0, 'UBI#'), 'EINVAL', 'UBI', 'use a tool for that filesystem'],
    [image(1024, 'H+\0\x04'), 'EINVAL', 'HFS+', 'use a tool for that filesystem'],
    [image(32, 'NXSB'), 'EINVAL', 'APFS', 'use a tool for that filesystem'],
    [image(4086, 'SWAPSPACE2'), 'EINVAL', 'swap space', 'use a tool for that filesystem'],
    [image(32_769, 'CD001'), 'EINVAL', 'ISO 9660', 'use a tool for that filesystem'],
    [image(65_600, '_BHRfS_M'), 'EINVAL', 'btrfs', 'use a tool for that filesystem'],
  ])('%#: %s %s %s', (bytes, code, name, step) => {
    const error = refuse(bytes);
    expect(error.code).toBe(code);
    expect(error.message).toContain(`disk.img is ${name}, not F2FS; `);
    expect(error.message).toContain(step);
  });

  it('the list above leaves out no signature', () => {
    const names = new Set([...containerSignatures, ...filesystemSignatures].map(({ name }) => name));
    expect(names.size).toBe(39);
  });
});
