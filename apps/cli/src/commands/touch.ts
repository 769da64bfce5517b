// f2fs touch: the times of files; what is absent is made.

import type { AttributeChanges, Attributes, Timestamp } from '@f2fskit/vfs';
import { Argument, Option } from 'commander';
import { withPath } from 'f2fskit';
import { changeAttributes } from '../change-attributes.ts';
import type { EditCommandSpec } from '../command.ts';
import type { Edit } from '../edit.ts';
import { parseTime } from '../time.ts';
import { find } from '../volume-path.ts';

interface Options {
  access?: boolean;
  modification?: boolean;
  date?: Timestamp;
  reference?: string;
  recursive?: boolean;
  dereference: boolean;
  create: boolean;
  json?: boolean;
}

type Times = Required<Pick<AttributeChanges, 'atime' | 'mtime'>>;

export const touch: EditCommandSpec<Options> = {
  name: 'touch',
  summary: 'set the times of files, and make absent ones',
  arguments: [new Argument('<path...>', 'files of any kind; symlinks are followed')],
  options: [
    new Option('-a, --access', 'the time of access only'),
    new Option('-m, --modification', 'the time of modification only'),
    new Option('-d, --date <time>', '@SECONDS or 2026-11-20T23:33:00Z; UTC without a zone; default: now').argParser(
      parseTime,
    ),
    new Option('-r, --reference <path>', 'the times of this file of the volume').conflicts('date'),
    new Option('-R, --recursive', 'everything below the paths as well; symlinks are changed themselves'),
    new Option('-h, --no-dereference', 'a symlink at the end of a path is changed itself; nothing is made'),
    new Option('-c, --no-create', 'do not make what is absent'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs touch disk.img /etc/motd', 'now, or SOURCE_DATE_EPOCH'],
    ['f2fs touch -R -d @1700000000 system.img /', 'one time for everything'],
    ['f2fs touch -m -d "2026-11-20 23:33:00.5 +0100" disk.img /a /b', 'to the nanosecond if need be'],
  ],
  notes:
    'The time of change (ctime) becomes now, or SOURCE_DATE_EPOCH, for every file that gets another time. Exit codes: 0 ok,\n' +
    '1 something failed, 2 wrong usage, 130 interrupted.',
  async edit(edit, [paths], { access, modification, recursive = false, dereference, create, ...options }) {
    const { atime, mtime } = await timesOf(edit, options);
    const both = access === modification;
    const followLast = dereference && !recursive;
    const changesOf = (attributes: Attributes): AttributeChanges => {
      const changes: AttributeChanges = {};
      if ((both || access === true) && !sameTime(attributes.atime, atime)) changes.atime = atime;
      if ((both || modification === true) && !sameTime(attributes.mtime, mtime)) changes.mtime = mtime;
      return changes;
    };
    for (const path of paths as string[]) {
      let absent = false;
      const known = await edit.attempt(async () => {
        absent = followLast && (await find(edit.volume, 'utime', path)) === undefined;
      }, path);
      if (!known) continue;
      if (absent && create) await edit.apply(path, () => makeEmpty(edit, path, changesOf));
      if (absent) continue;
      await changeAttributes(edit, 'utime', { paths: [path], recursive, followLast }, (attributes) => {
        const changes = changesOf(attributes);
        return Object.keys(changes).length === 0 ? undefined : changes;
      });
    }
  },
};

async function timesOf({ volume }: Edit, { date, reference }: Pick<Options, 'date' | 'reference'>): Promise<Times> {
  if (reference !== undefined) {
    const { inode } = await volume.scheduler.run(withPath('stat', reference, volume.vfs.walk(reference)));
    const { atime, mtime } = inode.attributes();
    return { atime, mtime };
  }
  const time = date ?? volume.f2fs.now();
  return { atime: time, mtime: time };
}

function sameTime(a: Timestamp, b: Timestamp): boolean {
  return a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}

async function makeEmpty(
  edit: Edit,
  path: string,
  changesOf: (attributes: Attributes) => AttributeChanges,
): Promise<true> {
  const { vfs } = edit.volume;
  const fd = await edit.run('open', path, vfs.open(path, { access: 'none', create: true, mode: 0o666 }));
  try {
    const { inode } = vfs.file(fd);
    const changes = changesOf(inode.attributes());
    if (Object.keys(changes).length > 0) await edit.run('utime', path, inode.setAttributes!(changes));
  } finally {
    await edit.run('close', path, vfs.close(fd));
  }
  return true;
}
