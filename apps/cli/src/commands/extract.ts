import { open, rename, rm } from 'node:fs/promises';
import { Argument, Option } from 'commander';
import { type ExtractReport, extract as extractFiles, tarStream, type Volume } from 'f2fskit';
import type { CommandSpec, Context } from '../command.ts';
import { Interrupted, UsageError } from '../errors.ts';
import { jsonPath, type Output } from '../output.ts';
import { progressLine } from '../progress.ts';
import { showBytes } from '../show.ts';

interface Options {
  tar?: string;
  force?: boolean;
  resume?: boolean;
  devices?: boolean;
  sameOwner: boolean;
  xattrs: boolean;
  json?: boolean;
}

export const extract: CommandSpec<Options> = {
  name: 'extract',
  summary: 'copy everything out: into a directory, or as a tar archive',
  arguments: [
    new Argument('[dir]', 'where to: a directory of the host, made if need be; not with --tar'),
    new Argument('[path...]', 'only these paths of the volume, directories with everything in them'),
  ],
  options: [
    new Option('--tar <file>', 'write a tar archive (pax format); - is standard output'),
    new Option('--force', 'replace files that are there already'),
    new Option('--resume', 'go on where an interrupted run stopped: complete files are kept'),
    new Option('--devices', 'make device nodes and fifos (as root)'),
    new Option('--no-same-owner', 'do not set owners, also as root'),
    new Option('--no-xattrs', 'leave extended attributes out'),
    new Option('--json', 'the report as one JSON document'),
  ],
  examples: [
    ['f2fs extract userdata.img out', 'everything, with modes, times, owners as far as the host allows'],
    ['f2fs extract userdata.img out /app /media/0', 'two directories'],
    ['f2fs extract userdata.img out --resume', 'go on after an interruption'],
    ['f2fs extract userdata.img --tar - | ssh host tar x', 'as a stream'],
  ],
  async run(volume, [directory, paths], options, context) {
    const selected = [...((paths as string[] | undefined) ?? [])];
    if (options.tar !== undefined) {
      if (typeof directory === 'string') selected.unshift(directory); // no directory with --tar: the first path
      await extractTar(volume, options.tar, selected, options, context);
      return;
    }
    if (typeof directory !== 'string') throw new UsageError('extract needs a directory, or --tar FILE');
    await extractDirectory(volume, directory, selected, options, context);
  },
};

async function extractDirectory(
  volume: Volume,
  directory: string,
  paths: string[],
  { force = false, resume = false, devices = false, sameOwner, xattrs, json = false }: Options,
  { output, streams }: Context,
): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    const how = `interrupted; nothing unfinished is left. Go on with: f2fs extract … ${directory} --resume`;
    stop.abort(new Interrupted(signal, how));
  };
  const release = streams.onSignal?.(onSignal);
  const progress = progressLine(streams);
  try {
    const report = await extractFiles(volume, directory, {
      ...(paths.length > 0 ? { paths } : {}),
      ...(sameOwner ? {} : { owners: false }),
      force,
      resume,
      devices,
      xattrs,
      signal: stop.signal,
      onProgress: progress.show,
    });
    progress.clear();
    await printReport(report, json, output);
  } finally {
    progress.clear();
    release?.();
  }
}

async function extractTar(
  volume: Volume,
  file: string,
  paths: string[],
  { xattrs, json = false }: Options,
  { output }: Context,
): Promise<void> {
  const { chunks, report } = tarStream(volume, { xattrs, ...(paths.length > 0 ? { paths } : {}) });
  if (file === '-') {
    for await (const chunk of chunks) await output.write(chunk.slice());
  } else {
    // A file of our own beside the final name, renamed when it is complete.
    const unfinished = `${file}.f2fs-unfinished`;
    const handle = await open(unfinished, 'wx');
    try {
      for await (const chunk of chunks) await handle.writeFile(chunk);
      await handle.close();
      await rename(unfinished, file);
    } catch (error) {
      await handle.close().catch(() => {});
      await rm(unfinished, { force: true });
      throw error;
    }
  }
  await printReport(report, json && file !== '-', output);
}

const reasonTexts: Record<string, string> = {
  unreadable: 'could not be read and is missing',
  exists: 'not written: something is there already',
  host: 'refused by the host',
  name: 'has a name that the host cannot have',
  special: 'devices, fifos and sockets left out',
  owner: 'with another owner',
  mode: 'without set-user-id or set-group-id',
  xattr: 'without extended attributes',
};

/** Examples shown of each reason. */
const SHOWN_MAX = 5;

async function printReport(report: ExtractReport, json: boolean, output: Output): Promise<void> {
  if (report.failures > 0) output.failed = true;
  if (json) {
    const { files, directories, symlinks, hardLinks, specials, kept, bytes, holeBytes, failures } = report;
    const reasons = [...report.reasons].map(([reason, { count, examples }]) => ({
      reason,
      count,
      examples: examples.map(({ path, message }) => ({ ...jsonPath(path), message })),
    }));
    const counts = { files, directories, symlinks, hardLinks, specials, kept, bytes, holeBytes, failures };
    await output.json({ schemaVersion: 1, ...counts, reasons });
    return;
  }
  const { files, directories, symlinks, hardLinks, specials, kept, bytes, holeBytes } = report;
  const parts = [`${files} files (${showBytes(bytes)})`, `${directories} directories`];
  if (symlinks > 0) parts.push(`${symlinks} symlinks`);
  if (hardLinks > 0) parts.push(`${hardLinks} hard links`);
  if (specials > 0) parts.push(`${specials} special files`);
  if (kept > 0) parts.push(`${kept} kept from before`);
  if (holeBytes > 0) parts.push(`${showBytes(holeBytes)} of holes`);
  output.note(parts.join(', '));
  for (const [reason, { count, examples }] of report.reasons) {
    output.note(`${count} ${reasonTexts[reason]}:`);
    for (const { path, message } of examples.slice(0, SHOWN_MAX)) {
      output.note(`  ${path.length === 0 ? '' : `${Buffer.from(path).toString()}: `}${message}`);
    }
    if (count > SHOWN_MAX) output.note(`  … and ${count - SHOWN_MAX} more`);
  }
}
