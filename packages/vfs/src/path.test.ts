import { EIO, FsError } from '@f2fskit/errno';
import { runAsync, runSync, seededRandom } from '@f2fskit/task';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostTree } from '../test/host-tree.ts';
import { finishAll, ROOT_INO, ToyFilesystem, type ToyInode } from '../test/toy-filesystem.ts';
import { PATH_BYTES_MAX, type PathLike, SYMLINKS_MAX, utf8Encode, Vfs, type WalkOptions } from './index.ts';

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** `ino path` of where a walk ends, or the code of its error. */
function walk(filesystem: ToyFilesystem, path: PathLike, options?: WalkOptions): string {
  try {
    const { inode, path: resolved } = runSync(new Vfs(filesystem).walk(path, options));
    return `${inode.ino} ${textOf(resolved)}`;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return error.code;
  }
}

describe('walkPath in a small tree', () => {
  const filesystem = new ToyFilesystem();
  const { root } = filesystem;
  const dir = root.make('directory', 'dir');
  const sub = dir.make('directory', 'sub');
  const file = dir.make('file', 'file');
  const toFile = root.make('symlink', 'to-file', 'dir/file');
  const toSub = root.make('symlink', 'to-sub', '/dir/sub/');
  const dangling = root.make('symlink', 'dangling', 'dir/nothing');
  dir.make('symlink', 'up', '../dir/./sub/..');
  dir.make('symlink', 'to-root-dir', '/dir');
  root.make('symlink', 'file-slash', 'dir/file/');
  root.make('symlink', 'empty', '');
  root.make('symlink', 'long', 'a/'.repeat(2048)); // 4,096 bytes
  root.make('symlink', 'to-root', '/');

  it.each([
    ['/', `${ROOT_INO} /`],
    ['///', `${ROOT_INO} /`],
    ['.', `${ROOT_INO} /`],
    ['/..', `${ROOT_INO} /`],
    ['/../../dir/../..', `${ROOT_INO} /`],
    ['dir', `${dir.ino} /dir`],
    ['//dir//.//sub/', `${sub.ino} /dir/sub`],
    ['/dir/sub/../file', `${file.ino} /dir/file`],
    ['/to-file', `${file.ino} /dir/file`],
    ['/to-sub/../file', `${file.ino} /dir/file`],
    ['/dir/up', `${dir.ino} /dir`],
    ['/dir/up/up/up/sub', `${sub.ino} /dir/sub`],
    ['/to-root/to-root/dir', `${dir.ino} /dir`],
    ['/dir/to-root-dir/sub', `${sub.ino} /dir/sub`],
    ['/dir/to-root-dir/..', `${ROOT_INO} /`],
    ['', 'ENOENT'],
    ['/nothing', 'ENOENT'],
    ['/nothing/', 'ENOENT'],
    ['/nothing/..', 'ENOENT'],
    ['/dangling', 'ENOENT'],
    ['/empty', 'ENOENT'],
    ['/dir/file/', 'ENOTDIR'],
    ['/dir/file/.', 'ENOTDIR'],
    ['/dir/file/..', 'ENOTDIR'],
    ['/dir/file/x', 'ENOTDIR'],
    ['/to-file/', 'ENOTDIR'],
    ['/file-slash', 'ENOTDIR'],
    ['/dir\0/file', 'EINVAL'],
    ['/long', 'ENAMETOOLONG'],
  ])('%j → %s', (path, expected) => {
    expect(walk(filesystem, path)).toBe(expected);
    expect(walk(filesystem, utf8Encode(path))).toBe(expected);
  });

  it('stops at a symlink when asked, but a slash behind it asks for its target', () => {
    const options = { followLast: false };
    expect(walk(filesystem, '/to-file', options)).toBe(`${toFile.ino} /to-file`);
    expect(walk(filesystem, '/dangling', options)).toBe(`${dangling.ino} /dangling`);
    expect(walk(filesystem, '/to-sub', options)).toBe(`${toSub.ino} /to-sub`);
    expect(walk(filesystem, '/to-sub/', options)).toBe(`${sub.ino} /dir/sub`);
    expect(walk(filesystem, '/to-sub/.', options)).toBe(`${sub.ino} /dir/sub`);
    expect(walk(filesystem, '/to-file/', options)).toBe('ENOTDIR');
    expect(walk(filesystem, '/dangling/', options)).toBe('ENOENT');
  });

  it('says which path failed', () => {
    const vfs = new Vfs(filesystem);
    expect(() => runSync(vfs.walk('/nothing'))).toThrow("ENOENT: no such file or directory '/nothing'");
    expect(() => runSync(vfs.walk(Uint8Array.of(0x2f, 0xff)))).toThrow("'/\ufffd'");
  });

  it('finds names that are not UTF-8, and gives them back as they are', () => {
    const name = Uint8Array.of(0x66, 0xff, 0xfe);
    const bytes = new ToyFilesystem();
    const { ino } = bytes.root.make('file', name);
    expect(walk(bytes, Uint8Array.of(0x2f, ...name))).toBe(`${ino} /f\xff\xfe`);
    expect(walk(bytes, '/f\ufffd\ufffd')).toBe('ENOENT');
  });
});

describe('walkPath and its limits', () => {
  it('follows 40 symlinks, not 41, counted over the whole path', () => {
    const filesystem = new ToyFilesystem();
    const file = filesystem.root.make('file', 'l0');
    for (let i = 1; i <= SYMLINKS_MAX + 1; i++) filesystem.root.make('symlink', `l${i}`, `l${i - 1}`);
    filesystem.root.make('symlink', 'here', '.');
    expect(walk(filesystem, '/l40')).toBe(`${file.ino} /l0`);
    expect(walk(filesystem, '/l41')).toBe('ELOOP');
    expect(walk(filesystem, `${'here/'.repeat(15)}l25`)).toBe(`${file.ino} /l0`);
    expect(walk(filesystem, `${'here/'.repeat(16)}l25`)).toBe('ELOOP');
    expect(walk(filesystem, `${'here/'.repeat(40)}l9`, { followLast: false })).toMatch(/ \/l9$/);
  });

  it('ends a symlink to itself, and does not read more of them than it counts', () => {
    const filesystem = new ToyFilesystem();
    filesystem.root.make('symlink', 'self', 'self');
    expect(walk(filesystem, '/self')).toBe('ELOOP');
    expect(filesystem.calls.lookup.length).toBe(SYMLINKS_MAX + 1);
  });

  it('takes names of 255 bytes and refuses 256 before it looks them up', () => {
    const filesystem = new ToyFilesystem();
    const name = `${'é'.repeat(127)}a`; // 255 bytes, 128 characters
    const { ino } = filesystem.root.make('directory', name);
    filesystem.root.make('file', 'file');
    expect(walk(filesystem, `/${name}`)).toMatch(new RegExp(`^${ino} `));
    const lookups = filesystem.calls.lookup.length;
    expect(walk(filesystem, `/${'é'.repeat(128)}`)).toBe('ENAMETOOLONG');
    expect(filesystem.calls.lookup.length).toBe(lookups);
    expect(walk(filesystem, `/nothing/${'x'.repeat(256)}`)).toBe('ENOENT');
    expect(walk(filesystem, `/file/${'x'.repeat(256)}`)).toBe('ENOTDIR');
  });

  it('takes paths of 4,095 bytes and refuses 4,096', () => {
    const filesystem = new ToyFilesystem();
    const dir = filesystem.root.make('directory', 'd');
    const padding = './'.repeat(2047);
    expect(`${padding}d`.length).toBe(PATH_BYTES_MAX);
    expect(walk(filesystem, `${padding}d`)).toBe(`${dir.ino} /d`);
    expect(walk(filesystem, `${padding}/d`)).toBe('ENAMETOOLONG');
    expect(walk(filesystem, '\0'.repeat(4096))).toBe('ENAMETOOLONG');
  });

  it('survives the longest chain that a broken volume can make: 40 long symlinks in a directory that contains itself', () => {
    const filesystem = new ToyFilesystem();
    const { root } = filesystem;
    root.enter('a', ROOT_INO, 'directory');
    root.make('symlink', 'l', `${'a/'.repeat(2047)}a`);
    const resolved = runSync(new Vfs(filesystem).walk('/l'.repeat(40)));
    expect(resolved.inode.ino).toBe(ROOT_INO);
    expect(resolved.path.length).toBe(2 * 40 * 2048);
  });

  it('goes back the way it came, whatever the `..` entries of a broken volume say', () => {
    const filesystem = new ToyFilesystem();
    const { root } = filesystem;
    const dir = root.make('directory', 'dir');
    const trap = root.make('directory', 'trap');
    const shared = dir.make('directory', 'shared');
    dir.enter('..', trap.ino, 'directory');
    dir.enter('.', trap.ino, 'directory');
    trap.enter('shared', shared.ino, 'directory');
    expect(walk(filesystem, '/dir/./..')).toBe(`${ROOT_INO} /`);
    expect(walk(filesystem, '/dir/shared/..')).toBe(`${dir.ino} /dir`);
    expect(walk(filesystem, '/trap/shared/..')).toBe(`${trap.ino} /trap`);
    expect(filesystem.calls.lookup).not.toContain('..');
    expect(filesystem.calls.lookup).not.toContain('.');
  });

  it('believes the inode, not the entry, and passes on what reading met', () => {
    const filesystem = new ToyFilesystem();
    const { root } = filesystem;
    const file = root.make('file', 'file');
    root.enter('liar', file.ino, 'directory');
    const broken = root.make('directory', 'broken');
    filesystem.broken.set(broken.ino, new FsError(EIO));
    root.enter('gone', 4711, 'file');
    expect(walk(filesystem, '/liar/')).toBe('ENOTDIR');
    expect(walk(filesystem, '/broken/x')).toBe('EIO');
    expect(walk(filesystem, '/gone')).toBe('ENOENT');
  });

  it('is not disturbed when the caller uses the bytes of the path again while the walk waits', async () => {
    const filesystem = new ToyFilesystem();
    const deep = filesystem.root.make('directory', 'a').make('directory', 'b');
    const path = utf8Encode('/a/b');
    const results = await finishAll(filesystem, seededRandom(1), () => {
      const walking = runAsync(new Vfs(filesystem).walk(path));
      path.fill(0x78);
      return [walking];
    });
    expect(results[0]).toMatchObject({ status: 'fulfilled', value: { inode: { ino: deep.ino } } });
  });
});

// Linux only: elsewhere the limits and some codes are others.
describe.runIf(process.platform === 'linux')('walkPath and the kernel agree', () => {
  const names = ['vt-a', 'vt-b', 'vt-c', 'vt-d'];
  const component = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...names) },
    { weight: 4, arbitrary: fc.constantFrom('.', '..', '') },
    { weight: 1, arbitrary: fc.constantFrom('vt-none', 'x'.repeat(255), 'x'.repeat(256)) },
  );
  const steps = fc.array(component, { minLength: 1, maxLength: 7 });
  const node = fc.record({
    /** Which of the directories made so far is the parent. */
    parent: fc.nat(),
    name: fc.constantFrom(...names),
    kind: fc.constantFrom('directory', 'directory', 'file', 'symlink', 'symlink'),
    absolute: fc.boolean(),
    target: steps,
  });
  /** Ends the paths: nothing, or slashes. */
  const ending = fc.constantFrom('', '', '/', '//', '/.', '/..');

  function build(tree: HostTree, nodes: Array<typeof node extends fc.Arbitrary<infer T> ? T : never>): void {
    const directories: Array<[ToyInode, string]> = [[tree.root, tree.base]];
    const taken = new Set<string>();
    for (const { parent, name, kind, absolute, target } of nodes) {
      const [inode, way] = directories[parent % directories.length]!;
      const full = `${way}/${name}`;
      if (taken.has(full)) continue;
      taken.add(full);
      if (kind === 'directory') directories.push([tree.directory(inode, way, name), full]);
      else if (kind === 'file') tree.file(inode, way, name);
      else tree.symlink(inode, way, name, (absolute ? `${tree.base}/` : '') + target.join('/') || '.');
    }
  }

  it('on every path in random trees: inode, real path and error code, followed and not', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.array(node, { minLength: 5, maxLength: 25 }),
        fc.array(fc.tuple(steps, ending), { minLength: 20, maxLength: 40 }),
        (nodes, paths) => {
          const tree = new HostTree();
          try {
            build(tree, nodes);
            for (const [parts, end] of paths) {
              const asked = `${tree.base}/${parts.join('/')}${end}`;
              for (const followLast of [true, false]) {
                const host = tree.host(asked, followLast);
                expect({ asked, followLast, ...tree.walked(asked, followLast) }).toEqual({
                  asked,
                  followLast,
                  ...host,
                });
                const kind = 'code' in host ? host.code : 'found';
                seen.set(kind, (seen.get(kind) ?? 0) + 1);
              }
            }
          } finally {
            tree.remove();
          }
        },
      ),
      { numRuns: 60 },
    );
    // The property is worth something only where it meets every outcome.
    for (const kind of ['found', 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']) {
      expect(seen.get(kind) ?? 0, `${kind} of ${JSON.stringify([...seen])}`).toBeGreaterThan(0);
    }
  });

  describe('on the limits', () => {
    let tree: HostTree;
    beforeAll(() => {
      tree = new HostTree();
      tree.file(tree.root, tree.base, 'l0');
      for (let i = 1; i <= 42; i++) tree.symlink(tree.root, tree.base, `l${i}`, `l${i - 1}`);
      tree.symlink(tree.root, tree.base, 'here', '.');
      tree.symlink(tree.root, tree.base, 'slash', 'l1/');
      tree.directory(tree.root, tree.base, 'n'.repeat(255));
    });
    afterAll(() => tree.remove());

    it.each([
      'l40',
      'l41',
      'l41/',
      `${'here/'.repeat(40)}l0`,
      `${'here/'.repeat(41)}l0`,
      `${'here/'.repeat(40)}l1`,
      'slash',
      'slash/x',
      'n'.repeat(255),
      'n'.repeat(256),
      `none/${'n'.repeat(256)}`,
      `l0/${'n'.repeat(256)}`,
      `l1/${'n'.repeat(256)}`,
    ])('%s', (relative) => {
      for (const followLast of [true, false]) {
        const asked = `${tree.base}/${relative}`;
        expect(tree.walked(asked, followLast)).toEqual(tree.host(asked, followLast));
      }
    });

    it.each([4094, 4095, 4096, 5000])('a path of %i bytes', (length) => {
      const asked = `${tree.base}${'/'.repeat(length - tree.base.length - 2)}l0`;
      expect(asked.length).toBe(length);
      expect(tree.walked(asked, true)).toEqual(tree.host(asked, true));
    });
  });
});
