// f2fs put: files of the host, and whole directories, onto the volume.

import fs from 'node:fs';
import path from 'node:path';
import { Argument, Option } from 'commander';
import type { Context, EditCommandSpec } from '../command.ts';
import { HostOriginal, hostSteps, imageFiles } from '../copy/host-original.ts';
import { StreamOriginal } from '../copy/stream-original.ts';
import { TreeCopy } from '../copy/tree-copy.ts';
import type { Edit } from '../edit.ts';
import { UsageError } from '../errors.ts';
import { type Owner, parseOwner, splitOperands } from '../operands.ts';
import { refusal } from '../refusal.ts';
import { type Destination, findDestination, joinPath, requireName } from '../volume-path.ts';

interface Options {
  recursive?: boolean;
  preserve?: boolean;
  owner?: Owner;
  json?: boolean;
}

const STDIN = '-';

export const put: EditCommandSpec<Options> = {
  name: 'put',
  summary: 'copy files of the host onto the volume',
  arguments: [
    new Argument(
      '<path...>',
      'files of the host, - for standard input; the last one, DEST, is of the volume: a directory, or the new name',
    ),
  ],
  usage: '<image> <src...> <dest>',
  options: [
    new Option('-r, --recursive', 'directories with everything in them; symlinks are copied as such'),
    new Option('-p, --preserve', 'keep modes and times, and owners as root'),
    new Option('--owner <uid:gid>', 'the owner of everything; default: 0:0, or that of the file replaced').argParser(
      parseOwner,
    ),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs put disk.img motd /etc/motd', 'a new file, or new contents for an old one'],
    ['f2fs put -rp system.img app priv-app /system', 'two directories, into a directory'],
    ['f2fs put -r disk.img . /srv', 'what is in a directory, without itself'],
    ['zcat dump.gz | f2fs put disk.img - /dump', 'standard input'],
  ],
  notes:
    'A file has its name only when it is complete and on the device: whenever a run is cut off, there is the old file or the\n' +
    'new one. What is replaced keeps mode, owner and attributes unless -p or --owner say otherwise; other names of it keep\n' +
    'the old contents. Holes stay holes. Exit codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  check([operands]) {
    const { sources } = splitOperands(operands as string[]);
    if (sources.filter((source) => source === STDIN).length > 1)
      throw new UsageError('standard input can be read once');
  },
  async edit(edit, [operands], options, context) {
    const { sources, dest } = splitOperands(operands as string[]);
    const { recursive = false, preserve = false, owner } = options;
    const preserveOwner = preserve && process.getuid?.() === 0;
    const copy = new TreeCopy(edit, { syscall: 'put', preserve, preserveOwner, owner });
    const many = sources.length > 1;
    const destination = await findDestination(edit.volume, 'put', dest, { many });
    for (const source of sources) {
      await edit.pause();
      await edit.attempt(() => putOne(edit, copy, source, { dest, destination, recursive }, context), source);
    }
  },
};

interface Where {
  dest: string;
  destination: Destination;
  recursive: boolean;
}

async function putOne(
  edit: Edit,
  copy: TreeCopy,
  source: string,
  { dest, destination, recursive }: Where,
  { streams }: Context,
): Promise<void> {
  const place = destination.into ? joinPath(destination.path, nameOf(source)) : destination.path;
  if (source === STDIN) {
    if (destination.into) throw refusal('EISDIR', { syscall: 'put', path: dest, detail: 'standard input has no name' });
    requireName(destination, 'put', dest);
    await copy.one(new StreamOriginal('standard input', () => streams.stdin), place);
    return;
  }
  const original = new HostOriginal(Buffer.from(source), { follow: !recursive });
  if (original.kind === 'directory') {
    if (!recursive) throw refusal('EISDIR', { syscall: 'put', path: source, detail: '-r copies directories' });
    await copy.copy(hostSteps(original, imageFiles(edit.image)), place);
    return;
  }
  requireName(destination, 'put', dest);
  if (recursive || original.kind === 'file') await copy.one(original, place);
  // A pipe or a device is read. Below -r it becomes one on the volume.
  else await copy.one(new StreamOriginal(source, () => fs.createReadStream(source), original.mode), place);
}

/** `.` for what has no name of its own: its contents go where it would. */
function nameOf(source: string): string {
  const name = path.basename(source);
  return name === '..' ? '.' : name;
}
