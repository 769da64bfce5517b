// Files of the host, as they are copied onto a volume. Below the start no symlink is followed; names are the bytes that the
// host gives.

import fs from 'node:fs';
import { type InodeKind, joinBytes, type Timestamp } from '@f2fskit/vfs';
import { SLASH } from '../volume-path.ts';
import { type Contents, type CopyStep, type Original, PIECE_BYTES, type Piece } from './original.ts';

const BLOCK = 4096;
const zeros = Buffer.alloc(BLOCK);

export class HostOriginal implements Original {
  readonly path: Uint8Array;
  readonly kind: InodeKind;
  readonly stat: fs.BigIntStats;

  /** Throws what the host says. `follow`: a symlink stands for what it leads to. */
  constructor(path: Buffer, { follow = false }: { follow?: boolean } = {}) {
    this.path = path;
    this.stat = follow ? fs.statSync(path, { bigint: true }) : fs.lstatSync(path, { bigint: true });
    this.kind = kindOf(this.stat);
  }

  get mode(): number {
    return Number(this.stat.mode) & 0o7777;
  }

  get owner(): { uid: number; gid: number } {
    return { uid: Number(this.stat.uid), gid: Number(this.stat.gid) };
  }

  get times(): { atime: Timestamp; mtime: Timestamp } {
    return { atime: timeOf(this.stat.atimeNs), mtime: timeOf(this.stat.mtimeNs) };
  }

  /** The numbers as the C library of Linux packs them. */
  get device(): { major: number; minor: number } {
    const { rdev } = this.stat;
    return {
      major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
      minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
    };
  }

  async target(): Promise<Uint8Array> {
    return fs.readlinkSync(Buffer.from(this.path), { encoding: 'buffer' });
  }

  open(): Contents {
    return new HostContents(Buffer.from(this.path), this.stat);
  }
}

/** What is not copied although it lies in a tree: the image itself, and the lock beside it. */
export function imageFiles(image: string): ReadonlySet<string> {
  const real = fs.realpathSync(image);
  const stats = [real, `${real}.f2fskit-lock`].map((path) =>
    fs.statSync(path, { bigint: true, throwIfNoEntry: false }),
  );
  return new Set(stats.filter((stat) => stat !== undefined).map(fileId));
}

const fileId = ({ dev, ino }: fs.BigIntStats): string => `${dev}:${ino}`;

interface Level {
  original: HostOriginal;
  below: Uint8Array;
  names: Buffer[];
}

/** A tree of the host, names in byte order. Memory is for one directory a level. */
export async function* hostSteps(
  start: HostOriginal,
  left: ReadonlySet<string>,
): AsyncGenerator<CopyStep, void, undefined> {
  const levels: Level[] = [];
  function* visit(original: HostOriginal, below: Uint8Array): Generator<CopyStep> {
    if (original.kind !== 'directory') {
      yield { type: 'entry', below, original };
      return;
    }
    yield { type: 'enter', below, original };
    let names: Buffer[] = [];
    try {
      names = fs.readdirSync(Buffer.from(original.path), { encoding: 'buffer' });
    } catch (error) {
      yield { type: 'unreadable', below, path: original.path, error: error as Error };
    }
    levels.push({ original, below, names: names.sort(Buffer.compare).reverse() });
  }
  yield* visit(start, new Uint8Array(0));
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const name = level.names.pop();
    if (name === undefined) {
      levels.pop();
      yield { type: 'leave', below: level.below, original: level.original };
      continue;
    }
    const path = Buffer.concat([level.original.path, SLASH, name]);
    const below = level.below.length === 0 ? name : joinBytes(level.below, joinBytes(SLASH, name));
    let original: HostOriginal;
    try {
      original = new HostOriginal(path);
    } catch (error) {
      yield { type: 'unreadable', below, path, error: error as Error };
      continue;
    }
    if (!left.has(fileId(original.stat))) yield* visit(original, below);
  }
}

/** A regular file. Node cannot ask where holes are: where there are some, blocks of zeros are holes. */
class HostContents implements Contents {
  size: number;
  readonly #fd: number;
  readonly #sparse: boolean;
  readonly #buffer: Buffer;
  /** Where the next read begins. */
  #position = 0;
  /** What of the buffer was not returned: it ends at `position`. */
  #from = 0;
  #to = 0;

  constructor(path: Buffer, expected: fs.BigIntStats) {
    const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants;
    this.#fd = fs.openSync(path, O_RDONLY | O_NONBLOCK); // a pipe does not make us wait
    const stat = fs.fstatSync(this.#fd, { bigint: true });
    // Something else may have taken its place, also a symlink to another file.
    if (!stat.isFile() || fileId(stat) !== fileId(expected)) {
      fs.closeSync(this.#fd);
      throw Object.assign(new Error(`EINVAL: it is another file by now, open '${path}'`), {
        code: 'EINVAL',
        errno: -22,
        syscall: 'open',
      });
    }
    this.size = Number(stat.size);
    // Windows counts no blocks.
    this.#sparse = stat.blocks !== undefined && Number(stat.blocks) * 512 < this.size;
    this.#buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(BLOCK, this.size)));
  }

  async next(): Promise<Piece | undefined> {
    for (;;) {
      while (this.#from < this.#to) {
        const piece = this.#run();
        if (piece !== undefined) return piece;
      }
      const wanted = Math.min(this.#buffer.length, this.size - this.#position);
      const count = wanted === 0 ? 0 : fs.readSync(this.#fd, this.#buffer, 0, wanted, this.#position);
      if (count === 0) {
        this.size = this.#position; // it may have become shorter
        return undefined;
      }
      this.#position += count;
      this.#from = 0;
      this.#to = count;
    }
  }

  /** The next run of data in the buffer; `undefined` where only a hole is left of it. */
  #run(): Piece | undefined {
    const start = this.#position - this.#to;
    while (this.#from < this.#to && this.#isHole()) this.#skip();
    const from = this.#from;
    while (this.#from < this.#to && !this.#isHole()) this.#skip();
    if (from === this.#from) return undefined;
    return { position: start + from, bytes: this.#buffer.subarray(from, this.#from) };
  }

  #skip(): void {
    this.#from = this.#sparse ? Math.min(this.#to, this.#from + BLOCK) : this.#to;
  }

  #isHole(): boolean {
    if (!this.#sparse) return false;
    const length = Math.min(BLOCK, this.#to - this.#from);
    return this.#buffer.compare(zeros, 0, length, this.#from, this.#from + length) === 0;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

const BILLION = 1_000_000_000n;

/** The remainder counts forward, also before 1970. */
function timeOf(nanoseconds: bigint): Timestamp {
  const rest = ((nanoseconds % BILLION) + BILLION) % BILLION;
  return { seconds: Number((nanoseconds - rest) / BILLION), nanoseconds: Number(rest) };
}

function kindOf(stat: fs.BigIntStats): InodeKind {
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'char';
  if (stat.isBlockDevice()) return 'block';
  if (stat.isFIFO()) return 'fifo';
  return stat.isSocket() ? 'socket' : 'file';
}
