// What only a dedicated worker can do with OPFS. Each case rejects with what was wrong.

import { closeDevice, flushDevice, readBytes, writeBytes } from '@f2fskit/block';
import { openOpfsDevice } from '@f2fskit/block/web';
import { assert, FsError } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import { newFile, patterned, writeFile } from './files.ts';

/** The error number's name with which opening or reading fails. */
async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
  return 'nothing';
}

function equal(found: unknown, expected: unknown, what: string): void {
  assert(found === expected, `${what}: found ${found}, expected ${expected}`);
}

async function fileOf(name: string, size: number): Promise<FileSystemFileHandle> {
  const handle = await newFile(name);
  await writeFile(handle, patterned(size));
  return handle;
}

export const workerCases: Readonly<Record<string, () => Promise<void>>> = {
  async 'a writer locks the file, and closing lets go of it'() {
    const handle = await fileOf('lock', 8192);
    const first = await openOpfsDevice(handle, { writable: true });
    equal(await codeOf(() => openOpfsDevice(handle, { writable: true })), 'EBUSY', 'a second writer');
    equal(await codeOf(() => openOpfsDevice(handle)), 'EBUSY', 'a reader beside a writer');
    runSync(closeDevice(first));
    const second = await openOpfsDevice(handle, { writable: true });
    runSync(closeDevice(second));
  },

  async 'readers share the file'() {
    const handle = await fileOf('readers', 8192);
    const devices = [await openOpfsDevice(handle), await openOpfsDevice(handle)];
    equal(await codeOf(() => openOpfsDevice(handle, { writable: true })), 'EBUSY', 'a writer beside readers');
    for (const device of devices) {
      equal(device.mode, 'sync', 'mode in a worker, unless told otherwise');
      const found = new Uint8Array(512);
      runSync(readBytes(device, 4096, found));
      equal(found.join(), patterned(8192).subarray(4096, 4608).join(), 'what is read');
      runSync(closeDevice(device));
    }
  },

  async 'what was written and flushed is in the file'() {
    const handle = await fileOf('written', 8192 + 5);
    const device = await openOpfsDevice(handle, { writable: true });
    runSync(writeBytes(device, 512, new Uint8Array(1024).fill(0xee)));
    runSync(flushDevice(device));
    runSync(closeDevice(device));
    const expected = patterned(8192 + 5);
    expected.fill(0xee, 512, 1536);
    const found = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    equal(found.join(), expected.join(), 'the file afterwards, its partial last sector too');
  },

  async 'a file that is gone gives ENOENT'() {
    const handle = await fileOf('gone', 512);
    await (await navigator.storage.getDirectory()).removeEntry('gone');
    equal(await codeOf(() => openOpfsDevice(handle)), 'ENOENT', 'a sync device of it');
    equal(await codeOf(() => openOpfsDevice(handle, { mode: 'async' })), 'ENOENT', 'an async device of it');
  },

  async 'an async device that writes is refused'() {
    const handle = await fileOf('async', 512);
    equal(await codeOf(() => openOpfsDevice(handle, { mode: 'async', writable: true })), 'EOPNOTSUPP', 'opening');
  },
};
