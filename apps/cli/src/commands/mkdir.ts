// f2fs mkdir: directories.

import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import { type ModeChange, parseMode } from '../mode.ts';

interface Options {
  parents?: boolean;
  mode?: ModeChange;
  json?: boolean;
}

const ALL = 0o777;

export const mkdir: EditCommandSpec<Options> = {
  name: 'mkdir',
  summary: 'make directories',
  arguments: [new Argument('<path...>', 'new directories')],
  options: [
    new Option('-p, --parents', 'also what is absent above them; what is there is no error'),
    new Option('-m, --mode <mode>', 'permissions, as of chmod; default: 755').argParser(parseMode),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs mkdir disk.img /srv', 'a directory'],
    ['f2fs mkdir -p -m 700 disk.img /srv/keys/own', 'with those above it, which get 755'],
  ],
  notes:
    'Owner and group are 0:0; in a directory with set-group-ID the group is that of the directory. Exit codes: 0 ok,\n' +
    '1 something failed, 2 wrong usage, 130 interrupted.',
  async edit(edit, [paths], { parents = false, mode }) {
    const { volume } = edit;
    for (const path of paths as string[]) {
      await edit.apply(path, async () => {
        if (parents) {
          // Undefined where it was there; the last one made is that of the path.
          if ((await volume.promises.mkdir(path, { recursive: true })) === undefined) return false;
        } else await volume.promises.mkdir(path);
        if (mode !== undefined) await volume.promises.chmod(path, mode(ALL, true));
        return true;
      });
    }
  },
};
