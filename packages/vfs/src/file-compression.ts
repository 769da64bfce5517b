// What a filesystem that compresses files tells of one, and can be told. Linux has ioctls for most of it.

import type { Task } from '@f2fskit/task';

/** How a file is compressed: cluster by cluster, each by itself. */
export interface FileCompressionSettings {
  /** `lz4`, `lzo`, `lzo-rle`, `zstd`. */
  algorithm: string;
  /** 0: the algorithm has none, or none is asked for. */
  level: number;
  /** log2 of the blocks of a cluster. */
  logClusterSize: number;
  /** Clusters carry checksums. */
  checksum: boolean;
}

/** What a file takes. Blocks of 4096 bytes. */
export interface FileCompressionUsage {
  /** The size of the file. */
  logicalBytes: number;
  /** Blocks with contents, or with what they were compressed to. */
  storedBlocks: number;
  /** Reserved, and never written. */
  reservedBlocks: number;
  /** Not needed thanks to compression, and kept for the file. */
  savedBlocks: number;
  /** Likewise, but given back. */
  releasedBlocks: number;
  /** Compressed ones. */
  clusters: number;
}

/** One file. What changes it throws EROFS where the filesystem is not written to, and EOPNOTSUPP where it cannot compress. */
export interface FileCompression {
  /** Throws ENODATA for a file that is not compressed. */
  settings(): FileCompressionSettings;
  /** Reads everything that leads to the blocks of the file. */
  usage(): Task<FileCompressionUsage>;
  /**
   * Chooses for a compressed file without contents; what is left out is the filesystem's choice. Throws EINVAL for settings that
   * cannot be and a file that is not compressed, EFBIG and EBUSY for one with contents.
   */
  choose(settings: Partial<FileCompressionSettings>): Task<void>;
  /**
   * Gives the blocks that compression saves back to the volume: the file cannot be written to then. Returns how many. Throws
   * EINVAL for a file that is not compressed, or has done so, EPERM where nothing is saved.
   */
  release(): Task<number>;
  /** Takes them again. Returns how many. Throws EINVAL for a file that has given nothing back, ENOSPC with nothing changed. */
  reserve(): Task<number>;
  /**
   * Compresses what a file holds; without settings as it says itself, or as new files are. False where that saves nothing.
   * Throws EINVAL, EPERM, EBUSY, EFBIG, ENOSPC, with nothing changed.
   */
  compress(settings?: Partial<FileCompressionSettings>): Task<boolean>;
  /** Makes it an ordinary file; false for one that is. Throws as `compress`. */
  decompress(): Task<boolean>;
}
