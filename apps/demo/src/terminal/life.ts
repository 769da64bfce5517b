// The life of a volume in one run: built from a real directory, edited, cut off from power in the middle, recovered,
// extracted, compared. Every step is a row; the last ones say whether what was promised was kept.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryDevice } from '@f2fskit/block';
import { checkVolume } from '@f2fskit/f2fs-tools';
import { runSync } from '@f2fskit/task';
import { PowerCutDevice } from '@f2fskit/testkit/power-cut';
import { buildImage, extract, openVolumeSync, type Volume } from 'f2fskit';
import { bytes, paint, table } from './table.ts';

/** From `src/terminal` and from `dist/terminal` alike: the sources of the package that reads F2FS. */
const SOURCE = fileURLToPath(new URL('../../../../packages/f2fs/src/', import.meta.url));
/** Which of the blocks that were not durable are lost. Another seed, another accident. */
const ACCIDENT = 7;

/** Files by path, as they have to be. */
type Tree = Map<string, Buffer>;

interface Step {
  what: string;
  outcome: string;
  good: boolean;
}

/** Runs it and prints it; false when something was not as promised. */
export async function showLife(): Promise<boolean> {
  const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-life-'));
  try {
    const steps = await live(folder);
    const rows = steps.map(({ what, outcome, good }) => [
      what,
      outcome,
      good ? paint('green', '✓') : paint('red', '✗ not as promised'),
    ]);
    console.log(`${table([{ title: 'the life of a volume' }, { title: '' }, { title: '' }], rows)}\n`);
    return steps.every(({ good }) => good);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function live(folder: string): Promise<Step[]> {
  const steps: Step[] = [];
  const step = (what: string, outcome: string, good = true): void => {
    steps.push({ what, outcome, good });
  };
  const tree = treeOf(SOURCE);
  const image = path.join(folder, 'built.img');
  const report = await buildImage(SOURCE, image, { size: 64 << 20 });
  step('build', `${tree.size} files, ${bytes(report.bytes)}, from a directory of this repository`);

  const base = MemoryDevice.from(new Uint8Array(readFileSync(image)));
  const clean = runSync(checkVolume(base));
  step(
    'check',
    clean.findings.length === 0 ? 'clean' : `${clean.findings.length} findings`,
    clean.findings.length === 0,
  );

  const device = new PowerCutDevice(base);
  const promised = edit(openVolumeSync(device, { writable: true }), tree);
  const lost = device.imageAfter(device.position, 'subset', ACCIDENT);
  step(
    'edit',
    `renamed, removed, overwritten; ${device.writes} writes, ${promised.size} files promised by sync and fsync`,
  );
  step('cut the power', 'some of the last writes are lost, as a disk may lose them');

  const recovered = openVolumeSync(lost, { writable: true });
  const missing = differences(promised, (file) => readOrUndefined(recovered, file));
  step('recover', missing.length === 0 ? 'everything that was promised is there' : missing[0]!, missing.length === 0);
  await recovered.close();
  // Closed with the volume; what it holds is still there.
  const left = lost.clone();
  const sound = runSync(checkVolume(left));
  step(
    'check',
    sound.findings.length === 0 ? 'clean' : `${sound.findings.length} findings`,
    sound.findings.length === 0,
  );

  const target = path.join(folder, 'extracted');
  const volume = openVolumeSync(left);
  await extract(volume, target);
  await volume.close();
  const found = treeOf(target);
  const wrong = differences(promised, (file) => found.get(file));
  step('extract', `${found.size} files, compared byte for byte`, wrong.length === 0);
  return steps;
}

/**
 * Changes the volume, and leaves it in the middle. Returns what must be there whatever happens: what was there, with the
 * changes that sync or fsync confirmed; what was touched later is left out.
 */
function edit(volume: Volume, tree: Tree): Tree {
  const promised: Tree = new Map(tree);
  const files = [...tree.keys()].sort();
  const [renamed, removed, overwritten, unsure] = files as [string, string, string, string];
  const moved = 'kept/under another name.ts';
  volume.mkdirSync('/kept');
  volume.renameSync(`/${renamed}`, `/${moved}`);
  volume.rmSync(`/${removed}`);
  promised.set(moved, promised.get(renamed)!);
  promised.delete(renamed);
  promised.delete(removed);
  const fd = volume.openSync(`/${overwritten}`, 'r+');
  volume.writeSync(fd, Buffer.from('// begins anew\n'), 0, 15, 0);
  const changed = Buffer.from(promised.get(overwritten)!);
  changed.write('// begins anew\n');
  promised.set(overwritten, changed);
  volume.scheduler.runSync(volume.f2fs.sync());

  // After the checkpoint: one file by fsync, the rest by nothing.
  const more = Buffer.from('appended behind the last checkpoint\n');
  volume.writeFileSync('/kept/new.txt', more);
  const fresh = volume.openSync('/kept/new.txt', 'r+');
  volume.fsyncSync(fresh);
  promised.set('kept/new.txt', more);
  volume.writeFileSync(`/${unsure}`, 'perhaps');
  promised.delete(unsure);
  for (let index = 0; index < 50; index++) volume.writeFileSync(`/kept/perhaps ${index}`, Buffer.alloc(20_000, index));
  // Their contents go to the device; nothing that leads to them does.
  volume.scheduler.runSync(volume.f2fs.writer!.flusher.sync());
  return promised;
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
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(root, name);
    if (statSync(file).isFile()) tree.set(name.split(path.sep).join('/'), readFileSync(file));
  }
  return tree;
}
