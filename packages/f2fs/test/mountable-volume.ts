// A volume that can be mounted: the slots of TestVolume, and checkpoint packs, written last. As there, a test states what
// is on the medium, and nothing has to be consistent.

import type { BlockDevice } from '@f2fskit/block';
import { Corruption, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CheckpointFlag,
  Feature,
  type NatRecord,
  RawCheckpoint,
  SEGMENT_BLOCKS,
  sealCheckpoint,
} from '@f2fskit/f2fs-format';
import { type TestInode, TestVolume, type TestVolumeOptions } from '@f2fskit/f2fs-node/test-volume';
import { viewOf } from '@f2fskit/ondisk';
import { runSync, type Task } from '@f2fskit/task';
import { expect } from 'vitest';
import { type F2fsInode, type F2fsVolume, type MountOptions, mountF2fs } from '../src/index.ts';
import { fillArea, inlineAreaOf, type TestDentry } from './dentries.ts';

export const DIRECTORY = 0o040755;
export const SYMLINK = 0o120777;

export interface TestPack {
  /** Default 5. */
  version?: number | readonly [low: number, high: number];
  /** Default: unmounted, compact summaries. */
  flags?: number;
  /** Default: 4092, or 192 with a large NAT bitmap. */
  checksumOffset?: number;
  orphanBlocks?: number;
  natJournal?: readonly NatRecord[];
  /** The count that the NAT journal claims, where it is not its own. */
  natJournalCount?: number;
  sitJournalCount?: number;
  /** Where the warm node log goes on. Default segment 1, offset 0. */
  warmNodes?: readonly [segno: number, offset: number];
  /** Changes the first checkpoint block (and with it the last) before it is sealed. */
  raw?: (view: DataView) => void;
  /** Changes the last checkpoint block before it is sealed. */
  rawLast?: (view: DataView) => void;
}

export class MountableVolume extends TestVolume {
  constructor(options: TestVolumeOptions = {}) {
    super({
      features: Feature.extraAttr | Feature.flexibleInlineXattr | Feature.sbChecksum | Feature.inodeChecksum,
      ...options,
    });
  }

  /** A directory with its entries in the inode; `.` and `..` come first unless told otherwise. */
  inlineDirectory(ino: number, entries: readonly TestDentry[], description: TestInode & { bare?: boolean } = {}): void {
    const { offset, size } = inlineAreaOf(description);
    const all = description.bare === true ? entries : [...dots(ino), ...entries];
    this.inode(ino, {
      mode: DIRECTORY,
      links: 2,
      size,
      ...description,
      inline: (description.inline ?? 0) | 0x04,
      raw: (view, block) => {
        fillArea(block, offset, size, all);
        description.raw?.(view, block);
      },
    });
  }

  /** Writes a checkpoint pack; the newer of the two is in force. */
  writePack(index: 0 | 1, pack: TestPack = {}): void {
    const { superblock, natBitmap } = this;
    const { version = 5, flags = CheckpointFlag.umount | CheckpointFlag.compactSummary, orphanBlocks = 0 } = pack;
    const payload = superblock.checkpointPayloadBlocks;
    const large = (flags & CheckpointFlag.largeNatBitmap) !== 0;
    const compact = (flags & CheckpointFlag.compactSummary) !== 0;
    const nodeSummaries = (flags & (CheckpointFlag.umount | CheckpointFlag.fastboot)) !== 0 ? 3 : 0;
    const startSum = 1 + payload + orphanBlocks;
    const total = startSum + (compact ? 1 : 3) + nodeSummaries + 1;
    const sitBytes = (superblock.segmentCountSit / 2) * (SEGMENT_BLOCKS / 8);
    const head = new Uint8Array((1 + payload) * BLOCK_SIZE);
    const view = viewOf(head);
    const raw = RawCheckpoint;
    const [low, high] = typeof version === 'number' ? [version, 0] : version;
    raw.version.set(view, 0, low, high);
    const { segmentCountMain } = superblock;
    raw.userBlockCount.set(view, 0, Math.min(10_240, (segmentCountMain - 1) * SEGMENT_BLOCKS));
    raw.validBlockCount.set(view, 0, 2);
    raw.reservedSegmentCount.set(view, 0, 2);
    raw.overprovisionSegmentCount.set(view, 0, 3);
    raw.freeSegmentCount.set(view, 0, 20);
    const [warmSegment, warmOffset] = pack.warmNodes ?? [1, 0];
    for (const [log, segno] of [0, warmSegment, 2].entries()) raw.currentNodeSegments.set(view, 0, log, segno);
    const dataLogs = segmentCountMain > 20 ? [3, 20, 9] : [3, 4, 5];
    for (const [log, segno] of dataLogs.entries()) raw.currentDataSegments.set(view, 0, log, segno);
    raw.currentNodeOffsets.set(view, 0, 1, warmOffset);
    raw.flags.set(view, 0, flags);
    raw.packBlockCount.set(view, 0, total);
    raw.startSum.set(view, 0, startSum);
    raw.validNodeCount.set(view, 0, 1);
    raw.validInodeCount.set(view, 0, 1);
    raw.nextFreeNid.set(view, 0, 4);
    raw.sitBitmapBytes.set(view, 0, sitBytes);
    raw.natBitmapBytes.set(view, 0, natBitmap.length);
    const checksumOffset = pack.checksumOffset ?? (large ? 192 : 4092);
    raw.checksumOffset.set(view, 0, checksumOffset);
    // Spec 3.5: A1 behind the SIT bitmap, A2 alone in the block, B behind the checksum.
    if (large) head.set(natBitmap, checksumOffset === 4092 ? 192 : 196);
    else head.set(natBitmap, payload > 0 ? 192 : 192 + sitBytes);
    pack.raw?.(view);

    const start = superblock.checkpointAddress + index * SEGMENT_BLOCKS;
    const first = head.subarray(0, BLOCK_SIZE);
    const last = first.slice();
    pack.rawLast?.(viewOf(last));
    sealCheckpoint(first);
    sealCheckpoint(last);
    for (let block = 0; block <= payload; block++) {
      this.write(start + block, head.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE));
    }
    this.write(start + total - 1, last);
    this.#writeJournals(start + startSum, compact, pack);
  }

  #writeJournals(address: number, compact: boolean, pack: TestPack): void {
    const nats = pack.natJournal ?? [];
    this.edit(address, (view) => {
      const at = compact ? 0 : 3584;
      view.setUint16(at, pack.natJournalCount ?? nats.length, true);
      nats.forEach(({ nid, version, ino, blockAddress }, index) => {
        const entry = at + 2 + 13 * index;
        view.setUint32(entry, nid, true);
        view.setUint8(entry + 4, version);
        view.setUint32(entry + 5, ino, true);
        view.setUint32(entry + 9, blockAddress, true);
      });
    });
    if (pack.sitJournalCount === undefined) return;
    const { sitJournalCount } = pack;
    this.edit(compact ? address : address + 2, (view) => view.setUint16(compact ? 507 : 3584, sitJournalCount, true));
  }

  /** Mounts the volume, completed. */
  mount(options: MountOptions = {}, device: BlockDevice = this.device): F2fsVolume {
    this.complete();
    return runSync(mountF2fs(device, options));
  }

  /** Gives the volume what it lacks to be mounted without a complaint: a root, a checkpoint, and an older one. */
  complete(): void {
    const natBlock = this.superblock.natAddress + (this.natBitmap[0]! >> 7) * SEGMENT_BLOCKS;
    if (viewOf(this.read(natBlock)).getUint32(3 * 9 + 5, true) === 0) this.inlineDirectory(3, []);
    for (const index of [0, 1] as const) {
      const first = this.read(this.superblock.checkpointAddress + index * SEGMENT_BLOCKS);
      if (first.every((byte) => byte === 0)) this.writePack(index, { version: index === 0 ? 5 : 0 });
    }
  }
}

/** `.` and `..`, which names the directory itself. */
export function dots(ino: number): TestDentry[] {
  return [
    { name: '.', ino, hash: 0, fileType: 2 },
    { name: '..', ino, hash: 0, fileType: 2 },
  ];
}

/** One inode of a mounted volume. */
export function inodeOf(volume: F2fsVolume, ino: number): F2fsInode {
  return runSync(volume.readInode(ino));
}

/** Runs the task and returns the FsError it throws; anything else fails the test. */
export function errorOf(task: Task<unknown>): FsError {
  try {
    runSync(task);
  } catch (error) {
    if (error instanceof FsError) return error;
    throw error;
  }
  return expect.unreachable('nothing was thrown');
}

/** Runs the task and returns the Corruption it throws. */
export function corruptionOf(task: Task<unknown>): Corruption {
  const error = errorOf(task);
  expect(error, error.message).toBeInstanceOf(Corruption);
  return error as Corruption;
}
