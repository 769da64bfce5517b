// One read, put together from pieces: some lie on another device, at any byte, some are computed. A device that unpacks
// its content calls the pieces in device order, then submits:
//
//   1. pieces from memory go straight into the bio's segments
//   2. pieces from the device below become bios for it, over the same segments. Such a bio covers whole sectors: what
//      lies around and between the pieces goes into a scratch buffer that nobody looks at. Pieces with a small gap
//      between them share a bio, so a run of small chunks with their headers is one request
//   3. all bios are submitted together; the last to end ends the read, once. It fails where the first byte is missing

import { Bio, type BlockDevice, endWithoutTransfer, SECTOR_SIZE } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import { sectorEnd, sectorStart } from './byte-range.ts';

/** Bytes between two pieces that are read along rather than asked around. */
const GAP_MAX = SECTOR_SIZE;

/** Where bytes go that nobody wants. Several devices may write to it at once: its content means nothing. */
const scratch = new Uint8Array(Math.max(GAP_MAX, SECTOR_SIZE));

/** A bio for the device below, and which bytes of the read it brings. */
interface Request {
  readonly bio: Bio;
  readonly pieces: Array<{ readonly offsetInBio: number; readonly position: number; readonly size: number }>;
}

export class ReadAssembly {
  readonly #read: Bio;
  readonly #device: BlockDevice;
  readonly #requests: Request[] = [];
  /** The next byte of the read that has no piece yet, and the segment and the byte in it where that lies. */
  #position = 0;
  #segment = 0;
  #byte = 0;

  /** `read` is a bio of the device that unpacks, in range; `device` is the device below, read in whole sectors. */
  constructor(read: Bio, device: BlockDevice) {
    this.#read = read;
    this.#device = device;
  }

  /** Bytes that have no piece yet. */
  get left(): number {
    return this.#read.size - this.#position;
  }

  /**
   * The next `size` bytes lie at `offset` of the device below. Offsets may go anywhere; pieces in rising order share
   * requests.
   */
  fromDevice(offset: number, size: number): void {
    const position = this.#position;
    const segments = this.#take(size);
    const { bio, pieces } = this.#requestFor(offset, segments.length);
    pieces.push({ offsetInBio: bio.size, position, size });
    for (const segment of segments) add(bio, segment);
  }

  /** The next `size` bytes repeat `pattern`, from its first byte on. */
  repeat(pattern: Uint8Array, size: number): void {
    let phase = 0;
    for (const segment of this.#take(size)) {
      fillWith(segment, pattern, phase);
      phase = (phase + segment.length) % pattern.length;
    }
  }

  /** The next bytes are those of `bytes`. */
  copy(bytes: Uint8Array): void {
    let copied = 0;
    for (const segment of this.#take(bytes.length)) {
      segment.set(bytes.subarray(copied, copied + segment.length));
      copied += segment.length;
    }
  }

  /** Submits what is to be read; the read ends when everything is there, or with the first thing that is not. */
  submit(): void {
    const read = this.#read;
    assert(this.left === 0, 'every byte of a read has its piece');
    if (this.#requests.length === 0) {
      endWithoutTransfer(this.#device.mode, read, 0);
      return;
    }
    let pending = this.#requests.length;
    let delivered = read.size;
    let error = 0;
    const ended = (request: Request): void => {
      const { completion } = request.bio;
      const until = completion.error === 0 ? read.size : firstMissing(request, read.size);
      if (until < delivered) {
        delivered = until;
        error = completion.error;
      }
      pending--;
      if (pending === 0) read.end(error, read.size - delivered);
    };
    for (const request of this.#requests) {
      const { bio } = request;
      add(bio, scratch.subarray(0, sectorEnd(bio.endOffset) - bio.endOffset));
      bio.completion.subscribe(() => ended(request));
    }
    for (const { bio } of this.#requests) this.#device.submit(bio);
  }

  /** The request that reads up to `offset`, ready for `segments` more segments: the last one, or a new one. */
  #requestFor(offset: number, segments: number): Request {
    const last = this.#requests.at(-1);
    if (last !== undefined) {
      const gap = offset - last.bio.endOffset;
      const fits = last.bio.segments.length + segments + 2 <= this.#device.segmentsMax; // with gap and end
      if (gap >= 0 && gap <= GAP_MAX && fits) {
        add(last.bio, scratch.subarray(0, gap));
        return last;
      }
    }
    const start = sectorStart(offset);
    const request: Request = { bio: new Bio('read', start, this.#read.flags), pieces: [] };
    add(request.bio, scratch.subarray(0, offset - start));
    this.#requests.push(request);
    return request;
  }

  /** The memory of the next `size` bytes. */
  #take(size: number): Uint8Array[] {
    assert(size <= this.left, 'a piece lies within its read');
    const taken: Uint8Array[] = [];
    this.#position += size;
    let left = size;
    while (left > 0) {
      const segment = this.#read.segments[this.#segment]!;
      const end = Math.min(this.#byte + left, segment.length);
      if (end > this.#byte) taken.push(segment.subarray(this.#byte, end));
      left -= end - this.#byte;
      this.#byte = end;
      if (end < segment.length) break;
      this.#segment++;
      this.#byte = 0;
    }
    return taken;
  }
}

/** Adds memory as a segment of its own: `Bio.append` would join scratch to itself. */
function add(bio: Bio, memory: Uint8Array): void {
  if (memory.length === 0) return;
  bio.segments.push(memory);
  bio.size += memory.length;
}

/** The first byte of the read that a failed request did not bring; `whole` where it brought all that was wanted. */
function firstMissing({ bio, pieces }: Request, whole: number): number {
  const transferred = bio.size - bio.residual;
  for (const { offsetInBio, position, size } of pieces) {
    if (offsetInBio + size > transferred) return position + Math.max(0, transferred - offsetInBio);
  }
  return whole;
}

function fillWith(target: Uint8Array, pattern: Uint8Array, phase: number): void {
  if (pattern.every((byte) => byte === pattern[0])) {
    target.fill(pattern[0]!);
    return;
  }
  const start = Math.min(pattern.length, target.length);
  for (let i = 0; i < start; i++) target[i] = pattern[(phase + i) % pattern.length]!;
  for (let done = start; done < target.length; done *= 2) target.copyWithin(done, 0, done);
}
