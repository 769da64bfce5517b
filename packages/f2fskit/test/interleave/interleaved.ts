// How an interleaving test is declared: a scenario, run for both engines and several orders of folios, from several seeds.
//
//   F2FSKIT_SEED=N    the first seed
//   F2FSKIT_CASES=N   seeds for each scenario and engine; every engine
//   F2FSKIT_FULL=1    more of them, and fsck.f2fs judges what is left

import { type RandomSource, seededRandom, type Task } from '@f2fskit/task';
import { describe, it } from 'vitest';
import { breathe } from './seeded-scheduler.ts';
import { ENGINES, type Engine, World, type WorldFile, type WorldOptions } from './world.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (FULL ? 2 : 1));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: CASES }, (_, index) => SEED + index);

/** One run of a scenario. */
export class Run {
  readonly seed: number;
  readonly engine: Engine;
  readonly random: RandomSource;
  /** Bytes that a file has about: some folios of the highest order. */
  readonly span: number;

  constructor(seed: number, engine: Engine) {
    this.seed = seed;
    this.engine = engine;
    this.random = seededRandom(seed + 0x3_0000_0000);
    this.span = engine.orderMax === 9 ? 2_600_000 : engine.orderMax === 4 ? 400_000 : 150_000;
  }

  start(options: Partial<WorldOptions> = {}): World {
    return new World({ seed: this.seed, engine: this.engine, judge: FULL, ...options });
  }

  oneIn(count: number): boolean {
    return this.random.below(count) === 0;
  }

  /** A place in a file, often at an edge of a block, or near its end. */
  position({ model }: WorldFile): number {
    const { random, span } = this;
    const at = random.below(4) === 0 ? model.size + random.below(9000) - 4500 : random.below(span);
    const edge = random.below(3) === 0 ? Math.floor(at / 4096) * 4096 + random.below(3) - 1 : at;
    return Math.max(0, Math.min(edge, span));
  }

  /** A number of bytes: few, some blocks, or many. */
  length(): number {
    const { random, span } = this;
    switch (random.below(5)) {
      case 0:
        return 1 + random.below(200);
      case 1:
        return 4096 * (1 + random.below(8));
      case 2:
        return 1 + random.below(Math.floor(span / 3));
      default:
        return 1 + random.below(12_000);
    }
  }

  /** `body` again and again; others go first in between. */
  *times(count: number, body: () => Task<unknown>): Task<void> {
    for (let turn = 0; turn < count; turn++) {
      yield* body();
      if (!this.oneIn(3)) yield* breathe();
    }
  }

  writes(world: World, file: WorldFile, count: number): Task<void> {
    return this.times(count, () => {
      const how = this.oneIn(3) ? 'slow' : 'plain';
      if (this.oneIn(6)) return world.write(file, 'end', this.length(), how);
      if (this.oneIn(8) && file.model.size > 0) {
        const at = this.random.below(file.model.size);
        return world.dirty(file, at, 1 + this.random.below(Math.min(9000, file.model.size - at)));
      }
      return world.write(file, this.position(file), this.length(), how);
    });
  }

  reads(world: World, file: WorldFile, count: number): Task<void> {
    return this.times(count, () => world.read(file, this.position(file), this.length()));
  }

  cuts(world: World, file: WorldFile, count: number): Task<void> {
    return this.times(count, () =>
      this.oneIn(4) ? world.punch(file, this.position(file), this.length()) : world.truncate(file, this.position(file)),
    );
  }

  fsyncs(world: World, file: WorldFile, count: number, { cut = 0 } = {}): Task<void> {
    const opened = world.open(file);
    return this.times(count, () =>
      world.fsync(file, opened, { dataOnly: this.oneIn(2), cut: this.random.chance(cut) }),
    );
  }

  syncs(world: World, count: number, { cut = 0 } = {}): Task<void> {
    return this.times(count, () => world.sync({ cut: this.random.chance(cut) }));
  }

  /** The power goes, in a copy of the medium. */
  powerCuts(world: World, count: number): Task<void> {
    return this.times(count, function* () {
      for (let moment = 0; moment < 20; moment++) yield* breathe();
      world.cutNow();
    });
  }

  /** Drops what nobody holds, as often. */
  evictions(file: WorldFile, count: number): Task<void> {
    return this.times(count, function* () {
      file.inode.evict();
    });
  }
}

/** All of them, where something was asked for; else two, others for the next scenario. */
const ALL_ENGINES = FULL || process.env['F2FSKIT_CASES'] !== undefined;
let scenarios = 0;

/** Declares a scenario. */
export function interleave(name: string, scenario: (run: Run) => void): void {
  const parity = scenarios++ % 2;
  const engines = ALL_ENGINES ? ENGINES : ENGINES.filter((_, index) => index % 2 === parity);
  describe(name, () => {
    for (const engine of engines) {
      const { bufferedIo, orderMax } = engine;
      it.each(seeds)(`engine ${bufferedIo}, folios up to order ${orderMax}, seed %i`, (seed) => {
        try {
          scenario(new Run(seed, engine));
        } catch (error) {
          const replay = `F2FSKIT_SEED=${seed} F2FSKIT_CASES=1 pnpm --filter f2fskit test interleave -t '${name}'`;
          throw new Error(`${(error as Error).message}\nreplay: ${replay}`, { cause: error });
        }
      });
    }
  });
}
