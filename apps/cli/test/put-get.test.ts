// put and get: what goes onto a volume, and comes back.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { EditVolume, judged, objections } from './edit-volume.ts';

const volume = new EditVolume('plain');
const root = process.getuid?.() === 0;
const MiB = 1 << 20;

const noise = (bytes: number, seed: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) buffer.writeUInt32LE(Math.imul(at + seed, 2654435761) >>> 0, at);
  return buffer;
};

describe('put', () => {
  it('a new file, under its own name or another; contents of several pieces', async () => {
    const large = noise(2 * MiB + 4097, 7);
    const file = volume.file('large.bin', large);
    await volume.ok(['put', 'IMAGE', file, '/d']);
    await volume.ok(['put', 'IMAGE', file, '/d/other']);
    expect([volume.read('/d/large.bin').equals(large), volume.read('/d/other').equals(large)]).toEqual([true, true]);
    expect(volume.mode('/d/other')).toBe((fs.statSync(file).mode & 0o755).toString(8));
    expect(volume.names('/d').filter((name) => name.includes('unfinished'))).toEqual([]);
  });

  it('replaces contents and keeps mode, owner and attributes of what was there; other names keep theirs', async () => {
    const [before, attributes, inline] = [volume.read('/d/hard'), volume.xattrs('/d/hard'), volume.xattrs('/d/inline')];
    const file = volume.file('new', 'new contents\n');
    for (const name of ['/d/hard', '/d/inline', '/d/one']) await volume.ok(['put', 'IMAGE', file, name]);
    for (const name of ['/d/hard', '/d/inline', '/d/one']) expect(volume.read(name).toString()).toBe('new contents\n');
    expect(volume.read('/d/hard2').equals(before)).toBe(true);
    expect(volume.xattrs('/d/hard')).toEqual(attributes);
    const { uid, gid } = volume.stat('/d/inline');
    expect([volume.mode('/d/inline'), uid, gid, volume.mode('/d/one')]).toEqual(['664', 1000n, 2000n, '4755']);
    // With an access control list among them.
    expect(volume.xattrs('/d/inline')).toEqual(inline);
    expect(Object.keys(inline)).toContain('system.posix_acl_access');
  });

  it('standard input, and what comes through a pipe', async () => {
    await volume.ok(['put', 'IMAGE', '-', '/d/text'], { input: Buffer.from('from a stream') });
    expect(volume.read('/d/text').toString()).toBe('from a stream');
    const pipe = volume.at('pipe');
    spawnSync('mkfifo', [pipe]);
    const fd = fs.openSync(pipe, 'r+');
    fs.writeSync(fd, 'through a pipe');
    const done = volume.ok(['put', 'IMAGE', pipe, '/d/new']);
    setTimeout(() => fs.closeSync(fd), 50); // its reader is there by then, or finds the end at once
    const writer = fs.openSync(pipe, 'w');
    fs.closeSync(writer);
    await done;
    expect(volume.read('/d/new').toString()).toBe('through a pipe');
    expect(await volume.fails(['put', 'IMAGE', '-', '/d'])).toContain(
      "EISDIR: illegal operation on a directory, put '/d'",
    );
  });

  it('holes stay holes', async () => {
    const file = volume.at('sparse');
    const fd = fs.openSync(file, 'w');
    fs.writeSync(fd, 'middle', 5 * MiB + 100);
    fs.ftruncateSync(fd, 9 * MiB + 1);
    fs.closeSync(fd);
    await volume.ok(['put', 'IMAGE', file, '/d']);
    expect(volume.read('/d/sparse').equals(fs.readFileSync(file))).toBe(true);
    expect(volume.stat('/d/sparse').blocks).toBeLessThan(64n);
  });

  it('-r: a tree, as it is; without -r it is refused', async () => {
    volume.file('tree/a/one', '1');
    volume.file('tree/z', 'z');
    fs.mkdirSync(volume.at('tree/empty'), { mode: 0o700 });
    fs.symlinkSync('../z', volume.at('tree/a/link'));
    fs.symlinkSync('/etc', volume.at('tree/out'));
    spawnSync('mkfifo', [volume.at('tree/pipe')]);
    const tree = volume.at('tree');
    expect(await volume.fails(['put', 'IMAGE', tree, '/d'])).toMatch(/EISDIR.*\(-r copies directories\)/);
    await volume.ok(['put', '-r', 'IMAGE', tree, '/d']);
    await volume.ok(['put', '-r', 'IMAGE', tree, '/d/new/']);
    await volume.ok(['put', '-r', 'IMAGE', `${tree}/.`, '/d/a']);
    const names = (await volume.manifest('/d/tree')).map(([type, , , , , size, , , , name]) => [type, size, name]);
    expect(names.filter(([type]) => type !== 'directory')).toEqual([
      ['symlink', '4', './a/link'],
      ['file', '1', './a/one'],
      ['symlink', '4', './out'],
      ['fifo', '0', './pipe'],
      ['file', '1', './z'],
    ]);
    expect(await volume.manifest('/d/new')).toHaveLength(names.length);
    expect(volume.names('/d/a')).toEqual(['a', 'b', 'empty', 'out', 'pipe', 'z']);
    expect(volume.mode('/d/tree/empty')).toBe('700');
  });

  it('-r follows no symlink where things go: it is replaced, or refused', async () => {
    volume.file('tree/short', 'not a link');
    volume.file('tree/dir/x', 'x');
    await volume.ok(['ln', '-s', 'IMAGE', '/d/a', '/d/dir']);
    const before = volume.read('/d/text');
    const said = await volume.fails(['put', '-r', 'IMAGE', `${volume.at('tree')}/.`, '/d']);
    expect(said).toMatch(/^f2fs: ENOTDIR: [^\n]*dir' -> '\/d\/dir' \(what is no directory[^\n]*\n$/);
    expect(volume.read('/d/text').equals(before)).toBe(true);
    expect(volume.read('/d/short').toString()).toBe('not a link');
    expect(volume.names('/d/a')).toEqual(['b']);
  });

  it('-p keeps modes and times; --owner sets owners', async () => {
    volume.file('tree/sub/file', 'x');
    const [file, sub, tree] = [volume.at('tree/sub/file'), volume.at('tree/sub'), volume.at('tree')];
    fs.chmodSync(file, 0o4751);
    fs.chmodSync(sub, 0o1711);
    fs.utimesSync(file, 1e9, 1.1e9);
    fs.utimesSync(sub, 1.2e9, '-5');
    await volume.ok(['put', '-rp', '--owner', '5:6', 'IMAGE', tree, '/d']);
    const [one, two] = [volume.stat('/d/tree/sub/file'), volume.stat('/d/tree/sub')];
    expect([volume.mode('/d/tree/sub/file'), volume.mode('/d/tree/sub')]).toEqual(['4751', '1711']);
    expect([one.atimeMs, one.mtimeMs, two.mtimeMs]).toEqual([10n ** 12n, 1_100_000_000_000n, -5000n]);
    expect([one.uid, one.gid, two.uid, two.gid]).toEqual([5n, 6n, 5n, 6n]);
    await volume.ok(['put', '-p', 'IMAGE', file, '/d/plain']);
    const { uid } = volume.stat('/d/plain');
    // Whose files they are is kept by root only; set-ID bits go with the owner.
    const expected = root ? ['4751', BigInt(fs.statSync(file).uid)] : ['751', 0n];
    expect([volume.mode('/d/plain'), uid]).toEqual(expected);
  });

  it('goes on after what fails, and says where; the exit code is 1', async () => {
    const file = volume.file('file', 'x');
    const [absent, tree] = [volume.at('absent'), volume.at('tree')];
    volume.file('tree/a', 'x'); // a directory on the volume
    volume.file('tree/b', 'x');
    const { status, stdout, stderr } = await volume.run([
      'put',
      '-r',
      '--json',
      'IMAGE',
      absent,
      `${tree}/.`,
      file,
      '/d',
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain(`ENOENT: no such file or directory, lstat '${absent}'`);
    expect(stderr).toContain(`EISDIR: illegal operation on a directory, put '${tree}/./a' -> '/d/a'`);
    expect(JSON.parse(stdout.toString())).toMatchObject({
      schema: 'f2fs.put/1',
      changed: 2,
      unchanged: 1,
      failed: 2,
      failures: [
        { path: absent, code: 'ENOENT' },
        { path: `${tree}/./a`, code: 'EISDIR' },
      ],
    });
    expect(volume.read('/d/file').toString() + volume.read('/d/b').toString()).toBe('xx');
    expect(await volume.fails(['put', 'IMAGE', file, file, '/d/text'])).toContain(
      "ENOTDIR: not a directory, put '/d/text'",
    );
    expect(await volume.fails(['put', 'IMAGE', file, '/no/such'])).toContain("put '/no/such'");
    expect(await volume.fails(['put', 'IMAGE', file, '/d/newdir/'])).toContain(
      "ENOTDIR: not a directory, put '/d/newdir/'",
    );
  });

  it('what does not fit is not there, and what it was to replace is', async () => {
    const file = volume.at('large');
    fs.writeFileSync(file, noise(60 * MiB, 3));
    const before = volume.read('/d/text');
    expect(await volume.fails(['put', 'IMAGE', file, '/d/text'])).toMatch(/^f2fs: ENOSPC: .*write '\/d\/text'\n$/);
    expect(volume.read('/d/text').equals(before)).toBe(true);
    expect(volume.names('/d').filter((name) => name.includes('unfinished'))).toEqual([]);
  });

  it('leaves out the image itself', async () => {
    const folder = path.dirname(volume.image);
    fs.writeFileSync(path.join(folder, 'beside'), 'x');
    await volume.ok(['put', '-r', 'IMAGE', folder, '/d']);
    fs.rmSync(path.join(folder, 'beside'));
    expect(volume.names('/d/volume')).toEqual(['beside']);
  });

  it('takes away what a run that was cut off has left', async () => {
    const left = volume.file('left', 'half of');
    await volume.ok(['put', 'IMAGE', left, '/d/.f2fskit-unfinished.txt']);
    await volume.ok(['put', 'IMAGE', volume.file('new.txt', 'whole'), '/d']);
    expect(volume.read('/d/new.txt').toString()).toBe('whole');
    expect(volume.names('/d').filter((name) => name.includes('unfinished'))).toEqual([]);
  });
});

describe('get', () => {
  it('a file: into a directory, under another name, to standard output', async () => {
    const contents = volume.read('/d/b4097');
    await volume.ok(['get', 'IMAGE', '/d/b4097', volume.host]);
    await volume.ok(['get', 'IMAGE', '/d/b4097', volume.at('other')]);
    for (const name of ['b4097', 'other']) expect(fs.readFileSync(volume.at(name)).equals(contents)).toBe(true);
    const { mtimeMs, mode } = fs.statSync(volume.at('other'));
    expect([BigInt(Math.floor(mtimeMs)), (mode & 0o7777).toString(8)]).toEqual([
      volume.stat('/d/b4097').mtimeMs,
      volume.mode('/d/b4097'),
    ]);
    const { stdout, status } = await volume.run(['get', 'IMAGE', '/d/b4097', '-']);
    expect([status, stdout.equals(contents)]).toEqual([0, true]);
    expect(fs.readdirSync(volume.host).sort()).toEqual(['b4097', 'other']);
  });

  it('replaces a file with the whole new one; a symlink is followed without -r', async () => {
    volume.file('text', 'old');
    await volume.ok(['get', 'IMAGE', '/d/short', volume.at('text')]);
    expect(fs.readFileSync(volume.at('text')).equals(volume.read('/d/text'))).toBe(true);
    await volume.ok(['get', '-r', 'IMAGE', '/d/short', volume.at('link')]);
    expect(fs.readlinkSync(volume.at('link'))).toBe('text');
  });

  it('-r: a tree, new or joined to one that is there', async () => {
    await volume.ok(['get', '-r', 'IMAGE', '/d/a', volume.host]);
    expect(fs.readFileSync(volume.at('a/b/c/d/e/f')).equals(volume.read('/d/a/b/c/d/e/f'))).toBe(true);
    expect((fs.statSync(volume.at('a')).mode & 0o7777).toString(8)).toBe(volume.mode('/d/a'));
    fs.writeFileSync(volume.at('a/b/mine'), 'mine');
    fs.writeFileSync(volume.at('a/b/c/d/e/f'), 'changed');
    await volume.ok(['get', '-r', 'IMAGE', '/d/a', volume.host]);
    expect(fs.readFileSync(volume.at('a/b/c/d/e/f')).equals(volume.read('/d/a/b/c/d/e/f'))).toBe(true);
    expect(fs.readFileSync(volume.at('a/b/mine'), 'utf8')).toBe('mine');
    expect(fs.readdirSync(volume.host)).toEqual(['a']);
  });

  it('-r: everything, also into a directory that is there, which stays as it is', async () => {
    await volume.ok(['rm', '-r', 'IMAGE', '/d/many']);
    await volume.ok(['chmod', 'IMAGE', '500', '/d/a', '/d/a/b']);
    fs.mkdirSync(volume.at('there'), { mode: 0o751 });
    fs.symlinkSync('there', volume.at('link'));
    for (const place of ['new', 'link']) {
      expect((await volume.run(['get', '-r', 'IMAGE', '/', volume.at(place)])).status).toBe(0);
      expect(fs.readFileSync(volume.at(place, 'd/a/b/c/d/e/f')).equals(volume.read('/d/a/b/c/d/e/f'))).toBe(true);
      expect(fs.statSync(volume.at(place, 'd/a/b')).mode & 0o7777).toBe(0o500);
      expect(fs.readdirSync(volume.at(place)).sort()).toEqual(volume.names('/'));
    }
    await volume.ok(['get', '-r', 'IMAGE', '/d/a/b', volume.at('b')]);
    const modes = ['new', 'there', 'b'].map((place) => (fs.statSync(volume.at(place)).mode & 0o7777).toString(8));
    expect(modes).toEqual([volume.mode('/'), '751', '500']);
    expect(fs.readdirSync(volume.host).sort()).toEqual(['b', 'link', 'new', 'there']);
  });

  it('says what is left out, what is refused, and follows no symlink of the host', async () => {
    fs.mkdirSync(volume.at('elsewhere'));
    fs.mkdirSync(volume.at('out'));
    fs.symlinkSync('../elsewhere', volume.at('out/a'));
    expect(await volume.fails(['get', '-r', 'IMAGE', '/d/a', volume.at('out')])).toContain('ENOTDIR');
    expect(fs.readdirSync(volume.at('elsewhere'))).toEqual([]);
    expect(await volume.fails(['get', 'IMAGE', '/d', volume.at('out')])).toMatch(/EISDIR.*\(-r copies directories\)/);
    expect(await volume.fails(['get', 'IMAGE', '/d/null', volume.at('out')])).toMatch(/EINVAL.*--devices/);
    expect(await volume.fails(['get', 'IMAGE', '/d/absent', volume.at('out')])).toContain("get '/d/absent'");
    expect(await volume.fails(['get', 'IMAGE', '/d/text', '/d/one', volume.at('x')])).toContain('ENOENT');
    const { status, stderr, stdout } = await volume.run(['get', '-r', '--json', 'IMAGE', '/d', volume.at('all')]);
    expect([status, stderr.split('\n').filter((line) => line.includes('special: /d/')).length > 2]).toEqual([0, true]);
    expect(JSON.parse(stdout.toString())).toMatchObject({ schema: 'f2fs.get/1', failed: 0, failures: [] });
    expect(fs.readdirSync(volume.host).sort()).toEqual(['all', 'elsewhere', 'out']);
  });

  it('interrupted: nothing is left', async () => {
    const { status, stderr } = await volume.run(['get', '-r', 'IMAGE', '/', volume.at('all')], { signal: 'SIGINT' });
    expect([status, stderr]).toEqual([130, 'f2fs: interrupted; nothing unfinished is left\n']);
    expect(fs.readdirSync(volume.host)).toEqual([]);
  });
});

it('out and in again: the same tree', async () => {
  await volume.ok(['mkdir', 'IMAGE', '/again']);
  const got = await volume.run(['get', '-rp', 'IMAGE', '/d', volume.host]);
  expect(got.status).toBe(0);
  await volume.ok(['put', '-rp', 'IMAGE', volume.at('d'), '/again']);
  const special = new Set(['char', 'block', 'fifo', 'socket']);
  const comparable = async (directory: string): Promise<string[][]> =>
    (await volume.manifest(directory))
      .filter(([type]) => !special.has(type!))
      // Hard links are copied as files of their own; as nobody but root, owners are those of the process.
      .map(([type, mode, uid, gid, , size, mtime, device, hash, name]) =>
        [type, ...(root ? [mode, uid, gid] : []), type === 'directory' ? '' : size, mtime, device, hash, name].map(
          String,
        ),
      );
  expect(await comparable('/again/d')).toEqual(await comparable('/d'));
});

it.skipIf(!judged)('fsck.f2fs accepts what it leaves (skipped where that is not installed)', async () => {
  volume.file('tree/x.bin', noise(MiB, 1));
  for (let file = 0; file < 100; file++) volume.file(`tree/many/file-${file}`, String(file).repeat(file * 9));
  await volume.ok(['put', '-rp', 'IMAGE', volume.at('tree'), '/d']);
  await volume.ok(['cp', '-rp', 'IMAGE', '/d/tree', '/d/copy']);
  await volume.ok(['rm', '-r', 'IMAGE', '/d/tree/many', '/d/many']);
  await volume.ok(['mv', '--exchange', 'IMAGE', '/d/tree', '/d/copy']);
  expect(objections(volume.image)).toBe('');
});
