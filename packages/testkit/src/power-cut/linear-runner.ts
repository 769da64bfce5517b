// Power cuts as a mode of an ordinary test. A scenario runs once, over a device that records. Then the power is cut after
// each write in turn; every image that the cut may leave is recovered, checked and compared with what the scenario said
// may be there.
//
// A scenario marks its time line:
//
//   yield begin('two', S2)     from now on S2 may be found after a cut, and so may everything begun or durable before
//   ...                        the writes
//   yield durable('two', S2)   from now on S2 must be there; states from before are no longer allowed
//
// so that after a cut the allowed states are the last one that became durable, and those begun after that one began:
// what another task began meanwhile may be there, and was promised by nobody.
//
// Nothing here knows what is on the device. A failure is one line: the cut, the policy, the seed, what was wrong, and
// the value of `only` that runs this one image again.

import type { BlockDevice, MemoryDevice } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import { type Completion, runAsync, seededRandom, type Task } from '@f2fskit/task';
import {
  type ImageOptions,
  PowerCutDevice,
  type PowerCutDeviceOptions,
  type PowerCutPolicy,
  powerCutPolicies,
} from './power-cut-device.ts';

/** A named state of what the scenario writes, as far as the test compares it. */
export interface Mark<S> {
  readonly promise: 'begin' | 'durable';
  readonly name: string;
  readonly state: S;
}

/** From now on the state may be found after a cut. */
export function begin<S>(name: string, state: S): Mark<S> {
  return { promise: 'begin', name, state };
}

/** From now on the state, or one begun later, is found after every cut. */
export function durable<S>(name: string, state: S): Mark<S> {
  return { promise: 'durable', name, state };
}

/** A task that also yields marks: tasks are run inside it with `yield*`. */
export type Scenario<S> = (device: BlockDevice) => Generator<Completion | Mark<S>, void, void>;

/** What may be there after a cut. */
export interface AllowedStates<S> {
  /** The last state that was promised; the state of the base before the first promise. */
  durable: Mark<S>;
  /** States begun after the promised one was, oldest first. */
  begun: ReadonlyArray<Mark<S>>;
}

/** The name of the state that was found, for the counts of the report; or what is wrong. */
export type Verdict = { matched: string } | { problem: string };

/** One image of one run. */
export interface PowerCutPoint {
  /** A position of the record of the scenario. */
  cut: number;
  policy: PowerCutPolicy;
  /** Of the image. */
  seed: number;
  /** Where set: the recovery was cut as well, at this position of its own record, and done again. */
  recoveryCut?: number;
}

export interface PowerCutRun<S, R> {
  /** Before the scenario. */
  base: MemoryDevice;
  /** What is on the base: durable from the start. */
  initial: S;
  scenario: Scenario<S>;
  /** Opens an image, repairs what opening repairs, and returns what is there. Throws when that fails. */
  recover(device: BlockDevice): Task<R> | Promise<R>;
  /** More to hold after a recovery: fsck. Throws what is wrong. */
  check?(device: BlockDevice, found: R): Task<void> | Promise<void> | undefined;
  compare(found: R, allowed: AllowedStates<S>): Verdict;
  /** Default 0. */
  seed?: number;
  /** `all` cuts at every position, a number at so many, drawn from the seed, two at least. Default `all`. */
  cuts?: 'all' | number;
  /** Default: all four. */
  policies?: readonly PowerCutPolicy[];
  /** Images of `prefix` and `subset` for each cut. Default 1. */
  imagesPerCut?: number;
  /** Each recovery is itself cut at so many positions at most, drawn from the seed, and done again. Default 0. */
  recoveryCuts?: number;
  device?: PowerCutDeviceOptions;
  image?: ImageOptions;
  /** Nothing but this image: from the line of a failure. */
  only?: PowerCutPoint;
}

export interface PowerCutReport {
  /** Write bios of the scenario, and flush bios. */
  writes: number;
  flushes: number;
  /** Positions cut at, images recovered, and images whose recovery was cut. */
  cuts: number;
  images: number;
  recoveryCuts: number;
  /** How often each state was found. A test that never finds an old state and never a new one has shown nothing. */
  matched: Map<string, number>;
}

/** What a cut left is not allowed. The message is one line. */
export class PowerCutFailure extends Error {
  readonly point: PowerCutPoint;

  constructor(message: string, point: PowerCutPoint, cause: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'PowerCutFailure';
    this.point = point;
  }
}

/** A `compare` for states that are found whole: one of the allowed ones, the newest that fits. */
export function oneOf<S, R>(same: (found: R, state: S) => boolean): PowerCutRun<S, R>['compare'] {
  return (found, { durable: promised, begun }) => {
    const match = [promised, ...begun].findLast(({ state }) => same(found, state));
    if (match !== undefined) return { matched: match.name };
    const names = begun.map(({ name }) => `, nor "${name}"`).join('');
    return { problem: `what is there is not "${promised.name}"${names}` };
  };
}

/** Rejects with a {@link PowerCutFailure} at the first image that is not allowed, with what the scenario threw before. */
export async function runPowerCuts<S, R>(run: PowerCutRun<S, R>): Promise<PowerCutReport> {
  const record = new PowerCutDevice(run.base, run.device);
  const marks = await runScenario(run, record);
  const report: PowerCutReport = {
    writes: record.writes,
    flushes: record.flushes,
    cuts: 0,
    images: 0,
    recoveryCuts: 0,
    matched: new Map(),
  };
  let cut = -1;
  for (const point of run.only === undefined ? points(run, record) : [run.only]) {
    if (point.cut !== cut) report.cuts++;
    cut = point.cut;
    await tryPoint(run, record, point, allowedAt(marks, cut), report);
  }
  return report;
}

interface PlacedMark<S> {
  mark: Mark<S>;
  position: number;
}

async function runScenario<S, R>(run: PowerCutRun<S, R>, record: PowerCutDevice): Promise<Array<PlacedMark<S>>> {
  const marks: Array<PlacedMark<S>> = [{ mark: durable('the base', run.initial), position: 0 }];
  function* task(): Task<void> {
    const scenario = run.scenario(record);
    for (let step = scenario.next(); !step.done; step = scenario.next()) {
      if ('promise' in step.value) marks.push({ mark: step.value, position: record.position });
      else yield step.value;
    }
  }
  await runAsync(task());
  return marks;
}

/**
 * A promise holds for a cut at its own position: what makes it true had ended. A state that was begun there has no writes
 * yet, and is not allowed before the next one. A promise belongs to the last `begin` of the same name before it.
 */
function allowedAt<S>(marks: ReadonlyArray<PlacedMark<S>>, cut: number): AllowedStates<S> {
  const last = marks.findLastIndex(({ mark, position }) => mark.promise === 'durable' && position <= cut);
  const { name } = marks[last]!.mark;
  const start = marks.slice(0, last).findLastIndex(({ mark }) => mark.promise === 'begin' && mark.name === name);
  const begun = marks
    .slice((start < 0 ? last : start) + 1)
    .filter(({ mark, position }) => mark.promise === 'begin' && position < cut);
  return { durable: marks[last]!.mark, begun: begun.map(({ mark }) => mark) };
}

function* points<S, R>(run: PowerCutRun<S, R>, record: PowerCutDevice): Generator<PowerCutPoint> {
  const random = seededRandom(run.seed ?? 0);
  const positions = record.cutPositions();
  for (const cut of run.cuts === undefined || run.cuts === 'all'
    ? positions
    : sample(positions, run.cuts, random.below)) {
    if (record.looseAt(cut) === 0) {
      yield { cut, policy: 'none', seed: 0 };
      continue;
    }
    for (const policy of run.policies ?? powerCutPolicies) {
      const seeded = policy === 'prefix' || policy === 'subset';
      for (let repeat = 0; repeat < (seeded ? (run.imagesPerCut ?? 1) : 1); repeat++) {
        yield { cut, policy, seed: seeded ? random.u32() : 0 };
      }
    }
  }
}

/** `count` of the positions in their order, the first and the last always among them. */
function sample(positions: readonly number[], count: number, below: (limit: number) => number): number[] {
  assert(Number.isInteger(count) && count > 1, 'a number of cuts is at least two: the first and the last');
  return [...new Set([positions[0]!, ...draw(positions.slice(1, -1), count - 2, below), positions.at(-1)!])];
}

/** At most `count` of the positions, in their order. */
function draw(positions: readonly number[], count: number, below: (limit: number) => number): number[] {
  const rest = [...positions];
  while (rest.length > count) rest.splice(below(rest.length), 1);
  return rest;
}

/** Recovers one image; then cuts that recovery, and recovers again. */
async function tryPoint<S, R>(
  run: PowerCutRun<S, R>,
  record: PowerCutDevice,
  point: PowerCutPoint,
  allowed: AllowedStates<S>,
  report: PowerCutReport,
): Promise<void> {
  const { cut, policy, seed } = point;
  const recovery = new PowerCutDevice(record.imageAfter(cut, policy, seed, run.image));
  count(report, await examine(run, record, recovery, { cut, policy, seed }, allowed));
  report.images++;
  // A cut at the start of a recovery leaves what the recovery was given.
  const cuts =
    point.recoveryCut === undefined
      ? draw(recovery.cutPositions().slice(1), run.recoveryCuts ?? 0, seededRandom(seed ^ cut).below)
      : [point.recoveryCut];
  for (const recoveryCut of cuts) {
    const again = recovery.imageAfter(recoveryCut, 'subset', seed, run.image);
    count(report, await examine(run, record, again, { cut, policy, seed, recoveryCut }, allowed));
    report.recoveryCuts++;
  }
}

function count(report: PowerCutReport, name: string): void {
  report.matched.set(name, (report.matched.get(name) ?? 0) + 1);
}

/** The name of the state that was found. */
async function examine<S, R>(
  run: PowerCutRun<S, R>,
  record: PowerCutDevice,
  device: BlockDevice,
  point: PowerCutPoint,
  allowed: AllowedStates<S>,
): Promise<string> {
  const fail = (problem: string, cause?: unknown): never => {
    const again = point.recoveryCut === undefined ? '' : `, recovery cut at ${point.recoveryCut}`;
    const where = `cut at ${point.cut} of ${record.position} (${record.describeCut(point.cut)})${again}`;
    const text = `${problem} | policy ${point.policy}, ${where} | only: ${JSON.stringify(point)}`;
    throw new PowerCutFailure(text.replaceAll(/\s*\n\s*/g, '; '), point, cause);
  };
  let verdict: Verdict;
  try {
    const found = await settle(run.recover(device));
    await settle(run.check?.(device, found));
    verdict = run.compare(found, allowed);
  } catch (error) {
    return fail(error instanceof Error ? `${error.name}: ${error.message}` : String(error), error);
  }
  return 'matched' in verdict ? verdict.matched : fail(verdict.problem);
}

function settle<T>(result: Task<T> | Promise<T> | T): Promise<T> {
  const isTask = typeof result === 'object' && result !== null && 'next' in result;
  return isTask ? runAsync(result) : Promise.resolve(result);
}
