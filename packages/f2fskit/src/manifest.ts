// The manifest of a volume: one line a file, fields separated by tabs, in the byte order of the paths:
//
//   type  mode(octal)  uid  gid  nlink  size  mtime(s)  rdev(major:minor, hex)  hash  path
//
//   type   file directory symlink char block fifo socket
//   hash   SHA-256 of a file of at most 1 GiB, the target of a symlink, `-` for everything else;
//          `!CODE` where the contents, the target or the inode cannot be read
//   path   begins with `.`, which is the directory the manifest was asked for; bytes as stored
//
// An inode that cannot be read leaves `-` in every other field and the type that its directory entry claims. The walk
// streams: one listing a level is in memory.

import { FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import {
  type Attributes,
  type Inode,
  joinBytes,
  type PathLike,
  type TreeEvent,
  type TreeWalk,
  utf8Encode,
} from '@f2fskit/vfs';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Volume } from './volume.ts';

/** Larger files are not hashed. */
const HASHED_BYTES_MAX = 2 ** 30;
const READ_BYTES = 1 << 20;

/** An incremental hash: `node:crypto`'s fits, and `@noble/hashes`'. */
export interface IncrementalHash {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

export interface ManifestOptions {
  /** Makes a SHA-256; a JavaScript one unless given. */
  createHash?: () => IncrementalHash;
}

/** One line, or damage that has no line of its own. */
export type ManifestRecord =
  | { path: Uint8Array; line: Uint8Array; error?: FsError }
  | { path: Uint8Array; line?: undefined; error: FsError };

export class Manifest {
  readonly #walk: TreeWalk;
  readonly #createHash: () => IncrementalHash;
  readonly #chunk = new Uint8Array(READ_BYTES);

  /** Starts a manifest of what `path` names. Throws what walking there throws. */
  static *open(volume: Volume, path: PathLike = '/', options: ManifestOptions = {}): Task<Manifest> {
    const { inode } = yield* volume.vfs.walk(path);
    return new Manifest(volume.vfs.tree(inode, utf8Encode('.')), options);
  }

  private constructor(walk: TreeWalk, { createHash = () => sha256.create() }: ManifestOptions) {
    this.#walk = walk;
    this.#createHash = createHash;
  }

  /** The next record, `undefined` at the end. */
  *next(): Task<ManifestRecord | undefined> {
    const event = yield* this.#walk.next();
    if (event === undefined) return undefined;
    if (event.type === 'damage') return { path: event.path, error: event.error };
    if (event.type === 'unreadable') return unreadable(event);
    let hash: Uint8Array;
    let error: FsError | undefined;
    try {
      hash = yield* this.#hash(event.inode);
    } catch (caught) {
      if (!(caught instanceof FsError)) throw caught;
      error = caught;
      hash = utf8Encode(`!${caught.code}`);
    }
    const line = lineOf(event.inode.attributes(), hash, event.path);
    return error === undefined ? { path: event.path, line } : { path: event.path, line, error };
  }

  *#hash(inode: Inode): Task<Uint8Array> {
    if (inode.kind === 'symlink') return yield* inode.readLink();
    if (inode.kind !== 'file' || inode.attributes().size > HASHED_BYTES_MAX) return utf8Encode('-');
    const hash = this.#createHash();
    for (let position = 0; ; ) {
      const count = yield* inode.read(position, this.#chunk);
      if (count === 0) break;
      hash.update(this.#chunk.subarray(0, count));
      position += count;
    }
    return utf8Encode(Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join(''));
  }
}

function unreadable({ entry, error, path }: Extract<TreeEvent, { type: 'unreadable' }>): ManifestRecord {
  const fields = [entry.kind, '-', '-', '-', '-', '-', '-', '-', `!${error.code}`, ''].join('\t');
  return { path, line: joinBytes(utf8Encode(fields), path), error };
}

function lineOf(attributes: Attributes, hash: Uint8Array, path: Uint8Array): Uint8Array {
  const { kind, mode, uid, gid, links, size, mtime, deviceMajor, deviceMinor } = attributes;
  const fields = [
    kind,
    (mode & 0o7777).toString(8),
    uid,
    gid,
    links,
    size,
    mtime.seconds,
    `${deviceMajor.toString(16)}:${deviceMinor.toString(16)}`,
    '',
  ];
  return joinBytes(utf8Encode(fields.join('\t')), hash, utf8Encode('\t'), path);
}
