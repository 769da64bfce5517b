// Calls of node:fs as data, and what fast-check draws of them. A call names paths and numbers; a place may be meant from the end of
// the file, so that a call keeps its sense when those before it are taken away.
//
// Sizes and places come from where the engines have edges: a byte, what fits into an inode, a block, a folio of any order, the
// last address of an inode, 3 MiB.

import { constants } from 'node:fs';
import { seededRandom } from '@f2fskit/task';
import fc from 'fast-check';

/** Bytes from the start of the file, or from its end as it is when the call is made. */
export type Place = number | { end: number };
/** Bytes that a seed makes; see {@link dataOf}. */
interface Data {
  seed: number;
  length: number;
}
export type AllocationMode = 'allocate' | 'keepSize' | 'punch' | 'zero' | 'zeroKeepSize';

/** Open files are known by letters: their numbers differ. */
export type Letter = 'p' | 'q' | 'r';
const letters: readonly Letter[] = ['p', 'q', 'r'];

/** `null`: where the position of the open file is. */
export type Call =
  | { call: 'open'; file: Letter; path: string; flags: keyof typeof openFlags; mode: number }
  | { call: 'close'; file: Letter }
  | { call: 'write'; file: Letter; at: Place | null; data: Data }
  | { call: 'writev'; file: Letter; at: Place | null; data: Data[] }
  | { call: 'read'; file: Letter; at: Place | null; length: number }
  | { call: 'ftruncate'; file: Letter; size: Place }
  | { call: 'fallocate'; file: Letter; mode: AllocationMode; at: Place; length: number }
  | { call: 'fsync' | 'fdatasync' | 'fstat'; file: Letter }
  | { call: 'truncate'; path: string; size: Place }
  | { call: 'writeFile' | 'appendFile'; path: string; data: Data }
  | { call: 'readFile' | 'readdir' | 'readlink' | 'stat' | 'lstat' | 'unlink' | 'rmdir'; path: string }
  | { call: 'mkdir' | 'chmod'; path: string; mode: number }
  | { call: 'rename' | 'link' | 'copyFile'; from: string; to: string }
  | { call: 'symlink'; target: string; path: string }
  | { call: 'utimes'; path: string; atime: number; mtime: number }
  /** Not of node:fs: everything durable; and then out of the caches; left and opened again; all trees compared. */
  | { call: 'sync' | 'dropCaches' | 'reopen' | 'compare' };

const { O_APPEND, O_CREAT, O_DSYNC, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants;

/** The words of node:fs, and two that it has no word for. */
export const openFlags = {
  r: O_RDONLY,
  'r+': O_RDWR,
  'rs+': O_RDWR | O_SYNC,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
  'wx+': O_RDWR | O_CREAT | O_TRUNC | O_EXCL,
  a: O_WRONLY | O_CREAT | O_APPEND,
  'a+': O_RDWR | O_CREAT | O_APPEND,
  'as+': O_RDWR | O_CREAT | O_APPEND | O_SYNC,
  'c+': O_RDWR | O_CREAT,
  'd+': O_RDWR | O_CREAT | O_DSYNC,
} as const;

const BLOCK = 4096;
const KIB = 1024;
const MIB = KIB * KIB;
const DATA_BYTES_MAX = 3 * MIB;

/** Every data is a piece of the same random bytes: making it costs nothing. */
const pool = Buffer.alloc(DATA_BYTES_MAX + 64 * KIB);
{
  const random = seededRandom(1);
  for (let at = 0; at < pool.length; at += 4) pool.writeUInt32LE(random.u32(), at);
}

export function dataOf({ seed, length }: Data): Buffer {
  return pool.subarray(seed, seed + length);
}

/** Next to a multiple of what folios, blocks and sectors are made of. */
const edge = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(BLOCK) },
      { weight: 1, arbitrary: fc.constantFrom(512, 16 * BLOCK, 2 * MIB) },
    ),
    fc.nat({ max: 17 }),
    fc.integer({ min: -1, max: 1 }),
  )
  .map(([unit, count, beside]) =>
    Math.min(5 * MIB, Math.max(0, (unit === 2 * MIB ? count % 3 : count) * unit + beside)),
  );

const place: fc.Arbitrary<Place> = fc.oneof(
  { weight: 5, arbitrary: edge },
  { weight: 3, arbitrary: fc.nat({ max: 20_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 3400, max: 3700 }) },
  // Behind the last address of an inode, 923 blocks without extra attributes.
  { weight: 1, arbitrary: fc.integer({ min: 922 * BLOCK, max: 924 * BLOCK }) },
  { weight: 1, arbitrary: fc.nat({ max: 5 * MIB }) },
  { weight: 5, arbitrary: fc.integer({ min: -2 * BLOCK, max: 2 * BLOCK }).map((end) => ({ end })) },
);

const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 9000 }) },
  { weight: 5, arbitrary: edge.map((value) => Math.min(value, 80 * KIB)) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 200 * KIB }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: DATA_BYTES_MAX }) },
);

const data = fc.record({ seed: fc.nat({ max: 60_000 }), length });
const at = fc.option(place, { nil: null, freq: 4 });
const file = fc.constantFrom(...letters);

/** Not the root, which has a name on the host. */
const path = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('/a', '/b', '/c', '/d/a', '/d/b', '/e', '/d/e') },
  { weight: 3, arbitrary: fc.constantFrom('/d', '/s', '/d/s', '/e/a', '/d/e/a') },
  { weight: 1, arbitrary: fc.constantFrom('/missing/a', '/a/', '/d/', '/s/a', `/${'n'.repeat(200)}`, '/d/./a') },
);
/** No `..`: nothing leads out of the directory of the host. */
const target = fc.constantFrom('a', 'b', 'd', 'd/a', 'e', 's', '.', 'missing', 'a/');

const isRoot = process.getuid?.() === 0;
/** What takes rights away from everybody but root is for root. */
const mode = fc.constantFrom(0o755, 0o700, 0o777, 0o711, ...(isRoot ? [0o644, 0o600, 0o444, 0o000] : []));
/** Long ago: no call happens at such a time. */
const time = fc.integer({ min: 0, max: 900_000_000 });

const record = <T extends Call['call']>(call: T) => ({ call: fc.constant(call) });
const byFile = <T extends Call['call']>(call: T) => ({ ...record(call), file });
const byPath = <T extends Call['call']>(call: T) => ({ ...record(call), path });

/** Ends at the end of the file, or a little before or behind it. */
const writeToEnd: fc.Arbitrary<Call> = fc
  .record({ ...byFile('write'), back: fc.integer({ min: 1, max: 9000 }), beside: fc.integer({ min: -200, max: 20 }) })
  .map(({ back, beside, ...call }) => ({
    ...call,
    at: { end: -back },
    data: { seed: back, length: Math.max(1, back + beside) },
  }));

/** With weights: calls that write outweigh those that look, which every comparison does. */
const weighted: Array<[weight: number, call: fc.Arbitrary<Call>]> = [
  [
    8,
    fc.record({
      ...byFile('open'),
      path,
      flags: fc.constantFrom(...(Object.keys(openFlags) as Array<keyof typeof openFlags>)),
      mode,
    }),
  ],
  [2, fc.record(byFile('close'))],
  [18, fc.record({ ...byFile('write'), at, data })],
  [4, writeToEnd],
  [4, fc.record({ ...byFile('writev'), at, data: fc.array(data, { maxLength: 4 }) })],
  // Of no bytes Node asks nobody, not even whether the file is open.
  [6, fc.record({ ...byFile('read'), at, length: length.map((count) => Math.max(1, count)) })],
  [8, fc.record({ ...byFile('ftruncate'), size: place })],
  [
    8,
    fc.record({
      ...byFile('fallocate'),
      mode: fc.constantFrom<AllocationMode[]>('allocate', 'keepSize', 'punch', 'punch', 'zero', 'zeroKeepSize'),
      at: place,
      length,
    }),
  ],
  [2, fc.record(byFile('fsync'))],
  [2, fc.record(byFile('fdatasync'))],
  [1, fc.record(byFile('fstat'))],
  [3, fc.record({ ...byPath('truncate'), size: place })],
  [5, fc.record({ ...byPath('writeFile'), data })],
  [3, fc.record({ ...byPath('appendFile'), data })],
  [2, fc.record(byPath('readFile'))],
  [1, fc.record({ ...byPath('readdir'), path: fc.oneof(fc.constantFrom('/', '/d'), path) })],
  [1, fc.record(byPath('readlink'))],
  [1, fc.record(byPath('stat'))],
  [1, fc.record(byPath('lstat'))],
  [4, fc.record(byPath('unlink'))],
  [1, fc.record(byPath('rmdir'))],
  [3, fc.record({ ...byPath('mkdir'), mode })],
  [1, fc.record({ ...byPath('chmod'), mode })],
  [5, fc.record({ ...record('rename'), from: path, to: path })],
  [2, fc.record({ ...record('link'), from: path, to: path })],
  [3, fc.record({ ...record('copyFile'), from: path, to: path })],
  [2, fc.record({ ...record('symlink'), target, path })],
  [1, fc.record({ ...byPath('utimes'), atime: time, mtime: time })],
  [3, fc.record(record('sync'))],
  [8, fc.record(record('dropCaches'))],
  [1, fc.record(record('reopen'))],
  [2, fc.record(record('compare'))],
];

/** Sequences of up to `callsMax` calls, of any length alike. */
export function callSequences(callsMax: number): fc.Arbitrary<Call[]> {
  const call = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));
  return fc.array(call, { maxLength: callsMax, size: 'max' });
}

/** One call a line. */
export function printCalls(calls: readonly Call[]): string {
  return calls.map((call) => JSON.stringify(call)).join('\n');
}
