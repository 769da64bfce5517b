// The list of extended attributes: the inline area of the inode, then the body of the xattr node, as one buffer. The two
// are met in different sweeps; what is carried over is where the list goes on. (An entry may straddle the border, but its
// first four bytes do not: both parts and all entries are aligned to 4.)

import { XATTR_MAGIC, XattrEntry, XattrHeader, xattrEntrySize } from '@f2fskit/f2fs-format';
import type { FindingPlace, Findings } from './report.ts';

/** Where in the xattr node the list goes on; -1: it has ended before, -2: the node begins with the header. */
export type XattrPosition = number;
export const XATTR_ENDED = -1;
export const XATTR_HEADER_FIRST = -2;

/**
 * Walks the part of the list in `view[at, at + size)`. `more` is how many bytes of the list follow in another block.
 * Returns where in those the list goes on, or {@link XATTR_ENDED}.
 */
export function walkXattrs(
  findings: Findings,
  view: DataView,
  at: number,
  size: number,
  start: XattrPosition,
  more: number,
  place: FindingPlace,
): XattrPosition {
  let position = start;
  if (start === XATTR_HEADER_FIRST) {
    if (size < XattrHeader.$size) return XATTR_ENDED;
    const magic = XattrHeader.magic.get(view, at);
    if (magic !== XATTR_MAGIC) {
      // No attributes yet. Linux does not look at the magic, so there must be nothing to find.
      const found = firstByte(view, at, at + size);
      if (found >= 0) findings.add('xattrHeader', { ...place, offset: found });
      return XATTR_ENDED;
    }
    position = XattrHeader.$size;
  }
  if (position === XATTR_ENDED) position = 0;
  else {
    while (position + XattrEntry.$size <= size && view.getUint32(at + position, true) !== 0) {
      const nameLength = XattrEntry.nameLength.get(view, at + position);
      const valueSize = XattrEntry.valueSize.get(view, at + position);
      const next = position + xattrEntrySize(nameLength, valueSize);
      if (next > size + more) {
        findings.add('xattrEntry', { ...place, offset: at + position }, `an end within ${size + more}`, next);
        return XATTR_ENDED;
      }
      position = next;
    }
    if (position >= size) return more > 0 ? position - size : XATTR_ENDED;
  }
  const behind = firstByte(view, at + position, at + size);
  if (behind >= 0) findings.add('xattrTail', { ...place, offset: behind });
  return XATTR_ENDED;
}

/** The first byte of a range that is not zero, or -1. */
function firstByte(view: DataView, at: number, end: number): number {
  for (let offset = at; offset < end; offset++) if (view.getUint8(offset) !== 0) return offset;
  return -1;
}
