// Compressed files: how they are compressed, what that saves, and changing it. Linux has ioctls for most of these.

import type { Task } from '@f2fskit/task';
import type { FileCompression, FileCompressionSettings, FileCompressionUsage } from '@f2fskit/vfs';
import type { PathLike } from '../api.ts';
import { invalidType } from '../argument-error.ts';
import { checkInteger, toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { withPath } from '../edge.ts';

function* using<T>({ vfs }: FsContext, path: PathLike, body: (compression: FileCompression) => Task<T>): Task<T> {
  const where = toPath(path);
  return yield* withPath('ioctl', where, vfs.useCompression(where, body));
}

export function getCompression(context: FsContext, path: PathLike): Task<FileCompressionSettings> {
  return using(context, path, function* (compression) {
    return compression.settings();
  });
}

export function compressionUsage(context: FsContext, path: PathLike): Task<FileCompressionUsage> {
  return using(context, path, (compression) => compression.usage());
}

export function* setCompression(
  context: FsContext,
  path: PathLike,
  settings: Partial<FileCompressionSettings>,
): Task<void> {
  checkSettings(settings);
  yield* using(context, path, (compression) => compression.choose(settings));
}

export function releaseSavedBlocks(context: FsContext, path: PathLike): Task<number> {
  return using(context, path, (compression) => compression.release());
}

export function reserveSavedBlocks(context: FsContext, path: PathLike): Task<number> {
  return using(context, path, (compression) => compression.reserve());
}

export function* compressFile(
  context: FsContext,
  path: PathLike,
  settings: Partial<FileCompressionSettings> = {},
): Task<boolean> {
  checkSettings(settings);
  return yield* using(context, path, (compression) => compression.compress(settings));
}

export function decompressFile(context: FsContext, path: PathLike): Task<boolean> {
  return using(context, path, (compression) => compression.decompress());
}

/** Types only: what can be is said by the filesystem. */
function checkSettings(settings: unknown): void {
  if (typeof settings !== 'object' || settings === null) throw invalidType('settings', 'of type object', settings);
  const { algorithm, level, logClusterSize, checksum } = settings as Partial<FileCompressionSettings>;
  if (algorithm !== undefined && typeof algorithm !== 'string') {
    throw invalidType('settings.algorithm', 'of type string', algorithm);
  }
  if (level !== undefined) checkInteger(level, 'settings.level', 0);
  if (logClusterSize !== undefined) checkInteger(logClusterSize, 'settings.logClusterSize', 0);
  if (checksum !== undefined && typeof checksum !== 'boolean') {
    throw invalidType('settings.checksum', 'of type boolean', checksum);
  }
}
