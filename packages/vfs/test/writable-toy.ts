// A filesystem of plain objects that is written to, for the tests. Numbers of removed files come back at once, every change
// is counted, and with `Delays` every wait ends when the test says so.

import { assert, EBADF, EEXIST, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, FsError } from '@f2fskit/errno';
import { ErrorCursor, ErrorSequence } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { WriteSource } from '@f2fskit/writeback';
import type {
  Attributes,
  DirectoryReader,
  ExtendedAttribute,
  ExtentReader,
  Filesystem,
  FilesystemUsage,
  Inode,
  InodeKind,
  NewFileOptions,
  NewNodeOptions,
  RenameMode,
  Written,
} from '../src/index.ts';
import type { Delays } from './toy-filesystem.ts';

const ROOT_INO = 1;
const keyOf = (name: Uint8Array): string => Buffer.from(name).toString('latin1');

export class WritableToy implements Filesystem {
  readonly rootIno = ROOT_INO;
  readonly nameBytesMax = 255;
  writable = true;
  onInodeFreed: ((ino: number) => void) | undefined = undefined;
  readonly inodes = new Map<number, WritableInode>();
  delays: Delays | undefined = undefined;
  /** Names of the methods that changed something, in order. */
  readonly changes: string[] = [];
  /** What the next change throws. */
  failure: Error | undefined = undefined;

  constructor() {
    this.inodes.set(ROOT_INO, new WritableInode(this, ROOT_INO, 'directory', 0o755));
  }

  *readInode(ino: number): Task<Inode> {
    yield* this.pause();
    const inode = this.inodes.get(ino);
    if (inode === undefined) throw new FsError(EBADF, `no inode ${ino}`);
    return inode;
  }

  statfs(): FilesystemUsage {
    throw new FsError(EBADF);
  }

  *pause(): Task<void> {
    if (this.delays !== undefined) yield* this.delays.wait();
  }

  /** Waits, and counts. */
  *change(what: string): Task<void> {
    yield* this.pause();
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    this.changes.push(what);
  }

  add(kind: InodeKind, mode: number): WritableInode {
    let ino = ROOT_INO;
    while (this.inodes.has(ino)) ino++;
    const inode = new WritableInode(this, ino, kind, mode);
    this.inodes.set(ino, inode);
    return inode;
  }

  free(inode: WritableInode): void {
    if (inode.links > 0 || inode.held > 0) return;
    inode.gone = true;
    this.inodes.delete(inode.ino);
    this.onInodeFreed?.(inode.ino);
  }
}

export class WritableInode implements Inode {
  readonly ino: number;
  readonly kind: InodeKind;
  readonly names = new Map<string, WritableInode>();
  readonly errors = new ErrorSequence();
  readonly xattrs: ExtendedAttribute[] = [];
  mode: number;
  content = Buffer.alloc(0);
  target = new Uint8Array(0);
  links = 1;
  held = 0;
  gone = false;
  chattr = 0;
  /** What fsync was asked for. */
  readonly syncs: Array<'data' | 'all'> = [];
  readonly #filesystem: WritableToy;

  constructor(filesystem: WritableToy, ino: number, kind: InodeKind, mode: number) {
    this.#filesystem = filesystem;
    this.ino = ino;
    this.kind = kind;
    this.mode = mode;
  }

  attributes(): Attributes {
    return {
      ino: this.ino,
      kind: this.kind,
      mode: this.mode,
      links: this.links,
      size: this.content.length,
    } as Attributes;
  }

  *lookup(name: Uint8Array): Task<number> {
    if (this.kind !== 'directory') throw new FsError(ENOTDIR);
    const ino = this.names.get(keyOf(name))?.ino ?? 0;
    yield* this.#filesystem.pause();
    return ino;
  }

  list(): DirectoryReader {
    throw new FsError(ENOTDIR);
  }

  *readLink(): Task<Uint8Array> {
    return this.target;
  }

  *read(position: number, target: Uint8Array): Task<number> {
    yield* this.#filesystem.pause();
    this.#requireThere();
    return this.content.copy(target, 0, position);
  }

  peekRead(): number {
    return -1;
  }

  readDirect(position: number, target: Uint8Array): Task<number> {
    return this.read(position, target);
  }

  *seek(): Task<number> {
    throw new FsError(EBADF);
  }

  extents(): ExtentReader {
    throw new FsError(EBADF);
  }

  flags(): number {
    return this.chattr;
  }

  *extendedAttributes(): Task<ExtendedAttribute[]> {
    return this.xattrs;
  }

  *#make(name: Uint8Array, kind: InodeKind, mode: number): Task<WritableInode> {
    yield* this.#filesystem.change(`make ${kind}`);
    if (this.names.has(keyOf(name))) throw new FsError(EEXIST);
    const inode = this.#filesystem.add(kind, mode);
    this.names.set(keyOf(name), inode);
    return inode;
  }

  create(name: Uint8Array, { mode }: NewFileOptions): Task<WritableInode> {
    return this.#make(name, 'file', mode);
  }

  mkdir(name: Uint8Array, { mode }: NewFileOptions): Task<WritableInode> {
    return this.#make(name, 'directory', mode);
  }

  mknod(name: Uint8Array, { kind, mode }: NewNodeOptions): Task<WritableInode> {
    return this.#make(name, kind, mode);
  }

  *symlink(name: Uint8Array, target: Uint8Array): Task<WritableInode> {
    const inode = yield* this.#make(name, 'symlink', 0o777);
    inode.target = new Uint8Array(target);
    return inode;
  }

  *link(name: Uint8Array, inode: Inode): Task<void> {
    yield* this.#filesystem.change('link');
    (inode as WritableInode).links++;
    this.names.set(keyOf(name), inode as WritableInode);
  }

  *#remove(name: Uint8Array, directory: boolean): Task<void> {
    yield* this.#filesystem.change(directory ? 'rmdir' : 'unlink');
    const inode = this.names.get(keyOf(name));
    if (inode === undefined) throw new FsError(ENOENT);
    if (directory && inode.kind !== 'directory') throw new FsError(ENOTDIR);
    if (!directory && inode.kind === 'directory') throw new FsError(EISDIR);
    if (inode.names.size > 0) throw new FsError(ENOTEMPTY);
    this.names.delete(keyOf(name));
    inode.links--;
    this.#filesystem.free(inode);
  }

  unlink(name: Uint8Array): Task<void> {
    return this.#remove(name, false);
  }

  rmdir(name: Uint8Array): Task<void> {
    return this.#remove(name, true);
  }

  *rename(name: Uint8Array, directory: Inode, newName: Uint8Array, mode: RenameMode = 'plain'): Task<void> {
    yield* this.#filesystem.change(`rename ${mode}`);
    const to = (directory as WritableInode).names;
    const [one, other] = [this.names.get(keyOf(name))!, to.get(keyOf(newName))];
    to.set(keyOf(newName), one);
    if (mode === 'exchange') this.names.set(keyOf(name), other!);
    else this.names.delete(keyOf(name));
  }

  hold(): void {
    this.held++;
  }

  *release(): Task<void> {
    yield* this.#filesystem.pause();
    this.held--;
    this.#filesystem.free(this);
  }

  *write(position: number | 'end', source: WriteSource): Task<Written> {
    const bytes = Buffer.alloc(source.length);
    for (let at = 0; at < bytes.length; ) {
      yield* source.prepare(at, bytes.length - at);
      at += source.copy(at, bytes.subarray(at, at + 3)); // in small parts
    }
    yield* this.#filesystem.change('write');
    this.#requireThere();
    const start = position === 'end' ? this.content.length : position;
    const end = start + bytes.length;
    const content = Buffer.alloc(Math.max(this.content.length, end));
    this.content.copy(content);
    bytes.copy(content, start);
    this.content = content;
    return { bytes: bytes.length, end };
  }

  /** Who reads or writes what was freed is at fault. */
  #requireThere(): void {
    assert(!this.gone, 'the file is still there');
  }

  *truncate(size: number): Task<void> {
    yield* this.#filesystem.change('truncate');
    const content = Buffer.alloc(size);
    this.content.copy(content);
    this.content = content;
  }

  errorCursor(): ErrorCursor {
    return new ErrorCursor(this.errors);
  }

  *fsync(cursor: ErrorCursor, dataOnly: boolean): Task<void> {
    yield* this.#filesystem.pause();
    this.syncs.push(dataOnly ? 'data' : 'all');
    const errno = cursor.take();
    if (errno !== 0) throw new FsError(errno);
  }
}
