// Where extended attributes go: one list, first into the area inside the inode, what does not fit there into the xattr
// node, which exists only while it is needed.
//
// Source: spec 8.6; kernel fs/f2fs/xattr.c (write_all_xattrs).

import { assert } from '@f2fskit/errno';
import {
  FileType,
  type InodeFields,
  RawInode,
  XATTR_MAGIC,
  XATTR_NODE_BYTES,
  XATTR_NODE_OFFSET,
  XattrEntry,
  XattrHeader,
  xattrEntrySize,
} from '@f2fskit/f2fs-format';
import type { DecodedInode, NodeStore } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { changeInodeNode } from '../change-inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { StoredXattr } from '../xattr.ts';
import type { Claim } from './claim.ts';
import { addNode, dropNode } from './nodes.ts';
import { addBlocks } from './slots.ts';

/** An attribute as it is stored. */
export type XattrRecord = Pick<StoredXattr, 'index' | 'name' | 'value'>;

/** Whether an inode may have attributes: without reading them. Throws what reading the node met. */
export function* hasXattrs(store: NodeStore, inode: DecodedInode): Task<boolean> {
  const { xattrNid, inlineXattrArea: area } = inode.fields;
  if (xattrNid !== 0) return true;
  if (area.size < XattrHeader.$size + 4) return false;
  const { view } = yield* store.readInodeNode(inode);
  return view.getUint32(area.offset + XattrHeader.$size, true) !== 0;
}

/** Bytes that the header and all attributes of a file may have together. */
export function xattrBytesMax({ inlineXattrArea }: InodeFields): number {
  return inlineXattrArea.size + XATTR_NODE_BYTES;
}

/** Bytes that a list takes, its header included. */
export function xattrBytes(list: readonly XattrRecord[]): number {
  return list.reduce((sum, { name, value }) => sum + xattrEntrySize(name.length, value.length), XattrHeader.$size);
}

/** Whether a list needs the xattr node. */
export function needsXattrNode(list: readonly XattrRecord[], inlineBytes: number): boolean {
  return list.length > 0 && xattrBytes(list) > inlineBytes;
}

function packXattrs(list: readonly XattrRecord[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = viewOf(bytes);
  XattrHeader.magic.set(view, 0, XATTR_MAGIC);
  XattrHeader.referenceCount.set(view, 0, 1);
  let at: number = XattrHeader.$size;
  for (const { index, name, value } of list) {
    XattrEntry.nameIndex.set(view, at, index);
    XattrEntry.nameLength.set(view, at, name.length);
    XattrEntry.valueSize.set(view, at, value.length);
    bytes.set(name, at + XattrEntry.$size);
    bytes.set(value, at + XattrEntry.$size + name.length);
    at += xattrEntrySize(name.length, value.length);
  }
  return bytes;
}

/**
 * Stores all attributes of an inode; the claim has the node where one is missing. Throws what must not happen any more: see
 * `abandon`.
 */
export function* storeXattrs(
  writer: VolumeWriter,
  ino: number,
  list: readonly XattrRecord[],
  claim: Claim,
): Task<void> {
  const { store } = writer;
  const inode = yield* store.readInode(ino);
  const { inlineXattrArea: area, xattrNid, fileType } = inode.fields;
  assert(xattrBytes(list) <= xattrBytesMax(inode.fields), 'attributes were measured before');
  const packed = packXattrs(list, area.size + XATTR_NODE_BYTES);
  const wanted = needsXattrNode(list, area.size);
  let nid = xattrNid;
  if (wanted) {
    const expected = { ino, nodeOffset: XATTR_NODE_OFFSET };
    if (nid === 0) nid = (yield* addNode(writer, claim, { ...expected, cold: fileType !== FileType.directory })).nid;
    (yield* store.readNode(nid, expected)).bytes.set(packed.subarray(area.size), 0);
    store.markDirty(nid);
  } else if (nid !== 0) {
    yield* dropNode(writer, nid);
    nid = 0;
  }
  yield* changeInodeNode(writer, ino, (view, bytes) => {
    bytes.set(packed.subarray(0, area.size), area.offset);
    RawInode.xattrNid.set(view, 0, nid);
    addBlocks(view, (nid === 0 ? 0 : 1) - (xattrNid === 0 ? 0 : 1));
  });
}
