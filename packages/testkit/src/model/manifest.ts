// The manifest of a model: a line a name, in the format of tools/oracle/guest/manifest.sh, so that a model, a volume and a
// Linux mount compare equal:
//
//   type  mode(octal)  uid  gid  nlink  size  mtime(s)  rdev(major:minor, hex)  hash  path
//
// fields separated by tabs; `hash` is the SHA-256 of a file of at most 1 GiB, the target of a symlink, `-` for everything
// else. Lines are texts as in names.ts, in the order of the bytes of their paths.
//
// Every filesystem has its own size for a directory, so a model has none: `-` stands there, and `comparableManifest` puts
// it into other manifests.

import type { ModelInode } from './model-inode.ts';
import type { ModelTree } from './model-tree.ts';
import { decodeName, keyOf, textOf } from './names.ts';
import { ROOT } from './path-walk.ts';

/** Larger files are not hashed. */
const HASHED_BYTES_MAX = 2 ** 30;

export interface ManifestOptions {
  /** False: `-` for every mtime, for targets whose clock is not injected. Default true. */
  times?: boolean;
}

export function manifestOf(tree: ModelTree, { times = true }: ManifestOptions): string[] {
  const lines: Array<[path: string, line: string]> = [];
  const add = (ino: number, path: string): void => {
    const inode = tree.inode(ino);
    lines.push([path, lineOf(inode, path, times)]);
    for (const [name, child] of inode.entries) add(child, `${path}/${name}`);
  };
  add(ROOT, '.');
  return sortedLines(lines);
}

/**
 * Another manifest (its lines as bytes or texts, in any order) as `manifest()` of a model would print it: sorted, without
 * the sizes of directories, without times where `times` is false.
 */
export function comparableManifest(
  manifest: Iterable<string | Uint8Array>,
  { times = true }: ManifestOptions = {},
): string[] {
  const lines: Array<[path: string, line: string]> = [];
  for (const line of manifest) {
    const fields = (typeof line === 'string' ? line : decodeName(line)).split('\t');
    if (fields[0] === 'directory') fields[5] = '-';
    if (!times) fields[6] = '-';
    lines.push([pathKeyOf(fields), fields.join('\t')]);
  }
  return sortedLines(lines);
}

/** A path follows the first nine fields; only the target of a symlink, the last of these, may have tabs too. */
function pathKeyOf(fields: readonly string[]): string {
  const from = fields[0] === 'symlink' ? fields.findLastIndex((field) => field.startsWith('./')) : 9;
  return keyOf(fields.slice(from).join('\t'));
}

function lineOf(inode: ModelInode, path: string, times: boolean): string {
  const { kind, mode, uid, gid, links, target, content, mtime, device } = inode;
  const size = kind === 'directory' ? '-' : kind === 'symlink' ? target.length : content.size;
  const hash =
    kind === 'symlink' ? textOf(target) : kind === 'file' && content.size <= HASHED_BYTES_MAX ? content.digest() : '-';
  const number = `${device.major.toString(16)}:${device.minor.toString(16)}`;
  const time = times ? mtime.seconds : '-';
  return [kind, mode.toString(8), uid, gid, links, size, time, number, hash, textOf(path)].join('\t');
}

function sortedLines(lines: Array<[path: string, line: string]>): string[] {
  return lines.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, line]) => line);
}
