// The block device: what every storage stack stands on, and the seam for every experiment. A wrapper that counts,
// delays, fails or reorders is a device over a device.
//
// What every device promises (conformance.ts checks it):
//   1. Each bio that is submitted ends exactly once, also on errors and after close.
//   2. `submit` never throws for what the medium or the request does wrong; the bio ends with an error number.
//   3. A `sync` device has ended the bio when `submit` returns; an `async` device ends no bio before it returns.
//   4. A refused request (`checkBio`) touches neither the device nor the memory.
//   5. A read that ends without error delivers the bytes of the last write of each sector that had ended before the
//      read was submitted. Overlapping requests in flight together have no order.
//   6. A flush that ends without error made durable every write that had ended before the flush was submitted. After a
//      failed flush nothing since the last good one may be assumed durable, even if a later flush succeeds.

import { EINVAL, EIO, EROFS } from '@f2fskit/errno';
import type { Completion, DriverMode } from '@f2fskit/task';
import { Bio, SECTOR_SIZE } from './bio.ts';
import { sliceSegments } from './segments.ts';

export interface BlockDevice {
  /** For messages: a path, a kind. */
  readonly name: string;
  /** `sync`: every bio is complete when `submit` returns. `async`: none is. */
  readonly mode: DriverMode;
  /**
   * Bytes, a multiple of {@link SECTOR_SIZE}. A partial sector at the end of a file or Blob is not part of the device.
   */
  readonly size: number;
  /** Writes and discards end with EROFS. */
  readonly readOnly: boolean;
  /** Discarded ranges read as zeros and cost nothing. Where false, a discard ends without error and changes nothing. */
  readonly canDiscard: boolean;
  /** The most segments a bio may have; one with more ends with EINVAL. Infinity where there is no limit. */
  readonly segmentsMax: number;
  /**
   * Takes the bio and ends it now or later. Errors: EINVAL for a range that is not made of sectors or a bio with too
   * many segments, EROFS, EIO beyond the end of the device (nothing of it is transferred) or from the medium, ENODEV
   * after close.
   */
  submit(bio: Bio): void;
  /**
   * Lets go of what the device holds, after the bios in flight have ended; bios submitted from now on end with ENODEV.
   * Flushes nothing. A second call returns the first one's completion. Closing a wrapper closes what it wraps.
   *
   * A completion, as a bio has one, and not a promise: a task waits for it in the same way on a sync and on an async
   * device, and on a sync device it is done when `close` returns. From promise code: `await
   * runAsync(closeDevice(device))`.
   */
  close(): Completion;
}

/** The error number with which any device refuses this bio, or 0 for a request that is well formed and in range. */
export function checkBio(device: BlockDevice, bio: Bio): number {
  if (bio.operation === 'flush') return 0;
  const { offset, size } = bio;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % SECTOR_SIZE !== 0) return EINVAL;
  if (!Number.isSafeInteger(size) || size < 0 || size % SECTOR_SIZE !== 0) return EINVAL;
  if (bio.segments.length > device.segmentsMax) return EINVAL;
  if (device.readOnly && bio.operation !== 'read') return EROFS;
  return offset > device.size - size ? EIO : 0;
}

/** Ends a bio that a device does not carry out: now on a sync device, from a microtask on an async one. */
export function endWithoutTransfer(mode: DriverMode, bio: Bio, error: number): void {
  if (mode === 'sync') bio.end(error);
  else void Promise.resolve().then(() => bio.end(error));
}

/** A request for the same memory, at another place if `offset` says so, which can be submitted to another device. */
export function cloneBio(bio: Bio, offset = bio.offset): Bio {
  const clone = new Bio(bio.operation, offset, bio.flags);
  clone.segments = bio.segments;
  clone.size = bio.size;
  return clone;
}

/** A request for the first `size` bytes of `bio`, which is not a discard. */
export function prefixBio(bio: Bio, size: number): Bio {
  const prefix = new Bio(bio.operation, bio.offset, bio.flags);
  prefix.segments = sliceSegments(bio.segments, 0, size);
  prefix.size = size;
  return prefix;
}

/** Submits `child`, which transfers the whole of `parent`, and ends `parent` with its result. */
export function submitFor(parent: Bio, device: BlockDevice, child: Bio): void {
  child.completion.subscribe(() => parent.end(child.completion.error, child.residual));
  device.submit(child);
}
