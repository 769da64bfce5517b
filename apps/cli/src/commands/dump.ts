// f2fs dump: the bytes of one structure, field by field. The superblock and the checkpoint are read from the device, so
// they show also where no mount succeeds; everything else needs a mounted volume.
//
// A structure that breaks a rule of its format is shown all the same; the rule is said, and the exit code is 1. A number
// that the volume does not have is wrong usage.

import { posix as path } from 'node:path';
import { closeDevice } from '@f2fskit/block';
import { segmentTypeName } from '@f2fskit/f2fs-format';
import {
  addressMeaning,
  allProblems,
  DentryDumps,
  type Dump,
  type DumpSource,
  dumpBlock,
  dumpCheckpoint,
  dumpCluster,
  dumpDnode,
  dumpInode,
  dumpJson,
  dumpNat,
  dumpSit,
  dumpSsa,
  dumpSuperblock,
  type NatLine,
  NatRange,
  type SitLine,
  SitRange,
  tableLines,
} from '@f2fskit/f2fs-tools';
import { runAsync, type Task } from '@f2fskit/task';
import { Argument, CommanderError, Option } from 'commander';
import { FsError, type Volume, withPath } from 'f2fskit';
import { type Context, type ImageCommandSpec, withVolume } from '../command.ts';
import { openDevice } from '../image.ts';
import { type Output, visible } from '../output.ts';

interface Options {
  copy?: string;
  pack?: string;
  notes?: boolean;
  json?: boolean;
}

/** What a structure's arguments are, for messages; and how it is printed. */
interface Structure {
  usage: string;
  /** How many arguments it takes. */
  arguments: readonly [min: number, max: number];
  print(volume: Volume, args: readonly string[], options: Options, output: Output): Promise<void>;
}

const structures: Record<string, Structure> = {
  nat: {
    usage: 'nat [NID|FROM-TO]',
    arguments: [0, 1],
    print: (volume, [which], options, output) => printRange(which, natTable(volume), options, volume, output),
  },
  sit: {
    usage: 'sit [SEGNO|FROM-TO]',
    arguments: [0, 1],
    print: (volume, [which], options, output) => printRange(which, sitTable(volume), options, volume, output),
  },
  ssa: one('ssa SEGNO', (volume, segno) => dumpSsa(volume.f2fs, segno)),
  inode: {
    usage: 'inode INO|PATH',
    arguments: [1, 1],
    async print(volume, [which], options, output) {
      const ino = await inodeNumber(volume, which!);
      await printDump(await volume.scheduler.run(dumpInode(volume.f2fs, ino)), options, output);
    },
  },
  dnode: one('dnode NID', (volume, nid) => dumpDnode(volume.f2fs, nid)),
  dentries: {
    usage: 'dentries INO|PATH',
    arguments: [1, 1],
    async print(volume, [which], options, output) {
      const { scheduler, f2fs } = volume;
      const areas = await scheduler.run(DentryDumps.of(f2fs, await inodeNumber(volume, which!)));
      for (let area = await scheduler.run(areas.next()); area !== undefined; area = await scheduler.run(areas.next())) {
        await printDump(area, options, output);
      }
    },
  },
  cluster: {
    usage: 'cluster INO|PATH BLOCK',
    arguments: [2, 2],
    async print(volume, [which, fileBlock], options, output) {
      const block = numberOf(fileBlock!);
      const ino = await inodeNumber(volume, which!);
      await printDump(await volume.scheduler.run(dumpCluster(volume.f2fs, ino, block)), options, output);
    },
  },
  block: one('block ADDRESS', (volume, address) => dumpBlock(volume.f2fs, address)),
};

/** A structure that is found by one number. */
function one(usage: string, dumpOf: (volume: Volume, key: number) => Task<Dump>): Structure {
  return {
    usage,
    arguments: [1, 1],
    async print(volume, [which], options, output) {
      const key = numberOf(which!);
      await printDump(await volume.scheduler.run(dumpOf(volume, key)), options, output);
    },
  };
}

/** The two that need no mount. */
const fromDevice: Record<string, (source: DumpSource, options: Options) => Task<Dump>> = {
  sb: (source, { copy }) => dumpSuperblock(source, oneOrTwo(copy)),
  cp: (source, { pack }) => dumpCheckpoint(source, oneOrTwo(pack)),
};

function oneOrTwo(option: string | undefined): 0 | 1 | undefined {
  return option === undefined ? undefined : option === '1' ? 0 : 1;
}

export const dump: ImageCommandSpec<Options> = {
  name: 'dump',
  summary: 'look at the bytes: superblock, checkpoint, tables, nodes, clusters, any block',
  arguments: [
    new Argument('<structure>', 'what to look at').choices([...Object.keys(fromDevice), ...Object.keys(structures)]),
    new Argument('[which...]', 'which one: numbers are decimal or 0x hex, a path that is a number is written /5'),
  ],
  options: [
    new Option('--copy <number>', 'sb: the first or the second superblock; default: the one in use').choices([
      '1',
      '2',
    ]),
    new Option('--pack <number>', 'cp: the first or the second pack; default: the one in use').choices(['1', '2']),
    new Option('--notes', 'what each field is for'),
    new Option('--json', 'one JSON document; for ranges and dentries one object a line'),
  ],
  examples: [
    ['f2fs dump userdata.img sb', 'the superblock; works where mounting does not'],
    ['f2fs dump userdata.img cp --pack 2', 'the second checkpoint pack, with its journals'],
    ['f2fs dump userdata.img nat', 'every NAT entry in use'],
    ['f2fs dump userdata.img nat 3-20', 'some of them; one number shows both copies and the journal'],
    ['f2fs dump userdata.img sit 7', 'which blocks of segment 7 are valid'],
    ['f2fs dump userdata.img ssa 7', 'and who owns them'],
    ['f2fs dump userdata.img inode /data/app', 'an inode, by path or by number'],
    ['f2fs dump userdata.img dnode 0x15', 'any node: its slots, its nids or its attributes'],
    ['f2fs dump userdata.img dentries /data', 'the entries of a directory as they are stored'],
    ['f2fs dump userdata.img cluster /app.apk 8', 'the compressed cluster that holds file block 8'],
    ['f2fs dump userdata.img block 5639', 'any block in hex, and who owns it'],
  ],
  async runOnImage(image, [name, rest], options, context) {
    const args = (rest ?? []) as string[];
    const wrong = checkUsage(name as string, args, options);
    if (wrong !== undefined) throw wrongUsage(wrong, context);
    const read = fromDevice[name as string];
    if (read === undefined) {
      const { print } = structures[name as string]!;
      // As it lies there: recovery would show what a mount makes of it.
      await withVolume(
        image,
        context,
        (volume) => asUsage(() => print(volume, args, options, context.output), context),
        { norecovery: true },
      );
      return;
    }
    const device = await openDevice(image, context.output, context.streams);
    try {
      await printDump(await runAsync(read(device, options)), options, context.output);
    } finally {
      await runAsync(closeDevice(device));
    }
  },
};

/** What is wrong with the arguments as such, before anything is opened. */
function checkUsage(name: string, args: readonly string[], { copy, pack }: Options): string | undefined {
  if (copy !== undefined && name !== 'sb') return '--copy goes with sb only';
  if (pack !== undefined && name !== 'cp') return '--pack goes with cp only';
  const { usage, arguments: wanted } = structures[name] ?? { usage: name, arguments: [0, 0] as const };
  return args.length < wanted[0] || args.length > wanted[1] ? `usage: f2fs dump IMAGE ${usage}` : undefined;
}

/** Says what was wrong and makes the run end with the exit code of wrong usage. */
function wrongUsage(message: string, { output }: Context): CommanderError {
  output.note(message);
  return new CommanderError(2, 'f2fs.usage', message);
}

/** EINVAL is a number or a path that this volume has no such structure for. */
async function asUsage(print: () => Promise<void>, context: Context): Promise<void> {
  try {
    await print();
  } catch (error) {
    if (error instanceof FsError && error.code === 'EINVAL') throw wrongUsage(error.detail ?? error.message, context);
    if (error instanceof RangeError) throw wrongUsage(error.message, context);
    throw error;
  }
}

const NUMBER = /^(?:0x[0-9a-f]+|\d+)$/i;

function numberOf(text: string): number {
  const number = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new RangeError(`${text} is no number (decimal, or hex with 0x)`);
  return number;
}

/** `7` is one, `3-20` a range, nothing is everything. */
function rangeOf(text: string | undefined): { first?: number; last?: number } {
  if (text === undefined) return {};
  const [first, last, ...more] = text.split('-');
  if (more.length > 0) throw new RangeError(`${text} is no range: FROM-TO`);
  return last === undefined ? { first: numberOf(first!) } : { first: numberOf(first!), last: numberOf(last) };
}

/**
 * The inode number that an argument means. Of a path only the directories on the way are read, so that an inode that is
 * broken can be looked at.
 */
async function inodeNumber(volume: Volume, which: string): Promise<number> {
  if (NUMBER.test(which)) return numberOf(which);
  const { scheduler, vfs } = volume;
  const name = path.basename(which);
  if (name === '' || name === '.' || name === '..') {
    return (await scheduler.run(withPath('open', which, vfs.walk(which)))).inode.ino;
  }
  const parent = await scheduler.run(withPath('open', which, vfs.walk(path.dirname(which))));
  const ino = await scheduler.run(withPath('open', which, parent.inode.lookup(Buffer.from(name))));
  if (ino === 0) await scheduler.run(withPath('open', which, vfs.walk(which))); // throws, as any walk to nothing does
  return ino;
}

async function printDump(shown: Dump, { json = false, notes = false }: Options, output: Output): Promise<void> {
  for (const problem of allProblems(shown)) output.fail(problem.message);
  if (json) {
    await output.json(dumpJson(shown));
    return;
  }
  for (const { kind, text } of tableLines(shown, { notes })) {
    const line = visible(text);
    await output.line(kind === 'title' ? output.heading(line) : kind === 'problem' ? output.paint('red', line) : line);
  }
}

/** A table whose entries are listed as lines, or dumped one at a time. */
interface Table<Line> {
  heading: string;
  range(first?: number, last?: number): { next(): Task<Line[] | undefined> };
  dump(key: number): Task<Dump>;
  text(line: Line): string;
}

async function printRange<Line>(
  which: string | undefined,
  table: Table<Line>,
  options: Options,
  { scheduler }: Volume,
  output: Output,
): Promise<void> {
  const { first, last } = rangeOf(which);
  if (first !== undefined && last === undefined) {
    await printDump(await scheduler.run(table.dump(first)), options, output);
    return;
  }
  const range = table.range(first, last);
  if (options.json !== true) await output.line(output.heading(table.heading));
  for (let lines = await scheduler.run(range.next()); lines !== undefined; lines = await scheduler.run(range.next())) {
    for (const line of lines) await (options.json === true ? output.json(line) : output.line(table.text(line)));
  }
}

const cells = (...parts: Array<[value: string | number | bigint, width: number]>): string =>
  parts.map(([value, width]) => (width < 0 ? String(value).padEnd(-width) : String(value).padStart(width))).join('  ');

function natTable({ f2fs }: Volume): Table<NatLine> {
  return {
    heading: cells(['nid', 10], ['ino', 10], ['version', 7], ['block', 10], ['entry', -7], ['where', 0]),
    range: (first, last) => NatRange.of(f2fs, first, last),
    dump: (nid) => dumpNat(f2fs, nid),
    text({ nid, ino, version, blockAddress, source }) {
      const where = blockAddress === 1 ? 'reserved' : addressMeaning(f2fs.superblock, blockAddress);
      return cells([nid, 10], [ino, 10], [version, 7], [blockAddress, 10], [source, -7], [where, 0]);
    },
  };
}

function sitTable({ f2fs }: Volume): Table<SitLine> {
  return {
    heading: cells(['segment', 8], ['valid', 5], ['type', -10], ['time', 10], ['entry', -7], ['', 0]).trimEnd(),
    range: (first, last) => SitRange.of(f2fs, first, last),
    dump: (segno) => dumpSit(f2fs, segno),
    text({ segno, validBlocks, type, modifiedTime, source, log }) {
      const current = log === undefined ? '' : 'current';
      const row = cells([segno, 8], [validBlocks, 5], [segmentTypeName(type), -10], [modifiedTime, 10], [source, -7]);
      return `${row}  ${current}`.trimEnd();
    },
  };
}
