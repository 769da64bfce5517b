// f2fs rm: names, and directories with everything in them.

import type { Inode } from '@f2fskit/vfs';
import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import type { Edit } from '../edit.ts';
import { refusal } from '../refusal.ts';
import { type TreeStep, treeSteps } from '../tree-steps.ts';
import { baseName, find, withoutSlashes } from '../volume-path.ts';

interface Options {
  recursive?: boolean;
  force?: boolean;
  json?: boolean;
}

export const rm: EditCommandSpec<Options> = {
  name: 'rm',
  summary: 'remove files, and with -r directories',
  arguments: [new Argument('<path...>', 'files of any kind; symlinks are removed themselves')],
  options: [
    new Option('-r, --recursive', 'directories with everything in them'),
    new Option('-f, --force', 'what is absent is no error'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs rm disk.img /etc/motd', 'a file'],
    ['f2fs rm -rf userdata.img /cache /tmp', 'two directories, whether they are there or not'],
  ],
  notes:
    'The root, . and .. are refused. A run that is interrupted has removed what it has come to, and leaves the volume cleanly.\n' +
    'Exit codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  async edit(edit, [paths], { recursive = false, force = false }) {
    for (const path of paths as string[]) {
      await edit.pause();
      await edit.attempt(() => remove(edit, path, recursive, force), path);
    }
  },
};

async function remove(edit: Edit, path: string, recursive: boolean, force: boolean): Promise<void> {
  const { volume } = edit;
  const { vfs } = volume;
  if (['', '.', '..'].includes(baseName(path))) {
    throw refusal('EINVAL', { syscall: 'rm', path, detail: 'the root, . and .. are not removed' });
  }
  // A slash behind a symlink would lead to what it leads to.
  const bare = withoutSlashes(path);
  const found = await find(volume, 'rm', bare, { followLast: false });
  if (found === undefined) {
    if (!force) throw refusal('ENOENT', { syscall: 'rm', path });
    return;
  }
  if (found.inode.kind !== 'directory' && bare !== path) throw refusal('ENOTDIR', { syscall: 'rm', path });
  if (found.inode.kind === 'directory' && !recursive) {
    throw refusal('EISDIR', { syscall: 'rm', path, detail: '-r removes directories' });
  }
  const parents: Inode[] = [];
  for await (const step of treeSteps(volume, found.inode, found.path)) {
    if (step.type === 'unreadable') {
      await edit.pause();
      edit.fail(step.error, step.path);
    } else if (step.type === 'enter') parents.push(step.inode);
    else {
      if (step.type === 'leave') parents.pop();
      const parent = parents.at(-1);
      await edit.change('rm', step.path, function* () {
        if (parent !== undefined) yield* removeFrom(parent, step);
        else if (step.type === 'leave') yield* vfs.rmdir(bare);
        else yield* vfs.unlink(bare);
        return true;
      });
    }
  }
}

function removeFrom(parent: Inode, { type, name }: Exclude<TreeStep, { type: 'unreadable' }>) {
  return type === 'leave' ? parent.rmdir!(name) : parent.unlink!(name);
}
