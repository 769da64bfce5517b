// What compress and decompress have in common: paths, with -R everything below them, regular files one by one.

import type { F2fsInode } from '@f2fskit/f2fs';
import type { Task } from '@f2fskit/task';
import { type FileCompression, FileFlag } from '@f2fskit/vfs';
import type { Edit } from './edit.ts';
import { refusal } from './refusal.ts';
import { absolutePath } from './walk.ts';

export interface EachFile {
  paths: readonly string[];
  /** Everything below as well; without it a directory is refused, unless it is to be marked. */
  recursive: boolean;
  /** What directories are to say to new files; `undefined`: what they say already. */
  directories: 'compressed' | 'plain' | undefined;
}

/** Changes every regular file; `task` returns whether there was something to do. Links are followed only at the end of a path. */
export async function eachFile(
  edit: Edit,
  syscall: string,
  { paths, recursive, directories }: EachFile,
  task: (compression: FileCompression) => Task<boolean>,
): Promise<void> {
  for (const path of paths) {
    await edit.attempt(async () => {
      for await (const visited of edit.visit(path, { recursive, syscall })) {
        const inode = visited.inode as F2fsInode;
        const where = absolutePath(visited);
        if (inode.kind === 'file') {
          await edit.change(syscall, where, () => task(edit.volume.f2fs.compressionOf(inode)));
        } else if (inode.kind === 'directory') {
          if (directories !== undefined) await edit.change(syscall, where, () => mark(inode, directories));
          else if (!recursive) throw refusal('EISDIR', { syscall, path, detail: '-R is for directories' });
        } else if (visited.depth === 0) throw refusal('EINVAL', { syscall, path, detail: 'it is no regular file' });
      }
    }, path);
  }
}

/** chattr +c, -c of a directory. */
function* mark(directory: F2fsInode, how: 'compressed' | 'plain'): Task<boolean> {
  const before = directory.flags();
  const rest = before & ~(FileFlag.compressed | FileFlag.noCompress);
  const after = how === 'compressed' ? rest | FileFlag.compressed : before & ~FileFlag.compressed;
  if (after === before) return false;
  yield* directory.setFlags(after);
  return true;
}
