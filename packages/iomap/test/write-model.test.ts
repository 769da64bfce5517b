// Random work on a file that is written through the cache, against its model, with folios of any size.

import { ShuffleDevice } from '@f2fskit/block';
import { PAGE_SIZE } from '@f2fskit/pagecache';
import { runSync, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BytesSource } from '../src/index.ts';
import { expectBytes, pattern, TOY_BLOCKS, WritableToy } from './writable-toy.ts';
import { expectModel, foliosOf } from './write-checks.ts';

describe('against a model', () => {
  const SIZE_MAX = 60 * PAGE_SIZE;
  const position = fc.oneof(
    fc.nat({ max: SIZE_MAX }),
    fc
      .tuple(fc.nat({ max: 59 }), fc.integer({ min: -2, max: 2 }))
      .map(([page, near]) => Math.max(0, page * PAGE_SIZE + near)),
  );
  const step = fc.record({
    action: fc.constantFrom('write', 'write', 'write', 'short write', 'read', 'truncate', 'flush', 'drop', 'flush'),
    position,
    length: fc.oneof(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 40 * PAGE_SIZE }),
      fc.integer({ min: 1, max: 20 }).map((pages) => pages * PAGE_SIZE),
    ),
  });
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
  const steps = fc.array(step, { maxLength: 14, size: 'max' });

  function* carryOut(file: WritableToy, { action, position, length }: Step, seed: number): Task<unknown> {
    switch (action) {
      case 'write':
        return yield* file.pwrite(position, pattern(length, seed), {
          valid: ({ cookie }) => cookie === file.generation,
        });
      case 'short write': {
        const bytes = pattern(length, seed);
        const source = new BytesSource(bytes);
        const random = seededRandom(seed);
        const copy = source.copy.bind(source);
        source.copy = (at, target) =>
          copy(at, target.subarray(0, random.chance(0.7) ? target.length : random.below(target.length)));
        return yield* file.pwrite(position, bytes, {}, source);
      }
      case 'read':
        return yield* file.pread(position, length);
      case 'truncate':
        return yield* file.truncate(position);
      case 'flush':
        return yield* file.flush();
      default:
        return file.mapping.dropUnused();
    }
  }

  it('folio sizes and runs never change what a file holds, what a call returns, or which blocks are dirty (I-13, I-20, I-21)', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const outcomes = (
          [
            [0, TOY_BLOCKS],
            [4, 3],
            [9, TOY_BLOCKS],
          ] as const
        ).map(([orderMax, runBlocks]) => {
          const file = new WritableToy({ orderMax, runBlocks });
          const outcome: unknown[] = [];
          for (const [index, each] of list.entries()) {
            const result = runSync(carryOut(file, each, index));
            if (result instanceof Uint8Array) {
              expectBytes(result, file.model.subarray(each.position, each.position + each.length));
            } else outcome.push(result);
            outcome.push(file.size, file.mapping.dirtyBlocks);
            expect(file.problems()).toEqual([]);
          }
          expectModel(file);
          return outcome;
        });
        for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
      }),
      { numRuns: 60 },
    );
  });

  it('several at once, on a device that takes its time: nothing is lost or stuck (I-2, I-20 to I-28, I-73, H4 to H7, H9)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 2, maxLength: 3 }),
        fc.nat(),
        fc.constantFrom(0, 4, 9),
        fc.constantFrom(3, TOY_BLOCKS),
        async (clients, seed, orderMax, runBlocks) => {
          const file = new WritableToy({ orderMax, runBlocks, device: (below) => new ShuffleDevice(below, seed) });
          const scheduler = new Scheduler('async');
          await Promise.all(
            clients.map(async (list, client) => {
              for (const [index, each] of list.entries()) {
                await scheduler.run(carryOut(file, each, client * 100 + index));
              }
            }),
          );
          for (
            let turn = 0;
            turn < 200 && foliosOf(file.mapping).some(({ locked, writeback }) => locked || writeback);
            turn++
          ) {
            await new Promise((resolve) => setImmediate(resolve));
          }
          expect(file.problems()).toEqual([]);
          expectBytes(await scheduler.run(file.pread(0, file.size + 10)), file.model);
          await scheduler.run(file.flush());
          file.mapping.dropUnused();
          expectBytes(await scheduler.run(file.pread(0, file.size + 10)), file.model);
        },
      ),
      { numRuns: 60 },
    );
  });
});
