// The entries of an archive that lies in a file, header by header: contents are passed over, and where they lie is told.
//
//   x  g        extended headers of pax: for the next entry, for all that follow
//   L  K        GNU: the path, the target of the next entry
//   S           GNU: a sparse file of the first format; the later ones are extended headers
//
// Sizes and counts in an archive are anybody's numbers: what is kept in memory is bounded by a constant or by bytes that are
// really there.

import fs from 'node:fs';
import type { Timestamp } from '@f2fskit/vfs';
import {
  isHeader,
  isZero,
  latin1,
  type PaxRecords,
  type Runs,
  readHeader,
  readNumber,
  readOldSparse,
  readPaxNumber,
  readPaxRecords,
  readPaxTime,
  TAR_BLOCK,
  type TarHeader,
  tarError,
} from './tar-header.ts';

/** An extended header that is longer is not read. */
const EXTENDED_BYTES_MAX = 8 << 20;
/** Runs of one sparse file. */
const RUNS_MAX = 1 << 20;
/** Of a number in a map. */
const DIGITS_MAX = 20;

export interface TarEntry
  extends Pick<TarHeader, 'type' | 'path' | 'target' | 'mode' | 'uid' | 'gid' | 'major' | 'minor'> {
  /** Of its header. */
  at: number;
  /** Bytes of the file, holes included. */
  size: number;
  mtime: Timestamp;
  atime: Timestamp | undefined;
  /** Of the first stored byte. */
  offset: number;
  /** Of a sparse file: what is stored, in order. */
  runs: Runs | undefined;
  /** Extended attributes and lists among them. */
  records: PaxRecords;
}

export class TarEntries {
  readonly #fd: number;
  readonly #size: number;
  readonly #window = new Uint8Array(64 << 10);
  #windowAt = 0;
  #windowEnd = 0;
  /** The next header. */
  #position = 0;
  readonly #global: PaxRecords = new Map();

  /** `size`: bytes of the archive. */
  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.#size = size;
  }

  /** The next entry, `undefined` at the end. Throws EINVAL for what is no archive, or ends too early. */
  next(): TarEntry | undefined {
    const records: PaxRecords = new Map(this.#global);
    let longPath: Uint8Array | undefined;
    let longTarget: Uint8Array | undefined;
    for (;;) {
      const at = this.#position;
      const header = this.#header();
      if (header === undefined) {
        if (longPath !== undefined || longTarget !== undefined)
          throw tarError(at, 'the archive ends behind a long name');
        return undefined;
      }
      if (longPath !== undefined) header.path = longPath;
      if (longTarget !== undefined) header.target = longTarget;
      switch (header.type) {
        case 'x':
        case 'X':
          readPaxRecords(this.#extended(header.size), at, records);
          break;
        case 'g':
          readPaxRecords(this.#extended(header.size), at, this.#global);
          for (const [key, value] of this.#global) if (!records.has(key)) records.set(key, value);
          break;
        case 'L':
          longPath = withoutNul(this.#extended(header.size));
          break;
        case 'K':
          longTarget = withoutNul(this.#extended(header.size));
          break;
        default:
          return this.#entry(at, header, records);
      }
    }
  }

  #entry(at: number, header: TarHeader, records: PaxRecords): TarEntry {
    const { type, mode, major, minor } = header;
    const number = (key: string, other: number): number => {
      const value = records.get(key);
      return value === undefined ? other : readPaxNumber(value, at);
    };
    const time = (key: string): Timestamp | undefined => {
      const value = records.get(key);
      return value === undefined ? undefined : readPaxTime(value, at);
    };
    const stored = number('size', header.size);
    const entry: TarEntry = {
      at,
      type,
      path: records.get('GNU.sparse.name') ?? records.get('path') ?? header.path,
      target: records.get('linkpath') ?? header.target,
      mode,
      uid: number('uid', header.uid),
      gid: number('gid', header.gid),
      size: stored,
      mtime: time('mtime') ?? { seconds: header.mtime, nanoseconds: 0 },
      atime: time('atime'),
      offset: this.#position,
      runs: undefined,
      major,
      minor,
      records,
    };
    let length = this.#hasData(type, stored) ? stored : 0;
    if (type === 'S') {
      this.#oldSparse(at, entry);
    } else if (records.has('GNU.sparse.map')) {
      entry.size = number('GNU.sparse.size', stored);
      entry.runs = runsOf(latin1(records.get('GNU.sparse.map')!).split(','), at);
    } else if (records.has('GNU.sparse.major')) {
      entry.size = number('GNU.sparse.realsize', stored);
      const map = this.#newSparse(at, stored);
      entry.runs = map.runs;
      entry.offset += map.bytes;
      length -= map.bytes;
    }
    if (entry.runs !== undefined) checkRuns(entry.runs, entry.size, length, at);
    this.#pass(entry.offset, length, at);
    return entry;
  }

  /** A hard link may have a size and no content, or a content: what stands behind it tells. */
  #hasData(type: string, size: number): boolean {
    if ('23456'.includes(type)) return false;
    if (type !== '1' || size === 0) return true;
    const block = this.#peek(this.#position);
    return block !== undefined && !isZero(block) && !isHeader(block);
  }

  #header(): TarHeader | undefined {
    for (;;) {
      const at = this.#position;
      const block = this.#peek(at);
      if (block === undefined) {
        if (at < this.#size) throw tarError(at, 'the archive ends in the middle of a header');
        return undefined;
      }
      this.#position += TAR_BLOCK;
      if (!isZero(block)) {
        if (!isHeader(block)) {
          throw tarError(
            at,
            at === 0 ? 'this is no tar archive' : 'the archive is damaged: no header is where one has to be',
          );
        }
        return readHeader(block, at);
      }
      const next = this.#peek(this.#position);
      if (next === undefined || isZero(next)) return undefined;
    }
  }

  /** What an extended header says. */
  #extended(size: number): Uint8Array {
    const at = this.#position;
    if (size > EXTENDED_BYTES_MAX) throw tarError(at, `an extended header of ${size} bytes`);
    this.#pass(at, size, at);
    const bytes = new Uint8Array(size);
    readAll(this.#fd, bytes, at);
    return bytes;
  }

  /** Goes on behind the contents. Blocks that only fill up may be missing at the end. */
  #pass(offset: number, length: number, at: number): void {
    if (length > this.#size - offset) throw tarError(at, 'the archive ends in the middle of a file');
    this.#position = offset + Math.ceil(length / TAR_BLOCK) * TAR_BLOCK;
  }

  #oldSparse(at: number, entry: TarEntry): void {
    let block = this.#peek(at)!;
    const runs: Runs = [];
    readOldSparse(block, 386, 4, at, runs);
    // Its field for the size has what is stored.
    entry.size = readNumber(block, 483, 12, at);
    let more = block[482] !== 0;
    while (more) {
      const next = this.#peek(entry.offset);
      if (next === undefined) throw tarError(at, 'the archive ends in the map of a sparse file');
      if (runs.length > RUNS_MAX) throw tarError(at, 'a sparse file of too many pieces');
      block = next;
      readOldSparse(block, 0, 21, at, runs);
      more = block[504] !== 0;
      entry.offset += TAR_BLOCK;
    }
    entry.runs = runs;
  }

  /** Format 1.0: before the contents the number of runs, then offset and length of each, a line a number. */
  #newSparse(at: number, stored: number): { runs: Runs; bytes: number } {
    const start = this.#position;
    const numbers: string[] = [];
    let bytes = 0;
    let rest = '';
    for (let wanted = Number.POSITIVE_INFINITY; numbers.length < wanted; ) {
      const block = bytes < stored ? this.#peek(start + bytes) : undefined;
      if (block === undefined) throw tarError(at, 'the map of a sparse file does not end');
      bytes += TAR_BLOCK;
      const lines = (rest + latin1(block)).split('\n');
      rest = lines.pop()!;
      numbers.push(...lines);
      if (numbers.length > 0) wanted = 1 + 2 * readPaxNumber(Buffer.from(numbers[0]!), at);
      if (rest.length > DIGITS_MAX && numbers.length < wanted) throw tarError(at, 'the map of a sparse file is none');
    }
    const count = Number(numbers[0]);
    return { runs: runsOf(numbers.slice(1, 1 + 2 * count), at), bytes };
  }

  /** A block, good until the next one; `undefined` where there is no whole one. */
  #peek(position: number): Uint8Array | undefined {
    if (position + TAR_BLOCK > this.#size) return undefined;
    if (position < this.#windowAt || position + TAR_BLOCK > this.#windowEnd) {
      const length = Math.min(this.#window.length, this.#size - position);
      readAll(this.#fd, this.#window.subarray(0, length), position);
      this.#windowAt = position;
      this.#windowEnd = position + length;
    }
    const at = position - this.#windowAt;
    return this.#window.subarray(at, at + TAR_BLOCK);
  }
}

function runsOf(numbers: readonly string[], at: number): Runs {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * RUNS_MAX) throw tarError(at, 'the map of a sparse file is none');
  const runs: Runs = [];
  for (let index = 0; index < numbers.length; index += 2) {
    const number = (text: string): number => readPaxNumber(Buffer.from(text), at);
    runs.push([number(numbers[index]!), number(numbers[index + 1]!)]);
  }
  return runs;
}

/** Runs go forward, end before the file does, and are as long together as what is stored. */
function checkRuns(runs: Runs, size: number, stored: number, at: number): void {
  let end = 0;
  let sum = 0;
  for (const [position, length] of runs) {
    if (!Number.isSafeInteger(position) || !Number.isSafeInteger(length) || position < end || length < 0) {
      throw tarError(at, 'the pieces of a sparse file are in no order');
    }
    end = position + length;
    sum += length;
  }
  if (end > size) throw tarError(at, 'a piece of a sparse file lies behind its end');
  if (sum > stored) throw tarError(at, 'a sparse file has less content than its map says');
}

function withoutNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function readAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = fs.readSync(fd, bytes, done, bytes.length - done, position + done);
    if (count === 0) throw tarError(position + done, 'the archive became shorter');
    done += count;
  }
}
