// What a file takes on the volume, counted by its slots. The count of saved blocks in its inode, which is what Linux tells, can
// be compared with it.
//
//   logical    what the file claims: its size in blocks, holes included
//   stored     blocks that hold something: contents, or payload of clusters
//   reserved   slots without a block that belong to the file all the same; those that clusters save are not among them
//   saved      marks and slots of compressed clusters that need no block, and are kept for the file: i_compr_blocks
//   released   the same, given back to the volume
//
// Source: spec 9.4, 9.6.

import { FileType, InlineFlag, maxFileBlocks } from '@f2fskit/f2fs-format';
import { BlockMapping, type DecodedInode, mapBlocks, type NodeStore } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { hasInlineData } from '../inline-data.ts';

/** Blocks of 4096 bytes, but for the first. */
export interface FileUsage {
  logicalBytes: number;
  storedBlocks: number;
  reservedBlocks: number;
  savedBlocks: number;
  releasedBlocks: number;
  /** Clusters that are compressed. */
  clusters: number;
}

/** Counts. Reads every node of the file. Throws what reading nodes throws, and Corruption for slots that cannot be. */
export function* fileUsage(store: NodeStore, inode: DecodedInode): Task<FileUsage> {
  const { fields } = inode;
  const usage: FileUsage = {
    logicalBytes: fields.size,
    storedBlocks: 0,
    reservedBlocks: 0,
    savedBlocks: 0,
    releasedBlocks: 0,
    clusters: 0,
  };
  if (fields.fileType !== FileType.regular || hasInlineData(inode)) return usage;
  const released = (fields.inlineFlags & InlineFlag.compressReleased) !== 0;
  const run = new BlockMapping();
  const end = maxFileBlocks(fields.addressesPerNode);
  for (let at = 0; at < end; at = run.end) {
    yield* mapBlocks(store, inode, at, end, run);
    if (run.kind === 'raw') usage.storedBlocks += run.length;
    else if (run.kind === 'reserved') usage.reservedBlocks += run.length;
    else if (run.kind === 'compressed') {
      usage.clusters++;
      usage.storedBlocks += run.payloadLength;
      const saved = run.length - run.payloadLength;
      if (released) usage.releasedBlocks += saved;
      else usage.savedBlocks += saved;
    }
  }
  return usage;
}
