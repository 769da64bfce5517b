// The tree of a volume, from the root inode on: nodes, directories, data, attributes, clusters. Breadth first; each inode
// once, under the first name that leads to it.

import {
  AclEntry,
  AclHeader,
  ADDRESSES_PER_NODE,
  BLOCK_SIZE,
  ClusterHeader,
  COMPRESS_ADDRESS,
  clusterBlocks,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  type DentryLayout,
  DeviceNumbers,
  decodeInode,
  dentryEntryOffset,
  dentryLayoutOf,
  dentryNameOffset,
  dentrySlots,
  ExtraAttributes,
  FileType,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  type InodeFields,
  isMainAddress,
  NatEntry,
  NIDS_PER_NODE,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  RawInode,
  testLsb,
  XATTR_NODE_BYTES,
  XattrEntry,
  XattrHeader,
  XattrIndex,
} from '@f2fskit/f2fs-format';
import { bytes, u32s, viewOf } from '@f2fskit/ondisk';
import { type ImageBlock, readImageBlock } from './image.ts';
import { rawBytes, single, without } from './layouts.ts';
import { NatTable } from './nat-table.ts';
import type { StructureCollector, StructureKind, VolumeFrame } from './structures.ts';

const inodeHead = without(RawInode, 'addresses', 'nids', 'footer');
const inodeNids = { ...without(RawInode), $fields: RawInode.$fields.filter(([name]) => name === 'nids') };
const nodeBody = single('slots', u32s(0, ADDRESSES_PER_NODE));

/** Dentries, clusters and data blocks of one file that become places: more would only be more of the same. */
const PLACES_PER_FILE_MAX = 12;

interface FoundEntry {
  ino: number;
  slot: number;
  length: number;
}

export function collectFiles(frame: VolumeFrame, collector: StructureCollector): void {
  const walk = new FileWalk(frame, collector);
  const { rootIno } = frame.superblock;
  const queue = [{ ino: rootIno, parentIno: rootIno }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (collector.inodes.has(next.ino)) continue;
    for (const child of walk.inode(next.ino, next.parentIno)) queue.push({ ino: child, parentIno: next.ino });
  }
}

class FileWalk {
  readonly #frame: VolumeFrame;
  readonly #collector: StructureCollector;
  readonly #nat: NatTable;

  constructor(frame: VolumeFrame, collector: StructureCollector) {
    this.#frame = frame;
    this.#collector = collector;
    this.#nat = new NatTable(frame.image, frame);
  }

  /** Collects everything of one inode; returns the inodes that it names, when it is a directory. */
  inode(ino: number, parentIno: number): number[] {
    const block = this.#node(ino, ino);
    const { superblock } = this.#frame;
    const fields = decodeInode(block.bytes, block.view, superblock, { nid: ino, address: block.address });
    const directory = fields.fileType === FileType.directory;
    this.#collector.inodes.set(ino, { ino, parentIno, directory });
    this.#collector.seals.set(block.address, { type: 'inode' });
    this.#add(inodeKind(fields), block.address, 0, inodeHead, ino);
    this.#add('inodeNids', block.address, 0, inodeNids, ino);
    if (fields.extraWords > 0) {
      this.#add('extraAttributes', block.address, INODE_ADDRESSES_OFFSET, ExtraAttributes, ino);
    }
    const children = directory ? this.#directory(ino, fields, block) : [];
    if (!directory) this.#contents(ino, fields, block);
    this.#xattrs(ino, fields, block);
    return children;
  }

  #add(kind: StructureKind, block: number, offset: number, layout: typeof inodeHead, ino: number, label = ''): void {
    const shown = label === '' ? `ino ${ino}` : `ino ${ino}, ${label}`;
    this.#collector.add({ kind, block, offset, layout, label: shown, ino });
  }

  /** A node of `ino`: its block, noted with footer and NAT entry. */
  #node(nid: number, ino: number): ImageBlock {
    const block = readImageBlock(this.#frame.image, this.#nat.addressOf(nid));
    this.#collector.nids.set(nid, ino);
    this.#collector.own(block.address, [ino]);
    this.#add('nodeFooter', block.address, NODE_FOOTER_OFFSET, NodeFooter, ino, `nid ${nid}`);
    const entry = this.#nat.place(nid);
    this.#add('natEntry', entry.block, entry.offset, NatEntry, ino, `nid ${nid}`);
    return block;
  }

  /** Every slot of a file that is not 0, in file order: `[file block, value]`. Collects the nodes on the way. */
  #slots(ino: number, fields: InodeFields, inode: ImageBlock): Array<[fileBlock: number, value: number]> {
    const found: Array<[number, number]> = [];
    const { addressesPerInode, addressesPerNode, addressesOffset, nids } = fields;
    const take = (view: DataView, offset: number, count: number, first: number): void => {
      for (let index = 0; index < count; index++) {
        const value = view.getUint32(offset + 4 * index, true);
        if (value !== 0) found.push([first + index, value]);
      }
    };
    take(inode.view, addressesOffset, addressesPerInode, 0);
    this.#add('inodeSlots', inode.address, addressesOffset, single('slots', u32s(0, addressesPerInode)), ino);
    const below = (nid: number, depth: number, first: number): void => {
      if (nid === 0) return;
      const node = this.#node(nid, ino);
      const kind = depth === 0 ? 'directNode' : 'indirectNode';
      this.#add(kind, node.address, 0, nodeBody, ino, `nid ${nid}`);
      if (depth === 0) take(node.view, 0, addressesPerNode, first);
      for (let index = 0; depth > 0 && index < NIDS_PER_NODE; index++) {
        const span = addressesPerNode * NIDS_PER_NODE ** (depth - 1);
        below(node.view.getUint32(4 * index, true), depth - 1, first + index * span);
      }
    };
    let first = addressesPerInode;
    for (const [index, depth] of [0, 0, 1, 1, 2].entries()) {
      below(nids[index]!, depth, first);
      first += addressesPerNode * NIDS_PER_NODE ** depth;
    }
    for (const [, value] of found) {
      if (isMainAddress(this.#frame.superblock, value)) this.#collector.own(value, [ino]);
    }
    return found;
  }

  #directory(ino: number, fields: InodeFields, block: ImageBlock): number[] {
    if ((fields.inlineFlags & InlineFlag.dentry) !== 0) {
      const { offset, size } = fields.inlineArea;
      return this.#dentries(ino, block, offset, dentryLayoutOf(size), true);
    }
    return this.#slots(ino, fields, block).flatMap(([, address]) => {
      if (!isMainAddress(this.#frame.superblock, address)) return [];
      return this.#dentries(ino, readImageBlock(this.#frame.image, address), 0, DENTRY_BLOCK_LAYOUT, false);
    });
  }

  #dentries(
    ino: number,
    { address, view, bytes: data }: ImageBlock,
    at: number,
    layout: DentryLayout,
    inline: boolean,
  ) {
    const found: FoundEntry[] = [];
    const bitmap = data.subarray(at);
    for (let slot = 0; slot < layout.slots; ) {
      const entry = at + dentryEntryOffset(layout, slot);
      const length = testLsb(bitmap, slot) ? Dentry.nameLength.get(view, entry) : 0;
      if (length > 0) found.push({ ino: Dentry.ino.get(view, entry), slot, length });
      slot += Math.max(1, dentrySlots(length));
    }
    this.#add('dentryBitmap', address, at, rawBytes('bitmap', Math.ceil(layout.slots / 8)), ino);
    for (const { slot, length } of found.slice(0, PLACES_PER_FILE_MAX)) {
      const kind = inline ? 'inlineDentry' : 'dentry';
      this.#add(kind, address, at + dentryEntryOffset(layout, slot), Dentry, ino, `slot ${slot}`);
      const name = rawBytes('name', length);
      this.#add('dentryName', address, at + dentryNameOffset(layout, slot), name, ino, `slot ${slot}`);
    }
    const dots = (slot: number, length: number): boolean =>
      data[at + dentryNameOffset(layout, slot)] === 0x2e &&
      (length === 1 || (length === 2 && data[at + dentryNameOffset(layout, slot) + 1] === 0x2e));
    return found.filter(({ slot, length }) => !dots(slot, length)).map((entry) => entry.ino);
  }

  /** The data of what is not a directory. */
  #contents(ino: number, fields: InodeFields, block: ImageBlock): void {
    const { fileType, inlineFlags, inlineArea, addressesOffset, size } = fields;
    if (fileType === FileType.blockDevice || fileType === FileType.characterDevice) {
      this.#add('deviceNumbers', block.address, addressesOffset, DeviceNumbers, ino);
    }
    if (fileType !== FileType.regular && fileType !== FileType.symlink) return;
    if ((inlineFlags & InlineFlag.data) !== 0) {
      if (size > 0) this.#add('inlineData', block.address, inlineArea.offset, rawBytes('data', size), ino);
      return;
    }
    const slots = this.#slots(ino, fields, block);
    if (fields.compressed) this.#clusters(ino, fields, slots);
    const kind = fileType === FileType.symlink ? 'symlinkBlock' : 'fileData';
    const data = slots.filter(([, value]) => isMainAddress(this.#frame.superblock, value)).slice(0, 2);
    for (const [fileBlock, address] of data) {
      const length = Math.min(BLOCK_SIZE, Math.max(1, size - fileBlock * BLOCK_SIZE));
      this.#add(kind, address, 0, rawBytes('data', length), ino, `file block ${fileBlock}`);
    }
  }

  #clusters(ino: number, fields: InodeFields, slots: Array<[fileBlock: number, value: number]>): void {
    const perCluster = clusterBlocks(fields.logClusterSize);
    const payloads = new Map<number, number[]>();
    for (const [fileBlock, value] of slots) {
      const start = fileBlock - (fileBlock % perCluster);
      if (value === COMPRESS_ADDRESS) payloads.set(start, []);
      else if (isMainAddress(this.#frame.superblock, value)) payloads.get(start)?.push(value);
    }
    for (const [start, payload] of [...payloads].slice(0, PLACES_PER_FILE_MAX)) {
      const [first, ...rest] = payload;
      if (first === undefined) continue;
      for (const block of payload) this.#collector.seals.set(block, { type: 'cluster', payload });
      const label = `cluster at file block ${start}`;
      this.#add('clusterHeader', first, 0, ClusterHeader, ino, label);
      const stream = single('stream', bytes(ClusterHeader.$size, BLOCK_SIZE - ClusterHeader.$size));
      this.#add('clusterPayload', first, 0, stream, ino, label);
      for (const block of rest.slice(0, 2)) {
        this.#add('clusterPayload', block, 0, rawBytes('stream', BLOCK_SIZE), ino, label);
      }
    }
  }

  /** The attributes: entries that lie in one block, and the ACLs among them. */
  #xattrs(ino: number, fields: InodeFields, block: ImageBlock): void {
    const { offset, size } = fields.inlineXattrArea;
    const node = fields.xattrNid === 0 ? undefined : this.#node(fields.xattrNid, ino);
    const area = new Uint8Array(size + (node === undefined ? 0 : XATTR_NODE_BYTES));
    area.set(block.bytes.subarray(offset, offset + size));
    if (node !== undefined) area.set(node.bytes.subarray(0, XATTR_NODE_BYTES), size);
    if (area.length < XattrHeader.$size + XattrEntry.$size) return;
    const add = (kind: StructureKind, at: number, layout: typeof inodeHead): void => {
      if (at + layout.$size <= size) this.#add(kind, block.address, offset + at, layout, ino);
      else if (node !== undefined && at >= size) this.#add(kind, node.address, at - size, layout, ino);
    };
    const view = viewOf(area);
    add('xattrEntry', 0, XattrHeader);
    for (let at: number = XattrHeader.$size; at + 4 <= area.length && view.getUint32(at, true) !== 0; ) {
      const nameLength = XattrEntry.nameLength.get(view, at);
      const valueSize = XattrEntry.valueSize.get(view, at);
      const valueAt = at + XattrEntry.$size + nameLength;
      add(at < size ? 'xattrEntry' : 'xattrNodeEntry', at, XattrEntry);
      const nameIndex = XattrEntry.nameIndex.get(view, at);
      if (nameIndex === XattrIndex.posixAclAccess || nameIndex === XattrIndex.posixAclDefault) {
        add('acl', valueAt, AclHeader);
        if (valueSize >= AclHeader.$size + AclEntry.$size) add('acl', valueAt + AclHeader.$size, AclEntry);
      }
      at = (valueAt + valueSize + 3) & ~3;
    }
  }
}

function inodeKind(fields: InodeFields): StructureKind {
  if (fields.compressed) return 'compressedInode';
  switch (fields.fileType) {
    case FileType.regular:
      return 'fileInode';
    case FileType.directory:
      return 'directoryInode';
    case FileType.symlink:
      return 'symlinkInode';
    default:
      return 'specialInode';
  }
}
