// f2fs compress: what files hold, compressed where it lies.

import { Argument, Option } from 'commander';
import type { EditCommandSpec } from '../command.ts';
import { type Method, parseCluster, parseMethod } from '../compression-options.ts';
import { eachFile } from '../each-file.ts';
import { UsageError } from '../errors.ts';

interface Options {
  algorithm?: Method;
  cluster?: number;
  checksum?: boolean;
  recursive?: boolean;
  inherit?: boolean;
  release?: boolean;
  reserve?: boolean;
  json?: boolean;
}

export const compress: EditCommandSpec<Options> = {
  name: 'compress',
  summary: 'compress files that are there',
  arguments: [new Argument('<path...>', 'regular files, with -R directories; symlinks are followed')],
  options: [
    new Option(
      '-a, --algorithm <alg[:level]>',
      'lz4 (default), lzo, lzo-rle, zstd; lz4:3 to lz4:16, zstd:1 to zstd:22',
    ).argParser(parseMethod),
    new Option('--cluster <bytes>', 'what is compressed as one: 16K (default) to 1M').argParser(parseCluster),
    new Option('--checksum', 'clusters carry checksums'),
    new Option('-R, --recursive', 'every regular file below the paths'),
    new Option('--inherit', 'directories are marked as well: new files in them are compressed'),
    new Option('--release', 'give the blocks that are saved back to the volume: the files cannot be written to then'),
    new Option('--reserve', 'take them again, and compress nothing').conflicts('release'),
    new Option('--json', 'what was done, as one JSON document'),
  ],
  examples: [
    ['f2fs compress userdata.img /data/logs/all.txt', 'a file, with LZ4'],
    ['f2fs compress -R -a zstd:3 --cluster 64K root.img /usr', 'everything below, smaller and slower'],
    ['f2fs compress -R --release system.img /', 'and make room of what that saves'],
    ['f2fs compress -R --inherit disk.img /srv', 'new files as well'],
  ],
  notes:
    'A file keeps its number, names, owner, times and attributes; it has the old form or the new one, whenever a run is cut\n' +
    'off. Room for both is needed meanwhile. What would save nothing stays as it is; what is compressed already is done\n' +
    'anew only where it is told to be otherwise. Exit codes: 0 ok, 1 something failed, 2 wrong usage, 130 interrupted.',
  check(_args, { reserve = false, algorithm, cluster, checksum, inherit }) {
    if (reserve && [algorithm, cluster, checksum, inherit].some((option) => option !== undefined)) {
      throw new UsageError('--reserve compresses nothing: it takes no other options but -R');
    }
  },
  async edit(edit, [paths], { algorithm, cluster, checksum, recursive = false, inherit, release, reserve }) {
    const settings = {
      ...algorithm,
      ...(cluster === undefined ? {} : { logClusterSize: cluster }),
      ...(checksum === undefined ? {} : { checksum }),
    };
    const directories = inherit === true ? ('compressed' as const) : undefined;
    const which = { paths: paths as string[], recursive, directories };
    await eachFile(edit, 'compress', which, function* (compression) {
      const before = yield* compression.usage();
      if (reserve === true) return before.releasedBlocks > 0 && (yield* compression.reserve()) > 0;
      // What was given back stays so, however it is compressed.
      const again = before.releasedBlocks > 0;
      const changed = yield* compression.compress(settings);
      const { savedBlocks } = yield* compression.usage();
      if ((release === true || (again && changed)) && savedBlocks > 0) {
        yield* compression.release();
        return true;
      }
      return changed;
    });
  },
};
