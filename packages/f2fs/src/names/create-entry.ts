// New files: create, mkdir, mknod, symlink. Everything that can be refused is looked at first, then space is taken for all
// of it, then it is done.
//
// Source: kernel fs/f2fs/namei.c, dir.c (f2fs_init_inode_metadata), acl.c (f2fs_init_acl).

import { submitAndWait, writeBio } from '@f2fskit/block';
import { assert, EEXIST, ENAMETOOLONG, ENOENT, FsError } from '@f2fskit/errno';
import {
  aclFromUserSpace,
  aclToUserSpace,
  BLOCK_SIZE,
  COMPRESS_ADDRESS,
  ExtraAttributes,
  FileType,
  fileTypeOfMode,
  INLINE_XATTR_WORDS_DEFAULT,
  INODE_ADDRESSES_OFFSET,
  InodeFlag,
  ModeType,
  NEW_ADDRESS,
  SegmentType,
  XattrIndex,
} from '@f2fskit/f2fs-format';
import type { DecodedInode, NodeStore } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { dataLogOf } from '../data/placement.ts';
import { findDentry, isCasefolded, isEncrypted, isInline } from '../directory.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { readStoredXattrs } from '../xattr.ts';
import { AccessList } from './access-list.ts';
import { buildInode, type InodeRequest, inlineBytesOfNew, type NewCompression } from './build-inode.ts';
import { Claim } from './claim.ts';
import type { ContentStage } from './content-stage.ts';
import { isAbsentFrom } from './dentry-edit.ts';
import { inlineAreaIn } from './directory-areas.ts';
import { checkDirectory, checkName, checkNewEntry } from './entry-rules.ts';
import { insertDentry, makeRoomInline, planInsertion } from './insert-dentry.ts';
import { addLinks } from './links.ts';
import type { LoadedClusters } from './loaded-clusters.ts';
import { addBlocks, findSlot, putAddress, slotOwner } from './slots.ts';
import { hasXattrs, needsXattrNode, storeXattrs, type XattrRecord } from './xattr-storage.ts';

/** Makes a file with a name; returns its number. Throws EEXIST, ENOENT, EPERM, ENOKEY, EINVAL, ENOSPC. */
export function* createEntry(writer: VolumeWriter, directory: F2fsInode, request: InodeRequest): Task<number> {
  checkRequest(request);
  const { locks } = writer;
  if (!locks.tryLockOne(directory.ino)) yield* locks.lockOne(directory.ino);
  try {
    return yield* writer.operation(createLocked(writer, directory, request));
  } finally {
    locks.unlockOne(directory.ino);
  }
}

/** Throws ENAMETOOLONG, EINVAL, ENOENT for a name or a target that cannot be. */
export function checkRequest({ name, target }: InodeRequest): void {
  checkName(name);
  if (target !== undefined && target.length >= BLOCK_SIZE) throw new FsError(ENAMETOOLONG, 'the target is too long');
  if (target?.length === 0) throw new FsError(ENOENT, 'a symlink without a target');
}

/**
 * Part of an operation, under the lock of the directory. `stage` takes contents that do not fit inside the inode; `clusters`: those of
 * a file that is to be compressed.
 */
export function* createLocked(
  writer: VolumeWriter,
  directory: F2fsInode,
  request: InodeRequest,
  stage?: ContentStage,
  clusters?: LoadedClusters,
): Task<number> {
  const { store, directories } = writer;
  const { name } = request;
  checkDirectory(directory);
  if (!(yield* isNewInside(store, directory.raw, name))) {
    if ((yield* findDentry(store, directory.raw, name, directories)) !== undefined) throw new FsError(EEXIST);
  }
  checkNewEntry(writer, directory.raw, name);
  return yield* addEntry(writer, directory, request, stage, clusters);
}

/** Whether a directory keeps its entries inside, and the name is certainly not among them. */
function* isNewInside(store: NodeStore, directory: DecodedInode, name: Uint8Array): Task<boolean> {
  if (!isInline(directory) || isEncrypted(directory) || isCasefolded(directory)) return false;
  const { bytes, view } = yield* store.readInodeNode(directory);
  return isAbsentFrom(inlineAreaIn(directory, bytes, view), name, store.nat.nidEnd);
}

/** Makes a file with a name that is known to be absent. Throws ENOSPC, with nothing made. */
function* addEntry(
  writer: VolumeWriter,
  directory: F2fsInode,
  request: InodeRequest,
  stage: ContentStage | undefined,
  clusters: LoadedClusters | undefined,
): Task<number> {
  const { name, target, contents } = request;
  const fileType = fileTypeOfMode(request.mode);
  const compression = compressionOfNew(writer, directory, request);
  const compressed = compression.flag === InodeFlag.compress;
  assert(
    !compressed || contents === undefined || contents.length === 0 || clusters !== undefined,
    'contents are compressed before the file is made',
  );
  const { mode, xattrs } = yield* inheritedLists(writer, directory, request.mode);
  yield* makeRoomInline(writer, directory.ino, name);
  const insertion = yield* planInsertion(writer, directory.ino, name);
  const blocks = blocksOutside(writer, contents ?? target, compressed);
  const nodes = 1 + (needsXattrNode(xattrs, 4 * INLINE_XATTR_WORDS_DEFAULT) ? 1 : 0);
  const claim = yield* Claim.take(writer, insertion.blocks + blocks, insertion.nodes + nodes);
  try {
    const inode = yield* buildInode(writer, claim, directory.raw, { ...request, mode }, compression);
    const { ino } = inode;
    writer.space.validInodes++;
    if (xattrs.length > 0) yield* storeXattrs(writer, ino, xattrs, claim);
    if (blocks > 0 && contents !== undefined) yield* writeContents(writer, inode, claim, contents, stage, clusters);
    else if (blocks > 0) yield* writeTarget(writer, inode, claim, target!);
    yield* insertDentry(writer, insertion, claim, { name, ino, fileType });
    if (fileType === FileType.directory) yield* addLinks(writer, directory.ino, 1);
    return ino;
  } catch (error) {
    throw writer.abandon(error);
  }
}

/** What a new file or directory says of compression. */
export function compressionOfNew(
  { store, compression }: VolumeWriter,
  directory: F2fsInode,
  { name, mode, compress }: InodeRequest,
): NewCompression {
  const { context } = compression;
  if (compress === false) return { flag: 0, context };
  const { flags } = directory.fields;
  return { flag: compression.flagOfNew(store.superblock, flags, fileTypeOfMode(mode), name), context };
}

/** Blocks that contents, or a target, take beside the inode of a new file. A compressed one has nothing inside. */
export function blocksOutside({ store }: VolumeWriter, contents: Uint8Array | undefined, compressed = false): number {
  if (contents === undefined || (!compressed && contents.length <= inlineBytesOfNew(store.superblock))) return 0;
  return Math.ceil(contents.length / BLOCK_SIZE);
}

/** Gives contents their blocks, whose addresses all lie in the inode, and sends them on their way. */
function* writeContents(
  writer: VolumeWriter,
  { ino, fields }: DecodedInode,
  claim: Claim,
  contents: Uint8Array,
  stage: ContentStage | undefined,
  clusters: LoadedClusters | undefined,
): Task<void> {
  const { allocator, store } = writer;
  const count = Math.ceil(contents.length / BLOCK_SIZE);
  assert(stage !== undefined && count <= fields.addressesPerInode, 'who makes files with contents stages them');
  const log = dataLogOf(fields, count);
  const { version } = yield* store.nat.lookup(ino);
  const slots: number[] = [];
  const owner = { nid: ino, version, offsetInNode: 0 };
  // Runs of blocks that go side by side to the stage: of the contents as they are, or of a payload.
  const place = function* (bytes: Uint8Array, blocks: number): Task<void> {
    const first = slots.length;
    for (; slots.length - first < blocks; claim.block()) {
      owner.offsetInNode = slots.length;
      slots.push(allocator.allocateNow(log, owner) || (yield* allocator.allocate(log, owner)));
    }
    stage.send(bytes, slots.slice(first), log);
  };
  const { clusterBlocks = count, payloads = [] } = clusters ?? {};
  let saved = 0;
  while (slots.length < count) {
    const at = slots.length;
    const payload = payloads[at / clusterBlocks];
    if (payload === undefined) {
      const blocks = Math.min(clusterBlocks, count - at);
      yield* place(contents.subarray(at * BLOCK_SIZE, (at + blocks) * BLOCK_SIZE), blocks);
      continue;
    }
    slots.push(COMPRESS_ADDRESS);
    claim.block();
    yield* place(payload, payload.length / BLOCK_SIZE);
    saved += at + clusterBlocks - slots.length + 1;
    for (; slots.length < at + clusterBlocks; claim.block()) slots.push(NEW_ADDRESS);
  }
  const { view } = yield* store.readNode(ino, { ino, nodeOffset: 0 });
  for (let index = 0; index < count; index++) {
    view.setUint32(fields.addressesOffset + 4 * index, slots[index]!, true);
  }
  addBlocks(view, count);
  if (saved > 0) ExtraAttributes.compressedBlocks.set(view, INODE_ADDRESSES_OFFSET, saved);
  store.markDirty(ino);
}

/** Writes the target of a symlink to a block. It is written at once: nobody finds it before the next checkpoint. */
function* writeTarget(writer: VolumeWriter, inode: DecodedInode, claim: Claim, target: Uint8Array): Task<void> {
  const { allocator, store } = writer;
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
  directory: F2fsInode,
  mode: number,
): Task<{ mode: number; xattrs: XattrRecord[] }> {
  const none = { mode, xattrs: [] };
  if ((mode & ModeType.mask) === ModeType.symlink) return none;
  if (!(yield* hasXattrs(store, directory.raw))) return none;
  const stored = yield* readStoredXattrs(store, directory.raw);
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
