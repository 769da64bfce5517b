// What a filesystem would otherwise take from the world: time and chance. Both are injected, so that the same inputs give
// the same bytes and a seed replays a run.

/** Wall-clock time as filesystems store it. */
export interface Clock {
  /** Seconds since 1970 and nanoseconds within the second. */
  now(): { seconds: number; nanoseconds: number };
}

/** The host's clock, to the millisecond. */
export const systemClock: Clock = {
  now() {
    const ms = Date.now();
    const seconds = Math.floor(ms / 1000);
    return { seconds, nanoseconds: (ms - seconds * 1000) * 1_000_000 };
  },
};

/** A clock that stands still until it is set. */
export function fixedClock(seconds: number, nanoseconds = 0): Clock {
  return { now: () => ({ seconds, nanoseconds }) };
}

/** A source of random numbers. Not for secrets. */
export interface RandomSource {
  /** An integer in [0, 2^32). */
  u32(): number;
  /** An integer in [0, limit), limit <= 2^32. */
  below(limit: number): number;
  /** True with probability `chance`. */
  chance(chance: number): boolean;
}

/**
 * A seeded generator (sfc32, by Chris Doty-Humphrey): the same seed gives the same numbers on every engine. The seed is
 * any integer; print it with a failure.
 */
export function seededRandom(seed: number): RandomSource {
  let a = seed | 0;
  let b = Math.floor(seed / 0x1_0000_0000) | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const u32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) u32(); // mix the seed in
  return {
    u32,
    below: (limit) => Math.floor((u32() / 0x1_0000_0000) * limit),
    chance: (chance) => u32() < chance * 0x1_0000_0000,
  };
}
