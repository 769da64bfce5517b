// Compressed files in races: writers against each other, cuts, flusher passes, fsyncs, readers and reclaim, over a device that ends
// requests in any order, by both engines, with clusters tiled by small folios, in folios of their own and in larger ones.
//
//   F2FSKIT_SEED=N, F2FSKIT_CASES=N, F2FSKIT_FULL=1

import { describe, it } from 'vitest';
import { ClusterRace, type RaceFile } from './cluster-race.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 4 : 1));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: CASES }, (_, index) => SEED + index);

/** Clusters that a file has at most. */
const CLUSTERS = 10;

/** By log2 of the cluster: the orders below, at and above it; with an encoder that does what it is asked at once, or later. */
const sizes = [
  ['page', 9, 2, 'inline'],
  ['iomap', 0, 2, 'inline'],
  ['iomap', 1, 2, 'inline'],
  ['iomap', 2, 2, 'inline'],
  ['iomap', 9, 2, 'inline'],
  ['page', 9, 4, 'inline'],
  ['iomap', 3, 4, 'inline'],
  ['iomap', 9, 4, 'inline'],
  ['iomap', 0, 2, 'overlapping'],
  ['iomap', 1, 2, 'overlapping'],
  ['iomap', 2, 2, 'overlapping'],
  ['iomap', 9, 2, 'overlapping'],
  ['iomap', 0, 4, 'overlapping'],
  ['iomap', 3, 4, 'overlapping'],
  ['iomap', 9, 4, 'overlapping'],
  ['page', 9, 2, 'overlapping'],
] as const;

interface Actions {
  write(): ReturnType<ClusterRace['write']>;
  cut(): ReturnType<ClusterRace['truncate']>;
  flush(): ReturnType<ClusterRace['flush']>;
  read(): ReturnType<ClusterRace['read']>;
}

function actionsOf(race: ClusterRace, file: RaceFile): Actions {
  const { random } = race;
  const place = (): number => race.position(file, CLUSTERS);
  return {
    write: () => {
      if (random.chance(0.15)) return race.write(file, 'end', race.length());
      const { size } = file.model;
      if (random.chance(0.25) && size > 0) {
        const at = random.below(size);
        return race.dirty(file, at, 1 + random.below(Math.min(9000, size - at)));
      }
      return race.write(file, place(), race.length());
    },
    cut: () => race.truncate(file, place()),
    flush: () => (random.chance(0.7) ? race.flush : race.writeBack).call(race, file, place(), place() + 3 * race.bytes),
    read: () => race.read(file, place(), race.length()),
  };
}

const scenarios: Record<string, { failChance?: number; run: (race: ClusterRace) => void }> = {
  'two writers, cuts, a flusher and readers of one file': {
    run: (race) => {
      const file = race.create('file', race.random.below(CLUSTERS));
      const { write, cut, flush, read } = actionsOf(race, file);
      for (let round = 0; round < 2; round++) {
        race.race({
          'one writer': race.times(10, write),
          'other writer': race.times(10, write),
          cuts: race.times(6, cut),
          flusher: race.times(12, flush),
          reader: race.times(10, read),
          evictions: race.times(20, () => race.evict(file)),
        });
      }
    },
  },
  'fsyncs and power cuts beside writers and cuts': {
    run: (race) => {
      const file = race.create('file', race.random.below(CLUSTERS));
      const { write, cut, flush } = actionsOf(race, file);
      race.race({
        writer: race.times(14, write),
        cuts: race.times(8, cut),
        flusher: race.times(10, flush),
        fsyncs: race.times(3, () => race.fsync(file)),
        syncs: race.times(3, () => race.volume.sync()),
        power: race.cuts(4),
      });
    },
  },
  'reads of payload that fail': {
    failChance: 0.15,
    run: (race) => {
      const file = race.create('file', CLUSTERS);
      race.do(race.volume.sync());
      file.inode.evict();
      const { write, cut, flush, read } = actionsOf(race, file);
      race.race({
        writer: race.times(14, write),
        other: race.times(8, write),
        cuts: race.times(4, cut),
        flusher: race.times(8, flush),
        reader: race.times(10, read),
        evictions: race.times(20, () => race.evict(file)),
      });
    },
  },
  'several files in the smallest cache': {
    run: (race) => {
      const blocks = race.bytes / 4096;
      const files = Array.from({ length: 3 }, (_, index) => race.create(`file ${index}`, 384 / blocks));
      race.race(
        Object.fromEntries(
          files.flatMap((file) => {
            const anywhere = (): number => race.random.below(file.model.size);
            return [
              [`writer of ${file.name}`, race.times(6, () => race.write(file, anywhere(), race.length()))],
              [`stores to ${file.name}`, race.times(4, () => race.dirty(file, Math.floor(anywhere() / 2), 9000))],
              [`reader of ${file.name}`, race.times(4, () => race.read(file, anywhere(), 300_000))],
              [`flusher of ${file.name}`, race.times(3, () => race.flush(file, 0, Number.POSITIVE_INFINITY))],
              [`fsync of ${file.name}`, race.writeBack(file, 0, Number.POSITIVE_INFINITY)],
            ];
          }),
        ),
      );
    },
  },
};

let declared = 0;
for (const [name, { failChance = 0, run }] of Object.entries(scenarios)) {
  const turn = declared++;
  describe(name, () => {
    for (const [index, [bufferedIo, orderMax, logClusterSize, encoder]] of sizes.entries()) {
      // In the short run some sizes of each: all of them over the scenarios.
      if (!FULL && process.env['F2FSKIT_CASES'] === undefined && (index + turn) % (encoder === 'inline' ? 2 : 4) !== 0)
        continue;
      it.each(seeds)(
        `engine ${bufferedIo}, folios up to order ${orderMax}, clusters of 2^${logClusterSize}, ${encoder} encoder, seed %i`,
        (seed) => {
          const judge = FULL || (seed === SEED && index === turn);
          try {
            const overlapping = encoder === 'overlapping';
            const race = new ClusterRace({
              seed,
              bufferedIo,
              orderMax,
              logClusterSize,
              overlapping,
              failChance,
              judge,
            });
            run(race);
            race.leave();
          } catch (error) {
            const replay = `F2FSKIT_SEED=${seed} F2FSKIT_CASES=1 pnpm --filter f2fskit test interleave-clusters -t '${name}'`;
            throw new Error(`${(error as Error).message}\nreplay: ${replay}`, { cause: error });
          }
        },
      );
    }
  });
}
