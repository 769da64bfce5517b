// The names of one directory as text with their kinds: what glob looks through.

import type { Task } from '@f2fskit/task';
import { type InodeKind, utf8Decode } from '@f2fskit/vfs';
import type { FsContext } from '../context.ts';
import { kindOf, openEntries } from '../entry-source.ts';

export function* list(context: FsContext, path: string): Task<Array<{ name: string; kind: InodeKind }>> {
  const source = yield* openEntries(context, path, false);
  const names: Array<{ name: string; kind: InodeKind }> = [];
  for (let part = yield* source.next(); part !== undefined; part = yield* source.next()) {
    for (const entry of part) names.push({ name: utf8Decode(entry.name), kind: yield* kindOf(context, entry) });
  }
  return names;
}
