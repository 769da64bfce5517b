// An F2FS inode as the vfs sees it. It holds the block it was read from; nothing in it changes.

import { EINVAL, EISDIR, ENOKEY, ENOTDIR, FsError } from '@f2fskit/errno';
import { Advise, BLOCK_SIZE, DeviceNumbers, decodeDevice, InlineFlag, type InodeFields } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import { ExtentList, peekBuffered, readBuffered, seekData, seekHole } from '@f2fskit/iomap';
import type { ReadaheadState } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type {
  Attributes,
  DirectoryHome,
  DirectoryReader,
  ExtendedAttribute,
  ExtentReader,
  Inode,
  InodeKind,
  SeekTarget,
} from '@f2fskit/vfs';
import { CachedFile } from './cached-file.ts';
import { chattrFlags } from './chattr-flags.ts';
import { kindOfFileType } from './dentry-area.ts';
import { F2fsDirectoryReader, lookupDentry } from './directory.ts';
import { type FileReadContext, readFileData } from './file-data.ts';
import { FileMap } from './file-map.ts';
import { readLinkTarget } from './symlink.ts';
import { readXattrs } from './xattr.ts';

export class F2fsInode implements Inode {
  readonly ino: number;
  readonly kind: InodeKind;
  /** Everything the inode decodes to, for those who build on this layer. Another object after each change. */
  raw: DecodedInode;
  readonly #context: FileReadContext;
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
    const attributes: Attributes = {
      ino: this.ino,
      kind: this.kind,
      mode: fields.mode,
      links: fields.links,
      uid: fields.uid,
      gid: fields.gid,
      size: this.#shownSize ?? fields.size,
      blocks: allocatedSectors(fields),
      blockSize: BLOCK_SIZE,
      deviceMajor: major,
      deviceMinor: minor,
      atime: fields.atime,
      mtime: fields.mtime,
      ctime: fields.ctime,
    };
    if (fields.crtime !== undefined) attributes.birthtime = fields.crtime;
    return attributes;
  }

  *lookup(name: Uint8Array): Task<number> {
    this.#requireDirectory();
    return yield* lookupDentry(this.#context.store, this.raw, name);
  }

  list(): DirectoryReader {
    this.#requireDirectory();
    return new F2fsDirectoryReader(this.#context.store, this.raw);
  }

  *readLink(): Task<Uint8Array> {
    if (this.kind !== 'symlink') throw new FsError(EINVAL, `ino ${this.ino} is not a symlink`);
    return yield* readLinkTarget(this.#context, this.raw);
  }

  /** Throws ENOKEY for encrypted contents, Corruption, EIO. */
  *read(position: number, target: Uint8Array, readahead?: ReadaheadState): Task<number> {
    this.#requireFile();
    if ((this.fields.advise & Advise.encrypt) !== 0) throw new FsError(ENOKEY, 'the file is encrypted');
    this.#file ??= new CachedFile(this.#context, this.raw);
    return yield* readBuffered(this.#file, position, target, readahead);
  }

  peekRead(position: number, target: Uint8Array): number {
    return this.#file === undefined ? -1 : peekBuffered(this.#file, position, target);
  }

  *readDirect(position: number, target: Uint8Array): Task<number> {
    this.#requireFile();
    return yield* readFileData(this.#context, this.raw, position, target);
  }

  *seek(position: number, what: SeekTarget): Task<number> {
    this.#requireFile();
    const find = what === 'data' ? seekData : seekHole;
    return yield* find(new FileMap(this.#context, this.raw), position, this.fields.size);
  }

  extents(start: number, end: number): ExtentReader {
    if (this.kind !== 'directory') this.#requireFile();
    return new ExtentList(new FileMap(this.#context, this.raw), start, end, this.fields.size);
  }

  flags(): number {
    return chattrFlags(this.fields);
  }

  extendedAttributes(): Task<ExtendedAttribute[]> {
    return readXattrs(this.#context.store, this.raw);
  }

  evict(): void {
    this.#file?.mapping.dropUnused();
  }

  #requireDirectory(): void {
    if (this.kind !== 'directory') throw new FsError(ENOTDIR);
  }

  #requireFile(): void {
    if (this.kind === 'directory') throw new FsError(EISDIR);
    if (this.kind !== 'file') throw new FsError(EINVAL, `ino ${this.ino} holds no data`);
  }
}

/** The numbers of a device node, which stand where the first addresses would. Source: spec 8.3. */
function deviceNumbers(view: DataView, at: number): { major: number; minor: number } {
  return decodeDevice(DeviceNumbers.small.get(view, at), DeviceNumbers.large.get(view, at));
}

/** `st_blocks`: the inode's own block is not counted; inline data shows the sectors it would take. Source: spec 6.9. */
function allocatedSectors({ blocks, inlineFlags, size }: InodeFields): number {
  const sectors = Math.max(0, blocks - 1) * (BLOCK_SIZE / 512);
  return (inlineFlags & InlineFlag.data) !== 0 ? sectors + Math.ceil(size / 512) : sectors;
}
