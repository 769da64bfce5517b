// A file, or a block device of the host, as a device.
//
//   sync     positional calls that finish inside `submit`
//   async    the same calls on libuv's threads, many in flight
//
// The size is taken once, when the file is opened. A file that shrinks later gives EIO. A file is not locked here: one
// writer at a time is the business of whoever opens. (Linux lets a block device have one writer of this kind only.)

import fs from 'node:fs';
import { EINVAL, ENODEV, errnoFrom, FsError } from '@f2fskit/errno';
import { Completion, type DriverMode } from '@f2fskit/task';
import { type Bio, BioFlag, SECTOR_SIZE } from '../bio.ts';
import { type BlockDevice, checkBio, endWithoutTransfer } from '../device.ts';
import { Lifetime } from '../lifetime.ts';
import { fileSize } from './device-size.ts';
import { type FileCalls, nodeCalls } from './file-calls.ts';
import { osErrno } from './os-error.ts';
import { transferAsync, transferSync } from './transfer.ts';

/** How a file is opened. */
export interface FileDeviceOptions {
  /** Default `sync`. */
  mode?: DriverMode;
  /** Default false. */
  writable?: boolean;
  /** What does the transfers; node:fs unless a test has something else in mind. */
  calls?: FileCalls;
}

export class FileDevice implements BlockDevice {
  readonly name: string;
  readonly mode: DriverMode;
  readonly size: number;
  readonly readOnly: boolean;
  /** Node has no call that punches holes: discards are counted and dropped. */
  readonly canDiscard = false;
  readonly segmentsMax = Number.POSITIVE_INFINITY;
  /** Discards dropped so far, and their bytes. */
  readonly discardsDropped = { bios: 0, bytes: 0 };
  readonly #fd: number;
  readonly #calls: FileCalls;
  readonly #lifetime = new Lifetime();

  private constructor(name: string, fd: number, size: number, options: FileDeviceOptions) {
    this.name = name;
    this.mode = options.mode ?? 'sync';
    this.size = size - (size % SECTOR_SIZE);
    this.readOnly = !(options.writable ?? false);
    this.#fd = fd;
    this.#calls = options.calls ?? nodeCalls;
  }

  /**
   * Opens a file or a block device; in both modes this happens before `open` returns. Throws an FsError with syscall
   * `open` and the path: what the system says, EISDIR for a directory, EINVAL for pipes, terminals and the like, EBUSY
   * for a block device asked for writable that is mounted or has such a writer already (Linux).
   */
  static open(path: string | URL, options: FileDeviceOptions = {}): FileDevice {
    const name = String(path);
    let fd = -1;
    try {
      fd = fs.openSync(path, openFlags(path, options.writable ?? false));
      const scratch = new Uint8Array(SECTOR_SIZE * 8);
      const size = fileSize(fs.fstatSync(fd), (position, length) => fs.readSync(fd, scratch, 0, length, position));
      return new FileDevice(name, fd, size, options);
    } catch (error) {
      if (fd !== -1) fs.closeSync(fd);
      throw openError(error, name);
    }
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0) endWithoutTransfer(this.mode, bio, error);
    else if (bio.operation === 'discard') this.#discard(bio);
    else if (this.mode === 'sync') this.#submitSync(bio);
    else this.#submitAsync(bio);
  }

  close(): Completion {
    return this.#lifetime.close(() => {
      const closed = new Completion();
      if (this.mode === 'async') fs.close(this.#fd, (error) => closed.complete(error ? osErrno(error) : 0));
      else closed.complete(attempt(() => fs.closeSync(this.#fd)));
      return closed;
    });
  }

  #discard(bio: Bio): void {
    this.discardsDropped.bios++;
    this.discardsDropped.bytes += bio.size;
    endWithoutTransfer(this.mode, bio, 0);
  }

  #submitSync(bio: Bio): void {
    let error = flushesBefore(bio) ? this.#flushSync() : 0;
    let residual = bio.size;
    if (error === 0 && bio.operation !== 'flush') ({ error, residual } = transferSync(this.#calls, this.#fd, bio));
    if (error === 0 && flushesAfter(bio)) {
      error = this.#flushSync();
      residual = error === 0 ? 0 : bio.size; // all of it is written, none of it is known to be durable
    }
    bio.end(error, error === 0 ? 0 : residual);
  }

  #flushSync(): number {
    return this.readOnly ? 0 : attempt(() => this.#calls.fdatasyncSync(this.#fd));
  }

  /** The same steps, each started when the one before is through. */
  #submitAsync(bio: Bio): void {
    const after = (error: number, residual: number): void => {
      if (error !== 0 || !flushesAfter(bio)) bio.end(error, residual);
      else this.#flushAsync((failed) => bio.end(failed));
    };
    const transfer = (error: number): void => {
      if (error !== 0) bio.end(error);
      else if (bio.size === 0) after(0, 0);
      else transferAsync(this.#calls, this.#fd, bio, (result) => after(result.error, result.residual));
    };
    if (flushesBefore(bio)) this.#flushAsync(transfer);
    else if (bio.size === 0) void Promise.resolve().then(() => transfer(0));
    else transfer(0);
  }

  #flushAsync(callback: (error: number) => void): void {
    if (this.readOnly) void Promise.resolve().then(() => callback(0));
    else this.#calls.fdatasync(this.#fd, (error) => callback(error === null ? 0 : osErrno(error)));
  }
}

function flushesBefore(bio: Bio): boolean {
  return bio.operation === 'flush' || (bio.operation === 'write' && (bio.flags & BioFlag.PREFLUSH) !== 0);
}

function flushesAfter(bio: Bio): boolean {
  return bio.operation === 'write' && (bio.flags & BioFlag.FUA) !== 0;
}

function attempt(call: () => void): number {
  try {
    call();
    return 0;
  } catch (error) {
    return osErrno(error);
  }
}

/**
 * O_NONBLOCK: opening a pipe that nobody writes to must not hang; files and disks ignore it. O_EXCL on a block device
 * is how Linux refuses one that is mounted or otherwise in use.
 */
function openFlags(path: string | URL, writable: boolean): number {
  const { O_RDONLY, O_RDWR, O_NONBLOCK = 0, O_EXCL } = fs.constants;
  if (!writable) return O_RDONLY | O_NONBLOCK;
  const exclusive = process.platform === 'linux' && fs.statSync(path).isBlockDevice();
  return O_RDWR | O_NONBLOCK | (exclusive ? O_EXCL : 0);
}

function openError(error: unknown, path: string): FsError {
  if (error instanceof FsError) {
    const detail = error.detail === undefined ? {} : { detail: error.detail };
    return new FsError(errnoFrom(error, EINVAL), { syscall: 'open', path, ...detail });
  }
  return new FsError(osErrno(error), { syscall: 'open', path, cause: error });
}
