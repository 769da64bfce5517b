// Volumes edited in place, at random, beside a model of them: every golden volume, and one of every group of options that mkfs
// has. What is left is what the model holds, and both checkers accept it.
//
//   F2FSKIT_FULL=1     every golden volume, three programs each; every group of options; a directory of 10,000 names
//   F2FSKIT_SEED=N     the first seed

import { MemoryDevice } from '@f2fskit/block';
import { type F2fsInode, foldName, mountF2fs } from '@f2fskit/f2fs';
import { Feature, MAX_FILE_BYTES } from '@f2fskit/f2fs-format';
import { type FormatOptions, formatVolume } from '@f2fskit/f2fs-tools';
import { runSync, seededRandom } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import {
  applyToModel,
  encodeName,
  type ModelFilesystem,
  type Operation,
  randomOperations,
} from '@f2fskit/testkit/model';
import { describe, expect, it } from 'vitest';
import { openVolumeSync, type Volume } from '../src/node/index.ts';
import { editAndJudge, expectSound } from './edited-volume.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: FULL ? 3 : 1 }, (_, index) => SEED + index);
const OPERATIONS = 100;
const MIB = 1 << 20;

/** Each holds something that the others do not: projects, names that fold, clusters, keys, a chain to recover. */
const SHORT = ['android', 'casefold-names', 'compress-lz4-4', 'encrypted', 'crash-chain'];
const names = goldenVolumes()
  .map(({ name }) => name)
  .filter((name) => FULL || SHORT.includes(name));

/** A folded name that Linux has no room to hash: it hashes the stored bytes then, and so do we; fsck.f2fs 1.15 hashes this. */
const FOLDED_BYTES_END = 255;

/** A random program in which no name meets another spelling of itself: the model compares bytes. */
function unmistakable(model: ModelFilesystem, seed: number): Operation[] {
  const spellings = new Map<string, string>();
  const isNew = (name: string): boolean => {
    const bytes = encodeName(name);
    const folded = Buffer.from(foldName(bytes) ?? bytes).toString('latin1');
    if (folded.length >= FOLDED_BYTES_END && folded.length > bytes.length) return false;
    const first = spellings.get(folded) ?? name;
    spellings.set(folded, first);
    return first === name;
  };
  const areNew = (path: string): boolean => path.split('/').filter((name) => !isNew(name)).length === 0;
  for (const { path } of model.paths()) areNew(path);
  const program = randomOperations(seed, 2 * OPERATIONS, { start: model });
  return program.filter((operation) => pathsOf(operation).every(areNew)).slice(0, OPERATIONS);
}

function pathsOf(operation: Operation): string[] {
  return ['path', 'file', 'from', 'to', 'target']
    .map((key) => (operation as unknown as Record<string, unknown>)[key])
    .filter((value) => typeof value === 'string');
}

describe.each(names)('%s, edited', (name) => {
  it.each(seeds)(`by ${OPERATIONS} operations, seed %i`, async (seed) => {
    const device = loadGolden(name).device.clone();
    const folds = (runSync(mountF2fs(device)).superblock.features & Feature.casefold) !== 0;
    const refused = await editAndJudge(device, {
      seed,
      program: folds ? (start) => unmistakable(start, seed) : OPERATIONS,
      reasons: ['ENOSPC', 'E2BIG', 'EOPNOTSUPP', 'EPERM', 'ENOKEY', 'EXDEV'],
    });
    // Else nothing was edited. Of an encrypted volume most is refused.
    expect(refused).toBeLessThan(OPERATIONS * 0.7);
  });
});

/** One of each group of options of mkfs.f2fs; what it makes of them, byte for byte, is tested beside mkfs. */
const OPTIONS: Record<string, FormatOptions & { mebibytes?: number }> = {
  none: {},
  '-s 2': { segmentsPerSection: 2, mebibytes: 128 },
  '-s 3 -z 2 -o 20': { segmentsPerSection: 3, sectionsPerZone: 2, overprovision: 20, mebibytes: 256 },
  '-o 30': { overprovision: 30 },
  '-i': { largeNatBitmap: true },
  '-a 1 -w 4096': { heap: true, sectorSize: 4096 },
  '-l -U -R': { label: 'Ünï', uuid: '00112233-4455-6677-8899-aabbccddeeff', owner: { uid: 7, gid: 70_000 } },
  '-e -E': { coldExtensions: ['txt'], hotExtensions: ['a', 'b'] },
  '-O extra_attr and what needs it': {
    features: ['extra_attr', 'inode_checksum', 'inode_crtime', 'flexible_inline_xattr', 'project_quota', 'compression'],
  },
  '-O sb_checksum,lost_found,verity,encrypt': { features: ['sb_checksum', 'lost_found', 'verity', 'encrypt'] },
  '-O quota': { features: ['quota'] },
  '-C utf8': { encoding: 'utf8' },
  '-C utf8:strict': { encoding: 'utf8:strict' },
  '-g android': { android: true },
  '-g android -C utf8': { android: true, encoding: 'utf8', features: ['compression'] },
};
/** `-O ro` is made for reading only. */
const READ_ONLY: FormatOptions = { features: ['ro'] };

function formatted({ mebibytes = 64, ...options }: FormatOptions & { mebibytes?: number }): MemoryDevice {
  const device = new MemoryDevice(mebibytes * MIB);
  runSync(formatVolume(device, { blank: true, random: seededRandom(SEED), ...options }));
  return device;
}

const SHORT_OPTIONS = ['-s 3 -z 2 -o 20', '-O extra_attr and what needs it', '-g android -C utf8'];
const optionNames = Object.keys(OPTIONS).filter((name) => FULL || SHORT_OPTIONS.includes(name));

describe('made by mkfs with', () => {
  it.each(optionNames)(`%s, edited by ${OPERATIONS} operations`, async (name) => {
    const device = formatted(OPTIONS[name]!);
    const refused = await editAndJudge(device, { seed: SEED, program: OPERATIONS });
    expect(refused).toBeLessThan(5);
  });

  it('-O ro: not to be written to', () => {
    const device = formatted(READ_ONLY);
    expect(() => openVolumeSync(device.clone(), { writable: true })).toThrow(
      expect.objectContaining({ code: 'EROFS' }),
    );
    expectSound(device);
  });
});

/** Blocks where the nodes of a file begin: the inode, two direct, two indirect, the double indirect one. */
const EDGES_BLOCKS = [0, 923, 923 + 1018, 923 + 2 * 1018, 923 + 2 * 1018 + 1018 ** 2, 923 + 2 * 1018 + 2 * 1018 ** 2];
const TRIPLE_BLOCKS = EDGES_BLOCKS.at(-1)!;

const FAR_FILES = ['/far', '/farther'];

/** Files with data around every edge: written, cut, punched, read. */
function farProgram(seed: number): Operation[] {
  const random = seededRandom(seed);
  const program: Operation[] = [];
  for (const file of FAR_FILES) program.push({ op: 'create', path: file, mode: 0o644 });
  const places = [
    ...EDGES_BLOCKS,
    TRIPLE_BLOCKS + 1018,
    TRIPLE_BLOCKS + 1018 ** 2,
    Math.floor(MAX_FILE_BYTES / 4096) - 5,
  ];
  const near = (): number => Math.max(0, places[random.below(places.length)]! * 4096 + random.below(40_000) - 20_000);
  for (let count = 0; count < 2 * OPERATIONS; count++) {
    const file = FAR_FILES[random.below(FAR_FILES.length)]!;
    const [position, length] = [near(), 1 + random.below(30_000)];
    const kind = random.below(20);
    const mode = (['allocate', 'keepSize', 'punch', 'zero', 'zeroKeepSize'] as const)[random.below(5)]!;
    if (kind < 9) program.push({ op: 'write', file, position, data: { seed: count, length } });
    else if (kind < 11) program.push({ op: 'truncate', file, size: position });
    else if (kind < 15) program.push({ op: 'fallocate', file, mode, position, length });
    else if (kind < 18) program.push({ op: 'read', file, position, length });
    else if (kind === 18) program.push({ op: 'fsync', file });
    else program.push({ op: 'sync' });
  }
  for (const file of FAR_FILES) {
    program.push({ op: 'write', file, position: MAX_FILE_BYTES - 9000, data: { seed, length: 9000 } });
  }
  return program;
}

function seekData(volume: Volume, path: string, position: number): number {
  return runSync((runSync(volume.vfs.walk(path)).inode as F2fsInode).seek(position, 'data'));
}

describe('files with data around every edge of their trees', () => {
  it.each(seeds)('in the nodes of the third depth too, seed %i', async (seed) => {
    const device = formatted({ features: seed % 2 === 0 ? ['extra_attr', 'inode_checksum'] : [] });
    await editAndJudge(device, { seed, program: () => farProgram(seed) });
    const volume = openVolumeSync(device, { writable: true });
    for (const file of FAR_FILES) {
      expect(seekData(volume, file, MAX_FILE_BYTES - 5000)).toBe(MAX_FILE_BYTES - 5000);
      volume.unlinkSync(file);
    }
    await volume.scheduler.run(volume.f2fs.unmount());
    expect(volume.f2fs.usage()).toMatchObject({ inodes: 1, nodes: 1 });
    expectSound(device);
  });
});

/** Ten thousand names of every length come, most of them go again in another order, and a random program follows. */
function crowdProgram(model: ModelFilesystem, seed: number): Operation[] {
  const random = seededRandom(seed);
  const program: Operation[] = [{ op: 'mkdir', path: '/many', mode: 0o755 }];
  const paths: string[] = [];
  for (let index = 0; index < 10_000; index++) {
    const path = `/many/${String(index).padEnd(1 + random.below(random.chance(0.1) ? 255 : 20), 'n')}`;
    const kind = random.below(20);
    if (index === 0 || kind < 3) program.push({ op: 'create', path, mode: 0o644 });
    else if (kind === 3) program.push({ op: 'mkdir', path, mode: 0o755 });
    else if (kind === 4) program.push({ op: 'symlink', target: 'x', path });
    else program.push({ op: 'link', from: paths[0]!, to: path });
    paths.push(path);
    if (index % 3000 === 2999) program.push({ op: 'sync' });
  }
  for (const path of paths.splice(1)) {
    const kind = random.below(10);
    if (kind < 7) program.push({ op: random.chance(0.95) ? 'unlink' : 'rmdir', path });
    else if (kind === 7) program.push({ op: 'rename', from: path, to: `${path.slice(0, 250)} 2`, mode: 'plain' });
    else paths.push(path);
  }
  for (const operation of program) applyToModel(model, operation);
  return [...program, ...randomOperations(seed, OPERATIONS, { start: model })];
}

it.runIf(FULL)('a directory of 10,000 names', async () => {
  const device = formatted({ mebibytes: 96 });
  const program = (start: ModelFilesystem): Operation[] => crowdProgram(start.clone(), SEED);
  await editAndJudge(device, { seed: SEED, program });
});
