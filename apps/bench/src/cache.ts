// Reading through the page cache: large folios against single pages, the decoder alone against a read through everything,
// random reads of what is cached against a copy.

import { type BlockDevice, StatisticsDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import type { F2fsInode } from '@f2fskit/f2fs';
import { ClusterHeader } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { ReadaheadState } from '@f2fskit/pagecache';
import { seededRandom } from '@f2fskit/task';
import { openVolumeSync, type Volume } from 'f2fskit';
import { type BenchResult, type Count, compare } from './report.ts';
import { compressedVolume, holeVolume, plainVolume } from './volumes.ts';

const MIB = 1 << 20;

function open(device: BlockDevice, orderMax: number, budgetBytes = 64 * MIB): { volume: Volume; inode: F2fsInode } {
  const volume = openVolumeSync(device, { cache: { orderMax, budgetBytes } });
  return { volume, inode: volume.scheduler.runSync(volume.vfs.walk('/big')).inode as F2fsInode };
}

/** Reads the file from its start to its end in requests of one size; `cold`: the cache has forgotten it first. */
function sequential({ volume, inode }: ReturnType<typeof open>, target: Uint8Array, cold = true): void {
  if (cold) inode.evict();
  const readahead = new ReadaheadState();
  const { size } = inode.fields;
  for (let position = 0; position < size; position += target.length) {
    if (inode.peekRead(position, target) < 0) volume.scheduler.runSync(inode.read(position, target, readahead));
  }
}

function folioRatios(rounds: number, bytes: number): BenchResult['ratios'] {
  const plain = plainVolume(bytes);
  const hole = holeVolume(bytes);
  return [
    { what: 'cold read', device: plain, request: 128 * 1024, least: 1.5 },
    { what: 'cold read', device: plain, request: MIB, least: 2 },
    { what: 'hole read', device: hole, request: MIB, least: 1.7 },
  ].map(({ what, device, request, least }) => {
    const target = new Uint8Array(request);
    const large = open(device, 9);
    const single = open(device, 0);
    const name = `${what}, ${request / 1024} KiB requests`;
    return compare(
      rounds,
      bytes,
      { what: `${name}, large folios`, run: () => sequential(large, target) },
      { what: 'single pages', run: () => sequential(single, target) },
      least,
    );
  });
}

function compressedRatio(rounds: number, bytes: number): BenchResult['ratios'] {
  const { device, clusterBytes, payloads } = compressedVolume(bytes);
  const file = open(device, 9);
  const target = new Uint8Array(MIB);
  const codec = defaultCodecs().get(file.inode.fields.compressAlgorithm)!;
  // As in a read: each stream from a place of its own, each cluster to its place in the buffer of the request.
  const streams = payloads.map((payload) => {
    const length = ClusterHeader.length.get(viewOf(payload), 0);
    return payload.slice(ClusterHeader.$size, ClusterHeader.$size + length);
  });
  return [
    compare(
      rounds,
      bytes,
      { what: 'compressed cold sequential read, LZ4, clusters of 64 KiB', run: () => sequential(file, target) },
      {
        what: 'the codec alone on the same clusters',
        run: () => {
          let at = 0;
          for (const stream of streams) {
            codec.decompress(stream, target.subarray(at, at + clusterBytes));
            at = (at + clusterBytes) % target.length;
          }
        },
      },
      0.85,
    ),
  ];
}

/** What a cold read of the file costs in requests, by folio order. */
function folioCounts(bytes: number): Count[] {
  const plain = plainVolume(bytes);
  const counts: Count[] = [];
  for (const [orderMax, most] of [
    [0, 256],
    [4, 16],
    [9, 1],
  ] as const) {
    const device = new StatisticsDevice(plain);
    const file = open(device, orderMax);
    sequential(file, new Uint8Array(MIB));
    device.reset();
    sequential(file, new Uint8Array(MIB));
    const { read } = device.snapshot();
    const perMib = (value: number): number => value / (bytes / MIB);
    counts.push({ what: `segments a MiB, folios up to order ${orderMax}`, value: perMib(read.segments), most });
    counts.push({ what: `bios a MiB, folios up to order ${orderMax}`, value: perMib(read.bios), most: 1 });
    counts.push({ what: `device blocks a file block, order ${orderMax}`, value: read.bytes / bytes, most: 1 });
  }
  return counts;
}

/** Random reads of 4 KiB over a file that is cached whole, by the method of node:fs that a user calls. */
function randomRatio(rounds: number, bytes: number): BenchResult['ratios'] {
  const { volume, inode } = open(plainVolume(bytes), 9, 96 * MIB);
  sequential({ volume, inode }, new Uint8Array(MIB));
  const array = new Uint8Array(volume.readFileSync('/big'));
  const fd = volume.openSync('/big');
  const random = seededRandom(5);
  const positions = Array.from({ length: 16_384 }, () => random.below(bytes / 4096) * 4096);
  const target = new Uint8Array(4096);
  return [
    compare(
      rounds,
      positions.length * 4096,
      {
        what: 'random cached readSync of 4 KiB',
        run: () => {
          for (const position of positions) volume.readSync(fd, target, 0, 4096, position);
        },
      },
      {
        what: 'copying the blocks from an array',
        run: () => {
          for (const position of positions) target.set(array.subarray(position, position + 4096));
        },
      },
      1 / 3,
    ),
  ];
}

export function cacheBench(rounds: number): BenchResult {
  const bytes = (rounds > 1 ? 64 : 4) * MIB;
  return {
    name: 'page cache',
    counts: folioCounts(4 * MIB),
    ratios: [...folioRatios(rounds, bytes / 2), ...compressedRatio(rounds, bytes / 2), ...randomRatio(rounds, bytes)],
  };
}
