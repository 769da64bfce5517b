// A volume that is changed, fsynced and cut off, and what must be there afterwards: the last checkpoint, and on top of it each
// fsynced file as it was then.

import type { MemoryDevice } from '@f2fskit/block';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { utf8Encode, Vfs } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { type F2fsInode, type F2fsVolume, type MountOptions, mountF2fs } from '../src/index.ts';
import type { FsyncDecision } from '../src/recovery/fsync-policy.ts';
import { manifestOf } from './volume-manifest.ts';

const OWNER = { mode: 0o640, uid: 1000, gid: 1001 };
export const clock = fixedClock(1_900_000_000, 7);

export function mount(device: MemoryDevice, options: MountOptions = {}): F2fsVolume {
  return runSync(mountF2fs(device, { clock, random: seededRandom(1), ...options }));
}

/** The path at the end of a line of a manifest. */
const pathOf = (line: string): string => line.slice(line.lastIndexOf('\t') + 1);

export class CrashWorld {
  readonly device: MemoryDevice;
  readonly volume: F2fsVolume;
  /** Lines of a manifest by path: what a mount after a cut must show. */
  #promised = new Map<string, string>();

  constructor(name: string, options: MountOptions = {}) {
    this.device = loadGolden(name).device.clone();
    this.volume = mount(this.device, { writable: true, ...options });
    this.mkdir('/w');
    this.checkpoint();
  }

  inode(path: string): F2fsInode {
    return runSync(new Vfs(this.volume).walk(path, { followLast: false })).inode as F2fsInode;
  }

  mkdir(path: string): F2fsInode {
    const { parent, name } = split(path);
    return runSync(this.inode(parent).mkdir(name, { ...OWNER, mode: 0o755 })) as F2fsInode;
  }

  create(path: string, contents?: Uint8Array): F2fsInode {
    const { parent, name } = split(path);
    const inode = runSync(this.inode(parent).create(name, OWNER)) as F2fsInode;
    if (contents !== undefined) this.write(inode, 0, contents);
    return inode;
  }

  write(inode: F2fsInode, position: number, contents: Uint8Array): void {
    runSync(inode.write(position, new BytesSource(contents)));
  }

  unlink(path: string): void {
    const { parent, name } = split(path);
    runSync(this.inode(parent).unlink(name));
  }

  rmdir(path: string): void {
    const { parent, name } = split(path);
    runSync(this.inode(parent).rmdir(name));
  }

  /** Everything as it is now is promised. */
  checkpoint(): void {
    runSync(this.volume.sync());
    this.#promised = new Map(manifestOf(this.volume, 'bare').map((line) => [pathOf(line), line]));
  }

  /** Writes a file back and makes it durable: as it is now, it is promised, and its name stands for nothing else. */
  fsync(path: string, dataOnly = false): FsyncDecision {
    const inode = this.inode(path);
    runSync(this.volume.writer!.flusher.sync());
    const decision = runSync(this.volume.writer!.fsyncInode(inode.ino, dataOnly));
    if (decision.how === 'checkpoint') this.checkpoint();
    else if (decision.how === 'chain') this.promise(path);
    return decision;
  }

  promise(path: string): void {
    const line = manifestOf(this.volume, 'bare').find((each) => pathOf(each) === `.${path}`)!;
    this.#promised.set(`.${path}`, line);
  }

  /** What a cut at this moment may not lose. */
  get promised(): string[] {
    return [...this.#promised.values()].sort();
  }

  /** The volume as the cut leaves it. */
  cut(): MemoryDevice {
    return this.device.clone();
  }
}

function split(path: string): { parent: string; name: Uint8Array } {
  const at = path.lastIndexOf('/');
  return { parent: path.slice(0, at) || '/', name: utf8Encode(path.slice(at + 1)) };
}
