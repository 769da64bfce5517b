// What writes and Node's fs has not, or what a volume answers differently; and what a volume says that is not opened for
// writing.

import { fixedClock } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { FIRST_DESCRIPTOR, OPEN_FILES_MAX } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import * as browser from '../../src/index.ts';
import { constants, FileFlag, openVolumeSync, type Volume } from '../../src/node/index.ts';

const golden = (): ReturnType<typeof loadGolden>['device'] => loadGolden('plain-default').device.clone();
const writable = (): Volume => openVolumeSync(golden(), { writable: true });
const refused = (code: string, syscall?: string): unknown =>
  expect.objectContaining(syscall === undefined ? { code } : { code, syscall });

describe('a volume that is not opened for writing', () => {
  const volume = openVolumeSync(golden());
  const long = `/d/${'n'.repeat(256)}`;

  // As Linux: what is wrong with the path comes first; whether something is there, by call.
  it.each<[what: string, run: () => unknown, code: string, syscall: string]>([
    ['mkdir', () => volume.mkdirSync('/d/new'), 'EROFS', 'mkdir'],
    ['mkdir of what is there', () => volume.mkdirSync('/d/text'), 'EEXIST', 'mkdir'],
    ['mkdir below nothing', () => volume.mkdirSync('/absent/new'), 'ENOENT', 'mkdir'],
    ['mkdir with a long name', () => volume.mkdirSync(long), 'ENAMETOOLONG', 'mkdir'],
    ['mkdir of the root', () => volume.mkdirSync('/'), 'EEXIST', 'mkdir'],
    ['mkdir recursive', () => volume.mkdirSync('/d/new/er', { recursive: true }), 'EROFS', 'mkdir'],
    ['symlink', () => volume.symlinkSync('x', '/d/new'), 'EROFS', 'symlink'],
    ['symlink with a slash', () => volume.symlinkSync('x', '/d/new/'), 'ENOENT', 'symlink'],
    ['mknod', () => volume.mknodSync('/d/new', { kind: 'fifo' }), 'EROFS', 'mknod'],
    ['link', () => volume.linkSync('/d/text', '/d/new'), 'EROFS', 'link'],
    ['link of a directory', () => volume.linkSync('/d', '/new'), 'EROFS', 'link'],
    ['link to what is there', () => volume.linkSync('/d/text', '/d/one'), 'EEXIST', 'link'],
    ['unlink', () => volume.unlinkSync('/d/text'), 'EROFS', 'unlink'],
    ['unlink of nothing', () => volume.unlinkSync('/d/absent'), 'EROFS', 'unlink'],
    ['unlink below nothing', () => volume.unlinkSync('/absent/x'), 'ENOENT', 'unlink'],
    ['unlink of the root', () => volume.unlinkSync('/'), 'EISDIR', 'unlink'],
    ['rmdir', () => volume.rmdirSync('/d'), 'EROFS', 'rmdir'],
    ['rmdir of the root', () => volume.rmdirSync('/'), 'EBUSY', 'rmdir'],
    ['rmdir of a dot', () => volume.rmdirSync('/d/.'), 'EINVAL', 'rmdir'],
    ['rmdir of two dots', () => volume.rmdirSync('/d/..'), 'ENOTEMPTY', 'rmdir'],
    ['rename', () => volume.renameSync('/d/text', '/d/new'), 'EROFS', 'rename'],
    ['rename of nothing', () => volume.renameSync('/d/absent', '/d/new'), 'EROFS', 'rename'],
    ['rename of the root', () => volume.renameSync('/', '/d/new'), 'EBUSY', 'rename'],
    ['rename to two dots', () => volume.renameSync('/d/text', '/d/..'), 'EBUSY', 'rename'],
    ['rename, not over two dots', () => volume.renameSync('/d/a', '/d/..', { noReplace: true }), 'EEXIST', 'rename'],
    ['truncate', () => volume.truncateSync('/d/text'), 'EROFS', 'open'],
    ['writeFile', () => volume.writeFileSync('/d/new', 'x'), 'EROFS', 'open'],
    ['writeFile to a directory', () => volume.writeFileSync('/d', 'x'), 'EISDIR', 'open'],
    ['writeFile if absent', () => volume.writeFileSync('/d/text', 'x', { flag: 'wx' }), 'EEXIST', 'open'],
    ['copyFile', () => volume.copyFileSync('/d/text', '/d/new'), 'EROFS', 'copyfile'],
    ['cp', () => volume.cpSync('/d/text', '/d/new'), 'EROFS', 'copyfile'],
    ['rm', () => volume.rmSync('/d/text'), 'EROFS', 'unlink'],
    ['rm recursive', () => volume.rmSync('/d', { recursive: true }), 'EROFS', 'rmdir'],
    ['mkdtemp', () => volume.mkdtempSync('/d/t-'), 'EROFS', 'mkdtemp'],
    ['setxattr', () => volume.setxattrSync('/d/text', 'user.a', 'b'), 'EROFS', 'setxattr'],
    ['removexattr', () => volume.removexattrSync('/d/text', 'user.small'), 'EROFS', 'removexattr'],
    ['setFlags', () => volume.setFlagsSync('/d/text', 0), 'EROFS', 'ioctl'],
  ])('%s', (_what, run, code, syscall) => {
    expect(run).toThrow(refused(code, syscall));
  });

  it('O_CREAT of a file that is there opens it, as there is nothing to make', () => {
    volume.closeSync(volume.openSync('/d/text', constants.O_RDONLY | constants.O_CREAT));
    expect(() => volume.openSync('/d/absent', constants.O_CREAT)).toThrow(refused('EROFS', 'open'));
  });
});

describe('open files', () => {
  it('EMFILE makes nothing', () => {
    const volume = writable();
    const fds = Array.from({ length: OPEN_FILES_MAX }, () => volume.openSync('/d/one'));
    expect(() => volume.writeFileSync('/d/new', 'x')).toThrow(refused('EMFILE', 'open'));
    expect(volume.existsSync('/d/new')).toBe(false);
    for (const fd of fds) volume.closeSync(fd);
    volume.writeFileSync('/d/new', 'x');
  });

  it('a call that fails keeps no descriptor', () => {
    const volume = writable();
    for (const [path, flags] of [
      ['/absent/x', 'w'],
      ['/d', 'w'],
      ['/d/text', 'wx'],
      ['/d/fifo', 'r'],
    ] as const) {
      expect(() => volume.openSync(path, flags)).toThrow();
    }
    expect(volume.openSync('/d/text')).toBe(FIRST_DESCRIPTOR);
  });

  it('what is removed while it is open goes with the last one that has it open', async () => {
    const volume = writable();
    const free = (): number => volume.statfsSync('/').bfree;
    const before = free();
    volume.writeFileSync('/d/new', Buffer.alloc(100_000, 1));
    await using handle = await volume.promises.open('/d/new', 'r+');
    const fd = volume.openSync('/d/new');
    volume.unlinkSync('/d/new');
    const held = free();
    expect(held).toBeLessThan(before);
    await handle.close();
    expect(free()).toBe(held);
    expect(volume.readFileSync(fd).length).toBe(100_000);
    volume.closeSync(fd);
    expect(free()).toBe(before);
  });

  it('writes of one file that overlap follow one another, in the order of asking', async () => {
    const volume = writable();
    const handle = await volume.promises.open('/d/new', 'w');
    const texts = Array.from({ length: 30 }, (_, index) => `${index} `.repeat(1000));
    await Promise.all(texts.map((text) => handle.write(text)));
    await handle.close();
    expect(volume.readFileSync('/d/new', 'latin1')).toBe(texts.join(''));
  });

  it('a bigint is a position', () => {
    const volume = writable();
    const fd = volume.openSync('/d/new', 'w+');
    volume.writeSync(fd, Buffer.from('ab'), 0, 2, 5n);
    volume.writeSync(fd, 'c', 7n);
    expect(volume.readFileSync('/d/new', 'latin1')).toBe('\0\0\0\0\0abc');
    expect(() => volume.writeSync(fd, 'c', 2n ** 60n)).toThrow(refused('ERR_OUT_OF_RANGE'));
  });
});

it('new files get what the umask leaves, unless the directory has a default access list', () => {
  const volume = writable();
  const modes = (directory: string): string[] => {
    volume.writeFileSync(`${directory}/f`, '', { mode: 0o666 });
    volume.mkdirSync(`${directory}/d`);
    volume.mknodSync(`${directory}/n`, { kind: 'fifo', mode: 0o666 });
    return ['f', 'd', 'n'].map((name) => (volume.lstatSync(`${directory}/${name}`).mode & 0o7777).toString(8));
  };
  volume.mkdirSync('/one');
  expect(modes('/one'), 'the default is 022').toEqual(['644', '755', '644']);
  volume.vfs.umask = 0o077;
  volume.mkdirSync('/two');
  expect(modes('/two')).toEqual(['600', '700', '600']);
  volume.mkdirSync('/listed');
  // user::rwx, group::r-x, other::r-x
  const entries = [
    [1, 7],
    [4, 5],
    [32, 5],
  ].flatMap(([tag, rights]) => [tag!, 0, rights!, 0, 255, 255, 255, 255]);
  volume.setxattrSync('/listed', 'system.posix_acl_default', Uint8Array.from([2, 0, 0, 0, ...entries]));
  expect(modes('/listed')).toEqual(['644', '755', '644']);
});

it('new files belong to whom the vfs says', () => {
  const volume = writable();
  [volume.vfs.uid, volume.vfs.gid] = [1000, 1001];
  volume.writeFileSync('/mine', '');
  expect(volume.statSync('/mine')).toMatchObject({ uid: 1000, gid: 1001 });
});

describe('what Node has not', () => {
  it('extended attributes', async () => {
    const volume = writable();
    volume.setxattrSync('/d/one', 'user.a', 'text');
    await volume.promises.setxattr('/d/one', 'user.b', Buffer.from([0, 255]), { mode: 'create' });
    expect(volume.getxattrSync('/d/one', 'user.a').toString()).toBe('text');
    expect([...volume.getxattrSync('/d/one', 'user.b')]).toEqual([0, 255]);
    expect(() => volume.setxattrSync('/d/one', 'user.a', '', { mode: 'create' })).toThrow(
      refused('EEXIST', 'setxattr'),
    );
    expect(() => volume.setxattrSync('/d/one', 'user.c', '', { mode: 'replace' })).toThrow(
      refused('ENODATA', 'setxattr'),
    );
    expect(() => volume.setxattrSync('/d/one', 'what.a', '')).toThrow(refused('EOPNOTSUPP', 'setxattr'));
    await volume.promises.removexattr('/d/one', 'user.a');
    expect(() => volume.removexattrSync('/d/one', 'user.a')).toThrow(refused('ENODATA', 'removexattr'));
    expect(volume.listxattrSync('/d/one')).not.toContain('user.a');
    // Symlinks take none of users'.
    expect(() => volume.setxattrSync('/d/short', 'user.a', 'x', { followSymlinks: false })).toThrow(
      refused('EPERM', 'setxattr'),
    );
    volume.setxattrSync('/d/short', 'trusted.a', 'x', { followSymlinks: false });
    expect(volume.listxattrSync('/d/short', { followSymlinks: false })).toContain('trusted.a');
    expect(volume.listxattrSync('/d/short')).not.toContain('trusted.a');
    for (const wrong of [undefined, 5, {}]) {
      expect(() => volume.setxattrSync('/d/one', 'user.a', wrong as unknown as string)).toThrow(
        refused('ERR_INVALID_ARG_TYPE'),
      );
    }
  });

  it('flags, which then hold', async () => {
    const volume = writable();
    volume.setFlagsSync('/d/one', FileFlag.immutable);
    expect(volume.getFlagsSync('/d/one') & FileFlag.immutable).not.toBe(0);
    expect(() => volume.openSync('/d/one', 'r+')).toThrow(refused('EPERM', 'open'));
    expect(() => volume.unlinkSync('/d/one')).toThrow(refused('EPERM', 'unlink'));
    await volume.promises.setFlags('/d/one', FileFlag.appendOnly);
    expect(() => volume.openSync('/d/one', 'r+')).toThrow(refused('EPERM', 'open'));
    expect(() => volume.openSync('/d/one', 'w')).toThrow(refused('EPERM', 'open'));
    volume.appendFileSync('/d/one', 'more');
    volume.setFlagsSync('/d/one', 0);
    volume.unlinkSync('/d/one');
  });

  it('special files', async () => {
    const volume = writable();
    volume.mknodSync('/null', { kind: 'char', major: 1, minor: 3, mode: 0o666 });
    await volume.promises.mknod('/disk', { kind: 'block', major: 259, minor: 70_000, mode: '600' });
    expect(volume.statSync('/null').isCharacterDevice()).toBe(true);
    expect(volume.statSync('/null').rdev).toBe(0x103);
    expect(volume.statSync('/disk').isBlockDevice()).toBe(true);
    for (const kind of ['fifo', 'socket', 'file'] as const) volume.mknodSync(`/${kind}`, { kind });
    expect(volume.statSync('/file').size).toBe(0);
    expect(() => volume.mknodSync('/fifo', { kind: 'fifo' })).toThrow(refused('EEXIST', 'mknod'));
    expect(() => volume.mknodSync('/x', { kind: 'char', major: 4096 })).toThrow(refused('EINVAL', 'mknod'));
    expect(() => volume.mknodSync('/x', { kind: 'door' as 'fifo' })).toThrow(refused('ERR_INVALID_ARG_VALUE'));
  });

  it('renames that replace nothing, and that exchange', () => {
    const volume = writable();
    const [one, text] = [volume.statSync('/d/one').ino, volume.statSync('/d/text').ino];
    expect(() => volume.renameSync('/d/one', '/d/text', { noReplace: true })).toThrow(refused('EEXIST', 'rename'));
    volume.renameSync('/d/one', '/d/text', { exchange: true });
    expect([volume.statSync('/d/one').ino, volume.statSync('/d/text').ino]).toEqual([text, one]);
    volume.renameSync('/d/one', '/one', { noReplace: true });
    expect(() => volume.renameSync('/d/one', '/one', { exchange: true })).toThrow(refused('ENOENT', 'rename'));
    expect(() => volume.renameSync('/one', '/d/text/', { exchange: true })).toThrow(refused('ENOTDIR', 'rename'));
    expect(() => volume.renameSync('/one', '/x', { exchange: true, noReplace: true })).toThrow(
      refused('ERR_INVALID_ARG_VALUE'),
    );
  });

  it('fallocate', async () => {
    const volume = writable();
    const fd = volume.openSync('/new', 'w+');
    volume.writeSync(fd, 'x'.repeat(20_000));
    volume.fallocateSync(fd, 4096, 8192, 'punch');
    expect(volume.seekHoleSync(fd, 0)).toBe(4096);
    expect(volume.seekDataSync(fd, 4096)).toBe(12_288);
    volume.fallocateSync(fd, 0, 100, 'zero');
    expect(volume.readFileSync('/new').subarray(99, 101)).toEqual(Buffer.from('\0x'));
    volume.fallocateSync(fd, 0, 50_000);
    expect(volume.fstatSync(fd).size).toBe(50_000);
    expect(() => volume.fallocateSync(fd, 0, 0)).toThrow(refused('EINVAL', 'fallocate'));
    expect(() => volume.fallocateSync(fd, 0, 1, 'dig' as 'punch')).toThrow(refused('ERR_INVALID_ARG_VALUE'));
    await using handle = await volume.promises.open('/new');
    await expect(handle.fallocate(0, 1)).rejects.toEqual(refused('EBADF', 'fallocate'));
  });

  it('syncRange', async () => {
    const device = golden();
    const volume = openVolumeSync(device, { writable: true });
    const fd = volume.openSync('/new', 'w');
    volume.writeSync(fd, 'x'.repeat(20_000));
    volume.fsyncSync(fd);
    volume.writeSync(fd, 'y'.repeat(4096), 4096);
    let written = 0;
    const submit = device.submit.bind(device);
    device.submit = (bio) => {
      if (bio.operation === 'write') written += bio.size;
      submit(bio);
    };
    volume.syncRangeSync(fd, 1 << 20, 4096);
    expect(written).toBe(0);
    volume.syncRangeSync(fd, 4096, 1, 'start');
    volume.syncRangeSync(fd, 4096, 1, 'wait');
    expect(written).toBe(4096);
    expect(() => volume.syncRangeSync(fd, 0, 1, 'dig' as 'wait')).toThrow(refused('ERR_INVALID_ARG_VALUE'));
    expect(() => volume.syncRangeSync(fd, -1, 1)).toThrow(refused('ERR_OUT_OF_RANGE'));
    await using handle = await volume.promises.open('/new', 'r+');
    await handle.write('z');
    await handle.syncRange(0, 0);
    expect(written).toBe(8192);
    await using directory = await volume.promises.open('/');
    await expect(directory.syncRange(0, 0)).rejects.toEqual(refused('EINVAL', 'sync_file_range'));
  });

  it('atomic writes', async () => {
    const volume = writable();
    volume.writeFileSync('/new', 'old '.repeat(3000));
    const fd = volume.openSync('/new', 'r+');
    volume.startAtomicWriteSync(fd);
    volume.writeSync(fd, 'new', 0);
    await using handle = await volume.promises.open('/new', 'r+');
    await expect(handle.startAtomicWrite()).rejects.toEqual(refused('EBUSY', 'ioctl'));
    expect(volume.readFileSync('/new', 'utf8').slice(0, 8)).toBe('new old ');
    volume.abortAtomicWriteSync(fd);
    expect(volume.readFileSync('/new', 'utf8').slice(0, 8)).toBe('old old ');
    expect(() => volume.commitAtomicWriteSync(fd)).toThrow(refused('EINVAL', 'ioctl'));
    await handle.startAtomicWrite();
    await handle.write('two', 0);
    await handle.commitAtomicWrite();
    expect(volume.readFileSync('/new', 'utf8').slice(0, 8)).toBe('two old ');
    await expect(handle.abortAtomicWrite()).rejects.toEqual(refused('EINVAL', 'ioctl'));
    const directory = volume.openSync('/');
    expect(() => volume.startAtomicWriteSync(directory)).toThrow(refused('EBADF', 'ioctl'));
  });

  it('O_DIRECT', () => {
    const volume = writable();
    const blocks = (value: number): Buffer => Buffer.alloc(8192, value);
    volume.writeFileSync('/new', blocks(1));
    const fd = volume.openSync('/new', constants.O_RDWR | constants.O_DIRECT | constants.O_DSYNC);
    volume.writeSync(fd, blocks(2), 0, 8192, 0);
    volume.writeSync(fd, 'part', 5);
    const expected = blocks(2);
    expected.write('part', 5);
    const found = Buffer.alloc(8192);
    volume.readSync(fd, found, 0, 8192, 0);
    expect(found).toEqual(expected);
    volume.closeSync(fd);
    expect(volume.readFileSync('/new')).toEqual(expected);
  });
});

it('access for writing is granted', () => {
  const volume = writable();
  volume.accessSync('/d', constants.W_OK);
  volume.accessSync('/d/text', constants.W_OK | constants.R_OK);
});

it('an error of the medium is told by fsync, and the volume then takes no more', async () => {
  const device = golden();
  const volume = openVolumeSync(device, { writable: true });
  const fd = volume.openSync('/new', 'w');
  volume.writeSync(fd, Buffer.alloc(100_000, 1));
  const submit = device.submit.bind(device);
  device.submit = (bio) => {
    if (bio.operation === 'write') bio.completion.complete(5);
    else submit(bio);
  };
  expect(() => volume.fsyncSync(fd)).toThrow(refused('EIO', 'fsync'));
  expect(() => volume.mkdirSync('/x')).toThrow(refused('EROFS', 'mkdir'));
});

it('mkdtemp makes the same names where the clock stands still', () => {
  const names = [1, 2].map(() => {
    const volume = openVolumeSync(golden(), { writable: true, clock: fixedClock(1_900_000_000, 5) });
    return [1, 2, 3].map(() => volume.mkdtempSync('/t-'));
  });
  expect(names[0]).toEqual(names[1]);
  expect(new Set(names[0]).size).toBe(3);
  expect(names[0]![0]).toMatch(/^\/t-[A-Za-z0-9]{6}$/);
});

it('rm goes through no symlink and ends at a directory that lists itself', () => {
  const volume = writable();
  volume.mkdirSync('/kept');
  volume.writeFileSync('/kept/file', 'x');
  volume.mkdirSync('/gone/below', { recursive: true });
  volume.symlinkSync('/kept', '/gone/below/link');
  volume.rmSync('/gone', { recursive: true });
  expect(volume.readdirSync('/kept')).toEqual(['file']);
  expect(() => volume.rmSync('/kept/..', { recursive: true })).toThrow(refused('ENOTEMPTY', 'rmdir'));
  expect(volume.readdirSync('/kept')).toEqual(['file']);
  expect(() => volume.rmSync('/', { recursive: true })).toThrow(refused('EBUSY', 'rmdir'));
  expect(volume.existsSync('/d/text')).toBe(true);
});

it('without a platform text becomes bytes as in Node', () => {
  const plain = browser.openVolumeSync(golden(), { writable: true });
  const texts = ['', 'plain', 'Ünï 文🙂', 'c0ffee', 'c0f', 'zz', 'aGVsbG8=', 'aGV sbG8', '-_-_', 'a'];
  for (const encoding of ['utf8', 'latin1', 'ascii', 'hex', 'base64', 'base64url', 'utf16le'] as const) {
    for (const text of texts) {
      plain.writeFileSync('/new', text, encoding);
      expect(Buffer.from(plain.readFileSync('/new')), `${text} in ${encoding}`).toEqual(Buffer.from(text, encoding));
    }
  }
  expect(() => plain.writeFileSync('/new', 'x', 'utf-7' as 'utf8')).toThrow(refused('ERR_INVALID_ARG_VALUE'));
});
