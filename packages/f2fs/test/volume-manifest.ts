// What a volume holds, a line a name, as tools/oracle/guest/manifest.sh prints it under Linux; of large files other hashes.

import { createHash } from 'node:crypto';
import { FsError } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import { utf8Encode, Vfs } from '@f2fskit/vfs';
import type { F2fsInode, F2fsVolume } from '../src/index.ts';

/**
 * What of directories is compared: everything; all but times; neither times nor what depends on what they held before, size and
 * links.
 */
export type DirectoryFields = 'all' | 'untimed' | 'bare';

/** The manifest of a volume, or of what is below a path. */
export function manifestOf(volume: F2fsVolume, directories: DirectoryFields = 'all', path = '/'): string[] {
  const vfs = new Vfs(volume, 1 << 20);
  const tree = vfs.tree(runSync(vfs.walk(path)).inode, utf8Encode('.'));
  const lines: string[] = [];
  for (let event = runSync(tree.next()); event !== undefined; event = runSync(tree.next())) {
    const name = Buffer.from(event.path).toString('latin1');
    if (event.type === 'entry') lines.push(lineOf(event.inode as F2fsInode, name));
    else lines.push(`${event.type} ${event.error.message} ${name}`);
  }
  return comparable(lines, directories);
}

/** The same of a manifest that Linux printed. */
export function linuxManifest(text: Buffer, directories: DirectoryFields = 'all'): string[] {
  return comparable(text.toString('latin1').split('\n').slice(0, -1), directories);
}

/** Linux hashes no file above 1 GiB: for who compares with what it printed. */
export function withoutLargeHashes(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const fields = line.split('\t');
    if (fields[0] === 'file' && Number(fields[5]) > 2 ** 30) fields[8] = '-';
    return fields.join('\t');
  });
}

function comparable(lines: readonly string[], directories: DirectoryFields): string[] {
  const hidden = { all: [], untimed: [6], bare: [4, 5, 6] }[directories];
  return lines
    .map((line) => {
      const fields = line.split('\t');
      if (fields[0] === 'directory') for (const field of hidden) fields[field] = '-';
      return fields.join('\t');
    })
    .sort();
}

function lineOf(inode: F2fsInode, path: string): string {
  const { kind, mode, uid, gid, links, size, mtime, deviceMajor, deviceMinor } = inode.attributes();
  const device = `${deviceMajor.toString(16)}:${deviceMinor.toString(16)}`;
  let hash = '-';
  if (kind === 'symlink') hash = Buffer.from(runSync(inode.readLink())).toString('latin1');
  if (kind === 'file') hash = hashOf(inode);
  return [kind, (mode & 0o7777).toString(8), uid, gid, links, size, mtime.seconds, device, hash, path].join('\t');
}

/** Everything in a file. */
export function contentsOf(inode: F2fsInode, start = 0, end = inode.size): Buffer {
  const bytes = Buffer.alloc(end - start);
  for (let at = 0; at < bytes.length; ) at += runSync(inode.read(start + at, bytes.subarray(at)));
  return bytes;
}

/** Of a file; of a large one what is no hole in it, and where. */
function hashOf(inode: F2fsInode): string {
  const hash = createHash('sha256');
  if (inode.size <= WHOLE_BYTES_MAX) return hash.update(contentsOf(inode)).digest('hex');
  for (let at = 0; at < inode.size; ) {
    const start = dataFrom(inode, at);
    if (start === undefined) break;
    at = runSync(inode.seek(start, 'hole'));
    hash.update(`${start} ${at} `).update(contentsOf(inode, start, at));
  }
  return hash.digest('hex');
}

const WHOLE_BYTES_MAX = 16 << 20;

function dataFrom(inode: F2fsInode, position: number): number | undefined {
  try {
    return runSync(inode.seek(position, 'data'));
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENXIO') return undefined;
    throw error;
  }
}
