// An inode that is used for a while, without an open file: by a call with a path. It stays for that long, also when it loses
// its last name meanwhile.

import { ENOENT, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { Inode } from './inode.ts';

/** Runs `body` while the inode is held. Throws ENOENT for one that is gone, and what `body` and letting go of it throw. */
export function* holding<T>(inode: Inode, body: (inode: Inode) => Task<T>): Task<T> {
  if (inode.gone === true) throw new FsError(ENOENT);
  inode.hold?.();
  let result: T;
  try {
    result = yield* body(inode);
  } catch (error) {
    try {
      if (inode.release !== undefined) yield* inode.release();
    } catch {} // what `body` threw counts more
    throw error;
  }
  if (inode.release !== undefined) yield* inode.release();
  return result;
}
