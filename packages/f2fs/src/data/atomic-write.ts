// Atomic writes: what is written between start and commit is seen by readers at once, and by a mount behind a power cut all together
// or not at all.
//
//   start    the contents move out of the inode, dirty pages are written, and a second inode is made, without a name: the cow inode
//   write    pages belong to the file, their blocks to the cow inode. A block that is touched in part is filled from the cow inode
//            if it has the block, else from the file. Size and times stay in memory
//   commit   pages are written; in one operation every block of the cow inode takes the place of the file's; then fsync. The file's
//            old blocks may not be used again before the next checkpoint, so until then a cut finds them
//   abort    pages are dropped, and the cow inode with its blocks
//
// Behind a cut nobody has the cow inode open: it is an orphan, and freed by the mount. A chain of several nodes may be cut in its
// middle, so a commit that needs more than one is a checkpoint; so is one whose cow inode a checkpoint knows, because recovery
// takes blocks only that were written behind the checkpoint.
// Source: spec 5.3; kernel fs/f2fs/file.c (f2fs_ioc_start_atomic_write), segment.c (f2fs_commit_atomic_write).

import { EBUSY, EINVAL, FsError } from '@f2fskit/errno';
import {
  Advise,
  BLOCK_SIZE,
  type Checkpoint,
  InlineFlag,
  ModeType,
  NULL_ADDRESS,
  RawInode,
} from '@f2fskit/f2fs-format';
import { locateDnode } from '@f2fskit/f2fs-node';
import { discardRange } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { changeInodeNode } from '../change-inode.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { buildInode } from '../names/build-inode.ts';
import { dropCapabilityOfContents } from '../names/capability.ts';
import { Claim } from '../names/claim.ts';
import { freeOrphan } from '../names/free-inode.ts';
import { addBlocks, findSlot, isHoleOrMark, makeSlot, missingNodes, putAddress, slotOwner } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { convertInline } from './inline-file.ts';
import { settleInode } from './pending-attributes.ts';
import { checkContents } from './write-file.ts';

/** An atomic write that is under way. */
export interface AtomicWrite {
  /** Whose it is: an open file. */
  readonly owner: object;
  /** Has the blocks that were written. */
  readonly cow: F2fsInode;
  /** The checkpoint in force when the cow inode was made. */
  readonly checkpointVersion: Checkpoint['version'];
  /** Failed writes of the file before it began. */
  readonly errorsBefore: number;
}

/**
 * Begins an atomic write; nothing where `owner` has begun one. `wrap` makes an inode of what was decoded. Throws EINVAL for what
 * cannot be written so, EBUSY where somebody else has begun one, EPERM, ENOSPC, EIO.
 */
export function* startAtomicWrite(
  writer: VolumeWriter,
  inode: F2fsInode,
  owner: object,
  wrap: (raw: F2fsInode['raw']) => F2fsInode,
): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  try {
    const { compressed, advise } = inode.fields;
    if (inode.kind !== 'file' || compressed || (advise & Advise.encrypt) !== 0) {
      throw new FsError(EINVAL, 'such a file is not written to atomically');
    }
    checkContents(inode);
    if (inode.atomic?.owner === owner) return;
    if (inode.atomic !== undefined) throw new FsError(EBUSY, 'an atomic write of the file is under way');
    yield* dropCapabilityOfContents(writer, inode);
    if (hasInlineData(inode.raw)) yield* convertInline(writer, inode);
    const { mapping } = inode.pages();
    yield* inode.writeBack();
    if (mapping.dirtyPages > 0) throw new FsError(EBUSY, 'pages of the file could not be written');
    const checkpointVersion = writer.current.version;
    const cow = wrap(yield* writer.operation(makeCow(writer, inode)));
    inode.atomic = { owner, cow, checkpointVersion, errorsBefore: mapping.errors.count };
  } finally {
    held.unlock();
  }
}

/** An inode without a name, of whoever has the file; part of an operation. Throws ENOSPC, with nothing made. */
function* makeCow(writer: VolumeWriter, inode: F2fsInode): Task<F2fsInode['raw']> {
  yield* settleInode(writer, inode);
  const claim = yield* Claim.take(writer, 0, 1);
  try {
    const root = yield* writer.store.readInode(writer.store.superblock.rootIno);
    const { uid, gid, nameBytes } = inode.fields;
    const mode = ModeType.regular | 0o600;
    const { ino } = yield* buildInode(writer, claim, root, { mode, uid, gid, name: nameBytes });
    writer.space.validInodes++;
    writer.orphans.add(ino);
    return yield* changeInodeNode(writer, ino, (view) => {
      RawInode.links.set(view, 0, 0);
      RawInode.inlineFlags.set(view, 0, RawInode.inlineFlags.get(view, 0) & ~(InlineFlag.data | InlineFlag.dataExist));
    });
  } catch (error) {
    throw writer.abandon(error);
  }
}

/**
 * What was written takes the place of what was there; the caller then makes it durable. Throws EINVAL where `owner` has begun
 * nothing; ENOSPC, EIO: the write is still under way.
 */
export function* commitAtomicWrite(writer: VolumeWriter, inode: F2fsInode, owner: object): Task<void> {
  const held = yield* writer.locks.lock([inode.ino]);
  let cow: F2fsInode;
  try {
    const { atomic } = inode;
    if (atomic?.owner !== owner) throw new FsError(EINVAL, 'no atomic write was begun');
    cow = atomic.cow;
    yield* inode.writeBack();
    const { errors } = inode.pages().mapping;
    // Also one of long ago: what the block holds is not what was written.
    if (errors.count !== atomic.errorsBefore) throw new FsError(errors.errno, 'a block could not be written');
    yield* writer.operation(replace(writer, inode, atomic));
  } finally {
    held.unlock();
  }
  yield* freeOrphan(writer, cow.ino);
}

/** Part of an operation: no checkpoint sees some of it. */
function* replace(writer: VolumeWriter, inode: F2fsInode, { cow, checkpointVersion }: AtomicWrite): Task<void> {
  const blocks = yield* writtenBlocks(writer, cow, inode.size);
  // What may fail comes first: it changes nothing that anybody sees.
  for (const block of blocks) {
    if ((yield* findSlot(writer, inode.raw, block)) !== undefined) continue;
    const nodes = yield* missingNodes(writer, inode.raw, block);
    yield* makeSlot(writer, inode.raw, block, yield* Claim.take(writer, 0, nodes.length));
  }
  try {
    for (const block of blocks) yield* moveBlock(writer, inode, cow, block);
    inode.atomic = undefined;
    yield* settleInode(writer, inode);
  } catch (error) {
    throw writer.abandon(error);
  }
  const single = writer.nodes.dirtyDnodes(inode.ino).length <= 1;
  if (!single || writer.current.version !== checkpointVersion) writer.checkpointFirst.add(inode.ino);
}

/** The blocks of a file of `size` bytes that were written, in their order. */
function* writtenBlocks(writer: VolumeWriter, cow: F2fsInode, size: number): Task<number[]> {
  const found: number[] = [];
  const end = Math.ceil(size / BLOCK_SIZE);
  for (let at = 0; at < end; ) {
    const range = yield* locateDnode(writer.store, cow.raw, at);
    const last = Math.min(end, range.end);
    if (!range.hole) {
      const { view } = range.node;
      for (; at < last; at++) {
        if (!isHoleOrMark(view.getUint32(range.slotOffset + 4 * (at - range.start), true))) found.push(at);
      }
    }
    at = last;
  }
  return found;
}

/** A block of the cow inode becomes that of the file. */
function* moveBlock(writer: VolumeWriter, inode: F2fsInode, cow: F2fsInode, block: number): Task<void> {
  const { store, allocator, space } = writer;
  const from = (yield* findSlot(writer, cow.raw, block))!;
  const to = (yield* findSlot(writer, inode.raw, block))!;
  const { address } = from;
  // Both had counted one.
  if (to.address !== NULL_ADDRESS) space.release(1);
  yield* putAddress(writer, inode.raw, to, address);
  yield* allocator.reown(address, yield* slotOwner(writer, to));
  if (from.nid !== cow.ino) {
    const node = yield* store.readNode(from.nid, { ino: cow.ino, nodeOffset: from.nodeOffset });
    node.view.setUint32(from.byte, NULL_ADDRESS, true);
    store.markDirty(from.nid);
  }
  yield* changeInodeNode(writer, cow.ino, (view) => {
    if (from.nid === cow.ino) view.setUint32(from.byte, NULL_ADDRESS, true);
    addBlocks(view, -1);
  });
}

/** Nothing of the atomic write is seen any more. False where `owner` has begun none. Throws EIO. */
export function* abortAtomicWrite(writer: VolumeWriter, inode: F2fsInode, owner: object): Task<boolean> {
  if (inode.atomic?.owner !== owner) return false;
  const held = yield* writer.locks.lock([inode.ino]);
  let cow: F2fsInode;
  try {
    const { atomic } = inode;
    if (atomic?.owner !== owner) return false;
    cow = atomic.cow;
    const { mapping } = inode.pages();
    yield* discardRange(mapping, 0);
    // At once: what a reader fills from now on is the file's. What one has begun to fill is waited for, and dropped as well.
    inode.atomic = undefined;
    inode.pending = undefined;
    yield* discardRange(mapping, 0);
  } finally {
    held.unlock();
  }
  yield* freeOrphan(writer, cow.ino);
  return true;
}
