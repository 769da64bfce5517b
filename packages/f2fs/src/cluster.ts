// One compressed cluster: payload blocks in, the cluster's bytes out.
//
//   payload   clen u32 | chksum u32 | 16 reserved | clen bytes of compressed data | padding (not looked at)
//
// Checks before decoding: clen fits the payload blocks; with the checksum flag, the CRC matches. Linux only warns of a
// wrong checksum and returns the data; we refuse, because one of the two is damaged and nobody can tell which
// (`ignoreClusterChecksums` gives Linux's answer). Source: spec 9.2; kernel fs/f2fs/compress.c.

import type { Codec } from '@f2fskit/codecs';
import { type CorruptionPlace, EIO, EOPNOTSUPP, errnoFrom, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  ClusterHeader,
  clusterChecksum,
  compressAlgorithmName,
  corrupt,
  type InodeFields,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A cluster is on its way to the device: compressed to `payloadBlocks`, or, with 0, as it is. */
    'cluster:write': { ino: number; fileBlock: number; clusterBlocks: number; payloadBlocks: number };
  }
}

/** Where codecs come from; `CodecRegistry` of the codecs package is one. */
export interface CodecSource {
  get(id: number): Codec | undefined;
}

/** The codec of a compressed file. Throws EOPNOTSUPP naming the algorithm when none is registered. */
export function codecOf(codecs: CodecSource, fields: Pick<InodeFields, 'compressAlgorithm'>): Codec {
  const codec = codecs.get(fields.compressAlgorithm);
  if (codec === undefined) {
    throw new FsError(EOPNOTSUPP, `no codec for ${compressAlgorithmName(fields.compressAlgorithm)} is registered`);
  }
  return codec;
}

/**
 * Decodes `payload` (whole blocks) into `target`, whose length is the cluster's. Throws Corruption clusterHeader,
 * clusterChecksum or clusterData, each with `where`.
 */
export function decodeCluster(
  codec: Codec,
  fields: InodeFields,
  payload: Uint8Array,
  target: Uint8Array,
  where: CorruptionPlace,
  ignoreChecksums = false,
): void {
  const view = viewOf(payload);
  const length = ClusterHeader.length.get(view, 0);
  const room = payload.length - ClusterHeader.$size;
  if (length === 0 || length > room) {
    const expected = `1 to ${room} bytes in ${payload.length / BLOCK_SIZE} blocks`;
    throw corrupt('clusterHeader', {
      where: { ...where, offset: ClusterHeader.length.offset },
      expected,
      found: length,
    });
  }
  const data = payload.subarray(ClusterHeader.$size, ClusterHeader.$size + length);
  if (fields.compressFlag.checksum && !ignoreChecksums) {
    const expected = ClusterHeader.checksum.get(view, 0);
    const found = clusterChecksum(data);
    if (expected !== found) {
      throw corrupt('clusterChecksum', { where: { ...where, offset: ClusterHeader.checksum.offset }, expected, found });
    }
  }
  try {
    codec.decompress(data, target);
  } catch (error) {
    if (errnoFrom(error, 0) !== EIO) throw error;
    throw corrupt('clusterData', { where, detail: (error as Error).message, cause: error });
  }
}
