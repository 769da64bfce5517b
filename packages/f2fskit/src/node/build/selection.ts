// Which files of a source are taken: patterns of the shell, read by minimatch, against paths without a slash before them.
//
//   *.o            a pattern without a slash: that name, in any directory
//   src/**/*.ts    a pattern with a slash: the whole path
//
// A directory that is taken is taken with everything in it, one that is left out likewise. What is to be left out wins.
// Patterns see names as UTF-8.

import { EINVAL, FsError } from '@f2fskit/errno';
import { utf8Decode } from '@f2fskit/vfs';
import { Minimatch } from 'minimatch';
import type { PlanNode } from './plan.ts';

const OPTIONS = { dot: true, matchBase: true, nonegate: true, nocomment: true, platform: 'linux' } as const;

export class Selection {
  readonly #include: readonly Minimatch[];
  readonly #exclude: readonly Minimatch[];

  /** Throws EINVAL for an empty pattern. */
  constructor(include: readonly string[] = [], exclude: readonly string[] = []) {
    this.#include = include.map(readPattern);
    this.#exclude = exclude.map(readPattern);
  }

  get takesAll(): boolean {
    return this.#include.length === 0 && this.#exclude.length === 0;
  }

  excludes(path: Uint8Array): boolean {
    return this.#exclude.length > 0 && matches(this.#exclude, utf8Decode(path));
  }

  /** Whether the path itself is to be taken: with it everything in it. */
  includes(path: Uint8Array): boolean {
    return this.#include.length === 0 || matches(this.#include, utf8Decode(path));
  }

  /** Takes out of a complete plan what is not to be there. Directories that lead to something stay. */
  prune(root: PlanNode, path: Uint8Array = new Uint8Array(0)): void {
    if (this.takesAll) return;
    const stack: Array<{ node: PlanNode; path: Uint8Array; included: boolean; next: number; kept: PlanNode[] }> = [
      { node: root, path, included: this.#include.length === 0, next: 0, kept: [] },
    ];
    for (let top = stack.at(-1)!; ; top = stack.at(-1)!) {
      const child = top.node.children![top.next++];
      if (child === undefined) {
        stack.pop();
        top.node.children = top.kept;
        const above = stack.at(-1);
        if (above === undefined) return;
        if (top.included || top.kept.length > 0) above.kept.push(top.node);
        continue;
      }
      const childPath = joinPath(top.path, child.name);
      if (this.excludes(childPath)) continue;
      const included = top.included || this.includes(childPath);
      if (child.children !== undefined) stack.push({ node: child, path: childPath, included, next: 0, kept: [] });
      else if (included) top.kept.push(child);
    }
  }
}

/** The path of an entry in a directory; the root is empty. */
export function joinPath(directory: Uint8Array, name: Uint8Array): Uint8Array {
  if (directory.length === 0) return name;
  const path = new Uint8Array(directory.length + 1 + name.length);
  path.set(directory);
  path[directory.length] = 0x2f;
  path.set(name, directory.length + 1);
  return path;
}

/** Slashes around a pattern mean nothing: all paths begin at the root, and a directory is taken whole. */
function readPattern(text: string): Minimatch {
  const anchored = text.startsWith('/') || text.startsWith('./');
  const bare = text.replace(/^\.?\/+/, '').replace(/\/+$/, '');
  if (bare === '') throw new FsError(EINVAL, `'${text}' is no pattern for files of the source`);
  return new Minimatch(bare, { ...OPTIONS, matchBase: !anchored });
}

function matches(patterns: readonly Minimatch[], path: string): boolean {
  return patterns.some((pattern) => pattern.match(path));
}
