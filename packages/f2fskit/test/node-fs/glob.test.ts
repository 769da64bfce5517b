// glob over a volume: the patterns of the shell, with the answers a person expects; where this Node has glob itself, with
// its answers on a copy of the same tree.

import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dirent } from '../../src/index.ts';
import { makeSubjects, type Subjects } from './subjects.ts';

let subjects: Subjects;
beforeAll(async () => {
  subjects = await makeSubjects();
});
afterAll(() => subjects.dispose());

const expected: Array<[pattern: string | string[], found: string[], options?: object]> = [
  ['d/i*', ['d/i3488', 'd/i3692', 'd/i3693', 'd/inline']],
  ['/d/i36??', ['/d/i3692', '/d/i3693']],
  ['d/{one,text,absent}', ['d/one', 'd/text']],
  ['d/[be]*', ['d/b4095', 'd/b4096', 'd/b4097', 'd/back\\slash | "quotes"', 'd/blk', 'd/empty']],
  ['*', ['d', 'far']],
  ['*/', ['d']],
  ['d', ['d']],
  ['d/text', ['d/text']],
  ['d/text/', []],
  ['d/text/*', []],
  ['absent/**', []],
  ['d/a/**', ['d/a', 'd/a/b', 'd/a/b/c', 'd/a/b/c/d', 'd/a/b/c/d/e', 'd/a/b/c/d/e/f']],
  ['**/d/e/f', ['d/a/b/c/d/e/f']],
  ['d/**/[ef]', ['d/a/b/c/d/e', 'd/a/b/c/d/e/f']],
  ['d/a/**/', ['d/a', 'd/a/b', 'd/a/b/c', 'd/a/b/c/d', 'd/a/b/c/d/e']],
  ['d/+(b|e)*4095', ['d/b4095']],
  ['d/!(*)', []],
  [
    ['d/one', 'd/o*', '/d/one'],
    ['/d/one', 'd/one'],
  ],
  ['i36*', ['i3692', 'i3693'], { cwd: '/d' }],
  ['../d/i36*', ['../d/i3692', '../d/i3693'], { cwd: '/d' }],
  ['./i36*', ['i3692', 'i3693'], { cwd: '/d/a/..' }],
  ['d/i36*', ['d/i3692'], { exclude: ['d/*3'] }],
  ['d/i36*', ['d/i3692'], { exclude: (name: string) => name.endsWith('3') }],
  ['d/**/c/*', [], { exclude: ['d/a/b'] }],
  ['d/i36*', ['d/i3692', 'd/i3693'], { exclude: ['i36*'] }],
];

describe.each(expected)('%j', (pattern, found, options) => {
  it('sync', () => {
    expect(subjects.volume.volume.globSync(pattern, options).sort()).toEqual([...found].sort());
  });

  it('async, on a slow device', async () => {
    const all: string[] = [];
    for await (const one of subjects.later.volume.promises.glob(pattern, options)) all.push(one);
    expect(all.sort()).toEqual([...found].sort());
  });

  // Node has it from version 22 on.
  it.skipIf(!('globSync' in fs))("is Node's answer", () => {
    const { globSync } = fs as unknown as { globSync(pattern: unknown, options: object): string[] };
    const relative = [pattern].flat().filter((one) => !one.startsWith('/'));
    if (relative.length === 0) return;
    const { cwd = '/' } = { ...options } as { cwd?: string };
    const answer = globSync(relative, { ...options, cwd: subjects.host.at(cwd) });
    expect(answer.sort()).toEqual(found.filter((one) => !one.startsWith('/')).sort());
  });
});

it('with file types: entries that know their directory', () => {
  const entries = subjects.volume.volume.globSync('d/{a,text,short}', { withFileTypes: true });
  const shown = entries.map((entry) => [entry.parentPath, entry.name, entry.isDirectory(), entry.isSymbolicLink()]);
  expect(shown.sort()).toEqual([
    ['/d', 'a', true, false],
    ['/d', 'short', false, true],
    ['/d', 'text', false, false],
  ]);
  const seen: Dirent[] = [];
  subjects.volume.volume.globSync('d/a', { withFileTypes: true, exclude: (entry) => seen.push(entry) > 99 });
  expect(seen.map(({ name }) => name)).toEqual(['d', 'a']);
});

it('refuses what is no pattern', () => {
  const { volume } = subjects.volume;
  for (const pattern of [undefined, 5, [5], {}]) {
    expect(() => volume.globSync(pattern as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
  }
  const exclude = 5 as unknown as string[];
  expect(() => volume.globSync('*', { exclude })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
});
