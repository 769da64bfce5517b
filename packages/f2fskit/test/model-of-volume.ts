// A model that holds what a volume holds, so that operations go on in both from there.

import { FsError } from '@f2fskit/errno';
import type { F2fsInode, F2fsVolume } from '@f2fskit/f2fs';
import { type Clock, runSync } from '@f2fskit/task';
import { decodeName, type FileTime, ModelFilesystem, type ModelLimits } from '@f2fskit/testkit/model';
import { Vfs } from '@f2fskit/vfs';
import { f2fsLimits } from './f2fs-target.ts';

const READ_BYTES = 1 << 20;

/** The model knows no access lists: takes them off a volume, before there is a model of it. */
export function removeAccessLists(volume: F2fsVolume): void {
  const vfs = new Vfs(volume, 1 << 20);
  const walk = vfs.tree(runSync(vfs.walk('/')).inode, new Uint8Array());
  for (let event = runSync(walk.next()); event !== undefined; event = runSync(walk.next())) {
    if (event.type !== 'entry') throw event.error;
    const inode = event.inode as F2fsInode;
    for (const { name } of runSync(inode.extendedAttributes())) {
      if (decodeName(name).startsWith('system.posix_acl_')) runSync(inode.removeXattr(name));
    }
  }
}

/**
 * Throws what reading the volume meets, and EOPNOTSUPP for access lists; encrypted files hold zeros. The clock is of what happens
 * afterwards.
 */
export function modelOfVolume(
  volume: F2fsVolume,
  clock: Clock,
  limits: Partial<ModelLimits> = f2fsLimits,
): ModelFilesystem {
  const model = new ModelFilesystem({ clock, ...limits });
  const vfs = new Vfs(volume, 1 << 20);
  const walk = vfs.tree(runSync(vfs.walk('/')).inode, new Uint8Array());
  const names = new Map<number, string>();
  const times: Array<{ path: string; atime: FileTime; mtime: FileTime }> = [];
  for (let event = runSync(walk.next()); event !== undefined; event = runSync(walk.next())) {
    if (event.type !== 'entry') throw event.error;
    const inode = event.inode as F2fsInode;
    const path = decodeName(event.path) || '/';
    const known = names.get(inode.ino);
    if (known !== undefined) model.link(known, path);
    else {
      names.set(inode.ino, path);
      copy(model, inode, path);
      const { atime, mtime } = inode.attributes();
      times.push({ path, atime, mtime });
    }
  }
  // A later name gives its directory a new time.
  for (const { path, atime, mtime } of times) model.utimens(path, atime, mtime, true);
  return model;
}

function copy(model: ModelFilesystem, inode: F2fsInode, path: string): void {
  const { kind, mode, uid, gid, deviceMajor, deviceMinor } = inode.attributes();
  if (kind === 'directory') {
    if (path !== '/') model.mkdir(path, 0);
  } else if (kind === 'symlink') {
    model.symlink(decodeName(runSync(inode.readLink())), path);
  } else {
    model.mknod(path, kind, 0, { major: deviceMajor, minor: deviceMinor });
    if (kind === 'file') copyContents(model, inode, path);
  }
  // chown takes set-user-ID bits away, so it comes first.
  model.chown(path, uid, gid, true);
  if (kind === 'symlink') return;
  model.chmod(path, mode & 0o7777);
  for (const { name, value } of runSync(inode.extendedAttributes())) model.setxattr(path, decodeName(name), value);
}

function copyContents(model: ModelFilesystem, inode: F2fsInode, path: string): void {
  for (let at = 0; at < inode.size; ) {
    const start = seek(inode, at, 'data');
    if (start === undefined) break;
    at = seek(inode, start, 'hole')!;
    for (let position = start; position < at; ) {
      const bytes = new Uint8Array(Math.min(at - position, READ_BYTES));
      const count = readUnlessLocked(inode, position, bytes);
      model.write(path, position, bytes.subarray(0, count));
      position += count;
    }
  }
  model.truncate(path, inode.size);
}

/** Of an encrypted file, zeros: nobody has its key. */
function readUnlessLocked(inode: F2fsInode, position: number, bytes: Uint8Array): number {
  try {
    return runSync(inode.read(position, bytes));
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENOKEY') return bytes.length;
    throw error;
  }
}

function seek(inode: F2fsInode, position: number, what: 'data' | 'hole'): number | undefined {
  try {
    return runSync(inode.seek(position, what));
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENXIO') return undefined;
    throw error;
  }
}
