import { describe, expect, it } from 'vitest';
import { fixedClock, seededRandom, systemClock, Tracer } from './index.ts';

declare module './tracer.ts' {
  interface TraceEvents {
    'test:event': { n: number };
  }
}

describe('Tracer', () => {
  it('is inactive while nobody listens', () => {
    const tracer = new Tracer();
    expect(tracer.active).toBe(false);
    const seen: number[] = [];
    const stop = tracer.listen((name, event) => {
      if (name === 'test:event') seen.push(event.n);
    });
    expect(tracer.active).toBe(true);
    tracer.emit('test:event', { n: 1 });
    stop();
    expect(tracer.active).toBe(false);
    tracer.emit('test:event', { n: 2 });
    expect(seen).toEqual([1]);
  });
});

describe('determinism', () => {
  it('the same seed gives the same numbers, another seed others', () => {
    const numbers = (seed: number): number[] => Array.from({ length: 8 }, seededRandom(seed).u32);
    expect(numbers(7)).toEqual(numbers(7));
    expect(numbers(7)).not.toEqual(numbers(8));
    expect(numbers(2 ** 40)).not.toEqual(numbers(0));
    expect(new Set(numbers(0)).size).toBe(8);
  });

  it('below and chance stay in range and cover it', () => {
    const random = seededRandom(1);
    const seen = new Set(Array.from({ length: 500 }, () => random.below(5)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4]);
    const hits = Array.from({ length: 1000 }, () => random.chance(0.25)).filter(Boolean).length;
    expect(hits).toBeGreaterThan(180);
    expect(hits).toBeLessThan(320);
  });

  it('clocks', () => {
    expect(fixedClock(5, 6).now()).toEqual({ seconds: 5, nanoseconds: 6 });
    const now = systemClock.now();
    expect(now.seconds).toBeGreaterThan(1_700_000_000);
    expect(now.nanoseconds).toBeLessThan(1_000_000_000);
  });
});
