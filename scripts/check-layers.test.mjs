// The architecture test can fail: each rule is broken once in a small tree of its own.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { layerProblems } from './check-layers.mjs';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const table = {
  '@f2fskit/low': { folder: 'packages/low', rank: 0, generic: true, imports: [] },
  '@f2fskit/high': { folder: 'packages/high', rank: 1, imports: ['low'] },
};

function problemsWith(files, layers = table) {
  const root = mkdtempSync(path.join(tmpdir(), 'layers-'));
  const all = {
    'packages/low/package.json': JSON.stringify({ name: '@f2fskit/low' }),
    'packages/low/src/index.ts': 'export const low = 1;\n',
    'packages/high/package.json': JSON.stringify({ name: '@f2fskit/high', dependencies: { '@f2fskit/low': '*' } }),
    'packages/high/src/index.ts': "import { low } from '@f2fskit/low';\nexport { low };\n",
    ...files,
  };
  try {
    for (const [file, text] of Object.entries(all)) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
    return layerProblems(root, layers).join('\n');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test('this repository keeps its layers', () => assert.deepEqual(layerProblems(repository), []));
test('a good tree has no problems', () => assert.equal(problemsWith({}), ''));

const breaches = [
  ['an upward import', { 'packages/low/src/up.ts': "import '@f2fskit/high';\n" }, /up\.ts imports @f2fskit\/high/],
  [
    'an upward type import',
    { 'packages/low/src/up.ts': "import type { X } from '@f2fskit/high';\n" },
    /up\.ts imports/,
  ],
  ['an upward dynamic import', { 'packages/low/src/up.ts': "await import('@f2fskit/high');\n" }, /up\.ts imports/],
  ['an undeclared package', { 'packages/high/src/x.ts': "import 'left-pad';\n" }, /left-pad, which is not among/],
  ['a way around the package', { 'packages/high/src/x.ts': "import '../../low/src/index.ts';\n" }, /reaches out/],
  ['a platform import in core code', { 'packages/high/src/x.ts': "import 'node:fs';\n" }, /node:fs: platform code/],
  ['the name in the generic stack', { 'packages/low/src/x.ts': '// as F2FS does\n' }, /x\.ts:1 mentions F2FS/],
  ['a package without a row', { 'packages/new/package.json': '{}' }, /packages\/new: no row/],
  [
    'a dependency that the row does not name',
    { 'packages/low/package.json': JSON.stringify({ name: '@f2fskit/low', dependencies: { '@f2fskit/high': '*' } }) },
    /depends on @f2fskit\/high/,
  ],
  [
    'a test that imports what is not declared',
    { 'packages/low/src/x.test.ts': "import '@f2fskit/high';\n" },
    /does not declare/,
  ],
];
for (const [what, files, expected] of breaches)
  test(`${what} is found`, () => assert.match(problemsWith(files), expected));

test('what is allowed is not found', () => {
  const files = {
    'packages/low/src/x.ts': "import '@f2fskit/low';\n",
    'packages/high/src/node/file.ts': "import 'node:fs';\n",
    'packages/high/src/x.test.ts': "import 'node:fs';\nimport '@f2fskit/low';\n",
  };
  assert.equal(problemsWith(files), '');
});

test('a row that points upwards is found', () => {
  const layers = { ...table, '@f2fskit/low': { ...table['@f2fskit/low'], imports: ['high'] } };
  assert.match(problemsWith({}, layers), /may not import/);
});
