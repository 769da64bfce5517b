// f2fs stat: everything an inode says of itself.

import type { F2fsInode } from '@f2fskit/f2fs';
import { adviseNames, inlineFlagNames, inodeFlagNames } from '@f2fskit/f2fs-format';
import { Argument, Option } from 'commander';
import { FsError, type Volume, withPath } from 'f2fskit';
import type { CommandSpec } from '../command.ts';
import { compressionOf, showGain, showMethod } from '../compression.ts';
import { jsonName, jsonPath, type Output } from '../output.ts';
import { isoTime, showBytes, showMode, showTime } from '../show.ts';

interface Options {
  json?: boolean;
  dereference?: boolean;
}

export const stat: CommandSpec<Options> = {
  name: 'stat',
  summary: 'show what inodes say: attributes, flags, compression, where they lie',
  arguments: [new Argument('<path...>', 'files of any kind; symlinks are not followed')],
  options: [
    new Option('-L, --dereference', 'follow a symlink at the end'),
    new Option('--json', 'one JSON object a file, a line each'),
  ],
  examples: [
    ['f2fs stat userdata.img /data/app/base.apk', 'one file'],
    ['f2fs stat --json system.img /lib/libc.so | jq .compression', 'how well it compressed'],
  ],
  async run(volume, [paths], { json = false, dereference = false }, { output }) {
    let first = true;
    for (const path of paths as string[]) {
      try {
        const { inode, path: resolved } = await volume.scheduler.run(
          withPath('stat', path, volume.vfs.walk(path, { followLast: dereference })),
        );
        const report = await describe(volume, inode as F2fsInode);
        if (json) await output.json({ schema: 'f2fs.stat/1', ...jsonPath(resolved), ...report });
        else {
          if (!first) await output.line();
          first = false;
          await print(output, resolved, inode as F2fsInode, report);
        }
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
        output.fail(error.message);
      }
    }
  },
};

type Report = Awaited<ReturnType<typeof describe>>;

async function describe(volume: Volume, inode: F2fsInode) {
  const { fields, raw } = inode;
  const attributes = inode.attributes();
  const { atime, mtime, ctime, birthtime } = attributes;
  const target = inode.kind === 'symlink' ? await volume.scheduler.run(inode.readLink()) : undefined;
  const times = { atime, mtime, ctime, ...(birthtime === undefined ? {} : { birthtime }) };
  return {
    ino: inode.ino,
    type: inode.kind,
    mode: (attributes.mode & 0o7777).toString(8),
    links: attributes.links,
    uid: attributes.uid,
    gid: attributes.gid,
    size: attributes.size,
    sectors: attributes.blocks,
    ...(inode.kind === 'char' || inode.kind === 'block'
      ? { deviceMajor: attributes.deviceMajor, deviceMinor: attributes.deviceMinor }
      : {}),
    ...Object.fromEntries(Object.entries(times).map(([name, time]) => [name, { ...time, iso: isoTime(time) }])),
    ...(target === undefined ? {} : { target: Buffer.from(target).toString() }),
    generation: fields.generation,
    ...(fields.projectId === undefined ? {} : { projectId: fields.projectId }),
    flags: inodeFlagNames(fields.flags),
    inlineFlags: inlineFlagNames(fields.inlineFlags),
    advise: adviseNames(fields.advise),
    inodeBlock: raw.address,
    blocks: fields.blocks,
    parentIno: fields.parentIno,
    lastKnownName: jsonName(fields.nameBytes),
    xattrNid: fields.xattrNid,
    ...(fields.compressed ? { compression: await compressionOf(volume, inode) } : {}),
  };
}

async function print(output: Output, path: Uint8Array, inode: F2fsInode, report: Report): Promise<void> {
  const attributes = inode.attributes();
  const rows: Array<[label: string, value: string]> = [
    ['Type', `${report.type}, ${showMode(attributes)} (${report.mode})`],
    [
      'Size',
      `${report.size} bytes${report.size >= 1024 ? ` (${showBytes(report.size)})` : ''}, ${report.blocks} blocks on the volume`,
    ],
    [
      'Owner',
      `uid ${report.uid}, gid ${report.gid}${report.projectId === undefined ? '' : `, project ${report.projectId}`}`,
    ],
    ['Links', String(report.links)],
    ['Inode', `${report.ino} at block ${report.inodeBlock}, generation ${report.generation}`],
    ['Access', showTime(attributes.atime)],
    ['Modify', showTime(attributes.mtime)],
    ['Change', showTime(attributes.ctime)],
  ];
  if (attributes.birthtime !== undefined) rows.push(['Birth', showTime(attributes.birthtime)]);
  if (report.target !== undefined) rows.push(['Target', report.target]);
  if ('deviceMajor' in report) rows.push(['Device', `${report.deviceMajor}:${report.deviceMinor}`]);
  const flags = [...report.flags, ...report.inlineFlags, ...report.advise];
  if (flags.length > 0) rows.push(['Flags', flags.join(' ')]);
  if (report.xattrNid !== 0) rows.push(['Xattrs', `in node ${report.xattrNid}`]);
  if (report.compression !== undefined) {
    const { checksum, clusterBytes, released } = report.compression;
    const how = `${showMethod(report.compression)}, clusters of ${showBytes(clusterBytes)}${checksum ? ', checksums' : ''}`;
    rows.push(['Compressed', how]);
    rows.push(['Stored', `${showGain(report.compression)}${released ? '; not writable' : ''}`]);
  }
  await output.write(output.name(path));
  await output.line();
  for (const [label, value] of rows) await output.line(`  ${output.heading(label.padEnd(10))} ${value}`);
}
