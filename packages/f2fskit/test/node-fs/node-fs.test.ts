// The surface of node:fs over a volume gives what Node's own fs gives on a copy of the same tree: values, error codes and
// numbers, call by call; as sync calls, as promises, and as promises over a device that finishes later in any order.

import { FIRST_DESCRIPTOR } from '@f2fskit/vfs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byPath, type Call, descriptors, directories, handles, single, streams } from './calls.ts';
import { makeSubjects, outcome, type Subject, type Subjects } from './subjects.ts';

/** Made by root only: as anybody else the host's copy has neither devices nor the modes that need root to be read. */
let subjects: Subjects;
beforeAll(async () => {
  subjects = await makeSubjects();
});
afterAll(() => subjects.dispose());

async function compare(call: Call, subject: Subject): Promise<void> {
  expect(await outcome(subject, () => call.run(subject))).toEqual(
    await outcome(subjects.host, () => call.run(subjects.host)),
  );
}

describe.each<[what: string, calls: Call[]]>([
  ['by path', byPath],
  ['paths and arguments', single],
  ['descriptors', descriptors],
  ['file handles', handles],
  ['directories', directories],
  ['streams', streams],
])('%s: as Node', (_what, calls) => {
  it.each(calls.map((call) => [call.name, call] as const))('%s', async (_name, call) => {
    await compare(call, subjects.volume);
    if (call.sync !== true) await compare(call, subjects.later);
  });
});

it('opendir, everything below: the same as readdir (Node 20 loses entries here)', async () => {
  const { volume } = subjects.volume;
  const found: string[] = [];
  for await (const { name, parentPath } of await volume.promises.opendir('/', { recursive: true, bufferSize: 1 })) {
    found.push(`${parentPath === '/' ? '' : parentPath}/${name}`);
  }
  const all = volume.readdirSync('/', { recursive: true });
  expect(found.length).toBeGreaterThan(500);
  expect(found.sort()).toEqual(all.map((name) => `/${name}`).sort());
});

it('leaves nothing open', async () => {
  for (const { volume } of [subjects.volume, subjects.later]) {
    const handle = await volume.promises.open('/d/text');
    expect(handle.fd, 'the lowest that is free').toBe(FIRST_DESCRIPTOR);
    await handle.close();
  }
});
