// f2fs chown: owners and groups of files, as numbers: a volume has no names for them.

import { Argument, InvalidArgumentError, Option } from 'commander';
import { changeAttributes } from '../change-attributes.ts';
import type { EditCommandSpec } from '../command.ts';

interface Options {
  recursive?: boolean;
  dereference: boolean;
  json?: boolean;
}

interface Owner {
  uid?: number;
  gid?: number;
}

/** The largest number means "leave it" to the system calls. */
const ID_MAX = 2 ** 32 - 2;

export const chown: EditCommandSpec<Options> = {
  name: 'chown',
  summary: 'change owner and group',
  arguments: [
    new Argument('<owner>', 'UID, UID:GID or :GID').argParser(parseOwner),
    new Argument('<path...>', 'files of any kind; symlinks are followed'),
  ],
  options: [
    new Option('-R, --recursive', 'everything below the paths as well; symlinks are changed themselves'),
    new Option('-h, --no-dereference', 'a symlink at the end of a path is changed itself'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs chown userdata.img 1000:1000 /media/0', 'owner and group'],
    ['f2fs chown -R disk.img :100 /srv', 'the group of everything'],
  ],
  notes:
    'Who gets a new owner or group loses set-user-ID, and set-group-ID where the group may execute. What has them already\n' +
    'is not touched. Exit codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  async edit(edit, [owner, paths], { recursive = false, dereference }) {
    const { uid, gid } = owner as unknown as Owner;
    const followLast = dereference && !recursive;
    await changeAttributes(edit, 'chown', { paths: paths as string[], recursive, followLast }, (attributes) => {
      const changes: Owner = {};
      if (uid !== undefined && uid !== attributes.uid) changes.uid = uid;
      if (gid !== undefined && gid !== attributes.gid) changes.gid = gid;
      return Object.keys(changes).length === 0 ? undefined : changes;
    });
  },
};

function parseOwner(text: string): Owner {
  const [, uid, gid] = /^(\d+)?(?::(\d+))?$/.exec(text) ?? [];
  const ids = [uid, gid].filter((id) => id !== undefined).map(Number);
  if (ids.length === 0 || ids.some((id) => id > ID_MAX)) {
    throw new InvalidArgumentError('An owner is UID, UID:GID or :GID, in numbers.');
  }
  return { ...(uid === undefined ? {} : { uid: Number(uid) }), ...(gid === undefined ? {} : { gid: Number(gid) }) };
}
