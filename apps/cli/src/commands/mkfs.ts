// f2fs mkfs: a new volume, byte for byte that of mkfs.f2fs 1.15 with the same options.
//
// Every option is tried on a device in memory first, which costs twenty blocks at any size: what is wrong is said before
// anything is touched.

import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { closeDevice, MemoryDevice, SECTOR_SIZE } from '@f2fskit/block';
import { FileDevice } from '@f2fskit/block/node';
import { FsError } from '@f2fskit/errno';
import { type FormatOptions, type FormatReport, formatVolume } from '@f2fskit/f2fs-tools/mkfs';
import { PaddedDevice } from '@f2fskit/images';
import { fixedClock, runAsync, runSync, systemClock } from '@f2fskit/task';
import { Argument, Option } from 'commander';
import type { Context, ImageCommandSpec } from '../command.ts';
import { UsageError } from '../errors.ts';
import { addNames, type FormatValues, parsePercent } from '../format-options.ts';
import { type FormatTarget, findTarget, writeTarget } from '../format-target.ts';
import { occupantOf } from '../occupant.ts';
import { parseOwner } from '../operands.ts';
import { type Output, visible } from '../output.ts';
import { showBytes, showTime } from '../show.ts';
import { parseInteger, parseSize } from '../size.ts';
import { sourceDateEpoch } from '../time.ts';
import { runWatched } from '../watched-device.ts';

interface Options extends FormatValues {
  size?: number;
  heap?: '0' | '1';
  sectorSize?: number;
  owner?: { uid: number; gid: number };
  time?: number;
  discard?: '0' | '1';
  fixedCheckpoint?: boolean;
  force?: boolean;
  quiet?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

export const mkfs: ImageCommandSpec<Options> = {
  name: 'mkfs',
  summary: 'make an empty volume, as mkfs.f2fs does',
  image: 'where to: a file, made if need be, or a block device',
  arguments: [new Argument('[sectors]', 'the size, as mkfs.f2fs takes it: see -w').argParser(parseInteger)],
  options: [
    new Option('--size <bytes>', 'of the volume: a number with K, M, G or T; default: that of IMAGE').argParser(
      parseSize,
    ),
    new Option('-l, --label <text>', 'label, at most 512 bytes'),
    new Option('-O, --features <names>', 'features, separated by commas: extra_attr,compression').argParser(addNames),
    new Option('-i, --large-nat', 'a larger node table, for very many small files'),
    new Option('-o, --overprovision <percent>', 'what files cannot have; default: the best is searched').argParser(
      parsePercent,
    ),
    new Option('-U, --uuid <uuid>', 'default: a random one'),
    new Option('-C, --encoding <name>', 'case-insensitive directories are possible: utf8, utf8:strict'),
    new Option('-s, --segments-per-section <number>', 'default: 1').argParser(parseInteger),
    new Option('-z, --sections-per-zone <number>', 'default: 1').argParser(parseInteger),
    new Option('-E, --hot <extensions>', 'more extensions of files that change often').argParser(addNames),
    new Option('-e, --cold <extensions>', 'more extensions of files that rarely change').argParser(addNames),
    new Option('-g, --defaults <set>', 'android: encrypt, extra_attr, project_quota, quota, verity').choices([
      'android',
    ]),
    new Option('-a, --heap <0|1>', '1: nodes and hot data start at the end').choices(['0', '1']),
    new Option('-w, --sector-size <bytes>', 'what [sectors] counts; default: 512').argParser(parseInteger),
    new Option('-R, --owner <uid:gid>', 'of the root directory; default: 0:0').argParser(parseOwner),
    new Option('-T, --time <seconds>', 'of all inodes; default: SOURCE_DATE_EPOCH, or now').argParser(parseInteger),
    new Option('-t, --discard <0|1>', '0: old content is not given up first').choices(['0', '1']),
    new Option('-r, --fixed-checkpoint', 'the checkpoint version that mkfs.f2fs -r gives'),
    new Option('-f, --force', 'write over what is there'),
    new Option('-q, --quiet', 'print nothing'),
    new Option('--dry-run', 'show what would be made, and touch nothing'),
    new Option('--json', 'one JSON document'),
  ],
  examples: [
    ['f2fs mkfs disk.img --size 1G -l data', 'a new file of 1 GiB, sparse'],
    ['f2fs mkfs disk.img --size 1G -O extra_attr,compression', 'that can have compressed files'],
    ['f2fs mkfs -g android --size 8G userdata.img', 'as Android makes its userdata'],
    ['f2fs mkfs -f /dev/sdb1', 'a partition, whatever is on it'],
    ['f2fs mkfs --dry-run --size 2T x.img', 'how such a volume would be divided'],
  ],
  notes:
    'What holds data is not written over without -f, -g android included. A file that is new has its name only when it is\n' +
    'complete. The checkpoint version is computed from uuid and time: -U and SOURCE_DATE_EPOCH (or -T) give the same bytes\n' +
    'again. Exit codes: 0 made, 1 failed or refused, 2 wrong usage, 130 interrupted.',
  async runOnImage(image, [sectors], options, context) {
    const { output } = context;
    const wanted = wantedSize(sectors as number | undefined, options);
    const target = await findTarget(image, wanted);
    const format = formatOptions(options, context.environment);
    const plan = rehearse(target, format, wanted !== undefined);
    for (const warning of plan.warnings) output.note(inWordsOfOptions(warning));
    if (options.dryRun !== true) await make(target, format, options, context);
    if (options.json === true) await output.json(asJson(image, plan, format, options));
    else if (options.quiet !== true) await printPlan(image, plan, format, options, output);
  },
};

function wantedSize(sectors: number | undefined, { size, sectorSize = 512 }: Options): number | undefined {
  if (sectors === undefined) return size;
  if (size !== undefined) throw new UsageError('the size is said twice: by --size and by a number of sectors');
  const bytes = sectors * sectorSize;
  if (!Number.isSafeInteger(bytes)) throw new UsageError(`${sectors} sectors are too many`);
  return bytes;
}

/** Everything that a format would otherwise take from the world is settled here. */
type SettledFormat = FormatOptions & Required<Pick<FormatOptions, 'label' | 'uuid' | 'clock' | 'checkpointVersion'>>;

/** First number of the C library's generator after srand(0), which is what -r asks for. */
const FIXED_CHECKPOINT_VERSION = 0x6b8b4567;

function formatOptions(options: Options, environment: NodeJS.ProcessEnv): SettledFormat {
  const seconds = options.time ?? sourceDateEpoch(environment) ?? systemClock.now().seconds;
  const uuid = options.uuid ?? randomUUID();
  return {
    label: options.label ?? '',
    uuid,
    clock: fixedClock(seconds),
    checkpointVersion: options.fixedCheckpoint === true ? FIXED_CHECKPOINT_VERSION : checkpointVersion(uuid, seconds),
    largeNatBitmap: options.largeNat === true,
    android: options.defaults === 'android',
    heap: options.heap === '1',
    discard: options.discard !== '0',
    ...given('features', options.features),
    ...given('overprovision', options.overprovision),
    ...given('encoding', options.encoding),
    ...given('segmentsPerSection', options.segmentsPerSection),
    ...given('sectionsPerZone', options.sectionsPerZone),
    ...given('hotExtensions', options.hot),
    ...given('coldExtensions', options.cold),
    ...given('owner', options.owner),
  };
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value });
}

/** Differs from volume to volume, so that no old node of the same place is taken for a new one; odd, below 2^31. */
function checkpointVersion(uuid: string, seconds: number): number {
  const digest = createHash('sha256').update(`f2fskit mkfs ${uuid.toLowerCase()} ${seconds}`).digest();
  return (digest.readUInt32BE(0) >>> 1) | 1;
}

/** The letter of each option of the library. */
const letters: Readonly<Record<string, string>> = {
  size: '--size',
  label: '-l',
  features: '-O',
  overprovision: '-o',
  uuid: '-U',
  encoding: '-C',
  segmentsPerSection: '-s',
  sectionsPerZone: '-z',
  hotExtensions: '-E',
  coldExtensions: '-e',
  owner: '-R',
  clock: '-T',
};

function inWordsOfOptions(text: string): string {
  const [, option, rest] = /^(\w+): (.*)$/s.exec(text) ?? [];
  const letter = option === undefined ? undefined : letters[option];
  return letter === undefined ? text : `${letter}: ${rest}`;
}

/** Makes the volume in memory. What is wrong with the options is wrong usage, also a size that no volume can have, if it was
 * asked for. */
function rehearse(target: FormatTarget, format: FormatOptions, sizeWanted: boolean): FormatReport {
  try {
    const size = target.size - (target.size % SECTOR_SIZE);
    return runSync(formatVolume(new MemoryDevice(size), { ...format, blank: true }));
  } catch (error) {
    if (!(error instanceof FsError) || error.code !== 'EINVAL' || error.detail === undefined) throw error;
    if (error.detail.startsWith('size:') && !sizeWanted) {
      throw new Error(`${target.path}${error.detail.slice('size'.length)}`);
    }
    throw new UsageError(inWordsOfOptions(error.detail));
  }
}

async function make(target: FormatTarget, format: FormatOptions, options: Options, context: Context): Promise<void> {
  const { streams } = context;
  const { kind, path, size } = target;
  let empty = false;
  if (kind !== 'new' && options.force !== true) {
    const occupant = await lookAt(target, context);
    if (occupant !== undefined) throw new Error(`${path} holds ${occupant}: to write over it, add -f`);
    empty = true;
  }
  const left = kind === 'new' ? 'nothing of it is left' : `${path} may hold no volume now`;
  const watch = { streams, doing: 'writing', stopped: `interrupted; ${left}` };
  await writeTarget(target, { empty, discard: format.discard !== false }, (device, blank) =>
    runWatched(device, (watched) => formatVolume(watched, { ...format, size: sectorsOf(size), blank }), watch),
  );
}

const sectorsOf = (size: number): number => size - (size % SECTOR_SIZE);

/** What is on the target. A file is looked at to its last byte, which a device may not have. */
async function lookAt({ kind, path }: FormatTarget, { streams }: Context): Promise<string | undefined> {
  const device = FileDevice.open(path);
  try {
    const tail = kind === 'file' ? tailOf(path, device.size) : new Uint8Array(0);
    const whole = tail.length === 0 ? device : new PaddedDevice(device, tail);
    const watch = {
      streams,
      doing: `looking whether ${visible(path)} is empty`,
      stopped: 'interrupted; nothing was changed',
    };
    return await runWatched(whole, (watched) => occupantOf(watched, kind === 'disk'), watch);
  } finally {
    await runAsync(closeDevice(device));
  }
}

/** Bytes behind the last whole sector of a file. */
function tailOf(path: string, start: number): Uint8Array {
  const fd = openSync(path, 'r');
  try {
    const tail = new Uint8Array(Math.max(0, fstatSync(fd).size - start));
    return tail.length === 0 ? tail : tail.subarray(0, readSync(fd, tail, 0, tail.length, start));
  } finally {
    closeSync(fd);
  }
}

/** A dry run has no uuid, and nothing that is computed from it, unless one was given. */
const hasUuid = ({ dryRun, uuid }: Options): boolean => dryRun !== true || uuid !== undefined;

function asJson(image: string, plan: FormatReport, format: SettledFormat, options: Options): object {
  const { layout, features, warnings } = plan;
  const { uuid, checkpointVersion } = format;
  return {
    schema: 'f2fs.mkfs/1',
    image,
    made: options.dryRun !== true,
    label: format.label,
    ...(hasUuid(options) ? { uuid, checkpointVersion } : {}),
    features,
    time: format.clock.now().seconds,
    geometry: layout,
    warnings: warnings.map(inWordsOfOptions),
  };
}

async function printPlan(
  image: string,
  { layout, features }: FormatReport,
  format: SettledFormat,
  options: Options,
  output: Output,
): Promise<void> {
  const { dryRun = false, segmentsPerSection = 1, sectionsPerZone = 1, encoding } = options;
  const { overprovisionSegmentCount, reservedSegmentCount, percent, userBlockCount } = layout;
  const metadata = layout.segmentCountSit + layout.segmentCountNat + layout.segmentCountSsa;
  const rows: Array<[label: string, value: string]> = [
    ['Label', format.label === '' ? '(none)' : visible(format.label)],
    ...(hasUuid(options) ? [['UUID', format.uuid] as [string, string]] : []),
    ['Features', features.join(' ') || '(none)'],
    ...(encoding === undefined ? [] : [['Encoding', encoding] as [string, string]]),
    ['Time', showTime(format.clock.now())],
    ['Size', `${showBytes(layout.bytes)} (${layout.blockCount} blocks of 4096 bytes)`],
    [
      'Metadata',
      `${metadata} segments of tables (SIT ${layout.segmentCountSit}, NAT ${layout.segmentCountNat}, SSA ${layout.segmentCountSsa})`,
    ],
    ['Main area', `${layout.segmentCountMain} of ${layout.segmentCount} segments, from block ${layout.mainAddress}`],
    ['Sections', `${segmentsPerSection} segment(s) each, ${sectionsPerZone} section(s) a zone`],
    [
      'Overprovision',
      `${percent} %: ${overprovisionSegmentCount} segments, ${reservedSegmentCount} of them for cleaning`,
    ],
    ['For files', `${showBytes(userBlockCount * 4096)} (${userBlockCount} blocks)`],
  ];
  await output.line(output.heading(`${visible(image)}: ${dryRun ? 'would be an F2FS volume' : 'F2FS volume made'}`));
  for (const [label, value] of rows) await output.line(`  ${label.padEnd(13)} ${value}`);
}
