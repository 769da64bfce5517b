// What a run costs, counted and never timed: requests, bytes, decoded clusters, cached blocks looked at, memory asked for.
// Every count has a limit. Going over one throws at once, an error that is no FsError and that nobody below catches, so a
// loop without end becomes a failure with a name.

import { type Bio, type BlockDevice, DeviceWrapper } from '@f2fskit/block';
import type { Tracer } from '@f2fskit/task';

export const costs = [
  'bios',
  'deviceBytes',
  'blockLookups',
  'nodes',
  'clusters',
  'entries',
  'problems',
  'fileBytes',
  'allocatedBytes',
  'largestAllocation',
] as const;
export type Cost = (typeof costs)[number];
export type Costs = Record<Cost, number>;

export class LimitExceeded extends Error {
  constructor(cost: Cost, limit: number) {
    super(`more ${cost} than ${limit}`);
    this.name = 'LimitExceeded';
  }
}

export class Meter {
  readonly counts = Object.fromEntries(costs.map((cost) => [cost, 0])) as Costs;
  readonly #limits: Partial<Costs>;

  constructor(limits: Partial<Costs>) {
    this.#limits = limits;
  }

  add(cost: Cost, amount = 1): void {
    this.counts[cost] += amount;
    this.#check(cost);
  }

  atLeast(cost: Cost, amount: number): void {
    this.counts[cost] = Math.max(this.counts[cost], amount);
    this.#check(cost);
  }

  #check(cost: Cost): void {
    const limit = this.#limits[cost];
    if (limit !== undefined && this.counts[cost] > limit) throw new LimitExceeded(cost, limit);
  }
}

/** Counts requests and their bytes. Over the limit `submit` throws, against the contract of devices: nothing goes on. */
export class MeteredDevice extends DeviceWrapper {
  readonly #meter: Meter;

  constructor(device: BlockDevice, meter: Meter) {
    super(device);
    this.#meter = meter;
  }

  submit(bio: Bio): void {
    this.#meter.add('bios');
    this.#meter.add('deviceBytes', bio.size);
    this.device.submit(bio);
  }
}

export function meterTracer(tracer: Tracer, meter: Meter): void {
  tracer.listen((name) => {
    if (name === 'node:read') meter.add('nodes');
    if (name === 'cluster:read') meter.add('clusters');
  });
}

/** Counts looks into the cache as well: a walk in circles over cached blocks reads nothing. */
export function meterCache<Found>(cache: { peek(address: number): Found }, meter: Meter): void {
  const peek = cache.peek.bind(cache);
  cache.peek = (address) => {
    meter.add('blockLookups');
    return peek(address);
  };
}

/**
 * Runs `body` and counts the bytes of every new Uint8Array that is not a window on another one. The constructor is
 * replaced meanwhile; copies made by `slice` are not seen, but these are never larger than what they copy.
 */
export function meterAllocations<T>(meter: Meter, body: () => T): T {
  const original = globalThis.Uint8Array;
  const counting: Uint8ArrayConstructor = new Proxy(original, {
    construct(target, args, newTarget) {
      const [first] = args as [unknown];
      if (!(first instanceof ArrayBuffer)) {
        const bytes = typeof first === 'number' ? first : ((first as { length?: number } | undefined)?.length ?? 0);
        meter.atLeast('largestAllocation', bytes);
        meter.add('allocatedBytes', bytes);
      }
      return Reflect.construct(target, args, newTarget === counting ? target : newTarget);
    },
  });
  globalThis.Uint8Array = counting;
  try {
    return body();
  } finally {
    globalThis.Uint8Array = original;
  }
}
