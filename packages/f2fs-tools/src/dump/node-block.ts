// A node block by its nid, without the checks of a reader: what the NAT says, and the block that is there.

import { ENOENT, FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  BLOCK_SIZE,
  corrupt,
  isMainAddress,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  RESERVED_NIDS,
} from '@f2fskit/f2fs-format';
import type { CachedBlock } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import type { DumpFact } from './dump.ts';
import { type NatLine, natLineOf } from './nat.ts';

export interface NodeBlockFound {
  readonly nat: NatLine;
  readonly block: CachedBlock;
  /** The NAT's address is outside the main area. */
  readonly problems: FsError[];
  readonly facts: DumpFact[];
}

/**
 * Reads the block that the NAT names for `nid`. Throws EINVAL for a nid that the table has no room for, ENOENT for one
 * that is free or reserved, Corruption blockAddress where the NAT names no block of the device, EIO.
 */
export function* readNodeBlock(volume: F2fsVolume, nid: number): Task<NodeBlockFound> {
  const nat = yield* natLineOf(volume, nid);
  const { blockAddress } = nat;
  if (nid < RESERVED_NIDS) throw new FsError(ENOENT, `nid ${nid} is reserved: it never has a node`);
  if (blockAddress === 0) throw new FsError(ENOENT, `nid ${nid} is free: no node has this number`);
  const problems: FsError[] = [];
  if (!isMainAddress(volume.superblock, blockAddress)) {
    const where = { nid, block: nat.entryBlock, offset: nat.entryOffset };
    const outside = corrupt('blockAddress', { where, expected: 'an address in the main area', found: blockAddress });
    if ((blockAddress + 1) * BLOCK_SIZE > volume.device.size) throw outside;
    problems.push(outside);
  }
  const block = yield* volume.store.blocks.copy(blockAddress);
  const facts = [{ name: 'NAT', value: `nid ${nid} of ino ${nat.ino}, version ${nat.version}, from ${nat.source}` }];
  return { nat, block, problems, facts };
}

/** The problem of a block that the NAT names for `nid` and that is another node's. */
export function footerProblems(nid: number, { address, view }: CachedBlock): FsError[] {
  const found = NodeFooter.nid.get(view, NODE_FOOTER_OFFSET);
  if (found === nid) return [];
  const where = { nid, block: address, offset: NODE_FOOTER_OFFSET + NodeFooter.nid.offset };
  return [corrupt('nodeFooterNid', { where, expected: nid, found })];
}
