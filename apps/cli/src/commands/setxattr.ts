// f2fs setxattr: extended attributes, set and removed.

import { bytesEqual, utf8Encode } from '@f2fskit/vfs';
import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import { UsageError } from '../errors.ts';
import { parseXattrValue } from '../xattr-value.ts';

interface Options {
  remove?: string;
  dereference: boolean;
  json?: boolean;
}

export const setxattr: EditCommandSpec<Options> = {
  name: 'setxattr',
  summary: 'set extended attributes, or remove them',
  arguments: [new Argument('<operand...>', 'the name, its value, and files of any kind; symlinks are followed')],
  usage: '<image> <name> <value> <path...>',
  options: [
    new Option('--remove <name>', 'take this attribute away; there is no name and no value then'),
    new Option('-h, --no-dereference', 'a symlink at the end of a path is changed itself'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs setxattr disk.img user.comment "to be read" /notes', 'text'],
    ['f2fs setxattr disk.img security.capability 0x0100000200040000000000000000000000000000 /bin/ping', 'bytes'],
    ['f2fs setxattr --remove user.comment disk.img /notes', 'away with it'],
  ],
  notes:
    'Values are those of setfattr: 0x and hex digits, 0s and base64, text, text in double quotes with \\012 in it. What has\n' +
    'the value already is not touched. Exit codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  check([operands], { remove }) {
    understand(operands as string[], remove);
  },
  async edit(edit, [operands], { remove, dereference }) {
    const { vfs } = edit.volume;
    const { name, value, paths } = understand(operands as string[], remove);
    for (const path of paths) {
      await edit.change(value === undefined ? 'removexattr' : 'setxattr', path, function* () {
        const { inode } = yield* vfs.walk(path, { followLast: dereference });
        if (value === undefined) {
          yield* inode.removeXattr!(name);
          return true;
        }
        const old = (yield* inode.extendedAttributes()).find((one) => bytesEqual(one.name, name));
        if (old !== undefined && bytesEqual(old.value, value)) return false;
        yield* inode.setXattr!(name, value);
        return true;
      });
    }
  },
};

/** Without a value: the attribute is removed. */
function understand(
  operands: readonly string[],
  remove: string | undefined,
): { name: Uint8Array; value: Uint8Array | undefined; paths: readonly string[] } {
  if (remove !== undefined) return { name: utf8Encode(remove), value: undefined, paths: operands };
  const [name, text, ...paths] = operands;
  if (name === undefined || text === undefined || paths.length === 0) {
    throw new UsageError('setxattr takes NAME VALUE PATH…, or --remove NAME PATH…');
  }
  return { name: utf8Encode(name), value: parseXattrValue(text), paths };
}
