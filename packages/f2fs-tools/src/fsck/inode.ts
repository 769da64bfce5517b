// One inode: its checksum, the rules of its fields, what its address area holds, and what must be remembered of it until
// the other nodes and the directories have been met. Source: spec 6.2 to 6.11, 8.1, 10.5 (20 to 36).

import { Corruption } from '@f2fskit/errno';
import {
  ADDRESSES_PER_INODE_MAX,
  Advise,
  BLOCK_SIZE,
  bucketFirstBlock,
  type CorruptionKind,
  decodeInode,
  dentryLayoutOf,
  ExtraAttributes,
  Feature,
  FileType,
  hasFeature,
  hasInodeChecksum,
  hex,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  type InodeFields,
  InodeFlag,
  inodeChecksum,
  MAX_DIRECTORY_DEPTH,
  MAX_NAME_BYTES,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  NodeOffset,
  RawInode,
  type Superblock,
  XATTR_NODE_BYTES,
  XATTR_NODE_OFFSET,
} from '@f2fskit/f2fs-format';
import type { SweptBlock } from './block-sweep.ts';
import type { CheckState } from './check-state.ts';
import { checkLeftover } from './clusters.ts';
import { walkDentries } from './dentries.ts';
import { type SlotRun, walkSlots } from './file-slots.ts';
import type { FindingCode } from './finding-codes.ts';
import { InodeState } from './inode-table.ts';
import type { NodeQueue } from './node-queue.ts';
import type { FindingPlace } from './report.ts';
import { walkXattrs, XATTR_ENDED, XATTR_HEADER_FIRST, type XattrPosition } from './xattrs.ts';

/** The volume without inode checksums: what decodes an inode whose checksum was looked at, and found wrong or right. */
export function withoutChecksums(superblock: Superblock): Superblock {
  return { ...superblock, features: superblock.features & ~Feature.inodeChecksum };
}

/** Takes the inode of row `index`, whose block is known to be its own; its nodes go to `queue`. */
export function visitInode(
  state: CheckState,
  lenient: Superblock,
  { bytes, view }: SweptBlock,
  address: number,
  index: number,
  queue: NodeQueue,
): void {
  const { superblock, findings, inodes } = state;
  const nid = inodes.nids[index]!;
  const place = { area: 'main' as const, block: address, ino: nid };
  state.inodesMet++;
  if (hasInodeChecksum(superblock, view)) {
    const expected = inodeChecksum(superblock, bytes);
    const found = ExtraAttributes.checksum.get(view, INODE_ADDRESSES_OFFSET);
    const offset = INODE_ADDRESSES_OFFSET + ExtraAttributes.checksum.offset;
    if (found !== expected) findings.add('inodeChecksum', { ...place, offset }, hex(expected), hex(found));
  }
  let fields: InodeFields;
  try {
    fields = decodeInode(bytes, view, lenient, { nid, address });
  } catch (error) {
    if (!(error instanceof Corruption)) throw error;
    findings.addError('inode', 'main', error as Corruption<CorruptionKind>, { ino: nid });
    return;
  }
  remember(state, fields, index);
  checkFields(state, fields, view, place, index);
  // Quota files are not charged to anybody.
  if (!inodes.has(index, InodeState.quota))
    state.quota.add(fields.uid, fields.gid, fields.projectId ?? 0, fields.blocks);
  const position = checkInlineXattrs(state, fields, view, place);
  if (fields.xattrNid !== 0) queue.point(fields.xattrNid, index, XATTR_NODE_OFFSET, nid, 'xattr node', position);
  visitContents(state, fields, bytes, view, place, index, queue);
}

function remember({ inodes, quota }: CheckState, fields: InodeFields, index: number): void {
  const directory = fields.fileType === FileType.directory;
  let flags: number = InodeState.sound;
  if (directory) flags |= InodeState.directory;
  if (directory && (fields.flags & InodeFlag.casefold) !== 0) flags |= InodeState.casefolded;
  if ((fields.advise & Advise.encrypt) !== 0) flags |= InodeState.encrypted;
  if ((fields.inlineFlags & InlineFlag.compressReleased) !== 0) flags |= InodeState.released;
  if (fields.compressed) flags |= InodeState.compressed;
  if ((fields.inlineFlags & InlineFlag.dots) !== 0) flags |= InodeState.impliedDots;
  inodes.mark(index, flags);
  inodes.types[index] = fields.fileType;
  inodes.links[index] = fields.links;
  inodes.blocks[index] = fields.blocks;
  inodes.blocksFound[index]! += 1;
  inodes.saved[index] = fields.compressedBlocks;
  inodes.logClusterSizes[index] = fields.logClusterSize;
  inodes.inodeSlots[index] = fields.addressesPerInode;
  inodes.nodeSlots[index] = fields.addressesPerNode;
  inodes.extentFileBlocks[index] = fields.extent.fileBlock;
  inodes.extentAddresses[index] = fields.extent.address;
  inodes.extentLengths[index] = fields.extent.length;
  if (inodes.has(index, InodeState.quota)) quota.sizes.set(fields.nid, fields.size);
  if (!directory) return;
  const depth = Math.min(fields.currentDepth, MAX_DIRECTORY_DEPTH);
  inodes.depthBlocks[index] = bucketFirstBlock(depth, fields.dirLevel, 0);
  inodes.parents[index] = fields.parentIno;
  inodes.dirLevels[index] = fields.dirLevel;
  inodes.sizeBlocks[index] = Math.ceil(fields.size / BLOCK_SIZE);
}

function checkFields(
  { superblock, findings, inodes }: CheckState,
  { fileType, flags, inlineFlags, size, gcFailures }: InodeFields,
  view: DataView,
  place: FindingPlace,
  index: number,
): void {
  if (place.ino === superblock.rootIno && fileType !== FileType.directory) {
    findings.add('inodeType', { ...place, offset: RawInode.mode.offset }, 'a directory: the root', `type ${fileType}`);
  }
  if (inodes.has(index, InodeState.quota) && fileType !== FileType.regular) {
    findings.add(
      'inodeType',
      { ...place, offset: RawInode.mode.offset },
      'a regular file: a quota file',
      `type ${fileType}`,
    );
  }
  if ((flags & InodeFlag.casefold) !== 0 && fileType !== FileType.directory) {
    findings.add('casefold', { ...place, offset: RawInode.flags.offset });
  }
  if ((flags & InodeFlag.compress) !== 0 && !hasFeature(superblock, Feature.compression)) {
    findings.add('compressFlag', { ...place, offset: RawInode.flags.offset });
  }
  if (gcFailures !== 0 && (inlineFlags & InlineFlag.pinFile) === 0) {
    findings.add('gcFailures', { ...place, offset: RawInode.currentDepth.offset }, 0, gcFailures);
  }
  const nameLength = RawInode.nameLength.get(view, 0);
  if (nameLength > MAX_NAME_BYTES) {
    findings.add(
      'inode',
      { ...place, offset: RawInode.nameLength.offset },
      `at most ${MAX_NAME_BYTES}`,
      nameLength,
      'bytes of its name',
    );
  }
  // Encrypted targets have a length before them; inline ones are limited by their place.
  const inline = (inlineFlags & InlineFlag.data) !== 0;
  if (fileType === FileType.symlink && !inodes.has(index, InodeState.orphan)) {
    if (size === 0 || (!inline && size > BLOCK_SIZE)) {
      findings.add('symlinkSize', { ...place, offset: RawInode.size.offset }, `1..${BLOCK_SIZE}`, size);
    }
  }
}

/** Where in the xattr node the list goes on. */
function checkInlineXattrs(
  { findings }: CheckState,
  { inlineXattrArea: { offset, size }, xattrNid }: InodeFields,
  view: DataView,
  place: FindingPlace,
): XattrPosition {
  if (size === 0) return XATTR_HEADER_FIRST;
  return walkXattrs(findings, view, offset, size, XATTR_HEADER_FIRST, xattrNid === 0 ? 0 : XATTR_NODE_BYTES, place);
}

function visitContents(
  state: CheckState,
  fields: InodeFields,
  bytes: Uint8Array,
  view: DataView,
  place: FindingPlace,
  index: number,
  queue: NodeQueue,
): void {
  const { fileType, inlineFlags, nid } = fields;
  if (fields.deviceAlias) {
    claimAlias(state, fields, index);
    return;
  }
  if (fileType !== FileType.regular && fileType !== FileType.directory && fileType !== FileType.symlink) return;
  if ((inlineFlags & (InlineFlag.data | InlineFlag.dentry)) !== 0) {
    checkInline(state, fields, view, place);
    if ((inlineFlags & InlineFlag.dentry) !== 0) {
      const { offset, size } = fields.inlineArea;
      walkDentries(state, {
        bytes,
        view,
        at: offset,
        layout: dentryLayoutOf(size),
        index,
        fileBlock: -1,
        block: place.block!,
      });
    }
    return;
  }
  const run: SlotRun = {
    view,
    at: fields.addressesOffset,
    count: fields.addressesPerInode,
    index,
    nid,
    block: place.block!,
    version: state.nodes.versions[nid]!,
    firstFileBlock: 0,
  };
  walkSlots(state, run);
  if (fields.compressed) {
    checkLeftover(state, run, ADDRESSES_PER_INODE_MAX - fields.extraWords - fields.inlineXattrWords);
  }
  const { nids } = fields;
  for (let n = 0; n < nids.length; n++) {
    const child = nids[n]!;
    if (child !== 0) queue.point(child, index, inodeChildOffsets[n]!, nid, `i_nid[${n}]`, XATTR_ENDED);
  }
}

const inodeChildOffsets = [
  NodeOffset.direct0,
  NodeOffset.direct1,
  NodeOffset.indirect0,
  NodeOffset.indirect1,
  NodeOffset.doubleIndirect,
] as const;

/** What holds of inline contents, data and entries alike. */
function checkInline(
  { findings }: CheckState,
  { inlineFlags, inlineArea, size, nids }: InodeFields,
  view: DataView,
  place: FindingPlace,
): void {
  const add = (code: FindingCode, offset: number, expected: number | string, found: number) =>
    findings.add(code, { ...place, offset }, expected, found);
  const reserved = view.getUint32(inlineArea.offset - 4, true);
  if (reserved !== 0) add('inlineReserved', inlineArea.offset - 4, 0, reserved);
  if (size > inlineArea.size) add('inlineSize', RawInode.size.offset, `at most ${inlineArea.size}`, size);
  const below = nids.findIndex((child) => child !== 0);
  if (below >= 0) add('inlineNodes', RawInode.nids.offset + 4 * below, 0, nids[below]!);
  if ((inlineFlags & InlineFlag.data) === 0 || (inlineFlags & InlineFlag.dataExist) !== 0) return;
  for (let offset = inlineArea.offset; offset < inlineArea.offset + inlineArea.size; offset++) {
    if (view.getUint8(offset) === 0) continue;
    add('inlineJunk', offset, 0, view.getUint8(offset));
    return;
  }
}

/** A file that is a whole device: its blocks are its extent, and nothing summarises them. */
function claimAlias(state: CheckState, { extent, nid }: InodeFields, index: number): void {
  for (let n = 0; n < extent.length; n++) {
    if (!state.main.contains(extent.address + n) || !state.main.claim(extent.address + n, false, nid, nid, n)) break;
    state.inodes.blocksFound[index]!++;
    state.inodes.extentMet[index]!++;
    state.dataMet++;
  }
}

/** A footer that is not that of the wanted node: told, and true. */
export function hasWrongFooter(
  { findings }: CheckState,
  view: DataView,
  block: number,
  nid: number,
  ino: number,
): boolean {
  const footerNid = NodeFooter.nid.get(view, NODE_FOOTER_OFFSET);
  const footerIno = NodeFooter.ino.get(view, NODE_FOOTER_OFFSET);
  if (footerNid === nid && footerIno === ino) return false;
  const field = footerNid === nid ? NodeFooter.ino : NodeFooter.nid;
  const place = { area: 'main' as const, block, offset: NODE_FOOTER_OFFSET + field.offset, nid, ino };
  findings.add('nodeFooter', place, `nid ${nid} of ino ${ino}`, `nid ${footerNid} of ino ${footerIno}`);
  return true;
}
