// One cluster on its way out: its bytes in, payload blocks out; the counterpart of `cluster.ts`.
//
//   payload   clen u32 | chksum u32 | 16 reserved | clen bytes of compressed data | zeros to the end of the block
//
// A cluster is worth it when that takes at least one block less than the cluster has. Encoders stop when they see that it will not.
// Source: spec 9.2; buffered I/O spec F3; kernel fs/f2fs/compress.c (f2fs_compress_pages).

import { EOPNOTSUPP, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  ClusterHeader,
  clusterBlocks,
  clusterChecksum,
  compressAlgorithmName,
  type InodeFields,
  payloadBlocks,
  payloadBytesMax,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { type CodecSource, codecOf } from '../cluster.ts';

/** A cluster that is to be compressed. */
export interface ClusterJob {
  /** All of its bytes. They do not change meanwhile. */
  readonly source: Uint8Array;
  /** Its payload in whole blocks, once it is known; `undefined` for a cluster that compression does not make smaller. */
  payload: Uint8Array | undefined;
}

/** What an inode says of how it is compressed. */
export type CompressedFields = Pick<InodeFields, 'compressAlgorithm' | 'compressFlag' | 'logClusterSize'>;

/** Compresses clusters of a file, here or somewhere else. */
export interface ClusterEncoder {
  /** Whether somebody else compresses between `begin` and `finish`: then it is worth while to do something there. */
  readonly overlaps: boolean;
  /** Begins to compress. Sources stay as they are, and `scratch` is the encoder's, until `finish` has ended, which has to be called. */
  begin(jobs: readonly ClusterJob[], fields: CompressedFields, scratch: Uint8Array): ClusterEncoding;
}

/** Clusters that are being compressed. */
export interface ClusterEncoding {
  /**
   * Gives each job its payload, packed one behind the other into the scratch memory, which has room for all sources. A plain result
   * where nothing has to be waited for. Throws nothing: what cannot be compressed stays as it is.
   */
  finish(): Task<void> | undefined;
}

/** Bytes of compressed data that a cluster may have at most. */
export function compressedBytesMax({ logClusterSize }: Pick<InodeFields, 'logClusterSize'>): number {
  return payloadBytesMax(clusterBlocks(logClusterSize) - 1);
}

/** Throws EOPNOTSUPP, naming what is missing, where nobody here can compress what a file asks for. */
export function requireEncoder(codecs: CodecSource, fields: Pick<InodeFields, 'compressAlgorithm'>): void {
  const { compress, compressHint } = codecOf(codecs, fields);
  if (compress !== undefined) return;
  const name = compressAlgorithmName(fields.compressAlgorithm);
  throw new FsError(
    EOPNOTSUPP,
    `nothing here can compress with ${name}${compressHint === undefined ? '' : `: ${compressHint}`}`,
  );
}

/**
 * Packs payloads one behind the other into `scratch`, in the order of the jobs: `room` for the compressed data of a job, then `put` with its
 * length, 0 for a cluster that stays as it is.
 */
export class PayloadPacker {
  /** Bytes of compressed data that a cluster may have at most. */
  readonly budget: number;
  readonly #jobs: readonly ClusterJob[];
  readonly #fields: CompressedFields;
  readonly #scratch: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(jobs: readonly ClusterJob[], fields: CompressedFields, scratch: Uint8Array) {
    this.budget = compressedBytesMax(fields);
    this.#jobs = jobs;
    this.#fields = fields;
    this.#scratch = scratch;
    this.#view = viewOf(scratch);
  }

  /** Memory for the compressed data of the next job: as many bytes as the budget. */
  room(): Uint8Array {
    const start = this.#at + ClusterHeader.$size;
    return this.#scratch.subarray(start, start + this.budget);
  }

  put(index: number, length: number): void {
    if (length > 0) this.#jobs[index]!.payload = this.#seal(length);
  }

  /** The payload whose compressed data has been put into {@link room}: with its header, and zeros to the end of the block. */
  #seal(length: number): Uint8Array {
    const start = this.#at;
    const scratch = this.#scratch;
    const data = start + ClusterHeader.$size;
    const end = data + length;
    const next = start + payloadBlocks(length) * BLOCK_SIZE;
    this.#at = next;
    scratch.fill(0, start, data);
    scratch.fill(0, end, next);
    ClusterHeader.length.set(this.#view, start, length);
    if (this.#fields.compressFlag.checksum) {
      ClusterHeader.checksum.set(this.#view, start, clusterChecksum(scratch, data, end));
    }
    return scratch.subarray(start, next);
  }
}

/** The level as a codec takes it: none where the file has none. */
export function levelOf({ compressFlag: { level } }: CompressedFields): number | undefined {
  return level === 0 ? undefined : level;
}

/** Compresses where it is asked, one cluster after the other. */
export class InlineEncoder implements ClusterEncoder {
  readonly overlaps = false;
  readonly #codecs: CodecSource;

  constructor(codecs: CodecSource) {
    this.#codecs = codecs;
  }

  begin(jobs: readonly ClusterJob[], fields: CompressedFields, scratch: Uint8Array): ClusterEncoding {
    return { finish: () => this.#encode(jobs, fields, scratch) };
  }

  #encode(jobs: readonly ClusterJob[], fields: CompressedFields, scratch: Uint8Array): undefined {
    const codec = this.#codecs.get(fields.compressAlgorithm);
    const level = levelOf(fields);
    const packer = new PayloadPacker(jobs, fields, scratch);
    for (const [index, { source }] of jobs.entries()) {
      packer.put(index, codec?.compress?.(source, packer.room(), level) ?? 0);
    }
  }
}
