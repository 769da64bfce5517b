// A volume that is edited in place beside a model of it, and judged: a fresh mount reads what the model holds, our checker finds
// nothing, and fsck.f2fs accepts it, where it is installed.

import type { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { type F2fsVolume, type MountOptions, mountF2fs } from '@f2fskit/f2fs';
import { checkVolume, findingText } from '@f2fskit/f2fs-tools';
import { runSync, Scheduler, seededRandom, type Task } from '@f2fskit/task';
import {
  comparableManifest,
  type ModelFilesystem,
  type Operation,
  printProgram,
  type RandomOperationsOptions,
  randomOperations,
} from '@f2fskit/testkit/model';
import { expect } from 'vitest';
import { openVolumeSync } from '../src/node/index.ts';
import { F2fsTarget } from './f2fs-target.ts';
import { manifestSync } from './manifest-lines.ts';
import { modelOfVolume, removeAccessLists } from './model-of-volume.ts';
import { type OwnReason, runOnBoth, StepClock } from './model-run.ts';
import { judged, objections } from './node-fs/judge.ts';

const START = 1_700_000_000;

export interface EditOptions {
  seed: number;
  /** How many operations, or the operations. */
  program: number | ((start: ModelFilesystem, volume: F2fsVolume) => Operation[]);
  random?: RandomOperationsOptions;
  /** Why an operation may be refused that the model would do. */
  reasons?: readonly OwnReason[];
  /** How the volume is mounted for the changes. */
  mount?: Pick<MountOptions, 'bufferedIo' | 'cache' | 'codecs' | 'compress' | 'encoder'>;
  /** Writers and writeback take turns; told in the end how often a pass has rested. */
  turns?: (rests: number) => void;
}

/** Changes a volume, leaves it, and judges what is left. Returns how many operations it refused for reasons of its own. */
export async function editAndJudge(
  device: MemoryDevice,
  { seed, program, random = {}, reasons = ['ENOSPC', 'E2BIG'], mount = {}, turns }: EditOptions,
): Promise<number> {
  const clock = new StepClock(START);
  const options = { writable: true, clock, random: seededRandom(seed), codecs: defaultCodecs(), ...mount };
  const volume = runSync(mountF2fs(device, options));
  removeAccessLists(volume);
  const model = modelOfVolume(volume, clock);
  const scheduler = new Scheduler('sync');
  if (turns !== undefined) volume.takeTurns(scheduler);
  const target = turns === undefined ? new F2fsTarget(volume) : runBy(scheduler, new F2fsTarget(volume));
  const operations =
    typeof program === 'number' ? randomOperations(seed, program, { start: model, ...random }) : program(model, volume);
  const refused = await runOnBoth(model, target, clock, operations, reasons);
  scheduler.runSync(target.closeAll());
  scheduler.runSync(volume.unmount());
  turns?.(volume.writer!.flusher.rests);
  const about = `seed ${seed}\n${printProgram(operations)}`;
  expectHolds(device, model.withoutHandles(), clock, about);
  expectSound(device);
  return refused;
}

/** The same target, whose operations a scheduler runs from beginning to end. */
function runBy(scheduler: Scheduler, target: F2fsTarget): F2fsTarget {
  function* whole(task: Task<unknown>): Task<unknown> {
    return scheduler.runSync(task);
  }
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== 'function') return value;
      return (...values: unknown[]) => {
        const result: unknown = value.apply(object, values);
        const isTask = typeof result === 'object' && result !== null && 'next' in result;
        return isTask ? whole(result as Task<unknown>) : result;
      };
    },
  });
}

/** A mount that knows nothing of the writer reads what the model holds. */
function expectHolds(device: MemoryDevice, model: ModelFilesystem, clock: StepClock, about: string): void {
  const { lines, errors } = manifestSync(openVolumeSync(device.clone()));
  expect(errors.filter((message) => !message.startsWith('ENOKEY'))).toEqual([]);
  const found = comparableManifest(lines.map((line) => Buffer.from(line, 'latin1')));
  const expected = model.manifest();
  // Nobody knows what a file holds whose key is not there.
  for (const [index, line] of found.entries()) {
    if (line.split('\t')[HASH] !== '!ENOKEY') continue;
    expected[index] = (expected[index] ?? '')
      .split('\t')
      .map((field, at) => (at === HASH ? '!ENOKEY' : field))
      .join('\t');
  }
  expect(found, about).toEqual(expected);
  const again = modelOfVolume(runSync(mountF2fs(device, { codecs: defaultCodecs() })), clock);
  for (const { path, stat } of model.paths()) {
    if (stat.kind === 'symlink') continue;
    // The manifest has no hash of these.
    if (stat.kind === 'file' && stat.size > 2 ** 30) expect(model.differsAt(path, again), path).toBeUndefined();
    const names = model.listxattr(path);
    expect(again.listxattr(path), path).toEqual(names);
    for (const name of names) expect(again.getxattr(path, name), `${path} ${name}`).toEqual(model.getxattr(path, name));
  }
}

/** Of the fields of a line. */
const HASH = 8;

/** Our checker has nothing to say, and fsck.f2fs neither. */
export function expectSound(device: MemoryDevice): void {
  expect(runSync(checkVolume(device)).findings.map(findingText)).toEqual([]);
  if (judged) expect(objections(device)).toBe('');
}
