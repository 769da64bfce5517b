// mkdir, rm, mv, cp, ln, truncate, setxattr and touch as commands: what they change is changed, and nothing else is.

import { describe, expect, it } from 'vitest';
import { EditVolume } from './edit-volume.ts';

const volume = new EditVolume('plain');

describe('mkdir', () => {
  it('makes one; -p also those above; -m gives a mode to the last', async () => {
    await volume.ok(['mkdir', 'IMAGE', '/x', '/x/y']);
    await volume.ok(['mkdir', '-p', '-m', 'u=rwx,g=s,o=t', 'IMAGE', '/x/p/q/r', '/x']);
    expect(['/x', '/x/y', '/x/p/q', '/x/p/q/r'].map((file) => volume.mode(file))).toEqual([
      '755',
      '755',
      '755',
      '3700',
    ]);
  });

  it('what is there is an error, or with -p none', async () => {
    expect(await volume.fails(['mkdir', 'IMAGE', '/d', '/d/text/x', '/no/x'])).toBe(
      "f2fs: EEXIST: file already exists, mkdir '/d'\n" +
        "f2fs: ENOTDIR: not a directory, mkdir '/d/text/x'\n" +
        "f2fs: ENOENT: no such file or directory, mkdir '/no/x'\n",
    );
    const { stdout } = await volume.run(['mkdir', '-p', '--json', 'IMAGE', '/d', '/d/new']);
    expect(JSON.parse(stdout.toString())).toMatchObject({
      schema: 'f2fs.mkdir/1',
      changed: 1,
      unchanged: 1,
      failed: 0,
    });
  });
});

describe('rm', () => {
  it('files, symlinks themselves, and with -r everything below', async () => {
    const before = volume.read('/d/text');
    await volume.ok(['rm', 'IMAGE', '/d/short', '/d/hard', '/d/fifo']);
    const { stdout } = await volume.run(['rm', '-r', '--json', 'IMAGE', '/d/a', '/d/many/']);
    expect(JSON.parse(stdout.toString())).toMatchObject({ failed: 0, unchanged: 0 });
    const left = volume.names('/d');
    expect(['short', 'hard', 'fifo', 'a', 'many'].filter((name) => left.includes(name))).toEqual([]);
    expect(left).toContain('hard2');
    expect(volume.read('/d/text').equals(before)).toBe(true);
  });

  it('refuses the root, dots, directories without -r, and never goes through a symlink', async () => {
    await volume.ok(['ln', '-s', 'IMAGE', 'a', '/d/link']);
    const before = volume.names('/d');
    for (const path of ['/', '/d/.', '/d/..', '.', '/d/a', '/d/link/', '/d/absent', '/d/text/']) {
      const options = path === '/d/a' || path === '/d/absent' ? [] : ['-r'];
      expect(await volume.fails(['rm', ...options, 'IMAGE', path])).toContain(`rm '${path}'`);
    }
    await volume.ok(['rm', '-f', 'IMAGE', '/d/absent', '/absent/x']);
    expect([volume.names('/d'), volume.names('/d/a')]).toEqual([before, ['b']]);
  });
});

describe('mv', () => {
  it('to another name, over a file, into a directory', async () => {
    const [text, one] = [volume.read('/d/text'), volume.read('/d/one')];
    await volume.ok(['mv', 'IMAGE', '/d/text', '/d/moved']);
    await volume.ok(['mv', 'IMAGE', '/d/one', '/d/b4096']);
    await volume.ok(['mv', 'IMAGE', '/d/moved', '/d/b4096', '/d/a/']);
    expect([volume.read('/d/a/moved').equals(text), volume.read('/d/a/b4096').equals(one)]).toEqual([true, true]);
    await volume.ok(['mv', 'IMAGE', '/d/a', '/d/renamed/']);
    expect(volume.names('/d/renamed')).toEqual(['b', 'b4096', 'moved']);
    await volume.ok(['ln', '-s', 'IMAGE', 'nowhere', '/d/dangling']);
    await volume.ok(['mv', 'IMAGE', '/d/b4097', '/d/dangling']);
    expect(volume.stat('/d/dangling').isFile()).toBe(true);
  });

  it('-n leaves what is there; --exchange changes places', async () => {
    const [text, one] = [volume.read('/d/text'), volume.read('/d/one')];
    const { stdout } = await volume.run(['mv', '-n', '--json', 'IMAGE', '/d/text', '/d/one']);
    expect(JSON.parse(stdout.toString())).toMatchObject({ changed: 0, unchanged: 1 });
    expect(volume.read('/d/one').equals(one)).toBe(true);
    await volume.ok(['mv', '--exchange', 'IMAGE', '/d/text', '/d/one']);
    expect([volume.read('/d/one').equals(text), volume.read('/d/text').equals(one)]).toEqual([true, true]);
    await volume.ok(['mv', '--exchange', 'IMAGE', '/d/text', '/d/a']);
    expect(volume.names('/d/text')).toEqual(['b']);
  });

  it('of two names of one file one is left', async () => {
    await volume.ok(['mv', 'IMAGE', '/d/hard', '/d/hard2']);
    expect([volume.names('/d').includes('hard'), volume.stat('/d/hard2').nlink]).toEqual([false, 2n]);
  });

  it('refuses what cannot be, and changes nothing', async () => {
    const before = await volume.manifest('/');
    const refused: Array<[operands: string[], message: RegExp]> = [
      [['/d/absent', '/x'], /^f2fs: ENOENT: no such file or directory, mv '\/d\/absent' -> '\/x'\n$/],
      [['/d/text', '/d/../d/text'], /EINVAL.*they are the same file/],
      [['/d/a', '/d/a/b/x'], /EINVAL.*below itself/],
      [['/d/a', '/d/text'], /ENOTDIR/],
      [['/d/text', '/d/newdir/'], /ENOTDIR/],
      [['/', '/d'], /EINVAL.*the root/],
      [['/d/text', '/d/one', '/d/b4096'], /ENOTDIR: not a directory, mv '\/d\/b4096'/],
      [['--exchange', '/d/text', '/absent'], /ENOENT/],
    ];
    for (const [operands, message] of refused) {
      const options = operands.filter((word) => word.startsWith('--'));
      const said = await volume.fails([
        'mv',
        ...options,
        'IMAGE',
        ...operands.filter((word) => !word.startsWith('--')),
      ]);
      expect([operands, said]).toEqual([operands, expect.stringMatching(message)]);
    }
    expect(await volume.manifest('/')).toEqual(before);
  });
});

describe('cp', () => {
  it('a file; what is replaced keeps its mode; holes stay holes', async () => {
    await volume.ok(['truncate', '-s', '4M', 'IMAGE', '/d/text']);
    const text = volume.read('/d/text');
    await volume.ok(['cp', 'IMAGE', '/d/short', '/d/one']);
    await volume.ok(['cp', 'IMAGE', '/d/text', '/d/a']);
    expect([volume.read('/d/one').equals(text), volume.read('/d/a/text').equals(text)]).toEqual([true, true]);
    expect([volume.mode('/d/one'), volume.mode('/d/a/text')]).toEqual(['4755', volume.mode('/d/text')]);
    expect(volume.stat('/d/a/text').blocks).toBeLessThan(200n);
    expect(volume.xattrs('/d/a/text')).toEqual({});
  });

  it('-rp: a tree with everything but hard links', async () => {
    await volume.ok(['cp', '-rp', 'IMAGE', '/d', '/copy']);
    const comparable = async (directory: string): Promise<string[][]> =>
      (await volume.manifest(directory)).map((fields) =>
        fields.filter((_, index) => index !== 4 && !(index === 5 && fields[0] === 'directory')),
      );
    expect(await comparable('/copy')).toEqual(await comparable('/d'));
    for (const name of ['a', 'hard', 'inline', 'one', 'text']) {
      expect(volume.xattrs(`/copy/${name}`)).toEqual(volume.xattrs(`/d/${name}`));
    }
    expect(volume.stat('/copy/hard').nlink).toBe(1n);
  });

  it('refuses what cannot be, and changes nothing', async () => {
    const before = await volume.manifest('/');
    const refused: Array<[operands: string[], message: RegExp]> = [
      [['/d/a', '/x'], /EISDIR.*-r copies directories/],
      [['/d/fifo', '/x'], /EINVAL.*-r copies a fifo/],
      [['/d/text', '/d/text'], /EINVAL.*the same file/],
      [['/d/hard', '/d/hard2'], /EINVAL.*the same file/],
      [['-r', '/d/a', '/d/a/b'], /EINVAL.*not copied into itself/],
      [['-r', '/', '/d'], /EINVAL.*not copied into itself/],
      [['-r', '/d/many', '/d/text'], /ENOTDIR.*no directory/],
      [['/absent', '/x'], /ENOENT: no such file or directory, cp '\/absent'/],
    ];
    for (const [operands, message] of refused) {
      const options = operands.filter((word) => word.startsWith('-'));
      const said = await volume.fails(['cp', ...options, 'IMAGE', ...operands.filter((word) => !word.startsWith('-'))]);
      expect([operands, said]).toEqual([operands, expect.stringMatching(message)]);
    }
    expect(await volume.manifest('/')).toEqual(before);
  });
});

describe('ln', () => {
  it('hard links and symlinks, with -f over what is there', async () => {
    await volume.ok(['ln', 'IMAGE', '/d/text', '/d/second']);
    expect([volume.stat('/d/text').nlink, volume.stat('/d/second').ino === volume.stat('/d/text').ino]).toEqual([
      4n,
      true,
    ]);
    await volume.ok(['ln', 'IMAGE', '/d/text', '/d/one', '/d/a']);
    await volume.ok(['ln', '-s', 'IMAGE', '../text', '/d/a/link']);
    expect(await volume.fails(['ln', 'IMAGE', '/d/text', '/d/one'])).toContain("'/d/text' -> '/d/one'");
    await volume.ok(['ln', '-f', 'IMAGE', '/d/text', '/d/one']);
    await volume.ok(['ln', '-sf', 'IMAGE', 'elsewhere', '/d/a/link']);
    expect(volume.stat('/d/one').ino).toBe(volume.stat('/d/text').ino);
    expect(volume.names('/d/a')).toEqual(['b', 'link', 'one', 'text']);
    expect(volume.stat('/d/a/link').size).toBe(9n);
  });

  it('-n: a symlink to a directory is a name', async () => {
    await volume.ok(['ln', '-s', 'IMAGE', 'a', '/d/current']);
    await volume.ok(['ln', '-s', 'IMAGE', 'x', '/d/current']);
    expect(volume.names('/d/a')).toEqual(['b', 'x']);
    await volume.ok(['ln', '-sfn', 'IMAGE', 'many', '/d/current']);
    expect([volume.stat('/d/current').isSymbolicLink(), volume.stat('/d/current').size]).toEqual([true, 4n]);
    expect(volume.names('/d/a')).toEqual(['b', 'x']);
  });

  it('refuses directories, what is absent, and a file over itself', async () => {
    expect(await volume.fails(['ln', 'IMAGE', '/d/a', '/d/x'])).toContain('EPERM');
    expect(await volume.fails(['ln', 'IMAGE', '/d/absent', '/d/x'])).toContain('ENOENT');
    expect(await volume.fails(['ln', '-f', 'IMAGE', '/d/hard', '/d/hard2'])).toMatch(/EINVAL.*the same file/);
    expect(await volume.fails(['ln', 'IMAGE', '/d/text', '/d/x/'])).toContain("ENOTDIR: not a directory, ln '/d/x/'");
  });
});

describe('truncate', () => {
  it('cuts, makes longer, and makes what is absent', async () => {
    const before = volume.read('/d/hard');
    await volume.ok(['truncate', '-s', '5000', 'IMAGE', '/d/hard', '/d/new']);
    expect(volume.read('/d/hard').equals(before.subarray(0, 5000))).toBe(true);
    await volume.ok(['truncate', '-s', '+3', 'IMAGE', '/d/hard']);
    await volume.ok(['truncate', '-s', '-1K', 'IMAGE', '/d/new']);
    expect([volume.stat('/d/hard').size, volume.stat('/d/new').size]).toEqual([5003n, 3976n]);
    expect(volume.read('/d/hard').subarray(5000).equals(Buffer.alloc(3))).toBe(true);
    const args = ['truncate', '-c', '-s', '5003', '--json', 'IMAGE', '/d/hard', '/d/absent'];
    expect(JSON.parse((await volume.run(args)).stdout.toString())).toMatchObject({ changed: 0, unchanged: 2 });
    expect(await volume.fails(['truncate', '-s', '1', 'IMAGE', '/d'])).toContain(
      "EISDIR: illegal operation on a directory, truncate '/d'",
    );
  });
});

describe('setxattr', () => {
  it('text, hex, base64; sets, changes, removes', async () => {
    await volume.ok(['setxattr', 'IMAGE', 'user.a', 'text', '/d/text', '/d/a']);
    await volume.ok(['setxattr', 'IMAGE', 'user.b', '0x00ff', '/d/text']);
    await volume.ok(['setxattr', 'IMAGE', 'trusted.c', '0sAQI=', '/d/text']);
    const { 'user.a': a, 'user.b': b, 'trusted.c': c } = volume.xattrs('/d/text');
    expect([a, b, c, volume.xattrs('/d/a')['user.a']]).toEqual(['74657874', '00ff', '0102', '74657874']);
    const again = ['setxattr', '--json', 'IMAGE', 'user.b', '0x00ff', '/d/short'];
    expect(JSON.parse((await volume.run(again)).stdout.toString())).toMatchObject({ changed: 0, unchanged: 1 });
    await volume.ok(['setxattr', '--remove', 'user.b', 'IMAGE', '/d/text']);
    expect(Object.keys(volume.xattrs('/d/text'))).not.toContain('user.b');
    expect(await volume.fails(['setxattr', '--remove', 'user.b', 'IMAGE', '/d/text'])).toContain(
      "ENODATA: no data available, removexattr '/d/text'",
    );
    expect(await volume.fails(['setxattr', 'IMAGE', 'nonsense', 'x', '/d/text'])).toContain('EOPNOTSUPP');
  });
});

describe('touch', () => {
  it('makes what is absent, with the times that are asked for; not with -c, -h, -R', async () => {
    await volume.ok(['touch', '-d', '@7', 'IMAGE', '/d/new', '/d/text']);
    expect([volume.stat('/d/new').mtimeMs, volume.stat('/d/text').mtimeMs, volume.mode('/d/new')]).toEqual([
      7000n,
      7000n,
      '644',
    ]);
    await volume.ok(['touch', '-c', 'IMAGE', '/d/absent']);
    expect(await volume.fails(['touch', '-h', 'IMAGE', '/d/absent'])).toContain(
      "ENOENT: no such file or directory, utime '/d/absent'",
    );
    expect(await volume.fails(['touch', '-R', 'IMAGE', '/d/absent'])).toContain('ENOENT');
    expect(await volume.fails(['touch', 'IMAGE', '/no/such'])).toContain("open '/no/such'");
    expect(volume.names('/d')).not.toContain('absent');
  });
});

it('interrupted before it began: 130, and nothing is removed', async () => {
  const before = await volume.manifest('/');
  const { status, stderr } = await volume.run(['rm', '-r', 'IMAGE', '/d/many'], { signal: 'SIGTERM' });
  expect([status, stderr]).toEqual([143, 'f2fs: interrupted: 0 changed, and that stays\n']);
  expect(await volume.manifest('/')).toEqual(before);
});
