// What speaks against changing the names of a directory, or the file that a name stands for: the checks that Linux makes
// before anything is changed. Permissions of users are not among them: who opens a volume is its superuser.
//
// Source: kernel fs/namei.c (may_create, may_delete), fs/f2fs/namei.c, spec 7.4, 12.1.

import { EINVAL, ENAMETOOLONG, ENOENT, ENOKEY, ENOTDIR, EPERM, EXDEV, FsError } from '@f2fskit/errno';
import { InodeFlag, isDotName, MAX_NAME_BYTES } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import { foldForHash } from '../casefold.ts';
import { isImpossibleName } from '../dentry-area.ts';
import { isCasefolded, isEncrypted } from '../directory.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';

/** Bit of the superblock's encoding flags: names in case-insensitive directories must be UTF-8 that can be folded. */
const STRICT_ENCODING = 1;

/** Throws ENAMETOOLONG, EINVAL for what cannot be a name. */
export function checkName(name: Uint8Array): void {
  if (name.length > MAX_NAME_BYTES) throw new FsError(ENAMETOOLONG);
  if (name.length === 0 || isDotName(name) || isImpossibleName(name)) throw new FsError(EINVAL, 'not a name');
}

/** Throws ENOTDIR, ENOENT for a directory that was removed. */
export function checkDirectory(directory: F2fsInode): void {
  if (directory.kind !== 'directory') throw new FsError(ENOTDIR);
  if (directory.gone || directory.fields.links === 0) throw new FsError(ENOENT, 'the directory was removed');
}

/** Whether a name may be added. Throws EPERM, ENOKEY, EINVAL. */
export function checkNewEntry({ store }: VolumeWriter, directory: DecodedInode, name: Uint8Array): void {
  if ((directory.fields.flags & InodeFlag.immutable) !== 0) throw new FsError(EPERM);
  if (isEncrypted(directory)) throw new FsError(ENOKEY, 'the directory is encrypted');
  if (!isCasefolded(directory) || (store.superblock.encodingFlags & STRICT_ENCODING) === 0) return;
  if (foldForHash(name) === undefined) throw new FsError(EINVAL, 'the directory takes only names that it can fold');
}

/** Whether a name may go, and the file with it. Throws EPERM. */
export function checkOldEntry(directory: DecodedInode, inode: DecodedInode): void {
  const fixed = InodeFlag.immutable | InodeFlag.append;
  if (((directory.fields.flags | inode.fields.flags) & fixed) !== 0) throw new FsError(EPERM);
}

/** A directory whose project is inherited takes no file of another project. Throws EXDEV. */
export function checkProject(directory: DecodedInode, inode: DecodedInode): void {
  const inherits = (directory.fields.flags & InodeFlag.projectInherit) !== 0;
  if (inherits && directory.fields.projectId !== inode.fields.projectId) throw new FsError(EXDEV);
}
