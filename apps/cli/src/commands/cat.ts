// f2fs cat: the contents of files, in pieces, so that memory stays small whatever the file.

import { Argument } from 'commander';
import { FsError, withPath } from 'f2fskit';
import type { CommandSpec } from '../command.ts';

const CHUNK_BYTES = 1 << 20;

export const cat: CommandSpec<object> = {
  name: 'cat',
  summary: 'write the contents of files to standard output',
  arguments: [new Argument('<path...>', 'files, symlinks are followed')],
  examples: [
    ['f2fs cat userdata.img /etc/hosts', 'print a file'],
    ['f2fs cat system.img /app.apk >app.apk', 'copy a file out, compressed on the volume or not'],
  ],
  async run(volume, [paths], _options, { output }) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (const path of paths as string[]) {
      try {
        const { inode } = await volume.scheduler.run(withPath('open', path, volume.vfs.walk(path)));
        for (let position = 0; ; ) {
          const count = await volume.scheduler.run(withPath('read', path, inode.read(position, chunk)));
          if (count === 0) break;
          await output.write(chunk.slice(0, count));
          position += count;
        }
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
        output.fail(error.message);
      }
    }
  },
};
