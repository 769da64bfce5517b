// Compressed files through the calls of a volume: how they are compressed, what that saves, and changing it.

import { loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import {
  FileFlag,
  type OpenOptions,
  openVolumeSync,
  parseCompressionOptions,
  type Volume,
} from '../../src/node/index.ts';

const refused = (code: string): unknown => expect.objectContaining({ code, syscall: 'ioctl' });
const TEXT = 'what is said again and again, with little between. '.repeat(4000);

function writable(options: OpenOptions = {}, name = 'compress-lz4-4'): Volume {
  return openVolumeSync(loadGolden(name).device.clone(), { writable: true, ...options });
}

it('a file is looked at, given back, taken again, and made an ordinary one', async () => {
  const volume = writable();
  expect(volume.getCompressionSync('/c/text')).toEqual({
    algorithm: 'lz4',
    level: 0,
    logClusterSize: 2,
    checksum: false,
  });
  const usage = await volume.promises.compressionUsage('/c/text');
  expect(usage).toEqual({
    logicalBytes: 66_000,
    storedBlocks: 9,
    reservedBlocks: 0,
    savedBlocks: 8,
    releasedBlocks: 0,
    clusters: 4,
  });
  const free = volume.statfsSync('/').bfree;
  expect(volume.releaseSavedBlocksSync('/c/text')).toBe(8);
  expect(volume.statfsSync('/').bfree).toBe(free + 8);
  expect(() => volume.writeFileSync('/c/text', 'x', { flag: 'r+' })).toThrow(/EPERM/);
  expect(await volume.promises.reserveSavedBlocks('/c/text')).toBe(8);
  const before = volume.readFileSync('/c/text');
  expect(await volume.promises.decompressFile('/c/text')).toBe(true);
  expect(volume.decompressFileSync('/c/text')).toBe(false);
  expect(volume.getFlagsSync('/c/text') & FileFlag.compressed).toBe(0);
  expect(Buffer.compare(volume.readFileSync('/c/text'), before)).toBe(0);
  await volume.close();
});

it('a file that is written to is compressed as the options of the mount say', async () => {
  const compress = parseCompressionOptions('compress_algorithm=lz4:5,compress_log_size=4,compress_extension=txt');
  const volume = writable({ compress });
  volume.writeFileSync('/d/new.txt', TEXT);
  expect(volume.getCompressionSync('/d/new.txt')).toMatchObject({ level: 5, logClusterSize: 4 });
  expect(volume.compressionUsageSync('/d/new.txt').savedBlocks).toBeGreaterThan(20);
  volume.writeFileSync('/d/new', TEXT);
  expect(() => volume.getCompressionSync('/d/new')).toThrow(refused('ENODATA'));
  expect(volume.compressFileSync('/d/new', { logClusterSize: 3, checksum: true })).toBe(true);
  expect(volume.getCompressionSync('/d/new')).toEqual({
    algorithm: 'lz4',
    level: 5,
    logClusterSize: 3,
    checksum: true,
  });
  expect(volume.readFileSync('/d/new', 'utf8')).toBe(TEXT);
  volume.writeFileSync('/d/empty', '');
  volume.setFlagsSync('/d/empty', FileFlag.compressed);
  await volume.promises.setCompression('/d/empty', { algorithm: 'lzo', logClusterSize: 5 });
  expect(volume.getCompressionSync('/d/empty')).toMatchObject({ algorithm: 'lzo', level: 0, logClusterSize: 5 });
  await volume.close();
});

describe('is refused', () => {
  const volume = writable();
  const read = openVolumeSync(loadGolden('compress-lz4-4').device);
  const plain = writable({}, 'plain-default');

  it.each<[what: string, run: () => unknown, code: string]>([
    ['a directory', () => volume.compressFileSync('/c'), 'EISDIR'],
    ['a device', () => volume.compressionUsageSync('/d/null'), 'EINVAL'],
    ['nothing', () => volume.getCompressionSync('/absent'), 'ENOENT'],
    ['settings of a file with contents', () => volume.setCompressionSync('/c/text', {}), 'EFBIG'],
    ['settings that cannot be', () => volume.compressFileSync('/d/text', { algorithm: 'rar' }), 'EINVAL'],
    ['giving back what is not there', () => volume.releaseSavedBlocksSync('/d/text'), 'EINVAL'],
    ['changing what is only read', () => read.decompressFileSync('/c/text'), 'EROFS'],
    ['a volume without compression', () => plain.compressFileSync('/d/text'), 'EOPNOTSUPP'],
  ])('%s', (_what, run, code) => {
    expect(run).toThrow(refused(code));
  });

  it.each<[settings: unknown, code: string]>([
    ['lz4', 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [{ algorithm: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ level: '3' }, 'ERR_INVALID_ARG_TYPE'],
    [{ level: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ logClusterSize: 2.5 }, 'ERR_OUT_OF_RANGE'],
    [{ checksum: 1 }, 'ERR_INVALID_ARG_TYPE'],
  ])('settings %j', async (settings, code) => {
    expect(() => volume.compressFileSync('/d/text', settings as object)).toThrow(expect.objectContaining({ code }));
    await expect(volume.promises.setCompression('/d/text', settings as object)).rejects.toMatchObject({ code });
  });

  it('options of a mount that cannot be', () => {
    expect(() => writable({ compress: { logClusterSize: 1 } })).toThrow(/EINVAL.*logClusterSize 1/);
  });
});
