// Every way a container can contradict its format, as one closed union. `where.offset` is the byte in the container: what
// a person needs to look at it with a hex viewer.

import { Corruption, type CorruptionDetails } from '@f2fskit/errno';

/** What reading a container can find. */
export const imageCorruptionKinds = [
  // Android sparse
  'sparseMagic',
  'sparseHeaderSize',
  'sparseBlockSize',
  'sparseSize',
  'sparseChunkCount',
  'sparseChunkType',
  'sparseChunkSize',
  'sparseBlockTotal',
  'sparseTruncated',
  'sparseChecksum',
  // GPT
  'gptSignature',
  'gptHeaderSize',
  'gptHeaderChecksum',
  'gptHeaderPlace',
  'gptEntrySize',
  'gptEntryCount',
  'gptEntriesPlace',
  'gptEntriesChecksum',
  // MBR
  'mbrSignature',
  'mbrLogicalSignature',
  'mbrLogicalChain',
] as const;

export type ImageCorruptionKind = (typeof imageCorruptionKinds)[number];

/** A {@link Corruption} at a byte offset of the container. `detail` says what to do next. */
export function corrupt(
  kind: ImageCorruptionKind,
  offset: number,
  details: Omit<CorruptionDetails, 'where'> = {},
): Corruption<ImageCorruptionKind> {
  return new Corruption(kind, { ...details, where: { offset } });
}
