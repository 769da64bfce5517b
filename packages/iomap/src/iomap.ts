// The answer to "what is at this place of the file?": a run of the file, and where its bytes are.
//
// A filesystem fills the caller's {@link Iomap} in `begin`; operations (read, seek, fiemap, later write) act on mappings
// and know nothing of the filesystem. An iomap is zeroed before each `begin`, which assigns and never adds up.
// Source: spec sections 6.1 and 6.2; kernel include/linux/iomap.h describes the idea.

import type { Task } from '@f2fskit/task';

/**
 * | kind        | what is there                                            | a read gets           |
 * | ----------- | -------------------------------------------------------- | --------------------- |
 * | `hole`      | nothing is allocated                                     | zeros                 |
 * | `delalloc`  | space is reserved, without a place on the device         | zeros, unless cached  |
 * | `mapped`    | data at `address`                                        | the device's bytes    |
 * | `unwritten` | reserved or allocated, never written                     | zeros                 |
 * | `inline`    | bytes inside metadata: `inline`                          | a copy                |
 * | `private`   | known to the filesystem alone, which reads it into folios | what it decides       |
 */
export type IomapKind = 'hole' | 'delalloc' | 'mapped' | 'unwritten' | 'inline' | 'private';

/** Bits of {@link Iomap.flags}. */
export const IomapFlag = {
  /** Allocated by this `begin`: reads as zeros, to be undone on failure. */
  NEW: 1 << 0,
  /** Metadata that leads to the data is not durable yet. */
  DIRTY: 1 << 1,
  /** Nothing behind the end of this mapping joins it, even if it follows on the device. */
  BOUNDARY: 1 << 2,
  /** The body found that the mapping no longer holds: `begin` is asked again for the same place. */
  STALE: 1 << 3,
} as const;

/** Bits of the request, handed to `begin`. */
export const IomapRequest = {
  WRITE: 1 << 0,
  ZERO: 1 << 1,
  /** Somebody wants to know, and not to read: extents are shown as they are stored. */
  REPORT: 1 << 2,
  DIRECT: 1 << 3,
  NOWAIT: 1 << 4,
} as const;

/** One mapping. Positions and lengths in bytes. */
export class Iomap {
  kind: IomapKind = 'hole';
  /** First byte of the file that the mapping covers. */
  offset = 0;
  /** Bytes covered, more than 0. */
  length = 0;
  /** Of `mapped`: where the byte `offset` of the file is on the device. Of `private`: what the filesystem likes. */
  address = 0;
  /** Bits of {@link IomapFlag}. */
  flags = 0;
  /** Sampled by `begin`; see {@link IomapOperations.valid}. */
  cookie = 0;
  /** Of `inline`: the bytes from `offset` on, as many as there are; valid until the next wait. */
  inline: Uint8Array | undefined = undefined;
  /** Of `private`: what the filesystem needs to read it. Operations pass it on and do not look. */
  private: unknown = undefined;

  get end(): number {
    return this.offset + this.length;
  }

  clear(): void {
    this.kind = 'hole';
    this.offset = 0;
    this.length = 0;
    this.address = 0;
    this.flags = 0;
    this.cookie = 0;
    this.inline = undefined;
    this.private = undefined;
  }
}

/** What a filesystem supplies for one file. */
export interface IomapOperations {
  /**
   * Fills `map`, which is clear, with a mapping that contains `position`; as long as is cheap, at least one byte, and
   * possibly beginning before `position` or reaching beyond `length`. Holds nothing on return that `end` does not release.
   * Called with no folio locked by a write, and with locked folios by a read. `undefined`: done, without waiting.
   */
  begin(position: number, length: number, request: number, map: Iomap): Task<void> | undefined;
  /**
   * Called once for each `begin` that succeeded, also when the body failed or did nothing. `processed`: the bytes that the
   * body took. Undoes what `begin` reserved and the body did not use.
   */
  end?(map: Iomap, position: number, processed: number, request: number): Task<void> | undefined;
  /** Writes compare the cookie under the folio lock: false means that the mapping must be asked for again. */
  valid?(map: Iomap): boolean;
}
