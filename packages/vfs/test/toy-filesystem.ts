// A filesystem of plain objects, for the tests: everything a broken volume may do can be put into it, every call is counted,
// and with `Delays` every wait ends when the test says so.

import { EINVAL, EIO, EISDIR, ENOENT, ENOTDIR, FsError } from '@f2fskit/errno';
import { Completion, type RandomSource, type Task } from '@f2fskit/task';
import type {
  Attributes,
  DirectoryBatch,
  DirectoryEntry,
  DirectoryHome,
  DirectoryReader,
  ExtendedAttribute,
  ExtentReader,
  Filesystem,
  FilesystemUsage,
  Inode,
  InodeKind,
} from '../src/index.ts';
import { utf8Encode } from '../src/index.ts';

export const ROOT_INO = 3;

const bytesOf = (text: string | Uint8Array): Uint8Array => (typeof text === 'string' ? utf8Encode(text) : text);
/** One character a byte: a name as a key of a Map. */
const keyOf = (name: Uint8Array): string => Buffer.from(name).toString('latin1');

/** Waits that end in an order that a seed decides. */
export class Delays {
  readonly #pending: Completion[] = [];

  *wait(): Task<void> {
    const completion = new Completion();
    this.#pending.push(completion);
    yield completion;
  }

  /** Ends one of the waits. */
  finishOne(random: RandomSource): void {
    if (this.#pending.length > 0) this.#pending.splice(random.below(this.#pending.length), 1)[0]!.complete();
  }

  /** Ends the waits one by one in a random order, also those that begin meanwhile. */
  finish(random: RandomSource): void {
    while (this.#pending.length > 0) this.finishOne(random);
  }
}

/** What the filesystem was asked for, by inode number and in order. */
export interface Calls {
  readInode: number[];
  lookup: string[];
  list: number[];
  read: Array<{ ino: number; position: number; bytes: number }>;
}

export class ToyFilesystem implements Filesystem {
  readonly rootIno = ROOT_INO;
  readonly nameBytesMax = 255;
  readonly nodes = new Map<number, ToyInode>();
  readonly calls: Calls = { readInode: [], lookup: [], list: [], read: [] };
  /** Inodes that cannot be read. */
  readonly broken = new Map<number, Error>();
  /** Set: every call that may wait does. */
  delays: Delays | undefined = undefined;
  /** Entries in one part of a listing. */
  batchEntries = 3;
  /** Inodes whose read is in progress, and the most there were of one inode. */
  readonly #reading = new Map<number, number>();
  readsOfOneInodeMax = 0;

  constructor() {
    this.nodes.set(ROOT_INO, new ToyInode(this, ROOT_INO, 'directory'));
  }

  get root(): ToyInode {
    return this.nodes.get(ROOT_INO)!;
  }

  statfs(): FilesystemUsage {
    throw new FsError(EIO);
  }

  *pause(): Task<void> {
    if (this.delays !== undefined) yield* this.delays.wait();
  }

  *readInode(ino: number): Task<Inode> {
    this.calls.readInode.push(ino);
    const reading = (this.#reading.get(ino) ?? 0) + 1;
    this.#reading.set(ino, reading);
    this.readsOfOneInodeMax = Math.max(this.readsOfOneInodeMax, reading);
    try {
      yield* this.pause();
      const error = this.broken.get(ino);
      if (error !== undefined) throw error;
      const inode = this.nodes.get(ino);
      if (inode === undefined) throw new FsError(ENOENT, `no inode ${ino}`);
      return inode;
    } finally {
      this.#reading.set(ino, this.#reading.get(ino)! - 1);
    }
  }
}

export class ToyInode implements Inode {
  readonly ino: number;
  readonly kind: InodeKind;
  readonly #filesystem: ToyFilesystem;
  /** As stored; a broken directory may have one name twice. */
  readonly entries: DirectoryEntry[] = [];
  readonly #byName = new Map<string, number>();
  /** Of a directory: what the listing reports as broken before the entry of that index; an `Error` there ends it. */
  readonly problems = new Map<number, FsError | { thrown: Error }>();
  /** Of a directory: what `list` itself throws. */
  listError: Error | undefined = undefined;
  /** Of a file its content, of a symlink its target. */
  content: Uint8Array = new Uint8Array(0);
  /** What `attributes` claims; `undefined`: the length of the content. */
  claimedSize: number | undefined = undefined;
  /** Of a directory: where it says it is listed. */
  home: DirectoryHome | undefined = undefined;

  constructor(filesystem: ToyFilesystem, ino: number, kind: InodeKind) {
    this.#filesystem = filesystem;
    this.ino = ino;
    this.kind = kind;
  }

  /** A new inode under a name in this directory. */
  make(
    kind: InodeKind,
    name: string | Uint8Array,
    content: string | Uint8Array = '',
    ino = ROOT_INO + this.#filesystem.nodes.size,
  ): ToyInode {
    const inode = new ToyInode(this.#filesystem, ino, kind);
    inode.content = bytesOf(content);
    this.#filesystem.nodes.set(inode.ino, inode);
    this.enter(name, inode.ino, kind);
    return inode;
  }

  /** One more name. Nothing is checked: `kind` may lie, the inode may not exist, the name may be any bytes. */
  enter(name: string | Uint8Array, ino: number, kind: DirectoryEntry['kind'] = 'unknown'): void {
    const entry: DirectoryEntry = { name: bytesOf(name), ino, kind };
    this.entries.push(entry);
    this.#byName.set(keyOf(entry.name), ino);
  }

  attributes(): Attributes {
    const epoch = { seconds: 0, nanoseconds: 0 };
    return {
      ino: this.ino,
      kind: this.kind,
      mode: 0o644,
      links: 1,
      uid: 0,
      gid: 0,
      size: this.claimedSize ?? this.content.length,
      blocks: 0,
      blockSize: 4096,
      deviceMajor: 0,
      deviceMinor: 0,
      atime: epoch,
      mtime: epoch,
      ctime: epoch,
    };
  }

  *lookup(name: Uint8Array): Task<number> {
    if (this.kind !== 'directory') throw new FsError(ENOTDIR);
    this.#filesystem.calls.lookup.push(keyOf(name));
    yield* this.#filesystem.pause();
    return this.#byName.get(keyOf(name)) ?? 0;
  }

  list(): DirectoryReader {
    if (this.kind !== 'directory') throw new FsError(ENOTDIR);
    this.#filesystem.calls.list.push(this.ino);
    if (this.listError !== undefined) throw this.listError;
    return new ToyReader(this.#filesystem, this);
  }

  *readLink(): Task<Uint8Array> {
    if (this.kind !== 'symlink') throw new FsError(EINVAL);
    yield* this.#filesystem.pause();
    return this.content;
  }

  *read(position: number, target: Uint8Array): Task<number> {
    if (this.kind === 'directory') throw new FsError(EISDIR);
    if (this.kind !== 'file') throw new FsError(EINVAL);
    this.#filesystem.calls.read.push({ ino: this.ino, position, bytes: target.length });
    yield* this.#filesystem.pause();
    const part = this.content.subarray(position, position + target.length);
    target.set(part);
    return part.length;
  }

  peekRead(): number {
    return -1;
  }

  readDirect(position: number, target: Uint8Array): Task<number> {
    return this.read(position, target);
  }

  *seek(): Task<number> {
    throw new FsError(EIO);
  }

  extents(): ExtentReader {
    throw new FsError(EIO);
  }

  flags(): number {
    return 0;
  }

  *extendedAttributes(): Task<ExtendedAttribute[]> {
    throw new FsError(EIO);
  }
}

class ToyReader implements DirectoryReader {
  readonly #filesystem: ToyFilesystem;
  readonly #directory: ToyInode;
  #next = 0;

  constructor(filesystem: ToyFilesystem, directory: ToyInode) {
    this.#filesystem = filesystem;
    this.#directory = directory;
  }

  *next(): Task<DirectoryBatch | undefined> {
    yield* this.#filesystem.pause();
    const { entries, problems } = this.#directory;
    if (this.#next > entries.length) return undefined;
    const batch: DirectoryBatch = { entries: [], problems: [] };
    // The place behind the last entry counts as well: there may be a problem there.
    for (const end = this.#next + this.#filesystem.batchEntries; this.#next < end; this.#next++) {
      const problem = problems.get(this.#next);
      if (problem instanceof FsError) batch.problems.push(problem);
      else if (problem !== undefined) {
        if (batch.entries.length > 0) break; // first what is good, then the error, for ever
        throw problem.thrown;
      }
      const entry = entries[this.#next];
      if (entry !== undefined) batch.entries.push(entry);
    }
    return batch;
  }
}

/** Runs tasks together, each wait ending at random; settled results in the order of the tasks. */
export function finishAll<T>(
  filesystem: ToyFilesystem,
  random: RandomSource,
  start: () => Promise<T>[],
): Promise<PromiseSettledResult<T>[]> {
  filesystem.delays = new Delays();
  const running = start();
  filesystem.delays.finish(random);
  filesystem.delays = undefined;
  return Promise.allSettled(running);
}
