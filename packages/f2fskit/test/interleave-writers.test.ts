// Writers, readers, truncation and writeback of the same files beside each other, over a device that ends requests in any order, on
// both engines and with folios of several orders: readers see what was there or what came meanwhile, files hold what their models
// hold, and the cache is sound between any two steps.

import { interleave, type Run } from './interleave/interleaved.ts';
import type { World, WorldFile } from './interleave/world.ts';

/** Little is dirty before somebody writes it. */
const EAGER = { dirtyBytesBackground: 64 << 10 };

/** Rounds of a race, with a rest behind each. */
function rounds(run: Run, world: World, count: number, race: () => void): void {
  for (let round = 0; round < count; round++) {
    race();
    if (run.oneIn(2)) world.syncAtRest();
  }
  world.leave();
}

function fileOf(run: Run, world: World): WorldFile {
  const file = world.create('file', run.oneIn(4) ? 0 : 5000 + run.random.below(run.span));
  if (run.oneIn(2)) world.syncAtRest();
  if (run.oneIn(2)) file.inode.evict();
  return file;
}

interleave('a writer against truncation', (run) => {
  const world = run.start(run.oneIn(2) ? { cache: EAGER } : {});
  const file = fileOf(run, world);
  rounds(run, world, 3, () =>
    world.race({
      writer: run.writes(world, file, 14),
      truncation: run.cuts(world, file, 10),
      reader: run.reads(world, file, 10),
      fsync: run.fsyncs(world, file, 4, { cut: 0.3 }),
      sync: run.syncs(world, 2, { cut: 0.3 }),
      'power cuts': run.powerCuts(world, 1),
    }),
  );
});

interleave('a writer against writeback in the background', (run) => {
  const world = run.start({ cache: EAGER, flusher: true });
  const file = fileOf(run, world);
  const cursor = file.inode.errorCursor();
  rounds(run, world, 3, () =>
    world.race({
      writer: run.writes(world, file, 20),
      background: run.times(12, () => file.inode.syncRange(cursor, 'start', run.position(file), run.span * 2)),
      waiting: run.times(4, () => file.inode.syncRange(cursor, run.oneIn(2) ? 'wait' : 'write', 0, run.span * 2)),
      reader: run.reads(world, file, 10),
    }),
  );
});

interleave('two writers and readers of one file', (run) => {
  const world = run.start();
  const file = fileOf(run, world);
  rounds(run, world, 2, () =>
    world.race({
      'one writer': run.writes(world, file, 14),
      'other writer': run.writes(world, file, 14),
      'one reader': run.reads(world, file, 14),
      'other reader': run.reads(world, file, 14),
      sync: run.syncs(world, 3),
      evictions: run.evictions(file, 30),
    }),
  );
});

interleave('writes past the cache beside others', (run) => {
  const world = run.start({ failChance: run.oneIn(3) ? 0.05 : 0 });
  const file = fileOf(run, world);
  const block = (): number => 4096 * run.random.below(Math.floor(run.span / 4096));
  const direct = run.times.bind(run, 12, () =>
    world.write(file, block(), 4096 * (1 + run.random.below(run.oneIn(4) ? 40 : 4)), 'direct'),
  );
  rounds(run, world, 3, () =>
    world.race({
      direct: direct(),
      writer: run.writes(world, file, 10),
      reader: run.reads(world, file, 16),
      truncation: run.cuts(world, file, 3),
      sync: run.syncs(world, 3),
      evictions: run.evictions(file, 20),
    }),
  );
});

interleave('several files in the smallest cache', (run) => {
  const flusher = run.oneIn(2);
  const world = run.start({ cache: { budgetBytes: 4 << 20 }, flusher });
  // Together more than there is room for.
  const files = Array.from({ length: 4 }, (_, index) => world.create(`file ${index}`, 1_600_000));
  rounds(run, world, 1, () =>
    world.race(
      Object.fromEntries(
        files.flatMap((file) => [
          [`writer of ${file.name}`, run.times(4, () => world.write(file, run.random.below(1_500_000), 60_000))],
          [`reader of ${file.name}`, run.times(4, () => world.read(file, run.random.below(1_500_000), 200_000))],
        ]),
      ),
    ),
  );
});
