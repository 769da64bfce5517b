import { readFileSync } from 'node:fs';
import * as block from '@f2fskit/block';
import { expect, it } from 'vitest';
import * as testkit from '../src/index.ts';
import * as model from '../src/model/index.ts';
import * as powerCut from '../src/power-cut/index.ts';

const modules = {
  '@f2fskit/block': block,
  '@f2fskit/testkit': testkit,
  '@f2fskit/testkit/model': model,
  '@f2fskit/testkit/power-cut': powerCut,
};
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const programs = [...readme.matchAll(/```js\n(.*?)```\n\n```text\n(.*?)```/gs)];

// The examples of README.md, run as they stand there; only the imports become lookups in the modules themselves.
it.each(programs.map(([, program, output], index) => ({ index, program, output })))(
  'README.md shows a program that prints what it says: $index',
  async ({ program, output }) => {
    const body = program!.replace(/^import (\{[^}]*\}) from ["'](.*)["'];$/gm, "const $1 = modules['$2'];");
    expect(body).not.toContain('import');
    const lines: string[] = [];
    const console = { log: (...values: unknown[]) => lines.push(values.join(' ')) };
    await new Function('modules', 'console', `'use strict'; return (async () => {\n${body}\n})();`)(modules, console);
    expect(`${lines.join('\n')}\n`).toBe(output);
  },
);

it('README.md has three of them', () => {
  expect(programs).toHaveLength(3);
  expect(readme.split('```js\n')).toHaveLength(4);
});
