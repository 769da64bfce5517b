import {
  BioFlag,
  BLOCK_SIZE,
  type BlockDevice,
  discardBytes,
  FaultDevice,
  flushBio,
  flushDevice,
  MemoryDevice,
  readBytes,
  SECTOR_SIZE,
  ShuffleDevice,
  writeBio,
  writeBytes,
} from '@f2fskit/block';
import { deviceConformance } from '@f2fskit/block/conformance';
import { runAsync, runSync, seededRandom } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PowerCutDevice, type PowerCutPolicy, powerCutPolicies } from './index.ts';

const BLOCKS = 16;

/** A device whose block `n` is full of the byte `n`. */
function numbered(blocks = BLOCKS): MemoryDevice {
  const device = new MemoryDevice(blocks * BLOCK_SIZE);
  for (let block = 0; block < blocks; block++) write(device, block, block);
  return device;
}

function write(device: BlockDevice, block: number, value: number, flags = 0, count = 1): void {
  runSync(writeBytes(device, block * BLOCK_SIZE, new Uint8Array(count * BLOCK_SIZE).fill(value), flags));
}

const flush = (device: BlockDevice): void => runSync(flushDevice(device));

function bytesOf(device: BlockDevice): Uint8Array {
  const bytes = new Uint8Array(device.size);
  runSync(readBytes(device, 0, bytes));
  return bytes;
}

/** The value of every block; -1 for one that is a mixture. */
function values(device: BlockDevice): number[] {
  const bytes = bytesOf(device);
  return Array.from({ length: device.size / BLOCK_SIZE }, (_, block) => {
    const content = bytes.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
    return content.every((byte) => byte === content[0]) ? content[0]! : -1;
  });
}

/** What stands in the blocks that `changed` names; the others are as they were on the base. */
function changes(device: BlockDevice): Record<number, number> {
  return Object.fromEntries(values(device).flatMap((value, block) => (value === block ? [] : [[block, value]])));
}

const after = (device: PowerCutDevice, policy: PowerCutPolicy, seed = 0): Record<number, number> =>
  changes(device.imageAfter(device.position, policy, seed));

describe('the power-cut device is a device', () => {
  const content = Uint8Array.from({ length: 300 * 1024 }, (_, i) => (i * 31) ^ (i >> 7));
  content.fill(0, -SECTOR_SIZE);
  for (const mode of ['sync', 'async'] as const) {
    const over = (live: BlockDevice): BlockDevice => (mode === 'sync' ? live : new ShuffleDevice(live, 3));
    for (const canDiscard of [true, false]) {
      const capabilities = { mode, writable: true, discards: canDiscard, segmentsMax: Number.POSITIVE_INFINITY };
      const cases = deviceConformance(async () => {
        const device = new PowerCutDevice(MemoryDevice.from(content.slice()), { over, canDiscard });
        return { device, content };
      }, capabilities);
      for (const { name, run } of cases) it(`${mode}, ${canDiscard ? '' : 'no '}discards: ${name}`, run);
    }
  }
});

describe('what a cut leaves', () => {
  it('keeps what was flushed, and of the rest what the policy says', () => {
    const device = new PowerCutDevice(numbered());
    write(device, 1, 101);
    write(device, 2, 102);
    flush(device);
    write(device, 2, 202);
    write(device, 3, 103);
    expect(after(device, 'none')).toEqual({ 1: 101, 2: 102 });
    expect(after(device, 'all')).toEqual({ 1: 101, 2: 202, 3: 103 });
    const prefixes = new Set(Array.from({ length: 50 }, (_, seed) => JSON.stringify(after(device, 'prefix', seed))));
    expect([...prefixes].sort()).toEqual(['{"1":101,"2":102}', '{"1":101,"2":202,"3":103}', '{"1":101,"2":202}']);
    const subsets = new Set(Array.from({ length: 50 }, (_, seed) => JSON.stringify(after(device, 'subset', seed))));
    expect(subsets.size).toBe(4);
    expect(subsets).toContain('{"1":101,"2":102,"3":103}');
  });

  it('can be at every earlier moment', () => {
    const device = new PowerCutDevice(numbered());
    write(device, 1, 101);
    flush(device);
    write(device, 2, 102);
    flush(device);
    // Before anything; after write 1 and after its flush; after write 2 and after its flush.
    const positions = device.cutPositions();
    expect(positions.map((cut) => changes(device.imageAfter(cut, 'all')))).toEqual([
      {},
      { 1: 101 },
      { 1: 101 },
      { 1: 101, 2: 102 },
      { 1: 101, 2: 102 },
    ]);
    expect(positions.map((cut) => changes(device.imageAfter(cut, 'none')))).toEqual([
      {},
      {},
      { 1: 101 },
      { 1: 101 },
      { 1: 101, 2: 102 },
    ]);
    expect(positions.map((cut) => device.looseAt(cut))).toEqual([0, 1, 0, 1, 0]);
    expect(positions.map((cut) => device.describeCut(cut))).toEqual([
      'before the first request',
      'after submitting request 0, a write: 4096 bytes at 4096',
      'after the end of request 1, a flush',
      'after submitting request 2, a write: 4096 bytes at 8192',
      'after the end of request 3, a flush',
    ]);
  });

  it('takes the blocks of one write apart, and no block', () => {
    const device = new PowerCutDevice(numbered());
    write(device, 2, 99, 0, 8);
    const seen = new Set<number>();
    for (let seed = 0; seed < 60; seed++) {
      const found = values(device.imageAfter(device.position, 'subset', seed));
      expect(found).not.toContain(-1);
      seen.add(found.filter((value) => value === 99).length);
    }
    expect(seen.size).toBeGreaterThan(5);
  });

  it('knows FUA: this write and no other', () => {
    const device = new PowerCutDevice(numbered());
    write(device, 1, 101);
    write(device, 2, 102, BioFlag.FUA);
    expect(after(device, 'none')).toEqual({ 2: 102 });
    expect(device.cutPositions()).toHaveLength(4); // start, write 1, write 2 in the air, write 2 durable
    expect(device.describeCut(device.position)).toBe('after the end of request 1, a write: 4096 bytes at 8192 FUA');
  });

  it('knows PREFLUSH: everything before, not the write itself', () => {
    const device = new PowerCutDevice(numbered());
    write(device, 1, 101);
    write(device, 2, 102, BioFlag.PREFLUSH);
    expect(after(device, 'none')).toEqual({ 1: 101 });
    write(device, 3, 103, BioFlag.PREFLUSH | BioFlag.FUA);
    expect(after(device, 'none')).toEqual({ 1: 101, 2: 102, 3: 103 });
  });

  it('has nothing of a PREFLUSH write before its flush is done', () => {
    const device = new PowerCutDevice(numbered());
    write(device, 1, 101);
    write(device, 2, 102);
    write(device, 3, 103, BioFlag.PREFLUSH);
    const submitted = device.position - 1; // in the air
    const images = Array.from({ length: 80 }, (_, seed) => changes(device.imageAfter(submitted, 'subset', seed)));
    const withIt = images.filter((found) => found[3] === 103);
    expect(withIt.length).toBeGreaterThan(5);
    for (const found of withIt) expect(found).toEqual({ 1: 101, 2: 102, 3: 103 });
    expect(new Set(images.map((found) => JSON.stringify(found))).size).toBe(5); // any subset of two, or all three
  });

  it('does not bring an old write back over a durable one of the same block', () => {
    const device = new PowerCutDevice(numbered());
    write(device, 1, 101);
    write(device, 1, 201, BioFlag.FUA);
    for (let seed = 0; seed < 20; seed++) expect(after(device, 'subset', seed)).toEqual({ 1: 201 });
    flush(device); // makes the first write durable too, after the second one
    for (const policy of powerCutPolicies) expect(after(device, policy, 1)).toEqual({ 1: 201 });
  });

  it('counts a flush from its submission: what ends after that is not covered', async () => {
    let shuffle: ShuffleDevice | undefined;
    const over = (live: BlockDevice): BlockDevice => (shuffle = new ShuffleDevice(live, 1, { automatic: false }));
    const device = new PowerCutDevice(numbered(), { over });
    const early = writeBio(BLOCK_SIZE, [new Uint8Array(BLOCK_SIZE).fill(101)]);
    device.submit(early);
    shuffle!.drain();
    const late = writeBio(2 * BLOCK_SIZE, [new Uint8Array(BLOCK_SIZE).fill(102)]);
    device.submit(late);
    const barrier = flushBio();
    device.submit(barrier);
    expect(after(device, 'none')).toEqual({});
    shuffle!.drain();
    expect([early, late, barrier].map(({ completion }) => completion.done)).toEqual([true, true, true]);
    expect(after(device, 'none')).toEqual({ 1: 101 });
    expect(after(device, 'all')).toEqual({ 1: 101, 2: 102 });
  });

  it('tells who waits only after the end is recorded', () => {
    const device = new PowerCutDevice(numbered());
    const bio = writeBio(BLOCK_SIZE, [new Uint8Array(BLOCK_SIZE).fill(101)], BioFlag.FUA);
    let found: Record<number, number> | undefined;
    bio.completion.subscribe(() => (found = after(device, 'none')));
    device.submit(bio);
    expect(found).toEqual({ 1: 101 });
  });

  it('trusts no flush after one that failed', () => {
    const fault = (live: BlockDevice): BlockDevice =>
      new FaultDevice(live, [{ action: { kind: 'fail' }, operation: 'flush', times: 1 }]);
    const device = new PowerCutDevice(numbered(), { over: fault });
    write(device, 1, 101);
    expect(() => flush(device)).toThrow(/EIO/);
    flush(device);
    write(device, 2, 102);
    flush(device);
    expect(after(device, 'none')).toEqual({ 2: 102 });
    expect(after(device, 'all')).toEqual({ 1: 101, 2: 102 });
  });

  it('may keep a write that failed, and makes no promise about it', () => {
    const fault = (live: BlockDevice): BlockDevice =>
      new FaultDevice(live, [{ action: { kind: 'fail' }, operation: 'write', times: 1 }]);
    const device = new PowerCutDevice(numbered(), { over: fault });
    expect(() => write(device, 1, 101)).toThrow(/EIO/);
    flush(device);
    expect(after(device, 'none')).toEqual({});
    expect(after(device, 'all')).toEqual({ 1: 101 });
  });

  it('tears inside a block only where it may, and only in a subset', () => {
    const device = new PowerCutDevice(numbered());
    write(device, 2, 102, 0, 4);
    const mayTear = (offset: number): boolean => offset === 3 * BLOCK_SIZE;
    const torn = new Set<number>();
    for (let seed = 0; seed < 40; seed++) {
      const image = device.imageAfter(device.position, 'subset', seed, { mayTear });
      for (const [block, value] of values(image).entries()) if (value === -1) torn.add(block);
      const bytes = bytesOf(image).subarray(3 * BLOCK_SIZE, 4 * BLOCK_SIZE);
      for (let at = 0; at < BLOCK_SIZE; at += SECTOR_SIZE) {
        const sector = bytes.subarray(at, at + SECTOR_SIZE);
        expect(sector.every((byte) => byte === sector[0])).toBe(true);
      }
    }
    expect([...torn]).toEqual([3]);
    expect(values(device.imageAfter(device.position, 'all', 0, { mayTear }))).not.toContain(-1);
  });

  it('takes a discard for a write of zeros, and a huge one for a few', () => {
    const device = new PowerCutDevice(numbered());
    runSync(discardBytes(device, BLOCK_SIZE, 2 * BLOCK_SIZE));
    expect(after(device, 'none')).toEqual({});
    expect(after(device, 'all')).toEqual({ 1: 0, 2: 0 });
    flush(device);
    expect(after(device, 'none')).toEqual({ 1: 0, 2: 0 });

    const huge = new PowerCutDevice(new MemoryDevice(2 ** 44));
    runSync(discardBytes(huge, 0, huge.size));
    expect(huge.looseAt(huge.position)).toBeLessThanOrEqual(256);

    // Said of this device, or true of the one below.
    const unable = (live: BlockDevice): BlockDevice => new PowerCutDevice(live as MemoryDevice, { canDiscard: false });
    for (const options of [{ canDiscard: false }, { over: unable }]) {
      const without = new PowerCutDevice(numbered(), options);
      expect(without.canDiscard).toBe(false);
      runSync(discardBytes(without, BLOCK_SIZE, BLOCK_SIZE));
      expect([without.position, changes(without)]).toEqual([0, {}]);
    }
  });
});

describe('the record', () => {
  it('costs what was written, and leaves the base and other images alone', () => {
    const base = numbered();
    const before = bytesOf(base);
    const device = new PowerCutDevice(base);
    write(device, 1, 101, 0, 3);
    flush(device);
    write(device, 1, 102);
    expect(device.bytesRecorded).toBe(4 * BLOCK_SIZE);
    expect([device.writes, device.flushes]).toEqual([2, 1]);
    const image = device.imageAfter(device.position, 'all');
    write(image, 5, 55);
    write(image, 1, 56);
    expect(after(device, 'all')).toEqual({ 1: 102, 2: 101, 3: 101 });
    expect(Buffer.compare(bytesOf(base), before)).toBe(0);
    expect(changes(device)).toEqual({ 1: 102, 2: 101, 3: 101 });
  });

  it('has the bytes as they were submitted', () => {
    const device = new PowerCutDevice(numbered());
    const memory = new Uint8Array(BLOCK_SIZE).fill(101);
    runSync(writeBytes(device, BLOCK_SIZE, memory));
    memory.fill(7);
    expect(after(device, 'all')).toEqual({ 1: 101 });
  });
});

/** Requests of a random program, over a device with completions in a random order, one request after another or many. */
async function randomProgram(seed: number): Promise<PowerCutDevice> {
  const random = seededRandom(seed);
  const shuffled = random.chance(0.5);
  const over = (live: BlockDevice): BlockDevice => (shuffled ? new ShuffleDevice(live, seed) : live);
  const device = new PowerCutDevice(numbered(), { over });
  let value = 100;
  for (let step = 0; step < 12; step++) {
    const block = random.below(6);
    const flags = (random.chance(0.15) ? BioFlag.FUA : 0) | (random.chance(0.15) ? BioFlag.PREFLUSH : 0);
    if (random.chance(0.2)) await runAsync(flushDevice(device));
    else await runAsync(writeBytes(device, block * BLOCK_SIZE, new Uint8Array(BLOCK_SIZE).fill(value++), flags));
  }
  return device;
}

describe('property: of every block the last durable write or a later one', () => {
  it('for random programs, cuts and seeds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.nat(), fc.nat(), async (seed, place, imageSeed) => {
        const device = await randomProgram(seed);
        const positions = device.cutPositions();
        const cut = positions[place % positions.length]!;
        const durable = values(device.imageAfter(cut, 'none'));
        const newest = values(device.imageAfter(cut, 'all'));
        const found = values(device.imageAfter(cut, 'subset', imageSeed));
        // Values grow with time, so "later" is "greater"; nothing is older than durable or newer than everything.
        for (const [block, value] of found.entries()) {
          expect(value).toBeGreaterThanOrEqual(durable[block]!);
          expect(value).toBeLessThanOrEqual(newest[block]!);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('the same image whatever was asked before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), async (seed, places) => {
        const one = await randomProgram(seed);
        const positions = one.cutPositions();
        for (const place of places) {
          const cut = positions[place % positions.length]!;
          const fresh = await randomProgram(seed);
          expect(values(one.imageAfter(cut, 'subset', place))).toEqual(values(fresh.imageAfter(cut, 'subset', place)));
          expect(values(one.imageAfter(cut, 'none'))).toEqual(values(fresh.imageAfter(cut, 'none')));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('after a flush that waited for everything nothing is loose', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer(), async (seed, imageSeed) => {
        const device = await randomProgram(seed);
        await runAsync(flushDevice(device));
        expect(device.looseAt(device.position)).toBe(0);
        for (const policy of powerCutPolicies) {
          expect(values(device.imageAfter(device.position, policy, imageSeed))).toEqual(
            values(device.imageAfter(device.position, 'all')),
          );
        }
      }),
      { numRuns: 40 },
    );
  });
});
