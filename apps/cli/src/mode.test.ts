// Modes mean what they mean to chmod(1) of GNU, which is asked where it is installed.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type RandomSource, seededRandom } from '@f2fskit/task';
import { expect, it } from 'vitest';
import { parseMode } from './mode.ts';

const octal = (mode: number): string => mode.toString(8);

it.each([
  // [mode, before, of a file, of a directory]
  ['644', 0o7777, 0o644, 0o6644],
  ['0644', 0o7777, 0o644, 0o6644],
  ['00644', 0o7777, 0o644, 0o644],
  ['2755', 0o4000, 0o2755, 0o6755],
  ['=644', 0o7777, 0o644, 0o644],
  ['u+x', 0o644, 0o744, 0o744],
  ['go-rwx', 0o777, 0o700, 0o700],
  ['a=rX', 0o600, 0o444, 0o555],
  ['a=rX', 0o700, 0o555, 0o555],
  ['a+rX', 0o700, 0o755, 0o755],
  ['u=rwX,go=rX', 0o611, 0o755, 0o755],
  ['u=rwX,go=rX', 0o600, 0o644, 0o755],
  ['g=u', 0o7640, 0o7660 & ~0o2000, 0o7660],
  ['o=', 0o1777, 0o770, 0o770],
  ['+w', 0o444, 0o644, 0o644],
  ['+x', 0o644, 0o755, 0o755],
  ['=rw', 0o7000, 0o644, 0o6644],
  ['-w', 0o666, 0o466, 0o466],
  ['u+s,o+t', 0o755, 0o5755, 0o5755],
  ['o+s', 0o755, 0o755, 0o755],
  ['a-s', 0o6755, 0o755, 0o755],
  ['u+x-w', 0o644, 0o544, 0o544],
])('%s', (text, before, file, directory) => {
  const change = parseMode(text);
  expect([octal(change(before, false)), octal(change(before, true))]).toEqual([octal(file), octal(directory)]);
});

const nonsense = [
  '',
  'x',
  '8',
  '10000',
  'u',
  'u+q',
  'u=gr',
  'u+x,',
  ',u+x',
  'u+x,,g+x',
  'u+755',
  'u=rX g=r',
  '--w8',
  '+8',
];

it.each(nonsense)("'%s' is no mode", (text) => {
  expect(() => parseMode(text)).toThrow('A mode is octal digits');
});

const asked = spawnSync('chmod', ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU coreutils') === true;

it.skipIf(!asked)('agrees with chmod(1), on nonsense as well (skipped where that is not of GNU)', () => {
  const seed = Date.now();
  const random = seededRandom(seed);
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-mode-'));
  try {
    const cases = Array.from({ length: 150 }, () => ({ mode: arbitraryMode(random), before: random.below(0o10000) }));
    cases.push(...nonsense.map((mode) => ({ mode, before: 0o644 })));
    for (const [index, { before }] of cases.entries()) {
      fs.mkdirSync(path.join(folder, `d${index}`));
      fs.writeFileSync(path.join(folder, `f${index}`), '');
      for (const kind of 'df') fs.chmodSync(path.join(folder, kind + index), before);
    }
    const lines = cases.map(({ mode }, index) => `chmod -- '${mode}' d${index} f${index} 2>&1 | sed 's/^/${index} /'`);
    const script = `umask 022\n${lines.join('\n')}`;
    const options = { cwd: folder, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } } as const;
    const { stdout } = spawnSync('sh', ['-c', script], options);
    const refused = new Set([...stdout.matchAll(/^(\d+) .*invalid mode/gm)].map(([, index]) => Number(index)));
    for (const [index, { mode, before }] of cases.entries()) {
      const now = (kind: string): number => fs.statSync(path.join(folder, kind + index)).mode & 0o7777;
      const theirs = refused.has(index) ? 'invalid' : [octal(now('f')), octal(now('d'))];
      expect({ seed, mode, before: octal(before), result: ours(mode, before) }).toEqual({
        seed,
        mode,
        before: octal(before),
        result: theirs,
      });
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

function ours(mode: string, before: number): unknown {
  let change: ReturnType<typeof parseMode>;
  try {
    change = parseMode(mode);
  } catch {
    return 'invalid';
  }
  return [octal(change(before, false)), octal(change(before, true))];
}

function arbitraryMode(random: RandomSource): string {
  const some = (letters: string, most: number): string =>
    Array.from({ length: random.below(most + 1) }, () => letters[random.below(letters.length)]).join('');
  const one = (letters: string): string => letters[random.below(letters.length)]!;
  if (random.chance(0.15)) return octal(random.below(0o10000)).padStart(random.below(6), '0');
  const clause = (): string => {
    if (random.chance(0.05)) return one('+-=') + octal(random.below(0o10000));
    let text = some('ugoa', 2);
    do text += one('+-=') + (random.chance(0.2) ? one('ugo') : some('rwxXst', 4));
    while (random.chance(0.3));
    return text;
  };
  return Array.from({ length: 1 + random.below(3) }, clause).join(',');
}
