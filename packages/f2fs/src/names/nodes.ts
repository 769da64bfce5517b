// Nodes come and go: a new node has a number and a place in its file's tree, and no block before the next checkpoint; a
// node that goes gives up its block, its number, and the version of its number, so that summaries that name it are known
// to be old.
//
// Source: spec 4.4, 6.1, 6.9; kernel fs/f2fs/node.c (f2fs_new_node_page, truncate_node).

import { NEW_ADDRESS } from '@f2fskit/f2fs-format';
import type { CachedBlock, ExpectedNode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import type { VolumeWriter } from '../volume-writer.ts';
import type { Claim } from './claim.ts';

/** Makes a claimed node at its place in a file's tree, all zero; good until the next wait. `ino` 0: its own, an inode. */
export function* addNode(
  writer: VolumeWriter,
  claim: Claim,
  { ino: owner, nodeOffset, cold }: ExpectedNode & { cold: boolean },
): Task<CachedBlock & { nid: number }> {
  const { nid, version } = claim.node();
  const ino = owner === 0 ? nid : owner;
  writer.store.nat.set({ nid, version, ino, blockAddress: NEW_ADDRESS });
  const { address, bytes, view } = yield* writer.store.createNode({ nid, ino, nodeOffset, cold });
  return { nid, address, bytes, view };
}

/** Frees a node. Nothing points to it any more. Throws what reading the NAT or the table of segments met. */
export function* dropNode(writer: VolumeWriter, nid: number): Task<void> {
  const { store, allocator, nids, space } = writer;
  const { version, blockAddress } = yield* store.nat.lookup(nid);
  if (blockAddress !== NEW_ADDRESS) yield* allocator.invalidate(blockAddress);
  store.nat.set({ nid, version: (version + 1) & 0xff, ino: 0, blockAddress: 0 });
  store.markClean(nid);
  yield* store.nodes.invalidate(nid, nid + 1);
  nids.give(nid);
  space.release(1);
  space.validNodes--;
}
