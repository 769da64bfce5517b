// Damaged volumes: a seeded slice of one to four things wrong with each golden volume, and everything a reader can be
// asked. Whatever is wrong: no crash, no endless work, no damage shown where there is none, every report with a place.
// Damage that nobody notices is allowed: most of the format carries no checksum.
//
//   F2FSKIT_FULL=1            sixteen times as many cases
//   F2FSKIT_CASES=20000       at least so many over all volumes: the long run of docs/testing.md
//   F2FSKIT_SEED=7 VOLUME=n   that one case of the volume n, with what it does and what was seen
//   F2FSKIT_FIXTURES=folder   also the volumes of that folder

import { type Bio, DeviceWrapper } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { CACHE_BYTES_MIN, ORDER_MAX } from '@f2fskit/pagecache';
import {
  describeMutation,
  goldenVolumes,
  loadGolden,
  type MutationCase,
  type Mutator,
  mutatorOf,
  type StructureKind,
  ZOO_NAME,
} from '@f2fskit/testkit';
import { Corruption } from 'f2fskit';
import { describe, expect, it } from 'vitest';
import { brokenDemands, costLimits } from './mutation-demands.ts';
import { type Examination, examine } from './mutation-examination.ts';

const { F2FSKIT_FULL, F2FSKIT_CASES, F2FSKIT_SEED, VOLUME } = process.env;
const volumeNames = [ZOO_NAME, ...goldenVolumes().map((volume) => volume.name)];
/** Of the long run: how many cases each volume gets. */
const CASES_EACH = F2FSKIT_CASES === undefined ? undefined : Math.ceil(Number(F2FSKIT_CASES) / volumeNames.length);
/** Each volume gets as many cases as its cost allows, between the two bounds. */
const SLICE_COST = F2FSKIT_FULL === '1' ? 80_000 : 5_000;
const CASES_MIN = 3;
const CASES_MAX = F2FSKIT_FULL === '1' ? 600 : 60;
const FAILURES_SHOWN_MAX = 5;
/** For a machine that is slow or busy; what a case may cost is counted. */
const TIMEOUT_MS = CASES_EACH !== undefined ? 36_000_000 : F2FSKIT_FULL === '1' ? 900_000 : 180_000;

interface Subject {
  name: string;
  mutator: Mutator;
  good: Examination;
}

/** One unit is about what an entry costs: counted, so that every machine runs the same cases. */
function casesOf({ counts }: Examination): number {
  if (CASES_EACH !== undefined) return CASES_EACH;
  const cost = counts.entries + counts.fileBytes / 50_000 + 5 * counts.clusters;
  return Math.max(CASES_MIN, Math.min(CASES_MAX, Math.floor(SLICE_COST / cost)));
}

function subjectOf(name: string): Subject {
  const mutator = mutatorOf(name);
  return { name, mutator, good: examine(mutator.image.clone()) };
}

function look({ mutator }: Subject, mutation: MutationCase): Examination {
  const limits = costLimits(mutator.image.size / BLOCK_SIZE);
  // Folios of another order in each case, and hardly room for them: memory that is freed is poisoned.
  const cache = { budgetBytes: CACHE_BYTES_MIN, poison: true, orderMax: mutation.seed % (ORDER_MAX + 1) };
  return examine(mutator.device(mutation), { limits, focus: mutation.touched, cache });
}

function replayLine({ volume, seed }: MutationCase): string {
  return `F2FSKIT_SEED=${seed} VOLUME=${volume} pnpm --filter f2fskit test mutations`;
}

function failureOf(mutation: MutationCase, broken: readonly string[]): string {
  return [replayLine(mutation), `  ${describeMutation(mutation)}`, ...broken.map((line) => `  - ${line}`)].join('\n');
}

/** What the slices met, over all volumes. */
const met = { cases: 0, opened: 0, aimed: new Set<StructureKind>(), present: new Set<StructureKind>() };
const kindsReported = new Set<string>();

if (F2FSKIT_SEED !== undefined) {
  it(`replays seed ${F2FSKIT_SEED} of ${VOLUME}`, () => {
    const subject = subjectOf(VOLUME ?? '');
    const mutation = subject.mutator.make(Number(F2FSKIT_SEED));
    console.log(describeMutation(mutation));
    const seen = look(subject, mutation);
    console.log(seen.refused === undefined ? `opened; ${seen.lines.size} paths` : `refused: ${seen.refused.message}`);
    for (const error of seen.damage.slice(0, 20)) console.log(`  ${error.message}`);
    console.log(seen.counts);
    expect(brokenDemands(mutation, subject.good, seen)).toEqual([]);
  });
} else {
  describe('a damaged volume never crashes its reader, and shows damage only where it is', () => {
    for (const name of volumeNames) {
      it(name, { timeout: TIMEOUT_MS }, () => {
        const subject = subjectOf(name);
        expect(subject.good.broken).toEqual([]);
        expect([...subject.good.lost]).toEqual([]);
        expect(subject.good.damage.filter(({ code }) => code !== 'ENOKEY')).toEqual([]);
        for (const kind of subject.mutator.map.places.keys()) met.present.add(kind);
        const failures: string[] = [];
        for (let seed = 0; seed < casesOf(subject.good); seed++) {
          const mutation = subject.mutator.make(seed);
          const seen = look(subject, mutation);
          note(mutation, seen);
          const broken = brokenDemands(mutation, subject.good, seen);
          if (broken.length > 0) failures.push(failureOf(mutation, broken.slice(0, FAILURES_SHOWN_MAX)));
        }
        const shown = failures.slice(0, FAILURES_SHOWN_MAX).join('\n\n');
        expect(failures.length, `${failures.length} cases failed\n\n${shown}\n`).toBe(0);
      });
    }

    it('the slices reached the structures, and found much that they can report', () => {
      expect(met.cases).toBeGreaterThan(100);
      expect(met.opened / met.cases).toBeGreaterThan(0.5);
      expect(met.aimed.size).toBeGreaterThanOrEqual(0.9 * met.present.size);
      expect(kindsReported.size).toBeGreaterThan(15);
    });
  });
}

function note(mutation: MutationCase, seen: Examination): void {
  met.cases++;
  if (seen.refused === undefined) met.opened++;
  for (const kind of mutation.kinds) met.aimed.add(kind);
  for (const error of [...seen.damage, seen.refused]) {
    if (error instanceof Corruption) kindsReported.add(error.kind);
  }
}

/** Does `trouble` instead of request number `at`. */
class TroubleDevice extends DeviceWrapper {
  readonly #at: number;
  readonly #trouble: (bio: Bio) => void;
  #count = 0;

  constructor(name: string, at: number, trouble: (bio: Bio) => void) {
    super(loadGolden(name).device.clone());
    this.#at = at;
    this.#trouble = trouble;
  }

  submit(bio: Bio): void {
    if (this.#count++ === this.#at) this.#trouble(bio);
    else this.device.submit(bio);
  }
}

describe('the harness can fail', () => {
  const [first] = goldenVolumes();
  const name = first!.name;

  it('a canary: damage that is said to show to nobody, and does, is a failure with a line that replays it', () => {
    const subject = subjectOf(name);
    let caught: string | undefined;
    for (let seed = 0; caught === undefined && seed < 200; seed++) {
      const mutation = subject.mutator.make(seed);
      if (mutation.touched === 'all' || mutation.touched.size === 0 || mutation.touched.has(3)) continue;
      const canary: MutationCase = { ...mutation, touched: new Set() };
      const broken = brokenDemands(canary, subject.good, look(subject, mutation));
      if (broken.length > 0) caught = failureOf(canary, broken);
    }
    expect(caught).toMatch(
      new RegExp(`^F2FSKIT_SEED=\\d+ VOLUME=${name} pnpm --filter f2fskit test mutations\n  ${name} seed`),
    );
    expect(caught).toMatch(/shows damage of others/);
  });

  it('a crash below, a Corruption without a place and work without end are failures', () => {
    const crash = examine(new TroubleDevice(name, 20, () => [].at(0)!['missing']));
    expect(crash.broken.join()).toMatch(/TypeError/);
    const placeless = examine(
      new TroubleDevice(name, 20, () => {
        throw new Corruption('canary', { where: { offset: 7 } });
      }),
    );
    expect(placeless.broken.join()).toMatch(/without a place: .*canary/);
    const endless = examine(loadGolden(name).device.clone(), { limits: { bios: 15 } });
    expect(endless.broken.join()).toMatch(/LimitExceeded: more bios than 15/);
    const greedy = examine(loadGolden(name).device.clone(), { limits: { largestAllocation: 8192 } });
    expect(greedy.broken.join()).toMatch(/LimitExceeded: more largestAllocation than 8192/);
  });
});
