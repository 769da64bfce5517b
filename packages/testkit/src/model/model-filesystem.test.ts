import { AssertionError, FsError } from '@f2fskit/errno';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryOperations } from '../../test/arbitrary-operations.ts';
import {
  applyToModel,
  comparableManifest,
  ModelFilesystem,
  type ModelOptions,
  type Operation,
  printProgram,
} from './index.ts';
import { linuxCases, runLinuxCase } from './linux-cases.ts';
import { defaultLimits } from './model-errors.ts';
import { checkTree, ModelTree } from './model-tree.ts';
import { ROOT } from './path-walk.ts';

/** A model whose clock counts the calls of `now`, from 1000. */
function make(options: Omit<ModelOptions, 'clock'> = {}): ModelFilesystem {
  let seconds = 1000;
  return new ModelFilesystem({ clock: { now: () => ({ seconds: seconds++, nanoseconds: 5 }) }, ...options });
}

const NOW = { seconds: 0, nanoseconds: 0 };

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'ok';
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

describe('the model answers as the table of Linux says', () => {
  it.each([...linuxCases])('$name', async (linuxCase) => {
    const model = make();
    expect(await runLinuxCase(model, linuxCase, () => model.check())).toEqual([]);
  });
});

describe('what a host directory cannot show', () => {
  it('absolute symlinks and .. end at the root', () => {
    const model = make();
    model.mkdir('/d', 0o755);
    model.create('/f', 0o644);
    model.symlink('/f', '/d/absolute');
    model.symlink('../../../f', '/d/above');
    model.symlink('/', '/d/top');
    model.symlink('.', '/d/here');
    for (const path of ['/d/absolute', '/d/above', '/d/top/f', '/../f', '/d/here/here/absolute', 'f', '//f']) {
      expect(model.stat(path).kind, path).toBe('file');
    }
    expect(model.readdir('/d/top/d/..')).toEqual(['d', 'f']);
  });

  it('the root cannot be removed or moved', () => {
    const model = make();
    expect(codeOf(() => model.rmdir('/'))).toBe('EBUSY');
    expect(codeOf(() => model.unlink('/'))).toBe('EISDIR');
    expect(codeOf(() => model.rename('/', '/x'))).toBe('EBUSY');
    expect(codeOf(() => model.stat(''))).toBe('ENOENT');
  });

  it('a path has 4,095 bytes, not one more', () => {
    const model = make();
    model.mkdir('/d', 0o755);
    const path = `/${'d/../'.repeat(818)}d/..`; // 4095
    expect(path.length).toBe(4095);
    expect(codeOf(() => model.stat(path))).toBe('ok');
    expect(codeOf(() => model.stat(`/${path}`))).toBe('ENAMETOOLONG');
  });

  it('there are limits to links and sizes', () => {
    const model = make({ linksMax: 3, fileBytesMax: 10_000 });
    model.create('/f', 0o644);
    model.link('/f', '/g');
    model.link('/f', '/h');
    expect(codeOf(() => model.link('/f', '/i'))).toBe('EMLINK');
    model.mkdir('/d', 0o755); // the third link of the root
    expect(codeOf(() => model.mkdir('/e', 0o755))).toBe('EMLINK');
    model.mkdir('/d/e', 0o755);
    expect(codeOf(() => model.rename('/d/e', '/e'))).toBe('EMLINK');
    expect(codeOf(() => model.rename('/d/e', '/f', 'exchange'))).toBe('EMLINK');
    expect(model.write('/f', 9_995, text('0123456789'))).toBe(5);
    expect(codeOf(() => model.write('/f', 'end', text('x')))).toBe('EFBIG');
    expect(codeOf(() => model.truncate('/f', 10_001))).toBe('EFBIG');
    expect(codeOf(() => model.fallocate('/f', 'keepSize', 10_000, 1))).toBe('EFBIG');
    expect(model.stat('/f').size).toBe(10_000);
  });

  it('without ZERO_RANGE it is EOPNOTSUPP, after the other checks', () => {
    const model = make({ canZeroRange: false });
    model.create('/f', 0o644);
    expect(codeOf(() => model.fallocate('/f', 'zero', 0, 1))).toBe('EOPNOTSUPP');
    expect(codeOf(() => model.fallocate('/f', 'zero', 0, 0))).toBe('EINVAL');
  });

  it('a file of 2^50 bytes costs what was written', () => {
    const model = make();
    model.create('/f', 0o644);
    model.write('/f', 2 ** 50, text('end'));
    model.fallocate('/f', 'punch', 4096, 2 ** 50 - 8192);
    model.truncate('/f', 2 ** 52);
    model.truncate('/f', 2 ** 50 + 1);
    expect(new TextDecoder().decode(model.read('/f', 2 ** 50, 100))).toBe('e');
    expect(model.manifest()[1]).toContain('\t-\t./f');
  });
});

describe('times', () => {
  it('change with what they are for', () => {
    const model = make();
    model.create('/f', 0o644);
    const changed = (action: () => void, path = '/f'): string => {
      const before = model.times(path);
      action();
      const after = model.times(path);
      return (['atime', 'mtime', 'ctime', 'birthtime'] as const)
        .filter((name) => before[name].seconds !== after[name].seconds)
        .join(' ');
    };
    expect(changed(() => model.write('/f', 0, text('x')))).toBe('mtime ctime');
    expect(changed(() => model.write('/f', 0, text('')))).toBe('');
    expect(changed(() => model.read('/f', 0, 1))).toBe('');
    expect(changed(() => model.truncate('/f', 1))).toBe('mtime ctime');
    expect(changed(() => model.chmod('/f', 0o600))).toBe('ctime');
    expect(changed(() => model.chown('/f', 1, 1))).toBe('ctime');
    expect(changed(() => model.setxattr('/f', 'user.a', text('x')))).toBe('ctime');
    expect(changed(() => model.removexattr('/f', 'user.a'))).toBe('ctime');
    expect(changed(() => model.link('/f', '/g'))).toBe('ctime');
    expect(changed(() => model.unlink('/g'))).toBe('ctime');
    expect(changed(() => model.rename('/f', '/g'), '/')).toBe('mtime ctime');
    expect(changed(() => model.rename('/g', '/g'), '/')).toBe('');
    expect(changed(() => model.setxattr('/g', 'user.a', text('x')), '/')).toBe('');
    expect(changed(() => model.utimens('/g', { seconds: 1, nanoseconds: 2 }, null), '/g')).toBe('atime ctime');
    expect(model.times('/g').atime).toEqual({ seconds: 1, nanoseconds: 2 });
  });

  it('of a directory that moves: as the filesystem does it', () => {
    for (const moveTouchesDirectory of [false, true]) {
      const model = make({ moveTouchesDirectory });
      model.mkdir('/a', 0o755);
      model.mkdir('/b', 0o755);
      const before = model.stat('/a').mtime.seconds;
      model.rename('/a', '/c');
      expect(model.stat('/c').mtime.seconds).toBe(before);
      model.rename('/c', '/b/c');
      expect(model.stat('/b/c').mtime.seconds > before).toBe(moveTouchesDirectory);
    }
  });
});

describe('security.capability', () => {
  it.each<[what: string, stays: boolean, change: (model: ModelFilesystem) => void]>([
    ['write', false, (model) => model.write('/f', 0, text('x'))],
    ['write of nothing', true, (model) => model.write('/f', 0, text(''))],
    ['truncate', false, (model) => model.truncate('/f', 0)],
    ['fallocate', false, (model) => model.fallocate('/f', 'allocate', 0, 1)],
    ['open with truncate', false, (model) => model.open(1, '/f', { access: 'write', truncate: true }, 0)],
    ['chown', false, (model) => model.chown('/f', -1, -1)],
    ['chmod', true, (model) => model.chmod('/f', 0o700)],
  ])('%s', (_what, stays, change) => {
    const model = make();
    model.create('/f', 0o644);
    model.setxattr('/f', 'security.capability', text('c'));
    model.setxattr('/f', 'user.a', text('x'));
    change(model);
    expect(model.listxattr('/f')).toEqual([...(stays ? ['security.capability'] : []), 'user.a']);
  });
});

it('contents are compared however far they lie', () => {
  const [one, other] = [make(), make()];
  for (const model of [one, other]) {
    model.create('/f', 0o644);
    model.truncate('/f', 2 ** 40);
    model.write('/f', 2 ** 39, text('x'));
  }
  expect(one.differsAt('/f', other)).toBeUndefined();
  other.write('/f', 2 ** 38, new Uint8Array(10));
  expect(one.differsAt('/f', other), 'zeros and a hole').toBeUndefined();
  other.write('/f', 2 ** 39 + 4096, text('y'));
  expect(one.differsAt('/f', other)).toBe(2 ** 39 + 4096);
  other.truncate('/f', 2 ** 39 + 5);
  expect(one.differsAt('/f', other)).toBe(2 ** 39);
});

describe('the manifest', () => {
  it('has the format of tools/oracle/guest/manifest.sh', () => {
    const model = new ModelFilesystem({ clock: { now: () => ({ seconds: 7, nanoseconds: 0 }) } });
    model.mkdir('/a', 0o1777);
    model.create('/a-b', 0o640);
    model.create('/a/b', 0o644);
    model.write('/a/b', 0, text('hello\n'));
    model.symlink('a/b', '/link');
    model.mknod('/null', 'char', 0o666, { major: 1, minor: 3 });
    model.mknod('/pipe', 'fifo', 0o600, { major: 0, minor: 0 });
    model.chown('/pipe', 1000, 100);
    const sha = '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03';
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const lines = [
      'directory\t755\t0\t0\t3\t-\t7\t0:0\t-\t.',
      'directory\t1777\t0\t0\t2\t-\t7\t0:0\t-\t./a',
      `file\t640\t0\t0\t1\t0\t7\t0:0\t${empty}\t./a-b`, // as sort(1): not in the order of a walk
      `file\t644\t0\t0\t1\t6\t7\t0:0\t${sha}\t./a/b`,
      'symlink\t777\t0\t0\t1\t3\t7\t0:0\ta/b\t./link',
      'char\t666\t0\t0\t1\t0\t7\t1:3\t-\t./null',
      'fifo\t600\t1000\t100\t1\t0\t7\t0:0\t-\t./pipe',
    ];
    expect(model.manifest()).toEqual(lines);
    expect(model.manifest({ times: false })[0]).toBe('directory\t755\t0\t0\t3\t-\t-\t0:0\t-\t.');
    const foreign = lines.map((line) => line.replace(/^(directory.*)\t-\t7/, '$1\t4096\t7')).reverse();
    expect(comparableManifest(foreign)).toEqual(lines);
    expect(comparableManifest(foreign.map((line) => new TextEncoder().encode(line)))).toEqual(lines);
  });

  it('hashes again after a change, also in clones', () => {
    const model = make();
    model.create('/f', 0o644);
    const hash = (of: ModelFilesystem): string => of.manifest()[1]!.split('\t')[8]!;
    const first = hash(model);
    const clone = model.clone();
    model.write('/f', 0, text('x'));
    expect(hash(clone)).toBe(first);
    const second = hash(model);
    model.truncate('/f', 2);
    expect(new Set([first, second, hash(model)]).size).toBe(3);
    model.fallocate('/f', 'punch', 0, 2);
    model.truncate('/f', 0);
    expect(hash(model)).toBe(first);
  });
});

describe('clones', () => {
  it('do not see each other, whichever changes', () => {
    const model = make();
    model.mkdir('/d', 0o755);
    model.create('/d/f', 0o644);
    model.write('/d/f', 0, text('one'));
    model.setxattr('/d/f', 'user.a', text('one'));
    const clone = model.clone();
    const second = clone.clone();
    const before = [model, clone, second].map((each) => each.manifest());
    model.write('/d/f', 0, text('two'));
    model.setxattr('/d/f', 'user.a', text('two'));
    clone.unlink('/d/f');
    clone.rmdir('/d');
    expect(second.manifest()).toEqual(before[2]);
    expect(new TextDecoder().decode(second.read('/d/f', 0, 10))).toBe('one');
    expect(new TextDecoder().decode(second.getxattr('/d/f', 'user.a'))).toBe('one');
    expect(new TextDecoder().decode(model.read('/d/f', 0, 10))).toBe('two');
    expect(clone.manifest()).toHaveLength(1);
  });

  it('have the same files open; withoutHandles has none, and no file without a name', () => {
    const model = make();
    model.open(5, '/f', { access: 'readWrite', create: true }, 0o644);
    model.unlink('/f');
    const clone = model.clone();
    clone.write(5, 0, text('x'));
    expect([clone.stat(5).size, model.stat(5).size]).toEqual([1, 0]);
    const after = model.withoutHandles();
    expect([after.openHandles, after.inodeCount]).toEqual([[], 1]);
    expect([model.openHandles, model.inodeCount]).toEqual([[5], 2]);
    model.close(5);
    expect(model.inodeCount).toBe(1);
    expect(clone.stat(5).size).toBe(1);
  });
});

const run = (model: ModelFilesystem, operations: readonly Operation[]): string[] =>
  operations.map((operation) => JSON.stringify(applyToModel(model, operation)));

/** Everything that can be seen, times too. */
const everything = (model: ModelFilesystem): unknown => ({
  tree: [...model.paths()].map(({ path, stat }) => ({
    path,
    stat,
    times: model.times(path),
    xattrs: applyToModel(model, { op: 'listxattr', path }),
  })),
  manifest: model.manifest(),
  handles: model.openHandles.map((handle) => model.stat(handle)),
});

describe('properties of the model', () => {
  const programs = arbitraryOperations({ confined: false, lengthMax: 80 });

  it('it agrees with itself after every operation, and what is refused changes nothing', () => {
    fc.assert(
      fc.property(programs, (operations) => {
        const model = make();
        for (const operation of operations) {
          const before = model.clone();
          const result = applyToModel(model, operation);
          model.check();
          if ('error' in result) expect(everything(model), printProgram(operations)).toEqual(everything(before));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('a clone at any moment goes on as the original would, and changes nothing there', () => {
    fc.assert(
      fc.property(programs, fc.nat(), (operations, place) => {
        const [one, other] = [make(), make()];
        const cut = place % operations.length;
        run(one, operations.slice(0, cut));
        run(other, operations.slice(0, cut));
        const clone = one.clone();
        const before = everything(one);
        const results = run(clone, operations.slice(cut));
        expect(everything(one)).toEqual(before);
        expect(run(other, operations.slice(cut))).toEqual(results);
        expect(everything(other)).toEqual(everything(clone));
      }),
      { numRuns: 60 },
    );
  });

  it('check finds a model that contradicts itself', () => {
    const wrong: Array<[string, (tree: ModelTree, file: number, directory: number) => void]> = [
      ['links of a file', (tree, file) => void tree.change(file).links++],
      ['links of a directory', (tree, _file, directory) => void tree.change(directory).links++],
      ['a name without an inode', (tree, file) => tree.forget(file)],
      ['an inode without a name', (tree, file) => void (tree.change(file).links = 0)],
      ['a directory with two names', (tree, _file, directory) => tree.setEntry(ROOT, 'again', directory, NOW)],
      ['a wrong parent', (tree, _file, directory) => void (tree.change(directory).parent = 7)],
    ];
    for (const [name, spoil] of wrong) {
      const tree = new ModelTree(defaultLimits, 0, 0);
      tree.plant(0o755, NOW);
      const place = { directory: ROOT, last: 'name', slash: false } as const;
      const file = tree.create({ ...place, name: 'f' }, 'file', { mode: 0o644 }, NOW);
      const directory = tree.create({ ...place, name: 'd' }, 'directory', { mode: 0o755 }, NOW);
      checkTree(tree, new Set());
      spoil(tree, file, directory);
      expect(() => checkTree(tree, new Set()), name).toThrow(AssertionError);
    }
  });
});
