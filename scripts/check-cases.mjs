// Holds the titles of the tests against the numbered cases (`cases.mjs`). Fails on: a case without a test; one that no test
// shows on a volume, where both engines run, or, of files with clusters, on clusters; a title with a number that is no case; a table in docs/testing.md that is not
// this one (--write updates it).
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cases as realCases } from './cases.mjs';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function* testFiles(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'dist') yield* testFiles(file);
    } else if (/\.test\.ts$/.test(entry.name)) yield file;
  }
}

/** A title that begins with cases, and possibly invariants: an argument of a call. */
const titlePattern = /\(\s*(['"`])((?:[DWR]\d+, )*[DWR]\d+)(?:, I-\d+)*: ((?:(?!\1)[^\n])+)\1/g;

/** The tests of `root` that name cases: of each the file, the numbers and the rest of the title. */
export function namedTests(root) {
  const found = [];
  for (const group of ['packages', 'apps']) {
    for (const file of [...testFiles(path.join(root, group))].sort()) {
      for (const [, , numbers, title] of readFileSync(file, 'utf8').matchAll(titlePattern)) {
        found.push({ file: path.relative(root, file).split(path.sep).join('/'), numbers: numbers.split(', '), title });
      }
    }
  }
  return found;
}

/** Where both engines run the same test on a volume; on clusters: with folios of all sizes around them. */
const onVolume = (file) => /^packages\/f2fs\/test\/cases-/.test(file);
const onClusters = (file) => /^packages\/f2fs\/test\/clusters-cases[-.]/.test(file);

/** Every breach, one sentence each. */
export function caseProblems(root, cases = realCases) {
  const problems = [];
  const tests = namedTests(root);
  for (const { file, numbers, title } of tests) {
    for (const number of numbers) {
      if (!(number in cases)) problems.push(`${file}: there is no case ${number} ("${title}")`);
    }
  }
  for (const [number, { compressed, below }] of Object.entries(cases)) {
    const own = tests.filter(({ numbers }) => numbers.includes(number));
    if (own.length === 0) problems.push(`${number} has no test`);
    else if (compressed && !own.some(({ file }) => onClusters(file)))
      problems.push(`${number} has no test on clusters (packages/f2fs/test/clusters-cases*.test.ts)`);
    else if (!compressed && !below && !own.some(({ file }) => onVolume(file)))
      problems.push(`${number} has no test by both engines (packages/f2fs/test/cases-*.test.ts)`);
  }
  return problems;
}

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** The table of docs/testing.md. */
export function caseTable(root, cases = realCases) {
  const tests = namedTests(root);
  const rows = Object.entries(cases).map(([number, { what, compressed }]) => {
    const own = tests.filter(({ numbers }) => numbers.includes(number));
    const shown = own.map(({ file, title }) => `\`${file}\`: ${cell(title)}`);
    if (compressed) shown.unshift('compressed files');
    return `| ${number} | ${cell(what)} | ${shown.join('<br>')} |`;
  });
  return ['| case | what goes wrong | tests |', '| --- | --- | --- |', ...rows].join('\n');
}

function checkDocument(write) {
  const file = path.join(repository, 'docs', 'testing.md');
  const text = readFileSync(file, 'utf8');
  const updated = text.replace(
    /<!-- cases -->[\s\S]*?<!-- \/cases -->/,
    () => `<!-- cases -->\n${caseTable(repository)}\n<!-- /cases -->`,
  );
  if (!text.includes('<!-- cases -->')) return ['docs/testing.md has no place for the table of cases'];
  if (updated === text) return [];
  if (!write) return ['docs/testing.md: the table of cases is not what the tests say (run with --write)'];
  writeFileSync(file, updated);
  return [];
}

/** What is wrong in this repository; `write` updates the table. */
export function checkCases(write = false) {
  return [...caseProblems(repository), ...checkDocument(write)];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = checkCases(process.argv.includes('--write'));
  for (const problem of problems) console.error(`cases: ${problem}`);
  if (problems.length > 0) process.exit(1);
  console.log(`cases: ${Object.keys(realCases).length}, each with its tests`);
}
