import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as testkit from '../src/index.ts';

// The example of README.md, run as it stands there; only the imports become lookups in the module itself.
it('README.md shows a program that prints what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const block = (language: string): string => readme.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!;
  const program = block('js').replace(/^import (\{.*\}) from ["'](.*)["'];$/gm, "const $1 = modules['$2'];");
  expect(program).not.toContain('import');
  const lines: string[] = [];
  const modules = { '@f2fskit/testkit': testkit };
  const console = { log: (...values: unknown[]) => lines.push(values.join(' ')) };
  new Function('modules', 'console', `'use strict';\n${program}`)(modules, console);
  expect(`${lines.join('\n')}\n`).toBe(block('text'));
});
