import { readFileSync } from 'node:fs';
import * as f2fs from '@f2fskit/f2fs';
import * as task from '@f2fskit/task';
import { expect, it } from 'vitest';
import * as tools from '../src/index.ts';
import { goldenDevice } from './volumes.ts';

// The example of README.md, run as it stands there, on a golden volume; only the imports become lookups.
it('README.md shows a program that prints what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const block = (language: string): string => readme.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!;
  const program = block('js').replace(/^import (\{.*\}) from ["'](.*)["'];$/gm, "const $1 = modules['$2'];");
  expect(program).not.toContain('import');
  const lines: string[] = [];
  const modules = {
    '@f2fskit/block/node': { FileDevice: { open: () => goldenDevice('plain') } },
    '@f2fskit/f2fs': f2fs,
    '@f2fskit/f2fs-tools': tools,
    '@f2fskit/task': task,
  };
  const console = { log: (...values: unknown[]) => lines.push(values.join(' ')) };
  new Function('modules', 'console', `'use strict';\n${program}`)(modules, console);
  expect(`${lines.join('\n')}\n`).toBe(block('text'));
});
