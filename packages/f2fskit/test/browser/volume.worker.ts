// A dedicated worker: only here OPFS has synchronous access.

import { closeDevice, StatisticsDevice } from '@f2fskit/block';
import { openOpfsDevice } from '@f2fskit/block/web';
import { runSync } from '@f2fskit/task';
import { FsError, openVolume } from 'f2fskit';
import { newFile, removeFile } from './files.ts';
import { unpacked } from './golden-files.ts';
import { largeVolume } from './large-volume.ts';
import { manifestSync } from './manifest-text.ts';
import { sparseImage, writeSparse } from './sparse-image.ts';
import type { WorkerAnswer, WorkerCalls, WorkerRequest } from './worker-calls.ts';

async function unpackedFile(name: string, url: string): Promise<FileSystemFileHandle> {
  const handle = await newFile(name);
  await writeSparse(handle, sparseImage(await unpacked(url)));
  return handle;
}

const calls: WorkerCalls = {
  async manifest(url) {
    const volume = await openVolume(await unpackedFile('golden', url));
    const text = manifestSync(volume);
    await volume.close();
    await removeFile('golden'); // which a lock that is left would not allow
    return text;
  },

  async largeVolume() {
    const handle = await newFile('large');
    await writeSparse(handle, await largeVolume());
    const device = new StatisticsDevice(await openOpfsDevice(handle));
    const volume = await openVolume(device);
    const decoder = new TextDecoder();
    const names = volume.readdirSync('/');
    const { bytes } = device.snapshot().read;
    const hello = decoder.decode(volume.readFileSync('/hello.txt'));
    await volume.close();
    await removeFile('large');
    return { size: device.size, names: names.sort(), hello, bytesRead: bytes };
  },

  async locks(url) {
    const handle = await unpackedFile('locked', url);
    const write = async (): Promise<void> => {
      const device = await openOpfsDevice(handle, { writable: true });
      runSync(closeDevice(device));
    };
    const read = async (): Promise<void> => (await openVolume(handle)).close();
    const outcomes: string[] = [];
    const note = async (what: string, call: () => Promise<void>): Promise<void> => {
      const outcome = await call().then(
        () => 'ok',
        (error: unknown) => (error instanceof FsError ? error.code : String(error)),
      );
      outcomes.push(`${what}: ${outcome}`);
    };
    const volume = await openVolume(handle);
    await note('a reader beside a reader', read);
    await note('a writer beside a reader', write);
    await volume.close();
    await note('a writer after the reader', write);
    const writer = await openOpfsDevice(handle, { writable: true });
    await note('a reader beside a writer', read);
    runSync(closeDevice(writer));
    await note('a reader after the writer', read);
    await (await handle.createWritable()).close(); // empties the file
    await note('a reader of nothing', read);
    await note('a writer after a reader that failed', write);
    await removeFile('locked');
    return outcomes;
  },
};

self.addEventListener('message', async ({ data: [call, ...parameters] }: MessageEvent<WorkerRequest>) => {
  let answer: WorkerAnswer;
  try {
    answer = { result: await (calls[call] as (...given: unknown[]) => Promise<unknown>)(...parameters) };
  } catch (error) {
    answer = { failure: String((error as Error)?.stack ?? error) };
  }
  self.postMessage(answer);
});
