// Writes that fail. Data: every open file is told once at its next fsync, also of a write that happened behind its back, and
// nothing else suffers. What leads to data, or a checkpoint: the volume is read-only from then on, and a new mount finds the
// last state that was durable.

import { FaultDevice, type MemoryDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const name = (text: string): Uint8Array => new TextEncoder().encode(text);

class Faulty {
  readonly medium: MemoryDevice;
  readonly device: FaultDevice;
  readonly volume: F2fsVolume;
  readonly file: F2fsInode;

  constructor() {
    this.medium = loadGolden('plain').device.clone();
    this.device = new FaultDevice(this.medium, []);
    const options = { writable: true, clock: fixedClock(1_900_000_000, 0), random: seededRandom(1) };
    this.volume = runSync(mountF2fs(this.device, options));
    const root = runSync(this.volume.readInode(this.volume.rootIno));
    this.file = runSync(root.create(name('file'), OWNER));
    this.write('old', 100_000);
    runSync(this.volume.sync());
  }

  write(text: string, size: number): void {
    runSync(this.file.write(0, new BytesSource(new Uint8Array(size).fill(text.charCodeAt(0)))));
  }

  /** Writes of file data fail: they are whole blocks of one letter. */
  failData(letter: string): void {
    this.device.inject({
      operation: 'write',
      match: ({ segments }) =>
        segments[0]![0] === letter.charCodeAt(0) && segments[0]![BLOCK_SIZE / 2] === segments[0]![0],
      action: { kind: 'fail' },
    });
  }
}

function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
  return 'fine';
}

describe('a write of data that fails', () => {
  it('R25: is told to each open file once, by fsync (I-46)', () => {
    const faulty = new Faulty();
    const cursors = [faulty.file.errorCursor(), faulty.file.errorCursor()];
    faulty.write('x', 100_000);
    faulty.failData('x');
    const fsync = (index: number): string => codeOf(() => runSync(faulty.file.fsync(cursors[index]!, false)));
    expect(fsync(0)).toBe('EIO');
    faulty.device.clear();
    expect([fsync(0), fsync(1), fsync(1)]).toEqual(['fine', 'EIO', 'fine']);
    // One that is opened later has nothing to do with it.
    expect(codeOf(() => runSync(faulty.file.fsync(faulty.file.errorCursor(), false)))).toBe('fine');
  });

  it('is told also when the flusher met it, and by sync; everything else becomes durable', () => {
    const faulty = new Faulty();
    const root = runSync(faulty.volume.readInode(faulty.volume.rootIno));
    const other = runSync(root.create(name('other'), OWNER));
    runSync(other.write(0, new BytesSource(new Uint8Array(50_000).fill(7))));
    const cursor = faulty.file.errorCursor();
    faulty.write('x', 100_000);
    faulty.failData('x');
    expect(codeOf(() => runSync(faulty.volume.sync()))).toBe('EIO');
    faulty.device.clear();
    expect(codeOf(() => runSync(faulty.file.fsync(cursor, false)))).toBe('EIO');
    expect(codeOf(() => runSync(faulty.volume.sync()))).toBe('fine');
    // Not left: as after a power cut.
    const after = runSync(mountF2fs(faulty.medium));
    const read = new Uint8Array(50_000);
    const inode = runSync(after.readInode(other.ino));
    expect(runSync(inode.read(0, read))).toBe(50_000);
    expect(read.every((byte) => byte === 7)).toBe(true);
  });

  it('leaves a volume that can be written to and is sound', () => {
    const faulty = new Faulty();
    faulty.failData('x');
    faulty.write('x', 100_000);
    expect(codeOf(() => runSync(faulty.file.fsync(faulty.file.errorCursor(), true)))).toBe('EIO');
    faulty.device.clear();
    // Who syncs the volume is somebody else than who has the file open.
    expect(codeOf(() => runSync(faulty.volume.sync()))).toBe('EIO');
    faulty.write('y', 100_000);
    runSync(faulty.volume.unmount());
    const inode = runSync(runSync(mountF2fs(faulty.medium)).readInode(faulty.file.ino));
    const read = new Uint8Array(100_000);
    runSync(inode.read(0, read));
    expect(read.every((byte) => byte === 'y'.charCodeAt(0))).toBe(true);
    if (judged) expect(objections(faulty.medium)).toBe('');
  });
});

describe('a write of metadata that fails', () => {
  it.each([0, 1, 2])('ends writing; a new mount finds what was durable (write %i)', (after) => {
    const faulty = new Faulty();
    faulty.write('n', 300_000);
    const { volume, device } = faulty;
    // Data passes.
    const isMetadata = { match: ({ size }: { size: number }) => size <= 64 * BLOCK_SIZE };
    device.inject({ operation: 'write', ...isMetadata, after, action: { kind: 'fail' } });
    expect(codeOf(() => runSync(volume.sync()))).toBe('EIO');
    device.clear();
    const root = runSync(volume.readInode(volume.rootIno));
    expect(codeOf(() => runSync(root.create(name('more'), OWNER)))).toBe('EROFS');
    expect(codeOf(() => runSync(volume.unmount()))).toBe('EROFS');
    const inode = runSync(runSync(mountF2fs(faulty.medium)).readInode(faulty.file.ino));
    expect(inode.size).toBe(100_000);
    const read = new Uint8Array(100_000);
    runSync(inode.read(0, read));
    expect(read.every((byte) => byte === 'o'.charCodeAt(0))).toBe(true);
    if (judged) expect(objections(faulty.medium)).toBe('');
  });
});
