// Compression as `mount -o` spells it: `compress_algorithm=lz4:9,compress_log_size=3,compress_chksum`.
//
// Source: Linux Documentation/filesystems/f2fs.rst; kernel fs/f2fs/super.c (handle_mount_opt).

import { EINVAL, FsError } from '@f2fskit/errno';
import type { CompressAlgorithmName } from '@f2fskit/f2fs-format';
import { type CompressionOptions, CompressionPolicy } from '../compression-policy.ts';

/**
 * The options of a list separated by commas; a later one replaces an earlier one, extensions add up. Throws EINVAL, with the
 * name of the option, for one that is unknown, has no value that can be, or contradicts another.
 */
export function parseCompressionOptions(text: string): CompressionOptions {
  const options: CompressionOptions = {};
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const [name = '', ...rest] = part.trim().split('=');
    const value = rest.length === 0 ? undefined : rest.join('=');
    switch (name) {
      case 'compress_algorithm':
        Object.assign(options, parseAlgorithm(needed(name, value)));
        break;
      case 'compress_log_size':
        options.logClusterSize = parseNumber(name, needed(name, value));
        break;
      case 'compress_extension':
        options.extensions = [...(options.extensions ?? []), needed(name, value)];
        break;
      case 'nocompress_extension':
        options.noExtensions = [...(options.noExtensions ?? []), needed(name, value)];
        break;
      case 'compress_chksum':
        if (value !== undefined) throw wrong(name, 'it has no value');
        options.checksum = true;
        break;
      case 'compress_mode':
        if (value !== 'fs' && value !== 'user') throw wrong(name, 'it is fs or user');
        options.mode = value;
        break;
      default:
        throw wrong(name, 'no option of compression');
    }
  }
  new CompressionPolicy(options); // what contradicts itself is said here
  return options;
}

/** `lz4`, `zstd:3`: an algorithm and its level. Whether they go together is said by who uses them. Throws EINVAL. */
export function parseAlgorithm(text: string): Pick<CompressionOptions, 'algorithm' | 'level'> {
  const [algorithm = '', level, ...more] = text.split(':');
  if (more.length > 0) throw wrong('compress_algorithm', `${text} is not ALGORITHM:LEVEL`);
  const named = { algorithm: algorithm as CompressAlgorithmName };
  return level === undefined ? named : { ...named, level: parseNumber('compress_algorithm', level) };
}

function parseNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw wrong(name, `'${text}' is not a number`);
  return Number(text);
}

function needed(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw wrong(name, 'its value is missing');
  return value;
}

function wrong(name: string, what: string): FsError {
  return new FsError(EINVAL, `${name}: ${what}`);
}
