// Random calls of node:fs on the model, on a directory of the host, and on volumes of both engines with folios of several orders:
// the same answers, the same trees in the middle and at the end. Beyond that the engines are equal as design decision 3 defines
// it: where nothing is written before somebody asks for it and the clock stands still, every byte of the four devices is the same;
// with small caches, in which folios are reclaimed and written in the middle of everything, what is free, the blocks of each
// file and its map are. What is left is sound, and a mount that knows nothing of the writer reads the same.
//
//   F2FSKIT_CASES=20000       so many sequences: the long run of docs/testing.md
//   F2FSKIT_SEED=, F2FSKIT_PATH=   the seed and the path that fast-check printed, with the same F2FSKIT_CASES: that sequence

import { MemoryDevice } from '@f2fskit/block';
import { checkVolume, findingText, formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openVolumeSync } from '../src/node/index.ts';
import { type Call, callSequences, printCalls } from './differential-calls.ts';
import { Participant, runOnAll, tree, treeDifference, VolumeFull } from './differential-run.ts';
import {
  type CacheKind,
  cacheKinds,
  engines,
  hasHost,
  hostSubject,
  modelSubject,
  type Subject,
  VolumeSubject,
} from './differential-subjects.ts';
import { StepClock } from './model-run.ts';
import { judged, objections } from './node-fs/judge.ts';

const { F2FSKIT_CASES, F2FSKIT_FULL, F2FSKIT_PATH, F2FSKIT_SEED } = process.env;
const CASES = Number(F2FSKIT_CASES ?? (F2FSKIT_FULL === '1' ? 1500 : 60));
/** The long run has many short ones: they find as much, and shrink sooner. */
const CALLS_MAX = CASES > 5000 ? 16 : 30;
/** What is left is checked and mounted again after one in so many sequences: that takes longer than the calls. */
const CHECKED_EACH = 4;
/** … and shown to fsck.f2fs after one in so many of these, which takes still longer. */
const JUDGED_EACH = CASES > 5000 ? 200 : 20;
/** Of a long run. */
const PROGRESS_EACH = 500;
const TIMEOUT_MS = 60_000 + CASES * 2000;

const START = 1_900_000_000;

const base = new MemoryDevice(128 << 20);
runSync(formatVolume(base, { random: seededRandom(1), clock: fixedClock(START, 0), blank: true }));

/** What is free, the blocks of each file, and which of its bytes are where: in blocks, promised, in the inode. */
function layout({ volume }: VolumeSubject): string[] {
  const lines = [JSON.stringify(volume.f2fs.usage())];
  for (const { path, stats } of tree({ calls: volume as never, at: (own) => own }, true)) {
    lines.push(`${path} ${volume.lstatSync(path).blocks}`);
    if (stats.kind !== 'file') continue;
    const fd = volume.openSync(path);
    let last = { kind: '', end: -1 };
    for (const { position, length, unwritten, encoded, inline } of volume.fiemapSync(fd)) {
      const kind = unwritten ? 'unwritten' : encoded ? 'encoded' : inline ? 'inline' : 'data';
      // Where pieces of one kind meet depends on where they lie.
      if (last.kind !== kind || last.end !== position) lines.push(`  ${kind} from ${position}`);
      last = { kind, end: position + length };
      lines.push(`  ${kind} to ${last.end}`);
      if (lines.at(-2)!.startsWith(`  ${kind} to`)) lines.splice(-2, 1);
    }
    volume.closeSync(fd);
  }
  return lines;
}

/** What happened in all sequences that passed. */
const happened = { sequences: 0, foliosReclaimed: 0, throttles: 0, full: 0, checked: 0, judged: 0 };

/** A volume that was left is sound, and reads as the model. */
function checkLeft({ device, name }: VolumeSubject, model: Subject, about: (what: string) => string): void {
  const again = openVolumeSync(device.clone());
  const difference = treeDifference(tree(model, true), tree({ calls: again as never, at: (own) => own }, true));
  if (difference !== undefined) throw new Error(about(`${name}, mounted again: ${difference}`));
  expect(runSync(checkVolume(device)).findings.map(findingText), about(`the checker on ${name}`)).toEqual([]);
  if (happened.checked++ % JUDGED_EACH !== 0 || !judged) return;
  expect(objections(device), about(`fsck.f2fs on ${name}`)).toBe('');
  happened.judged++;
}

/** `chosen`: which of the volumes is checked when it was left; `undefined` = none. */
function compareAll(cache: CacheKind, chosen: number | undefined, calls: readonly Call[]): void {
  const clock = cache === 'still' ? fixedClock(START, 0) : new StepClock(START);
  const model = new Participant(modelSubject(clock), true);
  const volumes = engines.map((engine) => new VolumeSubject(base, engine, cache, clock));
  const hosts = hasHost ? [hostSubject()] : [];
  const participants = [
    model,
    ...volumes.map((volume) => new Participant(volume, true)),
    ...hosts.map((host) => new Participant(host, false)),
  ];
  const about = (what: string): string => `${what}\nthe calls:\n${printCalls(calls)}`;
  try {
    runOnAll(participants, calls, () => {
      if (clock instanceof StepClock) clock.step();
    });
    for (const volume of volumes) volume.sync();
    const [first, ...others] = volumes as [VolumeSubject, ...VolumeSubject[]];
    const expected = layout(first);
    for (const other of others)
      expect(layout(other), about(`the layouts of ${first.name} and ${other.name}`)).toEqual(expected);
    for (const volume of volumes) volume.leave();
    for (const other of others) {
      if (cache !== 'still') break;
      const block = first.differentBlock(other);
      if (block !== undefined) throw new Error(about(`${first.name} and ${other.name} differ in block ${block}`));
    }
    if (chosen !== undefined) checkLeft(volumes[chosen]!, model.subject, about);
    for (const { foliosReclaimed, throttles } of volumes) {
      happened.foliosReclaimed += foliosReclaimed;
      happened.throttles += throttles;
    }
  } finally {
    for (const { subject, open } of participants) subject.dispose([...open.values()]);
  }
}

const chosenVolume = fc.oneof(
  { weight: CHECKED_EACH - 1, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.nat({ max: engines.length - 1 }) },
);

const everybody = hasHost ? 'everybody' : 'everybody (but the host, which has no /proc)';

it(`${CASES} sequences of calls mean the same to ${everybody}`, { timeout: TIMEOUT_MS }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...cacheKinds),
      chosenVolume,
      callSequences(CALLS_MAX),
      async (cache, chosen, calls) => {
        // Lets the runner hear of us, and the engine collect.
        await new Promise((resolve) => setImmediate(resolve));
        if (CASES > 5000 && happened.sequences++ % PROGRESS_EACH === 0) console.log(JSON.stringify(happened));
        try {
          compareAll(cache, chosen, calls);
        } catch (error) {
          if (!(error instanceof VolumeFull)) throw error;
          happened.full++;
        }
      },
    ),
    {
      numRuns: CASES,
      ...(F2FSKIT_SEED === undefined ? {} : { seed: Number(F2FSKIT_SEED) }),
      ...(F2FSKIT_PATH === undefined ? {} : { path: F2FSKIT_PATH }),
    },
  );
  console.log(`${CASES} sequences: ${JSON.stringify(happened)}`);
  if (F2FSKIT_PATH !== undefined || CASES < 50) return;
  // Small caches that nobody notices would show nothing.
  expect(happened.foliosReclaimed).toBeGreaterThan(CASES);
  expect(happened.throttles).toBeGreaterThan(CASES / 10);
  expect(happened.full).toBeLessThanOrEqual(CASES / 100);
});
