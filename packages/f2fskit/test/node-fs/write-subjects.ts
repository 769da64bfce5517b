// Subjects that are written to: a directory of the host, and volumes that have the same tree in a directory of theirs. Paths
// of a call begin below several directories, so that `..` leads to the same place in all of them.

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type MemoryDevice, ShuffleDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { openVolume, openVolumeSync, type Volume } from '../../src/node/index.ts';
import type { NodeFs } from './subjects.ts';

/** By Node's own types, so that the volume is held to them as well. */
export type WriteSync = Pick<
  NodeFs,
  | 'appendFileSync'
  | 'chmodSync'
  | 'chownSync'
  | 'closeSync'
  | 'copyFileSync'
  | 'cpSync'
  | 'createReadStream'
  | 'createWriteStream'
  | 'existsSync'
  | 'fchmodSync'
  | 'fchownSync'
  | 'fdatasyncSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'futimesSync'
  | 'lchownSync'
  | 'linkSync'
  | 'lstatSync'
  | 'mkdirSync'
  | 'mkdtempSync'
  | 'openSync'
  | 'readdirSync'
  | 'readFileSync'
  | 'readlinkSync'
  | 'readSync'
  | 'renameSync'
  | 'rmdirSync'
  | 'rmSync'
  | 'statSync'
  | 'symlinkSync'
  | 'truncateSync'
  | 'unlinkSync'
  | 'utimesSync'
  | 'writeFileSync'
  | 'writeSync'
  | 'writevSync'
>;
export type WritePromises = Pick<
  NodeFs['promises'],
  | 'appendFile'
  | 'chmod'
  | 'chown'
  | 'copyFile'
  | 'cp'
  | 'lchown'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'mkdtemp'
  | 'open'
  | 'readdir'
  | 'readFile'
  | 'readlink'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'symlink'
  | 'truncate'
  | 'unlink'
  | 'utimes'
  | 'writeFile'
>;

export interface WriteSubject {
  readonly name: string;
  readonly sync: WriteSync;
  readonly promises: WritePromises;
  /** What holds everything that the calls may reach. */
  readonly top: string;
  /** Of a volume. */
  readonly volume?: Volume;
}

/** Directories above where calls begin. */
const ABOVE = '/1/2/3/4/5/6';

export const isRoot = process.getuid?.() === 0;

/** The path of `/…` for a subject. */
export function at(subject: WriteSubject, place: string): string {
  return subject.top + ABOVE + place;
}

/** Takes what is the subject's own out of a text. */
export function local(subject: WriteSubject, text: string): string {
  return text.replaceAll(subject.top + ABOVE, '').replaceAll(subject.top, '<top>');
}

export function hostSubject(): WriteSubject & { dispose(): void } {
  const top = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-write-')));
  fs.chmodSync(top, 0o755);
  fs.mkdirSync(top + ABOVE, { recursive: true });
  return {
    name: 'Node',
    sync: fs,
    promises: fs.promises,
    top,
    dispose: () => fs.rmSync(top, { recursive: true, force: true }),
  };
}

export interface VolumeSubject extends WriteSubject {
  readonly volume: Volume;
  readonly memory: MemoryDevice;
}

function subjectOf(name: string, volume: Volume, memory: MemoryDevice): VolumeSubject {
  volume.vfs.umask = process.umask();
  if (!isRoot) [volume.vfs.uid, volume.vfs.gid] = [process.getuid!(), process.getgid!()];
  return {
    name,
    volume,
    memory,
    // The casts are what `types.ts` accounts for, call by call.
    sync: volume as unknown as WriteSync,
    promises: volume.promises as unknown as WritePromises,
    top: '/top',
  };
}

/** A volume with what is on the golden volume `plain`, on a device that finishes at once. */
export function volumeSubject(): VolumeSubject {
  const memory = loadGolden('plain').device.clone();
  const volume = openVolumeSync(memory, { writable: true });
  volume.mkdirSync(`/top${ABOVE}`, { recursive: true });
  return subjectOf('a volume', volume, memory);
}

/** The same emptied first. */
export function emptySubject(): VolumeSubject {
  const memory = loadGolden('plain').device.clone();
  const volume = openVolumeSync(memory, { writable: true });
  for (const name of volume.readdirSync('/')) volume.rmSync(`/${name}`, { recursive: true });
  volume.mkdirSync(`/top${ABOVE}`, { recursive: true });
  runSync(volume.f2fs.sync());
  return subjectOf('an empty volume', volume, memory);
}

/** The same on a device that finishes later, in shuffled order. */
export async function laterSubject(seed: number): Promise<VolumeSubject> {
  const memory = loadGolden('plain').device.clone();
  const volume = await openVolume(new ShuffleDevice(memory, seed), { writable: true });
  for (const name of await volume.promises.readdir('/')) await volume.promises.rm(`/${name}`, { recursive: true });
  await volume.promises.mkdir(`/top${ABOVE}`, { recursive: true });
  await volume.sync();
  return subjectOf('a volume on a slow device', volume, memory);
}

/** The same volume again, read by somebody who knows nothing of the writer. */
export function reopened({ memory }: VolumeSubject): VolumeSubject {
  return subjectOf('the volume, opened again', openVolumeSync(memory.clone()), memory);
}

/** What a call came to: as Node's, without what is the subject's own. */
export async function answer(subject: WriteSubject, codeOnly: boolean, run: () => unknown): Promise<unknown> {
  try {
    const value = await run();
    return { value: typeof value === 'string' ? local(subject, value) : value };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { code, errno, syscall, path: where, dest } = error as NodeJS.ErrnoException & { dest?: string };
    if (code === undefined || code === 'EUCLEAN') throw error;
    if (codeOnly) return { code };
    const detail = error instanceof FsError && error.detail !== undefined ? ` (${error.detail})` : '';
    const shown = (text: string | undefined): string | undefined =>
      text === undefined ? undefined : local(subject, text);
    return {
      code,
      errno,
      syscall,
      path: shown(where),
      dest: shown(dest),
      message: shown(error.message.replace(detail, '')),
    };
  }
}

const KINDS = [
  'isFile',
  'isDirectory',
  'isSymbolicLink',
  'isFIFO',
  'isSocket',
  'isCharacterDevice',
  'isBlockDevice',
] as const;
/** Times before this were set by a call. */
const LONG_AGO_MS = Date.UTC(2002);

/** Everything below `top`, one line a name; hard links show which names they join. Names are bytes. */
export function snapshot(subject: WriteSubject, top: string, everyTime = false): string[] {
  const { sync } = subject;
  const lines: string[] = [];
  const firstNames = new Map<number, string>();
  const visit = (place: Buffer): void => {
    const where = Buffer.concat([Buffer.from(top), place]);
    const stats = sync.lstatSync(where);
    const name = place.toString('latin1');
    const kind = KINDS.find((is) => stats[is]())!;
    const shown: unknown[] = [name, kind, stats.mode.toString(8)];
    if (isRoot) shown.push(stats.uid, stats.gid);
    if (everyTime) shown.push(stats.nlink, stats.ctimeMs, stats.mtimeMs, stats.atimeMs);
    else if (stats.mtimeMs < LONG_AGO_MS) shown.push(stats.mtimeMs);
    if (!stats.isDirectory()) shown.push(stats.nlink, firstNames.get(stats.ino) ?? name);
    if (!firstNames.has(stats.ino)) firstNames.set(stats.ino, name);
    if (stats.isFile()) shown.push(stats.size, sync.readFileSync(where).toString('base64'));
    if (stats.isSymbolicLink()) {
      const target = sync.readlinkSync(where, 'buffer').toString('latin1');
      shown.push(stats.size - target.length, local(subject, target));
    }
    lines.push(shown.join(' '));
    if (!stats.isDirectory()) return;
    const names = sync.readdirSync(where, 'buffer').sort(Buffer.compare);
    for (const inner of names) visit(Buffer.concat([place, Buffer.from('/'), inner]));
  };
  visit(Buffer.alloc(0));
  return lines;
}
