// Random requests against an array of bytes: every device, and the plug, must do what the array does.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EINVAL, EIO, EROFS } from '@f2fskit/errno';
import { runAsync, Tracer, waitAll } from '@f2fskit/task';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type Bio,
  type BioOperation,
  BlobDevice,
  type BlockDevice,
  closeDevice,
  discardBio,
  FaultDevice,
  flushBio,
  LatencyDevice,
  MemoryDevice,
  PartitionDevice,
  Plug,
  readBio,
  readOnlyDevice,
  ShuffleDevice,
  StatisticsDevice,
  TracingDevice,
  writeBio,
} from './index.ts';
import { FileDevice } from './node/index.ts';

const SECTORS = 48;
const SIZE = SECTORS * 512;
const content = Uint8Array.from({ length: SIZE }, (_, i) => (i * 13) ^ (i >> 8));

/** A request as data: sectors may lie outside, `skew` makes it misaligned, `cuts` cut its memory. */
interface Request {
  operation: BioOperation;
  sector: number;
  sectors: number;
  skew: number;
  flags: number;
  cuts: number[];
  value: number;
}

const request: fc.Arbitrary<Request> = fc.record({
  operation: fc.constantFrom<BioOperation>('read', 'read', 'read', 'write', 'write', 'write', 'flush', 'discard'),
  sector: fc.integer({ min: -1, max: SECTORS + 1 }),
  sectors: fc.nat(12),
  skew: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  flags: fc.constantFrom(0, 0, 0, 0, 1, 2, 4, 8, 12),
  cuts: fc.array(fc.nat(6 * 512), { maxLength: 4 }),
  value: fc.integer({ min: 1, max: 255 }),
});

/** Requests for pieces that lie side by side, in any order: what a plug is for. */
const run: fc.Arbitrary<Request[]> = fc
  .record({
    operation: fc.constantFrom<BioOperation>('read', 'write', 'write', 'discard'),
    sector: fc.nat(SECTORS),
    lengths: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 8 }),
    descending: fc.boolean(),
    value: fc.integer({ min: 1, max: 255 }),
  })
  .map(({ operation, sector, lengths, descending, value }) => {
    let at = sector;
    const pieces = lengths.map((sectors, i) => {
      const piece = { operation, sector: at, sectors, skew: 0, flags: 0, cuts: [100], value: value + i };
      at += sectors;
      return piece;
    });
    return descending ? pieces.reverse() : pieces;
  });

/** Single requests and runs, mixed. */
const requestList: fc.Arbitrary<Request[]> = fc
  .array(fc.oneof({ arbitrary: request.map((one) => [one]), weight: 3 }, { arbitrary: run, weight: 1 }), {
    maxLength: 20,
  })
  .map((lists) => lists.flat());

function build({ operation, sector, sectors, skew, flags, cuts, value }: Request): Bio {
  const offset = sector * 512 + skew;
  if (operation === 'flush') return flushBio();
  if (operation === 'discard') return discardBio(offset, sectors * 512);
  const points = [0, ...cuts.filter((cut) => cut < sectors * 512).sort((a, b) => a - b), sectors * 512];
  const segments = points.slice(1).map((point, i) => {
    const memory = new Uint8Array(point - points[i]!);
    return operation === 'read' ? memory.fill(0xa5) : memory.map((_, at) => value + points[i]! + at);
  });
  return operation === 'read' ? readBio(offset, segments, flags) : writeBio(offset, segments, flags);
}

const joined = (bio: Bio): Uint8Array => Buffer.concat(bio.segments);

/** What must come of a request: an error number, and for a read the bytes. Not taken from the code, but said again. */
function model(
  bytes: Uint8Array,
  bio: Bio,
  readOnly: boolean,
  discards: boolean,
): { error: number; read?: Uint8Array } {
  if (bio.operation === 'flush') return { error: 0 };
  if (bio.offset < 0 || bio.offset % 512 !== 0) return { error: EINVAL };
  if (bio.operation !== 'read' && readOnly) return { error: EROFS };
  if (bio.offset + bio.size > bytes.byteLength) return { error: EIO };
  if (bio.operation === 'read') return { error: 0, read: bytes.slice(bio.offset, bio.offset + bio.size) };
  if (bio.operation === 'write') bytes.set(joined(bio), bio.offset);
  else if (discards) bytes.fill(0, bio.offset, bio.offset + bio.size);
  return { error: 0 };
}

const overlap = (a: Bio, b: Bio): boolean =>
  (a.operation !== 'read' || b.operation !== 'read') && a.offset < b.endOffset && b.offset < a.endOffset;

/** Groups of requests that may be in flight together: none overlaps another, unless both read. */
function waves(bios: Bio[]): Bio[][] {
  const result: Bio[][] = [[]];
  for (const bio of bios) {
    if (result.at(-1)!.some((other) => overlap(bio, other))) result.push([]);
    result.at(-1)!.push(bio);
  }
  return result;
}

interface Wired {
  device: BlockDevice;
  /** How a wave is submitted; straight to the device unless a plug is in between. */
  submit?: (bios: Bio[]) => void;
}

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'block-property-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));

function file(mode: 'sync' | 'async', writable = true): Wired {
  const name = path.join(directory, 'disk');
  fs.writeFileSync(name, content);
  return { device: FileDevice.open(name, { mode, writable }) };
}

function plugged(device: BlockDevice): Wired {
  const plug = new Plug(device, { bytesMax: 16 * 512, segmentsMax: 7 });
  return {
    device,
    submit(bios) {
      for (const bio of bios) plug.add(bio);
      plug.flush();
    },
  };
}

const memory = (): MemoryDevice => MemoryDevice.from(content);
const listening = (): Tracer => {
  const tracer = new Tracer();
  tracer.listen(() => {});
  return tracer;
};

const devices: Array<[name: string, make: (seed: number) => Wired]> = [
  ['memory', () => ({ device: memory() })],
  ['memory clone', () => ({ device: memory().clone() })],
  ['read-only', () => ({ device: readOnlyDevice(memory()) })],
  ['statistics', () => ({ device: new StatisticsDevice(memory()) })],
  ['tracing', () => ({ device: new TracingDevice(memory(), listening()) })],
  ['latency', () => ({ device: new LatencyDevice(memory(), { clock: 'microtask', ticks: (bio) => bio.offset % 5 }) })],
  ['shuffle', (seed) => ({ device: new ShuffleDevice(memory(), seed) })],
  ['Blob', () => ({ device: new BlobDevice(new Blob([content])) })],
  ['file, sync', () => file('sync')],
  ['file, async', () => file('async')],
  ['file, read-only', () => file('async', false)],
  [
    'partition',
    () => {
      const disk = new Uint8Array(SIZE + 7 * 512).fill(0xee);
      disk.set(content, 4 * 512);
      return { device: new PartitionDevice(MemoryDevice.from(disk), 4 * 512, SIZE) };
    },
  ],
  [
    'fault, with delays',
    (seed) => {
      const rules = [{ chance: 0.3, action: { kind: 'delay', microtasks: 4 } } as const];
      return { device: new FaultDevice(memory(), rules, { seed, mode: 'async' }) };
    },
  ],
  ['plug over memory', () => plugged(memory())],
  ['plug over shuffle', (seed) => plugged(new ShuffleDevice(memory(), seed))],
  ['plug over file, sync', () => plugged(file('sync').device)],
];

describe.each(devices)('%s', (_name, make) => {
  it('does with random requests, in flight together, what an array of bytes does', async () => {
    await fc.assert(
      fc.asyncProperty(requestList, fc.nat(), async (requests, seed) => {
        const { device, submit } = make(seed);
        const expected = content.slice();
        for (const wave of waves(requests.map(build))) {
          const results = wave.map((bio) => model(expected, bio, device.readOnly, device.canDiscard));
          if (submit === undefined) for (const bio of wave) device.submit(bio);
          else submit(wave);
          await runAsync(waitAll(wave.map((bio) => bio.completion)));
          wave.forEach((bio, i) => {
            const { error, read } = results[i]!;
            expect([bio.completion.error, bio.residual]).toEqual([error, error === 0 ? 0 : bio.size]);
            if (read !== undefined) expect(Buffer.compare(joined(bio), read)).toBe(0);
            else if (bio.operation === 'read') expect(joined(bio).every((byte) => byte === 0xa5)).toBe(true);
          });
        }
        const all = readBio(0, [new Uint8Array(SIZE)]);
        device.submit(all);
        await runAsync(waitAll([all.completion]));
        expect(Buffer.compare(all.segments[0]!, expected)).toBe(0);
        await runAsync(closeDevice(device));
      }),
      { numRuns: 30 },
    );
  });
});

describe('Plug over a sync device', () => {
  it('does the same as no plug, overlaps and barriers included, in fewer requests for the same bytes', () => {
    let merges = 0;
    fc.assert(
      fc.property(requestList, fc.integer({ min: 2, max: 30 }), (requests, segmentsMax) => {
        const expected = content.slice();
        const disk = memory();
        const counted = new StatisticsDevice(disk);
        const plug = new Plug(counted, { segmentsMax, bytesMax: segmentsMax * 512 });
        const bios = requests.map(build);
        const results = bios.map((bio) => model(expected, bio, false, true));
        for (const bio of bios) plug.add(bio);
        plug.flush();
        bios.forEach((bio, i) => {
          const { error, read } = results[i]!;
          expect(bio.completion.done).toBe(true);
          expect([bio.completion.error, bio.residual]).toEqual([error, error === 0 ? 0 : bio.size]);
          if (read !== undefined) expect(Buffer.compare(joined(bio), read)).toBe(0);
        });
        expect(Buffer.compare(disk.toBytes(), expected)).toBe(0);

        const statistics = counted.snapshot();
        const total = (operation: BioOperation): number =>
          bios.filter((bio) => bio.operation === operation).reduce((bytes, bio) => bytes + bio.size, 0);
        let submitted = 0;
        for (const operation of ['read', 'write', 'flush', 'discard'] as const) {
          expect(statistics[operation].bytes).toBe(total(operation));
          submitted += statistics[operation].bios;
        }
        expect([plug.flushed, plug.submitted]).toEqual([bios.length, submitted]);
        merges += plug.merges;
      }),
      { numRuns: 150 },
    );
    expect(merges).toBeGreaterThan(150);
  });
});

describe('a device that fails at random', () => {
  it('each request ends with an error or the right bytes, and what is refused is refused all the same', async () => {
    let failures = 0;
    await fc.assert(
      fc.asyncProperty(requestList, fc.nat(), async (requests, seed) => {
        const disk = memory();
        const device = new ShuffleDevice(disk, seed, { failChance: 0.2 });
        const expected = content.slice();
        for (const wave of waves(requests.map(build))) {
          const before = expected.slice();
          for (const bio of wave) device.submit(bio);
          await runAsync(waitAll(wave.map((bio) => bio.completion)));
          for (const bio of wave) {
            const { error, read } = model(expected, bio, false, true);
            if (error !== 0) expect(bio.completion.error).toBe(error);
            else if (bio.completion.error === 0) {
              if (read !== undefined) expect(Buffer.compare(joined(bio), read)).toBe(0);
            } else {
              // A write happened up to some block, a discard not at all: go on with what is there, if it is possible.
              expect([bio.completion.error, bio.residual]).toEqual([EIO, bio.size]);
              if (bio.operation === 'write' || bio.operation === 'discard') {
                const found = disk.toBytes(bio.offset, bio.size);
                const written = bio.operation === 'write' ? joined(bio) : new Uint8Array(0);
                expect(prefixes(bio, before, written)).toContainEqual([...found]);
                expected.set(found, bio.offset);
              }
            }
          }
        }
        expect(Buffer.compare(disk.toBytes(), expected)).toBe(0);
        failures += device.failures;
      }),
      { numRuns: 30 },
    );
    expect(failures).toBeGreaterThan(20);
  });
});

/** Every content that a failed write may leave in its range: new up to a block boundary, old from there. */
function prefixes(bio: Bio, before: Uint8Array, written: Uint8Array): number[][] {
  const old = before.slice(bio.offset, bio.endOffset);
  const ends = [0, written.byteLength];
  for (let end = 4096 - (bio.offset % 4096); end < written.byteLength; end += 4096) ends.push(end);
  return ends.map((end) => [...written.subarray(0, end), ...old.subarray(end)]);
}
