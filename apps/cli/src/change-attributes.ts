// What chmod, chown and touch have in common: paths, everything below them, and changes of inodes.

import type { F2fsInode } from '@f2fskit/f2fs';
import type { AttributeChanges, Attributes } from '@f2fskit/vfs';
import type { Edit } from './edit.ts';
import { absolutePath } from './walk.ts';

export interface WhichFiles {
  paths: readonly string[];
  /** Everything below as well. */
  recursive: boolean;
  /** Follow a symlink at the end of a path; symlinks below it are never followed. */
  followLast: boolean;
}

/**
 * Changes attributes of files. `changesOf` says what, `undefined` where nothing is to be done: such a file is not written,
 * and its time of change stays.
 */
export async function changeAttributes(
  edit: Edit,
  syscall: string,
  { paths, recursive, followLast }: WhichFiles,
  changesOf: (attributes: Attributes) => AttributeChanges | undefined,
): Promise<void> {
  for (const path of paths) {
    await edit.attempt(async () => {
      for await (const visited of edit.visit(path, { recursive, followLast, syscall })) {
        const inode = visited.inode as F2fsInode;
        await edit.change(syscall, absolutePath(visited), function* () {
          const changes = changesOf(inode.attributes());
          if (changes === undefined) return false;
          yield* inode.setAttributes(changes);
          return true;
        });
      }
    }, path);
  }
}
