// Making a file compressed, or plain, or compressed in another way, whatever it holds. The places of its slots depend on that,
// so it gets all of them anew:
//
//   1. what is dirty is written; the lock of the file is held from here to the end, readers are not kept away
//   2. a second inode is made, without a name, as the file is to be: a crash leaves an orphan, and the next mount frees it
//   3. what the file holds is written to it, holes left out, and sent to the device
//   4. in one operation, the file gives up what it had, and takes over the nodes and blocks of the other, and with them flag,
//      algorithm and counts. No checkpoint sees anything in between. Names, owner, times, attributes and number are those that
//      it had; the time of change is now
//   5. the other inode is freed, with nothing in it
//
// A copy under another name and a rename would lose hard links and the inode number; slots that are changed cluster by cluster
// have no state in between that Linux could read, because the flag decides where they lie.
// Blocks that were reserved, but never written, become holes. The room for both is needed until the end.
// Source: spec 6.1, 6.8, 9.1, 9.4; for what goes with a flag, kernel fs/f2fs/file.c (f2fs_ioc_compress_file).

import { EINVAL, ENOENT, ENOKEY, EOPNOTSUPP, EPERM, FsError } from '@f2fskit/errno';
import {
  Advise,
  BLOCK_SIZE,
  clusterBlocks,
  ExtraAttributes,
  Feature,
  hasFeature,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  InodeFlag,
  isMainAddress,
  ModeType,
  NIDS_PER_INODE,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  RawInode,
} from '@f2fskit/f2fs-format';
import { BlockMapping, mapBlocks } from '@f2fskit/f2fs-node';
import { BytesSource } from '@f2fskit/iomap';
import type { Task } from '@f2fskit/task';
import { changeInode, changeInodeNode } from '../change-inode.ts';
import { type CompressionContext, canCompress, writeContext } from '../compression-policy.ts';
import { settleInode } from '../data/pending-attributes.ts';
import { truncateFile } from '../data/truncate-file.ts';
import { checkNotAtomic, writeFile } from '../data/write-file.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { buildInode } from '../names/build-inode.ts';
import { Claim } from '../names/claim.ts';
import { freeOrphan, truncateBlocks } from '../names/free-inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { checkSizeOf, forgetExtent, hasCompressionFields } from './set-compressed.ts';
import { treeNodes } from './tree-nodes.ts';

/** Bytes that are copied at a time: a whole number of clusters of any size. */
const COPY_BYTES = 1 << 20;

/** Makes an inode of what was decoded, which others see as well. */
type Wrap = (raw: F2fsInode['raw']) => F2fsInode;

/**
 * Compresses what a file holds, with `context`. False, and nothing changed, where that would save nothing, or is done already.
 * Throws EINVAL for what is not a regular file or is pinned, EPERM, ENOKEY, EBUSY, EOPNOTSUPP where the volume, the inode or
 * the codecs have no such compression, EFBIG, ENOSPC, EIO, Corruption; the file is as it was then.
 */
export function* compressFile(
  writer: VolumeWriter,
  inode: F2fsInode,
  context: CompressionContext,
  wrap: Wrap,
): Task<boolean> {
  if (!canCompress(writer.store.superblock)) throw new FsError(EOPNOTSUPP, 'the volume has no compression');
  return yield* recodeFile(writer, inode, context, wrap);
}

/**
 * Makes a compressed file an ordinary one; the flag goes as well. False where it is none. Throws as {@link compressFile}.
 */
export function* decompressFile(writer: VolumeWriter, inode: F2fsInode, wrap: Wrap): Task<boolean> {
  return yield* recodeFile(writer, inode, undefined, wrap);
}

function* recodeFile(
  writer: VolumeWriter,
  inode: F2fsInode,
  context: CompressionContext | undefined,
  wrap: Wrap,
): Task<boolean> {
  const held = yield* writer.locks.lock([inode.ino]);
  let scratch: F2fsInode | undefined;
  try {
    if (inode.gone) throw new FsError(ENOENT);
    checkFile(inode, context);
    yield* inode.writeBack();
    if (!(yield* isToDo(writer, inode, context))) return false;
    scratch = wrap(yield* writer.operation(makeScratch(writer, inode, context)));
    if (context !== undefined) scratch.compressing = true;
    yield* copyContents(writer, inode, scratch);
    if (context !== undefined && scratch.savedBlocks === 0) return false;
    yield* writer.operation(takeOver(writer, inode, scratch, context));
    yield* inode.resetPages();
    return true;
  } finally {
    held.unlock();
    if (scratch !== undefined) yield* freeOrphan(writer, scratch.ino);
  }
}

function checkFile(inode: F2fsInode, context: CompressionContext | undefined): void {
  const { flags, advise, inlineFlags, deviceAlias } = inode.fields;
  if (inode.kind !== 'file') throw new FsError(EINVAL, 'only regular files can be compressed');
  if ((flags & InodeFlag.immutable) !== 0) throw new FsError(EPERM);
  if ((advise & Advise.encrypt) !== 0) throw new FsError(ENOKEY, 'the file is encrypted');
  if ((advise & Advise.verity) !== 0) throw new FsError(EPERM, 'the file is protected by verity');
  if (deviceAlias) throw new FsError(EPERM, 'the file stands for a device');
  checkNotAtomic(inode);
  if (context === undefined) return;
  if ((inlineFlags & InlineFlag.pinFile) !== 0) throw new FsError(EINVAL, 'the file is pinned to its blocks');
  if ((flags & InodeFlag.noCompress) !== 0) throw new FsError(EINVAL, 'the file is marked as never to be compressed');
  if (!hasCompressionFields(inode)) throw new FsError(EOPNOTSUPP, 'the inode has no place for what compression says');
  checkSizeOf(inode, context);
}

/** Whether a file is not yet as it is to be: in another form, or with whole clusters that are not compressed. */
function* isToDo(
  writer: VolumeWriter,
  { raw, size }: F2fsInode,
  context: CompressionContext | undefined,
): Task<boolean> {
  const { compressed, compressAlgorithm, compressFlag, logClusterSize } = raw.fields;
  if (context === undefined) return compressed;
  const blocks = clusterBlocks(context.logClusterSize);
  const whole = Math.floor(Math.ceil(size / BLOCK_SIZE) / blocks) * blocks;
  if (whole === 0) return false;
  const same =
    compressed &&
    compressAlgorithm === context.algorithm &&
    logClusterSize === context.logClusterSize &&
    compressFlag.level === context.level &&
    compressFlag.checksum === context.checksum;
  if (!same) return true;
  const run = new BlockMapping();
  for (let at = 0; at < whole; at = run.end) {
    yield* mapBlocks(writer.store, raw, at, whole, run);
    if (run.kind === 'raw') return true;
  }
  return false;
}

/** An inode without a name, with the room of the file for attributes; part of an operation. Throws ENOSPC, with nothing made. */
function* makeScratch(
  writer: VolumeWriter,
  inode: F2fsInode,
  context: CompressionContext | undefined,
): Task<F2fsInode['raw']> {
  const { store, orphans, space, compression } = writer;
  yield* settleInode(writer, inode);
  const { uid, gid, nameBytes: name, inlineFlags, inlineXattrWords } = inode.fields;
  const claim = yield* Claim.take(writer, 0, 1);
  try {
    const root = yield* store.readInode(store.superblock.rootIno);
    const request = { mode: ModeType.regular | 0o600, uid, gid, name };
    const flag = context === undefined ? 0 : InodeFlag.compress;
    const how = { flag, context: context ?? compression.context };
    const { ino } = yield* buildInode(writer, claim, root, request, how);
    space.validInodes++;
    orphans.add(ino);
    return yield* changeInodeNode(writer, ino, (view) => {
      RawInode.links.set(view, 0, 0);
      const own = RawInode.inlineFlags.get(view, 0) & ~(InlineFlag.data | InlineFlag.dataExist | InlineFlag.xattr);
      RawInode.inlineFlags.set(view, 0, own | (inlineFlags & InlineFlag.xattr));
      if (hasFeature(store.superblock, Feature.flexibleInlineXattr)) {
        ExtraAttributes.inlineXattrWords.set(view, INODE_ADDRESSES_OFFSET, inlineXattrWords);
      }
    });
  } catch (error) {
    throw writer.abandon(error);
  }
}

/** Writes what the file holds, and sends it to the device. Throws ENOSPC, EIO, and what reading met. */
function* copyContents(writer: VolumeWriter, inode: F2fsInode, scratch: F2fsInode): Task<void> {
  const { size, raw } = inode;
  yield* truncateFile(writer, scratch, size);
  if (hasInlineData(raw)) yield* copyRange(writer, inode, scratch, 0, size);
  else {
    const end = Math.ceil(size / BLOCK_SIZE);
    const run = new BlockMapping();
    for (let at = 0; at < end; at = run.end) {
      const first = at;
      // Runs that follow each other as one: a cluster that is written in parts would stay plain.
      for (; at < end; at = run.end) {
        yield* mapBlocks(writer.store, raw, at, end, run);
        if (run.kind === 'hole' || run.kind === 'reserved') break;
      }
      yield* copyRange(writer, inode, scratch, first * BLOCK_SIZE, Math.min(size, at * BLOCK_SIZE));
    }
  }
  yield* scratch.writeBack();
}

function* copyRange(writer: VolumeWriter, from: F2fsInode, to: F2fsInode, start: number, end: number): Task<void> {
  const memory = new Uint8Array(Math.min(COPY_BYTES, end - start));
  for (let position = start; position < end; ) {
    // Up to where a cluster ends, whatever its size.
    const edge = Math.min(end, (Math.floor(position / COPY_BYTES) + 1) * COPY_BYTES);
    const count = yield* from.read(position, memory.subarray(0, edge - position));
    yield* writeAll(writer, to, position, memory.subarray(0, count));
    position = edge;
  }
}

function* writeAll(writer: VolumeWriter, inode: F2fsInode, position: number, bytes: Uint8Array): Task<void> {
  // A short count says that something failed: the next write says what.
  for (let done = 0; done < bytes.length; ) {
    done += (yield* writeFile(writer, inode, position + done, new BytesSource(bytes.subarray(done)))).bytes;
  }
}

/** The file gives up what it had, and gets what the other inode has; part of an operation. Throws ENOSPC with nothing changed. */
function* takeOver(
  writer: VolumeWriter,
  inode: F2fsInode,
  scratch: F2fsInode,
  context: CompressionContext | undefined,
): Task<void> {
  const { layout } = writer;
  yield* settleInode(writer, inode);
  yield* settleInode(writer, scratch);
  const nodes = yield* treeNodes(writer.store, scratch.raw);
  writer.requireNodeRoom(nodes.length);
  if (!layout.tryLockExclusive()) yield* layout.waitExclusive();
  try {
    yield* truncateBlocks(writer, inode.raw, 0);
    for (const { nid, nodeOffset } of nodes) {
      const { view } = yield* writer.store.readNode(nid, { ino: scratch.ino, nodeOffset });
      NodeFooter.ino.set(view, NODE_FOOTER_OFFSET, inode.ino);
      writer.store.markDirty(nid);
      writer.store.nat.set({ ...(yield* writer.store.nat.lookup(nid)), ino: inode.ino });
    }
    yield* reownSlots(writer, inode, scratch);
    yield* moveSlots(writer, inode, scratch, context);
    // What was being read from the old places is read again.
    writer.moves++;
    inode.pages().clusterChanges++;
    // Recovery takes slots of one form for those of the other.
    writer.checkpointFirst.add(inode.ino);
  } catch (error) {
    throw writer.abandon(error);
  } finally {
    layout.unlockExclusive();
  }
}

/** Summaries of the blocks whose addresses lie in the inode name the file; those of others name nodes, which it gets. */
function* reownSlots({ store, allocator }: VolumeWriter, inode: F2fsInode, { raw }: F2fsInode): Task<void> {
  const { addressesOffset, addressesPerInode } = raw.fields;
  const { version } = yield* store.nat.lookup(inode.ino);
  const { view } = yield* store.readInodeNode(raw);
  const addresses = Array.from({ length: addressesPerInode }, (_, k) => view.getUint32(addressesOffset + 4 * k, true));
  for (const [offsetInNode, address] of addresses.entries()) {
    if (!isMainAddress(store.superblock, address)) continue;
    yield* allocator.reown(address, { nid: inode.ino, version, offsetInNode });
  }
}

function* moveSlots(
  writer: VolumeWriter,
  inode: F2fsInode,
  scratch: F2fsInode,
  context: CompressionContext | undefined,
): Task<void> {
  const { addressesOffset, addressesPerInode, nids, blocks, compressedBlocks } = scratch.fields;
  const slots = (yield* writer.store.readInodeNode(scratch.raw)).bytes.slice(
    addressesOffset,
    addressesOffset + 4 * addressesPerInode,
  );
  yield* changeInode(writer, inode, (view) => {
    const { fields } = inode;
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    // Words that are left over behind the last whole cluster as well.
    bytes.fill(0, fields.addressesOffset, fields.inlineXattrArea.offset);
    bytes.set(slots, fields.addressesOffset);
    for (let index = 0; index < NIDS_PER_INODE; index++) RawInode.nids.set(view, 0, index, nids[index]!);
    RawInode.blocks.set(view, 0, blocks + (fields.xattrNid === 0 ? 0 : 1));
    const cleared = InlineFlag.data | InlineFlag.dataExist | InlineFlag.compressReleased;
    RawInode.inlineFlags.set(view, 0, fields.inlineFlags & ~cleared);
    const flags = fields.flags & ~InodeFlag.compress;
    RawInode.flags.set(view, 0, (context === undefined ? flags : flags | InodeFlag.compress) >>> 0);
    if (context !== undefined) writeContext(view, context);
    if (hasCompressionFields(inode)) {
      ExtraAttributes.compressedBlocks.set(view, INODE_ADDRESSES_OFFSET, compressedBlocks);
    }
    forgetExtent(view);
  });
  yield* changeInodeNode(writer, scratch.ino, (view, bytes) => {
    bytes.fill(0, addressesOffset, addressesOffset + slots.length);
    for (let index = 0; index < NIDS_PER_INODE; index++) RawInode.nids.set(view, 0, index, 0);
    RawInode.blocks.set(view, 0, 1);
    if (compressedBlocks > 0) ExtraAttributes.compressedBlocks.set(view, INODE_ADDRESSES_OFFSET, 0);
    forgetExtent(view);
  });
}
