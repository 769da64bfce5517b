// A store of one number, in three versions: one that keeps its promise and two that do not. The runner must tell them apart.

import {
  BioFlag,
  BLOCK_SIZE,
  type BlockDevice,
  flushDevice,
  MemoryDevice,
  readBytes,
  ShuffleDevice,
  writeBytes,
} from '@f2fskit/block';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { begin, durable, type Mark, oneOf, PowerCutFailure, type PowerCutRun, runPowerCuts } from './index.ts';

/** How a number is stored: two blocks of content, then a header that says which version is the newest. */
interface Store {
  /** Whether the content is flushed before the header points to it. */
  barrier: boolean;
  /** Whether a new version is written beside the old one. */
  copyOnWrite: boolean;
}

const good: Store = { barrier: true, copyOnWrite: true };

/** Version `n` lies in blocks 1 and 2 or 3 and 4; the header, block 0, holds `n`. */
const home = (version: number, copyOnWrite: boolean): number => (copyOnWrite && version % 2 === 1 ? 3 : 1);

function* put(device: BlockDevice, version: number, { barrier, copyOnWrite }: Store): Task<void> {
  const content = new Uint8Array(2 * BLOCK_SIZE).fill(version + 100);
  yield* writeBytes(device, home(version, copyOnWrite) * BLOCK_SIZE, content);
  const flags = barrier ? BioFlag.PREFLUSH | BioFlag.FUA : 0;
  yield* writeBytes(device, 0, new Uint8Array(BLOCK_SIZE).fill(version), flags);
  if (!barrier) yield* flushDevice(device);
}

function* get(device: BlockDevice, { copyOnWrite }: Store): Task<number> {
  const header = new Uint8Array(BLOCK_SIZE);
  yield* readBytes(device, 0, header);
  const content = new Uint8Array(2 * BLOCK_SIZE);
  yield* readBytes(device, home(header[0]!, copyOnWrite) * BLOCK_SIZE, content);
  if (content.some((byte) => byte !== header[0]! + 100)) throw new Error(`version ${header[0]}\nis damaged`);
  return header[0]!;
}

function empty(): MemoryDevice {
  const device = new MemoryDevice(64 * BLOCK_SIZE);
  runSync(put(device, 0, good));
  return device;
}

function runOf(store: Store, more: Partial<PowerCutRun<number, number>> = {}): PowerCutRun<number, number> {
  return {
    base: empty(),
    initial: 0,
    *scenario(device) {
      for (let version = 1; version <= 4; version++) {
        yield begin(`version ${version}`, version);
        yield* put(device, version, store);
        yield durable(`version ${version}`, version);
      }
    },
    recover: (device) => get(device, store),
    compare: oneOf((found, state) => found === state),
    imagesPerCut: 4,
    ...more,
  };
}

async function failureOf(run: PowerCutRun<number, number>): Promise<PowerCutFailure> {
  const error = await runPowerCuts(run).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(PowerCutFailure);
  return error as PowerCutFailure;
}

describe('a scenario that keeps its promises', () => {
  it('passes at every cut, with old and new states found', async () => {
    const report = await runPowerCuts(runOf(good));
    expect([report.writes, report.flushes]).toEqual([8, 0]);
    expect(report.cuts).toBe(1 + 8 + 4); // the start, each write, the end of each FUA
    expect([...report.matched.keys()].sort()).toEqual(['the base', 'version 1', 'version 2', 'version 3', 'version 4']);
    expect([...report.matched.values()].reduce((sum, count) => sum + count)).toBe(report.images);
  });

  it('passes with completions in a random order', async () => {
    const device = { over: (live: BlockDevice) => new ShuffleDevice(live, 5) };
    const report = await runPowerCuts(runOf(good, { device }));
    expect(report.matched.size).toBe(5);
  });

  it('passes with fewer cuts and policies, the first and the last cut among them', async () => {
    const report = await runPowerCuts(runOf(good, { cuts: 5, policies: ['all', 'none'], seed: 9 }));
    expect(report.cuts).toBe(5);
    expect([...report.matched.keys()]).toContain('the base');
    expect([...report.matched.keys()]).toContain('version 4');
  });

  it('may find what was begun before a promise was kept, but after that one began', async () => {
    const run = runOf(good, {
      *scenario(device) {
        yield begin('one', 1);
        yield* put(device, 1, good);
        yield begin('two', 2); // another task, which nobody waits for
        yield* put(device, 2, good);
        yield durable('one', 1);
      },
    });
    const report = await runPowerCuts(run);
    expect([...report.matched.keys()].sort()).toEqual(['one', 'the base', 'two']);
  });

  it('allows a state from its first write on, and a promise takes back the others at once', async () => {
    const allowed = new Set<string>();
    const run = runOf(good, {
      *scenario(device) {
        yield begin('one', 1);
        yield* put(device, 1, good);
        yield durable('one', 1);
        yield begin('two', 2);
        yield* put(device, 2, good);
      },
      compare(_found, { durable: promised, begun }) {
        allowed.add([promised, ...begun].map(({ name }) => name).join(', '));
        return { matched: promised.name };
      },
    });
    await runPowerCuts(run);
    expect([...allowed]).toEqual(['the base', 'the base, one', 'one', 'one, two']);
  });

  it('calls check with what was recovered', async () => {
    const seen: number[] = [];
    const report = await runPowerCuts(runOf(good, { check: (_device, found) => void seen.push(found) }));
    expect(seen).toHaveLength(report.images);
  });
});

describe('a scenario that does not', () => {
  const bad: Array<[string, Store]> = [
    ['without a barrier between content and header', { barrier: false, copyOnWrite: true }],
    ['that overwrites what it has promised', { barrier: true, copyOnWrite: false }],
  ];
  for (const [name, store] of bad) {
    it(`fails: a store ${name}, and the line runs it again`, async () => {
      const failure = await failureOf(runOf(store, { seed: 3 }));
      expect(failure.message).not.toContain('\n');
      expect(failure.message).toMatch(
        /^Error: version \d; is damaged \| policy .*, cut at \d+ of \d+ \(after .*\) \| only: /,
      );
      const only = JSON.parse(failure.message.replace(/^.*only: /, ''));
      expect(only).toEqual(failure.point);
      const again = await failureOf(runOf(store, { seed: 77, only }));
      expect(again.message).toBe(failure.message);
    });
  }

  it('fails: a promise before the write that keeps it', async () => {
    const run = runOf(good, {
      *scenario(device) {
        yield begin('one', 1);
        yield durable('one', 1);
        yield* put(device, 1, good);
      },
    });
    const failure = await failureOf(run);
    expect(failure.message).toMatch(/^what is there is not "one" \| policy none, cut at 0 /);
  });

  it('fails: a state that nobody announced', async () => {
    const run = runOf(good, {
      *scenario(device) {
        yield* put(device, 1, good);
        yield durable('one', 1);
      },
    });
    const failure = await failureOf(run);
    expect(failure.message).toMatch(/^what is there is not "the base" \| /);
  });

  it('fails: a state begun before the one that was promised', async () => {
    const run = runOf(good, {
      *scenario(device) {
        yield begin('two', 2);
        yield begin('one', 1);
        yield* put(device, 1, good);
        yield durable('one', 1);
        yield* put(device, 2, good);
      },
    });
    const failure = await failureOf(run);
    expect(failure.message).toMatch(/^what is there is not "one" \| /);
  });

  it('fails: what check throws, and what it rejects with', async () => {
    const check = (_device: BlockDevice, found: number): Promise<void> | undefined =>
      found === 2 ? Promise.reject(new Error('two is odd')) : undefined;
    expect((await failureOf(runOf(good, { check }))).message).toMatch(/^Error: two is odd \| /);
  });

  it('fails as itself when the scenario throws', async () => {
    const run = runOf(good, {
      *scenario(): Generator<Mark<number>, void, void> {
        throw new Error('no scenario');
      },
    });
    await expect(runPowerCuts(run)).rejects.toThrow(/^no scenario$/);
  });
});

describe('a recovery that writes', () => {
  /** Finishes a version that the header does not know yet: content first, flushed, then the header. */
  const recovery = (sound: boolean) =>
    function* (device: BlockDevice): Task<number> {
      const version = yield* get(device, good);
      yield* writeBytes(device, 0, new Uint8Array(BLOCK_SIZE).fill(sound ? version : 99), sound ? BioFlag.FUA : 0);
      if (!sound) yield* writeBytes(device, 0, new Uint8Array(BLOCK_SIZE).fill(version));
      return version;
    };

  it('is cut too, and done again', async () => {
    const run = runOf(good, { recover: recovery(true) });
    // The write in the air, and durable: more positions there are not.
    for (const [recoveryCuts, cuts] of [
      [0, 0],
      [1, 1],
      [3, 2],
    ] as const) {
      const report = await runPowerCuts({ ...run, recoveryCuts });
      expect(report.recoveryCuts).toBe(report.images * cuts);
    }
  });

  it('fails when its own cut does damage, and the line runs that again', async () => {
    const run = runOf(good, { recover: recovery(false), recoveryCuts: 3, seed: 4 });
    const failure = await failureOf(run);
    expect(failure.message).toMatch(/^Error: version 99; is damaged \| .*, recovery cut at \d+ \| /);
    const again = await failureOf({ ...run, seed: 1, only: failure.point });
    expect(again.message).toBe(failure.message);
  });
});
