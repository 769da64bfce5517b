// The volumes that Linux is to judge: golden ones edited in place, fresh ones of several features filled from nothing, and
// some that were cut off behind fsyncs. Each is made from a seed, half of them by each engine of buffered I/O. What it must hold
// comes from the model where the model knows all that happens there.

import { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { type BufferedIo, type F2fsInode, type F2fsVolume, mountF2fs } from '@f2fskit/f2fs';
import { type FormatOptions, formatVolume } from '@f2fskit/f2fs-tools';
import { type RandomSource, runSync, seededRandom } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { applyToTarget, type Operation, type RandomOperationsOptions, randomOperations } from '@f2fskit/testkit/model';
import { FileFlag, utf8Encode } from '@f2fskit/vfs';
import { openVolumeSync } from '../../src/node/index.ts';
import { allCodecs, compressedVolume } from '../compressed-volume.ts';
import { F2fsTarget } from '../f2fs-target.ts';
import { fixtureProgram } from '../fixture-program.ts';
import { modelOfVolume, removeAccessLists } from '../model-of-volume.ts';
import { type OwnReason, runOnBoth, StepClock } from '../model-run.ts';

export interface MadeVolume {
  device: MemoryDevice;
  /** What the model says it must hold, as `ModelFilesystem.manifest()`. */
  manifest?: string[];
  /** Cut off: lines that must be in the manifest of whoever recovers. */
  promised?: string[];
  /** Paths that Linux must find, below the root, without a newline: other spellings of names. */
  lookups?: string[];
  crashed?: true;
}

/** What a volume is made from. */
export interface Making {
  readonly seed: number;
  readonly bufferedIo: BufferedIo;
}

/** Makes a volume; rejects where the volume and its model disagree. */
export type VolumeMaker = (making: Making) => MadeVolume | Promise<MadeVolume>;

const START = 1_700_000_000;
const MIB = 2 ** 20;
const OWNER = { mode: 0o644, uid: 1000, gid: 1001 };
/** What may be refused although the model would do it. */
const REASONS: readonly OwnReason[] = ['ENOSPC', 'E2BIG'];

interface Writing {
  device: MemoryDevice;
  volume: F2fsVolume;
  clock: StepClock;
  target: F2fsTarget;
  random: RandomSource;
}

function write(device: MemoryDevice, { seed, bufferedIo }: Making, codecs = defaultCodecs()): Writing {
  const clock = new StepClock(START);
  const random = seededRandom(seed);
  const volume = runSync(mountF2fs(device, { writable: true, clock, random, codecs, bufferedIo }));
  return { device, volume, clock, target: new F2fsTarget(volume), random };
}

function leave({ device, volume, target }: Writing): MadeVolume {
  runSync(target.closeAll());
  runSync(volume.unmount());
  return { device };
}

/** Random operations on the volume and on a model of it, which says what must be there. */
async function edit(
  device: MemoryDevice,
  making: Making,
  count: number,
  reasons: readonly OwnReason[] = REASONS,
  options: RandomOperationsOptions = {},
): Promise<MadeVolume> {
  const writing = write(device, making);
  removeAccessLists(writing.volume);
  const model = modelOfVolume(writing.volume, writing.clock);
  const program = randomOperations(making.seed, count, { start: model, ...options });
  await runOnBoth(model, writing.target, writing.clock, program, reasons);
  return { ...leave(writing), manifest: model.withoutHandles().manifest() };
}

/** Errors that no program may meet on a sound volume that has room. */
const BROKEN = ['EUCLEAN', 'EIO', 'EROFS'];

/** Random operations where the model does not know what happens: keys, names that ignore case. */
async function editBlindly(device: MemoryDevice, making: Making, count: number): Promise<MadeVolume> {
  const writing = write(device, making);
  await runBlindly(writing, randomOperations(making.seed, count));
  return leave(writing);
}

async function runBlindly({ target, clock }: Writing, program: readonly Operation[]): Promise<void> {
  for (const operation of program) {
    const result = await applyToTarget(target, operation);
    if ('error' in result && BROKEN.includes(result.error)) {
      throw new Error(`${result.error}: ${JSON.stringify(operation)}`);
    }
    clock.step();
  }
}

const golden = (name: string): MemoryDevice => loadGolden(name).device.clone();

function fresh({ seed }: Making, mebibytes: number, options: FormatOptions): MemoryDevice {
  const device = new MemoryDevice(mebibytes * MIB);
  runSync(formatVolume(device, { blank: true, random: seededRandom(seed), ...options }));
  return device;
}

const CHECKED = ['extra_attr', 'inode_checksum', 'inode_crtime', 'sb_checksum'];
const EVERYTHING = [...CHECKED, 'flexible_inline_xattr', 'lost_found', 'quota', 'project_quota'];

/** A directory of 10,000 names: files, links to them, symlinks, directories. */
function crowd(device: MemoryDevice, making: Making): MadeVolume {
  const writing = write(device, making);
  const { volume, target, random } = writing;
  const many = runSync(target.vfs.mkdir('/many')) as F2fsInode;
  const files: F2fsInode[] = [];
  for (let index = 0; index < 10_000; index++) {
    const name = utf8Encode(`${index} ${'n'.repeat(random.below(random.chance(0.1) ? 200 : 20))}`);
    const kind = random.below(20);
    if (kind < 4) files.push(runSync(many.create(name, OWNER)) as F2fsInode);
    else if (kind === 4) runSync(many.mkdir(name, { ...OWNER, mode: 0o755 }));
    else if (kind === 5) runSync(many.symlink(name, utf8Encode(`to ${index}`), OWNER));
    else if (files.length > 0) runSync(many.link(name, files[random.below(files.length)]!));
    else files.push(runSync(many.create(name, OWNER)) as F2fsInode);
    if (index % 3000 === 2999) runSync(volume.sync());
  }
  return leave(writing);
}

/** Blocks where the nodes of a file begin and end: the inode, two direct, two indirect, the double indirect one. */
const NODE_EDGES = [0, 923, 923 + 1018, 923 + 2 * 1018, 923 + 2 * 1018 + 1018 ** 2, 923 + 2 * 1018 + 2 * 1018 ** 2];

/** Sparse files with data around every edge; names of every length and of many bytes. */
function shapes(device: MemoryDevice, making: Making): MadeVolume {
  const writing = write(device, making);
  const { target, random } = writing;
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => 1 + random.below(255));
  runSync(target.mkdir('/far', 0o755));
  for (let file = 0; file < 6; file++) {
    runSync(target.create(`/far/${file}`, 0o644));
    for (const edge of NODE_EDGES) {
      if (random.chance(0.2)) continue;
      const position = Math.max(0, edge * 4096 + random.below(30_000) - 15_000);
      runSync(target.write(`/far/${file}`, position, bytes(1 + random.below(20_000))));
    }
    // Blocks that nobody has written to, and holes again.
    const edge = NODE_EDGES[random.below(NODE_EDGES.length)]! * 4096;
    if (file % 2 === 0) runSync(target.fallocate(`/far/${file}`, 'keepSize', edge + 3, 50_000));
    if (file % 3 === 0) runSync(target.fallocate(`/far/${file}`, 'punch', Math.max(0, edge - 5000), 9000));
  }
  runSync(target.truncate('/far/0', 2 ** 41 + 12345));
  const names = runSync(target.vfs.mkdir('/names')) as F2fsInode;
  for (let length = 1; length <= 255; length++) {
    // No newline and no slash; `.` only beside others.
    const name = Uint8Array.from(
      { length },
      () => [9, 0x80, 0xff, 32, 92, 39, 124][random.below(9)] ?? 48 + random.below(70),
    );
    runSync(names.create(name, OWNER));
  }
  return leave(writing);
}

/** Attributes of every size, many of them, of every namespace, removed and replaced; access lists. */
function attributes(device: MemoryDevice, making: Making): MadeVolume {
  const writing = write(device, making);
  const { target, volume, random } = writing;
  const value = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
  const set = (path: string, name: string, length: number): void => {
    runSync(target.setxattr(path, name, value(length), 'set'));
  };
  for (let length = 0; length < 4000; length += length < 300 ? 7 : 211) {
    runSync(target.create(`/size ${length}`, 0o644));
    set(`/size ${length}`, 'user.v', length);
  }
  for (let file = 0; file < 20; file++) {
    const path = `/many ${file}`;
    if (file % 4 === 0) runSync(target.mkdir(path, 0o755));
    else runSync(target.create(path, 0o644));
    if (file % 2 === 0 && file % 4 !== 0) runSync(target.write(path, 0, value(random.below(8000))));
    const names = Array.from({ length: 3 + random.below(30) }, (_, index) => {
      const space = ['user', 'trusted', 'security'][random.below(3)]!;
      return `${space}.${index}${'n'.repeat(random.below(random.chance(0.2) ? 200 : 10))}`;
    });
    for (const name of names) set(path, name, random.below(60));
    if (file % 3 === 0) runSync(volume.sync());
    for (const name of names) if (random.chance(0.3)) runSync(target.removexattr(path, name));
    for (const name of names) if (random.chance(0.1)) set(path, name, random.below(100));
  }
  // An access list for users: version 2, then tag, permissions and id of each entry.
  const list = (...entries: Array<readonly [tag: number, bits: number, id: number]>): Uint8Array => {
    const bytes = new DataView(new ArrayBuffer(4 + 8 * entries.length));
    bytes.setUint32(0, 2, true);
    for (const [index, [tag, bits, id]] of entries.entries()) {
      bytes.setUint16(4 + 8 * index, tag, true);
      bytes.setUint16(6 + 8 * index, bits, true);
      bytes.setUint32(8 + 8 * index, id, true);
    }
    return new Uint8Array(bytes.buffer);
  };
  const NOBODY = 2 ** 32 - 1;
  const access = list([1, 6, NOBODY], [2, 6, 1000], [2, 4, 70_000], [4, 4, NOBODY], [16, 6, NOBODY], [32, 0, NOBODY]);
  runSync(target.create('/acl', 0o644));
  runSync(target.setxattr('/acl', 'system.posix_acl_access', access, 'set'));
  runSync(target.chmod('/acl', 0o604));
  runSync(target.mkdir('/inherits', 0o755));
  runSync(target.setxattr('/inherits', 'system.posix_acl_default', access, 'set'));
  runSync(target.mkdir('/inherits/directory', 0o777));
  runSync(target.create('/inherits/file', 0o666));
  return leave(writing);
}

const FOLDED_NAMES = [
  'Straße',
  'README',
  'ÄÖÜ äöü',
  'ﬁne Ligature',
  'İstanbul',
  'ΣΊΣΥΦΟΣ',
  'ＦＵＬＬ',
  'Ǆ',
  'cafe\u0301',
];

/** Directories that ignore case, of three sizes, and other spellings of what is in them. */
function folded(device: MemoryDevice, making: Making): MadeVolume {
  const writing = write(device, making);
  const { target, random } = writing;
  const lookups: string[] = [];
  for (const [directory, count] of [
    ['few', 5],
    ['some', 150],
    ['many', 1500],
  ] as const) {
    const path = `/${directory}`;
    runSync(target.mkdir(path, 0o755));
    runSync(target.vfs.setFlags(path, FileFlag.caseFold));
    for (let index = 0; index < count; index++) {
      const name = `${FOLDED_NAMES[index % FOLDED_NAMES.length]!}-${index}`;
      if (index % 7 === 0) runSync(target.mkdir(`${path}/${name}`, 0o755));
      else runSync(target.create(`${path}/${name}`, 0o644));
      if (index > 0 && random.chance(0.2))
        runSync(target.rename(`${path}/${name}`, `${path}/${name.toLowerCase()}x`, 'plain'));
      else
        lookups.push(
          `${directory}/${name}`,
          `${directory}/${name.toUpperCase()}`,
          `${directory}/${name.normalize('NFD')}`,
        );
    }
    runSync(target.create(`${path}/${FOLDED_NAMES[0]!}-0/Inner`, 0o644));
    lookups.push(`${directory}/STRASSE-0/INNER`);
  }
  return { ...leave(writing), lookups: lookups.filter((path) => !path.includes('\0')) };
}

/** As full as it gets, then half emptied, then full again: cleaned while it was written. */
function full(device: MemoryDevice, making: Making): MadeVolume {
  const writing = write(device, making);
  const { target, volume, random } = writing;
  const names: string[] = [];
  for (let round = 0; round < 3; round++) {
    for (let refused = 0; refused < 3; ) {
      const path = `/${round}-${names.length}`;
      try {
        runSync(target.create(path, 0o644));
        names.push(path);
        runSync(target.write(path, 0, new Uint8Array(1 + random.below(300_000)).fill(random.below(256))));
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
        refused++;
      }
    }
    runSync(volume.sync());
    if (round === 2) break;
    for (const path of names.splice(0)) {
      if (random.chance(0.5)) names.push(path);
      else runSync(target.unlink(path));
    }
  }
  // Room for Linux to work in.
  for (const path of names) if (random.chance(0.1)) runSync(target.unlink(path));
  return leave(writing);
}

/** Fsyncs of new, renamed, cut, sparse and linked files behind a checkpoint; then the power goes. */
async function cutOff(device: MemoryDevice, making: Making): Promise<MadeVolume> {
  const writing = write(device, making);
  const { target, volume, random } = writing;
  const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1 + random.below(255));
  removeAccessLists(volume);
  runSync(target.mkdir('/cut', 0o755));
  for (const name of ['old', 'shorter', 'holes', 'renamed', 'moved', 'linked', 'overwritten', 'removed']) {
    runSync(target.create(`/cut/${name}`, 0o644));
    runSync(target.write(`/cut/${name}`, 0, bytes(1 + random.below(200_000))));
  }
  runSync(target.mkdir('/cut/other', 0o755));
  runSync(target.sync());
  const promised = new Map<string, Operation[]>();
  const fsync = (path: string): void => {
    runSync(target.fsync(path));
    promised.set(path, []);
  };
  // These are checkpoints, and what is fsynced before them needs no recovery: so they come first, or not at all.
  if (random.chance(0.5)) {
    runSync(target.rename('/cut/renamed', '/cut/other/renamed', 'plain'));
    fsync('/cut/other/renamed');
    runSync(target.link('/cut/linked', '/cut/other/link'));
    fsync('/cut/linked');
  }
  const steps: Array<() => void> = [
    () => {
      runSync(target.create('/cut/new', 0o640));
      runSync(target.write('/cut/new', 0, bytes(random.below(300_000))));
      fsync('/cut/new');
    },
    () => {
      runSync(target.create('/cut/tiny', 0o600));
      runSync(target.write('/cut/tiny', 0, bytes(100)));
      runSync(target.setxattr('/cut/tiny', 'user.a', bytes(50), 'set'));
      fsync('/cut/tiny');
    },
    () => {
      runSync(target.truncate('/cut/shorter', 1 + random.below(3000)));
      fsync('/cut/shorter');
    },
    () => {
      runSync(target.write('/cut/holes', 5_000_000 + random.below(9000), bytes(5000)));
      runSync(target.fallocate('/cut/holes', 'punch', 4096, 4096));
      fsync('/cut/holes');
    },
    () => {
      runSync(target.write('/cut/overwritten', random.below(5000), bytes(20_000)));
      fsync('/cut/overwritten');
    },
    () => {
      runSync(target.create('/cut/new in other', 0o644));
      runSync(target.write('/cut/new in other', 2 ** 32, bytes(9000)));
      runSync(target.truncate('/cut/new in other', 2 ** 33));
      fsync('/cut/new in other');
    },
  ];
  while (steps.length > 0) {
    for (const step of steps.splice(random.below(steps.length), 1)) step();
    writing.clock.step();
  }
  // Not fsynced: may be there or not.
  runSync(target.write('/cut/old', 100, bytes(50_000)));
  runSync(target.unlink('/cut/removed'));
  runSync(target.create('/cut/never', 0o644));
  const model = modelOfVolume(volume, writing.clock);
  const lines = model.manifest();
  const wanted = new Set([...promised.keys()].map((path) => `.${path}`));
  return {
    device: device.clone(),
    crashed: true,
    promised: lines.filter((line) => wanted.has(line.slice(line.lastIndexOf('\t') + 1))),
  };
}

/** What makes later fsyncs checkpoints, or is one. */
const NAMES = ['rename', 'link', 'symlink', 'mknod', 'mkdir', 'unlink', 'rmdir', 'sync'] as const;
const CONTENTS = { ...Object.fromEntries(NAMES.map((name) => [name, 0])), fsync: 40, write: 50, truncate: 20 };

/** A random program, then one of contents and fsyncs, cut off where something waits to be recovered, if there is such a moment. */
async function cutOffAnywhere(device: MemoryDevice, making: Making): Promise<MadeVolume> {
  const writing = write(device, making);
  const { volume, target, clock, random } = writing;
  await runBlindly(writing, randomOperations(making.seed, 150, { bigFiles: false, weights: { link: 0 } }));
  runSync(target.closeAll());
  runSync(target.sync());
  const moments: MemoryDevice[] = [];
  const start = modelOfVolume(volume, clock);
  for (const operation of randomOperations(making.seed + 1, 200, { start, weights: CONTENTS, bigFiles: false })) {
    await runBlindly(writing, [operation]);
    moments.push(device.clone());
  }
  const waits = (moment: MemoryDevice): boolean =>
    openVolumeSync(moment.clone(), { norecovery: true }).problems.some(({ kind }) => kind === 'recovery');
  const waiting = moments.filter(waits);
  return { device: waiting[random.below(waiting.length)] ?? device.clone(), crashed: true };
}

/** By name; twenty fit into a guest. */
/** A directory for every way to compress, each filled by one engine or the other. */
async function compressedWays({ seed }: Making): Promise<MadeVolume> {
  const { device, model } = await compressedVolume(seed);
  return { device, manifest: model.withoutHandles().manifest() };
}

export const volumeMakers: Readonly<Record<string, VolumeMaker>> = {
  'compressed-ways': (making) => compressedWays(making),
  'golden-default': (making) => edit(golden('plain-default'), making, 100),
  'golden-aged': (making) => edit(golden('aged'), making, 100),
  'golden-geometry': (making) => edit(golden('geometry'), making, 100),
  'golden-bigdir': (making) => edit(golden('bigdir'), making, 100),
  'golden-far': (making) => edit(golden('far-sparse'), making, 100),
  'golden-compressed': (making) => edit(golden('compress-lz4-4'), making, 100, [...REASONS, 'EOPNOTSUPP', 'EPERM']),
  'golden-xattrs': (making) => edit(golden('xattr-flexible'), making, 100),
  'golden-android': (making) => editBlindly(golden('android'), making, 150),
  'golden-encrypted': (making) => editBlindly(golden('encrypted'), making, 150),
  'fresh-plain': (making) => edit(fresh(making, 64, {}), making, 300),
  'fresh-features': (making) => edit(fresh(making, 64, { features: EVERYTHING }), making, 300),
  'fresh-sections': (making) =>
    edit(
      fresh(making, 200, { segmentsPerSection: 2, largeNatBitmap: true, overprovision: 10, heap: true }),
      making,
      300,
    ),
  crowd: (making) => crowd(fresh(making, 96, { features: CHECKED }), making),
  shapes: (making) => shapes(fresh(making, 64, {}), making),
  attributes: (making) => attributes(fresh(making, 64, { features: making.seed % 2 === 0 ? [] : EVERYTHING }), making),
  folded: (making) => folded(fresh(making, 64, { features: CHECKED, encoding: 'utf8' }), making),
  full: (making) => full(fresh(making, 64, { features: making.seed % 2 === 0 ? CHECKED : [] }), making),
  'cut-off': (making) =>
    cutOff(making.seed % 2 === 0 ? golden('plain') : fresh(making, 64, { features: CHECKED }), making),
  'cut-off-anywhere': (making) =>
    cutOffAnywhere(fresh(making, 64, { features: making.seed % 2 === 0 ? CHECKED : [] }), making),
};

/**
 * Every compressed volume that Linux wrote, overwritten inside its clusters by each engine: not among the twenty, but to be had by
 * name, `fixture-NAME-ENGINE`.
 */
export const fixtureMakers: Readonly<Record<string, VolumeMaker>> = Object.fromEntries(
  goldenVolumes()
    .filter(({ name }) => name.startsWith('compress-'))
    .flatMap(({ name }) =>
      (['iomap', 'page'] as const).map((bufferedIo): [string, VolumeMaker] => [
        `fixture-${name.slice('compress-'.length)}-${bufferedIo}`,
        ({ seed }) => overwrittenFixture(name, seed, bufferedIo),
      ]),
    ),
);

async function overwrittenFixture(name: string, seed: number, bufferedIo: BufferedIo): Promise<MadeVolume> {
  const device = golden(name);
  const codecs = await allCodecs();
  const writing = write(device, { seed, bufferedIo }, codecs);
  removeAccessLists(writing.volume);
  const model = modelOfVolume(writing.volume, writing.clock);
  const program = fixtureProgram(writing.volume, model, seed, 100);
  await runOnBoth(model, writing.target, writing.clock, program, REASONS);
  return { ...leave(writing), manifest: model.withoutHandles().manifest() };
}

/** The engine that makes a volume with a seed: another one for its neighbours, and for the seed after the next. */
export function engineOf(name: string, seed: number): BufferedIo {
  const place = Object.keys(volumeMakers).indexOf(name) + Math.floor(seed / 2);
  return place % 2 === 0 ? 'iomap' : 'page';
}
