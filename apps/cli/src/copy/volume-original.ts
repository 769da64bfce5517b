// Files of the volume, as they are copied to other places of it. Holes stay holes.

import type { ExtendedAttribute, Inode, InodeKind } from '@f2fskit/vfs';
import { type Volume, withPath } from 'f2fskit';
import { hasCode } from '../refusal.ts';
import { treeSteps } from '../tree-steps.ts';
import { type Contents, type CopyStep, type Original, PIECE_BYTES, type Piece } from './original.ts';

export class VolumeOriginal implements Original {
  readonly path: Uint8Array;
  readonly inode: Inode;
  readonly #volume: Volume;

  constructor(volume: Volume, inode: Inode, path: Uint8Array) {
    this.#volume = volume;
    this.inode = inode;
    this.path = path;
  }

  get ino(): number {
    return this.inode.ino;
  }

  get kind(): InodeKind {
    return this.inode.kind;
  }

  get mode(): number {
    return this.inode.attributes().mode & 0o7777;
  }

  get owner(): { uid: number; gid: number } {
    const { uid, gid } = this.inode.attributes();
    return { uid, gid };
  }

  get times(): Original['times'] {
    const { atime, mtime } = this.inode.attributes();
    return { atime, mtime };
  }

  get device(): { major: number; minor: number } {
    const { deviceMajor: major, deviceMinor: minor } = this.inode.attributes();
    return { major, minor };
  }

  target(): Promise<Uint8Array> {
    return this.#volume.scheduler.run(withPath('readlink', this.path, this.inode.readLink()));
  }

  xattrs(): Promise<ExtendedAttribute[]> {
    return this.#volume.scheduler.run(withPath('getxattr', this.path, this.inode.extendedAttributes()));
  }

  open(): Contents {
    return new VolumeContents(this.#volume, this);
  }
}

class VolumeContents implements Contents {
  readonly size: number;
  readonly #volume: Volume;
  readonly #original: VolumeOriginal;
  readonly #buffer: Uint8Array;
  readonly #sparse: boolean;
  #position = 0;
  /** Where the run of data ends in which the position lies. */
  #dataEnd: number;

  constructor(volume: Volume, original: VolumeOriginal) {
    const { size, blocks } = original.inode.attributes();
    this.#volume = volume;
    this.#original = original;
    this.size = size;
    this.#sparse = blocks * 512 < size;
    this.#dataEnd = this.#sparse ? 0 : size;
    this.#buffer = new Uint8Array(Math.min(PIECE_BYTES, size));
  }

  async next(): Promise<Piece | undefined> {
    const { path, inode } = this.#original;
    const { scheduler } = this.#volume;
    if (this.#position >= this.#dataEnd && !(await this.#findData())) return undefined;
    const position = this.#position;
    const target = this.#buffer.subarray(0, this.#dataEnd - position);
    const count = await scheduler.run(withPath('read', path, inode.read(position, target)));
    if (count === 0) return undefined;
    this.#position += count;
    return { position, bytes: target.subarray(0, count) };
  }

  async #findData(): Promise<boolean> {
    const { path, inode } = this.#original;
    const { scheduler } = this.#volume;
    if (!this.#sparse || this.#position >= this.size) return false;
    try {
      this.#position = await scheduler.run(withPath('lseek', path, inode.seek(this.#position, 'data')));
    } catch (error) {
      if (hasCode(error, 'ENXIO')) return false;
      throw error;
    }
    this.#dataEnd = await scheduler.run(withPath('lseek', path, inode.seek(this.#position, 'hole')));
    return true;
  }

  close(): void {}
}

/** A tree of the volume. */
export async function* volumeSteps(volume: Volume, start: VolumeOriginal): AsyncGenerator<CopyStep, void, undefined> {
  const prefix = start.path.length === 1 ? 1 : start.path.length + 1;
  for await (const step of treeSteps(volume, start.inode, start.path)) {
    const { path } = step;
    const below = path.subarray(Math.min(prefix, path.length));
    if (step.type === 'unreadable') yield { type: 'unreadable', below, path, error: step.error };
    else yield { type: step.type, below, original: new VolumeOriginal(volume, step.inode, path) };
  }
}
