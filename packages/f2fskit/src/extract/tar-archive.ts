// A volume as a tar archive, chunk by chunk: the caller pulls, so that a slow reader slows everything down and nothing piles
// up. Sparse files are stored in GNU's format 1.0 (a map of the runs, then the runs), which GNU tar and libarchive know.
// What cannot be read is left out and reported; a file that fails in the middle is filled up with zeros, because its header
// has been sent, and reported too.

import { FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import {
  type Attributes,
  type ExtendedAttribute,
  type Inode,
  joinBytes,
  type PathLike,
  utf8Encode,
  type Vfs,
} from '@f2fskit/vfs';
import { ExtractWalk } from './extract-walk.ts';
import { FilePieces, PIECE_BYTES } from './file-pieces.ts';
import { padding, type TarEntry, TarType, tarHeader } from './pax.ts';
import { ExtractReport } from './report.ts';

/** An archive is filled up to a multiple of this: twenty blocks, as tar does. */
const RECORD_BYTES = 10_240;
/** A file in more pieces is stored whole: its map would have to be held in memory. */
const RUNS_MAX = 65_536;

export interface TarOptions {
  /** Paths on the volume; everything unless given. */
  paths?: readonly PathLike[];
  /** Leaves extended attributes out. */
  xattrs?: boolean;
}

type Runs = ReadonlyArray<readonly [from: number, to: number]>;

export class TarArchive {
  readonly report = new ExtractReport();
  readonly #walk: ExtractWalk;
  readonly #xattrs: boolean;
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  /** The first name of each file that has several. */
  readonly #links = new Map<number, Uint8Array>();
  /** Chunks that are ready. */
  readonly #ready: Uint8Array[] = [];
  #file: { path: Uint8Array; pieces: FilePieces; left: number; size: number } | undefined = undefined;
  #bytes = 0;
  #over = false;

  constructor(vfs: Vfs, { paths = [], xattrs = true }: TarOptions = {}) {
    this.#walk = new ExtractWalk(vfs, paths);
    this.#xattrs = xattrs;
  }

  /** The next chunk, good until the next call; `undefined` at the end. Throws for a path that does not exist. */
  *next(): Task<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#ready.shift();
      if (chunk !== undefined) {
        this.#bytes += chunk.length;
        return chunk;
      }
      if (this.#over) return undefined;
      if (this.#file !== undefined) yield* this.#content();
      else yield* this.#step();
    }
  }

  *#step(): Task<void> {
    const step = yield* this.#walk.next();
    if (step === undefined) {
      this.#over = true;
      const end = this.#bytes + 2 * 512;
      this.#ready.push(new Uint8Array(2 * 512 + ((RECORD_BYTES - (end % RECORD_BYTES)) % RECORD_BYTES)));
      return;
    }
    if (step.type === 'leave') return;
    if (step.type === 'unreadable') {
      this.report.note('unreadable', step.path, step.error.message);
      return;
    }
    try {
      yield* this.#entry(step.path, step.inode);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.report.note('unreadable', step.path, error.message);
    }
  }

  *#entry(path: Uint8Array, inode: Inode): Task<void> {
    const attributes = inode.attributes();
    const { mode, uid, gid, mtime } = attributes;
    const xattrs = this.#xattrs ? yield* inode.extendedAttributes() : [];
    const records = xattrs.map(xattrRecord);
    const common = { path, mode, uid, gid, mtime, records };
    const first = this.#links.get(inode.ino);
    if (first !== undefined) {
      this.#ready.push(tarHeader({ ...common, type: TarType.hardLink, target: first, size: 0, records: [] }));
      this.report.hardLinks++;
      return;
    }
    switch (inode.kind) {
      case 'directory': {
        const shown = path.length === 0 ? utf8Encode('./') : joinBytes(path, utf8Encode('/'));
        this.#ready.push(tarHeader({ ...common, path: shown, type: TarType.directory, size: 0 }));
        this.report.directories++;
        return;
      }
      case 'symlink':
        this.#ready.push(tarHeader({ ...common, type: TarType.symlink, target: yield* inode.readLink(), size: 0 }));
        this.report.symlinks++;
        break;
      case 'file':
        yield* this.#begin(inode, attributes, common);
        break;
      case 'socket':
        this.report.note('special', path, 'tar has no sockets');
        return;
      default: {
        const device = { major: attributes.deviceMajor, minor: attributes.deviceMinor };
        this.#ready.push(tarHeader({ ...common, type: TarType[inode.kind], size: 0, device }));
        this.report.specials++;
      }
    }
    if (attributes.links > 1) this.#links.set(inode.ino, path.slice());
  }

  /** The header of a file; its content follows piece by piece. Reads one byte first: what is encrypted has no header. */
  *#begin(inode: Inode, attributes: Attributes, common: Omit<TarEntry, 'type' | 'size'>): Task<void> {
    const { size } = attributes;
    if (size > 0) yield* inode.readDirect(0, this.#buffer.subarray(0, 1));
    const runs = yield* new FilePieces(inode, attributes, this.#buffer).runs(RUNS_MAX);
    const sparse = runs !== undefined && (runs.length !== 1 || runs[0]![0] !== 0 || runs[0]![1] < size) && size > 0;
    this.report.files++;
    if (!sparse) {
      this.#ready.push(tarHeader({ ...common, type: TarType.file, size }));
      const whole = { ...attributes, blocks: Math.ceil(size / 512) };
      this.#file = { path: common.path, pieces: new FilePieces(inode, whole, this.#buffer), left: size, size };
      return;
    }
    const data = runs.reduce((sum, [from, to]) => sum + to - from, 0);
    const map = sparseMap(runs, size);
    this.#ready.push(tarHeader(sparseEntry(common, map.length + data, size)), map);
    this.report.holeBytes += size - data;
    this.#file = { path: common.path, pieces: new FilePieces(inode, attributes, this.#buffer), left: data, size: data };
  }

  *#content(): Task<void> {
    const file = this.#file!;
    if (file.left === 0) {
      this.#file = undefined;
      const rest = padding(file.size);
      if (rest.length > 0) this.#ready.push(rest);
      return;
    }
    try {
      const piece = yield* file.pieces.next();
      if (piece !== undefined) {
        const bytes = piece.bytes.subarray(0, file.left);
        file.left -= bytes.length;
        this.report.bytes += bytes.length;
        this.#ready.push(bytes);
        return;
      }
      this.report.note('unreadable', file.path, 'the file is shorter than its size');
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      this.report.note('unreadable', file.path, `${error.message}; zeros from here on`);
    }
    this.#zeros(file);
  }

  /** What is missing of a file whose header has been sent. */
  #zeros(file: { left: number }): void {
    const zeros = new Uint8Array(Math.min(file.left, PIECE_BYTES));
    for (; file.left > 0; file.left -= zeros.length) {
      if (file.left < zeros.length) {
        this.#ready.push(zeros.subarray(0, file.left));
        file.left = 0;
        return;
      }
      this.#ready.push(zeros);
    }
  }
}

function xattrRecord({ name, value }: ExtendedAttribute): readonly [Uint8Array, Uint8Array] {
  return [joinBytes(utf8Encode('SCHILY.xattr.'), name), value];
}

/** The number of runs, then offset and length of each, a line a number, filled up to a block. */
function sparseMap(runs: Runs, size: number): Uint8Array {
  const numbers = runs.flatMap(([from, to]) => [from, to - from]);
  // A hole at the end is told by an empty run at the very end.
  const closed = runs.length > 0 && runs.at(-1)![1] === size ? numbers : [...numbers, size, 0];
  const text = utf8Encode(`${[closed.length / 2, ...closed].join('\n')}\n`);
  return joinBytes(text, padding(text.length));
}

function sparseEntry(common: Omit<TarEntry, 'type' | 'size'>, stored: number, size: number): TarEntry {
  return {
    ...common,
    type: TarType.file,
    path: utf8Encode('GNUSparseFile.0/file'),
    size: stored,
    records: [
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.name', common.path],
      ['GNU.sparse.realsize', String(size)],
      ...(common.records ?? []),
    ],
  };
}
