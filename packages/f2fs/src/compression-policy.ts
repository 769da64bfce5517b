// Who is compressed, with what: the mount options, and what they mean for a new inode.
//
//   a new directory   takes over "compressed" or "never compressed" from its directory
//   a new file        nothing where its name ends in a hot extension of the volume, or in one that is not to be compressed;
//                     compressed where it ends in one that is; else as a new directory
//   how               by the mount options, not as the directory was told: Linux does so
//
// Source: spec 9.1; kernel fs/f2fs/namei.c (set_compress_new_inode), super.c (handle_mount_opt), f2fs.h (set_compress_context).

import { EINVAL, FsError } from '@f2fskit/errno';
import {
  type CompressAlgorithmName,
  compressAlgorithmId,
  compressAlgorithmName,
  compressLevels,
  ExtraAttributes,
  extraFieldExists,
  Feature,
  FileType,
  hasFeature,
  INODE_ADDRESSES_OFFSET,
  InodeFlag,
  LOG_CLUSTER_SIZE_MAX,
  LOG_CLUSTER_SIZE_MIN,
  compressFlag as packFlag,
  type Superblock,
} from '@f2fskit/f2fs-format';
import { utf8Encode } from '@f2fskit/vfs';
import { endsInExtension, hasExtension } from './names/extension.ts';

/** How new files are compressed: options of a mount, with the limits and defaults of Linux. */
export interface CompressionOptions {
  /** Default `lz4`. */
  algorithm?: CompressAlgorithmName;
  /** Of lz4 3 to 16 (LZ4HC), of zstd 1 to 22 (default 1); 0 of any: none. lzo and lzo-rle have none. */
  level?: number;
  /** log2 of the blocks of a cluster: 2 (16 KiB, the default) to 8 (1 MiB). */
  logClusterSize?: number;
  /** Clusters carry checksums. Default false. */
  checksum?: boolean;
  /** Names that end in one of these are compressed, wherever they are: at most 16, of at most 7 bytes; `*` is every name. */
  extensions?: readonly string[];
  /** Names that end in one of these never are. Likewise, without `*`. */
  noExtensions?: readonly string[];
  /** `fs` (default): what is written is compressed. `user`: only what somebody asks for. */
  mode?: 'fs' | 'user';
}

/** What an inode says of its compression. */
export interface CompressionContext {
  /** Number of the format. */
  readonly algorithm: number;
  /** 0: none. */
  readonly level: number;
  readonly logClusterSize: number;
  readonly checksum: boolean;
}

const EXTENSIONS_MAX = 16;
const EXTENSION_BYTES_MAX = 7;
const ALL = '*';

/** Whether files of a volume can be compressed. Inodes without extra attributes have no place for it. */
export function canCompress(superblock: Superblock): boolean {
  return hasFeature(superblock, Feature.compression) && hasFeature(superblock, Feature.extraAttr);
}

export class CompressionPolicy {
  /** Of what is compressed from now on. */
  readonly context: CompressionContext;
  readonly extensions: readonly string[];
  readonly noExtensions: readonly string[];
  readonly mode: 'fs' | 'user';

  /** Throws EINVAL, with the name of the option, for what Linux refuses. */
  constructor(options: CompressionOptions = {}) {
    this.context = contextOf(options);
    this.extensions = extensionsOf('extensions', options.extensions);
    this.noExtensions = extensionsOf('noExtensions', options.noExtensions);
    const { mode = 'fs' } = options;
    if (mode !== 'fs' && mode !== 'user') throw wrong(`mode ${String(mode)}: it is fs or user`);
    this.mode = mode;
    if (this.noExtensions.includes(ALL)) throw wrong('noExtensions: * would leave nothing to compress');
    const both = this.noExtensions.find((extension) => this.extensions.includes(extension));
    if (both !== undefined) throw wrong(`${both} stands in extensions and in noExtensions`);
  }

  /** The flag that a new inode gets: `InodeFlag.compress`, `InodeFlag.noCompress`, or 0. */
  flagOfNew(superblock: Superblock, directoryFlags: number, fileType: number, name: Uint8Array): number {
    if (!canCompress(superblock)) return 0;
    if (fileType === FileType.regular) {
      if (superblock.hotExtensions.some((extension) => hasExtension(name, extension))) return 0;
      if (this.noExtensions.some((extension) => endsInExtension(name, extension))) return 0;
      if (this.extensions.some((extension) => endsInExtension(name, extension))) return InodeFlag.compress;
    } else if (fileType !== FileType.directory) return 0;
    if ((directoryFlags & InodeFlag.noCompress) !== 0) return InodeFlag.noCompress;
    return directoryFlags & InodeFlag.compress;
  }
}

/** The context of an inode from options, or from their defaults. Throws EINVAL, with the name of the option. */
export function contextOf({
  algorithm = 'lz4',
  level,
  logClusterSize = LOG_CLUSTER_SIZE_MIN,
  checksum = false,
}: CompressionOptions): CompressionContext {
  const id = compressAlgorithmId(algorithm);
  if (id === undefined) throw wrong(`algorithm ${String(algorithm)}: it is lz4, lzo, lzo-rle or zstd`);
  const levels = compressLevels(id);
  if (level !== undefined && level !== 0) {
    if (levels === undefined) throw wrong(`level ${level}: ${algorithm} has none`);
    if (!Number.isInteger(level) || level < levels.min || level > levels.max) {
      throw wrong(`level ${level}: of ${algorithm} it is ${levels.min} to ${levels.max}`);
    }
  }
  if (!(logClusterSize >= LOG_CLUSTER_SIZE_MIN && logClusterSize <= LOG_CLUSTER_SIZE_MAX && logClusterSize % 1 === 0)) {
    throw wrong(`logClusterSize ${logClusterSize}: it is ${LOG_CLUSTER_SIZE_MIN} to ${LOG_CLUSTER_SIZE_MAX}`);
  }
  return { algorithm: id, level: level ?? defaultLevel(id), logClusterSize, checksum };
}

/** The level that Linux stores where none was given. */
export function defaultLevel(algorithm: number): number {
  return compressAlgorithmName(algorithm) === 'zstd' ? 1 : 0;
}

/** Puts a context into the block of an inode; false where it has no room for one. */
export function writeContext(view: DataView, context: CompressionContext): boolean {
  const at = INODE_ADDRESSES_OFFSET;
  const extra = ExtraAttributes;
  if (!extraFieldExists(extra.size.get(view, at), extra.compressFlag)) return false;
  extra.compressedBlocks.set(view, at, 0);
  extra.compressAlgorithm.set(view, at, context.algorithm);
  extra.logClusterSize.set(view, at, context.logClusterSize);
  extra.compressFlag.set(view, at, packFlag(context.checksum, context.level));
  return true;
}

/** As strings of bytes, in lower case, each once. */
function extensionsOf(option: 'extensions' | 'noExtensions', given: readonly string[] = []): string[] {
  const list = new Set<string>();
  for (const extension of given) {
    const bytes = utf8Encode(extension);
    if (bytes.length === 0 || bytes.length > EXTENSION_BYTES_MAX) {
      throw wrong(`${option}: '${extension}' has not 1 to ${EXTENSION_BYTES_MAX} bytes`);
    }
    list.add(String.fromCharCode(...bytes).replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
  }
  if (list.size > EXTENSIONS_MAX) throw wrong(`${option}: more than ${EXTENSIONS_MAX}`);
  return [...list];
}

function wrong(what: string): FsError {
  return new FsError(EINVAL, `compress: ${what}`);
}
