// The architecture test. Fails on: an upward or undeclared import; a dependency of package.json that the table does not
// allow, or that is missing; a package without a row; a mention of F2FS in the generic stack outside the scope name; a
// test helper imported by shipped code; a table in docs/ARCHITECTURE.md that is not this one (--write updates it).
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fullName, layerTable, layers as realLayers } from './layers.mjs';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function* sourceFiles(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'dist') yield* sourceFiles(file);
    } else if (/\.(ts|mts|tsx)$/.test(entry.name)) yield file;
  }
}

/** Static and dynamic imports, re-exports, and import types; group 1 or 2 is the specifier. */
const importPattern =
  /^\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]/gm;
const packageOf = (specifier) =>
  specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0];
const isTest = (file) =>
  /\.test\.ts$/.test(file) || file.split(path.sep).includes('test') || /vitest\.(\w+\.)?config\.ts$/.test(file);

/** Every breach of the layer rules below `root`, one sentence each. */
export function layerProblems(root, layers = realLayers) {
  const problems = [];
  for (const group of ['packages', 'apps']) {
    if (!existsSync(path.join(root, group))) continue;
    for (const name of readdirSync(path.join(root, group))) {
      const folder = `${group}/${name}`;
      if (!existsSync(path.join(root, folder, 'package.json'))) continue;
      if (!Object.values(layers).some((row) => row.folder === folder))
        problems.push(`${folder}: no row in scripts/layers.mjs`);
    }
  }
  for (const [name, row] of Object.entries(layers)) {
    const folder = path.join(root, row.folder);
    if (!existsSync(folder)) continue;
    const allowed = new Set(row.imports.map(fullName));
    for (const other of allowed) {
      if (layers[other].rank >= row.rank)
        problems.push(`${name} (rank ${row.rank}) may not import ${other} (rank ${layers[other].rank})`);
    }
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    if (manifest.name !== name)
      problems.push(`${row.folder}/package.json is named ${manifest.name}, the table says ${name}`);
    // A peer is what the user of the package brings along.
    const dependencies = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
    const development = new Set(Object.keys(manifest.devDependencies ?? {}));
    // What a bundle contains need not be installed beside it.
    if (row.bundled) for (const other of allowed) if (development.has(other)) dependencies.add(other);
    for (const dependency of dependencies) {
      if (dependency in layers && !allowed.has(dependency))
        problems.push(`${row.folder}/package.json depends on ${dependency}, which its row does not name`);
    }
    for (const file of sourceFiles(folder)) {
      const shown = path.relative(root, file);
      const text = readFileSync(file, 'utf8');
      const test = isTest(shown);
      for (const [, named, dynamic] of text.matchAll(importPattern)) {
        const specifier = named ?? dynamic;
        // Part of a program that a test writes.
        if (test && specifier.includes('${')) continue;
        if (specifier.startsWith('.')) {
          const target = path.relative(folder, path.resolve(path.dirname(file), specifier));
          if (target.startsWith('..') && !/vitest\.(\w+\.)?config\.ts$/.test(shown))
            problems.push(`${shown} reaches out of its package: ${specifier}`);
          continue;
        }
        if (specifier.startsWith('node:')) {
          const inner = path.relative(folder, file).split(path.sep);
          if (!test && row.folder.startsWith('packages/') && !inner.includes('node') && name !== '@f2fskit/testkit') {
            problems.push(`${shown} imports ${specifier}: platform code lives in src/node only`);
          }
          continue;
        }
        const target = packageOf(specifier);
        if (target === name) continue;
        if (test) {
          if (!dependencies.has(target) && !development.has(target))
            problems.push(`${shown} imports ${target}, which package.json does not declare`);
          continue;
        }
        if (target in layers && !allowed.has(target))
          problems.push(`${shown} imports ${target}, which the row of ${name} does not name`);
        if (!dependencies.has(target))
          problems.push(`${shown} imports ${target}, which is not among the dependencies of ${name}`);
      }
      if (row.generic) {
        text.split('\n').forEach((line, index) => {
          if (/f2fs/i.test(line.replaceAll('@f2fskit/', '')))
            problems.push(`${shown}:${index + 1} mentions F2FS in the generic stack`);
        });
      }
    }
  }
  return problems;
}

function checkDocument(write) {
  const file = path.join(repository, 'docs', 'ARCHITECTURE.md');
  const text = readFileSync(file, 'utf8');
  const updated = text.replace(
    /<!-- layers -->[\s\S]*?<!-- \/layers -->/,
    `<!-- layers -->\n${layerTable()}\n<!-- /layers -->`,
  );
  if (updated === text) return [];
  if (!write) return ['docs/ARCHITECTURE.md: the layer table is not that of scripts/layers.mjs (run with --write)'];
  writeFileSync(file, updated);
  return [];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const problems = [...layerProblems(repository), ...checkDocument(process.argv.includes('--write'))];
  for (const problem of problems) console.error(`layers: ${problem}`);
  if (problems.length > 0) process.exit(1);
  console.log(`layers: ${Object.keys(realLayers).length} packages, no upward or undeclared import`);
}
