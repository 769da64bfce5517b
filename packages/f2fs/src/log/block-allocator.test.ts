// The allocator against a model that knows for each block who owns it: any mixture of allocations, releases and
// checkpoints, until the volume is nearly full and the logs fill holes.

import { ShuffleDevice } from '@f2fskit/block';
import {
  AllocationType,
  SEGMENT_BLOCKS,
  SegmentType,
  SummaryBlock,
  SummaryEntry,
  ssaBlockAddress,
  testMsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { type RandomSource, runSync, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { type F2fsVolume, mountF2fs, type VolumeWriter } from '../index.ts';

interface World {
  volume: F2fsVolume;
  writer: VolumeWriter;
  /** Who owns each block that was allocated here; the blocks that were there before are not in it. */
  owners: Map<number, { nid: number; type: number }>;
  /** Blocks that the checkpoint in force refers to. */
  committed: Set<number>;
}

/** Every block that is valid in the segments, by address. */
function validBlocks({ writer, volume }: Pick<World, 'writer' | 'volume'>): Set<number> {
  const { segmentCountMain, mainAddress } = volume.superblock;
  const found = new Set<number>();
  for (let segno = 0; segno < segmentCountMain; segno++) {
    const { valid } = runSync(writer.segments.get(segno));
    for (let offset = 0; offset < SEGMENT_BLOCKS; offset++) {
      if (testMsb(valid, offset)) found.add(mainAddress + segno * SEGMENT_BLOCKS + offset);
    }
  }
  return found;
}

function open(name: string): World {
  const volume = runSync(mountF2fs(loadGolden(name).device.clone(), { writable: true }));
  const writer = volume.writer!;
  return { volume, writer, owners: new Map(), committed: validBlocks({ writer, volume }) };
}

function allocate(world: World, random: RandomSource, type: number): number {
  const nid = random.below(2 ** 31);
  const before = world.writer.allocator.nextAddress(type);
  const address = runSync(world.writer.allocator.allocate(type, { nid, version: nid % 200, offsetInNode: nid % 900 }));
  expect(address, 'the address that was announced').toBe(before);
  expect(world.owners.has(address), 'a block of somebody else').toBe(false);
  expect(world.committed.has(address), 'a block that a crash would go back to (I-61)').toBe(false);
  world.owners.set(address, { nid, type });
  return address;
}

function release(world: World, random: RandomSource): void {
  const addresses = [...world.owners.keys()];
  if (addresses.length === 0) return;
  const address = addresses[random.below(addresses.length)]!;
  runSync(world.writer.allocator.invalidate(address));
  world.owners.delete(address);
}

function checkpoint(world: World): void {
  // The checkpoint itself is only taken when an operation changed something.
  runSync(world.writer.operation(nothing()));
  runSync(world.writer.checkpoint());
  world.committed = validBlocks(world);
}

/** An operation that changes nothing. */
function* nothing(): Generator<never, void, void> {}

/** A fresh mount sees the blocks of the model, each with its owner. */
function compareWithFreshMount({ volume, owners }: World, before: ReadonlySet<number>): void {
  const fresh = runSync(mountF2fs(volume.device, { writable: true }));
  const writer = fresh.writer!;
  const found = validBlocks({ writer, volume: fresh });
  expect(found.size).toBe(owners.size + before.size);
  const { mainAddress } = fresh.superblock;
  for (const [address, { nid, type }] of owners) {
    expect(found.has(address)).toBe(true);
    const segno = Math.floor((address - mainAddress) / SEGMENT_BLOCKS);
    const offset = (address - mainAddress) % SEGMENT_BLOCKS;
    const log = writer.allocator.logs.find((one) => one.segno === segno);
    const summary = log?.summary ?? runSync(fresh.store.blocks.get(ssaBlockAddress(fresh.superblock, segno))).bytes;
    const at = SummaryBlock.entries.at(0, offset);
    // The summaries of node logs that are in no pack are made of the nodes, which nobody wrote here.
    if (log !== undefined && log.type >= SegmentType.hotNode) continue;
    expect(SummaryEntry.nid.get(viewOf(summary), at)).toBe(nid);
    expect(SummaryEntry.offsetInNode.get(viewOf(summary), at)).toBe(nid % 900);
    expect(writer.segments.types[segno]! >= SegmentType.hotNode, 'nodes with nodes').toBe(type >= SegmentType.hotNode);
  }
}

describe.each(['plain', 'geometry', 'aged'])('on %s', (name) => {
  it.each([1, 2, 3])('any order of allocating, releasing and checkpoints (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const world = open(name);
    const before = new Set(world.committed);
    for (let step = 0; step < 1500; step++) {
      const roll = random.below(100);
      if (roll < 65) allocate(world, random, random.below(6));
      else if (roll < 98) release(world, random);
      else checkpoint(world);
    }
    checkpoint(world);
    compareWithFreshMount(world, before);
  });
});

it.each([1, 2, 3])('tasks that fill the same logs together get every block once (seed %i)', async (seed) => {
  const medium = loadGolden('aged').device.clone();
  const scheduler = new Scheduler('async');
  const volume = await scheduler.run(mountF2fs(new ShuffleDevice(medium, seed), { writable: true }));
  const { allocator } = volume.writer!;
  const taken: number[] = [];
  function* take(nid: number): Task<void> {
    for (let index = 0; index < 700; index++) {
      const type = index % 2 === 0 ? SegmentType.warmData : SegmentType.hotData;
      // The tables have to be read again: a log that moves waits for them.
      volume.store.blocks.mapping.dropUnused();
      taken.push(yield* allocator.allocate(type, { nid, version: 0, offsetInNode: index }));
    }
  }
  await Promise.all([5, 6, 7, 8].map((nid) => scheduler.run(take(nid))));
  expect(new Set(taken).size).toBe(4 * 700);
});

describe('a volume that is full', () => {
  /** Nodes and data up to what users may have, in about the proportion of small files. */
  function fill(world: World, random: RandomSource): void {
    const { writer } = world;
    while (writer.space.blocksFree > 0) {
      runSync(writer.operation(nothing()));
      writer.space.reserve(1);
      allocate(world, random, random.below(10) === 0 ? 3 + random.below(3) : random.below(3));
    }
  }

  it.each(process.env.F2FSKIT_FULL === '1' ? [9, 10] : [9])(
    'takes overwrites without end: logs fill holes, nothing is refused (seed %i)',
    (seed) => {
      const random = seededRandom(seed);
      const world = open('plain');
      const before = new Set(world.committed);
      const { writer } = world;
      fill(world, random);
      expect(() => writer.space.reserve(1)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
      const holes = new Set<number>();
      const addresses = [...world.owners.keys()];
      for (let step = 0; step < 12_000; step++) {
        // A block is written anew: a new place first, then the old one is given up.
        const { version } = writer.current;
        runSync(writer.operation(nothing()));
        if (writer.current.version !== version) world.committed = validBlocks(world);
        const index = random.below(addresses.length);
        const old = addresses[index]!;
        const { type } = world.owners.get(old)!;
        addresses[index] = allocate(world, random, type);
        runSync(writer.allocator.invalidate(old));
        world.owners.delete(old);
        if (writer.allocator.logs[type]!.allocation === AllocationType.ssr) holes.add(type);
      }
      expect(holes.size, 'logs that filled holes').toBeGreaterThan(0);
      checkpoint(world);
      compareWithFreshMount(world, before);
    },
  );
});

it('a block that is given up twice is an inconsistency, not a count below zero', () => {
  const world = open('plain');
  const address = allocate(world, seededRandom(1), SegmentType.warmData);
  runSync(world.writer.allocator.invalidate(address));
  expect(() => runSync(world.writer.allocator.invalidate(address))).toThrow(
    expect.objectContaining({ kind: 'sitValidMap', where: expect.objectContaining({ block: address }) }),
  );
});
