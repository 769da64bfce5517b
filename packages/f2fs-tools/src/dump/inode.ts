// An inode: its fixed fields, and as children what its address area holds, which depends on what kind of inode it is:
//
//   extra attributes | slots, inline data, inline entries or device numbers | extended attributes

import type { FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  ADDRESSES_PER_INODE_MAX,
  Advise,
  adviseNames,
  COMPRESS_CHECKSUM_FLAG,
  COMPRESS_LEVEL_SHIFT,
  clusterBlocks,
  compressAlgorithmName,
  DeviceNumbers,
  decodeDevice,
  decodeInode,
  ExtraAttributes,
  extraFieldExists,
  FileType,
  fileTypeOfMode,
  hasInodeChecksum,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  type InodeFields,
  InodeFlag,
  inlineFlagNames,
  inodeChecksum,
  inodeFlagNames,
  NIDS_PER_INODE,
  RawExtent,
  RawInode,
  type Superblock,
} from '@f2fskit/f2fs-format';
import type { CachedBlock } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { addressMeaning } from './areas.ts';
import { deviceNumberNames, extentNames, extraAttributeNames, inodeNames } from './c-names.ts';
import { dentryAreaDump } from './dentries.ts';
import { attempt, type Dump, type DumpRow, fieldRows, newDump, placeAt, problemsOf } from './dump.ts';
import { footerRows } from './footer.ts';
import { type InodeAreas, inodeAreasOf } from './inode-areas.ts';
import { type NodeBlockFound, readNodeBlock } from './node-block.ts';
import { bytesOf, countOf, dateOf, hexOf, modeOf, previewOf, quoted, rangeOf } from './phrases.ts';
import { nidRows, slotRows } from './slots.ts';
import { xattrDump } from './xattrs.ts';

const nidLabels = ['direct', 'direct', 'indirect', 'indirect', 'double indirect'];

/**
 * The inode `ino`, every field of it also where the inode is broken; what breaks it is in `problems`. Throws EINVAL for a
 * number that the NAT has no room for, ENOENT for one that is free, Corruption blockAddress where the NAT names no block
 * of the device, EIO.
 */
export function* dumpInode(volume: F2fsVolume, ino: number): Task<Dump> {
  return yield* dumpInodeBlock(volume, ino, yield* readNodeBlock(volume, ino));
}

/** The same for a block that was read already. */
export function* dumpInodeBlock(volume: F2fsVolume, ino: number, found: NodeBlockFound): Task<Dump> {
  const { superblock } = volume;
  const { block } = found;
  const { bytes, view, address } = block;
  let fields: InodeFields | undefined;
  const problems = problemsOf(() => {
    fields = decodeInode(bytes, view, superblock, { nid: ino, address });
  });
  const areas = inodeAreasOf(superblock, view);
  const children: Dump[] = [];
  if (areas.extraBytes > 0) children.push(extraDump(superblock, block, areas));
  children.push(contentDump(superblock, block, areas, fields));
  const xattrs = yield* xattrsOf(volume, block, areas, problems);
  if (xattrs !== undefined) children.push(xattrs);
  return newDump({
    title: `Inode ${ino}`,
    place: placeAt(address),
    layout: RawInode.$name,
    facts: found.facts,
    rows: inodeRows(superblock, view),
    // The format's own check names the same footer: one of the two is enough.
    problems:
      problems.length > 0 && found.problems[0] !== undefined ? found.problems : [...found.problems, ...problems],
    children,
  });
}

function inodeRows(superblock: Superblock, view: DataView): DumpRow[] {
  const isDirectory = fileTypeOfMode(RawInode.mode.get(view, 0)) === FileType.directory;
  const nameLength = RawInode.nameLength.get(view, 0);
  const extentAt = RawInode.extent.at(0, 0);
  const head = fieldRows(RawInode, view, 0, {
    cNames: inodeNames,
    skip: (name) => name === 'addresses' || name === 'nids',
    meanings: {
      mode: modeOf,
      advise: adviseNames,
      inlineFlags: inlineFlagNames,
      size: (size) => bytesOf(Number(size)),
      blocks: (count) => countOf(Number(count), 'block'),
      accessSeconds: dateOf,
      changeSeconds: dateOf,
      modifySeconds: dateOf,
      currentDepth: (depth) => (isDirectory ? countOf(depth, 'hash level') : `${depth & 0xffff} failed moves`),
      xattrNid: (nid) => (nid === 0 ? 'none' : undefined),
      flags: inodeFlagNames,
      name: (name) => quoted(name.subarray(0, nameLength)),
    },
  });
  const extent = fieldRows(RawExtent, view, extentAt, {
    cNames: extentNames,
    start: extentAt,
    prefix: 'extent.',
    cPrefix: 'i_ext.',
    meanings: {
      address: (address) => addressMeaning(superblock, address),
      length: (length) => (length === 0 ? 'none cached' : countOf(length, 'block')),
    },
  });
  const nids = nidRows(view, RawInode.nids.offset, NIDS_PER_INODE, inodeNames.nids, nidLabels);
  return [...head, ...extent, ...nids, ...footerRows(superblock, view)];
}

/** The extra attributes that exist: those that end inside the area. */
function extraDump(superblock: Superblock, { bytes, view, address }: CachedBlock, { extraBytes }: InodeAreas): Dump {
  const hasChecksum = hasInodeChecksum(superblock, view);
  const rows = fieldRows(ExtraAttributes, view, INODE_ADDRESSES_OFFSET, {
    cNames: extraAttributeNames,
    skip: (_name, field) => !extraFieldExists(extraBytes, field),
    meanings: {
      size: (size) => `${countOf(size, 'byte')}: slots start at word ${Math.floor(size / 4)}`,
      inlineXattrWords: (words) => countOf(4 * words, 'byte'),
      checksum: (found) => {
        if (!hasChecksum) return 'not in use';
        const expected = inodeChecksum(superblock, bytes);
        return found === expected ? 'right' : `wrong, should be ${hexOf(expected)}`;
      },
      createSeconds: dateOf,
      compressedBlocks: (count) => `${countOf(Number(count), 'block')} saved`,
      compressAlgorithm: (id) => compressAlgorithmName(id) ?? 'unknown',
      logClusterSize: (log2) => (log2 < 16 ? countOf(clusterBlocks(log2), 'block') : undefined),
      compressFlag: (flag) => {
        const level = flag >>> COMPRESS_LEVEL_SHIFT;
        return [
          ...((flag & COMPRESS_CHECKSUM_FLAG) === 0 ? [] : ['checksum']),
          ...(level > 0 ? [`level ${level}`] : []),
        ];
      },
    },
  });
  return newDump({
    title: 'Extra attributes',
    place: placeAt(address, INODE_ADDRESSES_OFFSET),
    layout: ExtraAttributes.$name,
    rows,
  });
}

function contentDump(
  superblock: Superblock,
  block: CachedBlock,
  areas: InodeAreas,
  fields: InodeFields | undefined,
): Dump {
  const { view } = block;
  const inlineFlags = RawInode.inlineFlags.get(view, 0);
  const fileType = fileTypeOfMode(RawInode.mode.get(view, 0));
  if ((inlineFlags & InlineFlag.data) !== 0) return inlineDataDump(block, areas);
  if ((inlineFlags & InlineFlag.dentry) !== 0) {
    const { inlineOffset: offset, inlineBytes: size } = areas;
    const plainHashes =
      (RawInode.flags.get(view, 0) & InodeFlag.casefold) === 0 && (RawInode.advise.get(view, 0) & Advise.encrypt) === 0;
    return dentryAreaDump({
      block: block.address,
      bytes: block.bytes,
      offset,
      size,
      title: 'Inline entries',
      plainHashes,
    });
  }
  if (fileType === FileType.characterDevice || fileType === FileType.blockDevice) return deviceDump(block, areas);
  return slotsDump(superblock, block, areas, fields);
}

function inlineDataDump({ bytes, view, address }: CachedBlock, { inlineOffset, inlineBytes }: InodeAreas): Dump {
  const size = RawInode.size.decode(view, 0);
  const length = Math.min(Number(size), inlineBytes);
  const value = bytes.slice(inlineOffset, inlineOffset + length);
  const row: DumpRow = {
    offset: 0,
    size: length,
    type: `u8[${length}]`,
    name: 'inlineData',
    cName: inodeNames.addresses,
    value,
    meaning: previewOf(value),
    note: 'the contents of the file, or the target of the symlink',
  };
  const facts = [{ name: 'room', value: `${inlineBytes} bytes` }];
  const title = `Inline data, ${countOf(length, 'byte')}`;
  return newDump({ title, place: placeAt(address, inlineOffset), layout: 'inline data', facts, rows: [row] });
}

function deviceDump({ view, address }: CachedBlock, { slotsOffset }: InodeAreas): Dump {
  const small = DeviceNumbers.small.get(view, slotsOffset);
  const large = DeviceNumbers.large.get(view, slotsOffset);
  const { major, minor } = decodeDevice(small, large);
  const meaning = `device ${major}:${minor}`;
  return newDump({
    title: 'Device numbers',
    place: placeAt(address, slotsOffset),
    layout: DeviceNumbers.$name,
    rows: fieldRows(DeviceNumbers, view, slotsOffset, {
      cNames: deviceNumberNames,
      meanings: {
        small: (word) => (word === 0 ? undefined : meaning),
        large: (word) => (word === 0 || small !== 0 ? undefined : meaning),
      },
    }),
  });
}

function slotsDump(
  superblock: Superblock,
  { view, address }: CachedBlock,
  { slotsOffset, slotCount }: InodeAreas,
  fields: InodeFields | undefined,
): Dump {
  const count = fields?.addressesPerInode ?? slotCount;
  const rows = slotRows(superblock, {
    view,
    offset: slotsOffset,
    count,
    firstWord: (slotsOffset - INODE_ADDRESSES_OFFSET) / 4,
    cName: inodeNames.addresses,
    firstFileBlock: 0,
    clusterBlocks: fields?.compressed === true ? clusterBlocks(fields.logClusterSize) : 0,
  });
  return newDump({
    title: `Slots, ${count} of ${ADDRESSES_PER_INODE_MAX} words`,
    place: placeAt(address),
    layout: RawInode.$name,
    facts: [{ name: 'file blocks', value: rangeOf(0, count) }],
    rows,
  });
}

function* xattrsOf(
  volume: F2fsVolume,
  inode: CachedBlock,
  { xattrOffset, xattrBytes }: InodeAreas,
  problems: FsError[],
): Task<Dump | undefined> {
  const nid = RawInode.xattrNid.get(inode.view, 0);
  const inline = { inode, offset: xattrOffset, size: xattrBytes };
  if (nid === 0) return xattrBytes === 0 ? undefined : xattrDump(inline, undefined);
  const { value: node, problem } = yield* attempt(readNodeBlock(volume, nid));
  if (problem !== undefined) problems.push(problem);
  return xattrDump(inline, node?.block);
}
