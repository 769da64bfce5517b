// Commands that go through a tree: one path, or with -R everything below it, in the byte order of the paths.

import { type Inode, joinBytes, type TreeEvent, type TreeOrder, utf8Encode } from '@f2fskit/vfs';
import { type Volume, withPath } from 'f2fskit';
import type { Output } from './output.ts';

/** A file that a command is about. */
export interface Visited {
  inode: Inode;
  /** Without a leading slash; the root is `.`: as tools print that are run inside a mounted volume. */
  relativePath: Uint8Array;
  depth: number;
  /** No other name follows in its directory; told in order 'names'. */
  last: boolean;
}

export interface VisitOptions {
  /** Everything below as well; default true. */
  recursive?: boolean;
  depthMax?: number;
  /** Follow a symlink at the end of the path; default true. */
  followLast?: boolean;
  order?: TreeOrder;
  /** The call that an error of the path names; default open. */
  syscall?: string;
}

const ROOT = utf8Encode('.');

/** Walks from `path`; what cannot be read is said, and the walk goes on. */
export async function* visit(
  volume: Volume,
  path: string,
  { recursive = true, depthMax = Infinity, followLast = true, order = 'bytes', syscall = 'open' }: VisitOptions = {},
  output: Pick<Output, 'unreadable'>,
): AsyncGenerator<Visited> {
  const { scheduler, vfs } = volume;
  const start = await scheduler.run(withPath(syscall, path, vfs.walk(path, { followLast })));
  const shown = start.path.length === 1 ? start.path : start.path.subarray(1);
  const isRoot = start.path.length === 1;
  if (!recursive) {
    yield { inode: start.inode, relativePath: isRoot ? ROOT : shown, depth: 0, last: true };
    return;
  }
  const walk = vfs.tree(start.inode, isRoot ? ROOT : shown, { depthMax, order });
  for (;;) {
    const event: TreeEvent | undefined = await scheduler.run(walk.next());
    if (event === undefined) return;
    if (event.type === 'entry') {
      yield { inode: event.inode, relativePath: relative(event.path, isRoot), depth: event.depth, last: event.last };
    } else output.unreadable(event.path, event.error);
  }
}

/** `./a/b` → `a/b` below the root. */
function relative(path: Uint8Array, fromRoot: boolean): Uint8Array {
  return fromRoot && path.length > 2 ? path.subarray(2) : path;
}

/** The absolute path of a visited file. */
export function absolutePath({ relativePath }: Visited): Uint8Array {
  const isRoot = relativePath.length === 1 && relativePath[0] === 0x2e;
  return joinBytes(utf8Encode('/'), isRoot ? new Uint8Array(0) : relativePath);
}
