// Golden volumes in a real browser, as in test/golden.test.ts: from a Blob on the page, and from OPFS in a worker with the
// methods that finish at once.

import { openVolume } from 'f2fskit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goldenNames, imageBlob, imageUrl, recordedLines } from './golden-files.ts';
import { type ManifestText, manifestAsync } from './manifest-text.ts';
import { callWorker } from './worker-calls.ts';

let worker: Worker;
beforeAll(() => {
  worker = new Worker(new URL('./volume.worker.ts', import.meta.url), { type: 'module' });
});
afterAll(() => worker.terminate());

/** sha256sum fails without the key and leaves the field empty; we say why. */
const withoutKeyCode = (text: string): string => text.replaceAll('\t!ENOKEY\t', '\t\t');

/** Directories of volumes that were cut off have the time of the recovery where it made names. */
const withoutDirectoryTimes = (line: string): string =>
  line.replace(/^(directory\t(?:[^\t]*\t){5})[^\t]*/, (_, before: string) => `${before}-`);

async function check(name: string, { lines, errors }: ManifestText): Promise<void> {
  const shown = name.startsWith('crash-') ? withoutDirectoryTimes : withoutKeyCode;
  const recorded = await recordedLines(name, 'manifest');
  if (recorded !== undefined) expect(lines.map(shown)).toEqual(recorded.map(shown));
  expect(lines.length).toBeGreaterThan(1);
  expect(errors.filter((message) => !message.startsWith('ENOKEY'))).toEqual([]);
}

it('the golden volumes are there', () => {
  expect(goldenNames).toContain('plain');
  expect(goldenNames.length).toBeGreaterThan(20);
});

describe.each(goldenNames)('%s', (name) => {
  it('from a Blob', async () => {
    const volume = await openVolume(await imageBlob(name));
    await check(name, await manifestAsync(volume));
    await volume.close();
  });

  it('from OPFS, in a worker', async () => {
    await check(name, await callWorker(worker, 'manifest', await imageUrl(name)));
  });
});
