// A name in a listing is bytes from the medium. One that holds a slash, or is `..`, would lead a program that joins paths
// out of its directory, so nothing above the vfs gets to see it: such an entry is damage, as it is EIO to Linux's getdents.

import { Corruption } from '@f2fskit/errno';
import type { DirectoryEntry } from './inode.ts';
import { utf8Decode } from './utf8.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** What is wrong with the name of an entry; `undefined` for a name that a path can have. `ino` is the directory's. */
export function entryNameProblem(ino: number, { name }: DirectoryEntry): Corruption<'entryName'> | undefined {
  const dots = (name.length === 1 || (name.length === 2 && name[1] === DOT)) && name[0] === DOT;
  if (name.length > 0 && !dots && !name.includes(SLASH) && !name.includes(0)) return undefined;
  return new Corruption('entryName', {
    where: { ino },
    found: JSON.stringify(utf8Decode(name)),
    detail: 'no path can have this name',
  });
}
