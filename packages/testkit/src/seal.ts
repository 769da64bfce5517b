// Making a changed structure look right: its checksum, computed again. What cannot be sealed any more, because the field
// that says where the checksum lies was changed, stays as it is.

import { assert } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CHECKPOINT_CHECKSUM_OFFSET,
  CHECKPOINT_CHECKSUM_OFFSET_MIN,
  ClusterHeader,
  clusterChecksum,
  RawCheckpoint,
  SUPER_OFFSET,
  type Superblock,
  sealCheckpoint,
  sealInode,
  sealSuperblock,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Seal } from './structures.ts';

/** Seals the structure in block `address`; `block` gives any block of the volume for changing. */
export function sealBlock(
  superblock: Superblock,
  seal: Seal,
  block: (address: number) => Uint8Array,
  address: number,
): void {
  switch (seal.type) {
    case 'superblock':
      sealSuperblock(block(address).subarray(SUPER_OFFSET));
      return;
    case 'checkpoint': {
      const offset = RawCheckpoint.checksumOffset.get(viewOf(block(address)), 0);
      const inside = offset >= CHECKPOINT_CHECKSUM_OFFSET_MIN && offset <= CHECKPOINT_CHECKSUM_OFFSET;
      if (inside) sealCheckpoint(block(address));
      return;
    }
    case 'inode':
      sealInode(superblock, block(address));
      return;
    case 'cluster':
      sealCluster(seal.payload.map(block));
  }
}

function sealCluster(payload: Uint8Array[]): void {
  assert(payload.length > 0, 'a cluster has payload');
  const joined = new Uint8Array(payload.length * BLOCK_SIZE);
  for (const [index, bytes] of payload.entries()) joined.set(bytes, index * BLOCK_SIZE);
  const view = viewOf(payload[0]!);
  const length = ClusterHeader.length.get(view, 0);
  const end = Math.min(joined.length, ClusterHeader.$size + length);
  ClusterHeader.checksum.set(view, 0, clusterChecksum(joined, ClusterHeader.$size, end));
}
