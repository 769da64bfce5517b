// f2fs get: files of the volume, and whole directories, onto the host.
//
// Everything is extracted into a directory of our own beside its place first, by the same code as `f2fs extract`, and moved
// there when it is complete: whenever a run is cut off, a name has the old file or the new one.

import fs from 'node:fs';
import path from 'node:path';
import type { Resolved } from '@f2fskit/vfs';
import { Argument, Option } from 'commander';
import { type ExtractProgress, extract, FsError, type Volume, withPath } from 'f2fskit';
import type { CommandSpec, Context } from '../command.ts';
import { Interrupted, isSystemError, UsageError } from '../errors.ts';
import { splitOperands } from '../operands.ts';
import { jsonPath } from '../output.ts';
import { progressLine } from '../progress.ts';
import { refusal, shown } from '../refusal.ts';
import { baseName } from '../volume-path.ts';

interface Options {
  recursive?: boolean;
  preserve?: boolean;
  json?: boolean;
}

const STDOUT = '-';
const CHUNK_BYTES = 1 << 20;

interface Report {
  files: number;
  bytes: number;
  failed: number;
  failures: Array<{ path: string; pathHex?: string; code?: string; message: string }>;
}

/** Failures that the report lists; all are counted. */
const FAILURES_MAX = 1000;

export const get: CommandSpec<Options> = {
  name: 'get',
  summary: 'copy files of the volume to the host',
  arguments: [
    new Argument(
      '<path...>',
      'files of the volume; the last one, DEST, is of the host: a directory, the new name, or - for standard output',
    ),
  ],
  usage: '<image> <path...> <dest>',
  options: [
    new Option('-r, --recursive', 'directories with everything in them; symlinks are copied as such'),
    new Option('-p, --preserve', 'keep owners and set-ID bits too (as root)'),
    new Option('--json', 'what was done, as one JSON document; not with - as DEST'),
  ],
  examples: [
    ['f2fs get disk.img /etc/fstab .', 'a file, into a directory'],
    ['f2fs get disk.img /etc/fstab fstab.old', 'under another name'],
    ['f2fs get -r system.img /app /priv-app out', 'two directories, into a directory'],
    ['f2fs get disk.img /dump - | zstd >dump.zst', 'to standard output'],
  ],
  notes:
    'Modes and times are kept; extended attributes are for f2fs extract. A file has its name only when it is complete. Exit\n' +
    'codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  check([operands], { json = false }) {
    const { sources, dest } = splitOperands(operands as string[]);
    if (dest !== STDOUT) return;
    if (sources.length > 1) throw new UsageError('one file goes to standard output; f2fs cat takes several');
    if (json) throw new UsageError('standard output is for the file: --json does not go with it');
  },
  async run(volume, [operands], options, context) {
    const { sources, dest } = splitOperands(operands as string[]);
    if (dest === STDOUT) {
      await toOutput(volume, sources[0]!, context);
      return;
    }
    const into = isDirectory(dest);
    const target = into ? fs.realpathSync(dest) : dest;
    if (!into && (sources.length > 1 || (dest.endsWith('/') && options.recursive !== true))) {
      throw refusal(fs.existsSync(dest) ? 'ENOTDIR' : 'ENOENT', { syscall: 'get', path: dest });
    }
    const report: Report = { files: 0, bytes: 0, failed: 0, failures: [] };
    const { output, streams } = context;
    const stop = new AbortController();
    const release = streams.onSignal?.((signal) => {
      stop.abort(new Interrupted(signal, 'interrupted; nothing unfinished is left'));
    });
    const progress = progressLine(streams);
    try {
      for (const source of sources) {
        try {
          await getOne(volume, source, { dest: target, into }, options, {
            report,
            stop: stop.signal,
            show: progress.show,
            context,
          });
        } catch (error) {
          progress.clear();
          if (!(error instanceof FsError) && !isSystemError(error)) throw error;
          count(report, Buffer.from(source), error.message, error.code);
          output.fail(error.message);
        }
      }
    } finally {
      progress.clear();
      release?.();
    }
    const { files, bytes, failed, failures } = report;
    if (options.json === true) await output.json({ schema: 'f2fs.get/1', files, bytes, failed, failures });
  },
};

async function toOutput({ scheduler, vfs }: Volume, source: string, { output }: Context): Promise<void> {
  const { inode } = await scheduler.run(withPath('open', source, vfs.walk(source)));
  for (let position = 0; ; ) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const length = await scheduler.run(withPath('read', source, inode.read(position, chunk)));
    if (length === 0) return;
    await output.write(chunk.subarray(0, length));
    position += length;
  }
}

interface Run {
  report: Report;
  stop: AbortSignal;
  show: (progress: ExtractProgress) => void;
  context: Context;
}

async function getOne(
  volume: Volume,
  source: string,
  { dest, into }: { dest: string; into: boolean },
  { recursive = false, preserve = false }: Options,
  { report, stop, show, context: { output } }: Run,
): Promise<void> {
  const { scheduler, vfs } = volume;
  const found = await scheduler.run(withPath('get', source, vfs.walk(source, { followLast: !recursive })));
  const { kind } = found.inode;
  if (kind === 'directory' && !recursive) {
    throw refusal('EISDIR', { syscall: 'get', path: source, detail: '-r copies directories' });
  }
  if (kind !== 'directory' && kind !== 'symlink' && kind !== 'file') {
    throw refusal('EINVAL', { syscall: 'get', path: source, detail: `a ${kind}: f2fs extract --devices makes it` });
  }
  const name = baseName(source);
  const place = into && !['', '.', '..'].includes(name) ? path.join(dest, name) : dest;
  const problem = process.platform === 'win32' && into ? windowsProblem(name) : false;
  if (problem) throw refusal('EINVAL', { syscall: 'get', path: source, detail: 'a name that Windows cannot have' });
  const own = fs.mkdtempSync(path.join(into ? dest : path.dirname(path.resolve(dest)), '.f2fs-get-'));
  // Whatever ends the process: a signal between two steps, or a bug.
  const remove = (): void => removeTree(own);
  process.on('exit', remove);
  try {
    const extracted = await extract(volume, own, {
      paths: [found.path],
      owners: preserve && process.getuid?.() === 0,
      xattrs: false,
      signal: stop,
      onProgress: show,
    });
    for (const [reason, { count: number, examples }] of extracted.reasons) {
      const fails = ['unreadable', 'exists', 'host', 'name'].includes(reason);
      if (!fails && reason !== 'special') continue;
      for (const { path: below, message } of examples) {
        const text = `${reason}: /${shown(below)}: ${message}`;
        if (fails) {
          count(report, Buffer.concat([Buffer.from('/'), below]), message);
          output.fail(text);
        } else output.note(text);
      }
      if (number > examples.length) output.note(`${reason}: and ${number - examples.length} more`);
      if (fails) report.failed += number - examples.length;
    }
    report.files += extracted.files + extracted.symlinks;
    report.bytes += extracted.bytes;
    const from = findExtracted(own, found);
    if (fs.lstatSync(from, { throwIfNoEntry: false }) !== undefined) moveInto(from, Buffer.from(place), preserve);
  } finally {
    remove();
    process.off('exit', remove);
  }
}

/** What was asked for, in our own directory; it may be taken out of the directories that lead to it. */
function findExtracted(own: string, { path: inner, inode }: Resolved): Buffer {
  if (inner.length === 1) {
    const { mode, atime, mtime } = inode.attributes();
    fs.chmodSync(own, (mode & 0o1777) | 0o700);
    fs.utimesSync(own, secondsOf(atime.seconds * 1000), secondsOf(mtime.seconds * 1000));
    return Buffer.from(own);
  }
  for (let at = inner.indexOf(0x2f, 1); at >= 0; at = inner.indexOf(0x2f, at + 1)) {
    fs.chmodSync(Buffer.concat([Buffer.from(own), inner.subarray(0, at)]), 0o700);
  }
  return Buffer.concat([Buffer.from(own), inner]);
}

/**
 * Moves what is complete to its place. A directory joins one that is there already, which keeps its mode and times unless they
 * are asked for; no symlink is followed.
 */
function moveInto(from: Buffer, place: Buffer, preserve: boolean): void {
  const there = fs.lstatSync(place, { throwIfNoEntry: false });
  const what = fs.lstatSync(from);
  const [one, other] = [what.isDirectory(), there?.isDirectory() === true];
  if (there !== undefined && one !== other) {
    throw refusal(one ? 'ENOTDIR' : 'EISDIR', {
      syscall: 'get',
      path: place,
      detail: 'something else is there already',
    });
  }
  if (!one) {
    fs.renameSync(from, place);
    return;
  }
  // Moving a directory, or what is in it, takes the right to write to it, which the mode may not give.
  fs.chmodSync(from, 0o700);
  if (there === undefined) fs.renameSync(from, place);
  else {
    for (const name of fs.readdirSync(from, { encoding: 'buffer' })) {
      moveInto(Buffer.concat([from, SEPARATOR, name]), Buffer.concat([place, SEPARATOR, name]), preserve);
    }
    if (!preserve) return;
  }
  fs.chmodSync(place, what.mode & 0o7777);
  fs.utimesSync(place, secondsOf(what.atimeMs), secondsOf(what.mtimeMs));
}

/** Node takes a negative number for "now"; as text it is what it says. */
function secondsOf(milliseconds: number): number | string {
  return milliseconds < 0 ? String(milliseconds / 1000) : milliseconds / 1000;
}

const SEPARATOR = Buffer.from('/');

function removeTree(directory: string): void {
  if (!fs.existsSync(directory)) return;
  // Directories that nobody may write to keep what is in them.
  const pending = [Buffer.from(directory)];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    fs.chmodSync(next, 0o700);
    for (const entry of fs.readdirSync(next, { encoding: 'buffer', withFileTypes: true })) {
      if (entry.isDirectory()) pending.push(Buffer.concat([next, SEPARATOR, entry.name]));
    }
  }
  fs.rmSync(directory, { recursive: true, force: true });
}

function count(report: Report, where: Uint8Array, message: string, code?: string): void {
  report.failed++;
  if (report.failures.length >= FAILURES_MAX) return;
  report.failures.push({ ...jsonPath(where), ...(code === undefined ? {} : { code }), message });
}

/** Names below are looked at by the extraction. */
function windowsProblem(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what Windows refuses
  return /[<>:"|?*\\\u0000-\u001f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name);
}

function isDirectory(place: string): boolean {
  return fs.statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}
