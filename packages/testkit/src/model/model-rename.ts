// renameat2 in the model: plain, NOREPLACE, EXCHANGE, WHITEOUT, with its many refusals in the order of Linux
// (fs/namei.c: do_renameat2, then vfs_rename, then the filesystem).

import { EBUSY, EEXIST, EINVAL, EISDIR, EMLINK, ENOENT, ENOTDIR, ENOTEMPTY } from '@f2fskit/errno';
import { refuse } from './model-errors.ts';
import type { FileTime } from './model-inode.ts';
import type { ModelTree } from './model-tree.ts';
import type { RenameMode } from './operation-target.ts';
import type { PathWalk, Place } from './path-walk.ts';

/** Returns the inode that lost its name to the new one; 0 where none did. */
export function renameInTree(
  tree: ModelTree,
  walk: PathWalk,
  from: Place,
  to: Place,
  mode: RenameMode,
  clock: () => FileTime,
): number {
  if (from.last !== 'name') refuse(EBUSY);
  if (to.last !== 'name') refuse(mode === 'noReplace' ? EEXIST : EBUSY);
  const source = walk.lookup(from);
  if (source === 0) refuse(ENOENT);
  const target = walk.lookup(to);
  refuseByNames(tree, from, to, source, target, mode);
  if (source === target) return 0; // two names of one inode: nothing happens
  refuseByKinds(tree, from, to, source, target, mode);
  const now = clock();
  if (mode === 'exchange') exchange(tree, from, to, source, target, now);
  else move(tree, from, to, source, target, now);
  if (mode === 'whiteout') {
    tree.create(from, 'char', { mode: 0 }, now); // device 0:0
  }
  return mode === 'exchange' ? 0 : target;
}

function refuseByNames(
  tree: ModelTree,
  from: Place,
  to: Place,
  source: number,
  target: number,
  mode: RenameMode,
): void {
  const isDirectory = (ino: number): boolean => ino !== 0 && tree.inode(ino).kind === 'directory';
  const exchanges = mode === 'exchange';
  if (mode === 'noReplace' && target !== 0) refuse(EEXIST);
  if (exchanges && target === 0) refuse(ENOENT);
  // A slash behind a name says that it is a directory.
  if (exchanges && !isDirectory(target) && to.slash) refuse(ENOTDIR);
  if (!isDirectory(source) && (from.slash || (!exchanges && to.slash))) refuse(ENOTDIR);
  if (isDirectory(source) && tree.isAbove(source, to.directory)) refuse(EINVAL);
  if (isDirectory(target) && tree.isAbove(target, from.directory)) refuse(exchanges ? EINVAL : ENOTEMPTY);
}

function refuseByKinds(
  tree: ModelTree,
  from: Place,
  to: Place,
  source: number,
  target: number,
  mode: RenameMode,
): void {
  const exchanges = mode === 'exchange';
  const moved = tree.inode(source).kind === 'directory';
  const replaced = target === 0 ? undefined : tree.inode(target);
  const replacedIsDirectory = replaced?.kind === 'directory';
  if (replaced !== undefined && !exchanges) {
    if (moved && !replacedIsDirectory) refuse(ENOTDIR);
    if (!moved && replacedIsDirectory) refuse(EISDIR);
  }
  const full = (ino: number): boolean => tree.inode(ino).links >= tree.limits.linksMax;
  if (from.directory !== to.directory) {
    if (moved && !replacedIsDirectory && full(to.directory)) refuse(EMLINK);
    if (exchanges && !moved && replacedIsDirectory && full(from.directory)) refuse(EMLINK);
  }
  if (!exchanges && replacedIsDirectory && replaced.entries.size > 0) refuse(ENOTEMPTY);
}

function exchange(tree: ModelTree, from: Place, to: Place, source: number, target: number, now: FileTime): void {
  tree.setEntry(from.directory, from.name, target, now);
  tree.setEntry(to.directory, to.name, source, now);
  for (const ino of [source, target]) tree.change(ino).ctime = now;
  reparent(tree, source, from.directory, to.directory, now);
  reparent(tree, target, to.directory, from.directory, now);
}

function move(tree: ModelTree, from: Place, to: Place, source: number, target: number, now: FileTime): void {
  if (target !== 0) {
    if (tree.inode(target).kind === 'directory') tree.change(to.directory).links--;
    tree.dropName(target, now);
  }
  tree.setEntry(to.directory, to.name, source, now);
  tree.removeEntry(from.directory, from.name, now);
  tree.change(source).ctime = now;
  reparent(tree, source, from.directory, to.directory, now);
}

/** A directory takes its `..` with it, and the link that this is. */
function reparent(tree: ModelTree, ino: number, from: number, to: number, now: FileTime): void {
  if (from === to || tree.inode(ino).kind !== 'directory') return;
  const directory = tree.change(ino);
  directory.parent = to;
  if (tree.limits.moveTouchesDirectory) directory.mtime = now;
  tree.change(from).links--;
  tree.change(to).links++;
}
