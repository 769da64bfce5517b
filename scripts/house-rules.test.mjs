// House rules that no linter knows: size of files, marks of unfinished work, what may not stand in the repository, links.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(path.join(root, file)));
const code = tracked.filter((file) => /\.(ts|tsx|mjs)$/.test(file));
const read = (file) => readFileSync(path.join(root, file), 'utf8');

/** Lines of files that match, as `file:line: text`. */
function matches(files, pattern) {
  return files.flatMap((file) =>
    read(file)
      .split('\n')
      .map((line, index) => [line, index])
      .filter(([line]) => pattern.test(line))
      .map(([line, index]) => `${file}:${index + 1}: ${line.trim().slice(0, 100)}`),
  );
}

const self = 'scripts/house-rules.test.mjs';
const others = code.filter((file) => file !== self);

test('no file has more than 800 lines, and the median is small', () => {
  const sizes = code.map((file) => [read(file).split('\n').length, file]).sort(([a], [b]) => a - b);
  assert.deepEqual(
    sizes.filter(([lines]) => lines > 800),
    [],
  );
  assert.ok(sizes[Math.floor(sizes.length / 2)][0] <= 180, `median ${sizes[Math.floor(sizes.length / 2)][0]}`);
});

test('no unfinished marks', () => {
  assert.deepEqual(matches(others, /\b(TODO|FIXME|XXX|unimplemented)\b/), []);
});

test('no test is switched off or run alone', () => {
  assert.deepEqual(matches(others, /\b(it|test|describe)\.(only|skip|todo)\b/), []);
});

test('no file is larger than 1.5 MB', () => {
  assert.deepEqual(
    tracked.filter((file) => statSync(path.join(root, file)).size > 1_500_000),
    [],
  );
});

test('no registry hosts, no absolute paths of a machine', () => {
  const text = tracked.filter(
    (file) => /\.(ts|mjs|js|json|md|yaml|yml|sh)$/.test(file) && file !== 'pnpm-lock.yaml' && file !== self,
  );
  assert.deepEqual(matches(text, /https?:\/\/(registry|deb)\.|(^|[^\w.])\/(root|home\/\w+)\//), []);
});

test('links between documents lead somewhere', () => {
  const broken = [];
  for (const file of tracked.filter((name) => name.endsWith('.md'))) {
    for (const [, target] of read(file).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(path.join(root, path.dirname(file), target))) broken.push(`${file}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every package has a README, a licence and an entry in the README', () => {
  const front = read('README.md');
  for (const file of tracked.filter((name) => /^(packages|apps)\/[^/]+\/package\.json$/.test(name))) {
    const folder = path.dirname(file);
    if (JSON.parse(read(file)).private === true) continue;
    assert.ok(existsSync(path.join(root, folder, 'README.md')), `${folder}/README.md`);
    assert.ok(existsSync(path.join(root, folder, 'LICENSE')), `${folder}/LICENSE`);
    assert.ok(front.includes(folder), `README.md does not name ${folder}`);
  }
});

test('every changeset names packages that are published, and says something', () => {
  const packages = tracked
    .filter((name) => /^(packages|apps)\/[^/]+\/package\.json$/.test(name))
    .map((name) => JSON.parse(read(name)))
    .filter((each) => each.private !== true)
    .map(({ name }) => name);
  for (const file of tracked.filter((name) => /^\.changeset\/.*\.md$/.test(name))) {
    const [, front, text] = /^---\n(.+?)\n---\n\n(\S.+)$/s.exec(read(file)) ?? [];
    assert.ok(text !== undefined, `${file} has no list of packages before its text`);
    for (const line of front.split('\n')) {
      const [, name] = /^['"]([^'"]+)['"]: (major|minor|patch)$/.exec(line) ?? [];
      assert.ok(packages.includes(name), `${file}: ${line}`);
    }
  }
});
