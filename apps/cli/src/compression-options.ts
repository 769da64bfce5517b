// How something is to be compressed, on the command line: `--compress zstd:3`, `--cluster 64K`.

import {
  type CompressAlgorithmName,
  compressAlgorithmId,
  compressLevels,
  LOG_CLUSTER_SIZE_MAX,
  LOG_CLUSTER_SIZE_MIN,
} from '@f2fskit/f2fs-format';
import { InvalidArgumentError } from 'commander';
import { parseInteger, parseSize } from './size.ts';

const BLOCK_BYTES = 4096;

export interface Method {
  algorithm: CompressAlgorithmName;
  level?: number;
}

/** ALGORITHM[:LEVEL]. Throws what makes a run end with the exit code of wrong usage. */
export function parseMethod(text: string): Method {
  const [, name = '', digits] = /^([a-z0-9-]+)(?::(.*))?$/.exec(text) ?? [];
  const id = compressAlgorithmId(name);
  if (id === undefined) throw new InvalidArgumentError('It is lz4, lzo, lzo-rle or zstd, with a level as in zstd:3.');
  const algorithm = name as CompressAlgorithmName;
  if (digits === undefined) return { algorithm };
  const level = parseInteger(digits);
  const levels = compressLevels(id);
  if (levels === undefined) throw new InvalidArgumentError(`${name} has no levels.`);
  if (level < levels.min || level > levels.max) {
    throw new InvalidArgumentError(`The levels of ${name} are ${levels.min} to ${levels.max}.`);
  }
  return { algorithm, level };
}

/** Bytes of a cluster as log2 of its blocks: 16K to 1M, powers of two. Throws as {@link parseMethod}. */
export function parseCluster(text: string): number {
  const log = Math.log2(parseSize(text) / BLOCK_BYTES);
  if (!Number.isInteger(log) || log < LOG_CLUSTER_SIZE_MIN || log > LOG_CLUSTER_SIZE_MAX) {
    throw new InvalidArgumentError('A cluster is 16K, 32K, 64K, 128K, 256K, 512K or 1M.');
  }
  return log;
}
