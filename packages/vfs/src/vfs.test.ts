import { EIO, FsError } from '@f2fskit/errno';
import { runAsync, runSync, seededRandom, type Task } from '@f2fskit/task';
import { beforeEach, describe, expect, it } from 'vitest';
import { finishAll, ToyFilesystem, type ToyInode } from '../test/toy-filesystem.ts';
import { FIRST_DESCRIPTOR, OPEN_FILES_MAX, READ_FILE_BYTES_MAX, utf8Encode, Vfs } from './index.ts';

const MIB = 1 << 20;
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

let filesystem: ToyFilesystem;
let vfs: Vfs;
let file: ToyInode;

beforeEach(() => {
  filesystem = new ToyFilesystem();
  vfs = new Vfs(filesystem);
  file = filesystem.root.make('file', 'file', 'abcdefghij');
  filesystem.root.make('symlink', 'link', 'file');
  filesystem.root.make('symlink', 'dangling', 'nothing');
  filesystem.root.make('directory', 'dir').make('file', 'inside');
  filesystem.root.make('fifo', 'fifo');
});

/** The code of the error that a call throws. */
function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
  return 'none';
}

describe('descriptors', () => {
  it('are the lowest free numbers', () => {
    const open = (): number => runSync(vfs.open('/file'));
    expect([open(), open(), open(), open()]).toEqual([3, 4, 5, 6]);
    runSync(vfs.close(5));
    runSync(vfs.close(4));
    expect([open(), open(), open()]).toEqual([4, 5, 7]);
    runSync(vfs.close(7));
    expect(open()).toBe(7);
  });

  it.each([21, 22])('are the lowest free numbers after any closes (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const open = new Set<number>();
    for (let i = 0; i < 500; i++) {
      if (open.size > 0 && random.chance(0.45)) {
        const fd = [...open][random.below(open.size)]!;
        runSync(vfs.close(fd));
        open.delete(fd);
        expect(codeOf(() => vfs.file(fd))).toBe('EBADF');
        continue;
      }
      let lowest = FIRST_DESCRIPTOR;
      while (open.has(lowest)) lowest++;
      expect(runSync(vfs.open('/file'))).toBe(lowest);
      open.add(lowest);
    }
  });

  it('that are not open are EBADF, whatever they are', () => {
    const fd = runSync(vfs.open('/file'));
    for (const bad of [fd + 1, -1, 0, 3.5, Number.NaN, OPEN_FILES_MAX, 2 ** 32]) {
      expect(codeOf(() => vfs.file(bad))).toBe('EBADF');
      expect(codeOf(() => runSync(vfs.close(bad)))).toBe('EBADF');
    }
    runSync(vfs.close(fd));
    expect(codeOf(() => runSync(vfs.close(fd)))).toBe('EBADF');
  });

  it('end: one more is EMFILE, until one is closed', () => {
    for (let i = 0; i < OPEN_FILES_MAX; i++) runSync(vfs.open('/file'));
    expect(codeOf(() => runSync(vfs.open('/file')))).toBe('EMFILE');
    runSync(vfs.close(700));
    expect(runSync(vfs.open('/file'))).toBe(700);
  });

  it('are not used up by an open that fails', () => {
    expect(codeOf(() => runSync(vfs.open('/nothing')))).toBe('ENOENT');
    expect(codeOf(() => runSync(vfs.open('/dangling')))).toBe('ENOENT');
    expect(codeOf(() => runSync(vfs.open('/file/')))).toBe('ENOTDIR');
    expect(runSync(vfs.open('/link'))).toBe(FIRST_DESCRIPTOR);
    expect(vfs.file(FIRST_DESCRIPTOR).inode).toBe(file);
  });

  it('are different for opens that run together', async () => {
    const results = await finishAll(filesystem, seededRandom(5), () =>
      [1, 2, 3, 4, 5].map(() => runAsync(vfs.open('/link'))),
    );
    const fds = results.map((result) => (result.status === 'fulfilled' ? result.value : -1));
    expect(fds.toSorted()).toEqual([3, 4, 5, 6, 7]);
  });
});

describe('OpenFile.read', () => {
  const read = (fd: number, bytes: number): string => {
    const target = new Uint8Array(bytes);
    return textOf(target.subarray(0, runSync(vfs.file(fd).read(target))));
  };

  it('moves a position that belongs to the descriptor', () => {
    const [one, two] = [runSync(vfs.open('/file')), runSync(vfs.open('/file'))];
    expect([read(one, 4), read(one, 4), read(two, 3)]).toEqual(['abcd', 'efgh', 'abc']);
    expect([read(one, 4), read(one, 4)]).toEqual(['ij', '']);
    expect([vfs.file(one).position, vfs.file(two).position]).toEqual([10, 3]);
    vfs.file(one).position = 8;
    expect(read(one, 1)).toBe('i');
  });

  it.each([11, 12, 13])(
    'gives tasks that read together every byte once, in the order of asking (seed %i)',
    async (seed) => {
      const fd = runSync(vfs.open('/file'));
      const results = await finishAll(filesystem, seededRandom(seed), () =>
        [3, 2, 4, 4].map((bytes) => {
          const target = new Uint8Array(bytes);
          function* reading(): Task<string> {
            return textOf(target.subarray(0, yield* vfs.file(fd).read(target)));
          }
          return runAsync(reading());
        }),
      );
      expect(results.map((result) => result.status === 'fulfilled' && result.value)).toEqual([
        'abc',
        'de',
        'fghi',
        'j',
      ]);
    },
  );

  it('leaves the position, and lets others read, after a failure', () => {
    const fd = runSync(vfs.open('/file'));
    expect(read(fd, 2)).toBe('ab');
    const { read: good } = file;
    file.read = function* () {
      throw new FsError(EIO);
    };
    expect(codeOf(() => read(fd, 2))).toBe('EIO');
    file.read = good;
    expect(read(fd, 2)).toBe('cd');
  });

  it('of a directory is EISDIR', () => {
    const fd = runSync(vfs.open('/dir'));
    expect(codeOf(() => read(fd, 1))).toBe('EISDIR');
  });
});

describe('readDirectory', () => {
  it('gives every entry as stored', () => {
    const names = runSync(vfs.readDirectory('/')).map(({ name, kind }) => `${textOf(name)} ${kind}`);
    expect(names).toEqual(['file file', 'link symlink', 'dangling symlink', 'dir directory', 'fifo fifo']);
    expect(runSync(vfs.readDirectory('/dir/'))).toHaveLength(1);
  });

  it('takes a part of any size', () => {
    // As arguments of one call so many entries would be a RangeError.
    const big = filesystem.root.make('directory', 'big');
    const entry = { name: utf8Encode('name'), ino: file.ino, kind: 'file' } as const;
    for (let i = 0; i < 200_000; i++) big.entries.push(entry);
    filesystem.batchEntries = 1_000_000;
    expect(runSync(vfs.readDirectory('/big'))).toHaveLength(200_000);
  });

  it('throws ENOTDIR, and the first damage', () => {
    expect(codeOf(() => runSync(vfs.readDirectory('/file')))).toBe('ENOTDIR');
    filesystem.root.problems.set(4, new FsError(EIO));
    expect(codeOf(() => runSync(vfs.readDirectory('/')))).toBe('EIO');
  });

  it('takes a name that no path can have for damage', () => {
    filesystem.root.make('file', '../x');
    expect(() => runSync(vfs.readDirectory('/'))).toThrow(
      'entryName at ino 3: found "../x"; no path can have this name',
    );
  });
});

describe('readFile', () => {
  it('reads small files in one piece', () => {
    expect(textOf(runSync(vfs.readFile('/link')))).toBe('abcdefghij');
    expect(filesystem.calls.read).toEqual([{ ino: file.ino, position: 0, bytes: 10 }]);
    file.content = new Uint8Array(0);
    expect(runSync(vfs.readFile('/file'))).toHaveLength(0);
  });

  it.each([MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 7])('reads %i bytes in parts of at most 1 MiB', (size) => {
    file.content = new Uint8Array(size);
    for (let i = 0; i < size; i++) file.content[i] = Math.imul(i, 2654435761) >>> 24; // no two parts are alike
    expect(Buffer.compare(runSync(vfs.readFile('/file')), file.content)).toBe(0);
    const parts = filesystem.calls.read.map(({ position, bytes }) => [position, bytes]);
    const expected: number[][] = [];
    for (let position = 0; position < size; position += MIB) expected.push([position, Math.min(MIB, size - position)]);
    expect(parts).toEqual(expected);
  });

  it('stops at the end of what is there, not of what the size claims', () => {
    for (const [there, claimed] of [
      [5, 1000],
      [MIB + 5, 3 * MIB],
      [2 * MIB, READ_FILE_BYTES_MAX],
    ] as const) {
      file.content = new Uint8Array(there).fill(1);
      file.claimedSize = claimed;
      filesystem.calls.read.length = 0;
      expect(Buffer.compare(runSync(vfs.readFile('/file')), file.content)).toBe(0);
      expect(filesystem.calls.read.length).toBeLessThanOrEqual(4);
    }
  });

  it('refuses 2 GiB without reading, as Node does', () => {
    file.claimedSize = 2 ** 31;
    expect(codeOf(() => runSync(vfs.readFile('/file')))).toBe('EFBIG');
    file.claimedSize = 2 ** 52;
    expect(codeOf(() => runSync(vfs.readFile('/file')))).toBe('EFBIG');
    expect(filesystem.calls.read).toEqual([]);
  });

  it('throws EISDIR, EINVAL for what holds no data, and what reading met', () => {
    expect(codeOf(() => runSync(vfs.readFile('/dir')))).toBe('EISDIR');
    expect(codeOf(() => runSync(vfs.readFile('/fifo')))).toBe('EINVAL');
    file.read = function* () {
      throw new FsError(EIO);
    };
    expect(codeOf(() => runSync(vfs.readFile('/file')))).toBe('EIO');
  });
});

describe('Vfs', () => {
  it('walks, and walks trees from where a walk ended, over one cache', () => {
    const { inode, path } = runSync(vfs.walk('/dir/../dir'));
    const tree = vfs.tree(inode, path, { order: 'disk' });
    expect([1, 2, 3].map(() => runSync(tree.next())?.path)).toEqual([
      utf8Encode('/dir'),
      utf8Encode('/dir/inside'),
      undefined,
    ]);
    const { length } = filesystem.calls.readInode;
    runSync(vfs.walk('/dir/inside'));
    expect(filesystem.calls.readInode.length).toBe(length);
    expect(vfs.inodes.size).toBe(3);
  });

  it('bounds the cache as told', () => {
    const small = new Vfs(filesystem, 2);
    runSync(small.walk('/dir/inside'));
    expect(small.inodes.size).toBe(2);
  });
});
