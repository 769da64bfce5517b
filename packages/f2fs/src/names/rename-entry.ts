// rename, in its four forms: plain, NOREPLACE, EXCHANGE, WHITEOUT. A directory that moves to another one takes its ".."
// with it. While it does, no other directory moves: else two moves could make a loop of them.
//
// Source: kernel fs/namei.c (vfs_rename), fs/f2fs/namei.c (f2fs_rename, f2fs_cross_rename).

import { EEXIST, EINVAL, EISDIR, ENOENT, ENOKEY, ENOTDIR, ENOTEMPTY, FsError } from '@f2fskit/errno';
import { corrupt, FileType, ModeType } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import type { RenameMode } from '@f2fskit/vfs';
import { type FoundDentry, isEncrypted } from '../directory.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { buildInode } from './build-inode.ts';
import { findDotDot, isEmptyDirectory, removeDentry, replaceDentry } from './change-dentry.ts';
import { Claim } from './claim.ts';
import { checkName, checkNewEntry, checkOldEntry, checkProject } from './entry-rules.ts';
import { insertDentry, makeRoomInline, planInsertion } from './insert-dentry.ts';
import { addLinks, checkLinks, dropLink, freeNameless, isDirectory, nameInode } from './links.ts';
import { type EntryQuery, findEntry, withEntries } from './locked-entries.ts';

/**
 * Moves a name. Throws ENOENT, EEXIST (noReplace), EINVAL for a move below itself, EISDIR, ENOTDIR, ENOTEMPTY, EPERM, EXDEV,
 * ENOKEY, ENOSPC; Corruption, EIO.
 */
export function* renameEntry(
  writer: VolumeWriter,
  from: EntryQuery,
  to: EntryQuery,
  mode: RenameMode = 'plain',
): Task<void> {
  checkName(from.name);
  checkName(to.name);
  const crosses = from.directory.ino !== to.directory.ino;
  if (crosses && !writer.treeLock.tryLock()) yield* writer.treeLock.wait();
  let replaced = 0;
  try {
    yield* withEntries(writer, [from, to], ([source, target]) => {
      replaced = target?.ino ?? 0;
      return rename(writer, { from, to, mode }, source, target);
    });
  } finally {
    if (crosses) writer.treeLock.unlock();
  }
  yield* freeNameless(writer, replaced);
}

interface Request {
  readonly from: EntryQuery;
  readonly to: EntryQuery;
  readonly mode: RenameMode;
}

function* rename(
  writer: VolumeWriter,
  request: Request,
  source: FoundDentry | undefined,
  target: FoundDentry | undefined,
): Task<void> {
  const { from, to, mode } = request;
  if (source === undefined) throw new FsError(ENOENT);
  if (mode === 'noReplace' && target !== undefined) throw new FsError(EEXIST);
  if (mode === 'exchange' && target === undefined) throw new FsError(ENOENT);
  if (yield* isBelow(writer, to.directory.raw, source.ino)) {
    throw new FsError(EINVAL, 'a directory cannot move below itself');
  }
  if (target !== undefined && (yield* isBelow(writer, from.directory.raw, target.ino))) {
    throw new FsError(mode === 'exchange' ? EINVAL : ENOTEMPTY);
  }
  if (source.ino === target?.ino) return; // two names of one inode: nothing happens
  const moved = yield* writer.store.readInode(source.ino);
  const replaced = target === undefined ? undefined : yield* writer.store.readInode(target.ino);
  checkRights(writer, request, moved, replaced);
  // Recovery would find what moved under its old name, and take that from it for a new file.
  for (const { directory } of [from, to]) writer.checkpointFirst.add(directory.ino);
  if (mode === 'exchange') yield* exchange(writer, request, moved, replaced!, source, target!);
  else {
    if (replaced !== undefined) {
      if (isDirectory(replaced) && !(yield* isEmptyDirectory(writer, replaced))) throw new FsError(ENOTEMPTY);
      checkLinks(replaced);
    }
    yield* move(writer, request, moved, replaced, target);
  }
}

function checkRights(
  writer: VolumeWriter,
  { from, to, mode }: Request,
  moved: DecodedInode,
  replaced: DecodedInode | undefined,
): void {
  checkOldEntry(from.directory.raw, moved);
  if (replaced === undefined) checkNewEntry(writer, to.directory.raw, to.name);
  else {
    checkOldEntry(to.directory.raw, replaced);
    if (mode !== 'exchange' && isDirectory(moved) !== isDirectory(replaced)) {
      throw new FsError(isDirectory(moved) ? ENOTDIR : EISDIR);
    }
  }
  if (isEncrypted(from.directory.raw) || isEncrypted(to.directory.raw)) throw new FsError(ENOKEY);
  if (from.directory.ino !== to.directory.ino) checkProject(to.directory.raw, moved);
  if (mode === 'exchange') checkProject(from.directory.raw, replaced!);
}

/** Whether `ino` is the directory or one of those above it. Throws Corruption directoryLoop. */
function* isBelow(writer: VolumeWriter, directory: DecodedInode, ino: number): Task<boolean> {
  const { store } = writer;
  const seen = new Set<number>();
  for (let at = directory; ; at = yield* store.readInode(at.fields.parentIno)) {
    if (at.ino === ino) return true;
    if (at.ino === store.superblock.rootIno) return false;
    if (seen.has(at.ino))
      throw corrupt('directoryLoop', { where: { ino: at.ino }, detail: 'a directory lies below itself' });
    seen.add(at.ino);
  }
}

function* move(
  writer: VolumeWriter,
  { from, to, mode }: Request,
  moved: DecodedInode,
  replaced: DecodedInode | undefined,
  target: FoundDentry | undefined,
): Task<void> {
  const [old, next] = [from.directory.ino, to.directory.ino];
  const dots = isDirectory(moved) && old !== next ? yield* findDotDot(writer, moved) : undefined;
  if (target === undefined) yield* makeRoomInline(writer, next, to.name);
  const insertion = target === undefined ? yield* planInsertion(writer, next, to.name) : undefined;
  // Where it is now: to make room may have moved it.
  const source = (yield* findEntry(writer, from))!;
  const whiteouts = mode === 'whiteout' ? 1 : 0;
  const claim = yield* Claim.take(writer, insertion?.blocks ?? 0, (insertion?.nodes ?? 0) + whiteouts);
  const { ino, fields } = moved;
  try {
    const name = target?.name ?? to.name; // another spelling of it may be there
    if (insertion === undefined) yield* replaceDentry(writer, next, target!, { ino, fileType: fields.fileType });
    else yield* insertDentry(writer, insertion, claim, { name, ino, fileType: fields.fileType });
    if (whiteouts > 0) yield* leaveWhiteout(writer, claim, from, source);
    else yield* removeDentry(writer, old, source);
    yield* nameInode(writer, ino, next, name, 0);
    if (dots !== undefined) {
      yield* replaceDentry(writer, ino, dots, { ino: next, fileType: FileType.directory });
      yield* addLinks(writer, old, -1);
      yield* addLinks(writer, next, 1);
    }
    if (replaced === undefined) return;
    if (isDirectory(replaced)) yield* addLinks(writer, next, -1);
    yield* dropLink(writer, replaced.ino);
  } catch (error) {
    throw writer.abandon(error);
  }
}

/** What an overlay mount leaves at a name that is gone: a character device 0:0. */
function* leaveWhiteout(writer: VolumeWriter, claim: Claim, from: EntryQuery, source: FoundDentry): Task<void> {
  const parent = yield* writer.store.readInode(from.directory.ino);
  const device = { major: 0, minor: 0 };
  const request = { mode: ModeType.characterDevice, uid: 0, gid: 0, name: source.name, device };
  const { ino } = yield* buildInode(writer, claim, parent, request);
  writer.space.validInodes++;
  yield* replaceDentry(writer, parent.ino, source, { ino, fileType: FileType.characterDevice });
}

function* exchange(
  writer: VolumeWriter,
  { from, to }: Request,
  first: DecodedInode,
  second: DecodedInode,
  firstEntry: FoundDentry,
  secondEntry: FoundDentry,
): Task<void> {
  const crosses = from.directory.ino !== to.directory.ino;
  const sides = [
    { inode: first, old: from.directory.ino, next: to.directory.ino, entry: secondEntry },
    { inode: second, old: to.directory.ino, next: from.directory.ino, entry: firstEntry },
  ];
  const dots = [];
  for (const { inode } of sides)
    dots.push(crosses && isDirectory(inode) ? yield* findDotDot(writer, inode) : undefined);
  try {
    for (const [index, { inode, old, next, entry }] of sides.entries()) {
      const { ino, fields } = inode;
      yield* replaceDentry(writer, next, entry, { ino, fileType: fields.fileType });
      yield* nameInode(writer, ino, next, entry.name, 0);
      const above = dots[index];
      if (above === undefined) continue;
      yield* replaceDentry(writer, ino, above, { ino: next, fileType: FileType.directory });
      yield* addLinks(writer, old, -1);
      yield* addLinks(writer, next, 1);
    }
  } catch (error) {
    throw writer.abandon(error);
  }
}
