// A bio is one request to a block device: an operation on a contiguous byte range of the device, and the memory that
// the bytes come from or go to, as a vector of segments.
//
// Lifecycle: built (segments appended) → submitted → ended, exactly once, with an error number. It may end before
// `submit` returns. From submit to the end nobody changes the bio, and nobody writes to its memory: the device may read
// or fill it at any moment in between, in any order.
//
// A bio is not a folio and not a block: one folio may be spread over several bios, and one bio may carry parts of many
// folios. Bios in flight have no order among themselves; only an end orders. Who needs B after A waits for A.

import { assert } from '@f2fskit/errno';
import { Completion } from '@f2fskit/task';

/** The unit of device offsets and request sizes, in bytes. */
export const SECTOR_SIZE = 512;

/** What a device writes atomically, in bytes: after a power cut an aligned block is old or new, never a mixture. */
export const BLOCK_SIZE = 4096;

/**
 * - `read` fills the segments from the device, `write` the other way round.
 * - `flush` makes every write that had ended before the flush was submitted durable. It has no range.
 * - `discard` says that the range's content is no longer needed. It has a size and no memory.
 */
export type BioOperation = 'read' | 'write' | 'flush' | 'discard';

/** Bits of {@link Bio.flags}. SYNC, META and READAHEAD are hints; PREFLUSH and FUA are promises asked for. */
export const BioFlag = {
  /** Somebody waits for this one. */
  SYNC: 1 << 0,
  /** Metadata of a filesystem, not file content. */
  META: 1 << 1,
  /** A write: first do what a flush does. */
  PREFLUSH: 1 << 2,
  /** A write: durable when it ends. */
  FUA: 1 << 3,
  /** Nobody waits yet; a read that may fail without harm. */
  READAHEAD: 1 << 4,
} as const;

/** One request. Build it with {@link readBio}, {@link writeBio}, {@link flushBio}, {@link discardBio}. */
export class Bio {
  operation: BioOperation;
  /** Bits of {@link BioFlag}. */
  flags: number;
  /** First byte on the device, a multiple of {@link SECTOR_SIZE}. 0 for a flush. */
  offset: number;
  /** The memory, in device order. Segments may have any length, zero included; only their sum is sector-aligned. */
  segments: Uint8Array[];
  /** Bytes of the device this bio covers: the sum of the segments, or what a discard was given. */
  size = 0;
  /** Done when the bio has ended; `completion.error` is 0 or a positive error number. */
  readonly completion = new Completion();
  /**
   * After a failure: the bytes at the end of the range that were not transferred. The `size - residual` bytes before
   * them were: on the device for a write, in memory for a read. Of the rest nothing is known: device blocks are old,
   * new or torn, memory is undefined. Positive after a failure, the whole size where the device cannot tell; 0 after
   * success.
   */
  residual = 0;

  constructor(operation: BioOperation, offset: number, flags = 0) {
    this.operation = operation;
    this.flags = flags;
    this.offset = offset;
    this.segments = [];
  }

  /** The first byte on the device after the range. */
  get endOffset(): number {
    return this.offset + this.size;
  }

  /**
   * Adds memory at the end. Memory that continues the last segment extends it instead, so a large folio that arrives in
   * pieces is one segment. False, and nothing added, when that would need more than `segmentsMax` segments. Whether the
   * device range continues is the caller's to know: compare {@link endOffset}.
   */
  append(memory: Uint8Array, segmentsMax = Number.POSITIVE_INFINITY): boolean {
    assert(!this.completion.done, 'memory is appended before a bio is submitted');
    const last = this.segments.at(-1);
    if (last !== undefined && continuesMemory(last, memory)) {
      const joined = last.byteLength + memory.byteLength;
      this.segments[this.segments.length - 1] = new Uint8Array(last.buffer, last.byteOffset, joined);
    } else {
      if (this.segments.length >= segmentsMax) return false;
      this.segments.push(memory);
    }
    this.size += memory.byteLength;
    return true;
  }

  /** Ends the bio: for devices. `residual` is for a failure; nothing transferred unless told otherwise. */
  end(error = 0, residual = error === 0 ? 0 : this.size): void {
    assert(residual >= 0 && residual <= this.size, 'a residual lies within its bio');
    if (error === 0) assert(residual === 0, 'a bio without an error has transferred everything');
    if (error !== 0 && this.size > 0) assert(residual > 0, 'a bio that failed has not transferred everything');
    this.residual = residual;
    this.completion.complete(error);
  }
}

/** True when `next` begins in the byte after `last`, in the same buffer. */
export function continuesMemory(last: Uint8Array, next: Uint8Array): boolean {
  return last.buffer === next.buffer && last.byteOffset + last.byteLength === next.byteOffset;
}

function dataBio(operation: 'read' | 'write', offset: number, segments: readonly Uint8Array[], flags: number): Bio {
  const bio = new Bio(operation, offset, flags);
  for (const segment of segments) {
    bio.segments.push(segment);
    bio.size += segment.byteLength;
  }
  return bio;
}

/** A bio that will fill `segments` from the device. The segments stay as given, also where memory is adjacent. */
export function readBio(offset: number, segments: readonly Uint8Array[], flags = 0): Bio {
  return dataBio('read', offset, segments, flags);
}

/** A bio that will write `segments` to the device. */
export function writeBio(offset: number, segments: readonly Uint8Array[], flags = 0): Bio {
  return dataBio('write', offset, segments, flags);
}

/** A bio that makes everything written so far durable. */
export function flushBio(flags = 0): Bio {
  return new Bio('flush', 0, flags);
}

/** A bio that gives up the content of `size` bytes. */
export function discardBio(offset: number, size: number, flags = 0): Bio {
  const bio = new Bio('discard', offset, flags);
  bio.size = size;
  return bio;
}

/** `write of 8192 bytes at 4096 on disk.img`: for messages. */
export function describeBio(deviceName: string, bio: Bio): string {
  if (bio.operation === 'flush') return `flush of ${deviceName}`;
  return `${bio.operation} of ${bio.size} bytes at ${bio.offset} on ${deviceName}`;
}
