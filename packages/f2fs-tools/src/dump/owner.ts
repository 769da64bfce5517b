// Who owns a block of the main area: what the SIT and the summary say, and whether the owner says so too.
//
//   node block   the summary names a nid; it is the owner when the NAT says that the node lives here
//   data block   the summary names a node and a slot; it is the owner when that slot holds this address

import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  ADDRESSES_PER_NODE,
  firstFileBlockOf,
  isIndirectNodeOffset,
  isMainAddress,
  MAX_NODE_OFFSET,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  nodeOffsetOf,
  RawInode,
  SummaryBlock,
  SummaryType,
  segmentOf,
  segmentOffsetOf,
  testMsb,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { attempt } from './dump.ts';
import { extraWordsOf } from './inode-areas.ts';
import { natLineOf } from './nat.ts';
import { sitLineOf } from './sit.ts';
import { readSummary, type SummaryLine, summaryLine } from './summary.ts';

export interface BlockOwner {
  readonly address: number;
  readonly segno: number;
  /** Index in the segment. */
  readonly offset: number;
  /** The SIT says that the block is in use. */
  readonly valid: boolean;
  /** The segment's type in the SIT. */
  readonly segmentType: number;
  /** What the segment holds, by its summary. */
  readonly holds: 'node' | 'data';
  readonly summary: SummaryLine;
  /** The owner points to this block. */
  readonly confirmed: boolean;
  /** The inode that owns it, as the NAT has it; 0 where the nid is free or none. */
  readonly ino: number;
  /** Of a confirmed data block: its index in the file, where the inode is sound enough to tell. */
  readonly fileBlock?: number;
}

/** The owner of a main block. Throws EINVAL for another address, and what reading the summary throws. */
export function* blockOwner(volume: F2fsVolume, address: number): Task<BlockOwner> {
  const { superblock } = volume;
  const segno = segmentOf(superblock, address);
  const sit = yield* sitLineOf(volume, segno);
  const summary = yield* readSummary(volume, segno);
  const offset = segmentOffsetOf(superblock, address);
  const line = summaryLine(summary, offset);
  const holds = SummaryBlock.entryType.get(summary.view, 0) === SummaryType.node ? 'node' : 'data';
  const owner = {
    address,
    segno,
    offset,
    valid: testMsb(sit.validMap, offset),
    segmentType: sit.type,
    holds,
    summary: line,
  } as const;
  if (line.nid === 0 || line.nid >= volume.store.nat.nidEnd) return { ...owner, confirmed: false, ino: 0 };
  const node = yield* natLineOf(volume, line.nid);
  if (node.blockAddress === 0) return { ...owner, confirmed: false, ino: 0 };
  if (holds === 'node') return { ...owner, confirmed: node.blockAddress === address, ino: node.ino };
  const { value: slot } = yield* attempt(readSlot(volume, node.blockAddress, line.offsetInNode));
  if (slot?.address !== address) return { ...owner, confirmed: false, ino: node.ino };
  const fileBlock = yield* fileBlockOf(volume, node.ino, slot.nodeOffset, line.offsetInNode);
  return { ...owner, confirmed: true, ino: node.ino, ...(fileBlock === undefined ? {} : { fileBlock }) };
}

/** The address in slot `index` of the node at `nodeAddress`, and the node's place in its file. Throws EIO. */
function* readSlot(
  volume: F2fsVolume,
  nodeAddress: number,
  index: number,
): Task<{ address: number; nodeOffset: number } | undefined> {
  if (!isMainAddress(volume.superblock, nodeAddress)) return undefined;
  const { view } = yield* volume.store.blocks.copy(nodeAddress);
  const isInode = NodeFooter.nid.get(view, NODE_FOOTER_OFFSET) === NodeFooter.ino.get(view, NODE_FOOTER_OFFSET);
  const nodeOffset = isInode ? 0 : nodeOffsetOf(NodeFooter.flag.get(view, NODE_FOOTER_OFFSET));
  const word = isInode ? extraWordsOf(view) + index : index;
  if (word >= (isInode ? RawInode.addresses.length : ADDRESSES_PER_NODE)) return undefined;
  const at = (isInode ? RawInode.addresses.offset : 0) + 4 * word;
  return { address: view.getUint32(at, true), nodeOffset };
}

function* fileBlockOf(volume: F2fsVolume, ino: number, nodeOffset: number, index: number): Task<number | undefined> {
  if (nodeOffset > MAX_NODE_OFFSET || isIndirectNodeOffset(nodeOffset)) return undefined;
  const { value: inode } = yield* attempt(volume.store.readInode(ino));
  if (inode === undefined) return undefined;
  const { addressesPerInode, addressesPerNode } = inode.fields;
  return firstFileBlockOf(nodeOffset, addressesPerInode, addressesPerNode) + index;
}
