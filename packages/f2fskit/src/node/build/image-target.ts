// Where an image goes. A file has its name only when it is complete and durable: it is made under another name beside its
// place. A device is written in place, and holds no volume from the first write until the last one.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { closeDevice, flushDevice, writeBytes } from '@f2fskit/block';
import { FileDevice } from '@f2fskit/block/node';
import { EEXIST, EINVAL, FsError } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import { WriterLock } from '../writer-lock.ts';
import type { HostFileId } from './host-walk.ts';
import { ImageDevice } from './image-device.ts';

/** Both superblocks lie in these bytes. */
const SUPERBLOCKS_BYTES = 8192;

/** A volume that is being made. */
export interface Candidate {
  readonly device: ImageDevice;
  /** Of the volume; the device may be larger. */
  readonly bytes: number;
  /** The device reads as zeros. */
  readonly blank: boolean;
  /** Closes the device. Once. Throws what that throws. */
  close(): void;
  /** Takes away what is there, closed or not. */
  remove(): void;
}

interface FileCandidate extends Candidate {
  readonly path: string;
}

export class ImageTarget {
  /** The file itself, where a symlink was named. */
  readonly path: string;
  readonly kind: 'new' | 'replace' | 'device';
  /** Bytes; of a device. */
  readonly size: number | undefined;
  /** What is there already. */
  readonly id: HostFileId | undefined;
  #lock: WriterLock | undefined = undefined;

  /**
   * Looks at the place and changes nothing. Throws EEXIST for what is there already, unless it may be replaced (`force`);
   * EINVAL for what can hold no image, and what the host says.
   */
  constructor(name: string, force: boolean) {
    if (name === '' || name.endsWith('/')) throw new FsError(EINVAL, `'${name}' is the name of no file`);
    const found = fs.statSync(name, { bigint: true, throwIfNoEntry: false });
    this.path = found === undefined ? name : fs.realpathSync(name);
    this.size = undefined;
    this.id = undefined;
    this.kind = 'new';
    if (found === undefined) {
      if (fs.lstatSync(name, { throwIfNoEntry: false }) !== undefined) {
        throw new FsError(EINVAL, `${name} is a symbolic link to nothing`);
      }
      fs.accessSync(path.dirname(path.resolve(name)), fs.constants.W_OK); // its error names what the user named
      return;
    }
    this.kind = found.isFile() ? 'replace' : 'device';
    this.id = { dev: found.dev, ino: found.ino };
    if (this.kind === 'device') {
      const device = FileDevice.open(name); // says what is wrong with directories, pipes and the like
      this.size = device.size;
      runSync(closeDevice(device));
    }
    if (!force) throw new FsError(EEXIST, { syscall: 'build', path: name, detail: 'something is there already' });
  }

  /** Takes the lock of what is there. Throws EBUSY while somebody else writes to it. */
  lock(): void {
    if (this.kind !== 'new') this.#lock = WriterLock.take(this.path);
  }

  unlock(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  /** Begins a volume of so many bytes. */
  begin(bytes: number): Candidate {
    return this.kind === 'device' ? this.#onDevice(bytes) : this.#inFile(bytes);
  }

  /** Gives a complete volume its name; it is closed already. Throws EEXIST where somebody was faster. */
  install(candidate: Candidate): void {
    if (this.kind === 'device') return;
    const { path: unfinished } = candidate as FileCandidate;
    try {
      if (this.kind === 'replace') fs.renameSync(unfinished, this.path);
      else renameToNew(unfinished, this.path);
    } finally {
      candidate.remove();
    }
    syncDirectory(path.dirname(path.resolve(this.path)));
  }

  #inFile(bytes: number): FileCandidate {
    const unfinished = `${this.path}.${process.pid}-${randomBytes(4).toString('hex')}.f2fs-unfinished`;
    // Also when the process ends in the middle, by whatever.
    const remove = (): void => fs.rmSync(unfinished, { force: true });
    process.on('exit', remove);
    const forget = (): void => {
      remove();
      process.off('exit', remove);
    };
    try {
      const fd = fs.openSync(unfinished, 'wx');
      try {
        fs.ftruncateSync(fd, bytes);
      } finally {
        fs.closeSync(fd);
      }
      const device = new ImageDevice(FileDevice.open(unfinished, { writable: true }), { nameless: true });
      const close = closer(device);
      return { device, bytes, blank: true, path: unfinished, close, remove: () => leave(close, forget) };
    } catch (error) {
      forget();
      throw error;
    }
  }

  #onDevice(bytes: number): Candidate {
    const device = new ImageDevice(FileDevice.open(this.path, { writable: true }), { nameless: false });
    const close = closer(device);
    const clear = (): void => {
      // Half a volume must not be taken for one.
      runSync(writeBytes(device, 0, new Uint8Array(SUPERBLOCKS_BYTES)));
      runSync(flushDevice(device));
    };
    return { device, bytes, blank: false, close, remove: () => leave(clear, close) };
  }
}

/** Both, whatever the first one throws. */
function leave(first: () => void, second: () => void): void {
  try {
    first();
  } catch {
    // Somebody else is telling what went wrong.
  } finally {
    second();
  }
}

function closer(device: ImageDevice): () => void {
  let open = true;
  return () => {
    if (open) runSync(closeDevice(device));
    open = false;
  };
}

/** A rename would take the place of whatever has come there meanwhile. */
function renameToNew(from: string, to: string): void {
  try {
    fs.linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || fs.existsSync(to)) {
      throw new FsError(EEXIST, { syscall: 'build', path: to, detail: 'it has come into being meanwhile' });
    }
    fs.renameSync(from, to); // a filesystem without hard links
  }
}

/** So that the name survives as well. Not every system can. */
function syncDirectory(directory: string): void {
  let fd = -1;
  try {
    fd = fs.openSync(directory, 'r');
    fs.fsyncSync(fd);
  } catch {
    // The content is durable; the name will be.
  } finally {
    if (fd !== -1) fs.closeSync(fd);
  }
}
