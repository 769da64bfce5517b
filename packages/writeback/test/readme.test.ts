import { readFileSync } from 'node:fs';
import * as block from '@f2fskit/block';
import * as iomap from '@f2fskit/iomap';
import * as pagecache from '@f2fskit/pagecache';
import * as task from '@f2fskit/task';
import { expect, it } from 'vitest';
import * as writeback from '../src/index.ts';

// The examples of README.md, run as they stand there; only the imports become lookups in the modules themselves.
it('README.md shows programs that print what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const parts = (language: string): string[] =>
    readme
      .split(`\`\`\`${language}\n`)
      .slice(1)
      .map((part) => part.split('```')[0]!);
  const modules = {
    '@f2fskit/block': block,
    '@f2fskit/iomap': iomap,
    '@f2fskit/pagecache': pagecache,
    '@f2fskit/task': task,
    '@f2fskit/writeback': writeback,
  };
  const [programs, outputs] = [parts('js'), parts('text')];
  expect([programs.length, outputs.length]).toEqual([2, 2]);
  for (const [index, text] of programs.entries()) {
    const program = text.replace(/^import (\{.*\}) from ["'](.*)["'];$/gm, "const $1 = modules['$2'];");
    expect(program).not.toContain('import');
    const lines: string[] = [];
    const console = { log: (...values: unknown[]) => lines.push(values.join(' ')) };
    new Function('modules', 'console', `'use strict';\n${program}`)(modules, console);
    expect(`${lines.join('\n')}\n`).toBe(outputs[index]);
  }
});
