// f2fs ln: more names for files, and symlinks.

import { utf8Encode } from '@f2fskit/vfs';
import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import { unfinishedName } from '../copy/tree-copy.ts';
import type { Edit } from '../edit.ts';
import { splitOperands } from '../operands.ts';
import { hasCode, refusal } from '../refusal.ts';
import { baseName, find, findDestination, joinPath, requireName, splitPath } from '../volume-path.ts';

interface Options {
  symbolic?: boolean;
  force?: boolean;
  dereference: boolean;
  json?: boolean;
}

export const ln: EditCommandSpec<Options> = {
  name: 'ln',
  summary: 'make links: hard ones, and symlinks with -s',
  arguments: [
    new Argument('<path...>', 'targets; the last one, LINK, is a directory for the links, or the name of the one'),
  ],
  usage: '<image> <target...> <link>',
  options: [
    new Option('-s, --symbolic', 'symlinks: TARGET is any text'),
    new Option('-f, --force', 'replace what is there, in one step'),
    new Option('-n, --no-dereference', 'a symlink to a directory as LINK is a name, and no directory'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs ln disk.img /bin/busybox /bin/ls', 'one more name'],
    ['f2fs ln -s disk.img ../run/resolv.conf /etc/resolv.conf', 'a symlink'],
    ['f2fs ln -sfn disk.img releases/42 /srv/current', 'another target for a symlink to a directory'],
  ],
  notes:
    'A hard link to a symlink is one more name for the symlink. Exit codes: 0 ok, 1 something failed, 2 wrong usage,\n' +
    '130 interrupted.',
  check([operands]) {
    splitOperands(operands as string[]);
  },
  async edit(edit, [operands], { symbolic = false, force = false, dereference }) {
    const { sources, dest } = splitOperands(operands as string[]);
    const many = sources.length > 1;
    const last = dereference ? 'replace' : 'name';
    const destination = await findDestination(edit.volume, 'ln', dest, { many, last });
    requireName(destination, 'ln', dest);
    const { into, path } = destination;
    for (const target of sources) {
      const place = into ? joinPath(path, baseName(target)) : path;
      await edit.apply(target, async () => {
        await makeLink(edit, target, place, { symbolic, force });
        return true;
      });
    }
  },
};

async function makeLink(
  edit: Edit,
  target: string,
  place: Uint8Array,
  { symbolic, force }: { symbolic: boolean; force: boolean },
): Promise<void> {
  const { volume } = edit;
  const { vfs } = volume;
  const what = { syscall: 'ln', path: target, dest: place };
  const make = (path: Uint8Array): Promise<void> =>
    symbolic ? volume.promises.symlink(utf8Encode(target), path) : volume.promises.link(target, path);
  const there = force ? await find(volume, 'ln', place, { followLast: false }) : undefined;
  if (there === undefined) {
    await make(place);
    return;
  }
  if (there.inode.kind === 'directory') throw refusal('EISDIR', { ...what, detail: 'a directory is not replaced' });
  if (!symbolic) {
    const { inode } = await edit.run('ln', target, vfs.walk(target, { followLast: false }));
    if (inode.ino === there.inode.ino) throw refusal('EINVAL', { ...what, detail: 'they are the same file' });
  }
  // Made beside its place, and moved there.
  const { directory, name } = splitPath(place);
  const unfinished = joinPath(directory, unfinishedName(name));
  try {
    await make(unfinished);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    await edit.run('unlink', unfinished, vfs.unlink(unfinished)); // of a run that was cut off
    await make(unfinished);
  }
  await edit.run('rename', place, vfs.rename(unfinished, place));
}
