// f2fs truncate: the sizes of files.

import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import { parseSizeChange, type SizeChange } from '../size-change.ts';
import { find } from '../volume-path.ts';

interface Options {
  size: SizeChange;
  create: boolean;
  json?: boolean;
}

export const truncate: EditCommandSpec<Options> = {
  name: 'truncate',
  summary: 'cut files, or make them longer',
  arguments: [new Argument('<path...>', 'regular files, made if absent; symlinks are followed')],
  options: [
    new Option('-s, --size <size>', 'bytes, with K, M, G; +, - of what there is; < > at most, at least; / % rounded')
      .argParser(parseSizeChange)
      .makeOptionMandatory(),
    new Option('-c, --no-create', 'do not make what is absent'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs truncate -s 0 disk.img /var/log/messages', 'empty'],
    ['f2fs truncate -s 1G disk.img /swap', 'a gigabyte of zeros that takes no room'],
    ['f2fs truncate -s +4K disk.img /a /b', 'longer by a block'],
  ],
  notes:
    'What has the size already is not touched. Sizes are those of truncate(1): K is 1024, KB is 1000. Exit codes: 0 ok,\n' +
    '1 something failed, 2 wrong usage, 130 interrupted.',
  async edit(edit, [paths], { size, create }) {
    const { vfs } = edit.volume;
    for (const path of paths as string[]) {
      await edit.apply(path, async () => {
        const absent = (await find(edit.volume, 'truncate', path)) === undefined;
        if (absent && !create) return false;
        const fd = await edit.run('truncate', path, vfs.open(path, { access: 'write', create, mode: 0o666 }));
        const file = vfs.file(fd);
        const before = file.inode.attributes().size;
        const after = size(before);
        try {
          if (after !== before) await edit.run('truncate', path, file.truncate(after));
          return absent || after !== before;
        } finally {
          await edit.run('close', path, vfs.close(fd));
        }
      });
    }
  },
};
