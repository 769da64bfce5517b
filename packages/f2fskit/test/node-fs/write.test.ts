// The surface of node:fs that writes gives what Node's own fs gives, sequence by sequence: results, error codes, numbers,
// messages, and the tree that is left. It is left the same for a reader that knows nothing of the writer, and fsck.f2fs has
// nothing to say.

import { afterAll, describe, expect, it } from 'vitest';
import { judged, objections } from './judge.ts';
import { owners } from './owner-calls.ts';
import { copying, names, opening, promises, type Sequence, streams, writing } from './write-calls.ts';
import {
  answer,
  at,
  emptySubject,
  hostSubject,
  laterSubject,
  local,
  reopened,
  snapshot,
  type WriteSubject,
} from './write-subjects.ts';

const host = hostSubject();
const volume = emptySubject();
const later = await laterSubject(7);
/** On the slow device only promises work: what it holds is looked at in the end. */
const expectedLater = new Map<string, string[]>();

afterAll(() => host.dispose());

/** Everything that a sequence came to. */
async function play(subject: WriteSubject, { run, codeOnly }: Sequence, directory: string): Promise<unknown[]> {
  const here = (name = ''): string => at(subject, `${directory}/${name}`);
  const answers: unknown[] = [];
  const attempt = async (call: () => unknown): Promise<void> => {
    answers.push(await answer(subject, codeOnly === true, call));
  };
  answers.push(await answer(subject, codeOnly === true, () => run(subject, here, attempt)));
  return JSON.parse(
    local(
      subject,
      JSON.stringify(answers, (_, value) => value ?? null),
    ),
  );
}

let count = 0;
/** What has more names, or more in them, is removed again: the volume is small. */
const NAMES_KEPT_MAX = 60;
const LENGTH_KEPT_MAX = 50_000;

function remove(subject: WriteSubject, directory: string): void {
  subject.sync.rmSync(at(subject, directory), { recursive: true });
}

describe.each<[what: string, sequences: Sequence[]]>([
  ['opening', opening],
  ['writing', writing],
  ['names', names],
  ['owners', owners],
  ['copying', copying],
  ['promises', promises],
  ['streams', streams],
])('%s: as Node', (_what, sequences) => {
  it.each(sequences.map((sequence) => [sequence.name, sequence] as const))('%s', async (_name, sequence) => {
    const directory = `/s${count++}`;
    for (const subject of [host, volume] as WriteSubject[]) subject.sync.mkdirSync(at(subject, directory));
    const expected = await play(host, sequence, directory);
    expect(await play(volume, sequence, directory)).toEqual(expected);
    const tree = snapshot(host, at(host, directory));
    expect(snapshot(volume, at(volume, directory))).toEqual(tree);
    if (tree.length > NAMES_KEPT_MAX || tree.join().length > LENGTH_KEPT_MAX)
      for (const subject of [host, volume] as WriteSubject[]) remove(subject, directory);
    if (sequence.sync === true) return;
    await later.promises.mkdir(at(later, directory));
    expect(await play(later, sequence, directory)).toEqual(expected);
    if (tree.join().length > LENGTH_KEPT_MAX) await later.promises.rm(at(later, directory), { recursive: true });
    else expectedLater.set(directory, tree);
  });
});

describe('afterwards', () => {
  it('nothing is open', async () => {
    for (const { promises: fs, top } of [volume, later] as WriteSubject[]) {
      const handle = await fs.open(top);
      expect(handle.fd, 'the lowest that is free').toBe(3);
      await handle.close();
    }
  });

  it('another reader finds the same trees', async () => {
    await volume.volume.close();
    await later.volume.close();
    expect(snapshot(reopened(volume), volume.top)).toEqual(snapshot(host, host.top));
    const slow = reopened(later);
    for (const [directory, tree] of expectedLater) {
      expect(snapshot(slow, at(slow, directory)), directory).toEqual(tree);
    }
  });

  it.skipIf(!judged).each([volume, later])('fsck.f2fs accepts $name', ({ memory }) => {
    expect(objections(memory)).toBe('');
  });
});
