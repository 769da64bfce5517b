// f2fs mv: names to other places of the volume.

import { bytesEqual } from '@f2fskit/vfs';
import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import type { Edit } from '../edit.ts';
import { UsageError } from '../errors.ts';
import { splitOperands } from '../operands.ts';
import { refusal } from '../refusal.ts';
import { baseName, find, findDestination, joinPath, withoutSlashes } from '../volume-path.ts';

interface Options {
  clobber: boolean;
  exchange?: boolean;
  json?: boolean;
}

export const mv: EditCommandSpec<Options> = {
  name: 'mv',
  summary: 'move and rename files',
  arguments: [new Argument('<path...>', 'files of any kind; the last one, DEST, is a directory, or the new name')],
  usage: '<image> <src...> <dest>',
  options: [
    new Option('-n, --no-clobber', 'leave alone what would replace something'),
    new Option('--exchange', 'SRC and DEST change places, in one step'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs mv disk.img /etc/motd.new /etc/motd', 'in one step, whatever comes between'],
    ['f2fs mv disk.img /a /b /archive', 'into a directory'],
    ['f2fs mv --exchange disk.img /app /app.next', 'two directories'],
  ],
  notes:
    'What is replaced is gone when the new name is there. A directory replaces an empty directory only. Exit codes: 0 ok,\n' +
    '1 something failed, 2 wrong usage, 130 interrupted.',
  check([operands], { clobber, exchange = false }) {
    const { sources } = splitOperands(operands as string[]);
    if (exchange && !clobber) throw new UsageError('--exchange and -n cannot be used with each other');
    if (exchange && sources.length > 1) throw new UsageError('--exchange is for two');
  },
  async edit(edit, [operands], { clobber, exchange = false }) {
    const { sources, dest } = splitOperands(operands as string[]);
    const { vfs } = edit.volume;
    if (exchange) {
      await edit.change('mv', sources[0]!, function* () {
        yield* vfs.rename(sources[0]!, dest, 'exchange');
        return true;
      });
      return;
    }
    const many = sources.length > 1;
    const { into, path } = await findDestination(edit.volume, 'mv', dest, { many, last: 'replace' });
    for (const source of sources) {
      // A symlink that is the destination, and leads to no directory, is replaced itself.
      const target = into ? joinPath(path, baseName(source)) : dest;
      await edit.apply(source, () => move(edit, source, target, clobber));
    }
  },
};

/** False for what is left alone. */
async function move(edit: Edit, source: string, target: string | Uint8Array, clobber: boolean): Promise<boolean> {
  const { volume } = edit;
  const { vfs } = volume;
  const what = { syscall: 'mv', path: source, dest: target };
  if (['', '.', '..'].includes(baseName(source))) {
    throw refusal('EINVAL', { ...what, detail: 'the root, . and .. are not moved' });
  }
  const from = await find(volume, 'mv', source, { followLast: false });
  if (from === undefined) throw refusal('ENOENT', what);
  const bare = typeof target === 'string' ? withoutSlashes(target) : target;
  const there = await find(volume, 'mv', bare, { followLast: false });
  if (there !== undefined) {
    if (bytesEqual(there.path, from.path)) throw refusal('EINVAL', { ...what, detail: 'they are the same file' });
    if (!clobber) return false;
    // Two names of one file: renaming would leave both.
    if (there.inode.ino === from.inode.ino) {
      await edit.run('mv', source, vfs.unlink(source));
      return true;
    }
  }
  await volume.promises.rename(source, target);
  return true;
}
