// A node by its nid, whatever it is: an inode, a direct node with its slots, an indirect node with its nids, an xattr node
// with the attributes of its inode.

import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  ADDRESSES_PER_NODE,
  clusterBlocks,
  DirectNode,
  firstFileBlockOf,
  IndirectNode,
  type InodeFields,
  NIDS_PER_NODE,
  NODE_FOOTER_OFFSET,
  NodeBlock,
  NodeFooter,
  nodeOffsetOf,
} from '@f2fskit/f2fs-format';
import type { CachedBlock } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { attempt, type Dump, type DumpFact, type DumpRow, newDump, placeAt } from './dump.ts';
import { footerRows, type NodeKind, nodeKindOf } from './footer.ts';
import { dumpInodeBlock } from './inode.ts';
import { inodeAreasOf } from './inode-areas.ts';
import { footerProblems, type NodeBlockFound, readNodeBlock } from './node-block.ts';
import { hexBytes, rangeOf } from './phrases.ts';
import { nidRows, slotRows } from './slots.ts';
import { xattrDump } from './xattrs.ts';

/** Throws EINVAL for a nid that the NAT has no room for, ENOENT for a free one, Corruption blockAddress, EIO. */
export function* dumpDnode(volume: F2fsVolume, nid: number): Task<Dump> {
  const found = yield* readNodeBlock(volume, nid);
  const { block } = found;
  const kind = nodeKindOf(block.view);
  if (kind === 'inode') return yield* dumpInodeBlock(volume, nid, found);
  if (kind === 'xattr node') return yield* dumpXattrNode(volume, nid, found);
  const ino = NodeFooter.ino.get(block.view, NODE_FOOTER_OFFSET);
  const { value: owner } = yield* attempt(volume.store.readInode(ino));
  const body = kind === 'direct node' ? directBody(volume, block, owner?.fields) : otherBody(kind, block);
  return newDump({
    title: `Node ${nid}, ${kind} of ino ${ino}`,
    place: placeAt(block.address),
    layout: body.layout,
    facts: [...found.facts, ...body.facts],
    rows: [...body.rows, ...footerRows(volume.superblock, block.view)],
    problems: [...found.problems, ...footerProblems(nid, block)],
  });
}

interface Body {
  layout: string;
  facts: DumpFact[];
  rows: DumpRow[];
}

/** The slots of a direct node; their file blocks are known where the inode is sound. */
function directBody({ superblock }: F2fsVolume, { view }: CachedBlock, owner: InodeFields | undefined): Body {
  const nodeOffset = nodeOffsetOf(NodeFooter.flag.get(view, NODE_FOOTER_OFFSET));
  const count = owner?.addressesPerNode ?? ADDRESSES_PER_NODE;
  const first = owner && firstFileBlockOf(nodeOffset, owner.addressesPerInode, owner.addressesPerNode);
  const rows = slotRows(superblock, {
    view,
    offset: DirectNode.addresses.offset,
    count,
    firstWord: 0,
    cName: 'addr',
    firstFileBlock: first,
    clusterBlocks: owner?.compressed === true ? clusterBlocks(owner.logClusterSize) : 0,
  });
  const facts = first === undefined ? [] : [{ name: 'file blocks', value: rangeOf(first, count) }];
  return { layout: DirectNode.$name, facts, rows };
}

function otherBody(kind: NodeKind, { bytes, view }: CachedBlock): Body {
  if (kind === 'indirect node') {
    const rows = nidRows(view, IndirectNode.nids.offset, NIDS_PER_NODE, 'nid');
    return { layout: IndirectNode.$name, facts: [], rows };
  }
  const { offset, size, type, note } = NodeBlock.body;
  const value = bytes.slice(offset, offset + size);
  const meaning = `starts with ${hexBytes(value.subarray(0, 16))}`;
  return { layout: NodeBlock.$name, facts: [], rows: [{ offset, size, type, name: 'body', value, meaning, note }] };
}

/** The node's own footer, and the whole list of attributes that it belongs to. */
function* dumpXattrNode(volume: F2fsVolume, nid: number, { block, facts, problems }: NodeBlockFound): Task<Dump> {
  const ino = NodeFooter.ino.get(block.view, NODE_FOOTER_OFFSET);
  const owner = yield* attempt(readNodeBlock(volume, ino));
  const children: Dump[] = [];
  if (owner.problem === undefined) {
    const inode = owner.value.block;
    const { xattrOffset: offset, xattrBytes: size } = inodeAreasOf(volume.superblock, inode.view);
    children.push(xattrDump({ inode, offset, size }, block));
  }
  return newDump({
    title: `Node ${nid}, xattr node of ino ${ino}`,
    place: placeAt(block.address),
    layout: NodeBlock.$name,
    facts,
    rows: footerRows(volume.superblock, block.view),
    problems: [...problems, ...footerProblems(nid, block), ...(owner.problem === undefined ? [] : [owner.problem])],
    children,
  });
}
