// `disk.img#3`: a file and the partition in it, in one word.

import { EINVAL, FsError } from '@f2fskit/errno';

/** A file, and which of its partitions is meant. */
export interface PartitionPath {
  readonly path: string;
  /** A number or a name; absent where the path names none. */
  readonly partition?: string;
}

/**
 * Takes a partition off the end of a path. A file whose own name contains `#` wins: the longest part of `text` before a
 * `#`, or all of it, that `exists` is the file. Where none exists, it is all path. Throws EINVAL for `disk.img#` with
 * nothing behind it.
 */
export function splitPartition(text: string, exists: (path: string) => boolean): PartitionPath {
  if (!text.includes('#') || exists(text)) return { path: text };
  for (let at = text.lastIndexOf('#'); at > 0; at = text.lastIndexOf('#', at - 1)) {
    const path = text.slice(0, at);
    if (!exists(path)) continue;
    const partition = text.slice(at + 1);
    if (partition === '') {
      const detail = 'a partition number or name is missing behind #: write disk.img#3 or disk.img#userdata';
      throw new FsError(EINVAL, { syscall: 'open', path: text, detail });
    }
    return { path, partition };
  }
  return { path: text };
}
