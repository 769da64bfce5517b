// The three bit masks of an inode, with what each bit means. Notes are data: the format document and dumps show them.

import { maskNames, snakeNames } from './mask.ts';

/** Bits of an inode's `inlineFlags`: what its address area holds. */
export const InlineFlag = {
  xattr: 0x01,
  data: 0x02,
  dentry: 0x04,
  dataExist: 0x08,
  dots: 0x10,
  extraAttr: 0x20,
  pinFile: 0x40,
  compressReleased: 0x80,
} as const;

export const inlineFlagNotes: Readonly<Record<keyof typeof InlineFlag, string>> = {
  xattr: 'inline xattrs at the end of the address area',
  data: 'file data or symlink target in the inode',
  dentry: 'directory entries in the inode',
  dataExist: 'inline data has been written; while clear the area is zero',
  dots: 'directory without real "." and ".." entries (old)',
  extraAttr: 'extra attributes at the start of the address area',
  pinFile: 'cleaning must not move its blocks',
  compressReleased: 'the blocks that compression saved were given back; not writable',
};

/** Bits of an inode's `advise`. */
export const Advise = {
  cold: 0x01,
  lostParent: 0x02,
  encrypt: 0x04,
  encryptedName: 0x08,
  keepSize: 0x10,
  hot: 0x20,
  verity: 0x40,
  truncate: 0x80,
} as const;

export const adviseNotes: Readonly<Record<keyof typeof Advise, string>> = {
  cold: 'rarely changed: by its extension or by the user',
  lostParent: 'parentIno may be stale after rename or link; the next fsync makes a checkpoint',
  encrypt: 'contents, or the names below a directory, are encrypted',
  encryptedName: 'its own name is encrypted',
  keepSize: 'blocks beyond the end of the file are intended',
  hot: 'often changed: by its extension or by the user',
  verity: 'sealed with a hash tree; not writable',
  truncate: 'a truncation was under way',
};

/** Bits of an inode's `flags`; most are the flags that lsattr shows. */
export const InodeFlag = {
  compress: 0x4,
  sync: 0x8,
  immutable: 0x10,
  append: 0x20,
  noDump: 0x40,
  noAtime: 0x80,
  noCompress: 0x400,
  index: 0x1000,
  dirSync: 0x1_0000,
  projectInherit: 0x2000_0000,
  casefold: 0x4000_0000,
  deviceAlias: 0x8000_0000,
} as const;

export const inodeFlagNotes: Readonly<Record<keyof typeof InodeFlag, string>> = {
  compress: 'compressed file; in a directory: new files inherit it',
  sync: 'writes reach the medium before they return',
  immutable: 'cannot be changed',
  append: 'can only grow at its end',
  noDump: 'left out by dump(8)',
  noAtime: 'reading does not change the access time',
  noCompress: 'never compressed; excludes compress',
  index: 'set on directories by kernels; without effect',
  dirSync: 'directory changes reach the medium before they return',
  projectInherit: 'new files take the project id of the directory',
  casefold: 'names compare folded; directories only',
  deviceAlias: 'the file is a whole device: its data is exactly the extent',
};

const inlineNames = snakeNames(InlineFlag);
const adviseBits = snakeNames(Advise);
const flagNames = snakeNames(InodeFlag);

/** `0x21` → `['xattr', 'extra_attr']`. */
export function inlineFlagNames(mask: number): string[] {
  return maskNames(inlineNames, mask);
}

/** `0x01` → `['cold']`. */
export function adviseNames(mask: number): string[] {
  return maskNames(adviseBits, mask);
}

/** `0x4` → `['compress']`; an unknown bit is shown as `unknown:0x…`. */
export function inodeFlagNames(mask: number): string[] {
  return maskNames(flagNames, mask);
}
