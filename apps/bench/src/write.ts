// Writing through the page cache, on a memory device: the page engine against a copy of the same bytes, and the iomap engine
// against the page engine. And what a change costs in requests.

import { MemoryDevice, StatisticsDevice } from '@f2fskit/block';
import type { BufferedIo, F2fsInode } from '@f2fskit/f2fs';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/vfs';
import { openVolumeSync, type Volume } from 'f2fskit';
import { type BenchResult, type Count, compare, type Ratio } from './report.ts';

const MIB = 1 << 20;
const clock = fixedClock(1_900_000_000, 0);

interface Writable {
  volume: Volume;
  device: StatisticsDevice;
  inode: F2fsInode;
}

/** A writable volume with a file of so many bytes, all cached, in folios as large as its writes, and on the device. */
function writable(bytes: number, bufferedIo: BufferedIo): Writable {
  const medium = new MemoryDevice(2 * bytes + 64 * MIB);
  runSync(formatVolume(medium, { clock, random: seededRandom(1), blank: true }));
  const device = new StatisticsDevice(medium);
  const cache = { budgetBytes: 4 * bytes, dirtyBytesMax: 3 * bytes, dirtyBytesBackground: 2 * bytes };
  const volume = openVolumeSync(device, { writable: true, clock, random: seededRandom(2), cache, bufferedIo });
  const { scheduler, f2fs } = volume;
  const root = scheduler.runSync(f2fs.readInode(f2fs.rootIno));
  const file = { mode: 0o644, uid: 0, gid: 0 };
  const inode = scheduler.runSync(root.create(new TextEncoder().encode('file'), file)) as F2fsInode;
  const made = { volume, device, inode };
  overwrite(made, bytes, 2 * MIB)();
  scheduler.runSync(f2fs.sync());
  return made;
}

/** Writes all of the file, in requests of one size. */
function overwrite({ volume, inode }: Writable, bytes: number, request: number): () => void {
  const source = new BytesSource(new Uint8Array(request).fill(2));
  return () => {
    for (let at = 0; at < bytes; at += request) volume.scheduler.runSync(inode.write(at, source));
  };
}

function ratios(rounds: number, bytes: number): Ratio[] {
  const page = writable(bytes, 'page');
  const iomap = writable(bytes, 'iomap');
  const sync = ({ volume }: Writable): void => volume.scheduler.runSync(volume.f2fs.sync());
  const fsync = ({ volume, inode }: Writable): void =>
    volume.scheduler.runSync(inode.fsync(inode.errorCursor(), false));
  const target = new Uint8Array(bytes);
  const request = new Uint8Array(MIB).fill(2);
  const copy = {
    what: 'copying the same bytes',
    run: () => {
      for (let at = 0; at < bytes; at += MIB) target.set(request, at);
    },
  };
  const then = (made: Writable, size: number, end: (made: Writable) => void): (() => void) => {
    const write = overwrite(made, bytes, size);
    return () => {
      write();
      end(made);
    };
  };
  const nothing = (): void => {};
  // A few times around the logs: the memory of the devices is there from then on, and the engine has compiled what it will.
  for (let round = 0; round < 5 * rounds; round++) {
    for (const made of [page, iomap]) for (const size of [4096, 65_536, MIB]) then(made, size, sync)();
  }
  const floors = [
    { what: 'cached write, 1 MiB requests', end: nothing, least: 0.15 },
    { what: 'write and writeback, 1 MiB requests', end: sync, least: 0.1 },
  ];
  const goals = [
    { what: 'cached write, 4 KiB requests', size: 4096, end: nothing, least: 0.97 },
    { what: 'cached write, 64 KiB requests', size: 65_536, end: nothing, least: 2 },
    { what: 'cached write, 1 MiB requests', size: MIB, end: nothing, least: 2.3 },
    { what: 'write and writeback, 1 MiB requests', size: MIB, end: sync, least: 2.2 },
    { what: 'write and fsync, 1 MiB requests', size: MIB, end: fsync, least: 1.6 },
  ];
  return [
    ...floors.map(({ what, end, least }) =>
      compare(rounds, bytes, { what: `${what}, page engine`, run: then(page, MIB, end) }, copy, least),
    ),
    ...goals.map(({ what, size, end, least }) =>
      compare(
        rounds,
        bytes,
        { what: `${what}, iomap engine`, run: then(iomap, size, end) },
        { what: 'the page engine', run: then(page, size, end) },
        least,
      ),
    ),
  ];
}

function counts(bufferedIo: BufferedIo): Count[] {
  const made = writable(4 * MIB, bufferedIo);
  const { volume, device, inode } = made;
  const { scheduler } = volume;
  const cursor = inode.errorCursor();
  const requests = (run: () => void): { bios: number; blocks: number; segments: number; read: number } => {
    device.reset();
    run();
    const { write, read } = device.snapshot();
    return { bios: write.bios, blocks: write.bytes / 4096, segments: write.segments, read: read.bytes };
  };
  const write = (length: number): void => {
    scheduler.runSync(inode.write(MIB, new BytesSource(new Uint8Array(length).fill(3))));
  };
  const inPlace = requests(() => {
    write(4096);
    scheduler.runSync(inode.fsync(cursor, true));
  });
  const large = requests(() => {
    write(MIB);
    scheduler.runSync(inode.fsync(cursor, false));
  });
  inode.evict();
  const cold = requests(() => write(MIB));
  const engine = `${bufferedIo} engine`;
  return [
    { what: `blocks written by a 4 KiB overwrite and fdatasync, ${engine}`, value: inPlace.blocks, most: 1 },
    {
      what: `blocks written by a 1 MiB overwrite and fsync, beside its own, ${engine}`,
      value: large.blocks - 256,
      most: 2,
    },
    { what: `bios of that, ${engine}`, value: large.bios, most: 4 },
    { what: `segments of that, ${engine}`, value: large.segments, most: bufferedIo === 'page' ? 258 : 4 },
    { what: `bytes read for 1 MiB that is overwritten whole and not cached, ${engine}`, value: cold.read, most: 0 },
  ];
}

export function writeBench(rounds: number): BenchResult {
  // Small enough for the processor's cache: what is compared is the way, not the memory at its end.
  const bytes = (rounds > 1 ? 16 : 4) * MIB;
  const turns = rounds > 1 ? 3 * rounds : 1;
  return { name: 'write', counts: [...counts('page'), ...counts('iomap')], ratios: ratios(turns, bytes) };
}
