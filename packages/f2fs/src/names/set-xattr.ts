// setxattr and removexattr. A new or changed attribute goes to the end of the list. An access list changes the mode with
// it, and is not stored where the mode says it all.
//
// Source: spec 8.6; kernel fs/f2fs/xattr.c (__f2fs_setxattr), acl.c (__f2fs_set_acl), fs/xattr.c (xattr_permission).

import {
  E2BIG,
  EACCES,
  EEXIST,
  EINVAL,
  ENODATA,
  ENOENT,
  ENOSPC,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  FsError,
} from '@f2fskit/errno';
import {
  aclFromUserSpace,
  aclToUserSpace,
  InodeFlag,
  MAX_NAME_BYTES,
  RawInode,
  XattrEntry,
  XattrHeader,
  XattrIndex,
  xattrPrefixes,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { bytesEqual, utf8Encode, type XattrMode } from '@f2fskit/vfs';
import { changeInodeNode, setChangeTime } from '../change-inode.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { readStoredXattrs } from '../xattr.ts';
import { AccessList } from './access-list.ts';
import { Claim } from './claim.ts';
import { needsXattrNode, storeXattrs, type XattrRecord, xattrBytes, xattrBytesMax } from './xattr-storage.ts';

/** As `XATTR_SIZE_MAX`: no filesystem takes more. */
const VALUE_BYTES_MAX = 65536;

/** What a name stands for: the index of its prefix, and the rest. */
interface SplitName {
  index: number;
  name: Uint8Array;
}

/**
 * Sets an attribute. Throws EEXIST, ENODATA (by `mode`), ERANGE for a name, E2BIG for a value that is too long, ENOSPC where
 * it does not fit beside the others, EPERM, EOPNOTSUPP for other prefixes, EINVAL for a broken access list.
 */
export function setXattr(
  writer: VolumeWriter,
  inode: F2fsInode,
  name: Uint8Array,
  value: Uint8Array,
  mode: XattrMode = 'set',
): Task<void> {
  return change(writer, inode, () => {
    const split = splitName(inode, name);
    if (value.length > VALUE_BYTES_MAX) throw new FsError(E2BIG);
    if (split.index === XattrIndex.posixAclAccess || split.index === XattrIndex.posixAclDefault) {
      return setAccessList(writer, inode, split, value, mode);
    }
    return setRecord(writer, inode, split, value, mode);
  });
}

/** Throws ENODATA where there is none, EPERM, EOPNOTSUPP. */
export function removeXattr(writer: VolumeWriter, inode: F2fsInode, name: Uint8Array): Task<void> {
  return change(writer, inode, () => setRecord(writer, inode, splitName(inode, name), undefined, 'replace'));
}

/** Runs a change while nobody else changes the inode. */
function* change(writer: VolumeWriter, inode: F2fsInode, body: () => Task<void>): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    if (inode.gone) throw new FsError(ENOENT);
    if ((inode.fields.flags & (InodeFlag.immutable | InodeFlag.append)) !== 0) throw new FsError(EPERM);
    yield* writer.operation(body());
  } finally {
    held.unlock();
  }
}

function splitName(inode: F2fsInode, name: Uint8Array): SplitName {
  if (name.length === 0 || name.length > MAX_NAME_BYTES) throw new FsError(ERANGE);
  for (const [index, text] of xattrPrefixes) {
    const prefix = utf8Encode(text);
    if (!bytesEqual(name.subarray(0, prefix.length), prefix)) continue;
    const rest = name.slice(prefix.length);
    if (index === XattrIndex.posixAclAccess || index === XattrIndex.posixAclDefault) {
      if (rest.length === 0) return { index, name: rest };
      continue;
    }
    if (rest.length === 0) throw new FsError(EINVAL);
    const forUsers = inode.kind === 'file' || inode.kind === 'directory';
    if (index === XattrIndex.user && !forUsers) throw new FsError(EPERM);
    return { index, name: rest };
  }
  throw new FsError(EOPNOTSUPP);
}

function isSame(record: XattrRecord, { index, name }: SplitName): boolean {
  return record.index === index && bytesEqual(record.name, name);
}

/** Stores, or with no value removes, one attribute; `permissions` are the new permission bits of the inode. */
export function* setRecord(
  writer: VolumeWriter,
  inode: F2fsInode,
  split: SplitName,
  value: Uint8Array | undefined,
  mode: XattrMode,
  permissions?: number,
): Task<void> {
  writer.withoutCapability.delete(inode);
  const { fields } = inode;
  const max = xattrBytesMax(fields);
  if (value !== undefined && value.length > max - XattrHeader.$size - XattrEntry.$size) throw new FsError(E2BIG);
  const before: XattrRecord[] = yield* readStoredXattrs(writer.store, inode.raw);
  const old = before.find((record) => isSame(record, split));
  if (old !== undefined && mode === 'create') throw new FsError(EEXIST);
  if (old === undefined && mode === 'replace') throw new FsError(ENODATA);
  const after = before.filter((record) => record !== old);
  if (value !== undefined) after.push({ ...split, value });
  if (xattrBytes(after) > max) throw new FsError(ENOSPC);
  const changes = value === undefined ? old !== undefined : old === undefined || !bytesEqual(old.value, value);
  const nodes = fields.xattrNid === 0 && needsXattrNode(after, fields.inlineXattrArea.size) ? 1 : 0;
  const claim = yield* Claim.take(writer, 0, nodes);
  try {
    if (changes) yield* storeXattrs(writer, inode.ino, after, claim);
    yield* changeInodeNode(writer, inode.ino, (view) => {
      setChangeTime(view, writer.clock.now());
      if (permissions === undefined) return;
      RawInode.mode.set(view, 0, (RawInode.mode.get(view, 0) & ~0o777) | permissions);
    });
  } catch (error) {
    throw writer.abandon(error);
  }
}

/** chmod: the access list says the same as the new mode. Part of an operation, under the lock of the inode. */
export function* followMode(writer: VolumeWriter, inode: F2fsInode, mode: number): Task<void> {
  const split = { index: XattrIndex.posixAclAccess, name: new Uint8Array(0) };
  const stored = (yield* readStoredXattrs(writer.store, inode.raw)).find((record) => isSame(record, split));
  if (stored === undefined) return;
  const list = new AccessList(aclToUserSpace(stored.value));
  list.follow(mode);
  yield* setRecord(writer, inode, split, aclFromUserSpace(list.bytes), 'replace');
}

/** An access list without entries takes the attribute away. */
function* setAccessList(
  writer: VolumeWriter,
  inode: F2fsInode,
  split: SplitName,
  value: Uint8Array,
  mode: XattrMode,
): Task<void> {
  if (inode.kind === 'symlink') throw new FsError(EOPNOTSUPP);
  const stored = aclFromUserSpace(value);
  if (stored === undefined) throw new FsError(EINVAL);
  const list = new AccessList(value);
  if (!list.empty && !list.valid) throw new FsError(EINVAL);
  const access = split.index === XattrIndex.posixAclAccess;
  if (!access && !list.empty && inode.kind !== 'directory') throw new FsError(EACCES);
  const removed = list.empty || (access && list.isMode);
  const permissions = access && !list.empty ? list.mode : undefined;
  yield* setRecord(writer, inode, split, removed ? undefined : stored, removed ? 'set' : mode, permissions);
}
