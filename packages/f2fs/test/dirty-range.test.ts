// Stores to a mapping of a file: what they change is written with the file, on both engines, also while it is being written.

import { ShuffleDevice } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { fixedClock, runAsync, runSync, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type BufferedIo, type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const NAME = new TextEncoder().encode('file');

async function world(
  bufferedIo: BufferedIo,
  content: Uint8Array,
): Promise<{ medium: ReturnType<typeof loadGolden>['device']; volume: F2fsVolume; file: F2fsInode }> {
  const medium = loadGolden('plain').device.clone();
  const options = { writable: true, clock: fixedClock(1_900_000_000, 0), random: seededRandom(1), bufferedIo };
  const volume = await runAsync(mountF2fs(new ShuffleDevice(medium, 3), { cache: { poison: true }, ...options }));
  const root = await runAsync(volume.readInode(volume.rootIno));
  const file = await runAsync(root.create(NAME, OWNER));
  await runAsync(file.write(0, new BytesSource(content)));
  await runAsync(volume.sync());
  return { medium, volume, file };
}

function contentOf(medium: ReturnType<typeof loadGolden>['device']): Uint8Array {
  const volume = runSync(mountF2fs(medium));
  const root = runSync(volume.readInode(volume.rootIno));
  const file = runSync(volume.readInode(runSync(root.lookup(NAME))));
  const bytes = new Uint8Array(file.size);
  runSync(file.read(0, bytes));
  return bytes;
}

describe.each(['iomap', 'page'] as const)('engine %s', (bufferedIo) => {
  it.each([100, 50_000])('a file of %i bytes', async (size) => {
    const expected = new Uint8Array(size).fill(1);
    const { medium, volume, file } = await world(bufferedIo, expected);
    const double = (bytes: Uint8Array): void => {
      for (let at = 0; at < bytes.length; at++) bytes[at]! += 5;
    };
    await runAsync(file.dirtyRange(10, size - 20, double));
    double(expected.subarray(10, size - 10));
    expect(file.size).toBe(size);
    await runAsync(volume.unmount());
    expect(contentOf(medium)).toEqual(expected);
    if (judged) expect(objections(medium)).toBe('');
  });

  it('bytes behind the end are EFAULT, also of a file of no bytes', async () => {
    const { file } = await world(bufferedIo, new Uint8Array(5000));
    const untouched = (): void => expect.fail('called');
    for (const [position, length] of [
      [4999, 2],
      [5000, 1],
      [-1, 2],
    ] as const) {
      await expect(runAsync(file.dirtyRange(position, length, untouched))).rejects.toMatchObject({ code: 'EFAULT' });
    }
    await runAsync(file.truncate(0));
    await expect(runAsync(file.dirtyRange(0, 1, untouched))).rejects.toMatchObject({ code: 'EFAULT' });
    await runAsync(file.dirtyRange(0, 0, untouched));
  });

  it('a hole takes room when it is stored to', async () => {
    const { medium, volume, file } = await world(bufferedIo, new Uint8Array(5000).fill(1));
    await runAsync(file.truncate(100 * BLOCK_SIZE));
    await runAsync(file.dirtyRange(50 * BLOCK_SIZE - 1, 2, (bytes) => bytes.fill(2)));
    await runAsync(volume.sync());
    expect(file.attributes().blocks).toBe((2 + 2) * 8);
    await runAsync(volume.unmount());
    const found = contentOf(medium);
    expect([...found.subarray(50 * BLOCK_SIZE - 2, 50 * BLOCK_SIZE + 2)]).toEqual([0, 2, 2, 0]);
    if (judged) expect(objections(medium)).toBe('');
  });

  it('stores, writes and syncs at once: every store is there in the end', async () => {
    const blocks = 30;
    const { medium, volume, file } = await world(bufferedIo, new Uint8Array(blocks * BLOCK_SIZE));
    const add = (bytes: Uint8Array): void => {
      for (let at = 0; at < bytes.length; at++) bytes[at]!++;
    };
    const tasks: Promise<unknown>[] = [];
    for (let round = 0; round < 40; round++) {
      tasks.push(runAsync(file.dirtyRange(round * 100, (blocks - 2) * BLOCK_SIZE, add)));
      if (round % 5 === 0) tasks.push(runAsync(file.fsync(file.errorCursor(), false)));
      if (round % 9 === 0) tasks.push(runAsync(volume.sync()));
    }
    await Promise.all(tasks);
    await runAsync(volume.unmount());
    const expected = new Uint8Array(blocks * BLOCK_SIZE);
    for (let round = 0; round < 40; round++)
      add(expected.subarray(round * 100, round * 100 + (blocks - 2) * BLOCK_SIZE));
    expect(Buffer.compare(contentOf(medium), expected)).toBe(0);
  });
});
