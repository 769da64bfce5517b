// Opening to write, open files, changes by path. What Linux says of every path and flag is held against Linux itself where
// there is a filesystem to write to, in the tests of node:fs over it; here is what only the vfs can get wrong.

import { EINVAL, EIO, ENOSPC, FsError } from '@f2fskit/errno';
import { runAsync, runSync, seededRandom } from '@f2fskit/task';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Delays } from '../test/toy-filesystem.ts';
import { type WritableInode, WritableToy } from '../test/writable-toy.ts';
import { FIRST_DESCRIPTOR, FileFlag, OPEN_FILES_MAX, type OpenOptions, utf8Encode, Vfs } from './index.ts';
import { toSource } from './write-source.ts';

let toy: WritableToy;
let vfs: Vfs;
beforeEach(() => {
  toy = new WritableToy();
  vfs = new Vfs(toy);
});

const text = (value: string): Uint8Array => utf8Encode(value);
const inodeAt = (path: string): WritableInode => runSync(vfs.walk(path, { followLast: false })).inode as WritableInode;
const open = (path: string, options: OpenOptions): number => runSync(vfs.open(path, options));
const make = (path: string, content = ''): WritableInode => {
  const fd = open(path, { access: 'write', create: true, exclusive: true });
  runSync(vfs.file(fd).write(text(content)));
  runSync(vfs.close(fd));
  return inodeAt(path);
};

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
  return 'fine';
}

/** Starts tasks together, ends their waits one at a time, at random, and waits for all. */
async function together<T>(seed: number, start: () => Promise<T>[]): Promise<PromiseSettledResult<T>[]> {
  const random = seededRandom(seed);
  toy.delays = new Delays();
  const running = start();
  const all = Promise.allSettled(running);
  let over = false;
  void all.then(() => {
    over = true;
  });
  while (!over) {
    toy.delays.finishOne(random);
    await new Promise((resume) => setImmediate(resume));
  }
  toy.delays = undefined;
  return all;
}

describe('open', () => {
  it('makes what is absent with the mode that the umask leaves, and finds it again without reading', () => {
    vfs.umask = 0o027;
    open('/new', { access: 'write', create: true, mode: 0o4777 });
    expect(inodeAt('/new').mode).toBe(0o4750);
    expect(toy.changes).toEqual(['make file']);
    open('/new', { access: 'write', create: true });
    expect(toy.changes).toEqual(['make file']);
  });

  it('asks a default access list before the umask', () => {
    runSync(vfs.mkdir('/listed'));
    inodeAt('/listed').xattrs.push({ name: text('system.posix_acl_default'), value: new Uint8Array(0) });
    open('/listed/new', { access: 'write', create: true, mode: 0o666 });
    runSync(vfs.mkdir('/listed/dir', 0o777));
    expect([inodeAt('/listed/new').mode, inodeAt('/listed/dir').mode]).toEqual([0o666, 0o777]);
  });

  it('makes the target of a symlink that leads to nothing, through symlinks and into other directories', () => {
    runSync(vfs.mkdir('/dir'));
    runSync(vfs.symlink('dir/two', '/one'));
    runSync(vfs.symlink('../three', '/dir/two'));
    expect(codeOf(() => open('/one', { create: true, exclusive: true }))).toBe('EEXIST');
    expect(codeOf(() => open('/one', { create: true, followLast: false }))).toBe('ELOOP');
    open('/one', { access: 'write', create: true });
    expect(inodeAt('/three').kind).toBe('file');
  });

  it('leaves nothing behind when there is no descriptor', () => {
    const fds = Array.from({ length: OPEN_FILES_MAX }, () => open('/', {}));
    expect(codeOf(() => open('/new', { create: true }))).toBe('EMFILE');
    expect(toy.changes).toEqual([]);
    runSync(vfs.close(fds[5]!));
    expect(open('/new', { create: true })).toBe(fds[5]);
  });

  it('gives its descriptor back when it fails', () => {
    make('/file');
    expect(codeOf(() => open('/absent', {}))).toBe('ENOENT');
    expect(codeOf(() => open('/file', { create: true, exclusive: true }))).toBe('EEXIST');
    toy.failure = new FsError(ENOSPC);
    expect(codeOf(() => open('/file', { access: 'write', truncate: true }))).toBe('ENOSPC');
    expect(inodeAt('/file').held).toBe(0);
    expect(open('/file', {})).toBe(FIRST_DESCRIPTOR);
  });

  it('cuts an existing regular file only, and not one that it made', () => {
    make('/file', 'content');
    toy.changes.length = 0;
    open('/file', { access: 'write', truncate: true });
    open('/new', { access: 'write', create: true, truncate: true });
    expect(toy.changes).toEqual(['truncate', 'make file']);
  });

  it('respects append-only and immutable files', () => {
    const { ino } = make('/file', 'x');
    const inode = toy.inodes.get(ino)!;
    const codes = (): string[] =>
      (
        [
          { access: 'read' },
          { access: 'write' },
          { access: 'write', append: true },
          { access: 'write', append: true, truncate: true },
        ] as const
      ).map((options) => codeOf(() => open('/file', options)));
    inode.chattr = FileFlag.appendOnly;
    expect(codes()).toEqual(['fine', 'EPERM', 'fine', 'EPERM']);
    inode.chattr = FileFlag.immutable;
    expect(codes()).toEqual(['fine', 'EPERM', 'EPERM', 'EPERM']);
    expect(inode.content.length).toBe(1);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('of one name by many tasks: one makes it, all have it (seed %i)', async (seed) => {
    const exclusive = await together(seed, () =>
      Array.from({ length: 5 }, () => runAsync(vfs.open('/a', { create: true, exclusive: true }))),
    );
    expect(exclusive.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    const shared = await together(seed, () =>
      Array.from({ length: 5 }, () => runAsync(vfs.open('/b', { create: true }))),
    );
    const fds = shared.map((result) => (result as PromiseFulfilledResult<number>).value);
    expect(new Set(fds).size).toBe(5);
    expect(new Set(fds.map((fd) => vfs.file(fd).inode)).size).toBe(1);
    expect(inodeAt('/b').held).toBe(5);
  });

  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'never leads to a file that has taken the number of another meanwhile (seed %i)',
    async (seed) => {
      for (const name of ['a', 'b', 'c']) make(`/${name}`, name);
      const opened = await together(seed, () => {
        const again = function* (name: string) {
          yield* vfs.unlink(`/${name}`);
          const fd = yield* vfs.open(`/${name}`, { access: 'write', create: true });
          yield* vfs.file(fd).write(text(name));
          yield* vfs.close(fd);
          return undefined;
        };
        const look = function* (name: string) {
          const fd = yield* vfs.open(`/${name}`);
          const content = Buffer.from(yield* vfs.file(fd).readRest()).toString();
          yield* vfs.close(fd);
          return [name, content];
        };
        const names = ['a', 'b', 'c', 'c', 'b', 'a'];
        return [...names.map((name) => runAsync(look(name))), ...['a', 'b', 'c'].map((name) => runAsync(again(name)))];
      });
      for (const result of opened) {
        if (result.status === 'rejected') expect(result.reason.code).toBe('ENOENT');
        else if (result.value !== undefined) expect(['', result.value[0]]).toContain(result.value[1]);
      }
      expect(['a', 'b', 'c'].map((name) => String(inodeAt(`/${name}`).content))).toEqual(['a', 'b', 'c']);
    },
  );
});

describe('OpenFile', () => {
  it('allows what it was opened for', () => {
    make('/file', '0123456789');
    const target = new Uint8Array(4);
    const codes = (access: OpenOptions['access']): string[] => {
      const file = vfs.file(open('/file', { access: access! }));
      return [
        codeOf(() => runSync(file.read(target))),
        codeOf(() => runSync(file.readAt(0, target))),
        codeOf(() => runSync(file.readRest())),
        codeOf(() => runSync(file.write(text('x')))),
        codeOf(() => runSync(file.writeAt(3, text('x')))),
        codeOf(() => runSync(file.truncate(10))),
        codeOf(() => runSync(file.fsync())),
      ];
    };
    const [no, yes] = ['EBADF', 'fine'];
    expect(codes('read')).toEqual([yes, yes, yes, no, no, 'EINVAL', yes]);
    expect(codes('write')).toEqual([no, no, no, yes, yes, yes, yes]);
    expect(codes('readWrite')).toEqual([yes, yes, yes, yes, yes, yes, yes]);
    expect(codes('none')).toEqual([no, no, no, no, no, 'EINVAL', yes]);
    expect(vfs.file(open('/file', { access: 'write' })).peekRead(target)).toBe(-1);
  });

  it('keeps one position for reading and writing, which writes at a place leave alone', () => {
    make('/file', '0123456789');
    const file = vfs.file(open('/file', { access: 'readWrite' }));
    runSync(file.read(new Uint8Array(3)));
    runSync(file.write(text('AB')));
    runSync(file.writeAt(0, text('Z')));
    expect(Buffer.from(runSync(file.readRest())).toString()).toBe('56789');
    runSync(file.write(text('!')));
    expect(String(inodeAt('/file').content)).toBe('Z12AB56789!');
    expect(runSync(file.write(new Uint8Array(0)))).toBe(0);
    expect(file.position).toBe(11);
  });

  it('appends to the end as it is then, also what is written at a place', () => {
    make('/file', 'start');
    const [one, two] = [1, 2].map(() => vfs.file(open('/file', { access: 'readWrite', append: true })));
    runSync(one!.write(text(' one')));
    runSync(two!.write(text(' two')));
    runSync(one!.writeAt(0, text(' three')));
    expect(one!.position).toBe(9);
    expect(String(inodeAt('/file').content)).toBe('start one two three');
  });

  it.each([1, 2, 3, 4, 5])('writes that overlap follow one another in the order of asking (seed %i)', async (seed) => {
    make('/file');
    const file = vfs.file(open('/file', { access: 'write' }));
    await together(seed, () => ['one ', 'two ', 'three'].map((part) => runAsync(file.write(text(part)))));
    expect(String(inodeAt('/file').content)).toBe('one two three');
  });

  it('is durable when it is to be', () => {
    const inode = make('/file');
    runSync(vfs.file(open('/file', { access: 'write' })).write(text('x')));
    runSync(vfs.file(open('/file', { access: 'write', sync: 'data' })).write(text('x')));
    runSync(vfs.file(open('/file', { access: 'write', sync: 'all' })).writeAt(0, text('x')));
    expect(inode.syncs).toEqual(['data', 'all']);
  });

  it('tells of a write that failed once for each open file', () => {
    const inode = make('/file');
    const files = [1, 2].map(() => vfs.file(open('/file', { access: 'write' })));
    inode.errors.set(EIO);
    for (const file of files) expect(codeOf(() => runSync(file.fsync()))).toBe('EIO');
    for (const file of files) expect(codeOf(() => runSync(file.fsync()))).toBe('fine');
    inode.errors.set(ENOSPC);
    const synced = vfs.file(open('/file', { access: 'write', sync: 'data' }));
    expect(codeOf(() => runSync(synced.write(text('x'))))).toBe('ENOSPC');
  });

  it('goes past the cache where it was opened for that and the filesystem can', () => {
    const inode = make('/file', '0123456789');
    const target = new Uint8Array(4);
    const calls: string[] = [];
    const ordinary = inode.write.bind(inode);
    Object.assign(inode, {
      *readDirect(at: number) {
        calls.push(`read ${at}`);
        return 4;
      },
      *writeDirect(at: number | 'end', source: { length: number }) {
        calls.push(`write ${at}`);
        return { bytes: source.length, end: at === 'end' ? 99 : at + source.length };
      },
    });
    const direct = vfs.file(open('/file', { access: 'readWrite', direct: true }));
    expect(direct.peekRead(target)).toBe(-1);
    expect([runSync(direct.read(target)), runSync(direct.writeAt(6, text('xy')))]).toEqual([4, 2]);
    const appending = vfs.file(open('/file', { access: 'write', append: true, direct: true }));
    runSync(appending.write(text('z')));
    runSync(vfs.file(open('/file', { access: 'write' })).writeAt(0, text('A')));
    expect([calls, String(inode.content)]).toEqual([['read 0', 'write 6', 'write end'], 'A123456789']);
    // Without a way past it, through the cache.
    Object.assign(inode, { writeDirect: undefined, write: ordinary });
    runSync(direct.writeAt(1, text('B')));
    expect(String(inode.content)).toBe('AB23456789');
  });

  it('asks for the range of a sync, whose length 0 is the rest, and of files only', () => {
    const inode = make('/file', 'x');
    const asked: unknown[] = [];
    Object.assign(inode, {
      *syncRange(_: unknown, mode: string, start: number, end: number) {
        asked.push([mode, start, end]);
      },
    });
    const file = vfs.file(open('/file', { access: 'read' }));
    runSync(file.syncRange('start', 4096, 8192));
    runSync(file.syncRange('wait', 10, 0));
    expect(asked).toEqual([
      ['start', 4096, 12_288],
      ['wait', 10, Number.POSITIVE_INFINITY],
    ]);
    const directory = vfs.file(open('/', {}));
    expect(codeOf(() => runSync(directory.syncRange('write', 0, 0)))).toBe('EINVAL');
  });

  it('has its own atomic write, which ends when it is closed', () => {
    const inode = make('/file', 'x');
    const plain = vfs.file(open('/file', { access: 'write' }));
    expect(codeOf(() => runSync(plain.startAtomicWrite()))).toBe('EOPNOTSUPP');
    const events: string[] = [];
    let owner: object | undefined;
    Object.assign(inode, {
      *startAtomicWrite(by: object) {
        owner = by;
        events.push('start');
      },
      *commitAtomicWrite(by: object) {
        if (by !== owner) throw new FsError(EINVAL);
        owner = undefined;
        events.push('commit');
      },
      *abortAtomicWrite(by: object) {
        if (by !== owner) return false;
        owner = undefined;
        events.push('abort');
        return true;
      },
    });
    const fd = open('/file', { access: 'write' });
    const file = vfs.file(fd);
    const reader = vfs.file(open('/file', { access: 'read' }));
    for (const act of [
      () => reader.startAtomicWrite(),
      () => reader.commitAtomicWrite(),
      () => reader.abortAtomicWrite(),
    ])
      expect(codeOf(() => runSync(act()))).toBe('EBADF');
    runSync(file.startAtomicWrite());
    expect(codeOf(() => runSync(plain.commitAtomicWrite()))).toBe('EINVAL');
    expect(codeOf(() => runSync(plain.abortAtomicWrite()))).toBe('EINVAL');
    runSync(file.commitAtomicWrite());
    runSync(file.startAtomicWrite());
    runSync(file.abortAtomicWrite());
    runSync(file.startAtomicWrite());
    runSync(vfs.close(fd));
    expect(events).toEqual(['start', 'commit', 'start', 'abort', 'start', 'abort']);
  });

  it('keeps a file without a name until the last one is closed', () => {
    const inode = make('/file', 'kept');
    const [one, two] = [open('/file', { access: 'readWrite' }), open('/file', {})];
    runSync(vfs.unlink('/file'));
    make('/file', 'other');
    runSync(vfs.file(one).write(text('K')));
    runSync(vfs.close(one));
    expect(inode.gone).toBe(false);
    expect(Buffer.from(runSync(vfs.file(two).readRest())).toString()).toBe('Kept');
    runSync(vfs.close(two));
    expect(inode.gone).toBe(true);
  });

  it.each([1, 2, 3, 4, 5])('is let go of when what has begun is over (seed %i)', async (seed) => {
    const inode = make('/file', 'content');
    const fd = open('/file', { access: 'readWrite' });
    const file = vfs.file(fd);
    runSync(vfs.unlink('/file'));
    const results = await together<unknown>(seed, () => {
      const working = [file.write(text('a')), file.write(text('b')), file.readAt(0, new Uint8Array(4)), file.fsync()];
      const closing = [...working.map((task) => runAsync<unknown>(task)), runAsync<unknown>(vfs.close(fd))];
      expect(codeOf(() => vfs.file(fd))).toBe('EBADF');
      return closing;
    });
    expect(results.map(({ status }) => status)).toEqual(Array.from(results, () => 'fulfilled'));
    expect(String(inode.content)).toBe('abntent');
    expect(inode.gone).toBe(true);
  });
});

describe('changes by path', () => {
  it('forget what was freed: the number comes back as another file', () => {
    const { ino } = make('/one', 'one');
    runSync(vfs.unlink('/one'));
    expect(vfs.inodes.peek(ino)).toBeUndefined();
    expect(make('/two', 'two').ino).toBe(ino);
    expect(Buffer.from(runSync(vfs.readFile('/two'))).toString()).toBe('two');
  });

  it('of two vfs over one filesystem are seen by both', () => {
    const other = new Vfs(toy);
    make('/one', 'one');
    runSync(other.walk('/one'));
    runSync(vfs.unlink('/one'));
    make('/two', 'two');
    expect(Buffer.from(runSync(other.readFile('/two'))).toString()).toBe('two');
  });

  const bad = [
    '/file/',
    '/absent/x',
    '/file/x',
    '/.',
    '/..',
    '/dir/..',
    '/',
    '',
    `/${'n'.repeat(256)}`,
    '/dir',
    '/a\0b',
  ];
  const calls: Array<[what: string, run: (path: string) => unknown]> = [
    ['symlink', (path) => runSync(vfs.symlink('x', path))],
    ['mknod', (path) => runSync(vfs.mknod(path, { kind: 'fifo' }))],
    ['link', (path) => runSync(vfs.link('/file', path))],
    ['unlink', (path) => runSync(vfs.unlink(path))],
    ['rename to it', (path) => runSync(vfs.rename('/file', path, 'noReplace'))],
    ['truncate', (path) => runSync(vfs.truncate(path, 5))],
    ['create', (path) => open(path, { create: true, exclusive: true })],
  ];
  it.each(calls)('%s refuses paths before it changes anything', (_what, run) => {
    make('/file');
    runSync(vfs.mkdir('/dir'));
    toy.changes.length = 0;
    for (const path of bad) {
      const code = codeOf(() => run(path));
      expect(code, path).not.toBe('fine');
      // What only the filesystem can know it says itself.
      if (code !== 'EISDIR') expect(toy.changes, `${path}: ${code}`).toEqual([]);
      toy.changes.length = 0;
    }
  });

  it('are EROFS where the filesystem is not written to, once the path is known to be good', () => {
    make('/file');
    toy.writable = false;
    for (const [what, run] of calls)
      expect(
        codeOf(() => run('/absent/x')),
        what,
      ).toBe('ENOENT');
    for (const [what, run] of calls.slice(0, 5))
      expect(
        codeOf(() => run('/new')),
        what,
      ).toBe('EROFS');
    expect(codeOf(() => runSync(vfs.truncate('/file', 0)))).toBe('EROFS');
    expect(codeOf(() => open('/file', { access: 'write' }))).toBe('EROFS');
    expect(codeOf(() => open('/file', { create: true }))).toBe('fine');
    expect(toy.changes).toEqual(['make file']);
  });

  it('mkdir takes no set-ID bits, mknod does', () => {
    vfs.umask = 0;
    runSync(vfs.mkdir('/dir', 0o7777));
    runSync(vfs.mknod('/node', { kind: 'file', mode: 0o7777 }));
    expect([inodeAt('/dir').mode, inodeAt('/node').mode]).toEqual([0o1777, 0o7777]);
  });

  it('link follows a symlink only when asked, or when a slash asks for what it leads to', () => {
    make('/file', 'x');
    runSync(vfs.symlink('file', '/link'));
    runSync(vfs.link('/link', '/one'));
    runSync(vfs.link('/link', '/two', { followLast: true }));
    expect([inodeAt('/one').kind, inodeAt('/two').kind]).toEqual(['symlink', 'file']);
    expect(codeOf(() => runSync(vfs.link('/link/', '/three')))).toBe('ENOTDIR');
  });

  it('exchange needs both names, and leaves slashes to directories', () => {
    const [file, other] = [make('/file'), make('/other')];
    runSync(vfs.mkdir('/dir'));
    expect(codeOf(() => runSync(vfs.rename('/file', '/absent', 'exchange')))).toBe('ENOENT');
    expect(codeOf(() => runSync(vfs.rename('/file', '/other/', 'exchange')))).toBe('ENOTDIR');
    expect(codeOf(() => runSync(vfs.rename('/file/', '/dir', 'exchange')))).toBe('ENOTDIR');
    runSync(vfs.rename('/file', '/other', 'exchange'));
    expect([inodeAt('/file'), inodeAt('/other')]).toEqual([other, file]);
    runSync(vfs.rename('/file', '/dir/', 'exchange'));
    expect(inodeAt('/file').kind).toBe('directory');
  });
});

it('runs of bytes are one source, whatever their lengths and however they are asked for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 12 })),
      (runs, steps) => {
        const source = toSource(runs);
        const whole = Buffer.concat(runs);
        expect(source.length).toBe(whole.length);
        const copied = Buffer.alloc(whole.length);
        for (let at = 0; at < whole.length; ) {
          const wanted = steps.next().value as number;
          expect(runSync(source.prepare(at, wanted))).toBeGreaterThan(0);
          const count = source.copy(at, copied.subarray(at, at + wanted));
          expect(count).toBe(Math.min(wanted, whole.length - at));
          at += count;
        }
        expect(copied).toEqual(whole);
      },
    ),
  );
});
