// f2fs ls: the names in a directory, in byte order.

import type { F2fsInode } from '@f2fskit/f2fs';
import { compareBytes, type DirectoryEntry, type Inode, utf8Encode } from '@f2fskit/vfs';
import { Argument, Option } from 'commander';
import { type Attributes, FsError, type Volume, withPath } from 'f2fskit';
import type { CommandSpec } from '../command.ts';
import { type CompressionReport, compressionOf, showMethod } from '../compression.ts';
import { jsonName, jsonPath, type Output } from '../output.ts';
import { showMode, showTimeShort } from '../show.ts';
import { absolutePath, visit } from '../walk.ts';

interface Options {
  long?: boolean;
  recursive?: boolean;
  all?: boolean;
  compression?: boolean;
  json?: boolean;
}

const BLOCK_BYTES = 4096;

/** A row: a name, and its inode where that could be read. */
interface Row {
  name: Uint8Array;
  entry: DirectoryEntry;
  attributes?: Attributes;
  target?: Uint8Array;
  /** Of a compressed file, where it was asked for. */
  compression?: CompressionReport;
}

export const ls: CommandSpec<Options> = {
  name: 'ls',
  summary: 'list directories',
  arguments: [new Argument('[path]', 'directory or file').default('/')],
  options: [
    new Option('-l, --long', 'mode, links, owner, size, time and target'),
    new Option('-R, --recursive', 'every directory below as well'),
    new Option('-a, --all', '. and .. as well'),
    new Option('-c, --compression', 'with -l or --json: how files are compressed, and what that saves'),
    new Option('--json', 'one JSON object a directory, a line each'),
  ],
  examples: [
    ['f2fs ls -l userdata.img /data', 'a directory with details'],
    ['f2fs ls -lc userdata.img /data/app', 'and what of each file is stored, and what is saved'],
    ['f2fs ls --json -R system.img', 'everything, for programs'],
  ],
  async run(volume, [path], options, { output }) {
    let first = true;
    for await (const visited of visit(
      volume,
      path as string,
      { recursive: options.recursive === true, order: 'names' },
      output,
    )) {
      if (visited.inode.kind !== 'directory') {
        if (visited.depth > 0) continue;
        const rows = [
          await rowOf(
            volume,
            { name: utf8Encode(path as string), ino: visited.inode.ino, kind: visited.inode.kind },
            options,
            output,
          ),
        ];
        await print(rows, path as string, options, output);
        continue;
      }
      const directory = absolutePath(visited);
      const entries = await list(volume, visited.inode, options, output, directory);
      const rows: Row[] = [];
      const details = options.long === true || options.json === true;
      for (const entry of entries)
        rows.push(details ? await rowOf(volume, entry, options, output) : { name: entry.name, entry });
      if (options.json === true) {
        await output.json({ schema: 'f2fs.ls/1', ...jsonPath(directory), entries: rows.map(asObject) });
        continue;
      }
      if (options.recursive === true) {
        if (!first) await output.line();
        await output.write(output.name(directory));
        await output.line(':');
      }
      first = false;
      await print(rows, path as string, options, output);
    }
  },
};

async function list(
  volume: Volume,
  directory: Inode,
  { all = false }: Options,
  output: Output,
  path: Uint8Array,
): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  const reader = directory.list();
  for (
    let batch = await volume.scheduler.run(reader.next());
    batch !== undefined;
    batch = await volume.scheduler.run(reader.next())
  ) {
    for (const problem of batch.problems) output.unreadable(path, problem);
    entries.push(...batch.entries);
  }
  entries.sort((a, b) => compareBytes(a.name, b.name));
  if (!all) return entries;
  const parent = await volume.scheduler.run(
    withPath('open', path, volume.vfs.walk(Buffer.concat([path, utf8Encode('/..')]))),
  );
  const dots: DirectoryEntry[] = [
    { name: utf8Encode('.'), ino: directory.ino, kind: 'directory' },
    { name: utf8Encode('..'), ino: parent.inode.ino, kind: 'directory' },
  ];
  return [...dots, ...entries];
}

async function rowOf(
  volume: Volume,
  entry: DirectoryEntry,
  { compression = false }: Options,
  output: Output,
): Promise<Row> {
  try {
    const inode = (await volume.scheduler.run(volume.vfs.inodes.get(entry.ino))) as F2fsInode;
    const row: Row = { name: entry.name, entry, attributes: inode.attributes() };
    if (compression && inode.fields.compressed) row.compression = await compressionOf(volume, inode);
    if (inode.kind === 'symlink') row.target = await volume.scheduler.run(inode.readLink());
    return row;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    output.unreadable(entry.name, error);
    return { name: entry.name, entry };
  }
}

async function print(
  rows: Row[],
  _path: string,
  { long = false, compression = false }: Options,
  output: Output,
): Promise<void> {
  const cells = long ? rows.map((row) => [...longCells(row), ...(compression ? compressionCells(row) : [])]) : [];
  const widths = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((column) =>
    Math.max(0, ...cells.map((cell) => cell[column]?.length ?? 0)),
  );
  for (const [index, { name, target }] of rows.entries()) {
    if (long) {
      const cell = cells[index]!;
      const columns = cell.map((text, column) =>
        column === 0 || column === 5 || column === 6 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!),
      );
      await output.write(`${columns.join(' ')} `);
    }
    await output.write(output.name(name));
    if (long && target !== undefined) {
      await output.write(' -> ');
      await output.write(output.name(target));
    }
    await output.line();
  }
}

/** Mode, links, uid, gid, size or device, time. */
function longCells({ entry, attributes }: Row): string[] {
  if (attributes === undefined) return [`${entry.kind}?`, '?', '?', '?', '?', '?'];
  const { kind, links, uid, gid, size, deviceMajor, deviceMinor, mtime } = attributes;
  const isDevice = kind === 'char' || kind === 'block';
  const amount = isDevice ? `${deviceMajor}, ${deviceMinor}` : String(size);
  return [showMode(attributes), String(links), String(uid), String(gid), amount, showTimeShort(mtime)];
}

/** Method, bytes stored, bytes saved or given back. */
function compressionCells({ compression }: Row): string[] {
  if (compression === undefined) return ['-', '-', '-'];
  const { storedBlocks, savedBlocks, releasedBlocks, released } = compression;
  const gained = released ? `${releasedBlocks * BLOCK_BYTES} released` : `${savedBlocks * BLOCK_BYTES} saved`;
  return [showMethod(compression), String(storedBlocks * BLOCK_BYTES), gained];
}

function asObject({ name, entry, attributes, target, compression }: Row): object {
  const { ino, kind } = entry;
  if (attributes === undefined) return { ...jsonName(name), ino, type: kind, error: true };
  const { mode, links, uid, gid, size, mtime } = attributes;
  const shown = {
    ...jsonName(name),
    ino,
    type: attributes.kind,
    mode: (mode & 0o7777).toString(8),
    links,
    uid,
    gid,
    size,
    mtime: mtime.seconds,
    ...(compression === undefined ? {} : { compression }),
  };
  return target === undefined ? shown : { ...shown, target: Buffer.from(target).toString() };
}
