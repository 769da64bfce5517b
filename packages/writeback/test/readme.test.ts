import { readFileSync } from 'node:fs';
import * as block from '@f2fskit/block';
import * as pagecache from '@f2fskit/pagecache';
import * as task from '@f2fskit/task';
import { expect, it } from 'vitest';
import * as writeback from '../src/index.ts';

// The example of README.md, run as it stands there; only the imports become lookups in the modules themselves.
it('README.md shows a program that prints what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const part = (language: string): string => readme.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!;
  const program = part('js').replace(/^import (\{.*\}) from ["'](.*)["'];$/gm, "const $1 = modules['$2'];");
  expect(program).not.toContain('import');
  const modules = {
    '@f2fskit/block': block,
    '@f2fskit/pagecache': pagecache,
    '@f2fskit/task': task,
    '@f2fskit/writeback': writeback,
  };
  const lines: string[] = [];
  const console = { log: (...values: unknown[]) => lines.push(values.join(' ')) };
  new Function('modules', 'console', `'use strict';\n${program}`)(modules, console);
  expect(`${lines.join('\n')}\n`).toBe(part('text'));
});
