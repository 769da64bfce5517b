// Making things on the host, safely and with few system calls.
//
//   - nothing is ever written under its final name: content goes to a name of our own in the same directory, which is opened
//     so that it cannot exist yet and is no symlink, and is renamed when it is complete;
//   - every directory on the way was made by this run, or looked at and found to be a real directory: no symlink is followed,
//     be it one from the volume or one that lay there before;
//   - what is there already stays, unless the caller asked for `force` (replace) or `resume` (keep what is complete).

import fs from 'node:fs';
import type { Attributes } from '@f2fskit/vfs';

/** Names of unfinished files begin with this; a resumed run removes them. */
export const UNFINISHED_PREFIX = '.f2fs-extract-';

export interface HostOptions {
  /** Sets owners; by default where the process may. */
  owners: boolean;
  force: boolean;
  resume: boolean;
}

/** Something is there under the final name, and stays. */
export class ExistsError extends Error {}

export class HostDirectory {
  readonly root: Buffer;
  readonly #options: HostOptions;
  #unfinished = 0;

  constructor(root: string, options: HostOptions) {
    this.root = Buffer.from(fs.realpathSync(root));
    this.#options = options;
  }

  /** The host's path of a path on the volume. */
  pathOf(path: Uint8Array): Buffer {
    return path.length === 0 ? this.root : Buffer.concat([this.root, SEPARATOR, path]);
  }

  /** Makes a directory that only we may enter until it is finished. True when it was there already. */
  makeDirectory(path: Buffer): boolean {
    try {
      fs.mkdirSync(path, 0o700);
      return false;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    if (!fs.lstatSync(path).isDirectory()) throw new ExistsError('something that is no directory is there already');
    if (this.#options.resume) this.#removeUnfinished(path);
    return true;
  }

  /** Whether a finished file lies there already: the same kind, size and time. Throws ExistsError for anything else. */
  isFinished(path: Buffer, { kind, size, mtime }: Attributes): boolean {
    const { force, resume } = this.#options;
    const found = fs.lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return false;
    // Node sets times as a number of seconds: a few hundred nanoseconds are lost.
    const age = found.mtimeMs - (mtime.seconds * 1000 + mtime.nanoseconds / 1e6);
    const same = kindOf(found) === kind && Math.abs(age) < 0.002 && (kind !== 'file' || found.size === size);
    if (resume && same) return true;
    // A directory is never replaced by a file.
    if (force && !found.isDirectory()) return false;
    throw new ExistsError('something is there already (--force replaces files)');
  }

  /** Opens a new file of our own in the directory of `path`. */
  createFile(path: Buffer): { fd: number; unfinished: Buffer } {
    const unfinished = this.#unfinishedBeside(path);
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = fs.constants;
    return { fd: fs.openSync(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), unfinished };
  }

  /** Gives a complete file its attributes and its name. Returns what the host did not take of the mode. */
  finishFile(fd: number, unfinished: Buffer, path: Buffer, attributes: Attributes): number {
    const { uid, gid, mode, atime, mtime } = attributes;
    // The owner first: changing it clears set-user-id.
    if (this.#options.owners) fs.fchownSync(fd, uid, gid);
    const kept = this.#permissions(mode);
    fs.fchmodSync(fd, kept);
    fs.futimesSync(fd, secondsOf(atime), secondsOf(mtime));
    fs.closeSync(fd);
    fs.renameSync(unfinished, path);
    return mode & 0o7777 & ~kept;
  }

  finishDirectory(path: Buffer, { uid, gid, mode, atime, mtime }: Attributes): number {
    if (this.#options.owners) fs.chownSync(path, uid, gid);
    const kept = this.#permissions(mode);
    fs.chmodSync(path, kept);
    fs.utimesSync(path, secondsOf(atime), secondsOf(mtime));
    return mode & 0o7777 & ~kept;
  }

  symlink(target: Uint8Array, path: Buffer, { uid, gid, atime, mtime }: Attributes): void {
    const unfinished = this.#unfinishedBeside(path);
    fs.symlinkSync(Buffer.from(target), unfinished);
    if (this.#options.owners) fs.lchownSync(unfinished, uid, gid);
    fs.lutimesSync(unfinished, secondsOf(atime), secondsOf(mtime));
    fs.renameSync(unfinished, path);
  }

  hardLink(first: Buffer, path: Buffer): void {
    const unfinished = this.#unfinishedBeside(path);
    fs.linkSync(first, unfinished);
    fs.renameSync(unfinished, path);
    // Two names of one file: rename leaves both where they are.
    if (fs.lstatSync(unfinished, { throwIfNoEntry: false }) !== undefined) fs.unlinkSync(unfinished);
  }

  /** Removes a file of our own that will not be finished. */
  discard(fd: number, unfinished: Buffer): void {
    fs.closeSync(fd);
    fs.rmSync(unfinished, { force: true });
  }

  /** Without owners of the volume, a program must not run as whoever extracts. */
  #permissions(mode: number): number {
    return this.#options.owners ? mode & 0o7777 : mode & 0o1777;
  }

  #unfinishedBeside(path: Buffer): Buffer {
    const name = `${UNFINISHED_PREFIX}${process.pid.toString(36)}-${(this.#unfinished++).toString(36)}`;
    return Buffer.concat([path.subarray(0, path.lastIndexOf(SEPARATOR) + 1), Buffer.from(name)]);
  }

  #removeUnfinished(directory: Buffer): void {
    for (const name of fs.readdirSync(directory, { encoding: 'buffer' })) {
      if (name.toString('latin1').startsWith(UNFINISHED_PREFIX)) {
        fs.rmSync(Buffer.concat([directory, SEPARATOR, name]), { force: true });
      }
    }
  }
}

const SEPARATOR = Buffer.from('/');

function kindOf(found: fs.Stats): string {
  if (found.isFile()) return 'file';
  if (found.isSymbolicLink()) return 'symlink';
  return found.isDirectory() ? 'directory' : 'special';
}

/** Node takes a negative number for "now"; as text it is what it says. */
function secondsOf({ seconds, nanoseconds }: { seconds: number; nanoseconds: number }): number | string {
  const value = seconds + nanoseconds / 1e9;
  return value < 0 ? String(value) : value;
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
