// The model against Linux: the same random programs on the model and in a directory of the host; every answer, and what is
// there at the end, must be equal. Where the host is not Linux, or has neither ext4 nor tmpfs, there is nothing to hold the
// model against; what its user may not do is left out, and the names of the tests say so.

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { AssertionError } from '@f2fskit/errno';
import { type Clock, fixedClock } from '@f2fskit/task';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { arbitraryOperations } from '../../test/arbitrary-operations.ts';
import {
  applyToTarget,
  describeDifference,
  firstDifference,
  type HostAbilities,
  HostCalls,
  HostDirectoryTarget,
  linuxCases,
  ModelFilesystem,
  needsHostCalls,
  type Operation,
  printProgram,
  probeHost,
  randomOperations,
  runLinuxCase,
} from './index.ts';

const isLinux = process.platform === 'linux';
const calls = await HostCalls.start();
afterAll(() => calls?.close());

const START = 1_100_000_000;
/** Programs a filesystem: `F2FSKIT_CASES=5000 vitest run src/model` for a long run. */
const CASES = Number(process.env['F2FSKIT_CASES'] ?? (process.env['F2FSKIT_FULL'] === '1' ? 400 : 40));
const TIMEOUT_MS = Math.max(60_000, CASES * 1000);

interface Host extends HostAbilities {
  parent: string;
}

const hosts: Host[] = [];
for (const parent of new Set([tmpdir(), '/dev/shm'])) {
  const abilities = await probeHost(parent, calls);
  if (abilities !== undefined) hosts.push({ parent, ...abilities });
}

function makeTarget(parent: string, clock: Clock): HostDirectoryTarget {
  return HostDirectoryTarget.make({ clock, parent }, calls);
}

/** Runs a program on both; throws what differs. */
async function compare({ parent, limits }: Host, operations: readonly Operation[]): Promise<void> {
  let seconds = START;
  const clock = { now: () => ({ seconds, nanoseconds: 0 }) };
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const model = new ModelFilesystem({ clock, uid, gid, ...limits });
  const target = makeTarget(parent, clock);
  try {
    const difference = await firstDifference(model, target, operations, async (operation, result) => {
      const refused = 'error' in result && result.error === 'ENOTEMPTY';
      if (refused && operation.op === 'rename' && operation.mode === 'whiteout') {
        // ext4 puts the whiteout into the directory before it finds out that the rename cannot be, and takes it out
        // again; the directory keeps the new mtime. An operation that is refused should leave no trace.
        const home = operation.from.replace(/\/+[^/]+\/*$/, '') || '/';
        const { mtime } = model.stat(home);
        await target.utimens(home, null, mtime, false);
      }
      target.settle();
      model.check();
      seconds++;
    });
    if (difference !== undefined) throw new Error(describeDifference(difference, operations));
    expect(target.manifest(), printProgram(operations)).toEqual(model.manifest());
  } finally {
    target.dispose();
  }
}

it.runIf(hosts.length === 0)('no Linux with ext4 or tmpfs here: the model is compared with nothing', () => {
  expect(hosts).toEqual([]);
});

describe.each(hosts)('Linux: $filesystem in $parent', (host) => {
  const { parent, privileged, limits, missing, can } = host;
  const extent = missing.length === 0 ? '' : `, without ${missing.join(', ')}`;
  const cases = linuxCases.filter(
    (linuxCase) =>
      (privileged || linuxCase.privileged !== true) &&
      (limits.canZeroRange === true || linuxCase.zeroes !== true) &&
      linuxCase.steps.every(([operation]) => can(operation)),
  );

  it.each(cases)(`answers as the table says${extent}: $name`, async (linuxCase) => {
    const clock = fixedClock(START);
    const target = makeTarget(parent, clock);
    try {
      expect(await runLinuxCase(target, linuxCase, () => target.settle())).toEqual([]);
    } finally {
      target.dispose();
    }
  });

  it(`does what the model does${extent}`, { timeout: TIMEOUT_MS }, async () => {
    const programs = arbitraryOperations({ privileged, limits, lengthMax: 120 });
    await fc.assert(
      // An operation that is left out changes what the others find, on both alike.
      fc.asyncProperty(programs, (operations) => compare(host, operations.filter(can))),
      { numRuns: CASES },
    );
  });
});

describe('a host directory', () => {
  it.runIf(isLinux)('lets nothing out', () => {
    const target = makeTarget(tmpdir(), fixedClock(START));
    try {
      for (const goal of ['/etc', '..', 'a/../..', '.', './']) {
        expect(() => target.symlink(goal, '/s'), goal).toThrow(AssertionError);
      }
      for (const name of ['/..', '/a/../..', '/../x', 'a/../../b']) {
        expect(() => target.mkdir(name, 0o755), name).toThrow(AssertionError);
      }
      for (const name of ['/', '//']) expect(() => target.rmdir(name), name).toThrow(AssertionError);
      expect(target.readdir('/')).toEqual([]);
    } finally {
      target.dispose();
    }
    expect(fs.existsSync(target.root)).toBe(false);
  });

  it.runIf(isLinux)('refuses what needs host calls without them', async () => {
    const target = HostDirectoryTarget.make({ clock: fixedClock(START) });
    try {
      await expect(target.listxattr('/')).rejects.toThrow(/ENOSYS/);
      const refused = new Set<string>();
      for (const operation of randomOperations(1, 400)) {
        const result = await applyToTarget(target, operation);
        const isRefused = 'error' in result && result.error === 'ENOSYS';
        // Where the path is refused first, nobody gets to the call.
        if (isRefused) refused.add(operation.op);
        if (isRefused) expect(needsHostCalls(operation), operation.op).toBe(true);
      }
      expect(refused.size).toBe(8);
    } finally {
      target.dispose();
    }
  });

  it.runIf(hosts.length > 0)('says what it cannot do without host calls, and leaves nothing behind', async () => {
    const { parent } = hosts[0]!;
    const before = fs.readdirSync(parent).filter((name) => name.startsWith('f2fskit-model-'));
    const { missing, can, filesystem } = (await probeHost(parent))!;
    expect(missing[0]).toBe('what needs python3');
    expect(filesystem).toBe(hosts[0]!.filesystem);
    const rename = { op: 'rename', from: '/a', to: '/b' } as const;
    expect([can({ ...rename, mode: 'plain' }), can({ ...rename, mode: 'exchange' })]).toEqual([true, false]);
    expect([can({ op: 'sync' }), can({ op: 'listxattr', path: '/' })]).toEqual([true, false]);
    const after = fs.readdirSync(parent).filter((name) => name.startsWith('f2fskit-model-'));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  });

  it('is compared with the model only where the model knows the filesystem', async () => {
    expect(await probeHost('/proc', calls)).toBeUndefined();
    expect(await probeHost('/no/such/directory', calls)).toBeUndefined();
  });
});
