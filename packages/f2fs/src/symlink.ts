// Symlink targets: inline in the inode, or in block 0 of the file. An encrypted target is ciphertext behind a u16 length,
// and is shown in its no-key form, as Linux shows it without the key. Source: spec 8.2, 12.1.

import { Advise, BLOCK_SIZE, corrupt } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { type FileReadContext, readFileBytes } from './file-data.ts';
import { noKeyName } from './no-key-name.ts';

/** The target, 1 to 4096 bytes. Throws Corruption symlink for a length no symlink can have, EIO. */
export function* readLinkTarget(context: FileReadContext, inode: DecodedInode): Task<Uint8Array> {
  const { size } = inode.fields;
  const where = { block: inode.address, ino: inode.ino };
  if (size === 0 || size > BLOCK_SIZE) {
    throw corrupt('symlink', {
      where,
      expected: `1 to ${BLOCK_SIZE} bytes`,
      found: size,
      detail: 'length of the target',
    });
  }
  const stored = new Uint8Array(size);
  yield* readFileBytes(context, inode, 0, stored);
  if ((inode.fields.advise & Advise.encrypt) !== 0) {
    const length = size < 2 ? 0 : stored[0]! | (stored[1]! << 8);
    if (length === 0 || length > size - 2) {
      throw corrupt('symlink', { where, expected: `1 to ${size - 2} bytes of ciphertext`, found: length });
    }
    return noKeyName(0, stored.subarray(2, 2 + length));
  }
  const end = stored.indexOf(0); // targets may be padded with NULs (peers.md 1.2)
  if (end === 0) throw corrupt('symlink', { where, expected: 'a target', found: 'NULs' });
  return end < 0 ? stored : stored.subarray(0, end);
}
