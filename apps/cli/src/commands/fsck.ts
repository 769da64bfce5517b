// f2fs fsck: is this volume sound? Nothing is written. The exit codes are those of fsck(8).

import { type BlockDevice, closeDevice } from '@f2fskit/block';
import {
  type CheckReport,
  checkVolume,
  type Finding,
  FsckExit,
  findingKinds,
  findingText,
  fsckExitCode,
} from '@f2fskit/f2fs-tools/fsck';
import { runAsync } from '@f2fskit/task';
import { Option } from 'commander';
import type { Context, ImageCommandSpec } from '../command.ts';
import { openDevice } from '../image.ts';
import { type Output, visible } from '../output.ts';
import { parseInteger } from '../size.ts';
import { runWatched } from '../watched-device.ts';

interface Options {
  max?: number;
  quiet?: boolean;
  json?: boolean;
}

export const fsck: ImageCommandSpec<Options> = {
  name: 'fsck',
  summary: 'check a volume; nothing is repaired or written',
  arguments: [],
  options: [
    new Option('--max <number>', 'findings that are shown; all are counted; default: 1000').argParser(parseInteger),
    new Option('-q, --quiet', 'print nothing: the exit code says it'),
    new Option('--json', 'one JSON document'),
  ],
  examples: [
    ['f2fs fsck userdata.img', 'every contradiction with its place, then a line that sums up'],
    ['f2fs fsck -q /dev/sda3 && mount /dev/sda3 /mnt', 'in a script; no root needed to read a file'],
    ["f2fs fsck --json disk.img#userdata | jq '.counts'", 'how often each was found'],
  ],
  notes:
    'A volume that was not unmounted is judged by its last checkpoint; what a mount would recover is a note. File data\n' +
    'are not read. Exit codes: 0 no errors, 4 errors, 8 the check could not be done or a block could not be read, 12 both;\n' +
    '2 wrong usage, 130 interrupted. Warnings and notes do not count.',
  async runOnImage(image, _args, options, context) {
    const { output } = context;
    output.failureCode = FsckExit.operational;
    const device = await openDevice(image, context.output, context.streams);
    let report: CheckReport;
    try {
      report = await check(device, options, context);
    } finally {
      await runAsync(closeDevice(device));
    }
    const exitCode = fsckExitCode(report);
    if (exitCode !== 0) {
      output.failed = true;
      output.failureCode = exitCode;
    }
    if (options.json === true) await output.json(asJson(image, report, exitCode));
    else if (options.quiet !== true) await printReport(report, output);
  },
};

function check(device: BlockDevice, { max }: Options, { streams }: Context): Promise<CheckReport> {
  const limit = max === undefined ? {} : { findingsMax: max };
  const watch = { streams, doing: 'checking', stopped: 'interrupted' };
  return runWatched(device, (watched) => checkVolume(watched, limit), watch);
}

function asJson(image: string, { counts, ...report }: CheckReport, exitCode: number): object {
  return { schema: 'f2fs.fsck/1', image, exitCode, ...report, counts: Object.fromEntries(counts) };
}

async function printReport(report: CheckReport, output: Output): Promise<void> {
  for (const group of groupsOf(report.findings)) {
    const { code, severity } = group[0]!;
    const colored = severity === 'error' ? output.paint('red', severity) : severity;
    for (const finding of group) await output.line(`${colored}: ${oneLine(findingText(finding))}`);
    const more = report.counts.get(code)! - group.length;
    if (more > 0) await output.line(`${colored}: ${findingKinds[code].text}: ${more} more`);
  }
  const shown = new Set(report.findings.map(({ code }) => code));
  for (const [code, count] of report.counts) {
    if (shown.has(code)) continue;
    const { severity, text } = findingKinds[code];
    await output.line(`${severity === 'error' ? output.paint('red', severity) : severity}: ${text}: ${count} times`);
  }
  for (const { message } of report.notes) await output.line(`note: ${oneLine(message)}`);
  await output.line(output.heading(summaryOf(report)));
}

/** The findings of one code together: errors first, otherwise in the order in which the codes were met. */
function groupsOf(findings: readonly Finding[]): Finding[][] {
  const groups = new Map<string, Finding[]>();
  for (const severity of ['error', 'warning'] as const) {
    for (const finding of findings) {
      if (finding.severity !== severity) continue;
      const group = groups.get(finding.code);
      if (group === undefined) groups.set(finding.code, [finding]);
      else group.push(finding);
    }
  }
  return [...groups.values()];
}

/** A finding names paths, which are anybody's bytes: no line of ours may be made of them. */
function oneLine(text: string): string {
  return visible(text).replaceAll('\n', '\\x0a');
}

function summaryOf({ errors, warnings, complete, totals }: CheckReport): string {
  const parts = [];
  if (errors === 0 && complete) parts.push('clean');
  if (errors > 0 || !complete) parts.push(counted(errors, 'error'));
  if (errors > 0 || !complete || warnings > 0) parts.push(counted(warnings, 'warning'));
  if (!complete) parts.push('not everything could be checked');
  const verdict = parts.join(', ');
  if (totals === undefined) return verdict;
  const { inodes, directories, blocks, freeSegments } = totals;
  return `${verdict}: ${inodes} inodes, ${directories} of them directories, ${blocks} blocks, ${freeSegments} free segments`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
