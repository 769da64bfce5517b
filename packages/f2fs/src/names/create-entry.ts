// New files: create, mkdir, mknod, symlink. Everything that can be refused is looked at first, then space is taken for all
// of it, then it is done.
//
// Source: kernel fs/f2fs/namei.c, dir.c (f2fs_init_inode_metadata), acl.c (f2fs_init_acl).

import { submitAndWait, writeBio } from '@f2fskit/block';
import { EEXIST, ENAMETOOLONG, ENOENT, FsError } from '@f2fskit/errno';
import {
  aclFromUserSpace,
  aclToUserSpace,
  BLOCK_SIZE,
  FileType,
  fileTypeOfMode,
  INLINE_XATTR_WORDS_DEFAULT,
  ModeType,
  SegmentType,
  XattrIndex,
} from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { findDentry } from '../directory.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { readStoredXattrs } from '../xattr.ts';
import { AccessList } from './access-list.ts';
import { buildInode, type InodeRequest, inlineBytesOfNew } from './build-inode.ts';
import { Claim } from './claim.ts';
import { checkDirectory, checkName, checkNewEntry } from './entry-rules.ts';
import { insertDentry, makeRoomInline, planInsertion } from './insert-dentry.ts';
import { addLinks } from './links.ts';
import { findSlot, putAddress, slotOwner } from './slots.ts';
import { needsXattrNode, storeXattrs, type XattrRecord } from './xattr-storage.ts';

/** Makes a file with a name; returns it as it was decoded. Throws EEXIST, ENOENT, EPERM, ENOKEY, EINVAL, ENOSPC. */
export function* createEntry(writer: VolumeWriter, directory: F2fsInode, request: InodeRequest): Task<DecodedInode> {
  checkName(request.name);
  const { target } = request;
  if (target !== undefined && target.length >= BLOCK_SIZE) throw new FsError(ENAMETOOLONG, 'the target is too long');
  if (target?.length === 0) throw new FsError(ENOENT, 'a symlink without a target');
  const held = yield* writer.locks.lock([directory.ino]);
  try {
    return yield* writer.operation(create(writer, directory, request));
  } finally {
    held.unlock();
  }
}

function* create(writer: VolumeWriter, directory: F2fsInode, request: InodeRequest): Task<DecodedInode> {
  const { store, directories } = writer;
  const { name, target } = request;
  checkDirectory(directory);
  if ((yield* findDentry(store, directory.raw, name, directories)) !== undefined) throw new FsError(EEXIST);
  checkNewEntry(writer, directory.raw, name);
  return yield* addEntry(writer, directory.ino, request, target);
}

/** Makes a file with a name that is known to be absent. The directory's lock is held. Throws ENOSPC, with nothing made. */
export function* addEntry(
  writer: VolumeWriter,
  directoryIno: number,
  request: InodeRequest,
  target?: Uint8Array,
): Task<DecodedInode> {
  const { name } = request;
  const fileType = fileTypeOfMode(request.mode);
  const { mode, xattrs } = yield* inheritedLists(writer, directoryIno, request.mode);
  yield* makeRoomInline(writer, directoryIno, name);
  const insertion = yield* planInsertion(writer, directoryIno, name);
  const targetInBlock = target !== undefined && target.length > inlineBytesOfNew(writer.store.superblock);
  const nodes = 1 + (needsXattrNode(xattrs, 4 * INLINE_XATTR_WORDS_DEFAULT) ? 1 : 0);
  const claim = yield* Claim.take(writer, insertion.blocks + (targetInBlock ? 1 : 0), insertion.nodes + nodes);
  try {
    const parent = yield* writer.store.readInode(directoryIno);
    const { ino } = yield* buildInode(writer, claim, parent, { ...request, mode });
    writer.space.validInodes++;
    if (xattrs.length > 0) yield* storeXattrs(writer, ino, xattrs, claim);
    if (targetInBlock) yield* writeTarget(writer, ino, claim, target);
    yield* insertDentry(writer, insertion, claim, { name, ino, fileType });
    if (fileType === FileType.directory) yield* addLinks(writer, directoryIno, 1);
    return yield* writer.store.readInode(ino);
  } catch (error) {
    throw writer.abandon(error);
  }
}

/** Writes the target of a symlink to a block. It is written at once: nobody finds it before the next checkpoint. */
function* writeTarget(writer: VolumeWriter, ino: number, claim: Claim, target: Uint8Array): Task<void> {
  const { allocator, store } = writer;
  const inode = yield* store.readInode(ino);
  const slot = (yield* findSlot(writer, inode, 0))!; // inside the inode
  const address = yield* allocator.allocate(SegmentType.hotData, yield* slotOwner(writer, slot));
  claim.block();
  yield* putAddress(writer, inode, slot, address);
  const block = new Uint8Array(BLOCK_SIZE);
  block.set(target);
  yield* submitAndWait(store.device, writeBio(address * BLOCK_SIZE, [block]));
}

/** What a new file takes from the default access list of its directory: lists of its own, and a mode. */
function* inheritedLists(
  { store }: VolumeWriter,
  directoryIno: number,
  mode: number,
): Task<{ mode: number; xattrs: XattrRecord[] }> {
  const none = { mode, xattrs: [] };
  if ((mode & ModeType.mask) === ModeType.symlink) return none;
  const stored = yield* readStoredXattrs(store, yield* store.readInode(directoryIno));
  const inherited = stored.find(({ index }) => index === XattrIndex.posixAclDefault);
  if (inherited === undefined) return none;
  const list = new AccessList(aclToUserSpace(inherited.value));
  const empty = new Uint8Array(0);
  const xattrs: XattrRecord[] = [];
  if ((mode & ModeType.mask) === ModeType.directory) {
    xattrs.push({ index: XattrIndex.posixAclDefault, name: empty, value: inherited.value.slice() });
  }
  const newMode = list.inherit(mode);
  if (!list.isMode) {
    xattrs.push({ index: XattrIndex.posixAclAccess, name: empty, value: aclFromUserSpace(list.bytes)! });
  }
  return { mode: newMode, xattrs };
}
