// Patterns, without a source: a plan of empty files is pruned.

import { FsError } from '@f2fskit/errno';
import { describe, expect, it } from 'vitest';
import { type PlanNode, pathOf, planNode, planNodes } from './plan.ts';
import { Selection } from './selection.ts';

const attributes = {
  mode: 0,
  uid: 0,
  gid: 0,
  atime: { seconds: 0, nanoseconds: 0 },
  mtime: { seconds: 0, nanoseconds: 0 },
};

/** Paths that end with a slash are directories. */
function planOf(paths: readonly string[]): PlanNode {
  const root = planNode('directory', new Uint8Array(0), undefined, attributes);
  for (const path of paths) {
    let node = root;
    const names = path.split('/').filter(Boolean);
    for (const [index, name] of names.entries()) {
      const bytes = Buffer.from(name);
      const found = node.children!.find((child) => bytes.equals(child.name));
      const isFile = index === names.length - 1 && !path.endsWith('/');
      const next = found ?? planNode(isFile ? 'file' : 'directory', bytes, node, attributes);
      if (found === undefined) node.children!.push(next);
      node = next;
    }
  }
  return root;
}

const PATHS = ['a.o', 'a.c', 'src/a.o', 'src/deep/b.c', 'src/deep/er/c.c', '.hidden/x', 'empty/', 'src/ü.c'];

function left(include: string[], exclude: string[]): string[] {
  const root = planOf(PATHS);
  new Selection(include, exclude).prune(root);
  return [...planNodes(root)].slice(1).map((node) => Buffer.from(pathOf(node)).toString());
}

describe('Selection', () => {
  it('without patterns takes all', () => {
    expect(new Selection().takesAll).toBe(true);
    expect(left([], [])).toHaveLength(12);
  });

  it.each<[string[], string[], string[]]>([
    [['*.c'], [], ['a.c', 'src', 'src/deep', 'src/deep/b.c', 'src/deep/er', 'src/deep/er/c.c', 'src/ü.c']],
    [['/*.c'], [], ['a.c']],
    [['./a.c', 'empty/'], [], ['a.c', 'empty']],
    [['src/*/b.c'], [], ['src', 'src/deep', 'src/deep/b.c']],
    [['src/**'], ['deep'], ['src', 'src/a.o', 'src/ü.c']],
    [['deep'], ['src/deep/er'], ['src', 'src/deep', 'src/deep/b.c']],
    [['{a,ü}.c'], [], ['a.c', 'src', 'src/ü.c']],
    [['.hidden'], [], ['.hidden', '.hidden/x']],
    [['nothing'], [], []],
    [[], ['*.c', '*.o', 'x'], ['src', 'src/deep', 'src/deep/er', '.hidden', 'empty']],
    [[], ['src/**', '/a.*'], ['src', '.hidden', '.hidden/x', 'empty']],
    [[], ['**/*.c', '!a.o'], ['a.o', 'src', 'src/a.o', 'src/deep', 'src/deep/er', '.hidden', '.hidden/x', 'empty']],
    [['*'], ['*'], []],
  ])('include %j, exclude %j', (include, exclude, expected) => {
    expect(left(include, exclude)).toEqual(expected);
  });

  it.each(['', '/', './', '//'])('refuses the pattern %j', (pattern) => {
    expect(() => new Selection([pattern])).toThrow(FsError);
    expect(() => new Selection([], [pattern])).toThrow(/no pattern/);
  });
});
