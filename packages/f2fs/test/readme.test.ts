import { readFileSync } from 'node:fs';
import * as block from '@f2fskit/block';
import * as codecs from '@f2fskit/codecs';
import { InlineFlag } from '@f2fskit/f2fs-format';
import * as task from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import * as vfs from '@f2fskit/vfs';
import { expect, it } from 'vitest';
import * as f2fs from '../src/index.ts';
import { inlineAreaOf } from './dentries.ts';
import { MountableVolume } from './mountable-volume.ts';

/** The volume that the README speaks of. */
function volumeImage(): Uint8Array {
  const volume = new MountableVolume({ mainSegments: 8 });
  volume.inlineDirectory(3, [
    { name: 'etc', ino: 4, fileType: 2 },
    { name: 'motd', ino: 5 },
  ]);
  volume.inlineDirectory(4, []);
  const text = vfs.utf8Encode('hello\n');
  const raw = (_: DataView, bytes: Uint8Array): void => bytes.set(text, inlineAreaOf({}).offset);
  volume.inode(5, { inline: InlineFlag.data | InlineFlag.dataExist, size: text.length, raw });
  volume.writePack(0, { flags: 0x1 | 0x4 | 0x10 });
  volume.writePack(1, { version: 0 });
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
    '@f2fskit/codecs': codecs,
    '@f2fskit/f2fs': f2fs,
    '@f2fskit/task': task,
    '@f2fskit/vfs': vfs,
  };
  const lines: string[] = [];
  const console = { log: (...values: unknown[]) => lines.push(values.join(' ')) };
  new Function('modules', 'console', `'use strict';\n${program}`)(modules, console);
  expect(`${lines.join('\n')}\n`).toBe(part('text'));
});

it('README.md shows a program that changes names', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = readme.split('```js\n')[2]!.split('```')[0]!;
  const device = loadGolden('plain').device.clone();
  const known = { device, runSync: task.runSync, mountF2fs: f2fs.mountF2fs, utf8Encode: vfs.utf8Encode };
  new Function(...Object.keys(known), `'use strict';\n${program}`)(...Object.values(known));
  const again = new vfs.Vfs(task.runSync(f2fs.mountF2fs(device)));
  const { inode } = task.runSync(again.walk('/newer/link', { followLast: false }));
  expect(vfs.utf8Decode(task.runSync(inode.readLink()))).toBe('../motd');
});
