// What a volume holds, said in the way of the scripts in tools/oracle/guest, so that what Linux says and what we say are equal
// texts: the manifest, the data of large files, extended attributes, the room that is left.

import { createHash } from 'node:crypto';
import { FsError } from '@f2fskit/errno';
import { runSync, type Task } from '@f2fskit/task';
import { comparableManifest } from '@f2fskit/testkit/model';
import { FileFlag, type Inode } from '@f2fskit/vfs';
import type { Volume } from '../../src/node/index.ts';
import { manifestSync } from '../manifest-lines.ts';

/** Texts by path or line, sorted; bytes that are not ASCII as latin1. */
export interface Contents {
  /** As `ModelFilesystem.manifest()`, with mtimes. */
  manifest: string[];
  /** `path TAB start-end TAB sha256` of files of more than 1 GiB, without compressed ones. */
  far: string[];
  /** `path TAB name=0xhex`. */
  xattrs: string[];
  /** As `stat -f`. */
  statfs: string;
}

/** Files that manifest.sh does not hash. */
const FAR_BYTES_MIN = 2 ** 30;

/** What we say. Throws damage. */
export function ourContents(volume: Volume): Contents {
  const { lines, errors } = manifestSync(volume);
  const damage = errors.filter((message) => !message.startsWith('ENOKEY'));
  if (damage.length > 0) throw new Error(damage.join('\n'));
  const far: string[] = [];
  const xattrs: string[] = [];
  const tree = volume.vfs.tree(runSync(volume.vfs.walk('/')).inode, Buffer.from('.'));
  for (let event = runSync(tree.next()); event !== undefined; event = runSync(tree.next())) {
    if (event.type !== 'entry') throw event.error;
    const { inode } = event;
    const path = Buffer.from(event.path).toString('latin1');
    for (const { name, value } of runSync(inode.extendedAttributes())) {
      const shown = Buffer.from(name).toString('latin1');
      xattrs.push(`${path}\t${shown}=0x${Buffer.from(value).toString('hex')}`);
    }
    const { kind, size } = inode.attributes();
    const compressed = (inode.flags() & FileFlag.compressed) !== 0;
    if (kind === 'file' && size > FAR_BYTES_MIN && !compressed) far.push(...runSync(farLines(inode, path)));
  }
  const { bsize, blocks, bfree, bavail, files, ffree, type } = volume.statfsSync('/');
  return {
    manifest: comparable(lines.map((line) => line.replaceAll('\t!ENOKEY\t', '\t\t'))),
    far: far.sort(),
    xattrs: xattrs.sort(),
    statfs: [bsize, blocks, bfree, bavail, files, ffree, 255, type.toString(16)].join(' '),
  };
}

/** What Linux said, by the endings of its files. */
export function linuxContents(read: (ending: string) => Buffer): Contents {
  const lines = (ending: string): string[] => read(ending).toString('latin1').split('\n').slice(0, -1);
  return {
    manifest: comparable(lines('manifest')),
    far: lines('far').sort(),
    xattrs: getfattrLines(read('xattrs').toString('latin1')).sort(),
    statfs: lines('statfs')[0] ?? '',
  };
}

const comparable = (lines: readonly string[]): string[] =>
  comparableManifest(lines.map((line) => Buffer.from(line, 'latin1')));

/** `getfattr -R -d -e hex`: blocks of a `# file:` line and its attributes; bytes that are special as `\\012`. */
function getfattrLines(text: string): string[] {
  const lines: string[] = [];
  let path = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('# file: ')) path = plain(line.slice('# file: '.length));
    else if (line !== '') lines.push(`${path === '.' ? '.' : `./${path}`}\t${plain(line)}`);
  }
  return lines;
}

const plain = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

function* farLines(inode: Inode, path: string): Task<string[]> {
  const { size } = inode.attributes();
  const lines: string[] = [];
  for (let at = 0; at < size; ) {
    const start = yield* dataFrom(inode, at);
    if (start === undefined) break;
    at = yield* inode.seek(start, 'hole');
    const hash = createHash('sha256');
    const bytes = new Uint8Array(1 << 20);
    for (let position = start; position < at; ) {
      const count = yield* inode.read(position, bytes.subarray(0, Math.min(bytes.length, at - position)));
      if (count === 0) throw new Error(`${path} ends at ${position}, in its data`);
      hash.update(bytes.subarray(0, count));
      position += count;
    }
    lines.push(`${path}\t${start}-${at}\t${hash.digest('hex')}`);
  }
  return lines.length === 0 ? [`${path}\t-\t-`] : lines;
}

function* dataFrom(inode: Inode, position: number): Task<number | undefined> {
  try {
    return yield* inode.seek(position, 'data');
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENXIO') return undefined;
    throw error;
  }
}
