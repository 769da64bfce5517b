// Changing one area of directory entries in memory: where a name fits, putting it there, taking it away, making it name
// another inode. First fit, as Linux: the first run of free slots that is long enough.
//
// Source: spec 7.1; kernel fs/f2fs/dir.c (f2fs_room_for_filename, f2fs_update_dentry).

import { assert } from '@f2fskit/errno';
import {
  clearLsb,
  Dentry,
  dentryEntryOffset,
  dentryNameOffset,
  dentrySlots,
  FileType,
  findLsb,
  MAX_NAME_BYTES,
  setLsb,
} from '@f2fskit/f2fs-format';
import type { DentryArea } from '../dentry-area.ts';

/** An entry that is to be. */
export interface NewDentry {
  readonly name: Uint8Array;
  readonly hash: number;
  readonly ino: number;
  readonly fileType: number;
}

/** The first slot of the first free run of `count` slots; `undefined` where there is none. */
export function findRoom({ bytes, offset, layout }: DentryArea, count: number): number | undefined {
  for (let start = 0; start + count <= layout.slots; ) {
    const free = findLsb(bytes, false, start, layout.slots, offset);
    const end = findLsb(bytes, true, free, Math.min(layout.slots, free + count), offset);
    if (end - free === count) return free;
    start = end + 1;
  }
  return undefined;
}

/**
 * Whether a name is certainly in no entry of an area. False, where an entry is damaged, says nothing: whoever reads it tells what
 * is wrong.
 */
export function isAbsentFrom({ bytes, view, offset, layout }: DentryArea, name: Uint8Array, nidEnd: number): boolean {
  const entries = offset + dentryEntryOffset(layout, 0);
  for (let slot = findLsb(bytes, true, 0, layout.slots, offset); slot < layout.slots; ) {
    const at = entries + slot * Dentry.$size;
    const length = Dentry.nameLength.get(view, at);
    const count = dentrySlots(length);
    if (length === 0 || length > MAX_NAME_BYTES || slot + count > layout.slots) return false;
    const ino = Dentry.ino.get(view, at);
    if (ino === 0 || ino >= nidEnd) return false;
    if (length === name.length && isAt(bytes, offset + dentryNameOffset(layout, slot), name)) return false;
    slot = findLsb(bytes, true, slot + count, layout.slots, offset);
  }
  return true;
}

function isAt(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  // From the end: names in a directory often begin with the same.
  let index = name.length - 1;
  while (index >= 0 && bytes[at + index] === name[index]) index--;
  return index < 0;
}

/** Writes an entry to free slots. */
export function writeDentry({ bytes, view, offset, layout }: DentryArea, slot: number, dentry: NewDentry): void {
  const { name, hash, ino, fileType } = dentry;
  const count = dentrySlots(name.length);
  assert(slot + count <= layout.slots, 'an entry lies inside its area');
  const at = offset + dentryEntryOffset(layout, slot);
  Dentry.hash.set(view, at, hash);
  Dentry.ino.set(view, at, ino);
  Dentry.nameLength.set(view, at, name.length);
  Dentry.fileType.set(view, at, fileType);
  const nameAt = offset + dentryNameOffset(layout, slot);
  bytes.fill(0, nameAt, offset + dentryNameOffset(layout, slot + count));
  bytes.set(name, nameAt);
  for (let index = slot; index < slot + count; index++) {
    // What was there before may have left a length.
    if (index > slot) Dentry.nameLength.set(view, offset + dentryEntryOffset(layout, index), 0);
    setLsb(bytes, index, offset);
  }
}

/** Frees the slots of an entry. */
export function clearDentry({ bytes, view, offset, layout }: DentryArea, slot: number): void {
  const length = Dentry.nameLength.get(view, offset + dentryEntryOffset(layout, slot));
  for (let index = slot; index < slot + dentrySlots(length); index++) clearLsb(bytes, index, offset);
}

/** Makes an entry name another inode. */
export function setDentryInode(
  { view, offset, layout }: DentryArea,
  slot: number,
  ino: number,
  fileType: number,
): void {
  const at = offset + dentryEntryOffset(layout, slot);
  Dentry.ino.set(view, at, ino);
  Dentry.fileType.set(view, at, fileType);
}

/** Whether no slot is in use. */
export function isEmptyArea({ bytes, offset, layout }: DentryArea): boolean {
  return findLsb(bytes, true, 0, layout.slots, offset) === layout.slots;
}

const DOT = Uint8Array.of(0x2e);
const DOT_DOT = Uint8Array.of(0x2e, 0x2e);

/** Writes the first two entries of a directory. */
export function writeDots(area: DentryArea, ino: number, parentIno: number): void {
  const fileType = FileType.directory;
  writeDentry(area, 0, { name: DOT, hash: 0, ino, fileType });
  writeDentry(area, 1, { name: DOT_DOT, hash: 0, ino: parentIno, fileType });
}
