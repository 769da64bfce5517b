// `security.capability` says what a program may do, whoever runs it. It was given to these contents and for this owner: it goes
// with the first change of either. Set-ID bits stay when contents change: who changes a volume here is its owner, as root is
// on Linux.
//
// Source: kernel security/commoncap.c (cap_inode_need_killpriv), mm/filemap.c (file_remove_privs), fs/attr.c.

import { FsError } from '@f2fskit/errno';
import { XattrIndex } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { bytesEqual, utf8Encode } from '@f2fskit/vfs';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { readStoredXattrs } from '../xattr.ts';
import { setRecord } from './set-xattr.ts';

const CAPABILITY = { index: XattrIndex.security, name: utf8Encode('capability') };

/** The contents of a file change. Under the lock of the inode, in no operation. Throws as a change of xattrs does. */
export function* dropCapabilityOfContents(writer: VolumeWriter, inode: F2fsInode): Task<void> {
  if (writer.withoutCapability.has(inode)) return;
  if (yield* hasCapability(writer, inode)) yield* writer.operation(remove(writer, inode));
  writer.withoutCapability.add(inode);
}

/** The owner of an inode changes. Part of an operation, under the lock of the inode. */
export function* dropCapability(writer: VolumeWriter, inode: F2fsInode): Task<void> {
  if (yield* hasCapability(writer, inode)) yield* remove(writer, inode);
}

function* hasCapability(writer: VolumeWriter, inode: F2fsInode): Task<boolean> {
  const { xattrNid, inlineXattrArea } = inode.fields;
  if (xattrNid === 0 && inlineXattrArea.size === 0) return false;
  try {
    const stored = yield* readStoredXattrs(writer.store, inode.raw);
    return stored.some(({ index, name }) => index === CAPABILITY.index && bytesEqual(name, CAPABILITY.name));
  } catch (error) {
    // As Linux: from attributes that cannot be read nobody gets capabilities either.
    if (error instanceof FsError) return false;
    throw error;
  }
}

function remove(writer: VolumeWriter, inode: F2fsInode): Task<void> {
  return setRecord(writer, inode, CAPABILITY, undefined, 'replace');
}
