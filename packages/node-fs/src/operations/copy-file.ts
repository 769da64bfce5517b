// copyFile: the contents and the mode of a file. Holes stay holes.
//
//   1. both files are opened; the same file under two names is copied already
//   2. what was there is cut off, the mode is taken over
//   3. data, run by run
//
// When something goes wrong from 2 on, the copy is removed: half a file is no copy.

import { EEXIST, EISDIR, EOPNOTSUPP, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { OpenFile, Vfs } from '@f2fskit/vfs';
import type { PathLike } from '../api.ts';
import { checkInteger, toPath } from '../arguments.ts';
import { constants } from '../constants.ts';
import type { FsContext } from '../context.ts';
import { withPaths } from '../edge.ts';

/** Copied at a time. */
const CHUNK_BYTES = 1 << 20;

/**
 * `mode`: COPYFILE_EXCL refuses a name that is there. COPYFILE_FICLONE is a wish that is not met; FICLONE_FORCE throws
 * EOPNOTSUPP: no two files share blocks.
 */
export function* copyFile({ vfs }: FsContext, src: PathLike, dest: PathLike, mode?: number | null): Task<void> {
  const from = toPath(src, 'src');
  const to = toPath(dest, 'dest');
  const flags = checkInteger(mode ?? 0, 'mode', 0, 7);
  yield* withPaths('copyfile', from, to, copy(vfs, from, to, flags));
}

function* copy(vfs: Vfs, from: string | Uint8Array, to: string | Uint8Array, flags: number): Task<void> {
  yield* using(vfs, yield* vfs.open(from), function* (source) {
    const { inode } = source;
    const mode = inode.attributes().mode & 0o7777;
    const exclusive = (flags & constants.COPYFILE_EXCL) !== 0;
    if (inode.kind === 'directory') {
      // Before anything is made or cut. What would be said of the target comes first.
      const taken = exclusive && (yield* ignoreError(vfs.walk(to, { followLast: false }))) !== undefined;
      throw new FsError(taken ? EEXIST : EISDIR);
    }
    if ((flags & constants.COPYFILE_FICLONE_FORCE) !== 0) throw new FsError(EOPNOTSUPP, 'no two files share blocks');
    const fd = yield* vfs.open(to, { access: 'write', create: true, exclusive, mode });
    yield* using(vfs, fd, function* (target) {
      if (target.inode.ino === inode.ino) return;
      try {
        yield* target.truncate(0);
        yield* target.inode.setAttributes!({ mode });
        yield* copyData(source, target);
      } catch (error) {
        yield* ignoreError(vfs.unlink(to));
        throw error;
      }
    });
  });
}

/** The runs of data of one file into an empty one. */
function* copyData(source: OpenFile, target: OpenFile): Task<void> {
  const { inode } = source;
  const { size } = inode.attributes();
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size));
  for (let at = yield* nextData(source, 0); at < size; ) {
    const hole = yield* inode.seek(at, 'hole');
    while (at < hole) {
      const count = yield* source.readAt(at, chunk.subarray(0, hole - at));
      if (count === 0) break; // cut meanwhile
      for (let done = 0; done < count; ) done += yield* target.writeAt(at + done, chunk.subarray(done, count));
      at += count;
    }
    at = yield* nextData(source, hole);
  }
  if (target.inode.attributes().size < size) yield* target.truncate(size);
}

/** The end of the file where no data follows. */
function* nextData({ inode }: OpenFile, position: number): Task<number> {
  try {
    return yield* inode.seek(position, 'data');
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENXIO') return Number.POSITIVE_INFINITY;
    throw error;
  }
}

/** Runs `body` with an open file, and closes it. */
function* using(vfs: Vfs, fd: number, body: (file: OpenFile) => Task<void>): Task<void> {
  try {
    yield* body(vfs.file(fd));
  } catch (error) {
    yield* ignoreError(vfs.close(fd));
    throw error;
  }
  yield* vfs.close(fd);
}

function* ignoreError<T>(task: Task<T>): Task<T | undefined> {
  try {
    return yield* task;
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}
