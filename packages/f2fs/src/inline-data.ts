// Inline data: contents of a small file, or the target of a short symlink, inside the inode. Source: spec 8.1.

import { InlineFlag } from '@f2fskit/f2fs-format';
import type { InodeBlock } from '@f2fskit/f2fs-node';

/** The bytes of an inode with inline data, a window on its block; `undefined` for one without. */
export function inlineData({ fields, block }: InodeBlock): Uint8Array | undefined {
  if ((fields.inlineFlags & InlineFlag.data) === 0) return undefined;
  const { offset } = fields.inlineArea;
  return block.bytes.subarray(offset, offset + fields.size); // decodeInode made sure that the size fits the area
}
