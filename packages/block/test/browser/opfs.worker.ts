// A dedicated worker: runs what the page names, one call a message, and answers with what was thrown, if anything.

import { deviceConformance } from '@f2fskit/block/conformance';
import { capabilities, opfsSubject } from './opfs-subject.ts';
import { workerCases } from './worker-cases.ts';

const runs = new Map<string, () => Promise<void>>(Object.entries(workerCases));
for (const writable of [true, false]) {
  const factory = opfsSubject(`worker-${writable}`, 'sync', writable);
  for (const { name, run } of deviceConformance(factory, capabilities('sync', writable)))
    runs.set(`${writable ? 'writable' : 'read-only'}: ${name}`, run);
}

self.addEventListener('message', async ({ data: name }: MessageEvent<string>) => {
  try {
    await runs.get(name)!();
    self.postMessage({ name });
  } catch (error) {
    self.postMessage({ name, failure: String((error as Error)?.stack ?? error) });
  }
});
