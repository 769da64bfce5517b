// readdir and opendir.

import type { Task } from '@f2fskit/task';
import { joinBytes, utf8Decode, utf8Encode } from '@f2fskit/vfs';
import type { BytesOptions, Encoding, OpendirOptions, PathLike, ReaddirOptions, TextOptions } from '../api.ts';
import { checkInteger, toEncoding, toOptions, toPath } from '../arguments.ts';
import { bytesOrText, type FsContext } from '../context.ts';
import { Dir } from '../dir.ts';
import { Dirent } from '../dirent.ts';
import { withPath } from '../edge.ts';
import { kindOf, openEntries, type SourceEntry } from '../entry-source.ts';

const SLASH = Uint8Array.of(0x2f);

type AnyReaddirOptions = (TextOptions | BytesOptions) & ReaddirOptions & { withFileTypes?: boolean | undefined };

/** Names in the order of storage, without `.` and `..`. Throws the first damage it meets. */
export function* readdir<B extends Uint8Array>(
  context: FsContext<B>,
  path: PathLike,
  options?: AnyReaddirOptions | Encoding | 'buffer' | null,
): Task<Array<string | B> | Array<Dirent<string | B>>> {
  const { encoding, withFileTypes, recursive } = toOptions<AnyReaddirOptions>(options);
  const wanted = toEncoding(encoding) ?? 'utf8';
  const where = toPath(path);
  return yield* withPath('scandir', where, list(context, where, wanted, withFileTypes === true, recursive === true));
}

function* list<B extends Uint8Array>(
  context: FsContext<B>,
  path: string | Uint8Array,
  encoding: Encoding | 'buffer',
  withFileTypes: boolean,
  recursive: boolean,
): Task<Array<string | B> | Array<Dirent<string | B>>> {
  const source = yield* openEntries(context, path, recursive);
  const names: Array<string | B> = [];
  const dirents: Array<Dirent<string | B>> = [];
  for (let part = yield* source.next(); part !== undefined; part = yield* source.next()) {
    for (const entry of part) {
      if (withFileTypes) dirents.push(yield* toDirent(context, path, entry, encoding));
      else names.push(bytesOrText(context, relativePath(entry), encoding));
    }
  }
  return withFileTypes ? dirents : names;
}

function relativePath({ parent, name }: SourceEntry): Uint8Array {
  return parent.length === 0 ? name : joinBytes(parent, SLASH, name);
}

/** `path` is how the caller called the directory in which the listing began. */
export function* toDirent<B extends Uint8Array>(
  context: FsContext<B>,
  path: string | Uint8Array,
  entry: SourceEntry,
  encoding: Encoding | 'buffer',
): Task<Dirent<string | B>> {
  const name = bytesOrText(context, entry.name, encoding);
  return new Dirent(name, parentPath(path, entry.parent), yield* kindOf(context, entry));
}

/** `/dir`, or `/dir/a/b` for what a recursive listing found further down. */
function parentPath(path: string | Uint8Array, parent: Uint8Array): string {
  if (parent.length === 0) return typeof path === 'string' ? path : utf8Decode(path);
  const start = typeof path === 'string' ? utf8Encode(path) : path;
  const end = start[start.length - 1] === SLASH[0] ? start.length - 1 : start.length;
  return utf8Decode(joinBytes(start.subarray(0, end), SLASH, parent));
}

export function* opendir<B extends Uint8Array>(
  context: FsContext<B>,
  path: PathLike,
  options?: OpendirOptions | Encoding | null,
): Task<Dir> {
  const { encoding, bufferSize, recursive } = toOptions<OpendirOptions>(options);
  const wanted = toEncoding(encoding) ?? 'utf8';
  if (bufferSize !== undefined) checkInteger(bufferSize, 'options.bufferSize', 1);
  const where = toPath(path);
  const source = yield* withPath('opendir', where, openEntries(context, where, recursive === true));
  return new Dir(context, where, source, (entry) => toDirent(context, where, entry, wanted) as Task<Dirent>);
}
