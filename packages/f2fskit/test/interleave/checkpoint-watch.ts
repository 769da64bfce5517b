// What the last checkpoint on a medium refers to, found out from the medium alone: a write may not change any of it (I-33, I-34),
// but for a block of a file that is overwritten in its place.

import { type Bio, BioFlag, type MemoryDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { type F2fsVolume, mountF2fs } from '@f2fskit/f2fs';
import { BLOCK_SIZE, SEGMENT_BLOCKS, testMsb } from '@f2fskit/f2fs-format';
import { SitRange } from '@f2fskit/f2fs-tools';
import { runSync } from '@f2fskit/task';

/** A block of a file. */
export interface FileBlock {
  readonly ino: number;
  readonly block: number;
}

export class CheckpointWatch {
  /** Checkpoints that came into force since the watch began. */
  checkpoints = 0;
  readonly #medium: MemoryDevice;
  readonly #inos: () => Iterable<number>;
  #valid = new Set<number>();
  #owners = new Map<number, FileBlock>();
  #version: unknown;
  #area: { start: number; end: number };

  /** `inos`: files whose blocks may be overwritten in their places. */
  constructor(medium: MemoryDevice, inos: () => Iterable<number>) {
    this.#medium = medium;
    this.#inos = inos;
    const volume = this.#mount();
    const start = volume.superblock.checkpointAddress * BLOCK_SIZE;
    this.#area = { start, end: start + 2 * SEGMENT_BLOCKS * BLOCK_SIZE };
    this.#learn(volume);
  }

  /** Looks at the files anew. */
  learn(): void {
    this.#learn(this.#mount());
  }

  /** A write has arrived; true when it brought a checkpoint into force. */
  onWritten(bio: Bio): boolean {
    if (bio.offset < this.#area.start || bio.offset >= this.#area.end || (bio.flags & BioFlag.FUA) === 0) return false;
    const volume = this.#mount();
    if (String(volume.checkpoint.version) === this.#version) return false;
    this.#learn(volume);
    this.checkpoints++;
    return true;
  }

  /** What speaks against writing a block, which belongs to `block` of a file where it is data. */
  objection(address: number, found: FileBlock | undefined): string | undefined {
    if (!this.#valid.has(address)) return undefined;
    const owner = this.#owners.get(address);
    if (owner !== undefined && owner.ino === found?.ino && owner.block === found.block) return undefined;
    const whose = owner === undefined ? '' : `, of ino ${owner.ino}, block ${owner.block}`;
    const by = found === undefined ? 'metadata' : `ino ${found.ino}, block ${found.block}`;
    return `I-33, I-34: block ${address}${whose}, to which the last checkpoint refers, is overwritten by ${by}`;
  }

  #mount(): F2fsVolume {
    return runSync(mountF2fs(this.#medium, { norecovery: true }));
  }

  #learn(volume: F2fsVolume): void {
    this.#version = String(volume.checkpoint.version);
    this.#valid = new Set();
    this.#owners = new Map();
    const range = SitRange.of(volume);
    for (let lines = runSync(range.next()); lines !== undefined; lines = runSync(range.next())) {
      for (const { segno, validMap } of lines) {
        const first = volume.superblock.mainAddress + segno * SEGMENT_BLOCKS;
        for (let at = 0; at < SEGMENT_BLOCKS; at++) if (testMsb(validMap, at)) this.#valid.add(first + at);
      }
    }
    for (const ino of this.#inos()) this.#learnFile(volume, ino);
  }

  #learnFile(volume: F2fsVolume, ino: number): void {
    try {
      const extents = runSync(volume.readInode(ino)).extents(0, 2 ** 40);
      for (let extent = runSync(extents.next()); extent !== undefined; extent = runSync(extents.next())) {
        if (extent.unwritten || extent.inline) continue;
        for (let at = 0; at < extent.length; at += BLOCK_SIZE) {
          const block = (extent.position + at) / BLOCK_SIZE;
          this.#owners.set((extent.deviceOffset + at) / BLOCK_SIZE, { ino, block });
        }
      }
    } catch (error) {
      // The checkpoint does not know it.
      if (!(error instanceof FsError)) throw error;
    }
  }
}
