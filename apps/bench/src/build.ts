// Building a volume against mkfs.f2fs and sload.f2fs on the same files: whole processes, from the source to the image that is
// complete and durable.

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { text } from './compressed-write.ts';
import {
  countFindings,
  loadVolume,
  makeFolder,
  missingCommand,
  missingTools,
  runF2fs,
  writeBigFile,
  writeTree,
} from './host-volumes.ts';
import { type BenchResult, type Count, firstOf, median, type Ratio, time } from './report.ts';

/** Files that are built, in a folder of their own. */
interface Source {
  what: string;
  folder: string;
  bytes: number;
}

/** Ours and theirs in turn, `rounds` times after one that is not counted (of several); each makes a file that is not there. */
function against(rounds: number, { what, folder, bytes }: Source, image: string, least: number | undefined): Ratio {
  const pairs: Array<[ours: number, theirs: number]> = [];
  for (let round = firstOf(rounds); round <= rounds; round++) {
    const ours = time(() => runF2fs(['build', folder, image, '--quiet']));
    rmSync(image);
    const theirs = time(() => loadVolume(image, folder, bytes));
    rmSync(image);
    if (round > 0) pairs.push([ours, theirs]);
  }
  return {
    what: `build of ${what}`,
    rate: bytes / 1e6 / median(pairs.map(([ours]) => ours)),
    against: 'mkfs.f2fs and sload.f2fs',
    ratio: median(pairs.map(([ours, theirs]) => theirs / ours)),
    ...(least === undefined ? {} : { least }),
  };
}

/** Compressing builds, and builds against which they are held, in turn. */
function compressing(rounds: number, { what, folder, bytes }: Source, image: string, goals: Goals): Ratio[] {
  const lz4 = ['--compress', 'lz4'];
  const ways = { plain: [], inline: [...lz4, '--workers', '0'], workers: lz4 };
  const times = { plain: [] as number[], inline: [] as number[], workers: [] as number[] };
  for (let round = firstOf(rounds); round <= rounds; round++) {
    for (const way of ['plain', 'inline', 'workers'] as const) {
      const taken = time(() => runF2fs(['build', folder, image, '--quiet', ...ways[way]]));
      rmSync(image);
      if (round > 0) times[way].push(taken);
    }
  }
  const rate = bytes / 1e6 / median(times.workers);
  const ratio = (over: 'plain' | 'inline'): number =>
    median(times[over].map((taken, index) => taken / times.workers[index]!));
  const line = (over: 'plain' | 'inline', against: string, least: number | undefined): Ratio => ({
    what: `build --compress lz4 of ${what}`,
    rate,
    against,
    ratio: ratio(over),
    ...(least === undefined ? {} : { least }),
  });
  return [line('plain', 'the same without', goals.plain), line('inline', 'the same in one thread', goals.inline)];
}

interface Goals {
  plain?: number;
  inline?: number;
}

/** What two builds of the same files have to be. */
function counts({ what, folder }: Source, images: [string, string], checker: boolean): Count[] {
  for (const image of images) runF2fs(['build', folder, image, '--quiet'], { SOURCE_DATE_EPOCH: '1900000000' });
  const [first, second] = images.map((image) => readFileSync(image)) as [Buffer, Buffer];
  const found = [{ what: `builds of ${what} that differ`, value: first.equals(second) ? 0 : 1, most: 0 }];
  if (checker) {
    found.push({ what: `findings of fsck.f2fs on ${what}`, value: countFindings(images[0]), most: 0 });
  }
  for (const image of images) rmSync(image);
  return found;
}

export function buildBench(rounds: number, small: boolean): BenchResult {
  const skipped = missingTools() ?? missingCommand();
  if (skipped !== undefined) return { name: 'build', counts: [], ratios: [], skipped };
  const { folder, remove } = makeFolder('build');
  try {
    const [trees, files] = [path.join(folder, 'tree'), path.join(folder, 'file')];
    mkdirSync(trees);
    mkdirSync(files);
    const treeFiles = small ? 400 : 16_000;
    const treeBytes = writeTree(trees, treeFiles);
    const fileBytes = (small ? 16 : 800) * 1e6;
    writeBigFile(path.join(files, 'big'), fileBytes);
    const tree = { what: `${treeFiles} files of ${Math.round(treeBytes / 1e6)} MB`, folder: trees, bytes: treeBytes };
    const file = { what: `one file of ${fileBytes / 1e6} MB`, folder: files, bytes: fileBytes };
    const texts = path.join(folder, 'text');
    mkdirSync(texts);
    writeBigFile(path.join(texts, 'big.txt'), fileBytes, text(1 << 20));
    const textFile = { what: `a text of ${fileBytes / 1e6} MB`, folder: texts, bytes: fileBytes };
    const image = path.join(folder, 'volume.img');
    // What is small is the start of processes, for which there is no goal.
    const [treeGoal, fileGoal] = small ? [] : [1.2, 2];
    return {
      name: 'build',
      counts: counts(tree, [image, path.join(folder, 'again.img')], missingTools('fsck.f2fs') === undefined),
      ratios: [
        against(rounds, tree, image, treeGoal),
        against(rounds, file, image, fileGoal),
        ...compressing(rounds, tree, image, small ? {} : { plain: 1 / 1.3 }),
        // Two processes with threads, on a machine with other things to do: more rounds.
        ...compressing(small ? rounds : rounds + 2, textFile, image, small ? {} : { plain: 0.5, inline: 1.5 }),
      ],
    };
  } finally {
    remove();
  }
}
