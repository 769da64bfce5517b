import { readFileSync } from 'node:fs';
import * as block from '@f2fskit/block';
import * as format from '@f2fskit/f2fs-format';
import * as pagecache from '@f2fskit/pagecache';
import * as task from '@f2fskit/task';
import { expect, it } from 'vitest';
import * as node from '../src/index.ts';
import { TestVolume } from './test-volume.ts';

/** The volume that the README speaks of. */
function volumeImage(): Uint8Array {
  const volume = new TestVolume({ mainSegments: 4 });
  volume.inode(4, { size: 6 * 4096 - 10, slots: [6000, 6001, 0, 6002, 6003, 6004] });
  return volume.device.toBytes();
}

// The example of README.md, run as it stands there; only the imports become lookups in the modules themselves.
it('README.md shows a program that prints what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const part = (language: string): string => readme.split(`\`\`\`${language}\n`)[1]!.split('```')[0]!;
  const program = part('js').replace(/^import (\{.*\}) from ["'](.*)["'];$/gm, "const $1 = modules['$2'];");
  expect(program).not.toContain('import');
  const modules = {
    'node:fs': { readFileSync: volumeImage },
    '@f2fskit/block': block,
    '@f2fskit/f2fs-format': format,
    '@f2fskit/f2fs-node': node,
    '@f2fskit/pagecache': pagecache,
    '@f2fskit/task': task,
  };
  const lines: string[] = [];
  const console = { log: (...values: unknown[]) => lines.push(values.join(' ')) };
  new Function('modules', 'console', `'use strict';\n${program}`)(modules, console);
  expect(`${lines.join('\n')}\n`).toBe(part('text'));
});
