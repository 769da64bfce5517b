// What tests of several runs have in common: named sources, a codec that takes no time and says who called it, and whether everything
// that runs took is free.

import { expect } from 'vitest';
import { type Codec, CodecRegistry, type CompressBatch, lz4 } from '../src/index.ts';
import { arenaBytes, type TakenJob } from '../src/pool/job-board.ts';
import { TestBatch } from './pool-batch.ts';
import type { SharedHands, TransferHands } from './pool-hands.ts';

export const KIB = 1 << 10;
export const MIB = 1 << 20;

/** Sources in the order in which they were compressed, by the asker and by workers. */
export const here: string[] = [];
export const there: string[] = [];

export const nameOf = (source: Uint8Array): string => `${String.fromCharCode(source[0]!)}${source[1]}`;

/** What comes out depends on all that could be mixed up; one source in five does not fit. */
export const quick: Codec = {
  ...lz4,
  compress: (source, target, level = 99) => {
    (source.buffer instanceof SharedArrayBuffer ? there : here).push(nameOf(source));
    const [name, index] = source;
    if (index! % 5 === 4) return 0;
    const last = source.length - 1;
    const result = [name!, index!, level, source[last >> 1]!, source[last]!, source.length >> 8, source.length & 255];
    // Of no two sources of a run the same length.
    const length = Math.min(target.length, result.length + index!);
    target.fill(index!, 0, length);
    target.set(result);
    return length;
  },
};
export const codecs = new CodecRegistry();
codecs.register(quick);

/** Sources of a run, named A0, A1, …. */
function sourcesOf(name: string, count: number, bytes: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const source = new Uint8Array(bytes).fill(name.charCodeAt(0) + 3 * index, 2);
    source.set([name.charCodeAt(0), index]);
    return source;
  });
}

/** A batch in whose middle something may happen. */
export class NamedBatch extends TestBatch {
  between: () => void = () => {};

  constructor(name: string, count: number, bytes = 256 * KIB) {
    super(quick, sourcesOf(name, count, bytes), { level: name.charCodeAt(0) % 7, budget: bytes - 4096 });
  }

  override room(index: number): Uint8Array {
    this.between();
    return super.room(index);
  }
}

export const names = (text: string): string[] => (text === '' ? [] : text.split(' '));

/** Everything that jobs take is free: so much can be handed out as a pool has. */
export function expectFreeShared(hands: SharedHands): void {
  expect(hands.pool.workersReady).toBeGreaterThan(0);
  for (const [count, bytes, budget, fit] of [
    // All jobs, then all of the arena.
    [193, KIB, 512, 192],
    [3, 2 * MIB, 2 * MIB, 2],
  ] as const) {
    const sources = new Array(count).fill(new Uint8Array(bytes));
    const room = new Uint8Array(budget);
    const sink = { room: () => room, put: () => {} };
    const run = hands.pool.start({ codec: quick, level: undefined, budget, sources, sink });
    const taken: TakenJob[] = [];
    for (let job = hands.board.take(0); job !== undefined; job = hands.board.take(0)) taken.push(job);
    expect([bytes, taken.length]).toEqual([bytes, fit]);
    for (const { job } of taken) hands.board.give(job, 0);
    expect(run.work()).toBe(true);
  }
}

/** All memory that a pool may have can be sent. */
export function expectFreeTransfer(hands: TransferHands): void {
  for (const worker of hands.inbox.keys()) hands.work(worker);
  const ready = hands.pool.workersReady;
  expect(ready).toBeGreaterThan(0);
  const bytes = 256 * KIB;
  const fit = arenaBytes / bytes;
  const sources = new Array(Math.ceil((fit * (ready + 1)) / ready)).fill(new Uint8Array(bytes));
  const sink = { room: () => new Uint8Array(bytes), put: () => {} };
  const batch: CompressBatch = { codec: quick, level: undefined, budget: bytes, sources, sink };
  const run = hands.pool.start(batch);
  expect(hands.inbox.reduce((sum, { length }) => sum + length, 0)).toBe(fit);
  expect(hands.pool.bytesHeld).toBe(arenaBytes);
  for (const worker of hands.inbox.keys()) hands.work(worker);
  expect(run.work()).toBe(true);
  expect(hands.pool.bytesHeld).toBe(arenaBytes);
}
