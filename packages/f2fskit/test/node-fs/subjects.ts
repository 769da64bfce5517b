// One tree, three subjects: Node's own fs on a temporary directory, a volume on a device that finishes at once, and the same
// volume on one that finishes later, in shuffled order. The tree is the golden volume `plain`, which Linux wrote; the host's
// copy is made by `extract`, whose result the extraction tests hold against Linux's manifest.

import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ShuffleDevice } from '@f2fskit/block';
import { Corruption } from '@f2fskit/errno';
import { loadGolden } from '@f2fskit/testkit';
import { extract, openVolume, openVolumeSync, type Volume } from '../../src/node/index.ts';

export type NodeFs = typeof fs;
/** What the suite calls: by Node's own types, so that the volume is held to them as well. */
export type SyncFs = Pick<
  NodeFs,
  | 'accessSync'
  | 'closeSync'
  | 'createReadStream'
  | 'existsSync'
  | 'fstatSync'
  | 'lstatSync'
  | 'opendirSync'
  | 'openSync'
  | 'readdirSync'
  | 'readFileSync'
  | 'readlinkSync'
  | 'readSync'
  | 'readvSync'
  | 'realpathSync'
  | 'statSync'
  | 'statfsSync'
>;
export type PromiseFs = Pick<
  typeof fs.promises,
  'access' | 'lstat' | 'open' | 'opendir' | 'readdir' | 'readFile' | 'readlink' | 'realpath' | 'stat' | 'statfs'
>;

export interface Subject {
  readonly name: string;
  readonly sync: SyncFs;
  readonly promises: PromiseFs;
  /** The path of `/…` on the volume, for this subject. */
  at(place: string): string;
  /** The same with bytes behind it that need not be UTF-8. */
  bytesAt(place: string, ...bytes: number[]): Buffer;
  /** Takes what is this subject's own out of a text. */
  local(text: string): string;
}

const golden = loadGolden('plain');

export interface Subjects {
  host: Subject;
  volume: Subject & { volume: Volume };
  later: Subject & { volume: Volume };
  dispose(): Promise<void>;
}

export async function makeSubjects(): Promise<Subjects> {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-')));
  const root = path.join(folder, 'tree');
  const volume = openVolumeSync(golden.device.clone());
  await extract(volume, root, { owners: process.getuid?.() === 0, xattrs: false, devices: process.getuid?.() === 0 });
  const server = await hostSocket(volume, root, '/d/socket');
  const later = await openVolume(new ShuffleDevice(golden.device.clone(), 7));
  return {
    host: {
      name: 'Node',
      // The plain realpathSync of Node goes prefix by prefix, and accepts `file/`.
      sync: { ...fs, realpathSync: fs.realpathSync.native as typeof fs.realpathSync },
      promises: fs.promises,
      at: (place) => root + (place === '/' ? '' : place),
      bytesAt: (place, ...bytes) => Buffer.concat([Buffer.from(root + place), Buffer.from(bytes)]),
      local: (text) => (text === root ? '/' : text.replaceAll(root, '')),
    },
    volume: onVolume('a volume', volume),
    later: onVolume('a volume on a slow device', later),
    async dispose() {
      await volume.close();
      await later.close();
      server.close();
      fs.rmSync(folder, { recursive: true });
    },
  };
}

/** A socket on the host is there while somebody listens; `extract` cannot make it. */
async function hostSocket(volume: Volume, root: string, place: string): Promise<net.Server> {
  const { mode, atimeMs, mtimeMs } = volume.statSync(place);
  const server = net.createServer().listen(root + place);
  await once(server, 'listening');
  fs.chmodSync(root + place, mode & 0o7777);
  fs.utimesSync(root + place, atimeMs / 1000, mtimeMs / 1000);
  const parent = path.dirname(place);
  const stats = volume.statSync(parent);
  fs.utimesSync(root + parent, stats.atimeMs / 1000, stats.mtimeMs / 1000);
  return server;
}

function onVolume(name: string, volume: Volume): Subject & { volume: Volume } {
  return {
    name,
    volume,
    // The casts are what `types.test-d.ts` accounts for, call by call.
    sync: volume as unknown as SyncFs,
    promises: volume.promises as unknown as PromiseFs,
    at: (place) => place,
    bytesAt: (place, ...bytes) => Buffer.concat([Buffer.from(place), Buffer.from(bytes)]),
    local: (text) => text,
  };
}

/** What a call came to, without what differs between one filesystem and another. */
export type Outcome = { value: unknown } | { error: Record<string, unknown> };

export async function outcome(subject: Subject, run: () => unknown): Promise<Outcome> {
  try {
    return { value: comparable(subject, await run()) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { code, syscall, errno, name } = error as NodeJS.ErrnoException;
    // A Corruption is no answer here: Node has none to compare with.
    if (error instanceof Corruption || code === undefined) throw error;
    // Node's promise and sync calls name the realpath and the scan differently; what counts is the code.
    const shown = syscall === undefined || syscall === 'realpath' || syscall === 'lstat' ? undefined : syscall;
    return { error: { code, syscall: shown, errno, name: error instanceof TypeError ? name : undefined } };
  }
}

const KINDS = [
  'isFile',
  'isDirectory',
  'isSymbolicLink',
  'isFIFO',
  'isSocket',
  'isBlockDevice',
  'isCharacterDevice',
] as const;

function comparable(subject: Subject, value: unknown): unknown {
  if (typeof value === 'string') return subject.local(value);
  if (typeof value === 'bigint' || typeof value !== 'object' || value === null) return value;
  if (Buffer.isBuffer(value)) return `bytes ${subject.local(value.toString('latin1'))}`;
  if (ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map((one) => comparable(subject, one));
  if ('isFile' in value) return stats(subject, value as fs.Stats | fs.BigIntStats | fs.Dirent);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, comparable(subject, one)]));
}

/** To ten milliseconds. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds / 10);
}

function stats(subject: Subject, value: fs.Stats | fs.BigIntStats | fs.Dirent): unknown {
  const kind = KINDS.filter((is) => value[is]());
  if ('name' in value) {
    const { name, parentPath } = value;
    return { kind, name: comparable(subject, name), parentPath: subject.local(parentPath) };
  }
  const directory = value.isDirectory();
  const root = process.getuid?.() === 0;
  return {
    kind,
    keys: Object.keys(value).sort(),
    types: Object.values(value).map((one) => (one instanceof Date ? 'Date' : typeof one)),
    mode: value.mode,
    // Sizes and links of directories are the filesystem's own; owners need root.
    ...(directory ? {} : { size: value.size, nlink: value.nlink, rdev: value.rdev }),
    ...(root ? { uid: value.uid, gid: value.gid } : {}),
    // The host's copy has microseconds, rounded on the way through a double.
    mtime: rounded(value.mtime.getTime()),
    mtimeMs: rounded('mtimeNs' in value ? Number(value.mtimeNs) / 1e6 : value.mtimeMs),
  };
}
