// What is on a device, found by looking. A volume is asked for first: filesystems leave room for a boot sector, and what an
// older use of the disk left there must not hide them. Then, each before what it could be mistaken for:
//
//   1. containers and archives with a magic number of their own
//   2. Android super images and sparse images
//   3. GPT, MBR
//   4. other filesystems
//   5. a GPT of which only the backup at the end is left
//   6. nothing but zeros; nothing known

import { BLOCK_SIZE, type BlockDevice, readBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { SPARSE_MAGIC } from './android-sparse.ts';
import { readRange } from './byte-range.ts';
import {
  containerSignatures,
  type ForeignFormat,
  filesystemSignatures,
  matchSignature,
  SUPER_IMAGE,
  superSignatures,
} from './foreign-formats.ts';
import { gptSectorSizeIn, gptSectorSizes, hasGptSignature } from './gpt.ts';
import { isProtectiveMbr, looksLikeMbr } from './mbr.ts';

/** The filesystem that somebody looks for. This package knows none. */
export interface VolumeFormat {
  /** As messages name it: `F2FS`. */
  readonly name: string;
  /** Whether the device begins like such a volume, sound or not. Throws nothing for what cannot be read. */
  isOn(device: BlockDevice): Task<boolean>;
}

/** What {@link recogniseContainer} sees. */
export type Container =
  | { readonly kind: 'volume' }
  | { readonly kind: 'androidSparse' }
  | { readonly kind: 'gpt' }
  | { readonly kind: 'mbr' }
  /** Android's logical partitions; not read here. */
  | { readonly kind: 'super'; readonly format: ForeignFormat }
  /** Something with a name that is not read here. */
  | { readonly kind: 'foreign'; readonly format: ForeignFormat }
  /** The start of the device is zeros. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'unknown' };

/** How much of the start is looked at: btrfs has its mark at 64 KiB. */
const HEAD_SIZE = 68 * 1024;

/** A format that has the bytes `magic` at one of the `offsets`, as copies of a superblock have. */
export function volumeByMagic(name: string, magic: Uint8Array, offsets: readonly number[]): VolumeFormat {
  return {
    name,
    *isOn(device) {
      for (const offset of offsets) {
        if (offset + magic.length > device.size) continue;
        try {
          const found = yield* readRange(device, offset, magic.length);
          if (magic.every((byte, index) => found[index] === byte)) return true;
        } catch (error) {
          if (!(error instanceof FsError)) throw error; // one copy that cannot be read says nothing about the other
        }
      }
      return false;
    },
  };
}

/**
 * Says what is on the device. Without a `format`, volumes are not looked for. Reads 68 KiB at most, and two sectors at
 * the end. Throws what reading the first block throws; other blocks that cannot be read count as zeros.
 */
export function* recogniseContainer(device: BlockDevice, format?: VolumeFormat): Task<Container> {
  if (format !== undefined && (yield* format.isOn(device))) return { kind: 'volume' };
  const head = yield* readHead(device);
  const container = matchSignature(containerSignatures, head);
  if (container !== undefined) return { kind: 'foreign', format: container };
  if (head.length >= 4 && viewOf(head).getUint32(0, true) === SPARSE_MAGIC) return { kind: 'androidSparse' };
  if (gptSectorSizeIn(head) !== 0 || isProtectiveMbr(head)) return { kind: 'gpt' };
  if (matchSignature(superSignatures, head) !== undefined) return { kind: 'super', format: SUPER_IMAGE };
  if (looksLikeMbr(head)) return { kind: 'mbr' };
  const filesystem = matchSignature(filesystemSignatures, head);
  if (filesystem !== undefined) return { kind: 'foreign', format: filesystem };
  if (yield* hasBackupGpt(device)) return { kind: 'gpt' };
  return { kind: head.length > 0 && head.every((byte) => byte === 0) ? 'empty' : 'unknown' };
}

function* readHead(device: BlockDevice): Task<Uint8Array> {
  const head = new Uint8Array(Math.min(HEAD_SIZE, device.size));
  try {
    if (head.length > 0) yield* readBytes(device, 0, head);
    return head;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
  }
  // Somewhere a block is bad: take what can be had.
  head.fill(0);
  for (let offset = 0; offset < head.length; offset += BLOCK_SIZE) {
    const block = head.subarray(offset, offset + BLOCK_SIZE);
    try {
      yield* readBytes(device, offset, block);
    } catch (error) {
      if (!(error instanceof FsError) || offset === 0) throw error;
      block.fill(0);
    }
  }
  return head;
}

function* hasBackupGpt(device: BlockDevice): Task<boolean> {
  for (const sectorSize of gptSectorSizes) {
    const offset = (Math.floor(device.size / sectorSize) - 1) * sectorSize;
    if (offset < sectorSize) continue;
    try {
      if (hasGptSignature(yield* readRange(device, offset, 8))) return true;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
  }
  return false;
}
