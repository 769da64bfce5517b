import { readFileSync } from 'node:fs';
import * as block from '@f2fskit/block';
import * as codecs from '@f2fskit/codecs';
import * as f2fs from '@f2fskit/f2fs';
import * as nodeFs from '@f2fskit/node-fs';
import * as nodeFsNode from '@f2fskit/node-fs/node';
import * as task from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import * as vfs from '@f2fskit/vfs';
import { expect, it } from 'vitest';

// The example of the README of node-fs, run as it stands there; only the imports become lookups in the modules.
it('the README of node-fs shows a program that works', () => {
  const readme = readFileSync(new URL('../../../node-fs/README.md', import.meta.url), 'utf8');
  const example = readme.split('```js\n')[1]!.split('```')[0]!;
  const program = example.replace(/^import (\{.*\}) from ["'](.*)["'];$/gm, "const $1 = modules['$2'];");
  expect(program).not.toContain('import');
  const modules = {
    'node:fs': { readFileSync: () => loadGolden('plain').bytes },
    '@f2fskit/block': block,
    '@f2fskit/codecs': codecs,
    '@f2fskit/f2fs': f2fs,
    '@f2fskit/node-fs': nodeFs,
    '@f2fskit/node-fs/node': nodeFsNode,
    '@f2fskit/task': task,
    '@f2fskit/vfs': vfs,
  };
  const lines: string[] = [];
  const console = { log: (...values: unknown[]) => lines.push(values.join(' ')) };
  new Function('modules', 'console', `'use strict';\n${program}`)(modules, console);
  expect(lines.sort()).toEqual(['d true', 'far false']);
});
