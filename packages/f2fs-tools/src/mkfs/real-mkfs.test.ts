// The volumes of mkfs.f2fs 1.15 and ours, block by block: nothing is masked. What mkfs.f2fs takes from the world (uuid,
// time, checkpoint version, version text) is given to it where it has an option, read back from its image where not, and
// injected into ours. Both start from zeros, so a block that only one of them wrote is a difference too.
//
//   F2FSKIT_FULL=1   larger volumes, and ten times as many random ones

import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Bio, DeviceWrapper, MemoryDevice } from '@f2fskit/block';
import { BLOCK_SIZE, RawSuperblock, SUPER_OFFSET, SUPER_SIZE, untilNul } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { fixedClock, runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FormatOptions, formatGeometry, formatVolume } from './index.ts';

const MIB = 1 << 20;
const GIB = 1 << 30;
const full = process.env['F2FSKIT_FULL'] === '1';
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C' };
const TIMEOUT_MS = 60_000;
const FULL_TIMEOUT_MS = full ? 600_000 : TIMEOUT_MS;

/** True where mkfs.f2fs and fsck.f2fs are there and of the version whose bytes we make. */
function toolsInstalled(): boolean {
  return ['mkfs.f2fs', 'fsck.f2fs'].every((tool) => {
    const { stdout, error } = spawnSync(tool, ['-V'], { env, encoding: 'utf8' });
    return error === undefined && stdout.includes(' 1.15.');
  });
}

/** What mkfs.f2fs is told on the command line, and we as options. */
const injected = {
  uuid: '00112233-4455-6677-8899-aabbccddeeff',
  seconds: 1_700_000_000,
  checkpointVersion: 0x6b8b4567,
};
const fixedArguments = ['-q', '-f', '-r', '-T', `${injected.seconds}`, '-U', injected.uuid, '-R', '0:0'];

interface Case {
  readonly size: number;
  readonly args: readonly string[];
  readonly options: FormatOptions;
}

let folder = '';
let image = '';

/** Runs mkfs.f2fs on a fresh sparse file. False when it refuses, whatever way it does that. */
function runMkfs({ size, args }: Pick<Case, 'size' | 'args'>): boolean {
  rmSync(image, { force: true });
  writeFileSync(image, '');
  truncateSync(image, size);
  // Core dumps go to the current directory: it divides by zero on some volumes that are too small.
  const { status, error } = spawnSync('mkfs.f2fs', [...fixedArguments, ...args, image], {
    env,
    cwd: folder,
    timeout: TIMEOUT_MS,
  });
  if (error !== undefined) throw error;
  return status === 0;
}

type Blocks = Map<number, Uint8Array>;

function addBlocks(blocks: Blocks, offset: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
    const block = bytes.subarray(at, at + BLOCK_SIZE);
    if (!isZero(block)) blocks.set((offset + at) / BLOCK_SIZE, block);
  }
}

const zeroBlock = Buffer.alloc(BLOCK_SIZE);
const isZero = (bytes: Uint8Array): boolean => zeroBlock.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;

/**
 * The blocks of the image file that are not zero. Node cannot ask for the holes of a file; GNU tar can, and says where
 * the data is: its sparse format 1.0 has a list of offsets and sizes, padded to 512 bytes, before the data.
 */
function imageBlocks(): Blocks {
  const tar = execFileSync('tar', ['-c', '--format=posix', '--sparse', '-f', '-', '-C', folder, path.basename(image)], {
    env,
    maxBuffer: 2 ** 31,
  });
  let at = 0;
  // An extended header for the file, then its own: type x, then 0.
  while (tar[at + 156] === 0x78) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    at += 512 + 512 * Math.ceil(size / 512);
  }
  at += 512;
  const mapStart = at;
  const nextNumber = (): number => {
    const end = tar.indexOf(0x0a, at);
    const value = Number(tar.toString('latin1', at, end));
    at = end + 1;
    return value;
  };
  const ranges = Array.from({ length: nextNumber() }, () => ({ offset: nextNumber(), size: nextNumber() }));
  at = mapStart + 512 * Math.ceil((at - mapStart) / 512);
  const blocks: Blocks = new Map();
  for (const { offset, size } of ranges) {
    if (size > 0 && offset % BLOCK_SIZE !== 0) throw new Error(`a range of the image starts at ${offset}`);
    addBlocks(blocks, offset, tar.subarray(at, at + size));
    at += size;
  }
  return blocks;
}

/** Remembers which blocks were ever written. */
class Recorder extends DeviceWrapper {
  readonly written = new Set<number>();
  submit(bio: Bio): void {
    if (bio.operation === 'write') {
      for (let at = bio.offset; at < bio.endOffset; at += BLOCK_SIZE) this.written.add(at / BLOCK_SIZE);
    }
    this.device.submit(bio);
  }
}

/** Our volume: the blocks that are not zero. */
function ourBlocks(size: number, options: FormatOptions): Blocks {
  const memory = new MemoryDevice(size - (size % 512));
  const device = new Recorder(memory);
  runSync(formatVolume(device, options));
  const blocks: Blocks = new Map();
  for (const block of device.written)
    addBlocks(blocks, block * BLOCK_SIZE, memory.toBytes(block * BLOCK_SIZE, BLOCK_SIZE));
  return blocks;
}

/** The text that mkfs.f2fs took from the running kernel. */
function versionOf(blocks: Blocks): string {
  const view = viewOf(blocks.get(0)!.subarray(SUPER_OFFSET, SUPER_OFFSET + SUPER_SIZE));
  return Buffer.from(untilNul(RawSuperblock.version.get(view, 0))).toString('utf8');
}

/** The first difference as text, or nothing. */
function difference(theirs: Blocks, ours: Blocks): string | undefined {
  for (const address of [...new Set([...theirs.keys(), ...ours.keys()])].sort((a, b) => a - b)) {
    const expected = theirs.get(address) ?? zeroBlock;
    const found = ours.get(address) ?? zeroBlock;
    const offset = expected.findIndex((byte, index) => byte !== found[index]);
    if (offset < 0) continue;
    const hex = (bytes: Uint8Array) => Buffer.from(bytes.subarray(offset, offset + 16)).toString('hex');
    return `block ${address}, byte ${offset}: expected ${hex(expected)}, found ${hex(found)}`;
  }
  return undefined;
}

/** Both volumes; `undefined` where mkfs.f2fs refuses. */
function bothVolumes({ size, args, options }: Case): { theirs: Blocks; ours: Blocks } | undefined {
  if (!runMkfs({ size, args })) return undefined;
  const theirs = imageBlocks();
  const { uuid, seconds, checkpointVersion } = injected;
  const given = { uuid, checkpointVersion, clock: fixedClock(seconds, 5), version: versionOf(theirs) };
  return { theirs, ours: ourBlocks(size, { ...options, ...given }) };
}

/** Makes both volumes and compares. `undefined`: both refuse, or both are equal. */
function compare(each: Case): string | undefined {
  const label = `${each.size} ${each.args.join(' ')}`;
  const volumes = bothVolumes(each);
  if (volumes === undefined) {
    try {
      ourBlocks(each.size, each.options);
    } catch (error) {
      if ((error as { code?: string }).code === 'EINVAL') return undefined;
      throw error;
    }
    return `${label}: mkfs.f2fs refuses, we do not`;
  }
  const found = difference(volumes.theirs, volumes.ours);
  return found === undefined ? undefined : `${label}: ${found}`;
}

/** The -O, -g and -C of features, and how we are told. */
function withFeatures(size: number, names: string, more: { android?: true; encoding?: string } = {}): Case {
  const args = names === '' ? [] : ['-O', names];
  if (more.android) args.push('-g', 'android');
  if (more.encoding !== undefined) args.push('-C', more.encoding);
  return { size, args, options: { features: names === '' ? [] : names.split(','), ...more } };
}

const everything = [
  ...['extra_attr', 'inode_checksum', 'inode_crtime', 'sb_checksum', 'lost_found', 'quota', 'project_quota'],
  ...['flexible_inline_xattr', 'compression', 'encrypt', 'verity'],
];

const featureCases: Case[] = [
  ...['encrypt', 'extra_attr', 'quota', 'lost_found', 'verity', 'sb_checksum', 'casefold', 'ro'],
  ...['project_quota', 'inode_checksum', 'flexible_inline_xattr', 'inode_crtime', 'compression'].flatMap((name) => [
    name,
    `extra_attr,${name}`,
    `${name},extra_attr,lost_found`,
  ]),
  'extra_attr,project_quota,quota',
  'project_quota,extra_attr,quota,lost_found',
  'quota,lost_found',
  'ro,lost_found',
  'ro,extra_attr,quota,project_quota,inode_checksum,lost_found',
  'ro,extra_attr,compression,sb_checksum',
  'atomic_write',
  'blkzoned',
  'device_alias',
  'packed_ssa',
  everything.join(','),
].map((names) => withFeatures(100 * MIB, names));

const otherCases: Case[] = [
  withFeatures(168 * MIB, '', { android: true }),
  withFeatures(168 * MIB, 'ro', { android: true }),
  withFeatures(168 * MIB, 'ro,quota', { android: true }),
  withFeatures(168 * MIB, 'ro,project_quota', { android: true }),
  withFeatures(168 * MIB, 'ro,project_quota,extra_attr,lost_found', { android: true, encoding: 'utf8' }),
  withFeatures(168 * MIB, '', { android: true, encoding: 'utf8' }),
  withFeatures(168 * MIB, 'inode_checksum,sb_checksum,compression,lost_found', {
    android: true,
    encoding: 'utf8:strict',
  }),
  withFeatures(168 * MIB, 'inode_checksum', { encoding: 'utf8' }),
  withFeatures(168 * MIB, '', { encoding: 'utf8' }),
  withFeatures(168 * MIB, '', { encoding: 'latin1' }),
  { size: 168 * MIB, args: ['-s', '2', '-z', '2'], options: { segmentsPerSection: 2, sectionsPerZone: 2 } },
  { size: 169 * MIB + 4096, args: ['-s', '3'], options: { segmentsPerSection: 3 } },
  { size: 171 * MIB, args: ['-z', '5'], options: { sectionsPerZone: 5 } },
  { size: 300 * MIB, args: ['-s', '4', '-a', '1'], options: { segmentsPerSection: 4, heap: true } },
  { size: 168 * MIB, args: ['-a', '1', '-z', '2'], options: { heap: true, sectionsPerZone: 2 } },
  { size: 168 * MIB, args: ['-a', '0'], options: {} },
  { size: 168 * MIB, args: ['-i'], options: { largeNatBitmap: true } },
  { size: 168 * MIB, args: ['-o', '10'], options: { overprovision: 10 } },
  { size: 168 * MIB, args: ['-o', '0'], options: { overprovision: 0 } },
  { size: 168 * MIB, args: ['-o', '7.3'], options: { overprovision: 7.3 } },
  { size: 168 * MIB, args: ['-o', '99.5'], options: { overprovision: 99.5 } },
  { size: 168 * MIB, args: ['-o', '100'], options: { overprovision: 100 } },
  { size: 168 * MIB, args: ['-o', '-3'], options: { overprovision: -3 } },
  { size: 168 * MIB, args: ['-o', '0.001'], options: { overprovision: 0.001 } },
  { size: 168 * MIB, args: ['-s', '0'], options: { segmentsPerSection: 0 } },
  { size: 168 * MIB, args: ['-z', '0'], options: { sectionsPerZone: 0 } },
  { size: 168 * MIB, args: ['-s', '11'], options: { segmentsPerSection: 11 } },
  { size: 168 * MIB, args: ['-s', '40'], options: { segmentsPerSection: 40 } },
  { size: 168 * MIB, args: ['-l', 'h\u20acllo \u{1d11e}'], options: { label: 'h\u20acllo \u{1d11e}' } },
  { size: 168 * MIB, args: ['-l', 'a'.repeat(512)], options: { label: 'a'.repeat(512) } },
  { size: 168 * MIB, args: ['-R', '1000:70000'], options: { owner: { uid: 1000, gid: 70_000 } } },
  { size: 168 * MIB, args: ['-R', '-1:0'], options: { owner: { uid: 0xffff_ffff, gid: 0 } } },
  {
    size: 168 * MIB,
    args: ['-R', '1000:1001', '-g', 'android'],
    options: { owner: { uid: 1000, gid: 1001 }, android: true },
  },
  {
    size: 168 * MIB,
    args: ['-e', 'jpg,toolongext,x,x,db', '-E', 'db,y,jp'],
    options: { coldExtensions: ['jpg', 'toolongext', 'x', 'x', 'db'], hotExtensions: ['db', 'y', 'jp'] },
  },
  { size: 168 * MIB, args: ['-t', '0'], options: { discard: false } },
  { size: 19 * MIB, args: ['-O', 'ro'], options: { features: ['ro'] } },
  { size: 18 * MIB, args: ['-O', 'ro'], options: { features: ['ro'] } },
  { size: 18 * MIB + 8192, args: ['-O', 'ro'], options: { features: ['ro'] } },
  { size: 18 * MIB + 8191, args: ['-O', 'ro'], options: { features: ['ro'] } },
  {
    size: 200 * MIB,
    args: ['-O', 'ro', '-s', '2', '-z', '3', '-a', '1'],
    options: { features: ['ro'], segmentsPerSection: 2, sectionsPerZone: 3, heap: true },
  },
  {
    size: 200 * MIB,
    args: ['-O', 'ro', '-o', '20', '-i'],
    options: { features: ['ro'], overprovision: 20, largeNatBitmap: true },
  },
];

// The volumes whose hashes format-volume.test.ts holds.
otherCases.push(
  withFeatures(100 * MIB, [...everything, 'casefold'].join(','), { encoding: 'utf8:strict' }),
  {
    size: 168 * MIB,
    args: ['-g', 'android', '-l', 'data', '-E', 'idx'],
    options: { android: true, label: 'data', hotExtensions: ['idx'] },
  },
  {
    size: 168 * MIB,
    args: ['-s', '2', '-z', '2', '-a', '1'],
    options: { segmentsPerSection: 2, sectionsPerZone: 2, heap: true },
  },
  {
    size: 168 * MIB,
    args: ['-i', '-o', '7.3', '-R', '1:2'],
    options: { largeNatBitmap: true, overprovision: 7.3, owner: { uid: 1, gid: 2 } },
  },
  withFeatures(19 * MIB, 'ro,lost_found'),
);
if (full) {
  for (const size of [64 * GIB, 1024 * GIB, 4096 * GIB]) {
    otherCases.push({ size, args: [], options: {} });
    otherCases.push({ size, args: ['-i'], options: { largeNatBitmap: true } });
    otherCases.push({ size, args: ['-s', '7'], options: { segmentsPerSection: 7 } });
  }
}

const nameOf = ({ size, args }: Case): string => `${size / MIB} MiB ${args.join(' ').slice(0, 100)}`;

describe.skipIf(!toolsInstalled())('mkfs.f2fs 1.15 (package f2fs-tools)', () => {
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-mkfs-'));
    image = path.join(folder, 'image');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ...[51 * MIB, 52 * MIB - 1, 52 * MIB, 53 * MIB + 4096, 100 * MIB, 100 * MIB + 512, 100 * MIB + 511],
    ...[30 * MIB, 1 * GIB, 1042 * MIB, 8 * GIB],
  ])('%d bytes are equal', (size) => {
    expect(compare({ size, args: [], options: {} })).toBeUndefined();
  });

  it.each(featureCases.map((each) => [nameOf(each), each] as const))('equal: %s', (_, each) => {
    expect(compare(each)).toBeUndefined();
  });

  it.each(otherCases.map((each) => [nameOf(each), each] as const))('equal: %s', (_, each) => {
    expect(compare(each)).toBeUndefined();
  });

  it('writes the quota tree of an owner other than 0 as Linux looks it up, which mkfs.f2fs does not', () => {
    const uid = 0x0102_0304;
    const { theirs, ours } = bothVolumes({
      size: 100 * MIB,
      args: ['-R', `${uid}:0`, '-O', 'quota'],
      options: { owner: { uid, gid: 0 }, features: ['quota'] },
    })!;
    const dataStart = formatGeometry(100 * MIB).mainAddress + 3 * 512;
    const userFile = dataStart + 1;
    for (let depth = 0; depth < 4; depth++) {
      const table = 1024 * (1 + depth);
      const [block, at] = [userFile + Math.floor(table / BLOCK_SIZE), table % BLOCK_SIZE];
      const pointer = 2 + depth;
      expect(viewOf(theirs.get(block)!).getUint32(at, true)).toBe(pointer);
      const view = viewOf(ours.get(block)!);
      expect(view.getUint32(at + 4 * (depth + 1), true)).toBe(pointer);
      // Moved to where theirs is: then nothing else is different.
      view.setUint32(at + 4 * (depth + 1), 0, true);
      view.setUint32(at, pointer, true);
    }
    expect(difference(theirs, ours)).toBeUndefined();
  });

  const random = fc.record({
    megabytes: fc.integer({ min: 40, max: full ? 6000 : 600 }),
    sectors: fc.integer({ min: 0, max: 4095 }),
    segmentsPerSection: fc.integer({ min: 1, max: 5 }),
    sectionsPerZone: fc.integer({ min: 1, max: 4 }),
    overprovision: fc.oneof(
      fc.constant(0),
      fc.integer({ min: 1, max: 1000 }).map((tenths) => tenths / 10),
    ),
    largeNatBitmap: fc.boolean(),
    heap: fc.boolean(),
    android: fc.boolean(),
    encoding: fc.constantFrom(undefined, 'utf8', 'utf8:strict'),
    features: fc.subarray([
      ...['encrypt', 'quota', 'lost_found', 'verity', 'sb_checksum', 'casefold', 'ro', 'extra_attr'],
      ...['project_quota', 'inode_checksum', 'flexible_inline_xattr', 'inode_crtime', 'compression'],
    ]),
    // All but one in sixteen lists that need extra_attr get it.
    forceExtra: fc.integer({ min: 0, max: 15 }).map((n) => n > 0),
    label: fc.string({ maxLength: 20 }).filter((label) => !label.includes('\0')),
  });

  it(
    'random sizes and options give equal volumes, or are refused by both',
    () => {
      fc.assert(
        fc.property(random, ({ megabytes, sectors, forceExtra, encoding, features: drawn, ...rest }) => {
          const features = forceExtra && !drawn.includes('extra_attr') ? [...drawn, 'extra_attr'] : drawn;
          const args = ['-s', rest.segmentsPerSection, '-z', rest.sectionsPerZone, '-a', rest.heap ? 1 : 0];
          if (rest.overprovision > 0) args.push('-o', rest.overprovision);
          if (rest.largeNatBitmap) args.push('-i');
          if (rest.android) args.push('-g', 'android');
          if (encoding !== undefined) args.push('-C', encoding);
          if (features.length > 0) args.push('-O', features.join(','));
          if (rest.label !== '') args.push('-l', rest.label);
          const options: FormatOptions = { ...rest, features, ...(encoding === undefined ? {} : { encoding }) };
          expect(compare({ size: megabytes * MIB + 512 * sectors, args: args.map(String), options })).toBeUndefined();
        }),
        { numRuns: full ? 1000 : 60 },
      );
    },
    FULL_TIMEOUT_MS,
  );

  it.each([
    ['plain', 53 * MIB, {}],
    ['android', 100 * MIB, { android: true, encoding: 'utf8' }],
    ['sections', 300 * MIB, { segmentsPerSection: 3, sectionsPerZone: 2, largeNatBitmap: true }],
    ['everything', 168 * MIB, { features: everything, owner: { uid: 1000, gid: 70_000 } }],
    ['read-only', 19 * MIB, { features: ['ro', 'lost_found'] }],
  ] as Array<[string, number, FormatOptions]>)('fsck.f2fs accepts what we make: %s', (_, size, options) => {
    const fd = openSync(image, 'w');
    ftruncateSync(fd, size);
    for (const [address, bytes] of ourBlocks(size, options))
      writeSync(fd, bytes, 0, bytes.length, address * BLOCK_SIZE);
    closeSync(fd);
    const { status, stdout } = spawnSync('fsck.f2fs', ['--dry-run', '-f', image], {
      env,
      encoding: 'utf8',
      cwd: folder,
    });
    // It calls the nat_bits of every new volume corrupt, also of those that mkfs.f2fs makes: not looked at here.
    const verdicts = stdout.split('\n').filter((line) => /^\[FSCK\].*\[/.test(line));
    expect(verdicts.length).toBeGreaterThan(8);
    expect(verdicts.filter((line) => !line.includes('[Ok..]'))).toEqual([]);
    expect(stdout).not.toMatch(/\[ASSERT\]|\[FIX\]/);
    expect(status).toBe(0);
  });
});
