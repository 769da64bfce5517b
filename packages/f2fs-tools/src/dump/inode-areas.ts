// How the address area of an inode is divided, told from its raw fields without asking whether they are allowed: what does
// not fit the area is cut to it, so every offset lies in the block.
//
//   [ extra attributes: X words | slots, inline data or inline entries | inline xattrs: V words ]

import {
  ADDRESSES_PER_INODE_MAX,
  EXTRA_ATTRIBUTES_SIZE,
  ExtraAttributes,
  Feature,
  hasFeature,
  INLINE_XATTR_WORDS_DEFAULT,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  inlineBytesMax,
  RawInode,
  type Superblock,
} from '@f2fskit/f2fs-format';

export interface InodeAreas {
  /** Bytes of extra attributes, at {@link INODE_ADDRESSES_OFFSET}. */
  readonly extraBytes: number;
  /** Byte of the first slot. */
  readonly slotsOffset: number;
  readonly slotCount: number;
  /** Bytes of inline data or entries, behind one reserved word. */
  readonly inlineOffset: number;
  readonly inlineBytes: number;
  /** Inline xattrs; no bytes where the inode has none. */
  readonly xattrOffset: number;
  readonly xattrBytes: number;
}

/** X: words of extra attributes. */
export function extraWordsOf(view: DataView): number {
  if ((RawInode.inlineFlags.get(view, 0) & InlineFlag.extraAttr) === 0) return 0;
  return Math.floor(Math.min(ExtraAttributes.size.get(view, INODE_ADDRESSES_OFFSET), EXTRA_ATTRIBUTES_SIZE) / 4);
}

export function inodeAreasOf(superblock: Superblock, view: DataView): InodeAreas {
  const extraWords = extraWordsOf(view);
  const xattrWords = Math.min(xattrWordsOf(superblock, view), ADDRESSES_PER_INODE_MAX - extraWords - 1);
  const hasXattrs = (RawInode.inlineFlags.get(view, 0) & InlineFlag.xattr) !== 0;
  return {
    extraBytes: 4 * extraWords,
    slotsOffset: INODE_ADDRESSES_OFFSET + 4 * extraWords,
    slotCount: ADDRESSES_PER_INODE_MAX - extraWords - xattrWords,
    inlineOffset: INODE_ADDRESSES_OFFSET + 4 * (extraWords + 1),
    inlineBytes: inlineBytesMax(extraWords, xattrWords),
    xattrOffset: INODE_ADDRESSES_OFFSET + 4 * (ADDRESSES_PER_INODE_MAX - xattrWords),
    xattrBytes: hasXattrs ? 4 * xattrWords : 0,
  };
}

/** V: words kept for inline xattrs. */
function xattrWordsOf(superblock: Superblock, view: DataView): number {
  const flags = RawInode.inlineFlags.get(view, 0);
  if (hasFeature(superblock, Feature.flexibleInlineXattr)) {
    const exists = extraWordsOf(view) >= 1;
    return exists ? ExtraAttributes.inlineXattrWords.get(view, INODE_ADDRESSES_OFFSET) : 0;
  }
  return (flags & (InlineFlag.xattr | InlineFlag.dentry)) === 0 ? 0 : INLINE_XATTR_WORDS_DEFAULT;
}
