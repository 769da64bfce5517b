// Checked by the compiler alone: the volume has the types of node:fs. Each line names what is compared; what Node's types
// have and a volume has not is listed, so that nothing slips through.

import type fs from 'node:fs';
import type { FileHandle, Volume } from '../../src/node/index.ts';

type NodePromises = typeof fs.promises;

/** Fails to compile where `Given` could not stand for `Wanted`. */
type Satisfies<Wanted, Given extends Wanted> = Given;

export type Promises = Satisfies<
  Pick<NodePromises, 'access' | 'lstat' | 'readlink' | 'realpath' | 'stat' | 'statfs'>,
  Volume['promises']
>;

export type Sync = Satisfies<
  Pick<
    typeof fs,
    | 'accessSync'
    | 'closeSync'
    | 'existsSync'
    | 'fstatSync'
    | 'openSync'
    | 'readlinkSync'
    | 'readSync'
    | 'readvSync'
    | 'statfsSync'
  >,
  Volume
>;

/**
 * `close` and `read` of Node's Dir and FileHandle are classes' own; a handle here has no writing methods yet. What it has
 * is Node's.
 */
export type Handle = Satisfies<
  Pick<
    fs.promises.FileHandle,
    'fd' | 'close' | 'stat' | 'readFile' | 'readv' | 'createReadStream' | 'readLines' | 'readableWebStream'
  >,
  FileHandle
>;

export type Stats = Satisfies<fs.Stats, import('../../src/node/index.ts').Stats>;
export type Dirent = Satisfies<
  fs.Dirent,
  Awaited<ReturnType<Volume['promises']['opendir']>> extends AsyncIterable<infer E> ? E : never
>;
