// Taking a name out of a directory, and making it name another inode.
//
// Source: spec 7.1; kernel fs/f2fs/dir.c (f2fs_delete_entry, f2fs_set_link, f2fs_empty_dir).

import type { FsError } from '@f2fskit/errno';
import { corrupt, NULL_ADDRESS } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { changeInodeNode, setChangeTime, setModifyTime } from '../change-inode.ts';
import { isDot, readDentries } from '../dentry-area.ts';
import { DentryAreas, type FoundDentry } from '../directory.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { clearDentry, isEmptyArea, setDentryInode } from './dentry-edit.ts';
import { changeArea } from './directory-areas.ts';
import { findSlot, putAddress } from './slots.ts';

/** Where an entry is. */
export type DentryPlace = Pick<FoundDentry, 'fileBlock' | 'slot'>;

/** A directory was changed: its times become now. */
export function* touchDirectory(writer: VolumeWriter, ino: number): Task<void> {
  yield* changeInodeNode(writer, ino, (view) => {
    const now = writer.clock.now();
    setChangeTime(view, now);
    setModifyTime(view, now);
  });
}

/** Takes an entry out; a block that is left empty is given up. */
export function* removeDentry(writer: VolumeWriter, ino: number, { fileBlock, slot }: DentryPlace): Task<void> {
  const empty = yield* changeArea(writer, ino, fileBlock, (area) => {
    clearDentry(area, slot);
    return isEmptyArea(area);
  });
  if (empty && fileBlock !== undefined) {
    const directory = yield* writer.store.readInode(ino);
    const place = yield* findSlot(writer, directory, fileBlock);
    if (place !== undefined) yield* putAddress(writer, directory, place, NULL_ADDRESS);
    writer.directories.drop(ino, fileBlock);
  }
  yield* touchDirectory(writer, ino);
}

/** Makes an entry name another inode. */
export function* replaceDentry(
  writer: VolumeWriter,
  ino: number,
  { fileBlock, slot }: DentryPlace,
  target: { ino: number; fileType: number },
): Task<void> {
  yield* changeArea(writer, ino, fileBlock, (area) => setDentryInode(area, slot, target.ino, target.fileType));
  yield* touchDirectory(writer, ino);
}

/** The entry `..` of a directory. Throws Corruption dentry where it has none. */
export function* findDotDot(writer: VolumeWriter, directory: DecodedInode): Task<DentryPlace> {
  const { store, directories } = writer;
  const area = yield* new DentryAreas(store, { raw: directory }, directories).next();
  if (area !== undefined) {
    const entry = readDentries(area, store.nat.nidEnd, []).find(({ name }) => name.length === 2 && isDot(name));
    if (entry !== undefined) return { fileBlock: area.place.fileBlock, slot: entry.slot };
  }
  throw corrupt('dentry', { where: { ino: directory.ino }, expected: 'an entry ".."', found: 'none' });
}

/** Whether a directory has no names but its dots. Throws what reading it met: damage may hide a name. */
export function* isEmptyDirectory(writer: VolumeWriter, directory: DecodedInode): Task<boolean> {
  const { store, directories } = writer;
  const areas = new DentryAreas(store, { raw: directory }, directories);
  for (;;) {
    const area = yield* areas.next();
    if (area === undefined) return true;
    const problems: FsError[] = [];
    const entries = readDentries(area, store.nat.nidEnd, problems);
    if (problems[0] !== undefined) throw problems[0];
    if (entries.some(({ name }) => !isDot(name))) return false;
  }
}
