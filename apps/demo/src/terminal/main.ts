// npm start: opens volumes that a Linux kernel wrote, reads every byte without one, and compares with what Linux said. Then a
// volume of our own lives through a power cut.

import type { F2fsInode } from '@f2fskit/f2fs';
import { utf8Encode } from '@f2fskit/vfs';
import type { Volume } from 'f2fskit';
import { type CheckResult, checkVolume } from './check.ts';
import { loadBundled } from './golden.ts';
import { showLife } from './life.ts';
import { bar, bytes, paint, table } from './table.ts';

/** The volume that is shown from the inside. */
const SHOWN = 'compress-zstd-8';
const VOLUMES: Array<readonly [name: string, what: string]> = [
  ['plain', 'no features: holes, inline files, ten kinds of names'],
  ['compress-lz4-4', 'LZ4, clusters of 16 KiB'],
  ['compress-lz4-256', 'LZ4, clusters of 1 MiB'],
  ['compress-lz4hc-chksum', 'LZ4HC level 9, checksums'],
  ['compress-lzo-rle-4', 'LZO-RLE, clusters of 16 KiB'],
  [SHOWN, 'Zstandard, clusters of 32 KiB'],
  ['android', 'Android features, case-insensitive names'],
];
const BLOCK_BYTES = 4096;

console.log(
  `\n${paint('bold', 'f2fskit')}  reads and writes F2FS volumes without Linux. These were written by a Linux 6.1 kernel.\n`,
);

const results = new Map<string, CheckResult>();
for (const [name] of VOLUMES) results.set(name, await checkVolume(loadBundled(name)));

await showTree(results.get(SHOWN)!.volume);
await showCompressed(results.get(SHOWN)!.volume);
showVolumes();
const ok = [...results.values()].every(({ differences }) => differences.length === 0);
for (const { volume } of results.values()) await volume.close();
const kept = await showLife();
console.log('  Look around yourself:  npx f2fs --help   (volumes to try: fixtures/, gunzip them first)\n');
process.exitCode = ok && kept ? 0 : 1;

/** The first levels of the volume; long directories in short. */
async function showTree(volume: Volume): Promise<void> {
  const { f2fs, vfs, scheduler } = volume;
  console.log(
    `${paint('bold', SHOWN)}  ${bytes(f2fs.superblock.blockCount * BLOCK_BYTES)}, ${f2fs.usage().inodes} files, checkpoint ${f2fs.checkpoint.version}\n`,
  );
  const { inode } = await scheduler.run(vfs.walk('/'));
  const walk = vfs.tree(inode, utf8Encode('/'), { depthMax: 2 });
  const children = new Map<string, string[]>();
  for (let event = await scheduler.run(walk.next()); event !== undefined; event = await scheduler.run(walk.next())) {
    if (event.type !== 'entry' || event.depth === 0) continue;
    const path = Buffer.from(event.path).toString();
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    const names = children.get(parent) ?? [];
    names.push(`${Buffer.from(event.name)}${event.inode.kind === 'directory' ? '/' : ''}`);
    children.set(parent, names);
  }
  const top = children.get('/') ?? [];
  console.log('  /');
  for (const [index, name] of top.entries()) {
    const last = index === top.length - 1;
    const below = children.get(`/${name.replace(/\/$/, '')}`) ?? [];
    console.log(
      `  ${last ? '└── ' : '├── '}${paint('blue', name)}${below.length > 0 ? paint('dim', `  ${below.length} entries`) : ''}`,
    );
    if (below.length > 0) console.log(`  ${last ? '    ' : '│   '}${inShort(below)}`);
  }
  console.log();
}

function inShort(names: string[]): string {
  let text = '';
  for (const [index, name] of names.entries()) {
    const shown = name.length > 24 ? `${name.slice(0, 23)}…` : name;
    if (text.length + shown.length > 84) return `${text}… ${names.length - index} more`;
    text += `${shown}  `;
  }
  return text.trimEnd();
}

/** The compressed directory: what each file takes, and what compression saved. */
async function showCompressed(volume: Volume): Promise<void> {
  const { scheduler, vfs } = volume;
  const rows: string[][] = [];
  for (const name of await volume.promises.readdir('/c')) {
    const { inode: found } = await scheduler.run(vfs.walk(`/c/${name}`));
    const inode = found as F2fsInode;
    const { fields } = inode;
    if (!fields.compressed || fields.size === 0) continue;
    const logical = Math.ceil(fields.size / BLOCK_BYTES);
    rows.push([
      name,
      bytes(fields.size),
      String(logical),
      String(fields.compressedBlocks),
      bar(fields.compressedBlocks / logical),
    ]);
  }
  const columns = [
    { title: '/c, compressed' },
    { title: 'size', right: true },
    { title: 'blocks', right: true },
    { title: 'saved', right: true },
    { title: '' },
  ];
  console.log(`${table(columns, rows)}\n`);
}

/** One row a volume: everything was read and compared. */
function showVolumes(): void {
  const rows = VOLUMES.map(([name, what]) => {
    const { records, equal, fileBytes, clusters, deviceReads, milliseconds } = results.get(name)!;
    const verdict =
      equal === records && results.get(name)!.differences.length === 0
        ? paint('green', '✓ equal')
        : paint('red', '✗ differs');
    return [
      name,
      what,
      String(records),
      bytes(fileBytes),
      String(clusters),
      String(deviceReads),
      `${Math.round(milliseconds)} ms`,
      verdict,
    ];
  });
  const columns = [
    { title: 'volume' },
    { title: 'what is in it' },
    { title: 'files', right: true },
    { title: 'read', right: true },
    { title: 'clusters', right: true },
    { title: 'bios', right: true },
    { title: 'time', right: true },
    { title: "Linux's record" },
  ];
  console.log(`${table(columns, rows)}\n`);
  const total = [...results.values()];
  const records = total.reduce((sum, result) => sum + result.records, 0);
  const equal = total.reduce((sum, result) => sum + result.equal, 0);
  console.log(`  ${equal} of ${records} files have the type, mode, owner, size, time and SHA-256 that Linux recorded.`);
  for (const { differences } of total)
    for (const line of differences.slice(0, 5)) console.log(paint('red', `  differs: ${line}`));
  console.log();
}
