// The superblock of a new volume, and where its two copies go.

import {
  BLOCK_SIZE,
  BLOCK_SIZE_LOG2,
  CHECKPOINT_SEGMENTS,
  Feature,
  META_INO,
  NODE_INO,
  RawSuperblock,
  ROOT_INO,
  SEGMENT_BLOCKS_LOG2,
  SUPER_CHECKSUM_OFFSET,
  SUPER_MAGIC,
  SUPER_OFFSET,
  sealSuperblock,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { utf8Encode } from '@f2fskit/vfs/utf8';
import { EXTENSION_BYTES } from './extensions.ts';
import type { Layout } from './layout.ts';
import type { FormatSettings } from './options.ts';

const MAJOR_VERSION = 1;
/** Of the f2fs-tools whose rules we follow. */
const MINOR_VERSION = 15;

/** Inodes of the quota files: user, group, project; 0 = none. */
export type QuotaInos = readonly [user: number, group: number, project: number];

/** The block that is written twice: 1024 bytes of zeros, then the superblock. */
export function superblockBlock(layout: Layout, settings: FormatSettings, quotaInos: QuotaInos): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const copy = block.subarray(SUPER_OFFSET);
  const view = viewOf(copy);
  const raw = RawSuperblock;
  const logSectorSize = Math.log2(settings.sectorSize);
  raw.magic.set(view, 0, SUPER_MAGIC);
  raw.majorVersion.set(view, 0, MAJOR_VERSION);
  raw.minorVersion.set(view, 0, MINOR_VERSION);
  raw.logSectorSize.set(view, 0, logSectorSize);
  raw.logSectorsPerBlock.set(view, 0, BLOCK_SIZE_LOG2 - logSectorSize);
  raw.logBlockSize.set(view, 0, BLOCK_SIZE_LOG2);
  raw.logBlocksPerSegment.set(view, 0, SEGMENT_BLOCKS_LOG2);
  raw.segmentsPerSection.set(view, 0, settings.segmentsPerSection);
  raw.sectionsPerZone.set(view, 0, settings.sectionsPerZone);

  raw.blockCount.set(view, 0, layout.blockCount);
  raw.sectionCount.set(view, 0, layout.sectionCount);
  raw.segmentCount.set(view, 0, layout.segmentCount);
  raw.segmentCountCheckpoint.set(view, 0, CHECKPOINT_SEGMENTS);
  raw.segmentCountSit.set(view, 0, layout.segmentCountSit);
  raw.segmentCountNat.set(view, 0, layout.segmentCountNat);
  raw.segmentCountSsa.set(view, 0, layout.segmentCountSsa);
  raw.segmentCountMain.set(view, 0, layout.segmentCountMain);
  raw.segment0Address.set(view, 0, layout.segment0Address);
  raw.checkpointAddress.set(view, 0, layout.segment0Address);
  raw.sitAddress.set(view, 0, layout.sitAddress);
  raw.natAddress.set(view, 0, layout.natAddress);
  raw.ssaAddress.set(view, 0, layout.ssaAddress);
  raw.mainAddress.set(view, 0, layout.mainAddress);
  raw.checkpointPayloadBlocks.set(view, 0, layout.checkpointPayloadBlocks);

  raw.rootIno.set(view, 0, ROOT_INO);
  raw.nodeIno.set(view, 0, NODE_INO);
  raw.metaIno.set(view, 0, META_INO);
  for (const [type, ino] of quotaInos.entries()) raw.quotaInos.set(view, 0, type, ino);

  raw.uuid.set(view, 0, settings.uuidBytes);
  raw.volumeName.set(view, 0, settings.label);
  raw.version.set(view, 0, settings.version);
  raw.initVersion.set(view, 0, settings.initVersion);
  const { cold, hot } = settings.extensions;
  raw.extensionCount.set(view, 0, cold.length);
  raw.hotExtensionCount.set(view, 0, hot.length);
  const list = raw.extensions.get(view, 0);
  for (const [index, extension] of [...cold, ...hot].entries()) {
    list.set(utf8Encode(extension), EXTENSION_BYTES * index);
  }

  raw.features.set(view, 0, settings.features);
  raw.encoding.set(view, 0, settings.encoding);
  raw.encodingFlags.set(view, 0, settings.encodingFlags);
  if ((settings.features & Feature.sbChecksum) !== 0) {
    raw.checksumOffset.set(view, 0, SUPER_CHECKSUM_OFFSET);
    sealSuperblock(copy);
  }
  return block;
}
