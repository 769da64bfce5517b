// A volume that is full, and stays full: files are made until nothing fits, removed here and there, overwritten at random.
// What does not fit is refused (ENOSPC) and changes nothing; what was accepted always finds a place, also in the holes that
// are left, and the volume can be written to as long as there is something to remove.

import type { MemoryDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const name = (text: string): Uint8Array => new TextEncoder().encode(text);

class Full {
  readonly device: MemoryDevice;
  readonly volume: F2fsVolume;
  readonly directory: F2fsInode;
  readonly files = new Map<string, { inode: F2fsInode; content: Uint8Array }>();
  #made = 0;

  constructor(golden: string) {
    this.device = loadGolden(golden).device.clone();
    this.volume = runSync(
      mountF2fs(this.device, { writable: true, clock: fixedClock(1_900_000_000, 0), random: seededRandom(2) }),
    );
    const root = runSync(this.volume.readInode(this.volume.rootIno));
    this.directory = runSync(root.mkdir(name('full'), OWNER));
  }

  /** Makes a file; false when it does not fit, and then it is not there. */
  make(size: number, fill: number): boolean {
    const file = `file ${this.#made++}`;
    let inode: F2fsInode;
    try {
      inode = runSync(this.directory.create(name(file), OWNER));
    } catch (error) {
      return this.#refused(error);
    }
    const content = new Uint8Array(size).fill(fill);
    try {
      const { bytes } = runSync(inode.write(0, new BytesSource(content)));
      this.files.set(file, { inode, content: content.slice(0, bytes) });
      return bytes === size;
    } catch (error) {
      this.files.set(file, { inode, content: new Uint8Array(0) });
      return this.#refused(error);
    }
  }

  overwrite(file: string, position: number, bytes: Uint8Array): void {
    const { inode, content } = this.files.get(file)!;
    const { bytes: count } = runSync(inode.write(position, new BytesSource(bytes)));
    expect(count).toBe(bytes.length);
    content.set(bytes, position);
  }

  remove(file: string): void {
    runSync(this.directory.unlink(name(file)));
    this.files.delete(file);
  }

  #refused(error: unknown): false {
    if (error instanceof FsError && error.code === 'ENOSPC') return false;
    throw error;
  }

  leave(): void {
    runSync(this.volume.unmount());
    if (judged) expect(objections(this.device)).toBe('');
    const volume = runSync(mountF2fs(this.device));
    const directory = runSync(
      volume.readInode(runSync(runSync(volume.readInode(volume.rootIno)).lookup(name('full')))),
    );
    for (const [file, { content }] of this.files) {
      const inode = runSync(volume.readInode(runSync(directory.lookup(name(file)))));
      expect(inode.size, file).toBe(content.length);
      const read = new Uint8Array(content.length);
      runSync(inode.read(0, read));
      expect(Buffer.compare(read, content), file).toBe(0);
    }
  }
}

const LONG = process.env.F2FSKIT_FULL === '1';

describe.each(LONG ? ['plain', 'aged', 'plain-default'] : ['plain'])('%s', (golden) => {
  it.each(LONG ? [1, 2, 3, 4, 5, 6] : [1])('full of files of every size, seed %i', (seed) => {
    const full = new Full(golden);
    const random = seededRandom(seed);
    const sizes = [10, 5000, 40_000, 300_000, 2_000_000];
    for (let round = 0; round < 6; round++) {
      for (let refused = 0; refused < 4; ) {
        const size = sizes[random.below(sizes.length)]!;
        if (!full.make(1 + random.below(size), 1 + random.below(255))) refused++;
        if (random.chance(0.02)) runSync(full.volume.sync());
      }
      runSync(full.volume.sync());
      const names = [...full.files.keys()];
      for (let change = 0; change < 150; change++) {
        const file = names[random.below(names.length)]!;
        const { content } = full.files.get(file)!;
        if (content.length === 0) continue;
        const position = random.below(content.length);
        const bytes = new Uint8Array(Math.min(content.length - position, 1 + random.below(9000))).fill(
          random.below(256),
        );
        full.overwrite(file, position, bytes);
        if (random.chance(0.05)) runSync(full.volume.sync());
      }
      for (const file of names) if (random.chance(0.4)) full.remove(file);
      if (random.chance(0.5)) runSync(full.volume.sync());
    }
    full.leave();
  });

  it('full of scattered blocks: nearly every segment holds a few', () => {
    const full = new Full(golden);
    const random = seededRandom(9);
    while (full.make(4096 * 8, 7));
    runSync(full.volume.sync());
    // What stays is spread over the whole volume.
    const names = [...full.files.keys()];
    for (const [index, file] of names.entries()) if (index % 40 !== 0) full.remove(file);
    runSync(full.volume.sync());
    // Then many small files: nodes want segments of their own.
    let made = 0;
    while (made < 3000 && full.make(100, 1 + random.below(255))) {
      made++;
      if (made % 500 === 0) runSync(full.volume.sync());
    }
    expect(made).toBeGreaterThan(500);
    full.leave();
  });
});
