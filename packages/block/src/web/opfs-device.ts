// A file of the origin private file system (OPFS) as a device, through the synchronous access handle that dedicated
// workers have. The handle holds the file's lock until the device is closed, so the file cannot change underneath.
//
// The size is taken once, when the device is made; a partial last sector is left out. The file never grows or shrinks.

import { EIO, ENODEV } from '@f2fskit/errno';
import type { Completion } from '@f2fskit/task';
import { type Bio, BioFlag, SECTOR_SIZE } from '../bio.ts';
import { type BlockDevice, checkBio } from '../device.ts';
import { Lifetime } from '../lifetime.ts';
import type { SyncAccessHandleLike } from './file-handle.ts';
import { webErrno } from './web-error.ts';

export interface OpfsDeviceOptions {
  /** For messages. Default `opfs`. */
  name?: string;
  /** Default false. A handle that was made `read-only` allows no writes. */
  writable?: boolean;
}

export class OpfsDevice implements BlockDevice {
  readonly name: string;
  readonly mode = 'sync';
  readonly size: number;
  readonly readOnly: boolean;
  /** OPFS has no call that punches holes: a discard ends well and changes nothing. */
  readonly canDiscard = false;
  readonly segmentsMax = Number.POSITIVE_INFINITY;
  readonly #handle: SyncAccessHandleLike;
  readonly #lifetime = new Lifetime();

  /** The device owns the handle: `close` closes it. Throws what `getSize` throws, as for a handle that is closed. */
  constructor(handle: SyncAccessHandleLike, { name = 'opfs', writable = false }: OpfsDeviceOptions = {}) {
    const size = handle.getSize();
    this.name = name;
    this.size = size - (size % SECTOR_SIZE);
    this.readOnly = !writable;
    this.#handle = handle;
  }

  submit(bio: Bio): void {
    const refusal = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (refusal !== 0 || bio.operation === 'discard') bio.end(refusal);
    else if (bio.operation === 'read') this.#transfer(bio);
    else this.#change(bio);
  }

  close(): Completion {
    return this.#lifetime.close(() => {
      this.#handle.close();
      return undefined;
    });
  }

  /** A write or a flush, with the flushes that a write asks for. */
  #change(bio: Bio): void {
    const write = bio.operation === 'write';
    const before = !write || (bio.flags & BioFlag.PREFLUSH) !== 0;
    const after = write && (bio.flags & BioFlag.FUA) !== 0;
    const error = before ? this.#flush() : 0;
    if (error !== 0 || !write) bio.end(error);
    else this.#transfer(bio, after);
  }

  #transfer(bio: Bio, flushAfter = false): void {
    let position = bio.offset;
    let error = 0;
    for (const segment of bio.segments) {
      const moved = this.#moveSegment(bio.operation, segment, position);
      position += moved.bytes;
      error = moved.error;
      if (error !== 0) break;
    }
    let residual = bio.endOffset - position;
    if (error === 0 && flushAfter) {
      error = this.#flush();
      if (error !== 0) residual = bio.size; // all of it is written, none of it is known to be durable
    }
    bio.end(error, residual);
  }

  /** A call may move less than asked; the next one continues there. One that moves nothing has met the end: EIO. */
  #moveSegment(operation: Bio['operation'], segment: Uint8Array, at: number): { bytes: number; error: number } {
    let bytes = 0;
    try {
      while (bytes < segment.byteLength) {
        const rest = bytes === 0 ? segment : segment.subarray(bytes);
        const options = { at: at + bytes };
        const moved = operation === 'read' ? this.#handle.read(rest, options) : this.#handle.write(rest, options);
        if (moved === 0) return { bytes, error: EIO };
        bytes += moved;
      }
      return { bytes, error: 0 };
    } catch (error) {
      return { bytes, error: webErrno(error) };
    }
  }

  /** What only reads has nothing to make durable, and a read-only handle refuses. */
  #flush(): number {
    if (this.readOnly) return 0;
    try {
      this.#handle.flush();
      return 0;
    } catch (error) {
      return webErrno(error);
    }
  }
}
