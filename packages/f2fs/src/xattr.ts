// Extended attributes: the inline area of the inode and the xattr node are one list, and an entry may straddle the border.
//
//   header 24 bytes (magic 0xF2F52011) | entry | entry | … | zero word
//   entry: name index u8 | name length u8 | value size u16 | name | value, padded to 4 bytes
//
// Linux does not look at the magic when reading, and neither do we: an area without attributes is all zero.
// Shown as getxattr shows them: with the prefix of the index, ACLs in the kernel's user-space form; contexts of encryption
// and verity are not attributes to users. Source: spec 8.6; kernel fs/f2fs/xattr.c.

import type { Corruption } from '@f2fskit/errno';
import {
  aclToUserSpace,
  corrupt,
  XATTR_NODE_BYTES,
  XattrEntry,
  XattrHeader,
  XattrIndex,
  xattrPrefixes,
} from '@f2fskit/f2fs-format';
import type { InodeBlock, NodeStore } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { type ExtendedAttribute, joinBytes, utf8Encode } from '@f2fskit/vfs';

/** One attribute as stored. */
export interface StoredXattr {
  index: number;
  name: Uint8Array;
  value: Uint8Array;
}

/** Every stored attribute of an inode, in order. Throws Corruption xattrEntry or xattrNode, EIO. */
export function* readStoredXattrs(store: NodeStore, inode: InodeBlock): Task<StoredXattr[]> {
  const { inlineXattrArea, xattrNid } = inode.fields;
  const inline = inode.block.bytes.subarray(inlineXattrArea.offset, inlineXattrArea.offset + inlineXattrArea.size);
  if (xattrNid === 0) return parse(inline, inode, inline.length);
  const node = yield* store.readXattrNode(inode);
  return parse(joinBytes(inline, node.bytes.subarray(0, XATTR_NODE_BYTES)), inode, inline.length);
}

function parse(area: Uint8Array, inode: InodeBlock, inlineLength: number): StoredXattr[] {
  const found: StoredXattr[] = [];
  if (area.length < XattrHeader.$size + 4) return found;
  const view = viewOf(area);
  let at = XattrHeader.$size;
  while (at + 4 <= area.length && view.getUint32(at, true) !== 0) {
    const nameLength = XattrEntry.nameLength.get(view, at);
    const valueSize = XattrEntry.valueSize.get(view, at);
    const nameAt = at + XattrEntry.$size;
    const end = nameAt + nameLength + valueSize;
    if (end > area.length) throw beyond(inode, at, inlineLength, end, area.length);
    found.push({
      index: XattrEntry.nameIndex.get(view, at),
      name: area.subarray(nameAt, nameAt + nameLength),
      value: area.subarray(nameAt + nameLength, end),
    });
    at = (end + 3) & ~3;
  }
  return found;
}

function beyond(
  { ino, block, fields }: InodeBlock,
  at: number,
  inlineLength: number,
  end: number,
  room: number,
): Corruption {
  const inInode = at < inlineLength;
  const where = inInode
    ? { block: block.address, ino, offset: fields.inlineXattrArea.offset + at }
    : { nid: fields.xattrNid, ino, offset: at - inlineLength };
  return corrupt('xattrEntry', { where, expected: `an entry that ends within ${room} bytes`, found: end });
}

/** The attributes as users see them. */
export function* readXattrs(store: NodeStore, inode: InodeBlock): Task<ExtendedAttribute[]> {
  const shown: ExtendedAttribute[] = [];
  for (const { index, name, value } of yield* readStoredXattrs(store, inode)) {
    const prefix = xattrPrefixes.get(index);
    if (prefix === undefined) continue;
    const isAcl = index === XattrIndex.posixAclAccess || index === XattrIndex.posixAclDefault;
    shown.push({
      name: isAcl ? utf8Encode(prefix) : joinBytes(utf8Encode(prefix), name),
      value: isAcl ? aclToUserSpace(value) : value.slice(),
    });
  }
  return shown;
}
