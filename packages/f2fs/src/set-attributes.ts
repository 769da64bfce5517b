// chmod, chown, utimens: mode, owner and times of an inode.

import { ENOENT, EPERM, FsError } from '@f2fskit/errno';
import { InodeFlag, RawInode } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { AttributeChanges } from '@f2fskit/vfs';
import { changeInode, setAccessTime, setModifyTime } from './change-inode.ts';
import { settleInode } from './data/pending-attributes.ts';
import type { F2fsInode } from './inode.ts';
import { dropCapability } from './names/capability.ts';
import { followMode } from './names/set-xattr.ts';
import type { VolumeWriter } from './volume-writer.ts';

/** chmod, chown and utimens; an access list follows the mode. Throws EPERM for an immutable or append-only file. */
export function* setAttributes(writer: VolumeWriter, inode: F2fsInode, changes: AttributeChanges): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    if (inode.gone) throw new FsError(ENOENT);
    yield* writer.operation(applyChanges(writer, inode, changes));
  } finally {
    held.unlock();
  }
}

function* applyChanges(writer: VolumeWriter, inode: F2fsInode, changes: AttributeChanges): Task<void> {
  const { mode, uid, gid, atime, mtime } = changes;
  if ((inode.fields.flags & (InodeFlag.immutable | InodeFlag.append)) !== 0) throw new FsError(EPERM);
  // Another owner must not inherit the powers of this one. Source: kernel fs/open.c (chown_common), fs/attr.c.
  const dropPowers = changes.dropPowers === true || uid !== undefined || gid !== undefined;
  const powerless = dropPowers && inode.kind !== 'directory';
  if (powerless) yield* dropCapability(writer, inode);
  if (mode !== undefined) yield* followMode(writer, inode, mode);
  yield* settleInode(writer, inode);
  yield* changeInode(writer, inode, (view) => {
    let bits = RawInode.mode.get(view, 0);
    if (mode !== undefined) bits = (bits & 0xf000) | (mode & 0o7777);
    if (powerless) {
      bits &= ~SET_UID;
      if ((bits & GROUP_EXECUTE) !== 0) bits &= ~SET_GID;
    }
    RawInode.mode.set(view, 0, bits);
    if (uid !== undefined) RawInode.uid.set(view, 0, uid);
    if (gid !== undefined) RawInode.gid.set(view, 0, gid);
    if (atime !== undefined) setAccessTime(view, atime);
    if (mtime !== undefined) setModifyTime(view, mtime);
  });
}

const SET_UID = 0o4000;
const SET_GID = 0o2000;
const GROUP_EXECUTE = 0o010;
