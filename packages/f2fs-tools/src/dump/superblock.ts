// The superblock: one of its two copies, from a mounted volume or from a device that no mount accepts.

import { type BlockDevice, readBytes } from '@f2fskit/block';
import type { FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  BLOCK_SIZE,
  decodeSuperblock,
  EncodingFlag,
  errorNames,
  Feature,
  featureNames,
  MAX_DEVICES,
  maskNames,
  RawDevice,
  RawSuperblock,
  SUPER_MAGIC,
  SUPER_OFFSET,
  type Superblock,
  stopReasonNames,
  superblockChecksum,
  textOfUtf16,
  untilNul,
  uuidText,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { deviceNames, superblockNames } from './c-names.ts';
import { attempt, type Dump, type DumpRow, fieldRows, type Meanings, newDump, placeAt, problemsOf } from './dump.ts';
import { extensionsOf } from './extensions.ts';
import { blockBytesOf, hexOf, quoted, segmentBytesOf } from './phrases.ts';

/** Where a dump that needs no mount reads from. */
export type DumpSource = BlockDevice | F2fsVolume;

export function deviceOf(source: DumpSource): BlockDevice {
  return 'submit' in source ? source : source.device;
}

/** One copy as it was read: its bytes, and what it decodes to or why not. */
export interface SuperblockCopy {
  readonly copy: 0 | 1;
  /** 3072 bytes. */
  readonly bytes: Uint8Array;
  readonly superblock: Superblock | undefined;
  readonly problems: readonly FsError[];
}

/** Reads one copy. Throws EIO. */
export function* readSuperblockCopy(device: BlockDevice, copy: 0 | 1): Task<SuperblockCopy> {
  const block = new Uint8Array(BLOCK_SIZE);
  yield* readBytes(device, copy * BLOCK_SIZE, block);
  const bytes = block.subarray(SUPER_OFFSET);
  let superblock: Superblock | undefined;
  const problems = problemsOf(() => {
    superblock = decodeSuperblock(bytes, copy);
  });
  return { copy, bytes, superblock, problems };
}

/** The copy that a mount would take: the first sound one, or the first one that can be read. Throws EIO. */
export function* readSuperblockInUse(device: BlockDevice): Task<SuperblockCopy> {
  const first = yield* attempt(readSuperblockCopy(device, 0));
  if (first.problem === undefined && first.value.superblock !== undefined) return first.value;
  const second = yield* attempt(readSuperblockCopy(device, 1));
  if (second.problem === undefined && (second.value.superblock !== undefined || first.problem !== undefined)) {
    return second.value;
  }
  if (first.problem !== undefined) throw first.problem;
  return first.value;
}

/**
 * A copy of the superblock, every field of it also where the copy is broken; what breaks it is in `problems`. Without
 * `copy` the one in use: of a volume the one it was mounted with, of a device the one a mount would take. Throws EIO.
 */
export function* dumpSuperblock(source: DumpSource, copy?: 0 | 1): Task<Dump> {
  const device = deviceOf(source);
  const wanted = copy ?? ('submit' in source ? undefined : source.superblockCopy);
  const found = wanted === undefined ? yield* readSuperblockInUse(device) : yield* readSuperblockCopy(device, wanted);
  const view = viewOf(found.bytes);
  return newDump({
    title: `Superblock, copy ${found.copy + 1}`,
    place: placeAt(found.copy, SUPER_OFFSET),
    layout: RawSuperblock.$name,
    rows: [
      ...fieldRows(RawSuperblock, view, 0, { cNames: superblockNames, meanings: meaningsOf(found.bytes, view) }),
      ...deviceRows(view),
    ].sort((a, b) => a.offset - b.offset),
    problems: found.problems,
  });
}

function meaningsOf(bytes: Uint8Array, view: DataView): Meanings<typeof RawSuperblock> {
  const powerOf = (unit: string) => (log2: number) => (log2 < 32 ? `${2 ** log2} ${unit}` : undefined);
  const segments = (count: number): string => segmentBytesOf(count);
  const features = RawSuperblock.features.get(view, 0);
  const coldCount = RawSuperblock.extensionCount.get(view, 0);
  return {
    magic: (magic) => (magic === SUPER_MAGIC ? 'F2FS' : 'not F2FS'),
    logSectorSize: powerOf('bytes'),
    logSectorsPerBlock: powerOf('sectors'),
    logBlockSize: powerOf('bytes'),
    logBlocksPerSegment: powerOf('blocks'),
    checksumOffset: (offset) => (offset === 0 ? 'no checksum' : undefined),
    blockCount: (count) => blockBytesOf(Number(count)),
    segmentCount: segments,
    segmentCountCheckpoint: segments,
    segmentCountSit: segments,
    segmentCountNat: segments,
    segmentCountSsa: segments,
    segmentCountMain: segments,
    uuid: uuidText,
    volumeName: (name) => JSON.stringify(textOfUtf16(name)),
    extensions: (list) => extensionsOf(list, coldCount),
    version: (text) => quoted(untilNul(text)),
    initVersion: (text) => quoted(untilNul(text)),
    features: featureNames,
    quotaInos: (inos) => inos.map((ino, type) => `${['user', 'group', 'project'][type]} ${ino || 'none'}`),
    encoding: (encoding) => (encoding === 0 ? 'none' : encoding === 1 ? 'UTF-8 12.1' : undefined),
    encodingFlags: (flags) => maskNames(encodingFlagNames, flags),
    stopReasons: (counters) => stopReasonNames(counters).map(({ reason, count }) => `${reason}: ${count}`),
    errorBits: errorNames,
    checksum: (found) => {
      if ((features & Feature.sbChecksum) === 0) return 'not in use';
      const expected = superblockChecksum(bytes);
      return found === expected ? 'right' : `wrong, should be ${hexOf(expected)}`;
    },
  };
}

const encodingFlagNames: ReadonlyMap<number, string> = new Map([
  [EncodingFlag.strict, 'strict'],
  [EncodingFlag.noHashlessLookup, 'no_hashless_lookup'],
]);

/** The devices that have a path; one row for all of them where none has. */
function deviceRows(view: DataView): DumpRow[] {
  const { devices } = RawSuperblock;
  const rows: DumpRow[] = [];
  for (let index = 0; index < MAX_DEVICES; index++) {
    const at = devices.at(0, index);
    if (RawDevice.path.get(view, at)[0] === 0) continue;
    rows.push(
      ...fieldRows(RawDevice, view, at, {
        cNames: deviceNames,
        meanings: { path: (path) => quoted(untilNul(path)), segmentCount: segmentBytesOf },
        start: at,
        prefix: `devices[${index}].`,
        cPrefix: `devs[${index}].`,
      }),
    );
  }
  if (rows.length > 0) return rows;
  const { offset, size, type, note } = devices;
  const value = new Uint8Array(view.buffer, view.byteOffset + offset, size).slice();
  return [{ offset, size, type, name: 'devices', cName: superblockNames.devices, value, meaning: 'none', note }];
}
