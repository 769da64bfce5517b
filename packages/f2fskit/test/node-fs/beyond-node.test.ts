// What the surface has for reading and Node's fs has not, or what a read-only volume answers differently.

import { loadGolden } from '@f2fskit/testkit';
import { OPEN_FILES_MAX } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import * as browser from '../../src/index.ts';
import { constants, FileFlag, openVolumeSync } from '../../src/node/index.ts';

const volume = openVolumeSync(loadGolden('plain-default').device.clone());
const compressed = openVolumeSync(loadGolden('compress-lz4-4').device.clone());
const refused = (code: string, syscall?: string): unknown =>
  expect.objectContaining(syscall === undefined ? { code } : { code, syscall });

describe('writing is EROFS', () => {
  it.each([
    'r+',
    'rs+',
    'w',
    'wx',
    'w+',
    'a',
    'ax',
    'a+',
    'as',
    constants.O_RDWR,
    constants.O_RDONLY | constants.O_TRUNC,
  ])('open with %s', async (flags) => {
    // What is to be made must not be there.
    const path = String(flags).includes('x') ? '/d/absent' : '/d/text';
    expect(() => volume.openSync(path, flags)).toThrow(refused('EROFS', 'open'));
    await expect(volume.promises.open(path, flags)).rejects.toEqual(refused('EROFS', 'open'));
  });

  it('access for writing, but not of what leads elsewhere', () => {
    expect(() => volume.accessSync('/d/text', constants.W_OK)).toThrow(refused('EROFS', 'access'));
    expect(() => volume.accessSync('/d', constants.W_OK)).toThrow(refused('EROFS', 'access'));
    volume.accessSync('/d/null', constants.W_OK);
  });
});

it.each(['/d/fifo', '/d/null', '/d/blk', '/d/socket'])('%s of a volume leads nowhere: ENXIO', (path) => {
  expect(() => volume.openSync(path)).toThrow(refused('ENXIO', 'open'));
  expect(() => volume.readFileSync(path)).toThrow(refused('ENXIO', 'open'));
});

it('1,024 files are open at most', () => {
  const fds = Array.from({ length: OPEN_FILES_MAX }, () => volume.openSync('/d/one'));
  expect(() => volume.openSync('/d/one')).toThrow(refused('EMFILE', 'open'));
  expect(() => volume.readFileSync('/d/one')).toThrow(refused('EMFILE', 'open'));
  for (const fd of fds) volume.closeSync(fd);
  volume.readFileSync('/d/one');
});

describe('extended attributes', () => {
  it('by name, and their names', async () => {
    expect(volume.listxattrSync('/d/text').sort()).toEqual(['user.big', 'user.small']);
    expect(volume.getxattrSync('/d/text', 'user.small').toString()).toBe('hello');
    expect(await volume.promises.listxattr('/d/one')).toEqual(['security.foo']);
    expect((await volume.promises.getxattr('/d/one', Buffer.from('security.foo'))).toString()).toBe('bar');
  });

  it('of a symlink, followed or not', () => {
    expect(volume.listxattrSync('/d/short')).toContain('user.small');
    expect(volume.listxattrSync('/d/short', { followSymlinks: false })).toEqual([]);
  });

  it('that are absent: ENODATA', async () => {
    expect(() => volume.getxattrSync('/d/one', 'user.none')).toThrow(refused('ENODATA', 'getxattr'));
    await expect(volume.promises.getxattr('/d/absent', 'user.none')).rejects.toEqual(refused('ENOENT', 'getxattr'));
    expect(() => volume.getxattrSync('/d/one', 5 as unknown as string)).toThrow(refused('ERR_INVALID_ARG_TYPE'));
  });
});

it('flags are those of chattr(1)', async () => {
  expect(compressed.getFlagsSync('/c/text') & FileFlag.compressed).toBe(FileFlag.compressed);
  expect((await compressed.promises.getFlags('/d/text')) & FileFlag.compressed).toBe(0);
});

describe('data, holes and extents', () => {
  it('of a sparse file', async () => {
    const fd = volume.openSync('/d/sparse');
    const { size } = volume.fstatSync(fd);
    const runs: string[] = [];
    for (let at = 0; at < size; ) {
      const hole = volume.seekHoleSync(fd, at);
      if (hole > at) runs.push(`data ${at}..${hole}`);
      if (hole >= size) break;
      let data = size;
      try {
        data = volume.seekDataSync(fd, hole);
      } catch (error) {
        expect(error).toEqual(refused('ENXIO', 'lseek'));
      }
      runs.push(`hole ${hole}..${data}`);
      at = data;
    }
    const extents = volume.fiemapSync(fd);
    const shown = extents.filter(({ unwritten }) => !unwritten);
    // Neighbours on the device are one extent, neighbours in the file one run of data.
    expect(runs.filter((run) => run.startsWith('data')).length).toBeLessThanOrEqual(shown.length);
    expect(runs.length).toBeGreaterThan(2);
    expect(extents.at(-1)!.last).toBe(true);
    expect(volume.fiemapSync(fd, { extentsMax: 1 })).toEqual(extents.slice(0, 1));
    const second = extents[1]!;
    expect(volume.fiemapSync(fd, { start: second.position, length: 1 })).toMatchObject([{ position: second.position }]);
    volume.closeSync(fd);

    await using handle = await volume.promises.open('/d/sparse');
    expect(await handle.fiemap()).toEqual(extents);
    expect(await handle.seekHole(0)).toBe(Number(/\d+$/.exec(runs[0]!.startsWith('data') ? runs[0]! : '0')));
  });

  it('of a compressed file say so', () => {
    const fd = compressed.openSync('/c/text');
    expect(compressed.fiemapSync(fd)[0]).toMatchObject({ position: 0, encoded: true });
    compressed.closeSync(fd);
  });

  it('arguments', () => {
    const fd = volume.openSync('/d/text');
    for (const run of [
      () => volume.seekDataSync(fd, -1),
      () => volume.seekHoleSync(fd, 0.5),
      () => volume.fiemapSync(fd, { start: -1 }),
      () => volume.fiemapSync(fd, { extentsMax: 0 }),
    ]) {
      expect(run).toThrow(refused('ERR_OUT_OF_RANGE'));
    }
    expect(() => volume.seekDataSync(fd, 1e9)).toThrow(refused('ENXIO', 'lseek'));
    volume.closeSync(fd);
    expect(() => volume.fiemapSync(fd)).toThrow(refused('EBADF', 'ioctl'));
  });
});

it('without a platform bytes are plain arrays, and the encodings are there all the same', () => {
  const plain = browser.openVolumeSync(loadGolden('plain-default').device.clone());
  const bytes = plain.readFileSync('/d/text');
  expect(Buffer.isBuffer(bytes)).toBe(false);
  for (const encoding of ['utf8', 'latin1', 'ascii', 'hex', 'base64', 'base64url', 'utf16le'] as const) {
    expect(plain.readFileSync('/d/random', encoding), encoding).toBe(volume.readFileSync('/d/random', encoding));
  }
  expect(() => plain.readFileSync('/d/text', 'utf-7' as 'utf8')).toThrow(refused('ERR_INVALID_ARG_VALUE'));
});
