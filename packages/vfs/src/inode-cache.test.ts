import { EIO, FsError } from '@f2fskit/errno';
import { runAsync, runSync, seededRandom } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { Delays, finishAll, ToyFilesystem } from '../test/toy-filesystem.ts';
import { type Inode, InodeCache } from './index.ts';

/** A filesystem with `count` files; returns their inode numbers. */
function files(count: number): { filesystem: ToyFilesystem; inos: number[] } {
  const filesystem = new ToyFilesystem();
  const inos = Array.from({ length: count }, (_, i) => filesystem.root.make('file', `f${i}`).ino);
  return { filesystem, inos };
}

const codes = (results: PromiseSettledResult<Inode>[]): string[] =>
  results.map((result) => (result.status === 'fulfilled' ? String(result.value.ino) : result.reason.code));

describe('InodeCache', () => {
  it.each([1, 2, 3])('drops the least recently used inode and no other (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const { filesystem, inos } = files(12);
    const cache = new InodeCache(filesystem, 5);
    let model: number[] = []; // in the order of last use
    for (let i = 0; i < 500; i++) {
      const ino = inos[random.below(inos.length)]!;
      const peeks = random.chance(0.3);
      const hit = model.includes(ino);
      const reads = filesystem.calls.readInode.length;
      if (peeks) expect(cache.peek(ino)?.ino).toBe(hit ? ino : undefined);
      else expect(runSync(cache.get(ino)).ino).toBe(ino);
      expect(filesystem.calls.readInode.length - reads).toBe(hit || peeks ? 0 : 1);
      if (hit || !peeks) model = [...model.filter((other) => other !== ino), ino].slice(-5);
      expect(cache.size).toBe(model.length);
    }
  });

  it('keeps nothing with a capacity of 0, and still works', () => {
    const { filesystem, inos } = files(1);
    const cache = new InodeCache(filesystem, 0);
    for (let i = 0; i < 3; i++) expect(runSync(cache.get(inos[0]!)).ino).toBe(inos[0]);
    expect([cache.size, filesystem.calls.readInode.length]).toEqual([0, 3]);
  });

  it('reads once for all tasks that wait, and all get the same inode', async () => {
    const { filesystem, inos } = files(1);
    const cache = new InodeCache(filesystem);
    const results = await finishAll(filesystem, seededRandom(1), () =>
      [1, 2, 3].map(() => runAsync(cache.get(inos[0]!))),
    );
    expect(codes(results)).toEqual([1, 2, 3].map(() => String(inos[0])));
    expect(new Set(results.map((result) => (result as PromiseFulfilledResult<Inode>).value)).size).toBe(1);
    expect(filesystem.calls.readInode).toEqual([inos[0]]);
  });

  it('serves waiters from the read that they waited for, also when the cache has lost the inode again', () => {
    const { filesystem, inos } = files(2);
    const [first, second] = inos as [number, number];
    const cache = new InodeCache(filesystem, 1);
    // Driven by hand, because a scheduler resumes a waiter later than the wait ends: the reader finishes, another inode
    // pushes its inode out, and only then the waiter runs.
    filesystem.delays = new Delays();
    const reader = cache.get(first);
    const waiter = cache.get(first);
    reader.next();
    expect(waiter.next().done).toBe(false);
    filesystem.delays.finish(seededRandom(1));
    filesystem.delays = undefined;
    expect(reader.next().done).toBe(true);
    runSync(cache.get(second));
    expect(cache.peek(first)).toBeUndefined();
    const step = waiter.next();
    expect(step.done && step.value.ino).toBe(first);
    expect(filesystem.calls.readInode).toEqual([first, second]);
  });

  it('tells every task its own failure, remembers none, and leaves nobody waiting', async () => {
    const { filesystem, inos } = files(1);
    const ino = inos[0]!;
    const cache = new InodeCache(filesystem);
    filesystem.broken.set(ino, new FsError(EIO));
    const results = await finishAll(filesystem, seededRandom(1), () => [1, 2, 3].map(() => runAsync(cache.get(ino))));
    expect(codes(results)).toEqual(['EIO', 'EIO', 'EIO']);
    expect(filesystem.calls.readInode).toEqual([ino, ino, ino]);
    expect(cache.size).toBe(0);
    filesystem.broken.clear();
    expect(runSync(cache.get(ino)).ino).toBe(ino);
  });

  it('lets the next task read when the first one failed, and the third wait for that', async () => {
    const { filesystem, inos } = files(1);
    const ino = inos[0]!;
    const cache = new InodeCache(filesystem);
    filesystem.broken.set(ino, new FsError(EIO));
    const results = await finishAll(filesystem, seededRandom(1), () => {
      const first = runAsync(cache.get(ino));
      const running = [first, runAsync(cache.get(ino)), runAsync(cache.get(ino))];
      const readInode = filesystem.readInode.bind(filesystem);
      filesystem.readInode = (again) => {
        filesystem.broken.clear(); // the second read finds the medium well
        return readInode(again);
      };
      return running;
    });
    expect(codes(results)).toEqual(['EIO', String(ino), String(ino)]);
    expect(filesystem.calls.readInode).toEqual([ino, ino]);
  });

  it.each([21, 22, 23, 24])(
    'never reads one inode twice at a time, whatever order reads end in (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      const { filesystem, inos } = files(8);
      for (const ino of inos) if (random.chance(0.2)) filesystem.broken.set(ino, new FsError(EIO));
      const cache = new InodeCache(filesystem, 3);
      const wanted = Array.from({ length: 200 }, () => inos[random.below(inos.length)]!);
      const results = await finishAll(filesystem, random, () => wanted.map((ino) => runAsync(cache.get(ino))));
      expect(codes(results)).toEqual(wanted.map((ino) => (filesystem.broken.has(ino) ? 'EIO' : String(ino))));
      expect(filesystem.readsOfOneInodeMax).toBe(1);
      expect(cache.size).toBe(Math.min(3, new Set(wanted.filter((ino) => !filesystem.broken.has(ino))).size));
    },
  );

  it('keeps nothing of an inode that was freed, not even when it was being read', async () => {
    const { filesystem, inos } = files(2);
    const [read, reading] = inos as [number, number];
    const cache = new InodeCache(filesystem);
    runSync(cache.get(read));
    await finishAll(filesystem, seededRandom(1), () => {
      const running = runAsync(cache.get(reading));
      cache.forget(reading);
      cache.forget(read);
      return [running];
    });
    expect([cache.size, cache.freed, cache.peek(read), cache.peek(reading)]).toEqual([0, 2, undefined, undefined]);
  });

  it('takes what was made just now, for one that it drops', () => {
    const { filesystem, inos } = files(3);
    const cache = new InodeCache(filesystem, 2);
    for (const ino of inos) cache.add(filesystem.nodes.get(ino)!);
    expect(inos.map((ino) => cache.peek(ino)?.ino)).toEqual([undefined, inos[1], inos[2]]);
    expect(filesystem.calls.readInode).toEqual([]);
  });
});
