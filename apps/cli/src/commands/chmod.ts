// f2fs chmod: permissions of files.

import { Argument, Option } from 'commander';
import { changeAttributes } from '../change-attributes.ts';
import type { EditCommandSpec } from '../command.ts';
import { type ModeChange, parseMode } from '../mode.ts';

interface Options {
  recursive?: boolean;
  json?: boolean;
}

export const chmod: EditCommandSpec<Options> = {
  name: 'chmod',
  summary: 'change permissions',
  arguments: [
    new Argument('<mode>', 'octal, or symbolic: u+x,go-w,a=rX').argParser(parseMode),
    new Argument('<path...>', 'files and directories; symlinks are followed'),
  ],
  options: [
    new Option('-R, --recursive', 'everything below the paths as well; symlinks there are left alone'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs chmod system.img 755 /bin/sh', 'octal'],
    ['f2fs chmod -R disk.img u=rwX,go=rX /srv /home', 'X: execution for directories, and where somebody has it'],
    ['f2fs chmod -- disk.img -w /etc/fstab', 'a mode that begins with a minus sign'],
  ],
  notes:
    'Modes are those of chmod(1) of GNU: a directory keeps its set-user-ID and set-group-ID unless the mode speaks of\n' +
    'them, or is octal with five digits. A clause for nobody, as +x, leaves out what the umask 022 does. What has the mode\n' +
    'already is not touched. Exit codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  async edit(edit, [mode, paths], { recursive = false }) {
    const change = mode as ModeChange;
    await changeAttributes(edit, 'chmod', { paths: paths as string[], recursive, followLast: true }, (attributes) => {
      if (attributes.kind === 'symlink') return undefined;
      const before = attributes.mode & 0o7777;
      const after = change(before, attributes.kind === 'directory');
      return after === before ? undefined : { mode: after };
    });
  },
};
