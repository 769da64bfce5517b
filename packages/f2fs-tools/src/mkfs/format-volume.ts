// Making a volume. The order is crash-safe: at any moment the device holds the old volume, no volume, or the new one.
//
//   1. the superblocks of whatever was there are cleared; flush
//   2. everything before the main area and the segments that the logs start in is cleared
//   3. files, NAT, checkpoint packs; flush
//   4. both superblocks; flush
//
// A device that is blank needs neither 1 nor 2, and blocks of zeros are never written: the cost of a volume does not
// depend on its size. Content behind the metadata that is not cleared is free space: no checkpoint refers to it, and the
// chain that recovery follows starts in a cleared segment.

import { type BlockDevice, discardBytes, flushDevice, SECTOR_SIZE, writeBytes } from '@f2fskit/block';
import { EINVAL, EROFS, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  COMPRESS_ADDRESS,
  featureNames,
  SEGMENT_BLOCKS,
  SUPER_COPIES,
  uuidText,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { checkpointPacks } from './checkpoint.ts';
import { type FreshBlock, freshFiles } from './fresh-files.ts';
import { type Layout, layoutOf } from './layout.ts';
import { natBlock } from './node-table.ts';
import { checkFormatOptions, checkGeometryOptions, type FormatOptions, type GeometryOptions } from './options.ts';
import { superblockBlock } from './superblock.ts';

/** What was made. */
export interface FormatReport {
  readonly layout: Layout;
  readonly uuid: string;
  /** Names of the features. */
  readonly features: readonly string[];
  readonly checkpointVersion: number;
  /** Blocks written with content. */
  readonly blocksWritten: number;
  /** Bytes overwritten with zeros. */
  readonly bytesCleared: number;
  /** Options that were not followed to the letter. */
  readonly warnings: readonly string[];
}

/**
 * The numbers of a volume of `bytes`, without making one.
 *
 * @throws FsError EINVAL when no such volume can be made; the detail names the option, `size` among them.
 */
export function formatGeometry(bytes: number, options: GeometryOptions = {}): Layout {
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new FsError(EINVAL, `size: ${bytes} is not a number of bytes`);
  return layoutOf(bytes, checkGeometryOptions(options));
}

/**
 * Makes a volume on `device`, whatever is there. The bytes are those of mkfs.f2fs 1.15 with the same options, with one
 * exception: the quota files of an owner other than 0 are right here (quota-files.ts).
 *
 * @throws FsError EINVAL for options that are wrong or do not go together, EROFS, and what the device throws. Options
 *   are checked before anything is written.
 */
export function* formatVolume(device: BlockDevice, options: FormatOptions = {}): Task<FormatReport> {
  const settings = checkFormatOptions(options);
  const size = options.size ?? device.size;
  if (size > device.size) throw new FsError(EINVAL, `size: ${device.name} has only ${device.size} bytes, not ${size}`);
  const layout = formatGeometry(size, options);
  if (device.readOnly) throw new FsError(EROFS, `${device.name} is opened for reading only`);

  const discards = settings.discard && device.canDiscard;
  const files = freshFiles(layout, settings);
  const superblock = superblockBlock(layout, settings, files.quotaInos);
  const content: FreshBlock[] = [
    ...files.files.flatMap(({ node, data }) => [node, ...data]),
    { address: layout.natAddress, bytes: natBlock(files) },
    ...checkpointPacks(layout, settings, files, settings.discard && (settings.blank || discards)),
  ];

  let bytesCleared = 0;
  if (!settings.blank) {
    bytesCleared += yield* clear(device, 0, SUPER_COPIES * BLOCK_SIZE);
    yield* flushDevice(device);
    if (discards) yield* discardBytes(device, 0, size - (size % SECTOR_SIZE));
    else for (const [start, end] of rangesToClear(layout)) bytesCleared += yield* clear(device, start, end);
  }
  for (const { address, bytes } of content) yield* writeBytes(device, address * BLOCK_SIZE, bytes);
  yield* flushDevice(device);
  for (let copy = 0; copy < SUPER_COPIES; copy++) yield* writeBytes(device, copy * BLOCK_SIZE, superblock);
  yield* flushDevice(device);
  return {
    layout,
    uuid: uuidText(settings.uuidBytes),
    features: featureNames(settings.features),
    checkpointVersion: settings.checkpointVersion,
    blocksWritten: content.length + SUPER_COPIES,
    bytesCleared,
    warnings: [...settings.extensions.warnings, ...addressWarnings(layout)],
  };
}

/** The last two blocks of 16 TiB have addresses that mean something else in a node. */
function addressWarnings({ mainAddress, segmentCountMain }: Layout): string[] {
  if (mainAddress + segmentCountMain * SEGMENT_BLOCKS <= COMPRESS_ADDRESS) return [];
  return ['size: the last two blocks have reserved addresses and must never be used; a smaller size avoids that'];
}

/** Byte ranges in which something older must not be found: all metadata, and the segments of the logs. */
function rangesToClear({ mainAddress, logs }: Layout): Array<[start: number, end: number]> {
  const segments = [...new Set(Object.values<number>({ ...logs }))];
  const logRanges = segments.map((segno): [number, number] => {
    const start = mainAddress + segno * SEGMENT_BLOCKS;
    return [start * BLOCK_SIZE, (start + SEGMENT_BLOCKS) * BLOCK_SIZE];
  });
  return [[0, mainAddress * BLOCK_SIZE], ...logRanges];
}

const CLEAR_CHUNK = 1 << 20;
const zeros = new Uint8Array(CLEAR_CHUNK);

/** Writes zeros to [start, end), a chunk at a time; returns how many. */
function* clear(device: BlockDevice, start: number, end: number): Task<number> {
  for (let offset = start; offset < end; offset += CLEAR_CHUNK) {
    yield* writeBytes(device, offset, zeros.subarray(0, Math.min(CLEAR_CHUNK, end - offset)));
  }
  return end - start;
}
