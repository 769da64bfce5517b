// The bios of one read or readahead window: built in the order of the file, each extended as long as the device continues,
// all in flight together. A part of a bio knows who gets it: a folio read, or whatever a filesystem puts together by itself.

import { type Bio, BioFlag, type BlockDevice, describeBio, readBio } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';

/** Who gets a part of what a bio reads. */
export interface ReadReceiver {
  /**
   * The part that was added with `at` and `length` has arrived in its memory, or has not (`error`). Called once a part, in
   * any order, possibly before the call returns that submitted it. Must not throw.
   */
  onPart(at: number, length: number, error: FsError | undefined): void;
}

interface Part {
  receiver: ReadReceiver;
  at: number;
  length: number;
}

/** As much as one request of a kernel: 256 pieces of memory. A folio is one piece, whatever its order. */
const SEGMENTS_MAX = 256;
const BYTES_MAX = 4 * 1024 * 1024;

export interface ReadBatchOptions {
  /** Nobody waits for it yet. */
  readahead?: boolean;
  /** The most bytes of a bio. One page, where it must be found out which page cannot be read. */
  bytesMax?: number;
}

export class ReadBatch {
  readonly device: BlockDevice;
  /** Bios submitted. */
  submitted = 0;
  /** For a filesystem that fills folios by itself: what it is putting together. The batch does not look. */
  private: unknown = undefined;
  readonly #flags: number;
  readonly #segmentsMax: number;
  readonly #bytesMax: number;
  #bio: Bio | undefined = undefined;
  #parts: Part[] = [];

  constructor(device: BlockDevice, { readahead = false, bytesMax = BYTES_MAX }: ReadBatchOptions = {}) {
    this.device = device;
    this.#flags = readahead ? BioFlag.READAHEAD : BioFlag.SYNC;
    this.#bytesMax = bytesMax;
    this.#segmentsMax = Math.min(SEGMENTS_MAX, device.segmentsMax);
  }

  /** Reads `memory.length` bytes at `offset` of the device into `memory`, for `receiver`, which calls the part `at`. */
  add(offset: number, memory: Uint8Array, receiver: ReadReceiver, at: number): void {
    const { length } = memory;
    if (length > this.#bytesMax) {
      for (let from = 0; from < length; from += this.#bytesMax) {
        const part = memory.subarray(from, Math.min(length, from + this.#bytesMax));
        this.add(offset + from, part, receiver, at + from);
      }
      return;
    }
    const current = this.#bio;
    const goesOn = current !== undefined && current.endOffset === offset && current.size + length <= this.#bytesMax;
    if (!goesOn || !current.append(memory, this.#segmentsMax)) {
      this.submit();
      this.#bio = readBio(offset, [memory], this.#flags);
    }
    this.#parts.push({ receiver, at, length });
  }

  /** Sends what is held. Before any wait for something that may depend on it. */
  submit(): void {
    const bio = this.#bio;
    if (bio === undefined) return;
    const parts = this.#parts;
    this.#bio = undefined;
    this.#parts = [];
    this.submitted++;
    const { device } = this;
    bio.completion.subscribe(() => deliver(device, bio, parts));
    device.submit(bio);
  }
}

/** A bio that failed on the way has transferred its first bytes: parts that lie within those are fine. */
function deliver(device: BlockDevice, bio: Bio, parts: readonly Part[]): void {
  const { error } = bio.completion;
  let transferred = bio.size - bio.residual;
  for (const { receiver, at, length } of parts) {
    if (length <= transferred) {
      transferred -= length;
      receiver.onPart(at, length, undefined);
    } else {
      transferred = 0;
      receiver.onPart(at, length, new FsError(error, { syscall: 'read', detail: describeBio(device.name, bio) }));
    }
  }
}
