// The reference volume R: 100 MiB, made by mkfs.f2fs 1.15 with fixed uuid and time (options `-r -t 0 -T 1700000000
// -R 0:0 -U 00112233-4455-6677-8899-aabbccddeeff -O extra_attr,inode_checksum,sb_checksum`), rebuilt block by block from
// the list of its non-zero bytes. Its checksums were computed by mkfs, so a wrong byte anywhere in here shows.

import { BLOCK_SIZE, SUPER_OFFSET, SUPER_SIZE } from '../src/index.ts';

type Run = readonly [offset: number, hex: string];

function place(block: Uint8Array, runs: readonly Run[], base = 0): Uint8Array {
  for (const [offset, hex] of runs) block.set(Buffer.from(hex.replaceAll(' ', ''), 'hex'), base + offset);
  return block;
}

const blockOf = (runs: readonly Run[]): Uint8Array => place(new Uint8Array(BLOCK_SIZE), runs);

export const coldExtensions =
  'mp wm og jp avi m4v m4p mkv mov webm wav m4a 3gp opus flac gif png svg webp jar deb iso gz xz zst pdf pyc ttc ttf exe apk cnt exo odex vdex so';
export const hotExtensions = 'db vmdk vdi qcow2';

/** The 3072 bytes of superblock copy 0, with empty version texts. */
export function referenceSuperblock(): Uint8Array {
  const copy = place(new Uint8Array(SUPER_SIZE), [
    [0, '1020f5f2 01000f00 09000000 03000000 0c000000 09000000 01000000 01000000 fc0b0000 0064'],
    [44, '2a000000 31000000 02000000 02000000 02000000 01000000 2a'],
    [72, '00020000 00020000 00060000 000a0000 000e0000 00100000 03000000 01000000 02000000'],
    [108, '00112233445566778899aabbccddeeff'],
    [1148, '24000000'],
    [2180, '2808'],
    [2757, '04'],
    [3068, '89eda167'],
  ]);
  `${coldExtensions} ${hotExtensions}`.split(' ').forEach((extension, index) => {
    copy.set(Buffer.from(extension), 1152 + 8 * index);
  });
  return copy;
}

const checkpoint: readonly Run[] = [
  [8, '0028000000000000 02'],
  [24, '10000000 16000000 24000000'],
  [36, `00000000 01000000 02000000 ${'ffffffff'.repeat(5)}`],
  [68, '0100'],
  [84, `03000000 14000000 09000000 ${'ffffffff'.repeat(5)}`],
  [116, '0100'],
  [132, '85000000 06000000 01000000 01000000 01000000 04000000 40000000 40000000 fc0f0000'],
];

/** The checkpoint block of pack 0, at block 512 and again at 517. */
export const referenceCheckpoint = (): Uint8Array => blockOf([...checkpoint, [0, '67458b6b'], [4092, 'ee5c08a5']]);

/** The checkpoint block of pack 1: version 0. */
export const referenceOldCheckpoint = (): Uint8Array => blockOf([...checkpoint, [4092, 'a2ec66f2']]);

/** Block 513: compact summaries. */
export function referenceSummaries(): Uint8Array {
  const sit = [
    [0, 0x0c01, 0x80],
    [1, 0x1000, 0],
    [2, 0x1400, 0],
    [3, 0x0001, 0x80],
    [20, 0x0400, 0],
    [9, 0x0800, 0],
  ];
  const block = blockOf([
    [0, '0100 03000000 00 03000000 00100000'],
    [507, '0600'],
    [1014, '03000000 00 0000'],
  ]);
  const view = new DataView(block.buffer);
  sit.forEach(([segno, count, map], index) => {
    view.setUint32(509 + 78 * index, segno!, true);
    view.setUint16(513 + 78 * index, count!, true);
    block[515 + 78 * index] = map!;
  });
  return block;
}

/** Block 1023: nat_bits of pack 0. */
export const referenceNatBits = (): Uint8Array =>
  blockOf([
    [0, '67458b6b ee5c08a5'],
    [72, `fe${'ff'.repeat(63)}`],
  ]);

/** Block 2560: NAT block 0. */
export const referenceNat = (): Uint8Array =>
  blockOf([
    [9, '00 01000000 01000000'],
    [18, '00 02000000 01000000'],
    [27, '00 03000000 00100000'],
  ]);

/** Block 4096: the root inode. */
export const referenceRoot = (): Uint8Array =>
  blockOf([
    [0, 'ed410020'],
    [12, '02000000 0010000000000000 02'],
    [32, '00f15365'],
    [40, '00f15365'],
    [48, '00f15365'],
    [72, '01'],
    [360, '0c00'],
    [368, '1e64088e'],
    [372, '00160000'],
    [4072, '03000000 03000000 00000000 01000000 00000000 01100000'],
  ]);

/** Block 5632: the entries of the root directory. */
export const referenceDentries = (): Uint8Array =>
  blockOf([
    [0, '03'],
    [30, '00000000 03000000 0100 02'],
    [41, '00000000 03000000 0200 02'],
    [2384, '2e'],
    [2392, '2e2e'],
  ]);

/** The first bytes of the volume: both superblock copies in place. */
export function referenceHead(): Uint8Array {
  const head = new Uint8Array(2 * BLOCK_SIZE);
  head.set(referenceSuperblock(), SUPER_OFFSET);
  head.set(referenceSuperblock(), BLOCK_SIZE + SUPER_OFFSET);
  return head;
}
