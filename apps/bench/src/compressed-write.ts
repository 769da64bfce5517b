// Writing compressible text into compressed files, on a memory device: 1 MiB requests and a sync. Against the encoder alone on the same
// clusters; the iomap engine with one worker against itself without; and reading the same files cold.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs, lz4 } from '@f2fskit/codecs';
import { nodeCodecPool } from '@f2fskit/codecs/node-pool';
import { type BufferedIo, type F2fsInode, PoolEncoder } from '@f2fskit/f2fs';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/vfs';
import { openVolumeSync, type Volume } from 'f2fskit';
import { type BenchResult, type Count, compare, type Ratio } from './report.ts';
import { filledDevice } from './volumes.ts';

const KIB = 1 << 10;
const MIB = 1 << 20;
const BLOCK_BYTES = 4096;
const clock = fixedClock(1_900_000_000, 0);

/** Program text, as much as is wanted: that of the compiler which built this, from its start. */
export function text(bytes: number): Uint8Array {
  const source = readFileSync(fileURLToPath(import.meta.resolve('typescript')));
  const result = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += source.length) result.set(source.subarray(0, bytes - at), at);
  return result;
}

interface Written {
  device: MemoryDevice;
  volume: Volume;
  inode: F2fsInode;
}

/** A volume with an empty file that is compressed in clusters of this size. */
function writable(bytes: number, clusterBytes: number, bufferedIo: BufferedIo, encoder?: PoolEncoder): Written {
  const device = filledDevice(4 * bytes + 64 * MIB);
  const features = ['compression', 'extra_attr'];
  runSync(formatVolume(device, { clock, random: seededRandom(1), blank: true, features }));
  const volume = openVolumeSync(device, {
    writable: true,
    clock,
    random: seededRandom(2),
    bufferedIo,
    cache: { budgetBytes: 4 * bytes, dirtyBytesMax: 3 * bytes, dirtyBytesBackground: 2 * bytes },
    compress: { algorithm: 'lz4', logClusterSize: Math.log2(clusterBytes / BLOCK_BYTES), extensions: ['*'] },
    ...(encoder === undefined ? {} : { encoder }),
  });
  const { scheduler, f2fs } = volume;
  const root = scheduler.runSync(f2fs.readInode(f2fs.rootIno));
  const file = { mode: 0o644, uid: 0, gid: 0 };
  const inode = scheduler.runSync(root.create(new TextEncoder().encode('file.txt'), file)) as F2fsInode;
  return { device, volume, inode };
}

/** Writes the file, in requests of 1 MiB, and syncs. */
function write({ volume, inode }: Written, content: Uint8Array): void {
  const { scheduler, f2fs } = volume;
  for (let at = 0; at < content.length; at += MIB) {
    scheduler.runSync(inode.write(at, new BytesSource(content.subarray(at, at + MIB))));
  }
  scheduler.runSync(f2fs.sync());
}

/** Reads the file, of which nothing is cached, in requests of 1 MiB. */
function readCold({ volume, inode }: Written, target: Uint8Array): void {
  inode.evict();
  for (let at = 0; at < inode.size; at += MIB) volume.scheduler.runSync(inode.read(at, target));
}

/** Compresses the same clusters, and does nothing else. */
function compressAlone(content: Uint8Array, clusterBytes: number): number {
  const target = new Uint8Array(clusterBytes - BLOCK_BYTES - 24);
  let bytes = 0;
  for (let at = 0; at < content.length; at += clusterBytes) {
    bytes += lz4.compress!(content.subarray(at, at + clusterBytes), target);
  }
  return bytes;
}

/** Pieces of 1 MiB in which two devices differ. */
function differences(a: MemoryDevice, b: MemoryDevice): number {
  let count = 0;
  for (let at = 0; at < a.size; at += MIB) {
    if (Buffer.compare(a.toBytes(at, MIB), b.toBytes(at, MIB)) !== 0) count++;
  }
  return count;
}

/** What one worker gives, on two cores: less where clusters are so small that handing them over counts. */
const goals = [
  { clusterBytes: 16 * KIB, pooled: 1.4 },
  { clusterBytes: 64 * KIB, pooled: 1.7 },
  { clusterBytes: 256 * KIB, pooled: 1.7 },
];

export async function compressedWriteBench(rounds: number): Promise<BenchResult> {
  const bytes = (rounds > 1 ? 32 : 4) * MIB;
  const content = text(bytes);
  const target = new Uint8Array(MIB);
  const counts: Count[] = [];
  const ratios: Ratio[] = [];
  const pool = nodeCodecPool({ workers: 1 });
  for (const { clusterBytes, pooled: least } of goals) {
    const page = writable(bytes, clusterBytes, 'page');
    const iomap = writable(bytes, clusterBytes, 'iomap');
    const pooled = writable(bytes, clusterBytes, 'iomap', new PoolEncoder(defaultCodecs(), pool));
    write(pooled, content);
    for (const made of [page, iomap]) write(made, content);
    // The worker starts with the first batch; while this thread sleeps, a busy machine gives it a core.
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The memory of the caches is there from then on, the worker too, and the engines have compiled what they will.
    for (let round = 0; round < 3 * rounds; round++) for (const made of [page, iomap, pooled]) write(made, content);
    const clusters = `lz4, clusters of ${clusterBytes / KIB} KiB`;
    counts.push({
      what: `pieces of 1 MiB that differ on the device with a worker, ${clusters}`,
      value: differences(iomap.device, pooled.device),
      most: 0,
    });
    const run = (made: Written) => () => write(made, content);
    const inline = { what: `write and sync, ${clusters}, iomap engine`, run: run(iomap) };
    ratios.push(
      compare(
        rounds,
        bytes,
        inline,
        { what: 'the encoder alone', run: () => void compressAlone(content, clusterBytes) },
        0.9,
      ),
      compare(
        rounds,
        bytes,
        { what: `write and sync, ${clusters}, iomap engine and a worker`, run: run(pooled) },
        { what: 'without the worker', run: run(iomap) },
        least,
      ),
      compare(rounds, bytes, inline, { what: 'the page engine', run: run(page) }),
      compare(
        rounds,
        bytes,
        { what: `cold read, ${clusters}, iomap engine`, run: () => readCold(iomap, target) },
        { what: 'the page engine', run: () => readCold(page, target) },
        0.95,
      ),
    );
  }
  pool.close();
  return { name: 'compressed write', counts, ratios };
}
