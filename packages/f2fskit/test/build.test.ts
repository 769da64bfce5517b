// A directory of the host becomes a volume: what the volume shows is what the host shows.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { seededRandom } from '@f2fskit/task';
import { describe, expect, it, vi } from 'vitest';
import { extract } from '../src/node/index.ts';
import { buildAndOpen, expectSound, has, hostLines, isRoot, notesOf, testFolder, volumeLines } from './build-world.ts';

const inFolder = testFolder();
const MIB = 1 << 20;

/** Bytes that differ from block to block. */
function content(size: number, seed = 1): Buffer {
  const random = seededRandom(seed);
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(random.u32(), at);
  return bytes;
}

/** A tree with one of everything; root only for what root alone can make. */
function makeTree(): string {
  const tree = inFolder('tree');
  fs.mkdirSync(`${tree}/a/b/c`, { recursive: true });
  fs.mkdirSync(`${tree}/empty`);
  fs.writeFileSync(`${tree}/nothing`, '');
  fs.writeFileSync(`${tree}/small.txt`, 'fits inside its inode\n');
  for (const size of [3488, 3489, 4095, 4096, 4097, 100_000]) fs.writeFileSync(`${tree}/a/${size}`, content(size));
  fs.writeFileSync(`${tree}/a/b/large`, content(5 * MIB + 17));
  fs.writeFileSync(`${tree}/a/b/c/${'n'.repeat(255)}`, 'a long name');
  fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/a/`), Buffer.from([0x66, 0xfc, 0x72])]), 'latin1');
  fs.symlinkSync('small.txt', `${tree}/link`);
  fs.symlinkSync('../../outside', `${tree}/a/out`);
  fs.symlinkSync('x'.repeat(4000), `${tree}/a/long link`);
  fs.linkSync(`${tree}/small.txt`, `${tree}/a/b/other name`);
  fs.linkSync(`${tree}/small.txt`, `${tree}/0 first name`);
  fs.chmodSync(`${tree}/small.txt`, 0o4755);
  fs.chmodSync(`${tree}/a/4096`, 0o000);
  fs.chmodSync(`${tree}/empty`, 0o1777);
  spawnSync('mkfifo', ['-m', '640', `${tree}/fifo`]);
  if (isRoot) {
    fs.chownSync(`${tree}/a/b`, 1000, 70_000);
    fs.chmodSync(`${tree}/a/b`, 0o2775); // what is made in it would get its group
    fs.chownSync(`${tree}/a/b/large`, 12, 34);
    fs.lchownSync(`${tree}/link`, 5, 6);
    spawnSync('mknod', ['-m', '600', `${tree}/zero`, 'c', '1', '5']);
    spawnSync('mknod', ['-m', '660', `${tree}/disk`, 'b', '259', '13']);
  }
  for (const name of ['a/4097', 'a/b', 'empty', 'a']) {
    fs.utimesSync(`${tree}/${name}`, 1_600_000_000.25, 1_234_567_890.123456);
  }
  fs.utimesSync(`${tree}/nothing`, '-100.5', '-100.5');
  fs.lutimesSync(`${tree}/link`, 1, 2.5);
  return tree;
}

describe('a directory', () => {
  it('is on the volume as it is on the host, and comes out again as it went in', async () => {
    const tree = makeTree();
    const socket = net.createServer().listen(`${tree}/socket`);
    try {
      const { report, volume } = await buildAndOpen(tree, inFolder('image'));
      expect(notesOf(report)).toEqual({});
      expect(volumeLines(volume)).toEqual(hostLines(tree));
      expect(report).toMatchObject({ files: 11, hardLinks: 2, symlinks: 3, directories: 4, failures: 0, attempts: 1 });
      const again = await extract(volume, inFolder('again'), { devices: true });
      expect(again.failures).toBe(0);
      const expected = hostLines(tree);
      expected.delete('/socket');
      // Node takes times as a number of seconds: some hundred nanoseconds are lost. The root was made by the extraction.
      const [, ...found] = hostLines(inFolder('again'));
      const [, ...wanted] = expected;
      const TIME = 5;
      const timeless = (lines: Array<[string, string]>): string[][] =>
        lines.map(([, line]) => line.split(' ').toSpliced(TIME, 1));
      const times = (lines: Array<[string, string]>): number[] =>
        lines.map(([, line]) => Number(line.split(' ')[TIME]));
      if (isRoot) expect(timeless(found)).toEqual(timeless(wanted));
      for (const [index, time] of times(wanted).entries()) {
        if (isRoot) expect(Math.abs(times(found)[index]! - time), wanted[index]![0]).toBeLessThan(1500);
      }
      expectSound(inFolder('image'));
      await volume.close();
    } finally {
      socket.close();
    }
  });

  it('may be empty', async () => {
    fs.mkdirSync(inFolder('tree'));
    const { report, volume } = await buildAndOpen(inFolder('tree'), inFolder('image'));
    expect(report).toMatchObject({ files: 0, directories: 0, bytes: 0, failures: 0 });
    expect(volumeLines(volume)).toEqual(hostLines(inFolder('tree')));
    expectSound(inFolder('image'));
    await volume.close();
  });

  it('may have 10,000 names', async () => {
    const tree = inFolder('tree');
    fs.mkdirSync(tree);
    // Of one file: the host makes links faster than files.
    fs.writeFileSync(`${tree}/first`, 'x');
    for (let index = 1; index < 10_000; index++) fs.linkSync(`${tree}/first`, `${tree}/file number ${index}`);
    const { report, volume } = await buildAndOpen(tree, inFolder('image'));
    expect(report).toMatchObject({ files: 1, hardLinks: 9999 });
    expect(volume.statSync('/first').nlink).toBe(10_000);
    expect(volume.readdirSync('/').sort()).toEqual(fs.readdirSync(tree).sort());
    expectSound(inFolder('image'));
    await volume.close();
  });

  it('may be as deep as the host can have it', async () => {
    const tree = inFolder('tree');
    const deep = `${tree}/${'d/'.repeat(1500)}`;
    fs.mkdirSync(deep, { recursive: true });
    fs.writeFileSync(`${deep}file`, 'deep');
    const { volume } = await buildAndOpen(tree, inFolder('image'));
    expect(volume.readFileSync(`${'/d'.repeat(1500)}/file`, 'utf8')).toBe('deep');
    expectSound(inFolder('image'));
    await volume.close();
  });

  it('keeps holes, also of files that begin or end with one', async () => {
    const tree = inFolder('tree');
    fs.mkdirSync(tree);
    const write = (name: string, size: number, ...pieces: Array<[at: number, length: number]>): void => {
      const fd = fs.openSync(`${tree}/${name}`, 'w');
      for (const [at, length] of pieces) fs.writeSync(fd, content(length, at + 1), 0, length, at);
      fs.ftruncateSync(fd, size);
      fs.closeSync(fd);
    };
    write('middle', 9 * MIB, [0, 4096], [5 * MIB, 12_288]);
    write('start', 3 * MIB, [2 * MIB, MIB]);
    write('end', 40 * MIB + 5, [0, 100]);
    write('all', 100 * MIB);
    const { report, volume } = await buildAndOpen(tree, inFolder('image'));
    expect(volumeLines(volume)).toEqual(hostLines(tree));
    expect(volume.statSync('/all').blocks).toBe(0);
    expect(volume.statSync('/middle').blocks).toBeLessThan(8 * 8);
    expect(report.bytes).toBeLessThan(1.1 * MIB);
    expect(report.bytes + report.holeBytes).toBe((9 + 3 + 40 + 100) * MIB + 5);
    expectSound(inFolder('image'));
    await volume.close();
  });

  it('keeps zeros that the host has as blocks', async () => {
    fs.mkdirSync(inFolder('tree'));
    fs.writeFileSync(inFolder('tree/zeros'), Buffer.alloc(3 * MIB));
    const { volume, report } = await buildAndOpen(inFolder('tree'), inFolder('image'));
    expect(report).toMatchObject({ bytes: 3 * MIB, holeBytes: 0 });
    expect(volume.statSync('/zeros').blocks).toBe((3 * MIB) / 512);
    await volume.close();
  });

  it.skipIf(!has('setfattr') || !has('getfattr'))('keeps extended attributes and lists', async () => {
    const tree = inFolder('tree');
    fs.mkdirSync(`${tree}/d`, { recursive: true });
    fs.writeFileSync(`${tree}/f=\\ ü`, 'x');
    fs.writeFileSync(`${tree}/d/g`, 'x');
    const set = (file: string, name: string, value: string): boolean =>
      spawnSync('setfattr', ['-h', '-n', name, '-v', value, file]).status === 0;
    if (!set(`${tree}/f=\\ ü`, 'user.comment', '0x00ff0a3d')) return; // the host's filesystem has none
    set(`${tree}/f=\\ ü`, 'user.we\\ird =', 'text');
    set(`${tree}/f=\\ ü`, 'user.large', `0s${content(900).toString('base64')}`);
    set(`${tree}/d`, 'user.d', 'dir');
    set(tree, 'user.root', 'r');
    const lists = has('setfacl');
    if (lists) {
      spawnSync('setfacl', ['-d', '-m', 'u:1000:rwx', `${tree}/d`]);
      spawnSync('setfacl', ['-m', 'u:1000:rw,g:7:r', `${tree}/d/g`]);
    }
    const { report, volume } = await buildAndOpen(tree, inFolder('image'));
    expect(notesOf(report)).toEqual({});
    const read = (file: string, name: string): string =>
      Buffer.from(volume.getxattrSync(file, name)).toString('latin1');
    expect(read('/f=\\ ü', 'user.comment')).toBe('\0\xff\n=');
    expect(read('/f=\\ ü', 'user.we\\ird =')).toBe('text');
    expect(read('/f=\\ ü', 'user.large')).toBe(content(900).toString('latin1'));
    expect([read('/d', 'user.d'), read('/', 'user.root')]).toEqual(['dir', 'r']);
    if (lists) {
      expect(volume.listxattrSync('/d')).toContain('system.posix_acl_default');
      expect(volume.listxattrSync('/d/g')).toEqual(['system.posix_acl_access']);
      expect(volume.statSync('/d/g').mode).toBe(fs.statSync(`${tree}/d/g`).mode);
    }
    expectSound(inFolder('image'));
    await volume.close();
    const without = await buildAndOpen(tree, inFolder('without'), { xattrs: false });
    expect(without.volume.listxattrSync('/d')).toEqual([]);
    await without.volume.close();
  });

  it('has one owner where that is asked for', async () => {
    fs.mkdirSync(inFolder('tree/d'), { recursive: true });
    fs.writeFileSync(inFolder('tree/d/f'), 'x');
    fs.chmodSync(inFolder('tree/d/f'), 0o6755);
    const { volume } = await buildAndOpen(inFolder('tree'), inFolder('image'), { owner: { uid: 7, gid: 8 } });
    for (const name of ['/', '/d', '/d/f']) expect(volume.statSync(name)).toMatchObject({ uid: 7, gid: 8 });
    expect(volume.statSync('/d/f').mode & 0o7777).toBe(0o6755);
    await volume.close();
  });

  it('takes what patterns say', async () => {
    const tree = inFolder('tree');
    for (const name of ['src/a.ts', 'src/deep/b.ts', 'src/deep/b.o', 'out/a.o', 'README', '.git/config']) {
      fs.mkdirSync(path.dirname(`${tree}/${name}`), { recursive: true });
      fs.writeFileSync(`${tree}/${name}`, name);
    }
    const namesWith = async (options: { include?: string[]; exclude?: string[] }): Promise<string[]> => {
      const { volume } = await buildAndOpen(tree, inFolder('image'), { ...options, force: true });
      const names = [...volumeLines(volume).keys()].slice(1);
      await volume.close();
      return names;
    };
    expect(await namesWith({ exclude: ['*.o', '.git'] })).toEqual([
      '/README',
      '/out',
      '/src',
      '/src/a.ts',
      '/src/deep',
      '/src/deep/b.ts',
    ]);
    expect(await namesWith({ include: ['*.ts'] })).toEqual(['/src', '/src/a.ts', '/src/deep', '/src/deep/b.ts']);
    expect(await namesWith({ include: ['src/deep', '/README'], exclude: ['src/**/*.o'] })).toEqual([
      '/README',
      '/src',
      '/src/deep',
      '/src/deep/b.ts',
    ]);
  });

  it('says what it could not read, and takes the rest', async () => {
    const tree = inFolder('tree');
    fs.mkdirSync(tree);
    for (const name of ['broken', 'fine', 'gone', 'pipe']) fs.writeFileSync(`${tree}/${name}`, content(3 * MIB));
    fs.linkSync(`${tree}/broken`, `${tree}/broken too`);
    beforeOpening({
      [`${tree}/gone`]: () => fs.rmSync(`${tree}/gone`),
      [`${tree}/pipe`]: () => {
        fs.rmSync(`${tree}/pipe`);
        spawnSync('mkfifo', [`${tree}/pipe`]);
      },
    });
    beforeReading(`${tree}/broken`, 2 * MIB, () => {
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    });
    const { volume, report } = await buildAndOpen(tree, inFolder('image'));
    vi.restoreAllMocks();
    expect(notesOf(report)).toEqual({
      unreadable: [
        'broken: EIO: i/o error, read',
        expect.stringMatching(/^gone: ENOENT/),
        'pipe: it is no regular file any more',
      ],
    });
    expect(report.failures).toBe(3);
    // The other name of what broke is tried again.
    expect(volume.readdirSync('/')).toEqual(['broken too', 'fine']);
    expect(volume.statSync('/broken too')).toMatchObject({ nlink: 1, size: 3 * MIB });
    await volume.close();
  });

  it('tells of a file that changed after it was listed, or while it is read', async () => {
    const tree = inFolder('tree');
    fs.mkdirSync(tree);
    for (const name of ['longer', 'shorter', 'while']) fs.writeFileSync(`${tree}/${name}`, content(2 * MIB));
    beforeOpening({
      [`${tree}/longer`]: () => fs.appendFileSync(`${tree}/longer`, content(MIB)),
      [`${tree}/shorter`]: () => fs.truncateSync(`${tree}/shorter`, 100),
    });
    beforeReading(`${tree}/while`, MIB, () => fs.truncateSync(`${tree}/while`, MIB + 1));
    const { volume, report } = await buildAndOpen(tree, inFolder('image'));
    vi.restoreAllMocks();
    expect(notesOf(report)).toEqual({
      changed: [
        'longer: the file changed after it was listed',
        'shorter: the file changed after it was listed',
        'while: the file changed while it was read',
      ],
    });
    expect(report.failures).toBe(3);
    const sizes = ['longer', 'shorter', 'while'].map((name) => volume.statSync(`/${name}`).size);
    expect(sizes).toEqual([3 * MIB, 100, MIB + 1]);
    await volume.close();
  });
});

/** Does something the moment before a file of the host is opened by the build. */
function beforeOpening(what: Record<string, () => void>): void {
  const { openSync } = fs;
  vi.spyOn(fs, 'openSync').mockImplementation(((name: fs.PathLike, ...rest: [number]) => {
    if (Buffer.isBuffer(name)) what[name.toString()]?.();
    return openSync(name, ...rest);
  }) as typeof fs.openSync);
}

/** Does something the moment before a part of a file of the host is read. */
function beforeReading(file: string, position: number, what: () => void): void {
  const { readSync } = fs;
  vi.spyOn(fs, 'readSync').mockImplementation(((fd: number, ...rest: [Buffer, number, number, number]) => {
    if (rest[3] === position && fs.readlinkSync(`/proc/self/fd/${fd}`) === file) what();
    return readSync(fd, ...rest);
  }) as typeof fs.readSync);
}
