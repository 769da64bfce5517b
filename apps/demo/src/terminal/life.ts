// The life of a volume, once by each engine: built from a real directory and compressed, overwritten inside its compressed clusters,
// cut off from power in the middle, recovered, extracted, compared. What was promised has to be there; what it cost is counted.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryDevice, StatisticsDevice } from '@f2fskit/block';
import type { BufferedIo } from '@f2fskit/f2fs';
import { checkVolume } from '@f2fskit/f2fs-tools';
import { runSync } from '@f2fskit/task';
import { PowerCutDevice } from '@f2fskit/testkit/power-cut';
import { buildImage, extract, openVolumeSync, type Volume } from 'f2fskit';
import { type Changed, changeFiles, promiseMore } from './changes.ts';
import { countEvents, type EngineCounts } from './engine-counts.ts';
import { bytes, paint, table } from './table.ts';

/** From `src/terminal` and from `dist/terminal` alike: the package that reads and writes F2FS. */
const SOURCE = fileURLToPath(new URL('../../../../packages/f2fs/', import.meta.url));
const EXCLUDED = ['node_modules', 'dist'];
/** Which of the blocks that were not durable are lost. Another seed, another accident. */
const ACCIDENT = 7;
const ENGINES: readonly BufferedIo[] = ['page', 'iomap'];

/** Files by path, as they have to be. */
export type Tree = Map<string, Buffer>;

interface Step {
  what: string;
  outcome: string;
  good: boolean;
}

interface Life {
  steps: Step[];
  counts: EngineCounts;
}

/** Runs it and prints it; false when something was not as promised. */
export async function showLife(): Promise<boolean> {
  const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-life-'));
  try {
    const tree = treeOf(SOURCE);
    const image = path.join(folder, 'built.img');
    const report = await buildImage(SOURCE, image, {
      size: 64 << 20,
      exclude: EXCLUDED,
      compress: { algorithm: 'lz4', extensions: ['ts', 'md'] },
    });
    const base = MemoryDevice.from(new Uint8Array(readFileSync(image)));
    const lives: Life[] = [];
    for (const engine of ENGINES) lives.push(await live(base, tree, path.join(folder, engine), engine));
    const built = `${tree.size} files, ${bytes(report.bytes)}, ${report.compressedFiles} of them compressed: ${report.savedBlocks} blocks saved`;
    showSteps([{ what: 'build', outcome: built, good: isClean(base) }], lives);
    showCounts(lives);
    return lives.every(({ steps }) => steps.every(({ good }) => good));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function showSteps(common: readonly Step[], lives: readonly Life[]): void {
  const mark = (good: boolean | undefined): string => (good === true ? paint('green', '✓') : paint('red', '✗'));
  const rows = common.map(({ what, outcome, good }) => [what, outcome, ...lives.map(() => mark(good))]);
  for (const [index, { what, outcome }] of lives.at(-1)!.steps.entries()) {
    rows.push([what, outcome, ...lives.map(({ steps }) => mark(steps[index]?.good))]);
  }
  const engines = ENGINES.map((title) => ({ title }));
  console.log(`${table([{ title: 'the life of a volume' }, { title: '' }, ...engines], rows)}\n`);
  for (const { steps } of lives) {
    for (const { what, outcome, good } of steps) if (!good) console.log(paint('red', `  ${what}: ${outcome}`));
  }
}

/** The same changes, the same bytes on the volume: what each engine did for it. */
function showCounts(lives: readonly Life[]): void {
  const rows = Object.keys(lives[0]!.counts).map((key) => [
    key,
    ...lives.map(({ counts }) => (key.endsWith('bytes') ? bytes(counts[key]!) : String(counts[key]))),
  ]);
  const engines = ENGINES.map((engine) => ({ title: `${engine} engine`, right: true }));
  console.log(`${table([{ title: 'for these changes' }, ...engines], rows)}\n`);
}

async function live(base: MemoryDevice, tree: Tree, target: string, bufferedIo: BufferedIo): Promise<Life> {
  const steps: Step[] = [];
  const step = (what: string, outcome: string, good = true): void => {
    steps.push({ what, outcome, good });
  };
  const device = new PowerCutDevice(base);
  const below = new StatisticsDevice(device);
  const volume = openVolumeSync(below, { writable: true, bufferedIo, compress: { extensions: ['ts', 'md', 'txt'] } });
  const counting = countEvents(volume, below);
  const changed: Changed = changeFiles(volume, tree);
  volume.scheduler.runSync(volume.f2fs.sync());
  const counts = counting();
  const promised = promiseMore(volume, changed);
  const lost = device.imageAfter(device.position, 'subset', ACCIDENT);
  step(
    'change',
    `${changed.overwrites} overwrites inside compressed files, appends, cuts, a file of ${bytes(changed.bigBytes)}; then names`,
  );
  step('cut the power', 'some of the last writes are lost, as a disk may lose them');

  const recovered = openVolumeSync(lost, { writable: true });
  const missing = differences(promised, (file) => readOrUndefined(recovered, file));
  step('recover', missing[0] ?? 'everything that sync and fsync promised is there', missing.length === 0);
  await recovered.close();
  // Closed with the volume; what it holds is still there.
  const left = lost.clone();
  step('check', 'clean', isClean(left));

  const again = openVolumeSync(left);
  await extract(again, target);
  await again.close();
  const found = treeOf(target);
  const wrong = differences(promised, (file) => found.get(file));
  step('extract', wrong[0] ?? `${promised.size} files, compared byte for byte`, wrong.length === 0);
  return { steps, counts };
}

function isClean(device: MemoryDevice): boolean {
  return runSync(checkVolume(device)).findings.length === 0;
}

function readOrUndefined(volume: Volume, file: string): Buffer | undefined {
  return volume.existsSync(`/${file}`) ? Buffer.from(volume.readFileSync(`/${file}`)) : undefined;
}

function differences(promised: Tree, found: (file: string) => Buffer | undefined): string[] {
  const lines: string[] = [];
  for (const [file, content] of promised) {
    const there = found(file);
    if (there === undefined) lines.push(`${file} is not there`);
    else if (!there.equals(content)) lines.push(`${file} differs`);
  }
  return lines;
}

/** Regular files below a directory of the host. */
function treeOf(root: string): Tree {
  const tree: Tree = new Map();
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const name of readdirSync(path.join(root, folder))) {
      const file = path.join(folder, name);
      const stats = statSync(path.join(root, file));
      if (stats.isDirectory() && !EXCLUDED.includes(name)) pending.push(file);
      else if (stats.isFile()) tree.set(file.split(path.sep).join('/'), readFileSync(path.join(root, file)));
    }
  }
  return tree;
}
