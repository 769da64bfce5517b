// The check of the numbered cases can fail: each rule is broken once in a small tree of its own.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { caseProblems, caseTable, checkCases } from './check-cases.mjs';

const cases = {
  D1: { what: 'a defect' },
  W1: { what: 'another', below: true },
  R1: { what: 'a third', compressed: true },
};

const good = {
  'packages/f2fs/test/cases-write.test.ts': "it('D1: on a volume', () => {});\n",
  'packages/f2fs/test/clusters-cases.test.ts': "it('R1, I-50: on clusters', () => {});\n",
  'packages/low/src/low.test.ts': 'it.each([1])(\n  "W1: below | it\'s here",\n  () => {},\n);\n',
};

function withTree(files, body) {
  const root = mkdtempSync(path.join(tmpdir(), 'cases-'));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
    return body(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test('every case of this repository has its tests, and docs/testing.md says which', () =>
  assert.deepEqual(checkCases(), []));

test('a good tree has no problems, and its table names the tests', () =>
  withTree(good, (root) => {
    assert.deepEqual(caseProblems(root, cases), []);
    const table = caseTable(root, cases);
    assert.match(table, /\| D1 \| a defect \| `packages\/f2fs\/test\/cases-write\.test\.ts`: on a volume \|/);
    assert.match(table, /\| W1 \| another \| `packages\/low\/src\/low\.test\.ts`: below \\\| it's here \|/);
    assert.match(
      table,
      /\| R1 \| a third \| compressed files<br>`packages\/f2fs\/test\/clusters-cases\.test\.ts`: on clusters \|/,
    );
  }));

const breaches = [
  ['a case without a test', { 'packages/low/src/low.test.ts': '' }, /W1 has no test/],
  [
    'a case that is only tested below',
    { 'packages/f2fs/test/cases-write.test.ts': '', 'packages/low/src/other.test.ts': "it('D1: here', () => {});\n" },
    /D1 has no test by both engines/,
  ],
  [
    'a case of compressed files that no test on clusters shows',
    {
      'packages/f2fs/test/clusters-cases.test.ts': '',
      'packages/f2fs/test/cases-write.test.ts': "it('D1, R1: on a volume', () => {});\n",
    },
    /R1 has no test on clusters/,
  ],
  [
    'a number that is no case',
    { 'packages/low/src/other.test.ts': "describe('D1, D9: here', () => {});\n" },
    /there is no case D9/,
  ],
  [
    'a number that is not at the start of a title',
    { 'packages/low/src/low.test.ts': "it('below (W1)', () => {});\n" },
    /W1 has no test/,
  ],
];
for (const [what, files, expected] of breaches) {
  test(`${what} is found`, () =>
    withTree({ ...good, ...files }, (root) => assert.match(caseProblems(root, cases).join('\n'), expected)));
}
