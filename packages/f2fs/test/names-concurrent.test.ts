// Many tasks change the same few directories at once, over a device that carries requests out late and in any order, with
// checkpoints in between. Nobody waits for ever, every call ends with success or a code that fits, and what is left is a
// sound tree.

import { ShuffleDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { fixedClock, runAsync, runSync, Scheduler, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';
import { bytesOf, linesOf, modelOf } from './name-model.ts';

const OWNER = { mode: 0o755, uid: 0, gid: 0 };
const TASKS = 8;
const CALLS = 60;
const EXPECTED = ['EEXIST', 'ENOENT', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR', 'EINVAL', 'EPERM', 'ENODATA'];

describe.each([1, 2, 3])('seed %i', (seed) => {
  it(`${TASKS} tasks with ${CALLS} calls each leave a sound tree`, async () => {
    const device = loadGolden('plain').device.clone();
    const clock = fixedClock(1_900_000_000);
    const volume: F2fsVolume = await runAsync(mountF2fs(new ShuffleDevice(device, seed), { writable: true, clock }));
    const scheduler = new Scheduler('async');
    const root = await scheduler.run(volume.readInode(volume.rootIno));
    const top = await scheduler.run(root.mkdir(bytesOf('together'), OWNER));
    const directories: F2fsInode[] = [top];
    for (const name of ['a', 'b', 'c']) directories.push(await scheduler.run(top.mkdir(bytesOf(name), OWNER)));
    const codes = new Map<string, number>();

    const worker = async (number: number): Promise<void> => {
      const random = seededRandom(1000 * seed + number);
      const name = (): Uint8Array => bytesOf(`name ${random.below(12)}`.padEnd(8 + random.below(3) * 60, '-'));
      for (let call = 0; call < CALLS; call++) {
        const [from, to] = [directories[random.below(4)]!, directories[random.below(4)]!];
        try {
          const kind = random.below(10);
          if (kind < 3) directories[random.below(2) + 2] = await scheduler.run(from.mkdir(name(), OWNER));
          else if (kind < 5) await scheduler.run(from.symlink(name(), name(), OWNER));
          else if (kind === 5) await scheduler.run(from.unlink(name()));
          else if (kind === 6) await scheduler.run(from.rmdir(name()));
          else if (kind === 7) await scheduler.run(volume.sync());
          else if (kind === 8) await scheduler.run(from.setXattr(bytesOf('user.x'), name()));
          else {
            const mode = (['plain', 'exchange', 'noReplace', 'whiteout'] as const)[random.below(4)]!;
            await scheduler.run(from.rename(name(), to, name(), mode));
          }
          codes.set('done', (codes.get('done') ?? 0) + 1);
        } catch (error) {
          if (!(error instanceof FsError) || !EXPECTED.includes(error.code)) throw error;
          codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
        }
      }
    };
    await Promise.all(Array.from({ length: TASKS }, (_, number) => worker(number)));
    expect(codes.get('done')).toBeGreaterThan((TASKS * CALLS) / 4);
    expect(volume.writer!.locks.size).toBe(0);
    await scheduler.run(volume.unmount());
    const left = runSync(mountF2fs(device));
    expect(linesOf(modelOf(left)).length).toBeGreaterThan(10);
    if (judged) expect(objections(device)).toBe('');
  });
});
