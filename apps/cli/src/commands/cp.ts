// f2fs cp: copies inside the volume.

import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import { TreeCopy } from '../copy/tree-copy.ts';
import { VolumeOriginal, volumeSteps } from '../copy/volume-original.ts';
import type { Edit } from '../edit.ts';
import { splitOperands } from '../operands.ts';
import { refusal } from '../refusal.ts';
import { baseName, type Destination, findDestination, isBelow, joinPath, requireName } from '../volume-path.ts';

interface Options {
  recursive?: boolean;
  preserve?: boolean;
  json?: boolean;
}

export const cp: EditCommandSpec<Options> = {
  name: 'cp',
  summary: 'copy files inside the volume',
  arguments: [new Argument('<path...>', 'files; the last one, DEST, is a directory, or the new name')],
  usage: '<image> <src...> <dest>',
  options: [
    new Option('-r, --recursive', 'directories with everything in them; symlinks are copied as such'),
    new Option('-p, --preserve', 'keep modes, owners, times and extended attributes'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs cp -p disk.img /etc/fstab /etc/fstab.old', 'a copy to come back to'],
    ['f2fs cp -r disk.img /srv/a /srv/b /backup', 'two directories, into a directory'],
  ],
  notes:
    'A copy has its name only when it is complete; what it replaces keeps mode, owner and attributes unless -p says otherwise.\n' +
    'Holes stay holes; no two files share blocks. Exit codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  check([operands]) {
    splitOperands(operands as string[]);
  },
  async edit(edit, [operands], { recursive = false, preserve = false }) {
    const { sources, dest } = splitOperands(operands as string[]);
    const copy = new TreeCopy(edit, { syscall: 'cp', preserve, preserveOwner: preserve });
    const destination = await findDestination(edit.volume, 'cp', dest, { many: sources.length > 1 });
    for (const source of sources) {
      await edit.pause();
      await edit.attempt(() => copyOne(edit, copy, source, { dest, destination, recursive }), source);
    }
  },
};

async function copyOne(
  edit: Edit,
  copy: TreeCopy,
  source: string,
  { dest, destination, recursive }: { dest: string; destination: Destination; recursive: boolean },
): Promise<void> {
  const { volume } = edit;
  const found = await edit.run('cp', source, volume.vfs.walk(source, { followLast: !recursive }));
  const name = baseName(source);
  const place = destination.into ? joinPath(destination.path, name === '..' ? '.' : name) : destination.path;
  const original = new VolumeOriginal(volume, found.inode, found.path);
  if (original.kind !== 'directory') {
    if (original.kind !== 'file' && !recursive) {
      throw refusal('EINVAL', { syscall: 'cp', path: source, detail: `-r copies a ${original.kind}` });
    }
    requireName(destination, 'cp', dest);
    await copy.one(original, place);
    return;
  }
  if (!recursive) throw refusal('EISDIR', { syscall: 'cp', path: source, detail: '-r copies directories' });
  if (isBelow(place, found.path)) {
    throw refusal('EINVAL', {
      syscall: 'cp',
      path: source,
      dest: place,
      detail: 'a directory is not copied into itself',
    });
  }
  await copy.copy(volumeSteps(volume, original), place);
}
