import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AssertionError, EIO, ENODEV } from '@f2fskit/errno';
import { type Completion, Tracer } from '@f2fskit/task';
import { afterAll, describe, expect, it } from 'vitest';
import { type DeviceCapabilities, type DeviceUnderTest, deviceConformance } from './conformance.ts';
import {
  type Bio,
  BlobDevice,
  type BlockDevice,
  DeviceWrapper,
  endWithoutTransfer,
  FaultDevice,
  LatencyDevice,
  Lifetime,
  MemoryDevice,
  OverlayDevice,
  PartitionDevice,
  Plug,
  readOnlyDevice,
  SECTOR_SIZE,
  ShuffleDevice,
  StatisticsDevice,
  TracingDevice,
} from './index.ts';
import { FileDevice } from './node/index.ts';

const SIZE = 320 * 1024 + 3 * SECTOR_SIZE; // not a multiple of a block, a chunk or anything else
const content = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31) ^ (i >> 7));
content.fill(0, SIZE - SECTOR_SIZE);

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'block-conformance-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));
let files = 0;

function file(bytes: Uint8Array): string {
  const name = path.join(directory, `disk-${files++}`);
  fs.writeFileSync(name, bytes);
  return name;
}

/** A device that holds bios back until the end of the microtask, so that what is in flight together is merged. */
class PluggedDevice extends DeviceWrapper {
  readonly #plug: Plug;
  readonly #lifetime = new Lifetime();

  constructor(device: BlockDevice, segmentsMax: number) {
    super(device, { mode: 'async' });
    this.#plug = new Plug(device, { segmentsMax, bytesMax: 64 * 1024 });
  }

  submit(bio: Bio): void {
    const open = this.#lifetime.open;
    this.#lifetime.track(bio);
    if (open) {
      this.#plug.add(bio);
      void Promise.resolve().then(() => this.#plug.flush());
    } else endWithoutTransfer(this.mode, bio, ENODEV);
  }

  override close(): Completion {
    return this.#lifetime.close(() => this.device.close());
  }
}

const memory = (): MemoryDevice => MemoryDevice.from(content);
const sync: DeviceCapabilities = { mode: 'sync', writable: true, discards: true };
const async: DeviceCapabilities = { ...sync, mode: 'async' };

function over(make: () => BlockDevice): () => Promise<DeviceUnderTest> {
  return async () => ({ device: make(), content });
}

function onFile(mode: 'sync' | 'async', writable: boolean): () => Promise<DeviceUnderTest> {
  return async () => {
    const name = file(content);
    const device = FileDevice.open(name, { mode, writable });
    return { device, content, dispose: () => fs.rmSync(name) };
  };
}

const devices: Array<[name: string, factory: () => Promise<DeviceUnderTest>, capabilities: DeviceCapabilities]> = [
  ['memory', over(memory), sync],
  ['memory, empty', async () => ({ device: new MemoryDevice(256 * 1024) }), sync],
  ['memory, cloned', over(() => memory().clone()), sync],
  ['memory, read-only', over(() => MemoryDevice.from(content, { readOnly: true })), { ...sync, writable: false }],
  ['file, sync', onFile('sync', true), { ...sync, discards: false }],
  ['file, async', onFile('async', true), { ...async, discards: false }],
  ['file, sync, read-only', onFile('sync', false), { ...sync, writable: false, discards: false }],
  ['file, async, read-only', onFile('async', false), { ...async, writable: false, discards: false }],
  ['Blob', over(() => new BlobDevice(new Blob([content]))), { ...async, writable: false, discards: false }],
  ['read-only over memory', over(() => readOnlyDevice(memory())), { ...sync, writable: false, discards: false }],
  [
    'partition over memory',
    async () => {
      const disk = new Uint8Array(content.byteLength + 5 * SECTOR_SIZE).fill(0xee);
      disk.set(content, 3 * SECTOR_SIZE);
      const device = new PartitionDevice(MemoryDevice.from(disk), 3 * SECTOR_SIZE, content.byteLength);
      return { device, content };
    },
    sync,
  ],
  ['partition over shuffle', over(() => new PartitionDevice(new ShuffleDevice(memory(), 3), 0, SIZE)), async],
  [
    'read-only over shuffle',
    over(() => readOnlyDevice(new ShuffleDevice(memory(), 4))),
    { ...async, writable: false, discards: false },
  ],
  ['overlay', over(() => new OverlayDevice(readOnlyDevice(memory()))), { ...sync, discards: false }],
  [
    'overlay over shuffle',
    over(() => new OverlayDevice(new ShuffleDevice(memory(), 11))),
    { ...async, discards: false },
  ],
  ['statistics', over(() => new StatisticsDevice(memory())), sync],
  [
    'latency, virtual clock',
    async () => {
      const device = new LatencyDevice(memory(), { ticks: (bio) => 1 + (bio.offset % 7) });
      return { device, content, pump: () => device.drain() };
    },
    async,
  ],
  ['latency, microtasks', over(() => new LatencyDevice(memory(), { ticks: 3, clock: 'microtask' })), async],
  ['shuffle', over(() => new ShuffleDevice(memory(), 5)), async],
  [
    'shuffle, by hand',
    async () => {
      const device = new ShuffleDevice(memory(), 6, { automatic: false });
      return { device, content, pump: () => device.drain() };
    },
    async,
  ],
  ['fault, without rules', over(() => new FaultDevice(memory())), sync],
  [
    'fault, delays by chance',
    over(() => {
      const rules = [{ chance: 0.5, action: { kind: 'delay', microtasks: 5 } } as const];
      return new FaultDevice(memory(), rules, { mode: 'async', seed: 9 });
    }),
    async,
  ],
  [
    'tracing, with a listener',
    over(() => {
      const tracer = new Tracer();
      tracer.listen(() => {});
      return new TracingDevice(memory(), tracer);
    }),
    sync,
  ],
  ['plugged', over(() => new PluggedDevice(memory(), 16)), async],
  ['plugged, over shuffle', over(() => new PluggedDevice(new ShuffleDevice(memory(), 8), 1024)), async],
];

describe.each(devices)('%s', (_name, factory, capabilities) => {
  for (const each of deviceConformance(factory, capabilities)) it(each.name, each.run);
});

/** Runs one case against a device. */
async function run(name: string, make: () => BlockDevice, capabilities: DeviceCapabilities): Promise<void> {
  const found = deviceConformance(over(make), capabilities).find((each) => each.name === name);
  if (found === undefined) throw new Error(`no case is named ${name}`);
  await found.run();
}

/** A memory device of which one thing is broken. */
class BrokenDevice extends DeviceWrapper {
  readonly #breakage: (bio: Bio, next: (bio: Bio) => void) => void;

  constructor(breakage: (bio: Bio, next: (bio: Bio) => void) => void) {
    super(memory());
    this.#breakage = breakage;
  }

  submit(bio: Bio): void {
    this.#breakage(bio, (passed) => this.device.submit(passed));
  }
}

describe('the suite finds', () => {
  it.each<[string, (bio: Bio, next: (bio: Bio) => void) => void, string]>([
    [
      'a byte that is wrong',
      (bio, next) => {
        next(bio);
        if (bio.operation === 'read' && bio.size > 4096) bio.segments.at(-1)?.fill(1, 0, 1);
      },
      'reads at every sector alignment, into whole and into odd segments',
    ],
    [
      'a write that is lost when others are in flight',
      (bio, next) => (bio.operation === 'write' && bio.offset % 9 === 4 ? bio.end() : next(bio)),
      'has many writes in flight',
    ],
    [
      'a refusal that is a different error',
      (bio, next) => (bio.offset > SIZE ? bio.end(22) : next(bio)),
      'refuses reads beyond its end with EIO, also when they begin before it',
    ],
    [
      'a request that is changed under the caller',
      (bio, next) => {
        bio.flags |= 1;
        next(bio);
      },
      'flushes',
    ],
    ['a flush that fails', (bio, next) => (bio.operation === 'flush' ? bio.end(EIO) : next(bio)), 'flushes'],
    [
      'a discard that is dropped',
      (bio, next) => (bio.operation === 'discard' ? bio.end() : next(bio)),
      'discards: zeros afterwards, or nothing changed, as it claims; never a byte beside the range',
    ],
    [
      'a sync device that ends later',
      (bio, next) => void Promise.resolve().then(() => next(bio)),
      'reads what is there at the start',
    ],
  ])('%s', async (_what, breakage, name) => {
    await expect(run(name, () => new BrokenDevice(breakage), sync)).rejects.toThrow(AssertionError);
    await run(name, memory, sync);
  });

  it('a claim that is not true', async () => {
    const properties = 'has the properties that it claims';
    for (const claim of [{ discards: false }, { writable: false }, { mode: 'async' }] as const) {
      await expect(run(properties, memory, { ...sync, ...claim })).rejects.toThrow(AssertionError);
    }
    await expect(run('reads what is there at the start', memory, async)).rejects.toThrow(
      'ended when submit of a async',
    );
  });
});
