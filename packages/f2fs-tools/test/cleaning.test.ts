// A volume whose free space is scattered: nearly every segment holds a few blocks of files that stay. New files need whole
// segments for their nodes, so what is scattered has to move together first, and stays what it was.

import { MemoryDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { type F2fsInode, mountF2fs } from '@f2fskit/f2fs';
import { fixedClock, runSync, seededRandom, Tracer } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import { checkVolume, formatVolume } from '../src/index.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const clock = fixedClock(1_900_000_000, 0);
const DIRECTORIES = Array.from({ length: 64 }, (_, index) => `directory ${index}`);
const name = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Content that names its file: what ends up in the wrong place shows. */
function contentOf(file: number, size: number): Uint8Array {
  const content = new Uint8Array(size);
  const view = new DataView(content.buffer);
  for (let at = 0; at + 8 <= size; at += 4096) {
    view.setUint32(at, file);
    view.setUint32(at + 4, at);
  }
  return content;
}

describe('cleaning', () => {
  it('makes room for nodes where data is scattered over all segments', () => {
    const device = new MemoryDevice(100 << 20);
    runSync(formatVolume(device, { clock, random: seededRandom(1), blank: true, overprovision: 20 }));
    const tracer = new Tracer();
    let moved = 0;
    tracer.listen((event, payload) => {
      if (event === 'segment:clean') moved += (payload as { moved: number }).moved;
    });
    const volume = runSync(mountF2fs(device, { writable: true, clock, random: seededRandom(2), tracer }));
    const root = runSync(volume.readInode(volume.rootIno));
    // Small directories: this is not about looking names up.
    const directories = DIRECTORIES.map((directory) => runSync(root.mkdir(name(directory), OWNER)));
    const directoryOf = (file: number): F2fsInode => directories[file % directories.length]!;
    const kept = new Map<number, Uint8Array>();
    const make = (file: number, size: number): boolean => {
      try {
        const inode = runSync(directoryOf(file).create(name(`file ${file}`), OWNER));
        const content = contentOf(file, size);
        kept.set(file, content);
        return runSync(inode.write(0, new BytesSource(content))).bytes === size;
      } catch (error) {
        if (error instanceof FsError && error.code === 'ENOSPC') return false;
        throw error;
      }
    };
    let made = 0;
    while (make(made, 32 * 1024)) made++;
    runSync(volume.sync());
    // The last one is there in part.
    kept.delete(made);
    runSync(directoryOf(made).unlink(name(`file ${made}`)));
    for (let file = 0; file < made; file++) {
      if (file % 20 === 0) continue;
      runSync(directoryOf(file).unlink(name(`file ${file}`)));
      kept.delete(file);
    }
    runSync(volume.sync());
    expect(moved).toBe(0);
    let file = made + 1;
    while (make(file, 40)) file++;
    kept.delete(file);
    expect(moved).toBeGreaterThan(0);
    // Refused for want of blocks, not because they are scattered.
    expect(volume.writer!.space.blocksFree).toBeLessThan(10);
    runSync(volume.unmount());

    const report = runSync(checkVolume(device));
    expect(report.findings).toEqual([]);
    const after = runSync(mountF2fs(device));
    const top = runSync(after.readInode(after.rootIno));
    const found = DIRECTORIES.map((directory) => runSync(after.readInode(runSync(top.lookup(name(directory))))));
    for (const [file, content] of kept) {
      const inode = runSync(after.readInode(runSync(found[file % found.length]!.lookup(name(`file ${file}`)))));
      const read = new Uint8Array(content.length);
      expect(runSync(inode.read(0, read))).toBe(content.length);
      expect(Buffer.compare(read, content), `file ${file}`).toBe(0);
    }
  });
});
