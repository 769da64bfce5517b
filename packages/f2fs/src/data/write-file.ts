// write(2): checks, space, pages, and for a synchronous file the way to the medium.
//
//   1. the lock of the inode: one writer at a time
//   2. capabilities that were given to the old contents go
//   3. contents in the inode move out if they would not fit any more
//   4. what the block of the old end holds behind it becomes zeros, if the write begins behind that block
//   5. every hole that is written to is reserved: what does not fit is not begun (ENOSPC, or a short count)
//   6. pages (`performWrite`), or folios (`writeBuffered`, which reserves stretch by stretch: 5 and 7 are its mappings)
//   7. what was reserved behind the new end, by a write that failed, is given back
//
// Source: buffered I/O spec 4, 5.1; kernel fs/f2fs/file.c (f2fs_file_write_iter).

import { EBUSY, EFBIG, EINVAL, EISDIR, ENOKEY, ENOSPC, EPERM, FsError } from '@f2fskit/errno';
import { Advise, BLOCK_SIZE, InlineFlag, InodeFlag, MAX_FILE_BYTES, nodePath } from '@f2fskit/f2fs-format';
import { writeBuffered } from '@f2fskit/iomap';
import type { Task } from '@f2fskit/task';
import type { Written } from '@f2fskit/vfs';
import { performWrite, type WriteSource } from '@f2fskit/writeback';
import { ClusterWrites } from '../clusters/cluster-writes.ts';
import { blockOutsideClusters } from '../clusters/cut-cluster.ts';
import { hasInlineData } from '../inline-data.ts';
import type { F2fsInode } from '../inode.ts';
import { dropCapabilityOfContents } from '../names/capability.ts';
import { truncateBlocks } from '../names/free-inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { directBytes, writeBlocks } from './direct-write.ts';
import { FolioWrites } from './folio-writes.ts';
import { convertInline } from './inline-file.ts';
import { PageWrites } from './page-writes.ts';
import { noteContentChange } from './pending-attributes.ts';
import { reserveInSteps } from './reserve-blocks.ts';
import { zeroTail } from './zero-range.ts';

/**
 * Writes `source` at `position`, or at the end of the file; with `direct` past the cache, as far as that is possible
 * (`direct-write.ts`). A short count means that something failed behind it. Throws EPERM, EFBIG, ENOSPC, ENOKEY, EOPNOTSUPP,
 * EIO.
 */
export function* writeFile(
  writer: VolumeWriter,
  inode: F2fsInode,
  position: number | 'end',
  source: WriteSource,
  { direct = false } = {},
): Task<Written> {
  const { locks } = writer;
  if (!locks.tryLockOne(inode.ino)) yield* locks.lockOne(inode.ino);
  try {
    checkContents(inode);
    if ((inode.fields.flags & InodeFlag.append) !== 0 && position !== 'end') throw new FsError(EPERM);
    const start = position === 'end' ? inode.size : position;
    if (source.length === 0) return { bytes: 0, end: start };
    checkSize(inode, start + 1);
    if (!writer.withoutCapability.has(inode)) yield* dropCapabilityOfContents(writer, inode);
    const room = MAX_FILE_BYTES - start;
    const what = source.length > room ? new FirstBytes(source, room) : source;
    const bytes = yield* writeLocked(writer, inode, start, what, direct);
    return { bytes, end: start + bytes };
  } finally {
    locks.unlockOne(inode.ino);
  }
}

function* writeLocked(
  writer: VolumeWriter,
  inode: F2fsInode,
  start: number,
  source: WriteSource,
  direct: boolean,
): Task<number> {
  const end = start + source.length;
  if (hasInlineData(inode.raw) && end > inode.fields.inlineArea.size) yield* convertInline(writer, inode);
  if (start >= Math.ceil(inode.size / BLOCK_SIZE) * BLOCK_SIZE && inode.size > 0) yield* zeroTail(writer, inode);
  if (writer.bufferedIo === 'page') return yield* writePages(writer, inode, start, source);
  noteContentChange(writer, inode, inode.size);
  const blocks = direct ? directBytes(writer, inode, start, source) : undefined;
  if (blocks === undefined) return yield* writeCached(writer, inode, start, source);
  return yield* writeBlocks(writer, inode, start, blocks, (from, rest) => writeCached(writer, inode, from, rest));
}

/** The iomap engine: what is written to is reserved stretch by stretch. */
function* writeCached(writer: VolumeWriter, inode: F2fsInode, start: number, source: WriteSource): Task<number> {
  const end = start + source.length;
  const Writes = inode.fields.compressed ? ClusterWrites : FolioWrites;
  return yield* writeBuffered(inode.pages(), start, source, new Writes(writer, inode, start, end));
}

/** The page engine: everything is reserved first. */
function* writePages(writer: VolumeWriter, inode: F2fsInode, start: number, source: WriteSource): Task<number> {
  const end = start + source.length;
  const inline = hasInlineData(inode.raw);
  const first = Math.floor(start / BLOCK_SIZE);
  const reserved = inline
    ? Number.POSITIVE_INFINITY
    : yield* reserveInSteps(writer, inode, first, Math.ceil(end / BLOCK_SIZE));
  const room = reserved * BLOCK_SIZE - start;
  if (room <= 0) throw new FsError(ENOSPC);
  const file = inode.pages();
  const sizeBefore = inode.size;
  try {
    noteContentChange(writer, inode, sizeBefore);
    const what = room < source.length ? new FirstBytes(source, room) : source;
    return yield* performWrite(file.mapping, start, what, new PageWrites(writer, inode, file));
  } finally {
    const keep = Math.ceil(Math.max(inode.size, sizeBefore) / BLOCK_SIZE);
    // Only what this write reserved: blocks behind the end may be there on purpose.
    if (!inline && inode.size < end && reserved > Math.max(keep, first)) {
      const from = yield* blockOutsideClusters(inode, Math.max(keep, first));
      if (reserved > from) yield* writer.operation(truncateBlocks(writer, inode.blocksOwner.raw, from));
    }
  }
}

/** Throws what speaks against changing the contents of the file. */
export function checkContents(inode: F2fsInode): void {
  const { flags, advise, inlineFlags, deviceAlias } = inode.fields;
  if (inode.kind === 'directory') throw new FsError(EISDIR);
  if (inode.kind !== 'file') throw new FsError(EINVAL, `ino ${inode.ino} holds no data`);
  if ((flags & InodeFlag.immutable) !== 0) throw new FsError(EPERM);
  if ((advise & Advise.encrypt) !== 0) throw new FsError(ENOKEY, 'the file is encrypted');
  if ((advise & Advise.verity) !== 0) throw new FsError(EPERM, 'the file is protected by verity');
  if (deviceAlias) throw new FsError(EPERM, 'the file stands for a device');
  if ((inlineFlags & InlineFlag.compressReleased) !== 0) {
    throw new FsError(EPERM, 'the blocks that compression saved were given away');
  }
  inode.requireEncoder();
}

/** Throws EBUSY while an atomic write is under way: what it will make of the file is not known. */
export function checkNotAtomic({ atomic }: F2fsInode): void {
  if (atomic !== undefined) throw new FsError(EBUSY, 'an atomic write of the file is under way');
}

/** Throws EFBIG for a size that no tree of nodes reaches. */
export function checkSize({ fields }: F2fsInode, size: number): void {
  // The limit of Linux is the same for all inodes, whatever their addresses would reach.
  if (size > MAX_FILE_BYTES) throw new FsError(EFBIG);
  if (size > 0) nodePath(Math.ceil(size / BLOCK_SIZE) - 1, fields.addressesPerInode, fields.addressesPerNode);
}

/** The first bytes of another source. */
class FirstBytes implements WriteSource {
  readonly #source: WriteSource;
  readonly length: number;

  constructor(source: WriteSource, length: number) {
    this.#source = source;
    this.length = length;
  }

  *prepare(at: number, length: number): Task<number> {
    return Math.min(this.length - at, yield* this.#source.prepare(at, length));
  }

  copy(at: number, target: Uint8Array): number {
    return this.#source.copy(at, target.subarray(0, this.length - at));
  }
}
