// f2fs build: a volume from a directory or a tar archive.

import { Argument, Command, Option } from 'commander';
import {
  type BuildFormatOptions,
  type BuildOptions,
  type BuildProgress,
  type BuildReport,
  buildImage,
  FsError,
  loadCodecs,
} from 'f2fskit';
import type { Context } from '../command.ts';
import { type Method, parseCluster, parseMethod } from '../compression-options.ts';
import { Interrupted, UsageError } from '../errors.ts';
import { addNames, type FormatValues, parsePercent } from '../format-options.ts';
import { parseOwner } from '../operands.ts';
import { jsonPath, type Output, type Streams, visible } from '../output.ts';
import { showBytes } from '../show.ts';
import { parseInteger, parseSize } from '../size.ts';
import { sourceDateEpoch } from '../time.ts';

interface Options extends FormatValues {
  size?: number | 'auto' | 'min';
  owner?: { uid: number; gid: number };
  include?: string[];
  exclude?: string[];
  xattrs: boolean;
  compress?: Method;
  cluster?: number;
  checksum?: boolean;
  compressExtension?: string[];
  nocompressExtension?: string[];
  workers?: number;
  readOnly?: boolean;
  force?: boolean;
  quiet?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

const STDIN = '-';

const examples = [
  ['f2fs build rootfs root.img', 'a directory, with a fifth of the volume free'],
  ['f2fs build rootfs root.img --size min -l root', 'as small as it gets'],
  ['f2fs build rootfs root.img --size 2G --owner 0:0', 'of a size, everything owned by root'],
  ['f2fs build layer.tar.gz layer.img', 'an archive'],
  ['docker export web | f2fs build - web.img', 'an archive from standard input'],
  ["f2fs build src src.img --exclude .git --exclude '*.o'", 'not all of it'],
  ['f2fs build rootfs root.img --compress zstd:9 --cluster 64K', 'compressed; what that saves stays reserved'],
  ['f2fs build rootfs root.img --size min --compress lz4:9 --read-only', 'small, and never written to again'],
  ['SOURCE_DATE_EPOCH=0 f2fs build rootfs root.img', 'the same bytes with every run'],
] as const;

const notes =
  'Kept are contents, holes, names as bytes, modes, owners, times, hard links, symlinks, devices, extended attributes and\n' +
  'access control lists. What could not be read is said and counted; the rest is built. IMAGE has its name only when it is\n' +
  'complete and durable; a device is written in place, with -f. With SOURCE_DATE_EPOCH, later times become that one, and\n' +
  'the uuid comes from what is built.\n' +
  'Exit codes: 0 built, 1 failed or something is missing, 2 wrong usage, 130 interrupted.';

/** Its first argument is the source and not IMAGE: it is added by itself. */
export function addBuild(program: Command, context: Context): void {
  const command = new Command('build')
    .summary('make a volume from a directory or a tar archive')
    .description('make a volume from a directory or a tar archive')
    .addArgument(
      new Argument(
        '<source>',
        'a directory, a tar archive (ustar, pax, GNU; also with gzip), or - for one on standard input',
      ),
    )
    .addArgument(new Argument('<image>', 'where to: a file, made by this, or a block device'))
    .addOption(
      new Option(
        '--size <bytes>',
        'auto: a fifth stays free (default); min: the smallest; or a number with K, M, G or T',
      ).argParser(parseWantedSize),
    )
    .addOption(
      new Option('--include <glob>', 'only what matches, and what lies in it; may be repeated').argParser(addOne),
    )
    .addOption(new Option('--exclude <glob>', 'not what matches; a name matches in any directory').argParser(addOne))
    .addOption(
      new Option('--owner <uid:gid>', 'of everything; default: the owners of the source').argParser(parseOwner),
    )
    .addOption(
      new Option(
        '--compress <alg[:level]>',
        'compress files: lz4, lz4:3 to lz4:16, lzo, lzo-rle, zstd:1 to zstd:22',
      ).argParser(parseMethod),
    )
    .addOption(
      new Option('--cluster <bytes>', 'what is compressed as one: 16K (default) to 1M').argParser(parseCluster),
    )
    .addOption(new Option('--checksum', 'clusters carry checksums'))
    .addOption(
      new Option('--compress-extension <extensions>', 'only files with one of these; default: all').argParser(addNames),
    )
    .addOption(new Option('--nocompress-extension <extensions>', 'not files with one of these').argParser(addNames))
    .addOption(
      new Option('--workers <number>', 'threads that compress beside the first; default: the other cores').argParser(
        parseInteger,
      ),
    )
    .addOption(new Option('--read-only', 'for reading only: what compression saves is free, and nobody writes to it'))
    .addOption(new Option('--no-xattrs', 'leave extended attributes out'))
    .addOption(new Option('-l, --label <text>', 'label, at most 512 bytes'))
    .addOption(new Option('-U, --uuid <uuid>', 'default: a random one'))
    .addOption(new Option('-O, --features <names>', 'features, separated by commas: extra_attr').argParser(addNames))
    .addOption(new Option('-C, --encoding <name>', 'case-insensitive directories are possible: utf8, utf8:strict'))
    .addOption(new Option('-g, --defaults <set>', 'android: its features').choices(['android']))
    .addOption(new Option('-i, --large-nat', 'a larger node table, for very many small files'))
    .addOption(new Option('-o, --overprovision <percent>', 'what files cannot have').argParser(parsePercent))
    .addOption(new Option('-s, --segments-per-section <number>', 'default: 1').argParser(parseInteger))
    .addOption(new Option('-z, --sections-per-zone <number>', 'default: 1').argParser(parseInteger))
    .addOption(new Option('-E, --hot <extensions>', 'more extensions of files that change often').argParser(addNames))
    .addOption(new Option('-e, --cold <extensions>', 'more extensions of files that rarely change').argParser(addNames))
    .addOption(new Option('-f, --force', 'replace a file, or write over a device'))
    .addOption(new Option('-q, --quiet', 'print nothing but what is missing'))
    .addOption(new Option('--dry-run', 'show how large it would be, and write nothing'))
    .addOption(new Option('--json', 'the report as one JSON document'));
  const width = Math.max(...examples.map(([line]) => line.length));
  command.addHelpText(
    'after',
    `\nExamples:\n${examples.map(([line, what]) => `  $ ${line.padEnd(width)}  # ${what}`).join('\n')}`,
  );
  command.addHelpText('after', `\n${notes}`);
  command.action(async (source: string, image: string, options: Options) => {
    await build(source, image, options, context);
  });
  program.addCommand(command.copyInheritedSettings(program));
}

async function build(source: string, image: string, options: Options, context: Context): Promise<void> {
  const { output, streams, environment } = context;
  if (image === '-') throw new UsageError('a volume is made in a file or on a device, not in a stream');
  const { compress, cluster, checksum, compressExtension, nocompressExtension } = options;
  if (compress === undefined && (cluster ?? checksum ?? compressExtension ?? nocompressExtension) !== undefined) {
    throw new UsageError('--cluster, --checksum and extensions to compress go with --compress');
  }
  const epoch = sourceDateEpoch(environment);
  const stop = new AbortController();
  const release = streams.onSignal?.((signal) => {
    stop.abort(new Interrupted(signal, 'interrupted; nothing of the volume is left'));
  });
  const progress = progressLine(streams);
  try {
    const report = await buildImage(source === STDIN ? bytesOf(streams.stdin) : source, image, {
      ...libraryOptions(options),
      // Loading the encoder of Zstandard takes time where Node has none.
      ...(compress?.algorithm === 'zstd' ? { codecs: await loadCodecs() } : {}),
      ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }),
      signal: stop.signal,
      onProgress: progress.show,
    });
    progress.clear();
    await printReport(image, report, options, output);
  } catch (error) {
    progress.clear();
    throw inWordsOfOptions(error, image);
  } finally {
    release?.();
  }
}

async function* bytesOf(stdin: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  for await (const chunk of stdin) yield chunk as Buffer;
}

function libraryOptions(options: Options): BuildOptions {
  const format: BuildFormatOptions = {
    ...given('label', options.label),
    ...given('uuid', options.uuid),
    ...given('features', options.features),
    ...given('encoding', options.encoding),
    ...given('overprovision', options.overprovision),
    ...given('segmentsPerSection', options.segmentsPerSection),
    ...given('sectionsPerZone', options.sectionsPerZone),
    ...given('hotExtensions', options.hot),
    ...given('coldExtensions', options.cold),
    largeNatBitmap: options.largeNat === true,
    android: options.defaults === 'android',
  };
  return {
    format,
    ...given('size', options.size),
    ...given('owner', options.owner),
    ...given('include', options.include),
    ...given('exclude', options.exclude),
    ...given('compress', compressionOf(options)),
    ...given('compressWorkers', options.workers),
    readOnly: options.readOnly === true,
    xattrs: options.xattrs,
    force: options.force === true,
    dryRun: options.dryRun === true,
  };
}

function compressionOf({
  compress,
  cluster,
  checksum,
  compressExtension,
  nocompressExtension,
}: Options): BuildOptions['compress'] {
  if (compress === undefined) return undefined;
  return {
    ...compress,
    ...given('logClusterSize', cluster),
    ...given('checksum', checksum),
    ...given('extensions', compressExtension),
    ...given('noExtensions', nocompressExtension),
  };
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value });
}

/** The letter of each option of the library. */
const letters: Readonly<Record<string, string>> = {
  size: '--size',
  label: '-l',
  features: '-O',
  overprovision: '-o',
  uuid: '-U',
  encoding: '-C',
  segmentsPerSection: '-s',
  sectionsPerZone: '-z',
  hotExtensions: '-E',
  coldExtensions: '-e',
  compress: '--compress',
};

/** What is wrong with an option is wrong usage; what is there already is to be replaced on request only. */
function inWordsOfOptions(error: unknown, image: string): unknown {
  if (!(error instanceof FsError)) return error;
  if (error.code === 'EEXIST') return new Error(`${visible(image)} is there already: -f replaces it`);
  const [, option = '', rest = ''] = /^(\w+): (.*)$/s.exec(error.detail ?? '') ?? [];
  const letter = error.code === 'EINVAL' || error.code === 'EOPNOTSUPP' ? letters[option] : undefined;
  return letter === undefined ? error : new UsageError(`${letter}: ${rest}`);
}

/** One line that is written over, on a terminal only. */
function progressLine({ stderr }: Pick<Streams, 'stderr'>): { show(progress: BuildProgress): void; clear(): void } {
  if (stderr.isTTY !== true) return { show: () => {}, clear: () => {} };
  let shown = false;
  return {
    show({ phase, entries, entriesTotal, bytes, bytesTotal, path }) {
      shown = true;
      const name = visible(Buffer.from(path).toString()).slice(-40);
      const text =
        phase === 'listing'
          ? `${entries} found`
          : `${entries} of ${entriesTotal}, ${showBytes(bytes)} of ${showBytes(bytesTotal)}  ${name}`;
      stderr.write(`\r\u001b[K${text}`);
    },
    clear() {
      if (shown) stderr.write('\r\u001b[K');
      shown = false;
    },
  };
}

const reasonTexts: Record<string, string> = {
  unreadable: 'could not be read and missing',
  changed: 'changed while they were read',
  path: 'with a path that no volume can have',
  link: 'hard links to nothing',
  refused: 'refused by the volume',
  kind: 'of a kind that no volume has',
  xattr: 'without some of their extended attributes',
};

/** Examples shown of each reason. */
const SHOWN_MAX = 5;

async function printReport(image: string, report: BuildReport, options: Options, output: Output): Promise<void> {
  if (report.failures > 0) output.failed = true;
  if (options.json === true) {
    await output.json(asJson(image, report, options));
    return;
  }
  for (const [reason, { count, examples: some }] of report.reasons) {
    output.note(`${count} ${reasonTexts[reason]}:`);
    for (const { path, message } of some.slice(0, SHOWN_MAX)) {
      output.note(`  ${path.length === 0 ? '' : `${Buffer.from(path).toString()}: `}${message}`);
    }
    if (count > SHOWN_MAX) output.note(`  … and ${count - SHOWN_MAX} more`);
  }
  for (const warning of report.warnings) output.note(warning);
  if (options.quiet !== true) await printRows(image, report, options, output);
}

async function printRows(
  image: string,
  report: BuildReport,
  { dryRun = false }: Options,
  output: Output,
): Promise<void> {
  const { uuid, label, features, size, files, bytes, holeBytes, directories, symlinks, hardLinks, specials } = report;
  const contents = [`${files} files (${showBytes(bytes)})`, `${directories} directories`];
  if (symlinks > 0) contents.push(`${symlinks} symlinks`);
  if (hardLinks > 0) contents.push(`${hardLinks} hard links`);
  if (specials > 0) contents.push(`${specials} special files`);
  if (holeBytes > 0) contents.push(`${showBytes(holeBytes)} of holes`);
  const { compressedFiles, savedBlocks, releasedBlocks } = report;
  const saved = [`${compressedFiles} files, ${showBytes(savedBlocks * 4096)} saved`];
  if (releasedBlocks > 0) saved.push(`${showBytes(releasedBlocks * 4096)} of it free`);
  else if (savedBlocks > 0) saved.push('kept for the files');
  const used = size.usedBlocks * 4096;
  const room = size.userBlocks * 4096;
  const rows: Array<[label: string, value: string]> = [
    ['Label', label === '' ? '(none)' : visible(label)],
    ...(uuid === undefined ? [] : [['UUID', uuid] as [string, string]]),
    ['Features', features.join(' ') || '(none)'],
    ['Size', `${showBytes(size.bytes)} (${size.bytes} bytes)`],
    ['Used', `${showBytes(used)} of ${showBytes(room)}, ${showBytes(room - used)} free`],
    ...(dryRun ? [] : [['Contents', contents.join(', ')] as [string, string]]),
    ...(compressedFiles > 0 ? [['Compressed', saved.join(', ')] as [string, string]] : []),
  ];
  await output.line(output.heading(`${visible(image)}: ${dryRun ? 'would be an F2FS volume' : 'F2FS volume built'}`));
  for (const [name, value] of rows) await output.line(`  ${name.padEnd(13)} ${value}`);
}

function asJson(image: string, report: BuildReport, options: Options): object {
  const { reasons, ...rest } = report;
  const listed = [...reasons].map(([reason, { count, examples: some }]) => ({
    reason,
    count,
    examples: some.map(({ path, message }) => ({ ...jsonPath(path), message })),
  }));
  return { schema: 'f2fs.build/1', image, made: options.dryRun !== true, ...rest, reasons: listed };
}

function parseWantedSize(text: string): number | 'auto' | 'min' {
  return text === 'auto' || text === 'min' ? text : parseSize(text);
}

function addOne(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}
