// Bringing an inode to the state that the chain has of it, its slots excepted: owner, mode, size, times, flags; contents and
// attributes that lie inside it; nodes that it no longer has.
//
//   in memory   in the chain
//   inline      inline         the contents are copied
//   inline      blocks         the contents go; the slots follow
//   blocks      inline         blocks and nodes are given up, the contents are copied
//   blocks      blocks         nodes behind the last one that the chain knows are given up; the slots follow
//
// Links, name and generation stay what they are: where they changed, fsync was a checkpoint.
// Source: spec 10.3; kernel fs/f2fs/recovery.c (recover_inode), inline.c (f2fs_recover_inline_data), xattr.c, node.c
// (f2fs_recover_inode_page, f2fs_recover_inline_xattr, f2fs_recover_xattr_data).

import {
  corrupt,
  ExtraAttributes,
  extraFieldExists,
  Feature,
  FileType,
  hasFeature,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  type InodeFields,
  NEW_ADDRESS,
  NIDS_PER_INODE,
  NIDS_PER_NODE,
  NODE_FOOTER_OFFSET,
  RawExtent,
  RawInode,
  XATTR_NODE_OFFSET,
} from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { changeInodeNode, inodeChanged } from '../change-inode.ts';
import { Claim } from '../names/claim.ts';
import { truncateBlocks } from '../names/free-inode.ts';
import { addNode, dropNode } from '../names/nodes.ts';
import { addBlocks } from '../names/slots.ts';
import type { VolumeWriter } from '../volume-writer.ts';

/** An inode as the chain has it. */
export interface LoggedInode {
  /** Its whole block. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly fields: InodeFields;
}

/** Makes an inode that no checkpoint knows: empty, with the name and the shape of the logged one. Throws ENOSPC. */
export function* makeInode(writer: VolumeWriter, { bytes, fields }: LoggedInode): Task<void> {
  const { store, space } = writer;
  const ino = fields.nid;
  space.reserve(1);
  space.validNodes++;
  space.validInodes++;
  const { version } = yield* store.nat.lookup(ino);
  store.nat.set({ nid: ino, version, ino, blockAddress: NEW_ADDRESS });
  const node = yield* store.createNode({ nid: ino, ino, nodeOffset: 0, cold: true });
  const { view } = node;
  node.bytes.set(bytes.subarray(0, RawInode.extent.offset));
  const extraBytes = 4 * fields.extraWords;
  const at = INODE_ADDRESSES_OFFSET;
  node.bytes.set(bytes.subarray(at, at + extraBytes), at);
  if (extraFieldExists(extraBytes, ExtraAttributes.compressedBlocks)) ExtraAttributes.compressedBlocks.set(view, at, 0);
  RawInode.size.set(view, 0, 0);
  RawInode.blocks.set(view, 0, 1);
  RawInode.links.set(view, 0, 1);
  RawInode.xattrNid.set(view, 0, 0);
  RawInode.inlineFlags.set(view, 0, fields.inlineFlags & (InlineFlag.xattr | InlineFlag.extraAttr));
  inodeChanged(writer, ino, node);
}

/** Throws Corruption recovery for a logged inode that cannot be a later state of this one. */
export function* recoverInode(writer: VolumeWriter, logged: LoggedInode): Task<void> {
  const ino = logged.fields.nid;
  const inode = yield* writer.store.readInode(ino);
  checkShape(inode, logged);
  const { fields } = inode;
  const inline = (logged.fields.inlineFlags & InlineFlag.data) !== 0;
  const wasInline = (fields.inlineFlags & InlineFlag.data) !== 0;
  if (!wasInline) {
    const firstGone = inline ? 0 : firstBlockWithoutNode(logged.fields);
    if (inline || lacksNodes(fields, logged.fields)) yield* truncateBlocks(writer, inode, firstGone);
  }
  const losesXattrNode = fields.xattrNid !== 0 && logged.fields.xattrNid === 0;
  if (losesXattrNode) {
    yield* writer.store.readXattrNode(inode); // it is the file's own
    yield* dropNode(writer, fields.xattrNid);
  }
  const projects = hasFeature(writer.store.superblock, Feature.projectQuota);
  yield* changeInodeNode(writer, ino, (view, bytes) => {
    for (const { offset, size } of COPIED_FIELDS) bytes.set(logged.bytes.subarray(offset, offset + size), offset);
    if (projects && extraFieldExists(4 * fields.extraWords, ExtraAttributes.projectId)) {
      const { projectId } = ExtraAttributes;
      projectId.set(view, INODE_ADDRESSES_OFFSET, projectId.get(logged.view, INODE_ADDRESSES_OFFSET));
    }
    const kept = fields.inlineFlags & ~COPIED_INLINE_FLAGS;
    RawInode.inlineFlags.set(view, 0, kept | (logged.fields.inlineFlags & COPIED_INLINE_FLAGS));
    RawExtent.length.set(view, RawInode.extent.at(0, 0), 0);
    const contents = { offset: fields.inlineArea.offset - 4, size: fields.inlineArea.size + 4 };
    if (inline) copyArea(logged.bytes, bytes, contents);
    else if (wasInline) bytes.fill(0, contents.offset, contents.offset + contents.size);
    copyArea(logged.bytes, bytes, logged.fields.inlineXattrArea);
    if (losesXattrNode) {
      RawInode.xattrNid.set(view, 0, 0);
      addBlocks(view, -1);
    }
  });
}

/** The attributes that do not fit the inode become those of the logged node. Throws ENOSPC. */
export function* recoverXattrNode(writer: VolumeWriter, ino: number, logged: Uint8Array): Task<void> {
  const { store } = writer;
  const inode = yield* store.readInode(ino);
  const body = logged.subarray(0, NODE_FOOTER_OFFSET);
  if (inode.fields.xattrNid !== 0) {
    (yield* store.readXattrNode(inode)).bytes.set(body);
    store.markDirty(inode.fields.xattrNid);
    return;
  }
  const claim = yield* Claim.take(writer, 0, 1);
  const { nid, bytes } = yield* addNode(writer, claim, { ino, nodeOffset: XATTR_NODE_OFFSET, cold: true });
  bytes.set(body);
  yield* changeInodeNode(writer, ino, (view) => {
    RawInode.xattrNid.set(view, 0, nid);
    addBlocks(view, 1);
  });
}

/** Bytes of the inode that are taken over as they are. */
const COPIED_FIELDS = [
  RawInode.mode,
  RawInode.advise,
  RawInode.uid,
  RawInode.gid,
  RawInode.size,
  RawInode.accessSeconds,
  RawInode.changeSeconds,
  RawInode.modifySeconds,
  RawInode.accessNanoseconds,
  RawInode.changeNanoseconds,
  RawInode.modifyNanoseconds,
  RawInode.currentDepth,
  RawInode.flags,
] as const;

const COPIED_INLINE_FLAGS = InlineFlag.pinFile | InlineFlag.dataExist | InlineFlag.data | InlineFlag.xattr;

function checkShape({ ino, address, fields }: DecodedInode, logged: LoggedInode): void {
  const shapes = [fields, logged.fields].map(({ fileType, extraWords, inlineXattrWords, compressed, deviceAlias }) =>
    fileType === FileType.regular && !compressed && !deviceAlias
      ? `a file with ${extraWords} extra words and ${inlineXattrWords} words of attributes`
      : 'no file with plain blocks',
  );
  if (shapes[0] === shapes[1] && shapes[0] !== 'no file with plain blocks') return;
  throw corrupt('recovery', { where: { block: address, ino }, expected: shapes[0]!, found: shapes[1]! });
}

/** The first block of the file from which on the logged inode has no nodes. */
function firstBlockWithoutNode({ nids, addressesPerInode, addressesPerNode }: InodeFields): number {
  const last = nids.findLastIndex((nid) => nid !== 0);
  let block = addressesPerInode;
  for (let index = 0; index <= last; index++) block += addressesPerNode * NIDS_PER_NODE ** LEVELS_BELOW[index]!;
  return block;
}

/** Levels of nodes below each nid of an inode. */
const LEVELS_BELOW = [0, 0, 1, 1, 2];

/** Whether there are nodes behind the last one that the logged inode has. */
function lacksNodes(fields: InodeFields, logged: InodeFields): boolean {
  const last = logged.nids.findLastIndex((nid) => nid !== 0);
  for (let index = last + 1; index < NIDS_PER_INODE; index++) if (fields.nids[index] !== 0) return true;
  return false;
}

function copyArea(from: Uint8Array, to: Uint8Array, { offset, size }: { offset: number; size: number }): void {
  to.set(from.subarray(offset, offset + size), offset);
}
