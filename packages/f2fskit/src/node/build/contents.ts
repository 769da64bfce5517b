// The content of a file of the source, piece by piece, without its holes. Pieces lie in one buffer that is used again and
// again. Where the source says so, blocks of zeros are holes: Node cannot ask the host where holes are.

import fs from 'node:fs';
import { timeOf } from './host-walk.ts';
import type { PlanNode, StoredContent } from './plan.ts';

/** Bytes of a piece. */
export const PIECE_BYTES = 1 << 20;
const BLOCK = 4096;
const zeros = Buffer.alloc(BLOCK);

export interface Piece {
  position: number;
  /** A window on the buffer; good until the next piece. */
  bytes: Uint8Array;
}

/** A file of the source that is open. */
export interface Contents {
  /** Bytes, holes included; exact once there is no next piece. */
  readonly size: number;
  /** The next piece, `undefined` at the end. Throws what the host says. */
  next(): Piece | undefined;
  /** Closes it. Returns what was wrong although everything could be read. */
  close(): string | undefined;
}

/**
 * Of a file of the host, as it was when the plan was made. One that fits into the buffer is read in one call, and looked at
 * behind it: if nothing has changed since it was listed, that was all. Else it is looked at before and behind.
 */
export class HostContents implements Contents {
  readonly #fd: number;
  readonly #buffer: Buffer;
  readonly #node: PlanNode;
  /** What it looked like before it was read; `undefined` before it is looked at, and if it is as it was listed. */
  #before: fs.BigIntStats | undefined = undefined;
  #asListed = false;
  #problem: string | undefined = undefined;
  #size = 0;
  /** Where the next read begins. */
  #position = 0;
  /** What of the buffer was not returned: it lies at `position - (to - from)`. */
  #from = 0;
  #to = 0;

  /** Throws what the host says. */
  constructor(path: Buffer, node: PlanNode, buffer: Buffer) {
    this.#fd = openForReading(path);
    this.#buffer = buffer;
    this.#node = node;
  }

  /** Throws also when something else is there now. */
  next(): Piece | undefined {
    if (this.#before === undefined && !this.#asListed) {
      const { size } = this.#node;
      if (size < this.#buffer.length && this.#readAsListed(size)) return this.#next();
      this.#look();
    }
    return this.#next();
  }

  #next(): Piece | undefined {
    for (;;) {
      if (this.#from < this.#to) {
        if (!this.#node.sparse) {
          this.#from = this.#to;
          return { position: this.#position - this.#to, bytes: this.#buffer.subarray(0, this.#to) };
        }
        const piece = this.#run();
        if (piece !== undefined) return piece;
        continue;
      }
      const wanted = Math.min(this.#buffer.length, this.#size - this.#position);
      if (wanted === 0) return undefined;
      const count = fs.readSync(this.#fd, this.#buffer, 0, wanted, this.#position);
      if (count === 0) {
        this.#size = this.#position; // it became shorter
        return undefined;
      }
      this.#took(count);
    }
  }

  /** The buffer holds so many bytes more of the file. */
  #took(count: number): void {
    this.#position += count;
    this.#from = 0;
    this.#to = count;
  }

  /** Reads all of it; false if it is not as it was listed, or cannot be read like that. */
  #readAsListed(size: number): boolean {
    let count = 0;
    try {
      if (size > 0) count = fs.readSync(this.#fd, this.#buffer, 0, size, 0);
    } catch {
      return false; // it will be said why when it is looked at
    }
    const after = fs.fstatSync(this.#fd, { bigint: true });
    const same = after.isFile() && after.ctimeNs === this.#node.listedAt && Number(after.size) === size;
    if (!same || count < size) return false;
    this.#asListed = true;
    this.#size = size;
    this.#took(count);
    return true;
  }

  #look(): void {
    const stat = fs.fstatSync(this.#fd, { bigint: true });
    if (!stat.isFile()) throw Object.assign(new Error('it is no regular file any more'), { code: 'EINVAL' });
    this.#before = stat;
    // Its size of now: a file that grew since would otherwise end in the middle of what was written together.
    this.#size = Number(stat.size);
    const { size, mtime } = this.#node;
    const { seconds, nanoseconds } = timeOf(stat.mtimeNs);
    const same = this.#size === size && seconds === mtime.seconds && nanoseconds === mtime.nanoseconds;
    this.#problem = same ? undefined : 'the file changed after it was listed';
  }

  /** The next run of blocks that are not zero in the buffer. */
  #run(): Piece | undefined {
    const start = this.#position - this.#to;
    while (this.#from < this.#to && this.#isHole(this.#from)) this.#from = Math.min(this.#to, this.#from + BLOCK);
    const from = this.#from;
    while (this.#from < this.#to && !this.#isHole(this.#from)) this.#from = Math.min(this.#to, this.#from + BLOCK);
    if (from === this.#from) return undefined;
    return { position: start + from, bytes: this.#buffer.subarray(from, this.#from) };
  }

  #isHole(at: number): boolean {
    const length = Math.min(BLOCK, this.#to - at);
    return this.#buffer.compare(zeros, 0, length, at, at + length) === 0;
  }

  close(): string | undefined {
    const before = this.#before;
    if (before === undefined) {
      fs.closeSync(this.#fd);
      return undefined;
    }
    const after = fs.fstatSync(this.#fd, { bigint: true });
    fs.closeSync(this.#fd);
    const { size, mtimeNs, ctimeNs } = before;
    const changed = after.size !== size || after.mtimeNs !== mtimeNs || after.ctimeNs !== ctimeNs;
    return changed ? 'the file changed while it was read' : this.#problem;
  }

  get size(): number {
    return this.#size;
  }
}

/** Of a file in an archive that lies on the host. The archive ends behind it: that was seen before. */
export class StoredContents implements Contents {
  readonly size: number;
  readonly #fd: number;
  readonly #buffer: Buffer;
  readonly #runs: ReadonlyArray<readonly [position: number, length: number]>;
  #offset: number;
  #run = 0;
  /** Of the run, read already. */
  #done = 0;

  constructor(fd: number, { offset, runs }: StoredContent, size: number, buffer: Buffer) {
    this.size = size;
    this.#fd = fd;
    this.#buffer = buffer;
    this.#runs = runs ?? [[0, size]];
    this.#offset = offset;
  }

  next(): Piece | undefined {
    for (;;) {
      const run = this.#runs[this.#run];
      if (run === undefined) return undefined;
      const [start, length] = run;
      if (this.#done === length) {
        this.#run++;
        this.#done = 0;
        continue;
      }
      const position = start + this.#done;
      const wanted = Math.min(this.#buffer.length, length - this.#done);
      const count = fs.readSync(this.#fd, this.#buffer, 0, wanted, this.#offset);
      if (count === 0) throw Object.assign(new Error('the archive became shorter'), { code: 'EIO' });
      this.#done += count;
      this.#offset += count;
      return { position, bytes: this.#buffer.subarray(0, count) };
    }
  }

  close(): undefined {
    return undefined;
  }
}

/** Linux: do not touch the time of access. Only owners may ask for that. */
const O_NOATIME = process.platform === 'linux' ? 0o1000000 : 0;

/** A symlink that took the place of the file is not followed; a pipe does not make us wait. */
function openForReading(path: Buffer): number {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
  if (O_NOATIME === 0) return fs.openSync(path, flags);
  try {
    return fs.openSync(path, flags | O_NOATIME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return fs.openSync(path, flags);
  }
}
