// How many names an inode has, and what happens when the last one goes.
//
// Source: spec 7.6, 8.4, 8.8; kernel fs/f2fs/dir.c (f2fs_drop_nlink), namei.c.

import { Advise, corrupt, FileType, RawInode } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { changeInodeNode, setChangeTime } from '../change-inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { freeOrphan } from './free-inode.ts';

export function isDirectory({ fields }: DecodedInode): boolean {
  return fields.fileType === FileType.directory;
}

/** Throws Corruption linkCount for a file that has a name and says that it has none. */
export function checkLinks({ ino, address, fields }: DecodedInode): void {
  const min = fields.fileType === FileType.directory ? 2 : 1;
  if (fields.links >= min) return;
  const where = { block: address, ino, offset: RawInode.links.offset };
  throw corrupt('linkCount', { where, expected: `${min} or more`, found: fields.links });
}

/** Subdirectories count as names of their directory. */
export function* addLinks(writer: VolumeWriter, ino: number, count: number): Task<void> {
  if (count === 0) return;
  yield* changeInodeNode(writer, ino, (view) => RawInode.links.set(view, 0, RawInode.links.get(view, 0) + count));
}

/**
 * An inode is now known under this name. A file that has or had others tells the next fsync so: recovery could not find
 * them all.
 */
export function* nameInode(
  writer: VolumeWriter,
  ino: number,
  parentIno: number,
  name: Uint8Array,
  links: number,
): Task<void> {
  yield* changeInodeNode(writer, ino, (view) => {
    const raw = RawInode;
    raw.parentIno.set(view, 0, parentIno);
    raw.nameLength.set(view, 0, name.length);
    raw.name.get(view, 0).fill(0);
    raw.name.set(view, 0, name);
    const directory = (raw.mode.get(view, 0) & 0o170000) === 0o040000;
    if (!directory) raw.advise.set(view, 0, raw.advise.get(view, 0) | Advise.lostParent);
    raw.links.set(view, 0, raw.links.get(view, 0) + links);
    setChangeTime(view, writer.clock.now());
  });
}

/**
 * An inode has lost a name: a directory its only one. Without any it is an orphan until it is freed: soon (`freeNameless`), or,
 * where somebody has it open, when it is closed.
 */
export function* dropLink(writer: VolumeWriter, ino: number): Task<void> {
  const { fields } = yield* changeInodeNode(writer, ino, (view) => {
    const raw = RawInode;
    const directory = (raw.mode.get(view, 0) & 0o170000) === 0o040000;
    raw.links.set(view, 0, directory ? 0 : raw.links.get(view, 0) - 1);
    if (directory) raw.size.set(view, 0, 0);
    setChangeTime(view, writer.clock.now());
  });
  if (fields.links === 0) writer.orphans.add(ino);
}

/** Behind the operation that may have taken the last name of an inode: frees it where nobody has it open. */
export function* freeNameless(writer: VolumeWriter, ino: number): Task<void> {
  if (writer.orphans.has(ino) && !writer.isOpen(ino)) yield* freeOrphan(writer, ino);
}
