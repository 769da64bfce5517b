// What `statfs` shows, as numbers or as bigints.

import type { FilesystemUsage } from '@f2fskit/vfs';

export class StatsFs {
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;

  constructor(from: FilesystemUsage) {
    this.type = from.type;
    this.bsize = from.blockSize;
    this.blocks = from.blocks;
    this.bfree = from.blocksFree;
    this.bavail = from.blocksAvailable;
    this.files = from.files;
    this.ffree = from.filesFree;
  }
}

export class BigIntStatsFs {
  type: bigint;
  bsize: bigint;
  blocks: bigint;
  bfree: bigint;
  bavail: bigint;
  files: bigint;
  ffree: bigint;

  constructor(from: FilesystemUsage) {
    this.type = BigInt(from.type);
    this.bsize = BigInt(from.blockSize);
    this.blocks = BigInt(from.blocks);
    this.bfree = BigInt(from.blocksFree);
    this.bavail = BigInt(from.blocksAvailable);
    this.files = BigInt(from.files);
    this.ffree = BigInt(from.filesFree);
  }
}
