// Nodes by number, cached as the pages of one mapping whose page numbers are nids. A node that is not cached: NAT lookup, one block read, and the checks that make sure that the block is the node it was taken for.
//
// A node carries its own nid, the ino it belongs to and its place in that file's tree. All three are compared with what
// the walk expects. Linux compares the nid always and the others in part (kernel fs/f2fs/node.c, sanity_check_node_footer);
// we compare all of them because together they bound every walk: no node can serve two places of a tree, so a volume
// cannot make a small tree look endless, and no file shows another file's blocks.

import type { BlockDevice } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  corrupt,
  decodeInode,
  type InodeFields,
  isMainAddress,
  NEW_ADDRESS,
  NODE_FOOTER_OFFSET,
  NodeFlag,
  NodeFooter,
  nodeFooterFlag,
  nodeOffsetOf,
  type Superblock,
  sealInode,
  XATTR_NODE_OFFSET,
} from '@f2fskit/f2fs-format';
import { type BlockCopy, type DeviceMapping, type Folio, Mapping, peekPage, readPage } from '@f2fskit/pagecache';
import type { Task, Tracer } from '@f2fskit/task';
import type { NodeAddressTable } from './nat.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A node was read (or found in the cache) and passed its checks. */
    'node:read': { nid: number; ino: number; nodeOffset: number; block: number };
  }
}

/** What a node must be to be what the walk looks for. */
export interface ExpectedNode {
  ino: number;
  /** Place in the file's tree: 0 for the inode, 1 and 2 direct, … ; {@link XATTR_NODE_OFFSET} for the xattr node. */
  nodeOffset: number;
}

/**
 * A block of metadata: 4096 bytes and where they were read. What a {@link NodeStore} returns is memory of the page cache,
 * good until the next wait.
 */
export type CachedBlock = BlockCopy;

/** An inode as it was decoded. Its node, with slots and inline areas, is read when it is needed: `readInodeNode`. */
export interface DecodedInode {
  readonly ino: number;
  /** The block it was read from. */
  readonly address: number;
  readonly fields: InodeFields;
}

export class NodeStore {
  readonly superblock: Superblock;
  /** The device's blocks by address. */
  readonly blocks: DeviceMapping;
  /** Nodes by nid. */
  readonly nodes: Mapping;
  readonly nat: NodeAddressTable;
  readonly tracer: Tracer | undefined;

  constructor(superblock: Superblock, blocks: DeviceMapping, nat: NodeAddressTable, tracer?: Tracer) {
    this.superblock = superblock;
    this.blocks = blocks;
    this.nodes = new Mapping(blocks.mapping.cache, { name: 'nodes', orderMax: 0, urgent: true });
    this.nat = nat;
    this.tracer = tracer;
  }

  get device(): BlockDevice {
    return this.blocks.device;
  }

  /**
   * The block of a node, good until the next wait. Throws Corruption (natEntry, blockAddress, nodeFooterNid, nodeFooterIno,
   * nodeOffset), EIO.
   */
  *readNode(nid: number, { ino, nodeOffset }: ExpectedNode): Task<CachedBlock> {
    const block = peekPage(this.nodes, nid) ?? (yield* this.#fetch(nid, ino));
    checkFooter(block, nid, ino, nodeOffset);
    if (this.tracer?.active) this.tracer.emit('node:read', { nid, ino, nodeOffset, block: block.address });
    return block;
  }

  /** A node whose place in its tree is not known: only its nid, and the ino of the table, are compared. As {@link readNode}. */
  *readAnyNode(nid: number): Task<CachedBlock> {
    const { ino } = yield* this.nat.lookup(nid);
    const block = peekPage(this.nodes, nid) ?? (yield* this.#fetch(nid, ino));
    checkFooter(block, nid, ino, 0);
    return block;
  }

  *#fetch(nid: number, ino: number): Task<CachedBlock> {
    const entry = yield* this.nat.lookup(nid);
    const where = { nid, ino };
    if (entry.blockAddress === 0 || entry.blockAddress === NEW_ADDRESS) {
      throw corrupt('natEntry', { where, expected: 'the address of a node block', found: entry.blockAddress });
    }
    if (!isMainAddress(this.superblock, entry.blockAddress)) {
      throw corrupt('blockAddress', {
        where,
        expected: `an address in the main area [${this.superblock.mainAddress}, …)`,
        found: entry.blockAddress,
        detail: 'the NAT points outside the main area',
      });
    }
    return yield* readPage(this.nodes, nid, this.device, entry.blockAddress * BLOCK_SIZE);
  }

  /** Nodes that changed since they were read or written, each with a reference of its own. */
  readonly dirty = new Map<number, Folio>();

  /**
   * The node changed, in the memory that {@link readNode} gave and before any wait: from now on it stays in memory until
   * it is written.
   */
  markDirty(nid: number): void {
    if (this.dirty.has(nid)) return;
    const folio = peekPage(this.nodes, nid);
    assert(folio !== undefined, 'a node is changed before the next wait');
    folio.get();
    this.dirty.set(nid, folio);
  }

  /** The node is written, or gone: it may leave memory. */
  markClean(nid: number): void {
    this.dirty.get(nid)?.put();
    this.dirty.delete(nid);
  }

  /** A node that no block holds yet: zeros and a footer, dirty. Valid until the next wait. */
  *createNode({ nid, ino, nodeOffset, cold }: NewNode): Task<CachedBlock> {
    let folio = this.nodes.create(nid, 0);
    while (folio === undefined) {
      // What was there belonged to a node that is gone.
      if (this.nodes.find(nid) !== undefined) yield* this.nodes.invalidate(nid, nid + 1);
      else yield* this.nodes.cache.waitForRoom();
      folio = this.nodes.create(nid, 0);
    }
    folio.bytes.fill(0);
    folio.address = NEW_ADDRESS;
    NodeFooter.nid.set(folio.view, NODE_FOOTER_OFFSET, nid);
    NodeFooter.ino.set(folio.view, NODE_FOOTER_OFFSET, ino);
    NodeFooter.flag.set(folio.view, NODE_FOOTER_OFFSET, nodeFooterFlag(nodeOffset, cold ? NodeFlag.cold : 0));
    folio.markUptodate();
    folio.get();
    this.dirty.set(nid, folio);
    folio.unlock();
    return folio;
  }

  /** An inode, decoded and checked. Throws what {@link readNode} and `decodeInode` throw. */
  *readInode(ino: number): Task<DecodedInode> {
    const { address, bytes, view } = yield* this.readNode(ino, { ino, nodeOffset: 0 });
    // In memory the checksum is not kept up to date.
    if (this.dirty.has(ino)) sealInode(this.superblock, bytes);
    const fields = decodeInode(bytes, view, this.superblock, { nid: ino, address });
    return { ino, address, fields };
  }

  /** The node of an inode, good until the next wait. */
  readInodeNode({ ino }: DecodedInode): Task<CachedBlock> {
    return this.readNode(ino, { ino, nodeOffset: 0 });
  }

  /** The node that holds the extended attributes that do not fit the inode. */
  readXattrNode(inode: DecodedInode): Task<CachedBlock> {
    return this.readNode(inode.fields.xattrNid, { ino: inode.ino, nodeOffset: XATTR_NODE_OFFSET });
  }
}

/** What a new node is. */
export interface NewNode extends ExpectedNode {
  nid: number;
  /** Of a file that is no directory. */
  cold: boolean;
}

function checkFooter({ address, view }: CachedBlock, nid: number, ino: number, nodeOffset: number): void {
  const place = { block: address, nid, ino };
  const foundNid = NodeFooter.nid.get(view, NODE_FOOTER_OFFSET);
  if (foundNid !== nid) {
    const offset = NODE_FOOTER_OFFSET + NodeFooter.nid.offset;
    throw corrupt('nodeFooterNid', { where: { ...place, offset }, expected: nid, found: foundNid });
  }
  const foundIno = NodeFooter.ino.get(view, NODE_FOOTER_OFFSET);
  if (foundIno !== ino) {
    const offset = NODE_FOOTER_OFFSET + NodeFooter.ino.offset;
    throw corrupt('nodeFooterIno', { where: { ...place, offset }, expected: ino, found: foundIno });
  }
  const flag = NodeFooter.flag.get(view, NODE_FOOTER_OFFSET);
  const foundOffset = nodeOffsetOf(flag);
  // An inode is known by nid = ino; nothing reads its offset. It never stands for another node of its own tree.
  if (nodeOffset !== 0 && (foundOffset !== nodeOffset || nid === ino)) {
    const offset = NODE_FOOTER_OFFSET + NodeFooter.flag.offset;
    const found = nid === ino ? 'the inode itself' : foundOffset;
    throw corrupt('nodeOffset', { where: { ...place, offset }, expected: nodeOffset, found });
  }
}
