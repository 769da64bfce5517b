// An F2FS inode as the vfs sees it. On a volume that is written to there is one object for each number, and what it shows
// changes with the file.

import { assert, EINVAL, EISDIR, ENOKEY, ENOTDIR, EROFS, EXDEV, FsError } from '@f2fskit/errno';
import {
  Advise,
  BLOCK_SIZE,
  DeviceNumbers,
  decodeDevice,
  InlineFlag,
  type InodeFields,
  ModeType,
} from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import { ExtentList, type Mutator, peekBuffered, readBuffered, seekData, seekHole } from '@f2fskit/iomap';
import { discardRange, ErrorCursor, ErrorSequence, type ReadaheadState } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type {
  AllocationMode,
  AttributeChanges,
  Attributes,
  DirectoryHome,
  DirectoryReader,
  ExtendedAttribute,
  ExtentReader,
  Inode,
  InodeKind,
  NewFileOptions,
  NewNodeOptions,
  RangeSyncMode,
  RenameMode,
  SeekTarget,
  Written,
  XattrMode,
} from '@f2fskit/vfs';
import type { WriteSource } from '@f2fskit/writeback';
import { CachedFile } from './cached-file.ts';
import { chattrFlags } from './chattr-flags.ts';
import { ClusterSlots } from './clusters/cluster-slots.ts';
import { type ClusterEncoder, InlineEncoder, requireEncoder } from './clusters/encode-cluster.ts';
import { allocateRange } from './data/allocate-range.ts';
import { type AtomicWrite, abortAtomicWrite, commitAtomicWrite, startAtomicWrite } from './data/atomic-write.ts';
import { dirtyFileRange } from './data/dirty-range.ts';
import { FileWriteback } from './data/file-writeback.ts';
import { isLater, type PendingAttributes } from './data/pending-attributes.ts';
import { syncFile } from './data/sync-file.ts';
import { syncRange } from './data/sync-range.ts';
import { truncateFile } from './data/truncate-file.ts';
import { writeFile } from './data/write-file.ts';
import { kindOfFileType } from './dentry-area.ts';
import { F2fsDirectoryReader, lookupDentry } from './directory.ts';
import { type FileReadContext, readFileData } from './file-data.ts';
import { FileMap } from './file-map.ts';
import type { InodeRequest } from './names/build-inode.ts';
import { createEntry } from './names/create-entry.ts';
import { FileLoader } from './names/file-loader.ts';
import { freeOrphan } from './names/free-inode.ts';
import { linkEntry } from './names/link-entry.ts';
import { removeEntry } from './names/remove-entry.ts';
import { renameEntry } from './names/rename-entry.ts';
import { setFlags, setProject } from './names/set-flags.ts';
import { removeXattr, setXattr } from './names/set-xattr.ts';
import { setAttributes } from './set-attributes.ts';
import { readLinkTarget } from './symlink.ts';
import type { VolumeWriter } from './volume-writer.ts';
import { readXattrs } from './xattr.ts';

export class F2fsInode implements Inode {
  readonly ino: number;
  readonly kind: InodeKind;
  /** Everything the inode decodes to, for those who build on this layer. Another object after each change. */
  raw: DecodedInode;
  /** It was freed: its number may belong to another file by now. */
  gone = false;
  /** Open files that refer to it. */
  openCount = 0;
  /** The atomic write that is under way. */
  atomic: AtomicWrite | undefined = undefined;
  /** Size and times that its node has not got yet. */
  pending: PendingAttributes | undefined = undefined;
  /** It is getting shorter: its node has the old size until the blocks behind the new end are gone. */
  shrinking = false;
  /** Whether it is being compressed, or is not to be, whatever the volume says; `undefined` where the volume decides. */
  compressing: boolean | undefined = undefined;
  /** Blocks that compression saves, which its node has not got yet; may be less than 0. */
  pendingSaved = 0;
  readonly #context: FileReadContext;
  /** What writes its dirty pages. */
  #writeback: FileWriteback | undefined = undefined;
  /** Its pages, once somebody has read some. Only of a file whose contents can be read. */
  #file: CachedFile | undefined = undefined;
  /** Of an encrypted symlink: the length of what it shows, known after {@link measure}. */
  #shownSize: number | undefined;
  /** Of a device node: its numbers, known after {@link measure}. */
  #device = { major: 0, minor: 0 };

  constructor(context: FileReadContext, raw: DecodedInode) {
    this.ino = raw.ino;
    this.kind = kindOfFileType(raw.fields.fileType) as InodeKind; // decodeInode refused unknown types
    this.raw = raw;
    this.#context = context;
  }

  /** The parent and the name that the inode remembers. Of no use where names are ciphertext. */
  get home(): DirectoryHome | undefined {
    const { parentIno, nameBytes, advise } = this.fields;
    const known = this.kind === 'directory' && parentIno !== 0 && nameBytes.length > 0;
    return known && (advise & Advise.encryptedName) === 0 ? { parentIno, name: nameBytes } : undefined;
  }

  get fields(): InodeFields {
    return this.raw.fields;
  }

  /** The inode whose slots get the blocks that are written: itself, but for an atomic write. */
  get blocksOwner(): F2fsInode {
    return this.atomic?.cow ?? this;
  }

  /** Blocks of an atomic write. */
  get overlay(): DecodedInode | undefined {
    return this.atomic?.cow.raw;
  }

  /** Blocks that compression saves and that are not given back. */
  get savedBlocks(): number {
    return this.fields.compressedBlocks + this.pendingSaved;
  }

  /** Bytes. */
  get size(): number {
    return this.pending?.size ?? this.fields.size;
  }

  /**
   * Reads what `attributes` needs beside the fields: the numbers of a device node; of an encrypted symlink the length of
   * its no-key form. A target that cannot be read leaves the stored size; `readLink` reports it.
   */
  *measure(): Task<void> {
    if (this.kind === 'char' || this.kind === 'block') {
      const { view } = yield* this.#context.store.readInodeNode(this.raw);
      this.#device = deviceNumbers(view, this.fields.addressesOffset);
      return;
    }
    if (this.kind !== 'symlink' || (this.fields.advise & Advise.encrypt) === 0) return;
    try {
      this.#shownSize = (yield* readLinkTarget(this.#context, this.raw)).length;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
  }

  attributes(): Attributes {
    const { fields } = this;
    const { major, minor } = this.#device;
    const written = this.pending?.mtime;
    const attributes: Attributes = {
      ino: this.ino,
      kind: this.kind,
      mode: fields.mode,
      links: fields.links,
      uid: fields.uid,
      gid: fields.gid,
      size: this.#shownSize ?? this.size,
      blocks: allocatedSectors(fields, this.size),
      blockSize: BLOCK_SIZE,
      deviceMajor: major,
      deviceMinor: minor,
      atime: fields.atime,
      mtime: written ?? fields.mtime,
      ctime: written !== undefined && isLater(written, fields.ctime) ? written : fields.ctime,
    };
    if (fields.crtime !== undefined) attributes.birthtime = fields.crtime;
    return attributes;
  }

  *lookup(name: Uint8Array): Task<number> {
    this.#requireDirectory();
    const { store, writer } = this.#context;
    if (writer === undefined) return yield* lookupDentry(store, this.raw, name);
    return yield* writer.locks.shared(this.ino, () => lookupDentry(store, this.raw, name, writer.directories));
  }

  list(): DirectoryReader {
    this.#requireDirectory();
    const { store, writer } = this.#context;
    if (writer === undefined) return new F2fsDirectoryReader(store, this);
    const reader = new F2fsDirectoryReader(store, this, writer.directories);
    return { next: () => writer.locks.shared(this.ino, () => reader.next()) };
  }

  *readLink(): Task<Uint8Array> {
    if (this.kind !== 'symlink') throw new FsError(EINVAL, `ino ${this.ino} is not a symlink`);
    return yield* readLinkTarget(this.#context, this.raw);
  }

  /** Throws ENOKEY for encrypted contents, Corruption, EIO. */
  *read(position: number, target: Uint8Array, readahead?: ReadaheadState): Task<number> {
    this.#requireFile();
    if ((this.fields.advise & Advise.encrypt) !== 0) throw new FsError(ENOKEY, 'the file is encrypted');
    return yield* readBuffered(this.pages(), position, target, readahead);
  }

  /** Its pages, for those who build on this layer. */
  pages(): CachedFile {
    if (this.#file !== undefined) return this.#file;
    const { writer } = this.#context;
    if (writer === undefined) {
      this.#file = new CachedFile(this.#context, this);
      return this.#file;
    }
    // What is dirty is on the list of the flusher, which keeps the inode alive.
    const onDirty = (): void => writer.flusher.add(writeback);
    this.#file = new CachedFile(this.#context, this, { stable: true, onDirty });
    const writeback = new FileWriteback(writer, this, this.#file, this.#context.buffers, this.#encoder());
    this.#writeback = writeback;
    return this.#file;
  }

  /** What its slots say of its clusters. */
  clusterSlots(): ClusterSlots {
    return new ClusterSlots(this.#writer(), this);
  }

  /** Whether clusters that are written whole are to be compressed. */
  get wantsCompression(): boolean {
    if (!this.fields.compressed || this.atomic !== undefined) return false;
    return this.compressing ?? this.#writer().compression.mode === 'fs';
  }

  /** Throws EOPNOTSUPP, naming what is missing, where the file is compressed with something that nobody here can write. */
  requireEncoder(): void {
    if (this.fields.compressed) requireEncoder(this.#context.codecs, this.fields);
  }

  /** Gives up its pages, none of which is dirty, because they are to be cached in another way. */
  *resetPages(): Task<void> {
    if (this.#file === undefined) return;
    yield* this.discardPages();
    this.#file = undefined;
    this.#writeback = undefined;
  }

  /** Whether each of the file blocks [first, end) has a block or a reservation, as far as that is known without waiting. */
  hasSlots(first: number, end: number): boolean {
    return this.#writeback?.hasSlots(first, end) ?? false;
  }

  peekRead(position: number, target: Uint8Array): number {
    return this.#file === undefined ? -1 : peekBuffered(this.#file, position, target);
  }

  *readDirect(position: number, target: Uint8Array): Task<number> {
    this.#requireFile();
    // The medium may lack what is in the cache.
    if (this.#context.writer !== undefined) return yield* this.read(position, target);
    return yield* readFileData(this.#context, this.raw, position, target);
  }

  *seek(position: number, what: SeekTarget): Task<number> {
    this.#requireFile();
    yield* this.#writeDirty();
    const find = what === 'data' ? seekData : seekHole;
    return yield* find(new FileMap(this.#context, this), position, this.size);
  }

  extents(start: number, end: number): ExtentReader {
    if (this.kind !== 'directory') this.#requireFile();
    const list = new ExtentList(new FileMap(this.#context, this), start, end, this.size);
    if (this.#context.writer === undefined) return list;
    const writeDirty = (): Task<void> => this.#writeDirty();
    return {
      *next() {
        yield* writeDirty();
        return yield* list.next();
      },
    };
  }

  /** Gives dirty pages their blocks, so that the map shows where data is. */
  *#writeDirty(): Task<void> {
    if (this.#writeback === undefined || this.#writeback.mapping.dirtyPages === 0) return;
    yield* this.#writeback.write({ mode: 'all' });
  }

  /** Writes the dirty pages that hold bytes [start, end) back, and waits. Throws what failed. */
  *writeBack(start = 0, end = Number.POSITIVE_INFINITY): Task<void> {
    if (this.#writeback === undefined) return;
    const { error } = yield* this.#writeback.write({ mode: 'all', rangeStart: start, rangeEnd: end });
    if (error !== 0) throw new FsError(error);
  }

  flags(): number {
    return chattrFlags(this.fields);
  }

  extendedAttributes(): Task<ExtendedAttribute[]> {
    return readXattrs(this.#context.store, this.raw);
  }

  /** Throws EPERM for an immutable or append-only file. As all that follows, EROFS where the volume is not written to. */
  setAttributes(changes: AttributeChanges): Task<void> {
    return setAttributes(this.#writer(), this, changes);
  }

  create(name: Uint8Array, options: NewFileOptions): Task<F2fsInode> {
    return this.#make({ ...options, name, mode: ModeType.regular | permissionsOf(options) });
  }

  mkdir(name: Uint8Array, options: NewFileOptions): Task<F2fsInode> {
    return this.#make({ ...options, name, mode: ModeType.directory | permissionsOf(options) });
  }

  symlink(name: Uint8Array, target: Uint8Array, options: NewFileOptions): Task<F2fsInode> {
    return this.#make({ ...options, name, target, mode: ModeType.symlink | 0o777 });
  }

  mknod(name: Uint8Array, options: NewNodeOptions): Task<F2fsInode> {
    const { kind, major = 0, minor = 0 } = options;
    const mode = NODE_TYPES[kind] | permissionsOf(options);
    const device = kind === 'char' || kind === 'block' ? { device: { major, minor } } : {};
    return this.#make({ ...options, ...device, name, mode });
  }

  /** What makes many files fast. */
  loader(): FileLoader {
    return new FileLoader(this.#writer(), this.#context.codecs, this.#encoder());
  }

  link(name: Uint8Array, inode: Inode): Task<void> {
    return linkEntry(this.#writer(), this, name, this.#neighbour(inode));
  }

  unlink(name: Uint8Array): Task<void> {
    return removeEntry(this.#writer(), this, name, 'file');
  }

  rmdir(name: Uint8Array): Task<void> {
    return removeEntry(this.#writer(), this, name, 'directory');
  }

  rename(name: Uint8Array, directory: Inode, newName: Uint8Array, mode?: RenameMode): Task<void> {
    const to = { directory: this.#neighbour(directory), name: newName };
    return renameEntry(this.#writer(), { directory: this, name }, to, mode);
  }

  setXattr(name: Uint8Array, value: Uint8Array, mode?: XattrMode): Task<void> {
    return setXattr(this.#writer(), this, name, value, mode);
  }

  removeXattr(name: Uint8Array): Task<void> {
    return removeXattr(this.#writer(), this, name);
  }

  setFlags(flags: number): Task<void> {
    return setFlags(this.#writer(), this, flags);
  }

  setProject(projectId: number): Task<void> {
    return setProject(this.#writer(), this, projectId);
  }

  /** Throws EISDIR, EINVAL, EPERM, EFBIG, ENOSPC, ENOKEY, EOPNOTSUPP, EIO. */
  write(position: number | 'end', source: WriteSource): Task<Written> {
    return writeFile(this.#writer(), this, position, source);
  }

  /** As {@link write}, past the cache for whole blocks that have places; see `data/direct-write.ts`. */
  writeDirect(position: number | 'end', source: WriteSource): Task<Written> {
    return writeFile(this.#writer(), this, position, source, { direct: true });
  }

  /** See {@link dirtyFileRange}. */
  dirtyRange(position: number, length: number, mutate: Mutator): Task<void> {
    return dirtyFileRange(this.#writer(), this, position, length, mutate);
  }

  /** Throws as `write`. */
  truncate(size: number): Task<void> {
    return truncateFile(this.#writer(), this, size);
  }

  /** See {@link allocateRange}. */
  allocate(mode: AllocationMode, position: number, length: number): Task<void> {
    return allocateRange(this.#writer(), this, mode, position, length);
  }

  errorCursor(): ErrorCursor {
    return new ErrorCursor(this.kind === 'file' ? this.pages().mapping.errors : NO_ERRORS);
  }

  /** Throws what failed since `cursor` was asked last, EIO, EROFS after a write of the volume that failed. */
  *fsync(cursor: ErrorCursor, dataOnly: boolean): Task<void> {
    const { writer } = this.#context;
    if (writer === undefined) return;
    yield* syncFile(writer, this, this.#writeback, cursor, dataOnly);
  }

  /** See `data/sync-range.ts`. */
  *syncRange(cursor: ErrorCursor, mode: RangeSyncMode, start: number, end: number): Task<void> {
    if (this.#writeback !== undefined) yield* syncRange(this.#writeback, cursor, mode, start, end);
  }

  /** See `data/atomic-write.ts`. */
  startAtomicWrite(owner: object): Task<void> {
    const writer = this.#writer();
    return startAtomicWrite(writer, this, owner, (raw) => writer.inodes.add(new F2fsInode(this.#context, raw)));
  }

  *commitAtomicWrite(owner: object, cursor: ErrorCursor): Task<void> {
    yield* commitAtomicWrite(this.#writer(), this, owner);
    yield* this.fsync(cursor, false);
  }

  abortAtomicWrite(owner: object): Task<boolean> {
    return abortAtomicWrite(this.#writer(), this, owner);
  }

  hold(): void {
    this.openCount++;
  }

  *release(): Task<void> {
    assert(this.openCount > 0, 'a file is closed as often as it was opened');
    const { writer } = this.#context;
    if (--this.openCount > 0 || writer === undefined || !writer.orphans.has(this.ino)) return;
    yield* freeOrphan(writer, this.ino);
  }

  /** Drops its pages, dirty ones too: it is about to be freed. Waits for those on their way to the device. */
  *discardPages(): Task<void> {
    if (this.#file !== undefined) yield* discardRange(this.#file.mapping, 0);
  }

  evict(): void {
    this.#file?.mapping.dropUnused();
  }

  #encoder(): ClusterEncoder {
    const { codecs, encoder } = this.#context;
    return encoder ?? new InlineEncoder(codecs);
  }

  #writer(): VolumeWriter {
    const { writer } = this.#context;
    if (writer === undefined) throw new FsError(EROFS);
    return writer;
  }

  *#make(request: InodeRequest): Task<F2fsInode> {
    const writer = this.#writer();
    const ino = yield* createEntry(writer, this, request);
    const raw = yield* writer.store.readInode(ino);
    const inode = writer.inodes.add(new F2fsInode(this.#context, raw));
    yield* inode.measure();
    return inode;
  }

  /** An inode of the same volume. Throws EXDEV for any other. */
  #neighbour(inode: Inode): F2fsInode {
    if (inode instanceof F2fsInode && inode.#context === this.#context) return inode;
    throw new FsError(EXDEV);
  }

  #requireDirectory(): void {
    if (this.kind !== 'directory') throw new FsError(ENOTDIR);
  }

  #requireFile(): void {
    if (this.kind === 'directory') throw new FsError(EISDIR);
    if (this.kind !== 'file') throw new FsError(EINVAL, `ino ${this.ino} holds no data`);
  }
}

/** What holds no data has no failed writes. */
const NO_ERRORS = new ErrorSequence();

const NODE_TYPES: Readonly<Record<NewNodeOptions['kind'], number>> = {
  file: ModeType.regular,
  char: ModeType.characterDevice,
  block: ModeType.blockDevice,
  fifo: ModeType.fifo,
  socket: ModeType.socket,
};

function permissionsOf({ mode }: NewFileOptions): number {
  return mode & 0o7777;
}

/** The numbers of a device node, which stand where the first addresses would. Source: spec 8.3. */
function deviceNumbers(view: DataView, at: number): { major: number; minor: number } {
  return decodeDevice(DeviceNumbers.small.get(view, at), DeviceNumbers.large.get(view, at));
}

/** `st_blocks`: the inode's own block is not counted; inline data shows the sectors it would take. Source: spec 6.9. */
function allocatedSectors({ blocks, inlineFlags }: InodeFields, size: number): number {
  const sectors = Math.max(0, blocks - 1) * (BLOCK_SIZE / 512);
  return (inlineFlags & InlineFlag.data) !== 0 ? sectors + Math.ceil(size / 512) : sectors;
}
