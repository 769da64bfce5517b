// Opening a volume from everything that can hold one, and what its methods do on a sync and on an async device.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { FaultDevice, MemoryDevice, readBio } from '@f2fskit/block';
import { CodecRegistry } from '@f2fskit/codecs';
import { ENODEV } from '@f2fskit/errno';
import { loadGolden } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import * as browser from '../src/index.ts';
import {
  Corruption,
  FsError,
  type OpenOptions,
  openVolume,
  openVolumeSync,
  SyncUnavailableError,
} from '../src/node/index.ts';

const golden = loadGolden('compress-lz4-4');
const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-open-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = path.join(folder, 'volume.img');
writeFileSync(file, golden.bytes);
const text = openVolumeSync(golden.bytes).readFileSync('/c/text');

const sources: Array<[what: string, open: () => Promise<browser.Volume>]> = [
  ['a path', () => openVolume(file)],
  ['a path, many reads in flight', () => openVolume(file, { mode: 'async' })],
  ['a file URL', () => openVolume(pathToFileURL(file))],
  ['bytes', () => openVolume(golden.bytes)],
  ['a Blob', () => openVolume(new Blob([golden.bytes]))],
  ['a device', () => openVolume(golden.device.clone())],
  ['bytes, in the entry without a platform', () => browser.openVolume(golden.bytes)],
  ['a Blob, in the entry without a platform', () => browser.openVolume(new Blob([golden.bytes]))],
];

describe.each(sources)('%s', (_what, open) => {
  it('opens, reads a compressed file, closes', async () => {
    const volume = await open();
    expect(Buffer.compare(await volume.promises.readFile('/c/text'), text)).toBe(0);
    if (volume.device.mode === 'sync') expect(Buffer.compare(volume.readFileSync('/c/text'), text)).toBe(0);
    else expect(() => volume.readFileSync('/c/text')).toThrow(SyncUnavailableError);
    await volume.close();
    await expect(volume.promises.readFile('/c/big')).rejects.toThrow('ENODEV');
  });
});

describe('the option bufferedIo', () => {
  it.each([false, true])("'page' is taken, and shown (writable: %s)", async (writable) => {
    const volume = await openVolume(golden.device.clone(), { bufferedIo: 'page', writable });
    expect(volume.bufferedIo).toBe('page');
    await volume.close();
    expect(browser.openVolumeSync(golden.device.clone(), { bufferedIo: 'page', writable }).bufferedIo).toBe('page');
  });

  it('undefined is as if it were not there', () => {
    const options = { bufferedIo: undefined } as unknown as OpenOptions;
    expect(openVolumeSync(golden.bytes, options).bufferedIo).toBe(openVolumeSync(golden.bytes).bufferedIo);
  });

  it.each([
    ['another name', 'folio', "'folio'"],
    ['an empty name', '', "''"],
    ['null', null, 'object'],
    ['a number', 1, 'number'],
  ])('%s is refused, and the device closed', async (_what, bufferedIo, shown) => {
    const device = golden.device.clone();
    const refused = {
      name: 'FsError',
      code: 'EINVAL',
      message: expect.stringMatching(new RegExp(`bufferedIo has to be .*'page', not ${shown}`)),
    };
    await expect(openVolume(device, { bufferedIo } as unknown as OpenOptions)).rejects.toMatchObject(refused);
    await expect(openVolume(device)).rejects.toMatchObject({ code: 'ENODEV' });
    let thrown: unknown;
    try {
      openVolumeSync(golden.bytes, { bufferedIo } as unknown as OpenOptions);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject(refused);
  });
});

describe('methods', () => {
  const volume = openVolumeSync(golden.device.clone());

  it('stat follows a symlink, lstat and readlink do not', async () => {
    const stats = volume.statSync('/d/short');
    expect([stats.isFile(), stats.size]).toEqual([true, text.length]);
    expect(volume.lstatSync('/d/short').isSymbolicLink()).toBe(true);
    expect((await volume.promises.lstat('/d/short')).isSymbolicLink()).toBe(true);
    expect(volume.readlinkSync('/d/short')).toBe('text');
    expect((await volume.promises.stat('/d/short')).isFile()).toBe(true);
    expect(await volume.promises.readlink('/d/short')).toBe('text');
  });

  it('readdir lists names without the dots', async () => {
    expect(volume.readdirSync('/').sort()).toEqual(['c', 'd']);
    expect((await volume.promises.readdir('/')).length).toBe(2);
  });

  it.each<[call: string, run: () => unknown, code: string, syscall: string]>([
    ['readFileSync', () => volume.readFileSync('/absent'), 'ENOENT', 'open'],
    ['readFileSync of a directory', () => volume.readFileSync('/d'), 'EISDIR', 'read'],
    ['readdirSync of a file', () => volume.readdirSync('/c/text'), 'ENOTDIR', 'scandir'],
    ['statSync below a file', () => volume.statSync('/c/text/x'), 'ENOTDIR', 'stat'],
    ['lstatSync', () => volume.lstatSync('/absent'), 'ENOENT', 'lstat'],
    ['readlinkSync of a file', () => volume.readlinkSync('/c/text'), 'EINVAL', 'readlink'],
  ])('%s fails as node:fs does', (_call, run, code, syscall) => {
    try {
      run();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(FsError);
      expect(error).toMatchObject({ code, syscall });
      // As in Node, which has opened the directory by then.
      if (syscall === 'read') expect((error as FsError).path).toBeUndefined();
      else expect((error as FsError).path).toMatch(/^\//);
      expect((error as FsError).errno).toBeLessThan(0);
    }
  });

  it('paths are bytes where they have to be', () => {
    expect(volume.statSync(Buffer.from('/c/text')).size).toBe(text.length);
    expect(() => volume.statSync(Uint8Array.of(0x2f, 0xff))).toThrow('ENOENT');
  });
});

describe('what does not open', () => {
  it('closes the device again', async () => {
    const device = new MemoryDevice(1 << 20);
    await expect(openVolume(device)).rejects.toThrow('this is empty (all zeros), not F2FS');
    const bio = readBio(0, [new Uint8Array(512)]);
    device.submit(bio);
    expect(bio.completion.error).toBe(ENODEV);
    expect(() => openVolumeSync(new MemoryDevice(1 << 20))).toThrow('EINVAL');
  });

  it('a Blob has no sync way in', () => {
    expect(() => openVolumeSync(new Blob([golden.bytes]))).toThrow(SyncUnavailableError);
  });

  it('a Corruption that crosses the edge keeps its kind and place, and gains call and path', () => {
    const { f2fs } = openVolumeSync(golden.device.clone());
    const broken = golden.device.clone();
    const volume = openVolumeSync(broken);
    const { raw } = volume.scheduler.runSync(volume.f2fs.readInode(volume.statSync('/d/empty').ino));
    const fresh = openVolumeSync(new FaultDevice(zeroed(broken, raw.address)));
    try {
      fresh.statSync('/d/empty');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(Corruption);
      expect(error).toMatchObject({ kind: 'nodeFooterNid', syscall: 'stat', path: '/d/empty', code: 'EUCLEAN' });
      expect((error as Corruption).where.block).toBe(raw.address);
    }
    expect(f2fs.rootIno).toBe(3);
  });

  it('without a codec says which one is missing, and reads the rest', () => {
    const volume = openVolumeSync(golden.device.clone(), { codecs: new CodecRegistry() });
    expect(() => volume.readFileSync('/c/text')).toThrow(
      "EOPNOTSUPP: operation not supported, read '/c/text' (no codec for lz4 is registered)",
    );
    expect(Buffer.compare(volume.readFileSync('/d/text'), text)).toBe(0);
  });
});

/** The same device with one block of zeros. */
function zeroed(device: MemoryDevice, block: number): MemoryDevice {
  const bytes = device.toBytes();
  bytes.fill(0, block * 4096, (block + 1) * 4096);
  return MemoryDevice.from(bytes);
}
