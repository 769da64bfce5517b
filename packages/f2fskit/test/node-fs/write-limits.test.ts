// What does not fit: a full volume and a file at its largest refuse as Node on Linux tells it, change nothing, and every count
// is what a recount says (I-26).

import { MemoryDevice } from '@f2fskit/block';
import { MAX_FILE_BYTES } from '@f2fskit/f2fs-format';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { openVolumeSync, type Volume } from '../../src/node/index.ts';
import { expectSound } from '../edited-volume.ts';

interface Written {
  device: MemoryDevice;
  volume: Volume;
}

function fresh(): Written {
  const device = new MemoryDevice(60 << 20);
  runSync(formatVolume(device, { blank: true, random: seededRandom(1) }));
  const options = { writable: true, clock: fixedClock(1_900_000_000, 0), random: seededRandom(2) };
  return { device, volume: openVolumeSync(device, options) };
}

/** What Node's error has, for `toMatchObject`. */
function refused(code: 'ENOSPC' | 'EFBIG', syscall: string, path?: string, dest?: string): object {
  const [errno, text] = code === 'ENOSPC' ? [-28, 'no space left on device'] : [-27, 'file too large'];
  const where = `${path === undefined ? '' : ` '${path}'`}${dest === undefined ? '' : ` -> '${dest}'`}`;
  return {
    code,
    errno,
    syscall,
    ...(path === undefined ? {} : { path }),
    ...(dest === undefined ? {} : { dest }),
    message: expect.stringContaining(`${code}: ${text}, ${syscall}${where}`),
  };
}

function errorOf(run: () => unknown): unknown {
  try {
    return { returned: run() };
  } catch (error) {
    return error;
  }
}

/** Room, and the names in the root. */
function stateOf({ volume }: Written): unknown {
  const { bfree, ffree } = volume.statfsSync('/');
  return { bfree, ffree, names: volume.readdirSync('/').length, usage: volume.f2fs.usage() };
}

/** What is in memory is what a recount of the medium says. */
function expectRecounted({ device, volume }: Written): void {
  runSync(volume.f2fs.sync());
  expect(openVolumeSync(device.clone()).f2fs.usage()).toEqual(volume.f2fs.usage());
  expectSound(device.clone());
}

/** Files until nothing fits, not even an empty one; then as many names as the directory has room for. */
function fill({ volume }: Written): void {
  for (const size of [4 << 20, 64 << 10, 4 << 10, 0]) {
    for (let file = 0; ; file++) {
      try {
        volume.writeFileSync(`/f${size}-${file}`, Buffer.alloc(size, file));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
        break;
      }
    }
  }
}

describe('a full volume', () => {
  const written = fresh();
  const { volume } = written;
  volume.writeFileSync('/small', 'x');
  volume.writeFileSync('/blocks', Buffer.alloc(10_000, 1));
  fill(written);

  it('is counted as a recount does', () => {
    expect(volume.statfsSync('/').bfree).toBeLessThan(3);
    expectRecounted(written);
  });

  const big = Buffer.alloc(1 << 20, 7);
  const refusals: Array<[what: string, run: () => unknown, error: object]> = [
    ['open', () => volume.openSync('/new', 'w'), refused('ENOSPC', 'open', '/new')],
    ['writeFile', () => volume.writeFileSync('/new', big), refused('ENOSPC', 'open', '/new')],
    ['mkdir', () => volume.mkdirSync('/new'), refused('ENOSPC', 'mkdir', '/new')],
    ['symlink', () => volume.symlinkSync('a', '/new'), refused('ENOSPC', 'symlink', 'a', '/new')],
    ['copyFile', () => volume.copyFileSync('/blocks', '/new'), refused('ENOSPC', 'copyfile', '/blocks', '/new')],
    ['mkdtemp', () => volume.mkdtempSync('/new-'), refused('ENOSPC', 'mkdtemp', '/new-XXXXXX')],
    ['setxattr', () => volume.setxattrSync('/small', 'user.a', big.subarray(0, 3000)), refused('ENOSPC', 'setxattr')],
    ['mknod', () => volume.mknodSync('/new', { kind: 'fifo' }), refused('ENOSPC', 'mknod', '/new')],
  ];
  it.each(refusals)('refuses %s, and nothing has changed', (_what, run, error) => {
    const before = stateOf(written);
    expect(errorOf(run)).toMatchObject(error);
    expect(stateOf(written)).toEqual(before);
  });

  it('refuses what has become longer, keeps what fitted, and the file can be written where it has blocks', () => {
    const fd = volume.openSync('/blocks', 'r+');
    const counts: number[] = [];
    const error = errorOf(() => {
      for (let position = 10_000; ; position += counts.at(-1)!)
        counts.push(volume.writeSync(fd, big, 0, 20_000, position));
    });
    expect(error).toMatchObject(refused('ENOSPC', 'write'));
    expect(volume.fstatSync(fd).size).toBe(counts.reduce((sum, count) => sum + count, 10_000));
    expect(errorOf(() => volume.fallocateSync(fd, 0, 10 << 20))).toMatchObject(refused('ENOSPC', 'fallocate'));
    expect(volume.writeSync(fd, 'new', 0)).toBe(3);
    volume.fsyncSync(fd);
    volume.closeSync(fd);
    expect(volume.readFileSync('/blocks').subarray(0, 4).toString('latin1')).toBe('new\x01');
    expectRecounted(written);
  });

  it('takes names again once something is removed', () => {
    volume.rmSync('/f4194304-0');
    runSync(volume.f2fs.sync());
    volume.mkdirSync('/new');
    volume.writeFileSync('/new/file', big);
    expect(volume.readFileSync('/new/file').equals(big)).toBe(true);
    expectRecounted(written);
  });
});

describe('a file at its largest', () => {
  const written = fresh();
  const { volume } = written;
  volume.writeFileSync('/file', 'x');
  const fd = volume.openSync('/file', 'r+');

  it.each<[what: string, run: () => unknown, error: object]>([
    ['write', () => volume.writeSync(fd, 'x', MAX_FILE_BYTES), refused('EFBIG', 'write')],
    ['ftruncate', () => volume.ftruncateSync(fd, MAX_FILE_BYTES + 1), refused('EFBIG', 'ftruncate')],
    ['truncate', () => volume.truncateSync('/file', 2 ** 52), refused('EFBIG', 'ftruncate')],
    ['fallocate', () => volume.fallocateSync(fd, MAX_FILE_BYTES - 1, 2), refused('EFBIG', 'fallocate')],
  ])('refuses %s behind its end', (_what, run, error) => {
    const before = stateOf(written);
    expect(errorOf(run)).toMatchObject(error);
    expect(volume.fstatSync(fd).size).toBe(1);
    expect(stateOf(written)).toEqual(before);
  });

  it('takes what fits of a write over it', () => {
    expect(volume.writeSync(fd, Buffer.alloc(100, 7), 0, 100, MAX_FILE_BYTES - 40)).toBe(40);
    expect(volume.fstatSync(fd).size).toBe(MAX_FILE_BYTES);
    const read = Buffer.alloc(100);
    expect(volume.readSync(fd, read, 0, 100, MAX_FILE_BYTES - 41)).toBe(41);
    expect(read.subarray(0, 42)).toEqual(Buffer.concat([Buffer.alloc(1), Buffer.alloc(40, 7), Buffer.alloc(1)]));
    volume.closeSync(fd);
    expectRecounted(written);
  });
});
