// The entries of a directory, one area after the other: the inline area of the inode, or its dentry blocks. Every entry
// whose bitmap bit is set gets a row, also one that no reader would show.

import { type CorruptionPlace, EINVAL, FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import {
  Advise,
  BLOCK_SIZE,
  corrupt,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  DentryBlock,
  type DentryLayout,
  dentryEntryOffset,
  dentryHash,
  dentryLayoutOf,
  dentryNameOffset,
  dentrySlots,
  FileType,
  InlineFlag,
  InodeFlag,
  MAX_NAME_BYTES,
  SEGMENT_BLOCKS,
  testLsb,
} from '@f2fskit/f2fs-format';
import { BlockMapping, type DecodedInode, mapBlocks } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';

import { type Dump, type DumpRow, newDump, placeAt } from './dump.ts';
import { countOf, fileTypeName, hexOf, quoted, rangeOf } from './phrases.ts';

/** An area of directory entries in a block. */
export interface DentryAreaPlace {
  readonly block: number;
  readonly bytes: Uint8Array;
  /** Byte of the area in `bytes`. */
  readonly offset: number;
  readonly size: number;
  readonly title: string;
  /** False where names hash in a way that only the kernel's tables or keys give: casefolded and encrypted directories. */
  readonly plainHashes: boolean;
}

/** One area as a dump. */
export function dentryAreaDump({ block, bytes, offset, size, title, plainHashes }: DentryAreaPlace): Dump {
  const layout = size === BLOCK_SIZE ? DENTRY_BLOCK_LAYOUT : dentryLayoutOf(size);
  const area = bytes.subarray(offset, offset + size);
  const problems: FsError[] = [];
  const place = (at: number): CorruptionPlace => ({ block, offset: offset + at });
  const rows = entryRows(area, layout, plainHashes, place, problems);
  return newDump({
    title: `${title}, ${countOf(rows.length, 'entry', 'entries')}`,
    place: placeAt(block, offset),
    layout: DentryBlock.$name,
    facts: [{ name: 'slots', value: layout.slots }],
    rows,
    problems,
  });
}

/**
 * The areas of a directory in order. The caller owns the loop, as with {@link NatRange}; the number of blocks is bounded
 * by the main area, whatever the directory claims.
 */
export class DentryDumps {
  readonly #volume: F2fsVolume;
  readonly #directory: DecodedInode;
  readonly #mapping = new BlockMapping();
  #next = 0;
  #blocksLeft: number;

  /** Throws EINVAL for an inode that is no directory, and what reading an inode throws. */
  static *of(volume: F2fsVolume, ino: number): Task<DentryDumps> {
    const directory = yield* volume.store.readInode(ino);
    if (directory.fields.fileType !== FileType.directory) {
      throw new FsError(EINVAL, `ino ${ino} is no directory but a ${fileTypeName(directory.fields.fileType)}`);
    }
    return new DentryDumps(volume, directory);
  }

  private constructor(volume: F2fsVolume, directory: DecodedInode) {
    this.#volume = volume;
    this.#directory = directory;
    this.#blocksLeft = volume.superblock.segmentCountMain * SEGMENT_BLOCKS;
  }

  /** The next area; `undefined` at the end. After a throw it stands behind the block that failed. */
  *next(): Task<Dump | undefined> {
    const { address, fields } = this.#directory;
    if ((fields.inlineFlags & InlineFlag.dentry) !== 0) {
      if (this.#next++ > 0) return undefined;
      const { offset, size } = fields.inlineArea;
      const { bytes } = yield* this.#volume.store.readInodeNode(this.#directory);
      return this.#dump(address, bytes, offset, size, 'Inline entries');
    }
    const end = Math.ceil(fields.size / BLOCK_SIZE);
    const { store } = this.#volume;
    while (this.#next < end && this.#blocksLeft > 0) {
      const fileBlock = this.#next++;
      if (fileBlock >= this.#mapping.end) yield* mapBlocks(store, this.#directory, fileBlock, end, this.#mapping);
      if (this.#mapping.kind !== 'raw') {
        this.#next = this.#mapping.end;
        continue;
      }
      this.#blocksLeft--;
      const { address, bytes } = yield* store.blocks.copy(this.#mapping.address + fileBlock - this.#mapping.start);
      return this.#dump(address, bytes, 0, BLOCK_SIZE, `Dentry block, file block ${fileBlock}`);
    }
    return undefined;
  }

  #dump(block: number, bytes: Uint8Array, offset: number, size: number, title: string): Dump {
    const { flags, advise } = this.#directory.fields;
    const plainHashes = (flags & InodeFlag.casefold) === 0 && (advise & Advise.encrypt) === 0;
    return dentryAreaDump({ block, bytes, offset, size, title, plainHashes });
  }
}

function entryRows(
  area: Uint8Array,
  layout: DentryLayout,
  plainHashes: boolean,
  place: (at: number) => CorruptionPlace,
  problems: FsError[],
): DumpRow[] {
  const view = viewOf(area);
  const bitmap = area.subarray(layout.bitmapOffset);
  const rows: DumpRow[] = [];
  for (let slot = 0; slot < layout.slots; ) {
    if (!testLsb(bitmap, slot)) {
      slot++;
      continue;
    }
    const at = dentryEntryOffset(layout, slot);
    const hash = Dentry.hash.get(view, at);
    const ino = Dentry.ino.get(view, at);
    const nameLength = Dentry.nameLength.get(view, at);
    const fileType = Dentry.fileType.get(view, at);
    const slots = dentrySlots(nameLength);
    const fits = nameLength > 0 && nameLength <= MAX_NAME_BYTES && slot + slots <= layout.slots;
    let meaning = `a name of ${nameLength} bytes, which does not fit`;
    if (fits) {
      const nameAt = dentryNameOffset(layout, slot);
      const name = area.subarray(nameAt, nameAt + nameLength);
      const expected = dentryHash(name);
      const hashText = plainHashes && hash !== expected ? `, hash should be ${hexOf(expected)}` : '';
      meaning = `${quoted(name)}: ino ${ino}, ${fileTypeName(fileType)}, slot ${rangeOf(slot, slots)}${hashText}`;
    } else {
      const offset = at + Dentry.nameLength.offset;
      problems.push(corrupt('dentry', { where: place(offset), found: nameLength, detail: 'length of a name' }));
    }
    rows.push({
      offset: at,
      size: Dentry.$size,
      type: Dentry.$name,
      name: `entries[${slot}]`,
      cName: `dentry[${slot}]`,
      value: [hash, ino, nameLength, fileType],
      meaning,
      note: 'hash, ino, name length, file type',
    });
    slot += fits ? slots : 1;
  }
  return rows;
}
