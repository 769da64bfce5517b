// The entries of one area: a dentry block, or the inline area of a small directory. Same shape, other sizes.
//
//   bitmap | reserved | entries of 11 bytes | name slots of 8 bytes
//
// A name takes ceil(length / 8) consecutive slots; its bitmap bits are all set, its entry is the first. What is broken
// costs its own slot and is reported; the rest of the area is still good. Source: spec 7.1, 7.2; kernel fs/f2fs/dir.c.

import type { CorruptionPlace, FsError } from '@f2fskit/errno';
import {
  corrupt,
  Dentry,
  type DentryLayout,
  dentryEntryOffset,
  dentryNameOffset,
  dentrySlots,
  FileType,
  MAX_NAME_BYTES,
  NAME_SLOT_BYTES,
  testLsb,
} from '@f2fskit/f2fs-format';
import type { InodeKind } from '@f2fskit/vfs';

const SLASH = 0x2f;
const DOT = 0x2e;

/** One entry as stored, `.` and `..` included. */
export interface StoredDentry {
  slot: number;
  hash: number;
  ino: number;
  fileType: number;
  /** The stored bytes, a window on the area: ciphertext in an encrypted directory. */
  name: Uint8Array;
}

/** What an area lies in. */
export interface DentryArea {
  bytes: Uint8Array;
  view: DataView;
  /** Byte of the area in `bytes`. */
  offset: number;
  layout: DentryLayout;
  /** For errors. */
  place: CorruptionPlace;
}

/**
 * Reads the entries of the area in slot order, and adds what is broken to `problems`. With `hash` only entries that have
 * it: a lookup does not pay for the others.
 */
export function readDentries(area: DentryArea, nidEnd: number, problems: FsError[], hash?: number): StoredDentry[] {
  const { bytes, view, offset, layout } = area;
  const bitmap = bytes.subarray(offset + layout.bitmapOffset);
  const found: StoredDentry[] = [];
  for (let slot = 0; slot < layout.slots; ) {
    if (!testLsb(bitmap, slot)) {
      slot++;
      continue;
    }
    const at = offset + dentryEntryOffset(layout, slot);
    const length = Dentry.nameLength.get(view, at);
    const slotsTaken = dentrySlots(length);
    if (length === 0 || length > MAX_NAME_BYTES || slot + slotsTaken > layout.slots) {
      const where = { ...area.place, offset: at + Dentry.nameLength.offset };
      const expected = `1 to ${Math.min(MAX_NAME_BYTES, (layout.slots - slot) * NAME_SLOT_BYTES)}`;
      problems.push(corrupt('dentry', { where, expected, found: length, detail: 'length of a name' }));
      slot++;
      continue;
    }
    const storedHash = Dentry.hash.get(view, at);
    if (hash === undefined || storedHash === hash) {
      const nameAt = offset + dentryNameOffset(layout, slot);
      const ino = Dentry.ino.get(view, at);
      if (ino === 0 || ino >= nidEnd) {
        const where = { ...area.place, offset: at + Dentry.ino.offset };
        problems.push(corrupt('dentryIno', { where, expected: `1 to ${nidEnd - 1}`, found: ino }));
      } else {
        const fileType = Dentry.fileType.get(view, at);
        found.push({ slot, hash: storedHash, ino, fileType, name: bytes.subarray(nameAt, nameAt + length) });
      }
    }
    slot += slotsTaken;
  }
  return found;
}

export function isDot(name: Uint8Array): boolean {
  return name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT));
}

/** A name that no system call could have made: with `/` or NUL in it. */
export function isImpossibleName(name: Uint8Array): boolean {
  return name.includes(SLASH) || name.includes(0);
}

const kinds: Record<number, InodeKind> = {
  [FileType.regular]: 'file',
  [FileType.directory]: 'directory',
  [FileType.characterDevice]: 'char',
  [FileType.blockDevice]: 'block',
  [FileType.fifo]: 'fifo',
  [FileType.socket]: 'socket',
  [FileType.symlink]: 'symlink',
};

/** The kind that a directory entry claims. */
export function kindOfFileType(fileType: number): InodeKind | 'unknown' {
  return kinds[fileType] ?? 'unknown';
}
