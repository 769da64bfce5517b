// Writing through the page cache, on a memory device: a cached overwrite against a copy of the same bytes, alone and with the
// way to the device. And what a change costs in requests.

import { MemoryDevice, StatisticsDevice } from '@f2fskit/block';
import type { F2fsInode } from '@f2fskit/f2fs';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/vfs';
import { openVolumeSync, type Volume } from 'f2fskit';
import { type BenchResult, type Count, compare, type Ratio } from './report.ts';

const MIB = 1 << 20;
const clock = fixedClock(1_900_000_000, 0);

/** A writable volume with a file of so many bytes, all cached and on the device. */
function writable(bytes: number): { volume: Volume; device: StatisticsDevice; inode: F2fsInode } {
  const medium = new MemoryDevice(2 * bytes + 64 * MIB);
  runSync(formatVolume(medium, { clock, random: seededRandom(1), blank: true }));
  const device = new StatisticsDevice(medium);
  const cache = { budgetBytes: 4 * bytes, dirtyBytesMax: 3 * bytes, dirtyBytesBackground: 2 * bytes };
  const volume = openVolumeSync(device, { writable: true, clock, random: seededRandom(2), cache });
  const { scheduler, f2fs } = volume;
  const root = scheduler.runSync(f2fs.readInode(f2fs.rootIno));
  const file = { mode: 0o644, uid: 0, gid: 0 };
  const inode = scheduler.runSync(root.create(new TextEncoder().encode('file'), file)) as F2fsInode;
  scheduler.runSync(inode.write(0, new BytesSource(new Uint8Array(bytes).fill(1))));
  scheduler.runSync(f2fs.sync());
  return { volume, device, inode };
}

function cachedWrite(rounds: number, bytes: number): Ratio[] {
  const { volume, inode } = writable(bytes);
  const { scheduler } = volume;
  const request = new BytesSource(new Uint8Array(MIB).fill(2));
  const target = new Uint8Array(bytes);
  const overwrite = (): void => {
    for (let at = 0; at < bytes; at += MIB) scheduler.runSync(inode.write(at, request));
  };
  const copy = {
    what: 'copying the same bytes',
    run: () => {
      for (let at = 0; at < bytes; at += MIB) target.set(request.bytes, at);
    },
  };
  const synced = (): void => {
    overwrite();
    scheduler.runSync(volume.f2fs.sync());
  };
  // Once around the log: the memory of the device is there from then on.
  for (let round = 0; round < 8; round++) synced();
  return [
    compare(rounds, bytes, { what: 'cached write, 1 MiB requests, page engine', run: overwrite }, copy, 0.15),
    compare(rounds, bytes, { what: 'write and writeback, 1 MiB requests, page engine', run: synced }, copy, 0.1),
  ];
}

function counts(): Count[] {
  const { volume, device, inode } = writable(4 * MIB);
  const { scheduler } = volume;
  const cursor = inode.errorCursor();
  const written = (run: () => void): { bios: number; blocks: number } => {
    device.reset();
    run();
    const { write } = device.snapshot();
    return { bios: write.bios, blocks: write.bytes / 4096 };
  };
  const overwrite = (length: number): void => {
    scheduler.runSync(inode.write(MIB, new BytesSource(new Uint8Array(length).fill(3))));
  };
  const inPlace = written(() => {
    overwrite(4096);
    scheduler.runSync(inode.fsync(cursor, true));
  });
  const large = written(() => {
    overwrite(MIB);
    scheduler.runSync(inode.fsync(cursor, false));
  });
  return [
    { what: 'blocks written by a 4 KiB overwrite and fdatasync', value: inPlace.blocks, most: 1 },
    { what: 'blocks written by a 1 MiB overwrite and fsync, beside its own', value: large.blocks - 256, most: 2 },
    { what: 'bios of that', value: large.bios, most: 4 },
  ];
}

export function writeBench(rounds: number): BenchResult {
  return { name: 'write', counts: counts(), ratios: cachedWrite(rounds, (rounds > 1 ? 32 : 4) * MIB) };
}
