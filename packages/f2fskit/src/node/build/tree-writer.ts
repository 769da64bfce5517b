// A plan goes onto a volume, one entry or one piece of a file at a time. Directories on the way are held, no path is walked.
//
//   directory   made with nothing set that its files would inherit; its mode, lists and times come when everything is in it
//   file        where one piece is all of it: made in one step. Else made, written, cut to its size, then attributes, then
//               times. Then the access list, which sets the mode
//   link        the first name makes the file
//
// What the format cannot have is noted, and the rest goes on. What the volume says otherwise ends the build.

import { FsError } from '@f2fskit/errno';
import type { F2fsInode, F2fsVolume } from '@f2fskit/f2fs';
import { BLOCK_SIZE, ModeType } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { type Timestamp, utf8Decode } from '@f2fskit/vfs';
import type { Contents, Piece } from './contents.ts';
import { type LinkGroup, type PlanNode, pathOf } from './plan.ts';
import { BuildCounts, BuildNotes } from './report.ts';
import type { BuildSource } from './source.ts';

export interface TreeWriterOptions {
  /** The owner of everything. */
  owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Times of a file. */
  timesOf: (node: PlanNode) => { atime: Timestamp; mtime: Timestamp };
  /** Files with fewer blocks are not compressed. 0: none is. */
  clusterBlocks: number;
  /** What compression saves is given back to the volume. */
  release: boolean;
}

interface Level {
  node: PlanNode;
  inode: F2fsInode;
  next: number;
}

interface OpenFile {
  node: PlanNode;
  directory: F2fsInode;
  inode: F2fsInode;
  contents: Contents;
  written: number;
  end: number;
}

/** What the volume says of one file, and not of itself. */
const REFUSALS: ReadonlySet<string> = new Set([
  'EINVAL',
  'ENAMETOOLONG',
  'EFBIG',
  'EPERM',
  'EOPNOTSUPP',
  'EEXIST',
  'ENOENT',
]);
const XATTR_REFUSALS: ReadonlySet<string> = new Set([...REFUSALS, 'ERANGE', 'E2BIG', 'EACCES']);

const SPECIAL_BITS = 0o7000;
const NOTHING = new Uint8Array(0);

const SPECIAL_TYPES: Readonly<Record<'char' | 'block' | 'fifo' | 'socket', number>> = {
  char: ModeType.characterDevice,
  block: ModeType.blockDevice,
  fifo: ModeType.fifo,
  socket: ModeType.socket,
};

type Loader = ReturnType<F2fsInode['loader']>;
/** What a file is, beside its name, owner and times. */
type LoadedParts = Pick<Parameters<Loader['add']>[1], 'mode' | 'device' | 'target' | 'contents' | 'compress'>;

export class TreeWriter {
  readonly counts = new BuildCounts();
  readonly notes = new BuildNotes();
  /** What is being worked on. */
  current: PlanNode;
  /** Names that are done. */
  entries = 0;
  readonly #volume: F2fsVolume;
  readonly #source: BuildSource;
  readonly #options: TreeWriterOptions;
  readonly #stack: Level[] = [];
  /** Inode numbers of the files with several names. */
  readonly #made = new Map<LinkGroup, number>();
  readonly #bytes = new PieceSource();
  #file: OpenFile | undefined = undefined;
  #loader: Loader | undefined = undefined;

  constructor(volume: F2fsVolume, source: BuildSource, options: TreeWriterOptions) {
    this.#volume = volume;
    this.#source = source;
    this.#options = options;
    this.current = source.root;
  }

  /** Begins: the root exists already. */
  *begin(): Task<void> {
    const inode = yield* this.#volume.readInode(this.#volume.rootIno);
    this.#loader = inode.loader();
    this.#stack.push({ node: this.current, inode, next: 0 });
  }

  /** Does a little more; false when everything is on the volume. Throws ENOSPC, and what the device says. */
  *next(): Task<boolean> {
    const file = this.#file;
    if (file !== undefined) {
      try {
        yield* this.#piece(file);
      } catch (error) {
        this.#refused(file.node, error);
      }
      return true;
    }
    const level = this.#stack.at(-1);
    if (level === undefined) {
      yield* this.#loader!.flush();
      return false;
    }
    const node = level.node.children![level.next++];
    if (node === undefined) {
      this.#stack.pop();
      yield* this.#leave(level);
      return true;
    }
    this.current = node;
    this.entries++;
    try {
      yield* this.#entry(level.inode, node);
    } catch (error) {
      this.#refused(node, error);
    }
    return true;
  }

  /** Closes the file that is being read: for who stops in the middle. */
  abort(): void {
    this.#file?.contents.close();
    this.#file = undefined;
  }

  *#entry(directory: F2fsInode, node: PlanNode): Task<void> {
    const { name, kind, links } = node;
    const first = links === undefined ? undefined : this.#made.get(links);
    if (first !== undefined) {
      yield* directory.link(name, yield* this.#volume.readInode(first));
      this.counts.hardLinks++;
      return;
    }
    switch (kind) {
      case 'directory':
        this.#stack.push({ node, inode: yield* this.#makeDirectory(directory, node), next: 0 });
        this.counts.directories++;
        return;
      case 'file':
        yield* this.#openFile(directory, node);
        return;
      case 'symlink':
        yield* this.#load(directory, node, { mode: ModeType.symlink | 0o777, target: node.target! });
        this.counts.symlinks++;
        return;
      default:
        yield* this.#load(directory, node, {
          mode: SPECIAL_TYPES[kind] | node.mode,
          ...(kind === 'char' || kind === 'block' ? { device: { major: node.major, minor: node.minor } } : {}),
        });
        this.counts.specials++;
    }
  }

  /** Makes a file with all that it has. False, and nothing made, when that cannot be done in one step. */
  *#load(directory: F2fsInode, node: PlanNode, what: LoadedParts): Task<boolean> {
    const { name } = node;
    const ino = yield* this.#loader!.add(directory, {
      name,
      ...this.#ownerOf(node),
      ...this.#options.timesOf(node),
      ...what,
    });
    if (ino === 0) return false;
    this.#noteLinks(node, ino);
    if (node.xattrs.length > 0) yield* this.#setXattrs(node, yield* this.#volume.readInode(ino));
    if (what.compress === true) yield* this.#countCompressed(yield* this.#volume.readInode(ino));
    return true;
  }

  /** `lost+found` may be there: mkfs makes it where it is asked to. */
  *#makeDirectory(directory: F2fsInode, { name, ...node }: PlanNode): Task<F2fsInode> {
    const ino = directory.ino === this.#volume.rootIno ? yield* directory.lookup(name) : 0;
    if (ino !== 0) return yield* this.#volume.readInode(ino);
    return yield* directory.mkdir(name, { ...this.#ownerOf(node), mode: 0o700 });
  }

  *#leave({ node, inode }: Level): Task<void> {
    this.current = node;
    const { mode } = node;
    try {
      yield* inode.setAttributes({ ...this.#ownerOf(node), mode, ...this.#options.timesOf(node) });
      yield* this.#setXattrs(node, inode);
    } catch (error) {
      this.#refused(node, error);
    }
  }

  *#openFile(directory: F2fsInode, node: PlanNode): Task<void> {
    let contents: Contents;
    let piece: Piece | undefined;
    try {
      contents = this.#source.open(node);
    } catch (error) {
      this.#unreadable(node, error);
      return;
    }
    try {
      // The first piece before anything is made: most of what cannot be read shows here.
      piece = contents.next();
    } catch (error) {
      contents.close();
      this.#unreadable(node, error);
      return;
    }
    let inode: F2fsInode;
    try {
      if (yield* this.#loadFile(directory, node, contents, piece)) return;
      inode = yield* directory.create(node.name, { ...this.#ownerOf(node), mode: node.mode });
    } catch (error) {
      contents.close();
      throw error;
    }
    this.#file = { node, directory, inode, contents, written: 0, end: 0 };
    yield* this.#take(this.#file, piece);
  }

  /** Of a file that is read already. */
  *#loadFile(directory: F2fsInode, node: PlanNode, contents: Contents, piece: Piece | undefined): Task<boolean> {
    const whole =
      piece === undefined ? contents.size === 0 : piece.position === 0 && piece.bytes.length === contents.size;
    if (!whole) return false;
    const bytes = piece?.bytes ?? NOTHING;
    const { clusterBlocks } = this.#options;
    const compress = clusterBlocks > 0 && Math.ceil(contents.size / BLOCK_SIZE) >= clusterBlocks;
    const what = { mode: ModeType.regular | node.mode, contents: bytes, compress };
    if (!(yield* this.#load(directory, node, what))) return false;
    this.#read(node, contents, bytes.length);
    return true;
  }

  /** Everything of a file has been read and written. */
  #read(node: PlanNode, contents: Contents, written: number): void {
    const { size } = contents;
    const problem = contents.close();
    if (problem !== undefined) this.notes.note('changed', pathOf(node), problem);
    this.counts.files++;
    this.counts.bytes += written;
    this.counts.holeBytes += size - written;
  }

  *#piece(file: OpenFile): Task<void> {
    let piece: Piece | undefined;
    try {
      piece = file.contents.next();
    } catch (error) {
      this.abort();
      this.#unreadable(file.node, error);
      yield* file.directory.unlink(file.node.name);
      return;
    }
    yield* this.#take(file, piece);
  }

  /** Writes a piece; after the last one the file is finished. */
  *#take(file: OpenFile, piece: Piece | undefined): Task<void> {
    const { node, inode, contents } = file;
    try {
      if (piece !== undefined) {
        yield* this.#write(inode, piece);
        file.end = piece.position + piece.bytes.length;
        file.written += piece.bytes.length;
        if (file.end < contents.size) return;
      }
      const { size } = contents;
      if (file.end < size) yield* inode.truncate(size);
      yield* this.#finish(node, inode);
      this.#file = undefined;
      this.#read(node, contents, file.written);
    } catch (error) {
      this.abort();
      if (!isRefusal(error, REFUSALS)) throw error;
      // Half a file is worse than none.
      yield* file.directory.unlink(node.name);
      throw error;
    }
  }

  *#write(inode: F2fsInode, { position, bytes }: Piece): Task<void> {
    for (let done = 0; done < bytes.length; ) {
      this.#bytes.bytes = done === 0 ? bytes : bytes.subarray(done);
      // A short count says that something failed: the next write says what.
      done += (yield* inode.write(position + done, this.#bytes)).bytes;
    }
  }

  #noteLinks({ links }: PlanNode, ino: number): void {
    if (links !== undefined && links.names > 1) this.#made.set(links, ino);
  }

  /** Everything that a file has beside its content. */
  *#finish(node: PlanNode, inode: F2fsInode): Task<void> {
    this.#noteLinks(node, inode.ino);
    const { mode } = node;
    // Writing may have taken set-user-id away.
    const again = (mode & SPECIAL_BITS) !== 0 ? { mode } : {};
    yield* inode.setAttributes({ ...again, ...this.#options.timesOf(node) });
    yield* this.#setXattrs(node, inode);
    yield* this.#countCompressed(inode);
  }

  /** What compression saved of a file that is complete. */
  *#countCompressed(inode: F2fsInode): Task<void> {
    if (!inode.fields.compressed) return;
    yield* inode.writeBack();
    const { savedBlocks } = inode;
    this.counts.compressedFiles++;
    this.counts.savedBlocks += savedBlocks;
    if (!this.#options.release || savedBlocks === 0) return;
    this.counts.releasedBlocks += yield* this.#volume.compressionOf(inode).release();
  }

  *#setXattrs(node: PlanNode, inode: F2fsInode): Task<void> {
    for (const { name, value } of node.xattrs) {
      try {
        yield* inode.setXattr(name, value);
      } catch (error) {
        const full = error instanceof FsError && error.code === 'ENOSPC' && this.#volume.writer!.space.blocksFree > 0;
        if (!full && !isRefusal(error, XATTR_REFUSALS)) throw error;
        const why = full ? 'all of them do not fit beside each other' : (error as FsError).message;
        this.notes.note('xattr', pathOf(node), `${utf8Decode(name)}: ${why}`);
      }
    }
  }

  #ownerOf({ uid, gid }: Pick<PlanNode, 'uid' | 'gid'>): { uid: number; gid: number } {
    return this.#options.owner ?? { uid, gid };
  }

  #refused(node: PlanNode, error: unknown): void {
    if (!isRefusal(error, REFUSALS)) throw error;
    this.notes.note('refused', pathOf(node), error.message);
  }

  #unreadable(node: PlanNode, error: unknown): void {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    this.notes.note('unreadable', pathOf(node), (error as Error).message);
  }
}

function isRefusal(error: unknown, codes: ReadonlySet<string>): error is FsError {
  return error instanceof FsError && codes.has(error.code);
}

/** The bytes of one piece, as the writer of files takes them. */
class PieceSource {
  bytes: Uint8Array = new Uint8Array(0);

  get length(): number {
    return this.bytes.length;
  }

  *prepare(at: number): Task<number> {
    return this.bytes.length - at;
  }

  copy(at: number, target: Uint8Array): number {
    const end = Math.min(this.bytes.length, at + target.length);
    target.set(this.bytes.subarray(at, end));
    return end - at;
  }
}
