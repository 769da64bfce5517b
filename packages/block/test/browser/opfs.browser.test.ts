// The OPFS devices in a real browser: synchronous in a dedicated worker, a snapshot on the page.

import { BlobDevice, closeDevice, readBytes } from '@f2fskit/block';
import { deviceConformance } from '@f2fskit/block/conformance';
import { openOpfsDevice } from '@f2fskit/block/web';
import { runAsync } from '@f2fskit/task';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFile, patterned, writeFile } from './files.ts';
import { capabilities, opfsSubject } from './opfs-subject.ts';
import { workerCases } from './worker-cases.ts';
import { runInWorker } from './worker-runner.ts';

const never = (): Promise<never> => Promise.reject(new Error('the page only wants the names'));

describe('in a dedicated worker', () => {
  let worker: Worker;
  beforeAll(() => {
    worker = new Worker(new URL('./opfs.worker.ts', import.meta.url), { type: 'module' });
  });
  afterAll(() => worker.terminate());

  describe.each([
    ['writable', true],
    ['read-only', false],
  ] as const)('a %s device', (kind, writable) => {
    for (const { name } of deviceConformance(never, capabilities('sync', writable)))
      it(name, () => runInWorker(worker, `${kind}: ${name}`));
  });

  for (const name of Object.keys(workerCases)) it(name, () => runInWorker(worker, name));

  it('a failure in the worker is a failure here', async () => {
    await expect(runInWorker(worker, 'no such case')).rejects.toThrow('in the worker: TypeError');
  });
});

describe('on the page', () => {
  for (const { name, run } of deviceConformance(opfsSubject('page', 'async', false), capabilities('async', false)))
    it(name, run);

  it('has no synchronous access', async () => {
    const handle = await newFile('page-sync');
    await writeFile(handle, patterned(512));
    await expect(openOpfsDevice(handle, { mode: 'sync' })).rejects.toMatchObject({ code: 'EOPNOTSUPP' });
    await expect(openOpfsDevice(handle, { writable: true })).rejects.toMatchObject({ code: 'EOPNOTSUPP' });
    const device = await openOpfsDevice(handle);
    expect([device.mode, device.readOnly, device.size, device.name]).toEqual(['async', true, 512, 'page-sync']);
    await runAsync(closeDevice(device));
  });

  it('a file that has changed since it was opened gives EIO', async () => {
    const handle = await newFile('page-changed');
    await writeFile(handle, patterned(8192));
    const device = await openOpfsDevice(handle);
    const target = new Uint8Array(512);
    await runAsync(readBytes(device, 0, target));
    expect(target).toEqual(patterned(512));
    await writeFile(handle, patterned(4096).reverse());
    await expect(runAsync(readBytes(device, 0, target))).rejects.toMatchObject({ code: 'EIO' });
  });

  it('a Blob of the browser is read', async () => {
    const device = new BlobDevice(new Blob([patterned(4096), 'tail']));
    const target = new Uint8Array(1024);
    await runAsync(readBytes(device, 512, target));
    expect([device.size, target]).toEqual([4096, patterned(4096).subarray(512, 1536)]);
  });
});
