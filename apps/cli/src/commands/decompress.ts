// f2fs decompress: compressed files become ordinary ones.

import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import { eachFile } from '../each-file.ts';

interface Options {
  recursive?: boolean;
  inherit?: boolean;
  json?: boolean;
}

export const decompress: EditCommandSpec<Options> = {
  name: 'decompress',
  summary: 'make ordinary files of compressed ones',
  arguments: [new Argument('<path...>', 'regular files, with -R directories; symlinks are followed')],
  options: [
    new Option('-R, --recursive', 'every regular file below the paths'),
    new Option('--inherit', 'directories lose their mark as well: new files in them are not compressed'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs decompress userdata.img /data/app.db', 'a file'],
    ['f2fs decompress -R --inherit disk.img /srv', 'everything below, and what will come'],
  ],
  notes:
    'A file keeps its number, names, owner, times and attributes; it has the old form or the new one, whenever a run is cut\n' +
    'off. Room for both is needed meanwhile. Exit codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  async edit(edit, [paths], { recursive = false, inherit }) {
    const directories = inherit === true ? ('plain' as const) : undefined;
    const which = { paths: paths as string[], recursive, directories };
    await eachFile(edit, 'decompress', which, (compression) => compression.decompress());
  },
};
