// An inode of a new volume: what root, quota files and lost+found have in common.

import {
  BLOCK_SIZE,
  ExtraAttributes,
  Feature,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  RawInode,
  sealInode,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { utf8Encode } from '@f2fskit/vfs/utf8';
import type { FormatSettings } from './options.ts';

/** Where a fresh file lies, and what tells it from the others. */
export interface FreshInode {
  readonly ino: number;
  readonly mode: number;
  readonly links: number;
  /** Bytes. */
  readonly size: number;
  readonly currentDepth: number;
  readonly flags: number;
  readonly parentIno: number;
  readonly name: string;
  /** Whether the creation time is stored, where the volume has the feature. */
  readonly hasCreateTime: boolean;
  /** Block addresses of its data, from file block 0 on. */
  readonly dataAddresses: readonly number[];
  /** What the footer says of the next node of the log. */
  readonly nextAddress: number;
}

/** The checkpoint version in the footers of a format: older than any checkpoint. */
const NODE_VERSION = 1;

/** The inode block. */
export function freshInode(inode: FreshInode, settings: FormatSettings): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(block);
  const raw = RawInode;
  const { seconds, extraBytes, features } = settings;
  raw.mode.set(view, 0, inode.mode);
  raw.uid.set(view, 0, settings.uid);
  raw.gid.set(view, 0, settings.gid);
  raw.links.set(view, 0, inode.links);
  raw.size.set(view, 0, inode.size);
  raw.blocks.set(view, 0, 1 + inode.dataAddresses.length);
  raw.accessSeconds.set(view, 0, seconds);
  raw.changeSeconds.set(view, 0, seconds);
  raw.modifySeconds.set(view, 0, seconds);
  raw.currentDepth.set(view, 0, inode.currentDepth);
  raw.flags.set(view, 0, inode.flags);
  raw.parentIno.set(view, 0, inode.parentIno);
  const name = utf8Encode(inode.name);
  raw.nameLength.set(view, 0, name.length);
  raw.name.set(view, 0, name);

  if (extraBytes > 0) {
    raw.inlineFlags.set(view, 0, InlineFlag.extraAttr);
    ExtraAttributes.size.set(view, INODE_ADDRESSES_OFFSET, extraBytes);
    if (inode.hasCreateTime && (features & Feature.inodeCrtime) !== 0) {
      ExtraAttributes.createSeconds.set(view, INODE_ADDRESSES_OFFSET, seconds);
    }
  }
  for (const [index, address] of inode.dataAddresses.entries()) {
    raw.addresses.set(view, 0, extraBytes / 4 + index, address);
  }

  const footer = NODE_FOOTER_OFFSET;
  NodeFooter.nid.set(view, footer, inode.ino);
  NodeFooter.ino.set(view, footer, inode.ino);
  NodeFooter.checkpointVersion.set(view, footer, NODE_VERSION, 0);
  NodeFooter.nextAddress.set(view, footer, inode.nextAddress);
  sealInode({ features, uuidBytes: settings.uuidBytes }, block);
  return block;
}
