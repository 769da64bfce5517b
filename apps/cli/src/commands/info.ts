// f2fs info: the volume as a whole.

import type { F2fsInode } from '@f2fskit/f2fs';
import { checkpointFlagNames, featureNames } from '@f2fskit/f2fs-format';
import { Option } from 'commander';
import { FsError, type Volume } from 'f2fskit';
import type { CommandSpec } from '../command.ts';
import { compressionOf, showGain } from '../compression.ts';
import { type Output, visible } from '../output.ts';
import { showBytes } from '../show.ts';
import { absolutePath, visit } from '../walk.ts';

interface Options {
  json?: boolean;
  quick?: boolean;
}

const BLOCK_BYTES = 4096;

export const info: CommandSpec<Options> = {
  name: 'info',
  summary: 'show the superblock, features, geometry, usage, health and compression totals',
  arguments: [],
  options: [
    new Option('--quick', 'leave out the compression totals, which need every inode'),
    new Option('--json', 'one JSON document'),
  ],
  examples: [
    ['f2fs info userdata.img', 'what this volume is'],
    ['f2fs info disk.img#userdata', 'the volume in one partition of a disk'],
    ['f2fs info --json --quick /dev/sda3 | jq .features', 'features, for a script'],
  ],
  async run(volume, _args, { json = false, quick = false }, { output }) {
    const report = describe(volume);
    const compression =
      !quick && report.features.includes('compression') ? await compressionTotals(volume, output) : undefined;
    if (json)
      await output.json({ schema: 'f2fs.info/1', ...report, ...(compression === undefined ? {} : { compression }) });
    else await print(output, report, compression);
  },
};

type Report = ReturnType<typeof describe>;

function describe({ f2fs, device, problems, container }: Volume) {
  const { superblock, checkpoint, pack } = f2fs;
  const usage = f2fs.usage();
  return {
    uuid: superblock.uuid,
    label: superblock.volumeName,
    formatVersion: `${superblock.majorVersion}.${superblock.minorVersion}`,
    createdBy: superblock.initVersion,
    lastUsedBy: superblock.version,
    features: featureNames(superblock.features),
    encoding:
      superblock.encoding === 0 ? null : superblock.encoding === 1 ? 'utf8-12.1' : `unknown ${superblock.encoding}`,
    geometry: {
      deviceBytes: device.size,
      volumeBytes: superblock.blockCount * BLOCK_BYTES,
      blockBytes: BLOCK_BYTES,
      blocks: superblock.blockCount,
      segments: superblock.segmentCount,
      segmentsMain: superblock.segmentCountMain,
      segmentsPerSection: superblock.segmentsPerSection,
      sectionsPerZone: superblock.sectionsPerZone,
      checkpointAddress: superblock.checkpointAddress,
      sitAddress: superblock.sitAddress,
      natAddress: superblock.natAddress,
      ssaAddress: superblock.ssaAddress,
      mainAddress: superblock.mainAddress,
    },
    usage: {
      ...usage,
      blocksUsed: checkpoint.validBlockCount,
      segmentsFree: checkpoint.freeSegmentCount,
      segmentsOverprovision: checkpoint.overprovisionSegmentCount,
      segmentsReserved: checkpoint.reservedSegmentCount,
    },
    checkpoint: {
      version: checkpoint.version,
      pack: pack.index + 1,
      flags: checkpointFlagNames(checkpoint.flags),
      mountedSeconds: checkpoint.elapsedTime,
      superblockCopy: f2fs.superblockCopy + 1,
    },
    container,
    problems: problems.map(({ kind, message }) => ({ kind, message })),
  };
}

/** Sums over every compressed file, counted by its slots. Blocks of 4 KiB. */
async function compressionTotals(volume: Volume, output: Output) {
  const totals = { files: 0, logicalBlocks: 0, storedBlocks: 0, savedBlocks: 0, releasedBlocks: 0, releasedFiles: 0 };
  const seen = new Set<number>();
  for await (const visited of visit(volume, '/', {}, output)) {
    const inode = visited.inode as F2fsInode;
    const { fields } = inode;
    if (!fields.compressed || (fields.links > 1 && seen.has(inode.ino))) continue;
    if (fields.links > 1) seen.add(inode.ino);
    try {
      const report = await compressionOf(volume, inode);
      totals.files++;
      totals.logicalBlocks += report.logicalBlocks;
      totals.storedBlocks += report.storedBlocks;
      totals.savedBlocks += report.savedBlocks;
      totals.releasedBlocks += report.releasedBlocks;
      if (report.released) totals.releasedFiles++;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      output.unreadable(absolutePath(visited), error);
    }
  }
  return totals;
}

async function print(
  output: Output,
  report: Report,
  compression?: Awaited<ReturnType<typeof compressionTotals>>,
): Promise<void> {
  const { geometry, usage, checkpoint } = report;
  const percent = usage.blocks === 0 ? 0 : Math.round((100 * usage.blocksUsed) / usage.blocks);
  const sections: Array<[title: string, rows: Array<[label: string, value: string]>]> = [
    [
      'Volume',
      [
        ['Label', report.label === '' ? '(none)' : report.label],
        ['UUID', report.uuid],
        ['Features', report.features.join(' ') || '(none)'],
        ['Made by', report.createdBy],
        ['Last used by', report.lastUsedBy],
        // A partition's name is anybody's text.
        ...report.container.map((sentence): [string, string] => ['Inside', visible(sentence)]),
      ],
    ],
    [
      'Geometry',
      [
        ['Size', `${showBytes(geometry.volumeBytes)} (${geometry.blocks} blocks of ${geometry.blockBytes} bytes)`],
        ['Main area', `${geometry.segmentsMain} of ${geometry.segments} segments, from block ${geometry.mainAddress}`],
        ['Sections', `${geometry.segmentsPerSection} segment(s) each, ${geometry.sectionsPerZone} section(s) a zone`],
      ],
    ],
    [
      'Usage',
      [
        [
          'Used',
          `${showBytes(usage.blocksUsed * BLOCK_BYTES)} of ${showBytes(usage.blocks * BLOCK_BYTES)} (${percent} %)`,
        ],
        ['Files', `${usage.inodes} inodes, ${usage.nodes} nodes of at most ${usage.nodesMax}`],
        [
          'Segments',
          `${usage.segmentsFree} free, ${usage.segmentsOverprovision} for overprovision, ${usage.segmentsReserved} reserved`,
        ],
      ],
    ],
    [
      'Health',
      [
        ['Checkpoint', `${checkpoint.version} in pack ${checkpoint.pack}: ${checkpoint.flags.join(' ')}`],
        ['Superblock', `copy ${checkpoint.superblockCopy}`],
        ['Problems', report.problems.length === 0 ? 'none' : report.problems.map(({ message }) => message).join('; ')],
      ],
    ],
  ];
  if (compression !== undefined) {
    const { files, logicalBlocks, releasedFiles } = compression;
    sections.push([
      'Compression',
      [
        ['Files', `${files}${releasedFiles > 0 ? `, ${releasedFiles} with their saved blocks released` : ''}`],
        ['Contents', showBytes(logicalBlocks * BLOCK_BYTES)],
        ['On volume', showGain(compression)],
      ],
    ]);
  }
  for (const [index, [title, rows]] of sections.entries()) {
    if (index > 0) await output.line();
    await output.line(output.heading(title));
    for (const [label, value] of rows) await output.line(`  ${label.padEnd(13)} ${value}`);
  }
}
