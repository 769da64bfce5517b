// Whose a new file is, and who may do what with it.

import type { Task } from '@f2fskit/task';
import type { Inode, NewFileOptions } from './inode.ts';
import { bytesEqual, utf8Encode } from './utf8.ts';

/** What new files get beside the mode that is asked for, as from a process. */
export interface Ownership {
  /** Permission bits that new files do not get. */
  umask: number;
  /** Owner of new files. */
  uid: number;
  /** Their group; in a directory with the set-group-ID bit it is that of the directory. */
  gid: number;
}

const DEFAULT_ACCESS_LIST = utf8Encode('system.posix_acl_default');

/** A default access list of the directory takes the place of the umask. Source: kernel fs/posix_acl.c (posix_acl_create). */
export function* newFile(directory: Inode, { umask, uid, gid }: Ownership, mode: number): Task<NewFileOptions> {
  if ((mode & umask) === 0) return { mode, uid, gid };
  const attributes = yield* directory.extendedAttributes();
  const listed = attributes.some(({ name }) => bytesEqual(name, DEFAULT_ACCESS_LIST));
  return { mode: listed ? mode : mode & ~umask, uid, gid };
}
