// npm test: every ring that this machine can run in at most five minutes on two cores, without installing anything.
// npm run test:full: larger slices, and the rings that need judges (f2fs-tools, QEMU, a registry to pack against).
//
// Prints one line a ring, names what was skipped and how to get it, and ends with "N passed, N failed".
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const full = process.argv.includes('--full');
const bin = (name) => path.join(root, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
const has = (command, args = ['--version']) => !spawnSync(command, args, { stdio: 'ignore' }).error;

const judges = {
  'f2fs-tools': has('mkfs.f2fs', ['-V']) && has('dump.f2fs', ['-V']) && has('fsck.f2fs', ['-V']),
  qemu: has('qemu-system-x86_64') && process.getuid?.() === 0,
  chromium: [process.env.F2FSKIT_CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].some(
    (name) => name !== undefined && has(name),
  ),
};

const environment = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  NO_COLOR: '1',
  ...(full ? { F2FSKIT_FULL: '1' } : {}),
  // Part of what a cached pass stands for: with a judge more, the tests that need it run.
  F2FSKIT_JUDGES: Object.keys(judges)
    .filter((name) => judges[name])
    .join(' '),
};

/** @type {Array<{name: string, command: string, args: string[], env?: Record<string, string>, needs?: string, how?: string}>} */
const rings = [
  { name: 'format and lint', command: bin('biome'), args: ['check', '.'] },
  { name: 'layers', command: process.execPath, args: ['scripts/check-layers.mjs'] },
  {
    name: 'house rules',
    command: process.execPath,
    args: [
      '--test',
      '--test-reporter=spec',
      'scripts/check-layers.test.mjs',
      'scripts/check-cases.test.mjs',
      'scripts/house-rules.test.mjs',
    ],
  },
  full
    ? { name: 'types', command: bin('turbo'), args: ['run', 'typecheck', '--output-logs=errors-only'] }
    : { name: 'types', command: process.execPath, args: ['scripts/check-types.mjs'] },
  {
    name: 'unit, property, golden volumes, mutations',
    command: bin('turbo'),
    args: ['run', 'test', '--continue', '--concurrency=2'],
  },
  ...(judges.chromium
    ? [
        {
          name: 'browser: Chromium, from Blobs and from OPFS',
          command: bin('turbo'),
          args: ['run', 'test:browser', '--concurrency=1'],
        },
      ]
    : []),
];
/** Nobody has seen the volumes of this one. */
const seed = process.env.F2FSKIT_SEED ?? String(Math.floor(Date.now() / 1000) % 1_000_000);
/** A real Linux writes volumes from a seed; the golden tests then read them as `extra/NAME`. */
const fresh = full && judges.qemu ? mkdtempSync(path.join(tmpdir(), 'f2fskit-fresh-')) : undefined;
if (fresh !== undefined) {
  rings.unshift({
    name: `fresh volumes by a real Linux (seed ${seed})`,
    command: path.join(root, 'tools/oracle/fresh-volumes.sh'),
    args: [fresh, seed],
  });
  environment.F2FSKIT_FIXTURES = [process.env.F2FSKIT_FIXTURES, fresh].filter(Boolean).join(path.delimiter);
}
if (full && judges.qemu) {
  rings.push({
    name: `Linux judges our volumes (seed ${seed})`,
    command: bin('vitest'),
    args: ['run', '--root', 'packages/f2fskit', '--config', 'test/linux/vitest.config.ts'],
    env: { F2FSKIT_SEED: seed },
  });
}
if (full) {
  rings.push(
    { name: 'benches, small', command: bin('turbo'), args: ['run', 'bench', '--', '--small'] },
    { name: 'packages: publint, attw, dead code', command: process.execPath, args: ['scripts/check-packages.mjs'] },
    {
      name: 'packages: packed, imported, type-checked',
      command: process.execPath,
      args: ['scripts/check-tarballs.mjs'],
    },
  );
}

function run({ command, args, env }) {
  return new Promise((resolve) => {
    const started = process.hrtime.bigint();
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment, ...env },
      shell: process.platform === 'win32',
    });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', (error) => (output += `${error.message}\n`));
    child.on('close', (status) =>
      resolve({ status, output, seconds: Number(process.hrtime.bigint() - started) / 1e9 }),
    );
  });
}

/** What says why: every line about a failure with what follows it, then the end. */
function failureLines(output) {
  const lines = output.split('\n');
  const shown = new Set();
  for (const [index, line] of lines.entries()) {
    if (!/\bFAIL\b|AssertionError| × |✖/.test(line)) continue;
    for (let at = index; at < index + 15; at++) shown.add(at);
  }
  for (let at = Math.max(0, lines.length - 60); at < lines.length; at++) shown.add(at);
  return lines.filter((_, index) => shown.has(index)).slice(0, 400);
}

/** Adds up the closing lines of vitest and node:test; a ring without such lines counts as one. */
function count(output, status) {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  let found = false;
  for (const [, line] of output.matchAll(/^.*?\bTests {2}(.+)$/gm)) {
    found = true;
    passed += Number(/(\d+) passed/.exec(line)?.[1] ?? 0);
    failed += Number(/(\d+) failed/.exec(line)?.[1] ?? 0);
    skipped += Number(/(\d+) skipped/.exec(line)?.[1] ?? 0);
  }
  for (const [, kind, number] of output.matchAll(/^(?:ℹ|#) (pass|fail|skipped) (\d+)$/gm)) {
    found = true;
    if (kind === 'pass') passed += Number(number);
    if (kind === 'fail') failed += Number(number);
    if (kind === 'skipped') skipped += Number(number);
  }
  if (!found) passed = status === 0 ? 1 : 0;
  if (status !== 0 && failed === 0) failed = 1;
  return { passed, failed, skipped };
}

let passed = 0;
let failed = 0;
let skipped = 0;
for (const ring of rings) {
  const result = await run(ring);
  const counts = count(result.output, result.status);
  passed += counts.passed;
  failed += counts.failed;
  skipped += counts.skipped;
  const verdict = result.status === 0 ? 'ok  ' : 'FAIL';
  const skips = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  console.log(
    `${verdict} ${ring.name} (${counts.passed} passed${counts.failed > 0 ? `, ${counts.failed} failed` : ''}${skips}; ${result.seconds.toFixed(1)} s)`,
  );
  if (result.status !== 0) console.log(failureLines(result.output).join('\n'));
}

if (fresh !== undefined) rmSync(fresh, { recursive: true, force: true });

const missing = [];
if (!judges['f2fs-tools']) missing.push('f2fs-tools as a judge (dump, fsck, mkfs): install the package f2fs-tools');
if (!judges.chromium) missing.push('a real Chromium: install the package chromium, or name one in F2FSKIT_CHROMIUM');
if (!full)
  missing.push(
    'fresh volumes from a real Linux, our volumes judged by one, small benches, packed packages, larger slices: npm run test:full',
  );
else if (!judges.qemu)
  missing.push(
    'a real Linux in QEMU (fresh volumes from it, our volumes judged by it): as root on Debian, tools/oracle/setup',
  );
for (const what of missing) console.log(`skip ${what}`);

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 ? 0 : 1);
