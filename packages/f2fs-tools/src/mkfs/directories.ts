// The directories of a new volume: root, and lost+found for what fsck finds without a name. Each has one dentry block.

import {
  BLOCK_SIZE,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  dentryEntryOffset,
  dentryHash,
  dentryNameOffset,
  dentrySlots,
  FileType,
  ModeType,
  ROOT_INO,
  setLsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { utf8Encode } from '@f2fskit/vfs/utf8';
import type { FreshInode } from './fresh-inode.ts';

type Unplaced = Omit<FreshInode, 'dataAddresses' | 'nextAddress'>;

const LOST_FOUND_NAME = 'lost+found';

/** The root directory. It is its own parent in its entries, and nobody's child in its inode. */
export function rootInode(hasLostFound: boolean): Unplaced {
  return directoryInode({ ino: ROOT_INO, mode: 0o755, links: hasLostFound ? 3 : 2, parentIno: 0, name: '' });
}

/** The directory that fsck hangs unreachable files into. */
export function lostFoundInode(ino: number): Unplaced {
  return directoryInode({ ino, mode: 0o700, links: 2, parentIno: ROOT_INO, name: LOST_FOUND_NAME });
}

function directoryInode(inode: Pick<Unplaced, 'ino' | 'mode' | 'links' | 'parentIno' | 'name'>): Unplaced {
  const mode = ModeType.directory | inode.mode;
  return { ...inode, mode, size: BLOCK_SIZE, currentDepth: 1, flags: 0, hasCreateTime: true };
}

/** The entries of the root directory. `lostFoundIno`: 0 = there is none. */
export function rootDentries(lostFoundIno: number): Uint8Array {
  const entries: Array<[name: string, ino: number]> = [
    ['.', ROOT_INO],
    ['..', ROOT_INO],
  ];
  if (lostFoundIno !== 0) entries.push([LOST_FOUND_NAME, lostFoundIno]);
  return dentryBlock(entries);
}

/** The entries of lost+found. */
export function lostFoundDentries(ino: number): Uint8Array {
  return dentryBlock([
    ['.', ino],
    ['..', ROOT_INO],
  ]);
}

function dentryBlock(entries: ReadonlyArray<[name: string, ino: number]>): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(block);
  let slot = 0;
  for (const [text, ino] of entries) {
    const name = utf8Encode(text);
    const at = dentryEntryOffset(DENTRY_BLOCK_LAYOUT, slot);
    Dentry.hash.set(view, at, dentryHash(name));
    Dentry.ino.set(view, at, ino);
    Dentry.nameLength.set(view, at, name.length);
    Dentry.fileType.set(view, at, FileType.directory);
    block.set(name, dentryNameOffset(DENTRY_BLOCK_LAYOUT, slot));
    const end = slot + dentrySlots(name.length);
    while (slot < end) setLsb(block, slot++);
  }
  return block;
}
