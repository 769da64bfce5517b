// Extraction against what the host does with the same files: a plain loop of reads and writes, and cp -a. And the memory of
// processes that read and extract, whatever the size of the volume.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { extract, openVolumeSync } from 'f2fskit';
import { type HostVolume, makeHostVolume, missingTools, writeBigFile, writeSmallFiles } from './host-volumes.ts';
import { emptyMib, peakMib } from './memory.ts';
import { type BenchResult, type Count, firstOf, median, type Ratio, time } from './report.ts';

const MIB = 1 << 20;

async function extractAll(image: string, target: string): Promise<void> {
  const volume = openVolumeSync(image);
  const report = await extract(volume, target);
  await volume.close();
  if (report.failures > 0) throw new Error(`${report.failures} files could not be extracted`);
}

function plainCopy(source: string, target: string): void {
  const buffer = new Uint8Array(MIB);
  const from = openSync(source, 'r');
  const to = openSync(target, 'w');
  for (let count = readSync(from, buffer); count > 0; count = readSync(from, buffer)) writeSync(to, buffer, 0, count);
  closeSync(from);
  closeSync(to);
}

async function seconds(run: () => Promise<void>): Promise<number> {
  const started = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - started) / 1e9;
}

/** Extraction and the other in turn, `rounds` times after one that is not counted (of several); each into a place that is empty. */
async function against(
  rounds: number,
  bytes: number,
  volume: HostVolume,
  what: string,
  other: { what: string; run: (target: string) => void },
  least: number,
): Promise<Ratio> {
  const target = path.join(volume.folder, 'target');
  const clean = (): void => rmSync(target, { recursive: true, force: true });
  const pairs: Array<[ours: number, theirs: number]> = [];
  for (let round = firstOf(rounds); round <= rounds; round++) {
    const ours = await seconds(() => extractAll(volume.image, target));
    clean();
    const theirs = time(() => other.run(target));
    clean();
    if (round > 0) pairs.push([ours, theirs]);
  }
  return {
    what,
    rate: bytes / 1e6 / median(pairs.map(([ours]) => ours)),
    against: other.what,
    ratio: median(pairs.map(([ours, theirs]) => theirs / ours)),
    least,
  };
}

/** Largest resident size of a process in MiB, above that of an empty one, without the cache's budget. */
function memoryCounts(volumes: HostVolume[], budgets: number[]): Count[] {
  const empty = emptyMib();
  const counts: Count[] = [];
  for (const { image } of volumes) {
    for (const budget of budgets) {
      for (const how of ['read', 'extract']) {
        const over = peakMib(image, String(budget), how) - empty - budget / MIB;
        const what = `MiB above an empty process and the budget of ${budget / MIB} MiB: ${how} ${path.basename(path.dirname(image))}`;
        counts.push({ what: what.replace(/f2fskit-bench-(\w+)-.*/, '$1'), value: Math.round(over), most: 60 });
      }
    }
  }
  return counts;
}

export async function extractBench(rounds: number, small: boolean): Promise<BenchResult> {
  const missing = missingTools();
  if (missing !== undefined) return { name: 'extract', counts: [], ratios: [], skipped: missing };
  const bigBytes = (small ? 40 : 500) * 1e6;
  const files = small ? 800 : 16_000;
  const big = makeHostVolume('big', bigBytes, (source) => writeBigFile(path.join(source, 'big'), bigBytes));
  let smallBytes = 0;
  const many = makeHostVolume('many', files * 6500, (source) => {
    smallBytes = writeSmallFiles(source, files);
  });
  try {
    // What cp -a copies: the tree as we extracted it.
    const tree = path.join(many.folder, 'tree');
    await extractAll(many.image, tree);
    return {
      name: 'extract',
      counts: memoryCounts([big, many], [4 * MIB, 64 * MIB]),
      ratios: [
        await against(
          rounds,
          bigBytes,
          big,
          `one file of ${bigBytes / 1e6} MB`,
          {
            what: 'a loop of readSync and writeSync',
            run: (target) => plainCopy(path.join(big.source, 'big'), target),
          },
          0.7,
        ),
        await against(
          rounds,
          smallBytes,
          many,
          `${files} small files`,
          { what: 'cp -a', run: (target) => void spawnSync('cp', ['-a', tree, target]) },
          0.4,
        ),
      ],
    };
  } finally {
    big.remove();
    many.remove();
  }
}
