// The direct read path: file data from the device straight into the caller's memory.

import { StatisticsDevice } from '@f2fskit/block';
import { loadGolden } from '@f2fskit/testkit';
import { openVolumeSync, type Volume } from 'f2fskit';
import { type BenchResult, type Count, compare } from './report.ts';

const CHUNK_BYTES = 1 << 20;
const BLOCK_BYTES = 4096;

function readAll(volume: Volume, path: string, target: Uint8Array): number {
  const { scheduler, vfs } = volume;
  const { inode } = scheduler.runSync(vfs.walk(path));
  let position = 0;
  for (;;) {
    const count = scheduler.runSync(inode.read(position, target));
    if (count === 0) return position;
    position += count;
  }
}

/** Bios and bytes that reading one file costs, with its nodes cached already. */
function countsOf(volumeName: string, path: string): Count[] {
  const device = new StatisticsDevice(loadGolden(volumeName).device);
  const volume = openVolumeSync(device);
  const target = new Uint8Array(CHUNK_BYTES);
  const size = readAll(volume, path, target);
  device.reset();
  readAll(volume, path, target);
  const { read } = device.snapshot();
  const blocks = Math.ceil(size / BLOCK_BYTES);
  return [
    {
      what: `${volumeName}:${path}, device blocks for ${blocks} file blocks`,
      value: read.bytes / BLOCK_BYTES,
      most: blocks,
    },
    { what: `${volumeName}:${path}, bios`, value: read.bios, most: Math.max(1, Math.ceil(blocks / 4)) },
  ];
}

export function readBench(rounds: number): BenchResult {
  const target = new Uint8Array(CHUNK_BYTES);
  const volume = openVolumeSync(loadGolden('compress-lz4-16').device);
  const size = readAll(volume, '/c/big', target);
  const reference = volume.readFileSync('/c/big');
  const copy = new Uint8Array(reference.length);
  return {
    name: 'read',
    counts: [
      ...countsOf('plain', '/d/text'),
      ...countsOf('compress-lz4-16', '/c/big'),
      ...countsOf('compress-zstd-256', '/c/big'),
    ],
    ratios: [
      compare(
        rounds,
        size,
        { what: 'LZ4 file from a memory device', run: () => void readAll(volume, '/c/big', target) },
        { what: 'a copy of the same bytes', run: () => copy.set(reference) },
      ),
    ],
  };
}
