// Checked by the compiler alone: the volume has the types of node:fs. Each line names what is compared; what Node's types
// have and a volume has not is listed, so that nothing slips through.

import type fs from 'node:fs';
import type { Stream } from 'node:stream';
import type { FileHandle, Volume } from '../../src/node/index.ts';

type NodePromises = typeof fs.promises;

/** Fails to compile where `Given` could not stand for `Wanted`. */
type Satisfies<Wanted, Given extends Wanted> = Given;

export type Promises = Satisfies<
  Pick<
    NodePromises,
    | 'access'
    | 'appendFile'
    | 'chmod'
    | 'chown'
    | 'copyFile'
    | 'cp'
    | 'lchown'
    | 'link'
    | 'lstat'
    | 'lutimes'
    | 'mkdir'
    | 'mkdtemp'
    | 'readlink'
    | 'realpath'
    | 'rename'
    | 'rm'
    | 'rmdir'
    | 'stat'
    | 'statfs'
    | 'symlink'
    | 'truncate'
    | 'unlink'
    | 'utimes'
  >,
  Volume['promises']
>;

type WriteFile = Parameters<NodePromises['writeFile']>;

/** Streams are taken as what they are, async iterables: the bare `Stream` of Node's types is none. */
export type PromisesWriteFile = Satisfies<
  (file: WriteFile[0], data: Exclude<WriteFile[1], Stream>, options?: WriteFile[2]) => Promise<void>,
  Volume['promises']['writeFile']
>;

export type Sync = Satisfies<
  Pick<
    typeof fs,
    | 'accessSync'
    | 'appendFileSync'
    | 'chmodSync'
    | 'chownSync'
    | 'closeSync'
    | 'copyFileSync'
    | 'cpSync'
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
    | 'lutimesSync'
    | 'mkdirSync'
    | 'mkdtempSync'
    | 'openSync'
    | 'readlinkSync'
    | 'readSync'
    | 'readvSync'
    | 'renameSync'
    | 'rmdirSync'
    | 'rmSync'
    | 'statfsSync'
    | 'symlinkSync'
    | 'truncateSync'
    | 'unlinkSync'
    | 'utimesSync'
    | 'writeFileSync'
    | 'writeSync'
    | 'writevSync'
  >,
  Volume
>;

/**
 * `close` and `read` of Node's Dir and FileHandle are classes' own. What a handle here has is Node's.
 */
export type Handle = Satisfies<
  Pick<
    fs.promises.FileHandle,
    | 'fd'
    | 'appendFile'
    | 'chmod'
    | 'chown'
    | 'close'
    | 'createReadStream'
    | 'createWriteStream'
    | 'datasync'
    | 'readableWebStream'
    | 'readFile'
    | 'readLines'
    | 'readv'
    | 'stat'
    | 'sync'
    | 'truncate'
    | 'utimes'
    | 'write'
    | 'writeFile'
    | 'writev'
  >,
  FileHandle
>;

export type Stats = Satisfies<fs.Stats, import('../../src/node/index.ts').Stats>;
export type Dirent = Satisfies<
  fs.Dirent,
  Awaited<ReturnType<Volume['promises']['opendir']>> extends AsyncIterable<infer E> ? E : never
>;
