// Inline data: contents of a small file, or the target of a short symlink, inside the inode. Source: spec 8.1.

import { InlineFlag } from '@f2fskit/f2fs-format';
import type { DecodedInode, NodeStore } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';

/** Whether contents lie in the inode. */
export function hasInlineData({ fields }: DecodedInode): boolean {
  return (fields.inlineFlags & InlineFlag.data) !== 0;
}

/** The bytes of an inode with inline data: a window on its node, good until the next wait. Throws as reading nodes does. */
export function* readInlineData(store: NodeStore, inode: DecodedInode): Task<Uint8Array> {
  const { bytes } = yield* store.readInodeNode(inode);
  const { offset } = inode.fields.inlineArea;
  return bytes.subarray(offset, offset + inode.fields.size); // decodeInode made sure that the size fits the area
}
