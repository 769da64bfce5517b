// Paths of a volume, taken apart and put together. A path without a leading slash begins at the root as well.

import { compareBytes, joinBytes, type Resolved, utf8Encode } from '@f2fskit/vfs';
import { type Volume, withPath } from 'f2fskit';
import { hasCode, refusal } from './refusal.ts';

export const SLASH = utf8Encode('/');

/** Without the slashes at its end; the root is a slash. */
export function withoutSlashes(path: string): string {
  return path.replace(/(?<=.)\/+$/, '');
}

/** The last component, which may be `.` or `..`; empty for the root. */
export function baseName(path: string): string {
  const trimmed = withoutSlashes(path);
  return trimmed === '/' ? '' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** What leads to the last component. */
export function parentName(path: string): string {
  const trimmed = withoutSlashes(path);
  const slash = trimmed.lastIndexOf('/');
  return slash <= 0 ? '/' : trimmed.slice(0, slash);
}

/** A name below an absolute path. An empty name, or `.`, is the path itself. */
export function joinPath(path: Uint8Array, name: string | Uint8Array): Uint8Array {
  const bytes = typeof name === 'string' ? utf8Encode(name) : name;
  if (bytes.length === 0 || (bytes.length === 1 && bytes[0] === 0x2e)) return path;
  return path.length === 1 ? joinBytes(path, bytes) : joinBytes(path, joinBytes(SLASH, bytes));
}

/** The directory and the name of an absolute path that is not the root. */
export function splitPath(path: Uint8Array): { directory: Uint8Array; name: Uint8Array } {
  const slash = path.lastIndexOf(SLASH[0]!);
  return { directory: path.subarray(0, Math.max(1, slash)), name: path.subarray(slash + 1) };
}

/** Whether an absolute path is `above` or lies below it. */
export function isBelow(path: Uint8Array, above: Uint8Array): boolean {
  if (above.length === 1 || compareBytes(path, above) === 0) return true;
  return path.length > above.length && path[above.length] === SLASH[0] && startsWith(path, above);
}

function startsWith(path: Uint8Array, start: Uint8Array): boolean {
  return compareBytes(path.subarray(0, start.length), start) === 0;
}

/** What a path leads to; `undefined` where nothing is. */
export async function find(
  { scheduler, vfs }: Volume,
  syscall: string,
  path: string | Uint8Array,
  { followLast = true }: { followLast?: boolean } = {},
): Promise<Resolved | undefined> {
  try {
    return await scheduler.run(withPath(syscall, path, vfs.walk(path, { followLast })));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Where something goes: into a directory, under its own name; or it becomes `path`. */
export interface Destination {
  into: boolean;
  path: Uint8Array;
}

/**
 * What a symlink at the end of a destination is, where it leads to no directory: `follow`: what it leads to; `replace`: the
 * symlink itself; `name`: itself also where it leads to a directory.
 */
export type LastSymlink = 'follow' | 'replace' | 'name';

/** Looks where DEST is. `..` and symlinks on the way are followed. `many`: it has to be a directory. */
export async function findDestination(
  volume: Volume,
  syscall: string,
  dest: string,
  { many, last = 'follow' }: { many: boolean; last?: LastSymlink },
): Promise<Destination> {
  const found = await find(volume, syscall, dest);
  const itself = await find(volume, syscall, withoutSlashes(dest), { followLast: false });
  const isName = last === 'name' && itself?.inode.kind === 'symlink';
  if (found?.inode.kind === 'directory' && !isName) return { into: true, path: found.path };
  if (many) throw refusal(found === undefined ? 'ENOENT' : 'ENOTDIR', { syscall, path: dest });
  if (itself === undefined) {
    const parent = await volume.scheduler.run(withPath(syscall, dest, volume.vfs.walk(parentName(dest))));
    if (parent.inode.kind !== 'directory') throw refusal('ENOTDIR', { syscall, path: dest });
    return { into: false, path: joinPath(parent.path, baseName(dest)) };
  }
  if (last !== 'follow') return { into: false, path: itself.path };
  if (found === undefined) throw refusal('ENOENT', { syscall, path: dest, detail: 'a symlink that leads nowhere' });
  return { into: false, path: found.path };
}

/** A slash behind a destination asks for a directory. Throws ENOTDIR. */
export function requireName({ into }: Destination, syscall: string, dest: string): void {
  if (!into && dest.endsWith('/')) throw refusal('ENOTDIR', { syscall, path: dest });
}
