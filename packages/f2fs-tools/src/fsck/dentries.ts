// The entries of one dentry block, or of the inline area of a directory. What an entry says of its inode is compared at the
// end (directories.ts), when all inodes have been met; here it is counted. Source: spec 7, 10.5 (37 to 41).

import { foldName } from '@f2fskit/f2fs/casefold';
import {
  bucketBlocks,
  bucketCount,
  bucketFirstBlock,
  Dentry,
  type DentryLayout,
  dentryEntryOffset,
  dentryHash,
  dentryNameOffset,
  dentrySlots,
  FileType,
  findLsb,
  hex,
  isDotName,
  isFileNid,
  MAX_NAME_BYTES,
} from '@f2fskit/f2fs-format';
import type { CheckState } from './check-state.ts';
import { InodeState } from './inode-table.ts';
import type { FindingPlace } from './report.ts';

/** One area of entries. */
export interface DentryArea {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Byte of the area in the block. */
  readonly at: number;
  readonly layout: DentryLayout;
  /** The directory, in the inode table. */
  readonly index: number;
  /** -1 for inline entries. */
  readonly fileBlock: number;
  readonly block: number;
}

const SLASH = 0x2f;

/** Takes every entry of an area. */
export function walkDentries(state: CheckState, area: DentryArea): void {
  const { bytes, view, at, layout } = area;
  const bucket = area.fileBlock < 0 ? undefined : bucketAt(area.fileBlock, state.inodes.dirLevels[area.index]!);
  const bitmap = at + layout.bitmapOffset;
  for (let slot = 0; ; ) {
    slot = findLsb(bytes, true, slot, layout.slots, bitmap);
    if (slot === layout.slots) return;
    const entry = at + dentryEntryOffset(layout, slot);
    const nameLength = Dentry.nameLength.get(view, entry);
    const end = slot + dentrySlots(nameLength);
    if (nameLength === 0 || nameLength > MAX_NAME_BYTES || end > layout.slots) {
      const place = placeOf(state, area, slot, Dentry.nameLength.offset);
      state.findings.add('dentryName', place, `1..${MAX_NAME_BYTES} bytes in the area`, nameLength);
      slot++;
      continue;
    }
    if (findLsb(bytes, false, slot, end, bitmap) !== end) {
      state.findings.add('dentryBitmap', placeOf(state, area, slot), `${end - slot} slots`);
    }
    const nameAt = at + dentryNameOffset(layout, slot);
    takeEntry(state, area, slot, entry, bytes.subarray(nameAt, nameAt + nameLength), bucket);
    slot = end;
  }
}

/** Where names of a block must hash to. */
interface Bucket {
  readonly count: number;
  readonly index: number;
}

function bucketAt(fileBlock: number, dirLevel: number): Bucket {
  let level = 0;
  let next = bucketFirstBlock(1, dirLevel, 0);
  let first = 0;
  while (fileBlock >= next) {
    level++;
    first = next;
    next += bucketCount(level, dirLevel) * bucketBlocks(level);
  }
  return { count: bucketCount(level, dirLevel), index: Math.floor((fileBlock - first) / bucketBlocks(level)) };
}

function takeEntry(
  state: CheckState,
  area: DentryArea,
  slot: number,
  entry: number,
  name: Uint8Array,
  bucket: Bucket | undefined,
): void {
  const { inodes, findings } = state;
  const { view, index } = area;
  const hash = Dentry.hash.get(view, entry);
  const ino = Dentry.ino.get(view, entry);
  const type = Dentry.fileType.get(view, entry);
  const flags = inodes.flags[index]!;
  const dots = isDotName(name);
  const hidden = (flags & InodeState.encrypted) !== 0;
  const folds = (flags & InodeState.casefolded) !== 0;
  // The key is needed to hash what is both.
  if (dots || !(hidden && folds)) {
    const expected = dentryHash(folds ? hashedForm(name) : name);
    if (hash !== expected) {
      findings.add('dentryHash', placeOf(state, area, slot, Dentry.hash.offset), hex(expected), hex(hash));
    }
  }
  if (dots) {
    takeDot(state, area, slot, name.length, ino, type);
    return;
  }
  if (!hidden && (name.includes(0) || name.includes(SLASH))) {
    findings.add('dentryName', placeOf(state, area, slot), 'no slash and no zero', undefined);
  }
  if (bucket !== undefined && hash % bucket.count !== bucket.index) {
    findings.add(
      'dentryPosition',
      placeOf(state, area, slot),
      `bucket ${hash % bucket.count}`,
      `bucket ${bucket.index}`,
    );
  }
  state.entriesMet++;
  state.names.add(index, hash, area.block, slot);
  if (type === FileType.unknown || type > FileType.symlink) {
    findings.add('dentryType', placeOf(state, area, slot, Dentry.fileType.offset), '1..7', type);
  }
  if (type === FileType.directory) inodes.subdirectories[index]!++;
  const target = isFileNid(state.superblock, ino) ? state.nodes.inodeIndex(ino) : -1;
  if (target < 0 || inodes.has(target, InodeState.rooted)) {
    findings.add('dentryIno', placeOf(state, area, slot, Dentry.ino.offset), 'an inode that can have a name', ino);
    return;
  }
  if (inodes.names[target]!++ === 0) {
    inodes.nameParents[target] = inodes.nids[index]!;
    inodes.nameBlocks[target] = area.block;
    inodes.nameSlots[target] = slot;
    inodes.nameTypes[target] = type;
  } else if (inodes.nameTypes[target] !== type) {
    // One of the two names is wrong; the first one is compared with the inode.
    const place = placeOf(state, area, slot, Dentry.fileType.offset);
    findings.add('dentryType', place, `as its other name: ${inodes.nameTypes[target]}`, type);
  }
}

/**
 * What a casefolded directory hashes: the folded name where it has at most 254 bytes. Linux folds into 255 bytes with a
 * zero at the end, and takes the name as it is when that does not fit (seen: Linux 6.1).
 */
function hashedForm(name: Uint8Array): Uint8Array {
  const folded = foldName(name);
  return folded === undefined || folded.length >= MAX_NAME_BYTES ? name : folded;
}

/** `.` and `..`: in the first two slots of a directory, where the kernel passes over them. */
function takeDot(
  { inodes, superblock, findings }: CheckState,
  area: DentryArea,
  slot: number,
  nameLength: number,
  ino: number,
  type: number,
): void {
  const { index } = area;
  const self = inodes.nids[index]!;
  const bit = nameLength === 1 ? InodeState.dot : InodeState.dotDot;
  const place: FindingPlace = { area: 'main', block: area.block, ino: self, slot };
  const misplaced = slot !== nameLength - 1 || area.fileBlock > 0;
  if (misplaced || type !== FileType.directory || (inodes.flags[index]! & bit) !== 0) {
    findings.add('dots', place, `one, in slot ${nameLength - 1}, a directory`, `slot ${slot}, type ${type}`);
  }
  inodes.mark(index, bit);
  const above = self === superblock.rootIno ? self : inodes.parents[index]!;
  const expected = nameLength === 1 ? self : above;
  if (ino !== expected) findings.add('dotIno', place, expected, ino);
}

function placeOf(
  { inodes }: CheckState,
  { at, layout, block, index, fileBlock }: DentryArea,
  slot: number,
  field = 0,
): FindingPlace {
  const place: FindingPlace = { area: 'main', block, offset: at + dentryEntryOffset(layout, slot) + field };
  place.ino = inodes.nids[index]!;
  if (fileBlock >= 0) place.fileBlock = fileBlock;
  place.slot = slot;
  return place;
}
