// One file of a volume, and its compression: see `FileCompression` of the vfs.

import { EROFS, FsError } from '@f2fskit/errno';
import { type CompressAlgorithmName, compressAlgorithmName } from '@f2fskit/f2fs-format';
import type { NodeStore } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import type { FileCompression, FileCompressionSettings, FileCompressionUsage } from '@f2fskit/vfs';
import { type CompressionContext, contextOf } from '../compression-policy.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { contextOfFile, levelOf, setFileOption } from './file-option.ts';
import { fileUsage } from './file-usage.ts';
import { compressFile, decompressFile } from './recode-file.ts';
import { releaseSavedBlocks, reserveSavedBlocks } from './saved-blocks.ts';

export class InodeCompression implements FileCompression {
  readonly #store: NodeStore;
  readonly #writerOrNone: VolumeWriter | undefined;
  readonly #inode: F2fsInode;
  readonly #wrap: (raw: F2fsInode['raw']) => F2fsInode;

  /** `wrap` makes an inode of the same volume of what was decoded. */
  constructor(
    store: NodeStore,
    writer: VolumeWriter | undefined,
    inode: F2fsInode,
    wrap: (raw: F2fsInode['raw']) => F2fsInode,
  ) {
    this.#store = store;
    this.#writerOrNone = writer;
    this.#inode = inode;
    this.#wrap = wrap;
  }

  settings(): FileCompressionSettings {
    const { algorithm, ...rest } = contextOfFile(this.#inode);
    return { algorithm: compressAlgorithmName(algorithm)!, ...rest };
  }

  *usage(): Task<FileCompressionUsage> {
    yield* this.#inode.writeBack();
    return { ...(yield* fileUsage(this.#store, this.#inode.raw)), logicalBytes: this.#inode.size };
  }

  *choose(settings: Partial<FileCompressionSettings>): Task<void> {
    const writer = this.#writer();
    const chosen = this.#contextFor(writer, settings);
    // Linux forgets the level that the file had.
    yield* setFileOption(writer, this.#inode, {
      ...chosen,
      level: settings.level ?? levelOf(writer, chosen.algorithm),
    });
  }

  *release(): Task<number> {
    return yield* releaseSavedBlocks(this.#writer(), this.#inode);
  }

  *reserve(): Task<number> {
    return yield* reserveSavedBlocks(this.#writer(), this.#inode);
  }

  *compress(settings: Partial<FileCompressionSettings> = {}): Task<boolean> {
    const writer = this.#writer();
    return yield* compressFile(writer, this.#inode, this.#contextFor(writer, settings), this.#wrap);
  }

  *decompress(): Task<boolean> {
    return yield* decompressFile(this.#writer(), this.#inode, this.#wrap);
  }

  /** What is not given is as the file says, or else as the mount options do. */
  #contextFor(writer: VolumeWriter, settings: Partial<FileCompressionSettings>): CompressionContext {
    const { fields } = this.#inode;
    const base = fields.compressed ? contextOfFile(this.#inode) : writer.compression.context;
    const algorithm = (settings.algorithm ?? compressAlgorithmName(base.algorithm)) as CompressAlgorithmName;
    const { logClusterSize = base.logClusterSize, checksum = base.checksum, level } = settings;
    const chosen = contextOf({ algorithm, logClusterSize, checksum, ...(level === undefined ? {} : { level }) });
    if (level !== undefined) return chosen;
    const same = chosen.algorithm === base.algorithm;
    return { ...chosen, level: same ? base.level : levelOf(writer, chosen.algorithm) };
  }

  #writer(): VolumeWriter {
    if (this.#writerOrNone === undefined) throw new FsError(EROFS);
    return this.#writerOrNone;
  }
}
