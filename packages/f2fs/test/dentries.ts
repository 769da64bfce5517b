// Directory entries, stated by a test: slot, hash, length, bytes. The layout is written down once more here, from spec 7.1
// and 7.2: bitmap, reserved bytes, entries of 11 bytes, names of 8.

import { BLOCK_SIZE, dentryHash } from '@f2fskit/f2fs-format';
import type { TestInode } from '@f2fskit/f2fs-node/test-volume';
import { utf8Encode } from '@f2fskit/vfs';

export interface TestDentry {
  name: string | Uint8Array;
  ino: number;
  /** Default regular. */
  fileType?: number;
  /** Default: the hash of the name. */
  hash?: number;
  /** Default: behind the entry before. */
  slot?: number;
  /** What the entry claims; default the length of the name. */
  nameLength?: number;
}

export const bytesOf = (name: string | Uint8Array): Uint8Array => (typeof name === 'string' ? utf8Encode(name) : name);

export const slotsTaken = (name: string | Uint8Array): number => Math.ceil(bytesOf(name).length / 8);

/** Writes entries into the area of `size` bytes at `offset`. */
export function fillArea(bytes: Uint8Array, offset: number, size: number, entries: readonly TestDentry[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const slots = Math.floor((8 * size) / 153);
  const bitmap = Math.ceil(slots / 8);
  const entriesAt = offset + bitmap + (size - 19 * slots - bitmap);
  const namesAt = entriesAt + 11 * slots;
  let next = 0;
  for (const entry of entries) {
    const name = bytesOf(entry.name);
    const slot = entry.slot ?? next;
    next = slot + Math.max(1, slotsTaken(name));
    for (let bit = slot; bit < next && bit < slots; bit++) bytes[offset + (bit >> 3)]! |= 1 << (bit & 7);
    const at = entriesAt + 11 * slot;
    view.setUint32(at, entry.hash ?? dentryHash(name), true);
    view.setUint32(at + 4, entry.ino, true);
    view.setUint16(at + 8, entry.nameLength ?? name.length, true);
    view.setUint8(at + 10, entry.fileType ?? 1);
    bytes.set(name.subarray(0, Math.max(0, offset + size - namesAt - 8 * slot)), namesAt + 8 * slot);
  }
}

export function dentryBlock(entries: readonly TestDentry[]): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  fillArea(block, 0, BLOCK_SIZE, entries);
  return block;
}

/** Where an inode keeps inline data and inline entries: behind the extra attributes and one reserved word. */
export function inlineAreaOf({ extraSize = 36, inlineXattrWords = 0 }: TestInode): { offset: number; size: number } {
  const extraWords = extraSize / 4;
  return { offset: 360 + 4 * (extraWords + 1), size: 4 * (923 - extraWords - inlineXattrWords - 1) };
}

/** The blocks of a hash directory, and how deep it became. */
export interface HashDirectory {
  blocks: Map<number, TestDentry[]>;
  depth: number;
}

/**
 * Inserts one name after the other as Linux does (spec 7.5): level by level the first run of free slots in the blocks of
 * the bucket; a new level when there is none.
 */
export function hashDirectory(entries: readonly TestDentry[], dirLevel = 0): HashDirectory {
  const buckets = (level: number): number => 2 ** Math.min(level + dirLevel, 30);
  const used = new Map<number, boolean[]>();
  const blocks = new Map<number, TestDentry[]>();
  let depth = 1;
  const insert = (entry: TestDentry): void => {
    const hash = entry.hash ?? dentryHash(bytesOf(entry.name));
    const count = slotsTaken(entry.name);
    for (let level = 0, levelStart = 0; ; levelStart += 2 * buckets(level), level++) {
      depth = Math.max(depth, level + 1);
      const first = levelStart + 2 * (hash % buckets(level));
      for (const fileBlock of [first, first + 1]) {
        const taken = used.get(fileBlock) ?? new Array<boolean>(214).fill(false);
        for (let slot = 0; slot + count <= 214; slot++) {
          if (taken.slice(slot, slot + count).includes(true)) continue;
          taken.fill(true, slot, slot + count);
          used.set(fileBlock, taken);
          const list = blocks.get(fileBlock) ?? [];
          list.push({ ...entry, slot });
          blocks.set(fileBlock, list);
          return;
        }
      }
    }
  };
  for (const entry of entries) insert(entry);
  return { blocks, depth };
}
