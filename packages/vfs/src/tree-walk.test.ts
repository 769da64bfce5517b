import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { EIO, FsError } from '@f2fskit/errno';
import { type RandomSource, runAsync, runSync, seededRandom, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finishAll, ROOT_INO, ToyFilesystem, type ToyInode } from '../test/toy-filesystem.ts';
import {
  InodeCache,
  TREE_PATH_BYTES_MAX,
  type TreeEvent,
  TreeWalk,
  type TreeWalkOptions,
  utf8Encode,
} from './index.ts';

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** No tree here is larger: a walk that does not end fails, and does not fill the memory. */
const EVENTS_MAX = 5_000;

function* collect(walk: TreeWalk): Task<TreeEvent[]> {
  const events: TreeEvent[] = [];
  for (let event = yield* walk.next(); event !== undefined; event = yield* walk.next()) {
    events.push(event);
    if (events.length > EVENTS_MAX) throw new Error('the walk does not end');
  }
  return events;
}

interface Options extends TreeWalkOptions {
  path?: string;
  capacity?: number;
}

function events(filesystem: ToyFilesystem, { path = '/', capacity, ...options }: Options = {}): TreeEvent[] {
  const inodes = new InodeCache(filesystem, capacity);
  return runSync(collect(new TreeWalk(inodes, filesystem.root, utf8Encode(path), options)));
}

/** One line an event: `/path` for an entry, `? /path EIO` for an unreadable one, `! /path EUCLEAN` for damage. */
function shown(event: TreeEvent): string {
  const path = textOf(event.path);
  if (event.type === 'entry') return path;
  return `${event.type === 'damage' ? '!' : '?'} ${path} ${event.error.code}`;
}

const walk = (filesystem: ToyFilesystem, options?: Options): string[] => events(filesystem, options).map(shown);

/** What typed arrays take after everything unused was collected. */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** A random tree: each new name goes into one of the directories made so far. The bytes around `/` decide the order. */
const nameBytes = fc.array(fc.constantFrom(0x01, 0x2d, 0x2e, 0x30, 0x61, 0x62, 0xff), { minLength: 1, maxLength: 3 });
const treeNodes = fc.array(
  fc.record({ parent: fc.nat(), name: nameBytes, kind: fc.constantFrom('directory', 'directory', 'file', 'symlink') }),
  { maxLength: 40 },
);

/** Enough for a large tree, names with newlines and broken UTF-8 among them. */
function manyNodes(random: RandomSource): Array<{ parent: number; name: number[]; kind: string }> {
  const bytes = [0x01, 0x0a, 0x2d, 0x2e, 0x30, 0x61, 0xc3, 0xff];
  return Array.from({ length: 400 }, () => ({
    parent: random.u32(),
    name: Array.from({ length: 1 + random.below(3) }, () => bytes[random.below(bytes.length)]!),
    kind: random.chance(0.4) ? 'directory' : 'file',
  }));
}

interface Built {
  filesystem: ToyFilesystem;
  /** Every path, in the order of making. */
  paths: Buffer[];
}

function build(nodes: Array<{ parent: number; name: number[]; kind: string }>): Built {
  const filesystem = new ToyFilesystem();
  const directories: Array<[ToyInode, Buffer]> = [[filesystem.root, Buffer.from('.')]];
  const paths = [Buffer.from('.')];
  const taken = new Set<string>();
  for (const { parent, name, kind } of nodes) {
    const [directory, way] = directories[parent % directories.length]!;
    const path = Buffer.concat([way, Buffer.from('/'), Uint8Array.from(name)]);
    const last = textOf(Uint8Array.from(name));
    if (last === '.' || last === '..' || taken.has(path.toString('latin1'))) continue;
    taken.add(path.toString('latin1'));
    const inode = directory.make(kind as 'file', Uint8Array.from(name));
    paths.push(path);
    if (kind === 'directory') directories.push([inode, path]);
  }
  return { filesystem, paths };
}

const sorted = (paths: Buffer[]): string[] => [...paths].sort(Buffer.compare).map(textOf);

describe('TreeWalk in byte order', () => {
  it('puts a record before its contents, and other names between them', () => {
    const filesystem = new ToyFilesystem();
    const { root } = filesystem;
    root.make('file', 'a0');
    root.make('directory', 'a').make('file', 'b');
    root.make('file', 'a-b');
    root.make('file', 'a.b');
    expect(walk(filesystem)).toEqual(['/', '/a', '/a-b', '/a.b', '/a/b', '/a0']);
    expect(walk(filesystem, { path: '.' })).toEqual(['.', './a', './a-b', './a.b', './a/b', './a0']);
    expect(walk(filesystem, { path: '/x/' })).toEqual(['/x/', '/x/a', '/x/a-b', '/x/a.b', '/x/a/b', '/x/a0']);
  });

  it('is the byte order of all paths, whatever the names, the parts of the listings and the size of the cache', () => {
    fc.assert(
      fc.property(treeNodes, fc.integer({ min: 1, max: 5 }), fc.constantFrom(1, 3, 1000), (nodes, batch, capacity) => {
        const { filesystem, paths } = build(nodes);
        filesystem.batchEntries = batch;
        expect(walk(filesystem, { path: '.', capacity })).toEqual(sorted(paths));
      }),
      { numRuns: 300 },
    );
  });

  // The judge from outside, where there is one; -z: names end in NUL and may hold anything else.
  it.runIf(process.platform === 'linux')('is the order of `LC_ALL=C sort -z`', () => {
    const { filesystem, paths } = build(manyNodes(seededRandom(7)));
    expect(paths.length).toBeGreaterThan(300);
    const input = Buffer.concat(paths.flatMap((path) => [path, Buffer.from([0])]));
    const { stdout, status } = spawnSync('sort', ['-z'], { input, env: { ...process.env, LC_ALL: 'C' } });
    expect(status).toBe(0);
    const walked = walk(filesystem, { path: '.' });
    expect(walked.map((path) => `${path}\0`).join('')).toBe(textOf(stdout));
  });

  it.each([31, 32, 33])('is the same when reads end in any order beside other walks (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const { filesystem, paths } = build(manyNodes(random));
    const inodes = new InodeCache(filesystem, 4);
    const results = await finishAll(filesystem, random, () =>
      [1, 2, 3].map(() => runAsync(collect(new TreeWalk(inodes, filesystem.root, utf8Encode('.'))))),
    );
    for (const result of results) {
      expect(result.status === 'fulfilled' && result.value.map(shown)).toEqual(sorted(paths));
    }
  });

  it('lists both of two equal names, in the order of storage', () => {
    const filesystem = new ToyFilesystem();
    const first = filesystem.root.make('file', 'a');
    for (let i = 0; i < 5; i++) filesystem.root.make('file', `b${i}`);
    const second = filesystem.root.make('file', 'a');
    const inos = events(filesystem).flatMap((event) => (event.type === 'entry' ? [event.ino] : []));
    expect(inos.slice(0, 3)).toEqual([ROOT_INO, first.ino, second.ino]);
  });
});

describe('TreeWalk in disk order', () => {
  it('is depth first, each directory as stored', () => {
    fc.assert(
      fc.property(treeNodes, fc.integer({ min: 1, max: 5 }), (nodes, batch) => {
        const { filesystem } = build(nodes);
        filesystem.batchEntries = batch;
        const expected: string[] = [];
        const visit = (inode: ToyInode, path: string): void => {
          expected.push(path);
          for (const { name, ino } of inode.entries) visit(filesystem.nodes.get(ino)!, `${path}/${textOf(name)}`);
        };
        visit(filesystem.root, '.');
        expect(walk(filesystem, { path: '.', order: 'disk', capacity: 1 })).toEqual(expected);
      }),
    );
  });

  it('holds no more than one part of a listing: the first entry is out before the second part is read', () => {
    const filesystem = new ToyFilesystem();
    filesystem.batchEntries = 1;
    for (const name of ['c', 'b', 'a']) filesystem.root.make('file', name);
    filesystem.root.problems.set(2, { thrown: new Error('read too far') });
    const tree = new TreeWalk(new InodeCache(filesystem), filesystem.root, utf8Encode('/'), { order: 'disk' });
    expect([1, 2, 3].map(() => shown(runSync(tree.next())!))).toEqual(['/', '/c', '/b']);
    expect(() => runSync(tree.next())).toThrow('read too far');
  });
});

describe.each(['bytes', 'disk'] as const)('TreeWalk in any order (%s)', (order) => {
  it('tells depth and inode of every entry', () => {
    const filesystem = new ToyFilesystem();
    const dir = filesystem.root.make('directory', 'dir');
    const file = dir.make('file', 'file');
    expect(events(filesystem, { order })).toMatchObject([
      { type: 'entry', depth: 0, ino: ROOT_INO, inode: filesystem.root },
      { type: 'entry', depth: 1, ino: dir.ino, inode: dir, name: utf8Encode('dir') },
      { type: 'entry', depth: 2, ino: file.ino, inode: file, name: utf8Encode('file') },
    ]);
  });

  it('starts at anything: a file is one entry', () => {
    const filesystem = new ToyFilesystem();
    const file = filesystem.root.make('file', 'f');
    const tree = new TreeWalk(new InodeCache(filesystem), file, utf8Encode('/f'), { order });
    expect(runSync(collect(tree)).map(shown)).toEqual(['/f']);
    expect(runSync(tree.next())).toBeUndefined();
  });

  it('goes as deep as depthMax, and lists no directory below it', () => {
    fc.assert(
      fc.property(treeNodes, fc.integer({ min: 0, max: 4 }), (nodes, depthMax) => {
        const { filesystem } = build(nodes);
        const all = events(filesystem, { order, path: '.' });
        filesystem.calls.list.length = 0;
        expect(walk(filesystem, { order, path: '.', depthMax })).toEqual(
          all.filter(({ depth }) => depth <= depthMax).map(shown),
        );
        const listed = all.filter((event) => event.type === 'entry' && event.inode.kind === 'directory');
        expect(filesystem.calls.list.length).toBe(listed.filter(({ depth }) => depth < depthMax).length);
      }),
    );
  });

  it('enters a directory that contains itself once', () => {
    const filesystem = new ToyFilesystem();
    const dir = filesystem.root.make('directory', 'dir');
    dir.enter('self', dir.ino, 'directory');
    dir.enter('top', ROOT_INO, 'directory');
    dir.make('file', 'z');
    expect(walk(filesystem, { order })).toEqual([
      '/',
      '/dir',
      '/dir/self',
      '! /dir/self EUCLEAN',
      '/dir/top',
      '! /dir/top EUCLEAN',
      '/dir/z',
    ]);
    expect(events(filesystem, { order })[3]).toMatchObject({ depth: 2, error: { kind: 'directoryLoop' } });
  });

  it('enters a directory under two names once', () => {
    const filesystem = new ToyFilesystem();
    const one = filesystem.root.make('directory', 'one');
    one.make('file', 'f');
    filesystem.root.enter('two', one.ino, 'directory');
    expect(walk(filesystem, { order })).toEqual(['/', '/one', '/one/f', '/two', '! /two EUCLEAN']);
  });

  it('ends on any graph of directories: each is listed once, and nothing that can be reached is left out', () => {
    const graph = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 40 });
    fc.assert(
      fc.property(graph, (edges) => {
        const filesystem = new ToyFilesystem();
        const inodes = [filesystem.root];
        for (let i = 1; i < 10; i++) inodes.push(filesystem.root.make('directory', `d${i}`));
        edges.forEach(([from, to], i) => {
          inodes[from]!.enter(`e${i}`, inodes[to]!.ino, 'directory');
        });
        const all = events(filesystem, { order });
        expect(filesystem.calls.list.toSorted((a, b) => a - b)).toEqual(inodes.map(({ ino }) => ino));
        expect(all.filter(({ type }) => type === 'entry').length).toBe(1 + 9 + edges.length);
        expect(all.filter(({ type }) => type === 'damage').length).toBe(edges.length);
      }),
    );
  });

  it('descends 10,000 levels', () => {
    const filesystem = new ToyFilesystem();
    let inode = filesystem.root;
    for (let i = 0; i < 10_000; i++) inode = inode.make('directory', 'd');
    inode.make('file', 'f');
    const inodes = new InodeCache(filesystem, 10);
    const tree = new TreeWalk(inodes, filesystem.root, utf8Encode('/'), { order });
    let count = 0;
    let last: TreeEvent | undefined;
    for (let event = runSync(tree.next()); event !== undefined; event = runSync(tree.next())) {
      last = event;
      if (++count > 10_002) break;
    }
    expect(count).toBe(10_002);
    expect(last).toMatchObject({ type: 'entry', depth: 10_001 });
    expect(textOf(last!.path) === `${'/d'.repeat(10_000)}/f`).toBe(true); // not a difference of 20 kB
  });

  it('keeps one path, not one for every level', () => {
    const filesystem = new ToyFilesystem();
    let inode = filesystem.root;
    for (let i = 0; i < 10_000; i++) inode = inode.make('directory', 'four');
    const tree = new TreeWalk(new InodeCache(filesystem, 10), filesystem.root, utf8Encode('/'), { order });
    const before = bytesHeld();
    for (let i = 0; i < 10_000; i++) runSync(tree.next());
    // The paths of all levels together are 250 MB. The walk is at the bottom now, and still in use below.
    expect(bytesHeld() - before).toBeLessThan(16e6);
    expect(runSync(tree.next())?.path.length).toBe(50_000);
  });

  it('does not enter what has a path above the bound, and goes on beside it', () => {
    const filesystem = new ToyFilesystem();
    const name = 'n'.repeat(255);
    let inode = filesystem.root;
    for (let i = 0; i < 600; i++) inode = inode.make('directory', name);
    filesystem.root.make('file', 'z');
    const all = events(filesystem, { order });
    const entered = Math.floor(TREE_PATH_BYTES_MAX / 256);
    const expected = [...Array.from({ length: entered + 2 }, (_, i) => i), entered + 1, 1]; // one more is seen, not entered
    expect(all.map(({ depth }) => depth)).toEqual(expected);
    expect(all.at(-2)).toMatchObject({ type: 'damage', error: { code: 'ENAMETOOLONG' } });
    expect(shown(all.at(-1)!)).toBe('/z');
  });

  it('reports an inode that cannot be read, with what the directory says of it, and goes on', () => {
    const filesystem = new ToyFilesystem();
    const bad = filesystem.root.make('directory', 'bad');
    bad.make('file', 'hidden');
    filesystem.root.make('file', 'good');
    filesystem.broken.set(bad.ino, new FsError(EIO));
    const all = events(filesystem, { order });
    expect(all.map(shown)).toEqual(['/', '? /bad EIO', '/good']);
    expect(all[1]).toMatchObject({ type: 'unreadable', depth: 1, entry: { ino: bad.ino, kind: 'directory' } });
  });

  it('lists around damage, and keeps what was read before an error', () => {
    const filesystem = new ToyFilesystem();
    const { root } = filesystem;
    const dir = root.make('directory', 'dir');
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) dir.make('file', name);
    root.make('file', 'next');
    dir.problems.set(0, new FsError(EIO));
    dir.problems.set(4, { thrown: new FsError(EIO) });
    const all = walk(filesystem, { order });
    expect(all.filter((line) => !line.startsWith('!'))).toEqual([
      '/',
      '/dir',
      '/dir/a',
      '/dir/b',
      '/dir/c',
      '/dir/d',
      '/next',
    ]);
    expect(all.filter((line) => line.startsWith('!'))).toEqual(['! /dir EIO', '! /dir EIO']);
  });

  it('reports a start that cannot be listed', () => {
    const thrown = new FsError(EIO);
    const later = new ToyFilesystem();
    later.root.problems.set(0, { thrown });
    expect(walk(later, { order })).toEqual(['/', '! / EIO']);
    const atOnce = new ToyFilesystem();
    atOnce.root.listError = thrown;
    expect(walk(atOnce, { order })).toEqual(['/', '! / EIO']);
  });

  it('reports a directory whose listing cannot even begin', () => {
    const filesystem = new ToyFilesystem();
    filesystem.root.make('directory', 'a').listError = new FsError(EIO);
    filesystem.root.make('file', 'b');
    expect(walk(filesystem, { order })).toEqual(['/', '/a', '! /a EIO', '/b']);
  });

  it('does not take a bug for damage', () => {
    const bug = new TypeError('a bug');
    const filesystem = new ToyFilesystem();
    const dir = filesystem.root.make('directory', 'dir');
    dir.listError = bug;
    expect(() => walk(filesystem, { order })).toThrow(bug);
    filesystem.broken.set(dir.ino, bug);
    expect(() => walk(filesystem, { order })).toThrow(bug);
    filesystem.root.problems.set(0, { thrown: bug });
    expect(() => walk(filesystem, { order })).toThrow(bug);
  });

  it('believes the inode, not the kind in the entry', () => {
    const filesystem = new ToyFilesystem();
    const { root } = filesystem;
    const dir = root.make('directory', 'dir');
    dir.make('file', 'x');
    const file = root.make('file', 'file');
    const liars = new ToyFilesystem();
    for (const [ino, inode] of filesystem.nodes) if (ino !== ROOT_INO) liars.nodes.set(ino, inode);
    liars.root.enter('a', dir.ino, 'file');
    liars.root.enter('b', file.ino, 'directory');
    expect(walk(liars, { order })).toEqual(['/', '/a', '/a/x', '/b']);
  });

  it.each(['', '.', '..', 'a/b', '/', '../../etc/passwd', 'a\0'])('never shows the name %j', (name) => {
    const filesystem = new ToyFilesystem();
    filesystem.root.make('file', 'a');
    filesystem.root.make('directory', name).make('file', 'inside');
    filesystem.root.make('file', 'z');
    const all = events(filesystem, { order });
    expect(all.filter(({ type }) => type === 'entry').map(shown)).toEqual(['/', '/a', '/z']);
    expect(all.filter(({ type }) => type === 'damage')).toMatchObject([
      { path: utf8Encode('/'), depth: 0, error: { kind: 'entryName', where: { ino: ROOT_INO } } },
    ]);
  });

  it('shows names that only look like those', () => {
    const filesystem = new ToyFilesystem();
    const names = ['...', '.a', '..a', '\\', 'a.', '\n'];
    for (const name of names) filesystem.root.make('file', name);
    expect(new Set(walk(filesystem, { order }))).toEqual(new Set(['/', ...names.map((name) => `/${name}`)]));
  });

  it('gives every event a path of its own', () => {
    const filesystem = new ToyFilesystem();
    filesystem.root.make('directory', 'a').make('file', 'b');
    const tree = new TreeWalk(new InodeCache(filesystem), filesystem.root, utf8Encode('/'), { order });
    const seen: string[] = [];
    for (let event = runSync(tree.next()); event !== undefined; event = runSync(tree.next())) {
      seen.push(shown(event));
      event.path.fill(0x78); // what a caller does to a path is no concern of the walk
    }
    expect(seen).toEqual(['/', '/a', '/a/b']);
  });
});

describe('TreeWalk in byte order, when the medium goes bad meanwhile', () => {
  it('reports a directory whose inode cannot be read again for its contents', () => {
    const filesystem = new ToyFilesystem();
    const dir = filesystem.root.make('directory', 'dir');
    dir.make('file', 'x');
    filesystem.root.make('file', 'dir-2');
    filesystem.root.make('file', 'z');
    const tree = new TreeWalk(new InodeCache(filesystem, 1), filesystem.root, utf8Encode('/'));
    const seen: string[] = [];
    for (let event = runSync(tree.next()); event !== undefined; event = runSync(tree.next())) {
      seen.push(shown(event));
      filesystem.broken.set(dir.ino, new FsError(EIO));
      if (seen.length === 1) filesystem.broken.clear();
    }
    expect(seen).toEqual(['/', '/dir', '/dir-2', '! /dir EIO', '/z']);
  });

  it('takes inode numbers of any size for what they are', () => {
    // One bit a number: numbers that are equal modulo a byte, a page or 2^32 must not be taken for one another.
    const filesystem = new ToyFilesystem();
    const inos = [11, 12, 19, 11 + 32768, 11 + 2 ** 31, 11 + 2 ** 32, Number.MAX_SAFE_INTEGER];
    for (const ino of inos) filesystem.root.make('directory', `d${ino}`, '', ino);
    filesystem.root.enter('e', 11 + 2 ** 32, 'directory');
    expect(walk(filesystem).filter((line) => line.startsWith('!'))).toEqual(['! /e EUCLEAN']);
  });
});

describe("order 'names'", () => {
  /** Component by component: what is in a directory comes right behind it. */
  const byComponents = (a: string, b: string): number => {
    const [left, right] = [a.split('/'), b.split('/')];
    const at = left.findIndex((name, index) => name !== right[index]);
    if (at < 0 || left[at] === undefined) return left.length - right.length;
    return right[at] === undefined
      ? 1
      : Buffer.compare(Buffer.from(left[at]!, 'latin1'), Buffer.from(right[at]!, 'latin1'));
  };

  it('is that of a drawn tree, and tells the last name of each directory', () => {
    fc.assert(
      fc.property(treeNodes, (nodes) => {
        const { filesystem, paths } = build(nodes);
        const found = events(filesystem, { path: '.', order: 'names' });
        expect(found.map(shown)).toEqual(paths.map((path) => path.toString('latin1')).sort(byComponents));
        const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
        for (const [index, event] of found.entries()) {
          const parent = parentOf(shown(event));
          const follows = found.slice(index + 1).some((later) => parentOf(shown(later)) === parent && later.depth > 0);
          expect(event.type === 'entry' && event.last, shown(event)).toBe(!follows);
        }
      }),
    );
  });
});

describe('a directory that two directories list', () => {
  /** /a/stolen is /b, which says that it lies in the root under the name b. */
  function theft(home?: { parentIno: number; name: string }): string[] {
    const filesystem = new ToyFilesystem();
    const a = filesystem.root.make('directory', 'a');
    const b = filesystem.root.make('directory', 'b');
    b.make('file', 'treasure');
    a.enter('stolen', b.ino, 'directory');
    if (home !== undefined) b.home = { parentIno: home.parentIno, name: utf8Encode(home.name) };
    return walk(filesystem, { path: '.' });
  }

  it('is entered where it says it lies, if it is listed there', () => {
    const found = theft({ parentIno: ROOT_INO, name: 'b' });
    expect(found).toContain('./b/treasure');
    expect(found).toContain('! ./a/stolen EUCLEAN');
    expect(found).not.toContain('./a/stolen/treasure');
  });

  it.each([
    ['says nothing', undefined],
    ['names a directory that does not list it', { parentIno: ROOT_INO, name: 'c' }],
    ['names a directory that is not there', { parentIno: 999, name: 'b' }],
    ['names itself', { parentIno: ROOT_INO + 2, name: 'b' }],
  ])('is entered under the first of its names if it %s', (_what, home) => {
    const found = theft(home);
    expect(found).toContain('./a/stolen/treasure');
    expect(found).toContain('! ./b EUCLEAN');
  });
});
