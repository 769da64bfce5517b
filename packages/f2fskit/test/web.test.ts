// The entry for browsers over file handles of our own; over real ones: test/browser.

import type { FileHandleLike, SyncAccessHandleLike } from '@f2fskit/block/web';
import { buildSparse, sparsePieces } from '@f2fskit/images/builders';
import { SyncUnavailableError } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { type BrowserOpenOptions, openVolume } from '../src/web/index.ts';

const golden = loadGolden('compress-lz4-4');
const volume = golden.bytes;
const text = await (await openVolume(volume)).promises.readFile('/c/text');
// A checksum at the end: its last chunk lies behind the last whole sector, which the device leaves out.
const sparse = buildSparse([...sparsePieces(volume), { kind: 'checksum' }]);

/** A file, whose access handles are counted; without any where `synchronous` is false. */
function fileHandle(bytes: Uint8Array<ArrayBuffer>, synchronous: boolean) {
  const file = { open: 0, handle: undefined as unknown as FileHandleLike };
  const access: SyncAccessHandleLike = {
    getSize: () => bytes.length,
    read(target, { at }) {
      const found = bytes.subarray(at, at + target.length);
      target.set(found);
      return found.length;
    },
    write: () => expect.unreachable(),
    flush: () => expect.unreachable(),
    close: () => void file.open--,
  };
  const handle: FileHandleLike = { kind: 'file', name: 'a.img', getFile: async () => new Blob([bytes]) };
  if (synchronous) {
    handle.createSyncAccessHandle = async (options) => {
      expect(options).toEqual({ mode: 'read-only' });
      file.open++;
      return access;
    };
  }
  file.handle = handle;
  return file;
}

describe.each([
  ['a bare volume', volume, 0],
  ['an Android sparse image that ends within a sector', sparse, 1],
] as const)('%s', (_what, bytes, containers) => {
  it('is read at once where there is synchronous access, and lets go of it', async () => {
    const file = fileHandle(bytes as Uint8Array<ArrayBuffer>, true);
    const opened = await openVolume(file.handle);
    expect([opened.container.length, file.open]).toEqual([containers, 1]);
    expect(Buffer.compare(opened.readFileSync('/c/text'), text)).toBe(0);
    await opened.close();
    expect(file.open).toBe(0);
  });

  it.each<[what: string, synchronous: boolean, options: BrowserOpenOptions]>([
    ['where there is none', false, {}],
    ['where nobody wants it', true, { mode: 'async' }],
  ])('is read later %s', async (_where, synchronous, options) => {
    const file = fileHandle(bytes as Uint8Array<ArrayBuffer>, synchronous);
    const opened = await openVolume(file.handle, options);
    expect([opened.container.length, file.open]).toEqual([containers, 0]);
    expect(() => opened.readFileSync('/c/text')).toThrow(SyncUnavailableError);
    expect(Buffer.compare(await opened.promises.readFile('/c/text'), text)).toBe(0);
    await opened.close();
  });
});

it('what is no volume is closed', async () => {
  const file = fileHandle(new Uint8Array(8192), true);
  await expect(openVolume(file.handle)).rejects.toMatchObject({ code: 'EINVAL' });
  expect(file.open).toBe(0);
});

it('the other sources and options go on working', async () => {
  expect(Buffer.compare((await openVolume(golden.device.clone())).readFileSync('/c/text'), text)).toBe(0);
  const opened = await openVolume(new Blob([volume]), { mode: 'sync', containers: false });
  expect(opened.device.mode).toBe('async'); // a Blob has no synchronous access; the mode is for handles
});
