// The 24 bytes at the end of every node.

import {
  isColdNode,
  isDentryNode,
  isFsyncNode,
  isIndirectNodeOffset,
  MAX_NODE_OFFSET,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  NodeOffset,
  nodeOffsetOf,
  type Superblock,
  XATTR_NODE_OFFSET,
} from '@f2fskit/f2fs-format';
import { addressMeaning } from './areas.ts';
import { footerNames } from './c-names.ts';
import { type DumpRow, fieldRows } from './dump.ts';

export type NodeKind = 'inode' | 'direct node' | 'indirect node' | 'xattr node' | 'node of no kind';

/** What a node is, by its footer. */
export function nodeKindOf(view: DataView): NodeKind {
  const nid = NodeFooter.nid.get(view, NODE_FOOTER_OFFSET);
  if (nid === NodeFooter.ino.get(view, NODE_FOOTER_OFFSET)) return 'inode';
  const nodeOffset = nodeOffsetOf(NodeFooter.flag.get(view, NODE_FOOTER_OFFSET));
  if (nodeOffset === XATTR_NODE_OFFSET) return 'xattr node';
  if (nodeOffset === NodeOffset.inode || nodeOffset > MAX_NODE_OFFSET) return 'node of no kind';
  return isIndirectNodeOffset(nodeOffset) ? 'indirect node' : 'direct node';
}

export function footerRows(superblock: Superblock, view: DataView): DumpRow[] {
  return fieldRows(NodeFooter, view, NODE_FOOTER_OFFSET, {
    cNames: footerNames,
    start: NODE_FOOTER_OFFSET,
    prefix: 'footer.',
    cPrefix: 'footer.',
    meanings: {
      flag: flagMeaning,
      checkpointVersion: (version) =>
        `version ${version & 0xffff_ffffn}, upper half 0x${(version >> 32n).toString(16)}`,
      nextAddress: (address) => addressMeaning(superblock, address),
    },
  });
}

function flagMeaning(flag: number): string[] {
  const offset = nodeOffsetOf(flag);
  const shown = [offset === XATTR_NODE_OFFSET ? 'xattr node' : `node offset ${offset}`];
  if (isColdNode(flag)) shown.push('cold');
  if (isFsyncNode(flag)) shown.push('fsync');
  if (isDentryNode(flag)) shown.push('dentry');
  return shown;
}
