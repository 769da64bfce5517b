// Extended attributes: the inline area of the inode and the xattr node are one list, and an entry may straddle the border.
//
//   header 24 bytes (magic 0xF2F52011) | entry | entry | … | zero word
//   entry: name index u8 | name length u8 | value size u16 | name | value, padded to 4 bytes
//
// Linux does not look at the magic when reading, and neither do we: an area without attributes is all zero.
// Shown as getxattr shows them: with the prefix of the index, ACLs in the kernel's user-space form; contexts of encryption
// and verity are not attributes to users. Source: spec 8.6; kernel fs/f2fs/xattr.c.

import { Corruption, type CorruptionPlace } from '@f2fskit/errno';
import {
  aclToUserSpace,
  corrupt,
  XATTR_NODE_BYTES,
  XattrEntry,
  XattrHeader,
  XattrIndex,
  xattrPrefixes,
} from '@f2fskit/f2fs-format';
import type { DecodedInode, NodeStore } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { type ExtendedAttribute, joinBytes, utf8Encode } from '@f2fskit/vfs';

/** One attribute as stored. */
export interface StoredXattr {
  index: number;
  name: Uint8Array;
  value: Uint8Array;
  /** Where the value begins, for errors. */
  place: CorruptionPlace;
}

/** Every stored attribute of an inode, in order. Throws Corruption xattrEntry or xattrNode, EIO. */
export function* readStoredXattrs(store: NodeStore, inode: DecodedInode): Task<StoredXattr[]> {
  const { inlineXattrArea, xattrNid } = inode.fields;
  const { bytes } = yield* store.readInodeNode(inode);
  const inline = bytes.slice(inlineXattrArea.offset, inlineXattrArea.offset + inlineXattrArea.size);
  if (xattrNid === 0) return parse(inline, inode, inline.length);
  const node = yield* store.readXattrNode(inode);
  return parse(joinBytes(inline, node.bytes.subarray(0, XATTR_NODE_BYTES)), inode, inline.length);
}

function parse(area: Uint8Array, inode: DecodedInode, inlineLength: number): StoredXattr[] {
  const found: StoredXattr[] = [];
  if (area.length < XattrHeader.$size + 4) return found;
  const view = viewOf(area);
  let at = XattrHeader.$size;
  while (at + 4 <= area.length && view.getUint32(at, true) !== 0) {
    const nameLength = XattrEntry.nameLength.get(view, at);
    const valueSize = XattrEntry.valueSize.get(view, at);
    const nameAt = at + XattrEntry.$size;
    const end = nameAt + nameLength + valueSize;
    if (end > area.length) {
      const expected = `an entry that ends within ${area.length} bytes`;
      throw corrupt('xattrEntry', { where: placeOf(inode, at, inlineLength), expected, found: end });
    }
    found.push({
      index: XattrEntry.nameIndex.get(view, at),
      name: area.subarray(nameAt, nameAt + nameLength),
      value: area.subarray(nameAt + nameLength, end),
      place: placeOf(inode, nameAt + nameLength, inlineLength),
    });
    at = (end + 3) & ~3;
  }
  return found;
}

/** The place of a byte of the list: in the inode, or in the xattr node behind it. */
function placeOf({ ino, address, fields }: DecodedInode, at: number, inlineLength: number): CorruptionPlace {
  return at < inlineLength
    ? { block: address, ino, offset: fields.inlineXattrArea.offset + at }
    : { nid: fields.xattrNid, ino, offset: at - inlineLength };
}

/** The attributes as users see them. Throws as {@link readStoredXattrs} does, and Corruption acl. */
export function* readXattrs(store: NodeStore, inode: DecodedInode): Task<ExtendedAttribute[]> {
  const shown: ExtendedAttribute[] = [];
  for (const stored of yield* readStoredXattrs(store, inode)) {
    const prefix = xattrPrefixes.get(stored.index);
    if (prefix === undefined) continue;
    if (stored.index === XattrIndex.posixAclAccess || stored.index === XattrIndex.posixAclDefault) {
      shown.push({ name: utf8Encode(prefix), value: readAcl(stored) });
    } else shown.push({ name: joinBytes(utf8Encode(prefix), stored.name), value: stored.value.slice() });
  }
  return shown;
}

/** An ACL in the form of user space; what is wrong with it is told with its place on the volume. */
function readAcl({ value, place }: StoredXattr): Uint8Array {
  try {
    return aclToUserSpace(value);
  } catch (error) {
    if (!(error instanceof Corruption)) throw error;
    const { expected, found, where } = error;
    throw corrupt('acl', {
      where: { ...place, offset: (place.offset ?? 0) + (where.offset ?? 0) },
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      cause: error,
    });
  }
}
