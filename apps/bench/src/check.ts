// Our checker against fsck.f2fs on a volume of many files: whole processes.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, missingCommand, missingTools, run, runF2fs, writeTree } from './host-volumes.ts';
import { type BenchResult, compare } from './report.ts';

export function checkBench(rounds: number, small: boolean): BenchResult {
  const skipped = missingTools('fsck.f2fs') ?? missingCommand();
  if (skipped !== undefined) return { name: 'check', counts: [], ratios: [], skipped };
  const { folder, remove } = makeFolder('check');
  try {
    const source = path.join(folder, 'source');
    const image = path.join(folder, 'volume.img');
    mkdirSync(source);
    const files = small ? 400 : 16_000;
    const bytes = writeTree(source, files);
    runF2fs(['build', source, image, '--quiet']);
    // Both end with 0 only where nothing is wrong.
    const ours = { what: `check of ${files} files`, run: () => runF2fs(['fsck', image]) };
    const theirs = { what: 'fsck.f2fs', run: () => run('fsck.f2fs', ['--dry-run', '-f', image]) };
    return { name: 'check', counts: [], ratios: [compare(rounds, bytes, ours, theirs, small ? undefined : 0.33)] };
  } finally {
    remove();
  }
}
