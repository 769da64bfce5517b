// A tree of the volume in an order in which it can be copied or removed: a directory before what is in it, and once more when
// everything in it is done.

import type { Inode } from '@f2fskit/vfs';
import type { FsError, Volume } from 'f2fskit';

export type TreeStep =
  | { type: 'enter' | 'entry' | 'leave'; path: Uint8Array; name: Uint8Array; inode: Inode }
  /** What cannot be read, or listed. */
  | { type: 'unreadable'; path: Uint8Array; error: FsError };

/** `path` is how the start is called. A directory is entered at most once, whatever a broken volume says. */
export async function* treeSteps(
  { scheduler, vfs }: Volume,
  start: Inode,
  path: Uint8Array,
): AsyncGenerator<TreeStep, void, undefined> {
  const walk = vfs.tree(start, path, { order: 'names' });
  const entered: Array<{ depth: number; step: TreeStep }> = [];
  function* leaveTo(depth: number): Generator<TreeStep> {
    while (entered.length > 0 && entered.at(-1)!.depth >= depth) {
      yield { ...entered.pop()!.step, type: 'leave' } as TreeStep;
    }
  }
  for (;;) {
    const event = await scheduler.run(walk.next());
    if (event === undefined) break;
    if (event.type !== 'entry') {
      if (event.type === 'unreadable') yield* leaveTo(event.depth);
      yield { type: 'unreadable', path: event.path, error: event.error };
      continue;
    }
    const { depth, name, inode } = event;
    yield* leaveTo(depth);
    const step: TreeStep = { type: inode.kind === 'directory' ? 'enter' : 'entry', path: event.path, name, inode };
    if (step.type === 'enter') entered.push({ depth, step });
    yield step;
  }
  yield* leaveTo(0);
}
