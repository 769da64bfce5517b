// Opening in a real browser: handles on the page and in a worker, a volume of 4 GiB, what goes wrong.

import type { BlobLike } from '@f2fskit/block';
import { openVolume, SyncUnavailableError } from 'f2fskit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFile } from './files.ts';
import { imageBlob, imageUrl } from './golden-files.ts';
import { LARGE_VOLUME_SIZE, largeVolume } from './large-volume.ts';
import { sparseBlob } from './sparse-image.ts';
import { callWorker } from './worker-calls.ts';

const FOUR_MEBIBYTES = 4 * 2 ** 20;
const decoder = new TextDecoder();

let worker: Worker;
beforeAll(() => {
  worker = new Worker(new URL('./volume.worker.ts', import.meta.url), { type: 'module' });
});
afterAll(() => worker.terminate());

/** A file of OPFS with this content. */
async function fileOf(name: string, content: Blob): Promise<FileSystemFileHandle> {
  const handle = await newFile(name);
  await content.stream().pipeTo(await handle.createWritable());
  return handle;
}

describe('a volume of 4 GiB', () => {
  it('opens from a Blob without reading it', async () => {
    const blob = sparseBlob(await largeVolume());
    expect(blob.size).toBe(LARGE_VOLUME_SIZE);
    let bytesRead = 0;
    const counted: BlobLike = {
      size: blob.size,
      slice(start, end) {
        bytesRead += end - start;
        return blob.slice(start, end);
      },
    };
    const volume = await openVolume(counted);
    expect(volume.device.size).toBe(LARGE_VOLUME_SIZE);
    const names = await volume.promises.readdir('/');
    expect(names.sort()).toEqual(['folder', 'hello.txt']);
    expect(bytesRead).toBeGreaterThan(0);
    expect(bytesRead).toBeLessThan(FOUR_MEBIBYTES);
    expect(decoder.decode(await volume.promises.readFile('/hello.txt'))).toBe('hello from 4 GiB\n');
    const numbers = await volume.promises.readFile('/folder/numbers');
    expect(numbers).toEqual(Uint8Array.from({ length: 20_000 }, (_, i) => i % 251));
    await volume.close();
  });

  it('opens from OPFS in a worker without reading it', async () => {
    const { bytesRead, ...report } = await callWorker(worker, 'largeVolume');
    expect(report).toEqual({ size: LARGE_VOLUME_SIZE, names: ['folder', 'hello.txt'], hello: 'hello from 4 GiB\n' });
    expect(bytesRead).toBeGreaterThan(0);
    expect(bytesRead).toBeLessThan(FOUR_MEBIBYTES);
  });
});

describe('a file handle', () => {
  it('on the page is read as it is now; the sync methods say why they cannot', async () => {
    const volume = await openVolume(await fileOf('page', await imageBlob('plain')));
    expect((await volume.promises.readdir('/')).length).toBeGreaterThan(0);
    expect(() => volume.readdirSync('/')).toThrow(SyncUnavailableError);
    await volume.close();
    await expect(volume.promises.readFile('/d/text')).rejects.toMatchObject({ code: 'ENODEV' });
  });

  it('a file that has changed since gives EIO', async () => {
    const handle = await fileOf('changed', await imageBlob('plain'));
    const volume = await openVolume(handle);
    const stream = await handle.createWritable({ keepExistingData: true });
    await stream.write({ type: 'write', position: 0, data: new Uint8Array(512) });
    await stream.close();
    await expect(volume.promises.readFile('/d/text')).rejects.toMatchObject({ code: 'EIO' });
    await volume.close();
  });

  it('of a file that has changed before it was opened gives EIO', async () => {
    const handle = await fileOf('stale', await imageBlob('plain'));
    const file = await handle.getFile();
    await (await handle.createWritable()).close();
    await expect(openVolume(file)).rejects.toMatchObject({ code: 'EIO' });
  });

  it('without synchronous access refuses the mode', async () => {
    const handle = await fileOf('mode', new Blob([new Uint8Array(8192)]));
    await expect(openVolume(handle, { mode: 'sync' })).rejects.toMatchObject({ code: 'EOPNOTSUPP', path: 'mode' });
  });

  it('in a worker shares the lock with readers until the volume is closed', async () => {
    expect(await callWorker(worker, 'locks', await imageUrl('plain'))).toEqual([
      'a reader beside a reader: ok',
      'a writer beside a reader: EBUSY',
      'a writer after the reader: ok',
      'a reader beside a writer: EBUSY',
      'a reader after the writer: ok',
      'a reader of nothing: EINVAL',
      'a writer after a reader that failed: ok',
    ]);
  });
});

describe('what is not F2FS', () => {
  it.each<[what: string, content: BlobPart[]]>([
    ['nothing', []],
    ['text', ['no volume at all']],
    ['zeros', [new Uint8Array(2 ** 20)]],
    ['noise with a partial last sector', [Uint8Array.from({ length: 70_001 }, (_, i) => (i * i) >> 3)]],
  ])('%s rejects with EINVAL, from a Blob and from a handle', async (_what, content) => {
    const blob = new Blob(content);
    await expect(openVolume(blob)).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(openVolume(await fileOf('other', blob))).rejects.toMatchObject({ code: 'EINVAL' });
  });
});
