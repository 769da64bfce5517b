// What a caller may ask of a format, and the same thing checked and complete. Every refusal names the option.

import { EINVAL, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, EncodingFlag, Feature, untilNul } from '@f2fskit/f2fs-format';
import { type Clock, type RandomSource, seededRandom, systemClock } from '@f2fskit/task';
import { utf8Encode } from '@f2fskit/vfs/utf8';
import { type ExtensionLists, extensionLists } from './extensions.ts';
import { chooseFeatures, extraAttributeBytes, type QuotaTypes } from './features.ts';
import type { LayoutOptions } from './layout.ts';

/** What decides about the layout. The letters are those of mkfs.f2fs. */
export interface GeometryOptions {
  /** `-s`: segments that are cleaned together. Default 1. */
  segmentsPerSection?: number;
  /** `-z`: sections of a zone; the logs start in different ones. Default 1. */
  sectionsPerZone?: number;
  /** `-o`: percent of the main area that files cannot have. Default 0: the best percentage is searched. */
  overprovision?: number;
  /** `-i`: a larger node table, for volumes of many small files. */
  largeNatBitmap?: boolean;
  /** `-a 1`: nodes and hot data start at the end of the volume. */
  heap?: boolean;
  /** `-w`: bytes of a sector, 512 to 4096; it is only recorded. Default 512. */
  sectorSize?: number;
  /** `-O`: features by their names in mkfs.f2fs, such as `extra_attr`. Default none. */
  features?: readonly string[];
  /** `-g android`: encrypt, extra_attr, project_quota, quota, verity; owner 0:0. Alone with `ro` it adds none. */
  android?: boolean;
  /** `-C`: `utf8` or `utf8:strict`; switches casefold on. Default none. */
  encoding?: string;
}

/** What {@link formatVolume} may be asked. Nothing but what is given here comes from outside. */
export interface FormatOptions extends GeometryOptions {
  /** Bytes of the volume, up to the size of the device, which is the default. */
  size?: number;
  /** `-l`: at most 512 bytes of UTF-8. */
  label?: string;
  /** `-U`: `00112233-4455-6677-8899-aabbccddeeff`. Default: a random one. */
  uuid?: string;
  /** `-R`: who owns the root directory. Default 0:0. */
  owner?: { readonly uid: number; readonly gid: number };
  /** `-e`: more cold extensions, at most 7 bytes each. */
  coldExtensions?: readonly string[];
  /** `-E`: more hot extensions. */
  hotExtensions?: readonly string[];
  /** `-T`: the time of all inodes; only its seconds are stored. Default: the clock of the system. */
  clock?: Clock;
  /** Where a uuid and a checkpoint version come from that are not given. Default: seeded by chance. */
  random?: RandomSource;
  /** Version of the first checkpoint, 1..2^32-1. Default: a random odd number below 2^31. */
  checkpointVersion?: number;
  /** Text that says which kernel used the volume last: up to the first newline, at most 252 bytes. Default `f2fskit`. */
  version?: string;
  /** Text that says who formatted the volume. Default: `version`. */
  initVersion?: string;
  /** The device reads as zeros wherever the volume will be: nothing is cleared. Default false. */
  blank?: boolean;
  /** `-t`: discard the device first, where it can do that. Default true. */
  discard?: boolean;
}

/** {@link FormatOptions}, checked and complete. */
export interface FormatSettings extends LayoutOptions {
  /** Feature bits. */
  readonly features: number;
  readonly quotaTypes: QuotaTypes;
  /** Bytes of extra attributes of every inode; 0 = none. */
  readonly extraBytes: number;
  readonly encoding: number;
  readonly encodingFlags: number;
  /** UTF-16LE, at most 1024 bytes. */
  readonly label: Uint8Array;
  /** 16 bytes. */
  readonly uuidBytes: Uint8Array;
  readonly uid: number;
  readonly gid: number;
  readonly extensions: ExtensionLists;
  /** Seconds since 1970. */
  readonly seconds: number;
  readonly checkpointVersion: number;
  /** At most 252 bytes each. */
  readonly version: Uint8Array;
  readonly initVersion: Uint8Array;
  readonly blank: boolean;
  readonly discard: boolean;
}

const LABEL_BYTES_MAX = 512;
const VERSION_BYTES_MAX = 252;
const UTF8_12_1 = 1;

/** The part of the settings that decides about the layout. Throws EINVAL, naming the option. */
export function checkGeometryOptions(options: GeometryOptions): LayoutOptions {
  const { segmentsPerSection = 1, sectionsPerZone = 1, overprovision = 0, sectorSize = 512 } = options;
  checkInteger('segmentsPerSection', segmentsPerSection, 1, 0xffff_ffff);
  checkInteger('sectionsPerZone', sectionsPerZone, 1, 0xffff_ffff);
  checkOption(overprovision >= 0 && overprovision <= 100, 'overprovision', '0 to 100 percent', overprovision);
  checkOption([512, 1024, 2048, BLOCK_SIZE].includes(sectorSize), 'sectorSize', '512, 1024, 2048 or 4096', sectorSize);
  return {
    segmentsPerSection,
    sectionsPerZone,
    overprovision,
    sectorSize,
    largeNatBitmap: options.largeNatBitmap ?? false,
    heap: options.heap ?? false,
    readOnly: (choiceOf(options).features & Feature.ro) !== 0,
  };
}

/**
 * Checks every option and fills in the defaults.
 *
 * @throws FsError EINVAL with a detail that starts with the name of the option.
 */
export function checkFormatOptions(options: FormatOptions): FormatSettings {
  const { uid = 0, gid = 0 } = options.owner ?? {};
  checkInteger('owner', uid, 0, 0xffff_ffff);
  checkInteger('owner', gid, 0, 0xffff_ffff);
  const android = options.android ?? false;
  const random = options.random ?? seededRandom(Math.floor(Math.random() * 2 ** 53));
  const { features, quotaTypes } = choiceOf(options);
  const { version = 'f2fskit', initVersion = version } = options;
  return {
    ...checkGeometryOptions(options),
    features,
    quotaTypes,
    extraBytes: extraAttributeBytes(features),
    ...encodingOf(options.encoding),
    label: labelOf(options.label ?? ''),
    uuidBytes: options.uuid === undefined ? randomUuid(random) : uuidOf(options.uuid),
    uid: android ? 0 : uid,
    gid: android ? 0 : gid,
    extensions: extensionLists(options.coldExtensions ?? [], options.hotExtensions ?? []),
    seconds: secondsOf(options.clock ?? systemClock),
    checkpointVersion: checkpointVersionOf(options.checkpointVersion ?? (random.u32() >>> 1) | 1),
    version: versionText(version),
    initVersion: versionText(initVersion),
    blank: options.blank ?? false,
    discard: options.discard ?? true,
  };
}

function choiceOf(options: GeometryOptions): { features: number; quotaTypes: QuotaTypes } {
  return chooseFeatures(options.features ?? [], options.android ?? false, options.encoding !== undefined);
}

function checkOption(ok: boolean, option: string, expected: string, found: unknown): void {
  if (!ok) throw new FsError(EINVAL, `${option}: ${expected}, not ${String(found)}`);
}

function checkInteger(option: string, value: number, least: number, most: number): void {
  checkOption(
    Number.isInteger(value) && value >= least && value <= most,
    option,
    `an integer ${least}..${most}`,
    value,
  );
}

function encodingOf(encoding: string | undefined): { encoding: number; encodingFlags: number } {
  if (encoding === undefined) return { encoding: 0, encodingFlags: 0 };
  checkOption(encoding === 'utf8' || encoding === 'utf8:strict', 'encoding', 'utf8 or utf8:strict', encoding);
  return { encoding: UTF8_12_1, encodingFlags: encoding === 'utf8' ? 0 : EncodingFlag.strict };
}

/** mkfs.f2fs counts bytes before it converts, so the 1024 bytes of the field are never exceeded. */
function labelOf(label: string): Uint8Array {
  const bytes = utf8Encode(label).length;
  checkOption(bytes <= LABEL_BYTES_MAX, 'label', `at most ${LABEL_BYTES_MAX} bytes of UTF-8`, `${bytes}`);
  checkOption(!label.includes('\0'), 'label', 'text without NUL', 'one with NUL');
  const units = new Uint8Array(2 * label.length);
  for (let index = 0; index < label.length; index++) {
    const unit = label.charCodeAt(index);
    units[2 * index] = unit;
    units[2 * index + 1] = unit >>> 8;
  }
  return units;
}

function uuidOf(text: string): Uint8Array {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
  checkOption(shape.test(text), 'uuid', 'a text like 00112233-4455-6677-8899-aabbccddeeff', `'${text}'`);
  const digits = text.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16));
}

/** Version 4, variant 1 of RFC 4122. */
function randomUuid(random: RandomSource): Uint8Array {
  const bytes = Uint8Array.from({ length: 16 }, () => random.below(256));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes;
}

function secondsOf(clock: Clock): number {
  const { seconds } = clock.now();
  checkOption(Number.isSafeInteger(seconds), 'clock', 'whole seconds', seconds);
  return seconds;
}

function checkpointVersionOf(version: number): number {
  // The key of nat_bits has room for the version in its lower half.
  checkInteger('checkpointVersion', version, 1, 0xffff_ffff);
  return version;
}

function versionText(text: string): Uint8Array {
  const line = text.split('\n', 1)[0] ?? '';
  return untilNul(utf8Encode(line)).slice(0, VERSION_BYTES_MAX);
}
