// Moves all bytes of a bio between its segments and a file: as many calls as it takes. Each call may do less than
// asked; the next one continues there. What ends a transfer early:
//
//   - a read or write that moves nothing: the file has shrunk since it was opened. EIO, never silent zeros;
//   - EINTR and EAGAIN are tried again, up to RETRIES_MAX times in a row without a byte moved;
//   - any other error.

import { EAGAIN, EINTR, EIO } from '@f2fskit/errno';
import type { Bio } from '../bio.ts';
import type { FileCalls } from './file-calls.ts';
import { osErrno } from './os-error.ts';

/** The most buffers of one call: IOV_MAX on Linux and macOS. With more the whole call fails. */
export const BUFFERS_MAX = 1024;

/** The most bytes of one call. Linux moves at most 2^31 - 4096 at once, and node:fs refuses lengths from 2^31 on. */
export const CALL_BYTES_MAX = 2 ** 30;

/** Fruitless attempts in a row before EINTR or EAGAIN is taken for an answer. */
export const RETRIES_MAX = 100;

/** How far a transfer has come, and what to do next. */
class Transfer {
  readonly bio: Bio;
  /** Bytes moved. */
  done = 0;
  #segment = 0;
  /** Bytes of the current segment that are done. */
  #within = 0;
  #retries = 0;

  constructor(bio: Bio) {
    this.bio = bio;
  }

  get finished(): boolean {
    return this.done === this.bio.size;
  }

  get residual(): number {
    return this.bio.size - this.done;
  }

  /** Position in the file of the next byte. */
  get position(): number {
    return this.bio.offset + this.done;
  }

  /**
   * Memory for the next call. Never empty, and without empty buffers: zero bytes moved must mean the end of the file.
   */
  buffers(): Uint8Array[] {
    const { segments } = this.bio;
    const buffers: Uint8Array[] = [];
    let bytes = 0;
    let start = this.#within;
    for (let i = this.#segment; i < segments.length && buffers.length < BUFFERS_MAX && bytes < CALL_BYTES_MAX; i++) {
      const segment = segments[i]!;
      const end = Math.min(segment.byteLength, start + CALL_BYTES_MAX - bytes);
      if (start < end) buffers.push(start === 0 && end === segment.byteLength ? segment : segment.subarray(start, end));
      bytes += end - start;
      start = 0;
    }
    return buffers;
  }

  /** Takes in the result of a call. 0 to go on, or the error number with which the transfer ends. */
  advance(bytes: number): number {
    if (bytes === 0) return EIO;
    this.#retries = 0;
    this.done += bytes;
    this.#within += bytes;
    const { segments } = this.bio;
    while (this.#segment < segments.length && this.#within >= segments[this.#segment]!.byteLength) {
      this.#within -= segments[this.#segment]!.byteLength;
      this.#segment++;
    }
    return 0;
  }

  /** Takes in an error of a call. 0 to try again, or the error number with which the transfer ends. */
  failed(error: unknown): number {
    const errno = osErrno(error);
    if (errno !== EINTR && errno !== EAGAIN) return errno;
    return ++this.#retries <= RETRIES_MAX ? 0 : errno;
  }
}

/** What became of a transfer: an error number or 0, and the bytes not moved. */
export interface TransferResult {
  error: number;
  residual: number;
}

/** Moves the bytes of a read or write bio before it returns. */
export function transferSync(calls: FileCalls, fd: number, bio: Bio): TransferResult {
  const transfer = new Transfer(bio);
  let error = 0;
  while (error === 0 && !transfer.finished) {
    try {
      const buffers = transfer.buffers();
      const bytes =
        bio.operation === 'read'
          ? calls.readSync(fd, buffers, transfer.position)
          : calls.writeSync(fd, buffers, transfer.position);
      error = transfer.advance(bytes);
    } catch (thrown) {
      error = transfer.failed(thrown);
    }
  }
  return { error, residual: transfer.residual };
}

/** Moves the bytes of a read or write bio, which has some, and calls back. */
export function transferAsync(
  calls: FileCalls,
  fd: number,
  bio: Bio,
  callback: (result: TransferResult) => void,
): void {
  const transfer = new Transfer(bio);
  const next = (): void => {
    const buffers = transfer.buffers();
    if (bio.operation === 'read') calls.read(fd, buffers, transfer.position, moved);
    else calls.write(fd, buffers, transfer.position, moved);
  };
  const moved = (failure: Error | null, bytes: number): void => {
    const error = failure === null ? transfer.advance(bytes) : transfer.failed(failure);
    if (error === 0 && !transfer.finished) next();
    else callback({ error, residual: transfer.residual });
  };
  next();
}
