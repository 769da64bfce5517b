// One writer at a time (decision 13). Node has no advisory locks, so the lock is a file beside the image that names its
// owner: process, its start, host. What a process left behind that is gone is taken over; a lock of another host is not
// ours to judge.
//
//   take over:  1. rename the stale lock to a name of our own      only one of several can
//               2. is it still what we read?  no: it was renewed meanwhile, it goes back
//               3. create the new lock, which fails if somebody was faster

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EBUSY, FsError } from '@f2fskit/errno';

/** Who holds a lock. */
export interface LockOwner {
  pid: number;
  /** When the process started, as the system counts it; absent where the system does not say. */
  started?: string;
  host: string;
  /** ISO time, for people. */
  since: string;
  /** Tells two locks of one process apart. */
  id: string;
}

const SUFFIX = '.f2fskit-lock';
/** A lock file is small; whatever else lies there is not read to its end. */
const LOCK_BYTES_MAX = 4096;
/** Others may take over at the same time. */
const ATTEMPTS_MAX = 10;

export class WriterLock {
  /** The lock file. */
  readonly path: string;
  readonly #content: string;

  private constructor(lockPath: string, content: string) {
    this.path = lockPath;
    this.#content = content;
  }

  /**
   * Takes the lock of an image. Throws EBUSY, naming the owner and the file, while somebody who may be alive has it, and
   * what the host says about the directory.
   */
  static take(image: string): WriterLock {
    const lockPath = lockPathOf(image);
    const owner: LockOwner = {
      pid: process.pid,
      ...startedOf(process.pid),
      host: os.hostname(),
      since: new Date().toISOString(),
      id: randomBytes(8).toString('hex'),
    };
    const content = `${JSON.stringify(owner)}\n`;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (create(lockPath, content)) return new WriterLock(lockPath, content);
      const found = read(lockPath);
      if (found === undefined) continue; // gone meanwhile
      const holder = parse(found);
      if (holder === undefined || mayLive(holder)) throw busy(image, lockPath, holder);
      takeAway(lockPath, found);
    }
    throw busy(image, lockPath, undefined);
  }

  /** Gives the lock back. A lock that is no longer ours stays. */
  release(): void {
    if (read(this.path) === this.#content) fs.rmSync(this.path, { force: true });
  }
}

/** Beside the image; for a device, which has no folder of its own, among the temporary files. */
function lockPathOf(image: string): string {
  const real = fs.realpathSync(image);
  const stat = fs.statSync(real);
  if (stat.isFile()) return real + SUFFIX;
  return path.join(os.tmpdir(), `device-${stat.rdev}${SUFFIX}`);
}

/** False when there is one already. The content is there as soon as the name is. */
function create(lockPath: string, content: string): boolean {
  const own = `${lockPath}-${randomBytes(6).toString('hex')}`;
  fs.writeFileSync(own, content, { flag: 'wx' });
  try {
    fs.linkSync(own, lockPath);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // A filesystem without hard links: there the name may be there before the content.
    try {
      fs.writeFileSync(lockPath, content, { flag: 'wx' });
      return true;
    } catch (second) {
      if ((second as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw second;
    }
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function read(lockPath: string): string | undefined {
  let fd = -1;
  try {
    fd = fs.openSync(lockPath, 'r');
    const bytes = Buffer.alloc(LOCK_BYTES_MAX);
    return bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, LOCK_BYTES_MAX, 0));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  } finally {
    if (fd !== -1) fs.closeSync(fd);
  }
}

function parse(content: string): LockOwner | undefined {
  try {
    const { pid, host } = JSON.parse(content) as Partial<LockOwner>;
    return Number.isInteger(pid) && typeof host === 'string' ? (JSON.parse(content) as LockOwner) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the owner may still be there. */
function mayLive({ pid, started, host }: LockOwner): boolean {
  if (host !== os.hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  // The number may belong to another process by now.
  const now = startedOf(pid).started;
  return started === undefined || now === undefined || started === now;
}

/** When a process started: field 22 of its `stat`, in ticks since the boot. Linux only. */
function startedOf(pid: number): { started?: string } {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is a name in parentheses, which may hold anything.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return started === undefined ? {} : { started };
  } catch {
    return {};
  }
}

/** Removes a stale lock, unless it is another one by now. */
function takeAway(lockPath: string, stale: string): void {
  const aside = `${lockPath}-${randomBytes(6).toString('hex')}`;
  try {
    fs.renameSync(lockPath, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; // somebody else was faster
    throw error;
  }
  // Renewed between our look and our rename: it goes back under its name, where nobody has taken that.
  if (read(aside) !== stale) {
    try {
      fs.linkSync(aside, lockPath);
    } catch {
      // Somebody took the lock in that instant. Without locks of the system that cannot be ruled out, only made rare.
    }
  }
  fs.rmSync(aside, { force: true });
}

function busy(image: string, lockPath: string, owner: LockOwner | undefined): FsError {
  const who =
    owner === undefined
      ? 'somebody (the lock cannot be read)'
      : `process ${owner.pid} on ${owner.host}, since ${owner.since}`;
  const detail = `${who} writes to this image; if that is not so, remove ${lockPath}`;
  return new FsError(EBUSY, { syscall: 'open', path: image, detail });
}
