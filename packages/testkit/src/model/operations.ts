// Operations as data: a closed union that JSON can carry, so that a failing run is a program that anybody can run again.
// An operation is concrete: it names paths, not choices. Taking one out of a list changes none of the others.

import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { assert, errnoFrom, errnoName } from '@f2fskit/errno';
import { runAsync, seededRandom, type Task } from '@f2fskit/task';
import type { ModelFilesystem } from './model-filesystem.ts';
import type { FileTime, ModelStat } from './model-inode.ts';
import type {
  AllocationMode,
  FileReference,
  MknodKind,
  OpenFlags,
  OperationTarget,
  Outcome,
  RenameMode,
  XattrMode,
} from './operation-target.ts';

/** Bytes that a seed makes; see {@link dataOf}. */
export interface DataSpec {
  seed: number;
  length: number;
}

export type Operation =
  | { op: 'open'; handle: number; path: string; flags: OpenFlags; mode: number }
  | { op: 'close'; handle: number }
  | { op: 'create'; path: string; mode: number }
  | { op: 'write'; file: FileReference; position: number | 'end'; data: DataSpec }
  | { op: 'read'; file: FileReference; position: number; length: number }
  | { op: 'truncate'; file: FileReference; size: number }
  | { op: 'fallocate'; file: FileReference; mode: AllocationMode; position: number; length: number }
  | { op: 'fsync'; file: FileReference }
  | { op: 'sync' }
  | { op: 'link'; from: string; to: string }
  | { op: 'symlink'; target: string; path: string }
  | { op: 'mknod'; path: string; kind: MknodKind; mode: number; major: number; minor: number }
  | { op: 'mkdir'; path: string; mode: number }
  | { op: 'unlink'; path: string }
  | { op: 'rmdir'; path: string }
  | { op: 'rename'; from: string; to: string; mode: RenameMode }
  | { op: 'setxattr'; path: string; name: string; data: DataSpec; mode: XattrMode }
  | { op: 'getxattr'; path: string; name: string }
  | { op: 'removexattr'; path: string; name: string }
  | { op: 'listxattr'; path: string }
  | { op: 'chmod'; path: string; mode: number }
  | { op: 'chown'; path: string; uid: number; gid: number; noFollow: boolean }
  | { op: 'utimens'; path: string; atime: FileTime | null; mtime: FileTime | null; noFollow: boolean }
  | { op: 'stat'; file: FileReference; noFollow: boolean }
  | { op: 'readdir'; path: string }
  | { op: 'readlink'; path: string };

export type OperationName = Operation['op'];

/** What an operation answers, as JSON: the code of an error, or a value. Bytes are their number and a digest. */
export type OperationResult =
  | { error: string }
  | { value: null | number | string | string[] | ModelStat | { bytes: number; digest: string } };

/**
 * The bytes of a data spec. By the last two bits of the seed: zeros, one byte over and over, words (compress well),
 * random bytes (do not compress).
 */
export function dataOf({ seed, length }: DataSpec): Uint8Array {
  const bytes = new Uint8Array(length);
  const kind = seed & 3;
  if (kind === 0) return bytes;
  if (kind === 1) return bytes.fill((seed >>> 2) & 0xff || 1);
  const random = seededRandom(seed);
  if (kind === 2) {
    for (let at = 0; at < length; ) {
      const word = random.below(64);
      for (let letter = 0; letter < 3 + (word & 7) && at < length; letter++)
        bytes[at++] = 97 + ((word * 7 + letter) % 26);
      if (at < length) bytes[at++] = 32;
    }
    return bytes;
  }
  for (let at = 0; at < length; at++) bytes[at] = random.u32() >>> 24;
  return bytes;
}

/** Runs an operation and returns what the target returned; throws what it throws. */
function dispatch(target: OperationTarget, operation: Operation): Outcome<unknown> {
  switch (operation.op) {
    case 'open':
      return target.open(operation.handle, operation.path, operation.flags, operation.mode);
    case 'close':
      return target.close(operation.handle);
    case 'create':
      return target.create(operation.path, operation.mode);
    case 'write':
      return target.write(operation.file, operation.position, dataOf(operation.data));
    case 'read':
      return target.read(operation.file, operation.position, operation.length);
    case 'truncate':
      return target.truncate(operation.file, operation.size);
    case 'fallocate':
      return target.fallocate(operation.file, operation.mode, operation.position, operation.length);
    case 'fsync':
      return target.fsync(operation.file);
    case 'sync':
      return target.sync();
    case 'link':
      return target.link(operation.from, operation.to);
    case 'symlink':
      return target.symlink(operation.target, operation.path);
    case 'mknod': {
      const { path, kind, mode, major, minor } = operation;
      return target.mknod(path, kind, mode, { major, minor });
    }
    case 'mkdir':
      return target.mkdir(operation.path, operation.mode);
    case 'unlink':
      return target.unlink(operation.path);
    case 'rmdir':
      return target.rmdir(operation.path);
    case 'rename':
      return target.rename(operation.from, operation.to, operation.mode);
    case 'setxattr':
      return target.setxattr(operation.path, operation.name, dataOf(operation.data), operation.mode);
    case 'getxattr':
      return target.getxattr(operation.path, operation.name);
    case 'removexattr':
      return target.removexattr(operation.path, operation.name);
    case 'listxattr':
      return target.listxattr(operation.path);
    case 'chmod':
      return target.chmod(operation.path, operation.mode);
    case 'chown':
      return target.chown(operation.path, operation.uid, operation.gid, operation.noFollow);
    case 'utimens':
      return target.utimens(operation.path, operation.atime, operation.mtime, operation.noFollow);
    case 'stat':
      return target.stat(operation.file, operation.noFollow);
    case 'readdir':
      return target.readdir(operation.path);
    case 'readlink':
      return target.readlink(operation.path);
  }
}

/** Runs an operation on the model. What is not an error number is a bug, and thrown. */
export function applyToModel(model: ModelFilesystem, operation: Operation): OperationResult {
  try {
    return resultOf(dispatch(model, operation));
  } catch (error) {
    return errorOf(error);
  }
}

/** Runs an operation on any target. What has no error number is a bug, and rejects. */
export async function applyToTarget(target: OperationTarget, operation: Operation): Promise<OperationResult> {
  try {
    const outcome = dispatch(target, operation);
    return resultOf(isTask(outcome) ? await runAsync(outcome) : await outcome);
  } catch (error) {
    return errorOf(error);
  }
}

/** As {@link applyToTarget}, for a target whose methods are tasks. */
export function* applyAsTask(target: OperationTarget, operation: Operation): Task<OperationResult> {
  try {
    const outcome = dispatch(target, operation);
    assert(!(outcome instanceof Promise), 'the methods of the target are tasks');
    return resultOf(isTask(outcome) ? yield* outcome : outcome);
  } catch (error) {
    return errorOf(error);
  }
}

function isTask(outcome: Outcome<unknown>): outcome is Task<unknown> {
  return typeof outcome === 'object' && outcome !== null && Symbol.iterator in outcome && 'next' in outcome;
}

function resultOf(value: unknown): OperationResult {
  if (value === undefined) return { value: null };
  if (!(value instanceof Uint8Array)) return { value: value as number | string | string[] | ModelStat };
  const digest = createHash('sha256').update(value).digest('hex').slice(0, 16);
  return { value: { bytes: value.byteLength, digest } };
}

function errorOf(error: unknown): OperationResult {
  const errno = errnoFrom(error, 0);
  if (errno === 0) throw error;
  return { error: errnoName(errno) };
}

/** One operation a line, as JSON: a program that {@link parseProgram} reads. */
export function printProgram(operations: readonly Operation[]): string {
  return operations.map((operation) => JSON.stringify(operation)).join('\n');
}

export function parseProgram(text: string): Operation[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Operation);
}

/** The first answer in which a target differs from the model. */
export interface Difference {
  /** Counts operations from 0. */
  index: number;
  operation: Operation;
  model: OperationResult;
  target: OperationResult;
}

/**
 * Runs a list on both and compares every answer. `undefined` when all are equal. `afterEach` is called when both have
 * done an operation, with what the model answered: to move a clock, to compare more.
 */
export async function firstDifference(
  model: ModelFilesystem,
  target: OperationTarget,
  operations: readonly Operation[],
  afterEach?: (operation: Operation, result: OperationResult) => void | Promise<void>,
): Promise<Difference | undefined> {
  for (const [index, operation] of operations.entries()) {
    const expected = applyToModel(model, operation);
    const found = await applyToTarget(target, operation);
    await afterEach?.(operation, expected);
    if (!isDeepStrictEqual(expected, found)) {
      return { index, operation, model: expected, target: found };
    }
  }
  return undefined;
}

/** For the message of a failing test: what differs, and the program up to there. */
export function describeDifference(difference: Difference, operations: readonly Operation[]): string {
  const { index, operation, model, target } = difference;
  return [
    `operation ${index} differs: ${JSON.stringify(operation)}`,
    `  model:  ${JSON.stringify(model)}`,
    `  target: ${JSON.stringify(target)}`,
    'the program:',
    printProgram(operations.slice(0, index + 1)),
  ].join('\n');
}
