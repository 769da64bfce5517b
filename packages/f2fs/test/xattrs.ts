// Lists of extended attributes as bytes, laid out by hand from spec 8.6.

import type { TestInode, TestVolume } from '@f2fskit/f2fs-node/test-volume';
import { bytesOf } from './dentries.ts';

export interface TestXattr {
  /** 1 user, 2 and 3 ACLs, 4 trusted, 6 security, 9 encryption, 11 verity. */
  index: number;
  name: string | Uint8Array;
  value: Uint8Array;
}

/** Header and entries, each padded to four bytes; without the zero word that ends the list. */
export function xattrList(entries: readonly TestXattr[], magic = 0xf2f5_2011): Uint8Array {
  const parts = entries.map(({ index, name, value }) => {
    const nameBytes = bytesOf(name);
    const size = (4 + nameBytes.length + value.length + 3) & ~3;
    const part = new Uint8Array(size);
    part.set([index, nameBytes.length, value.length & 0xff, value.length >> 8]);
    part.set(nameBytes, 4);
    part.set(value, 4 + nameBytes.length);
    return part;
  });
  const header = new Uint8Array(24);
  new DataView(header.buffer).setUint32(0, magic, true);
  header[4] = 1;
  return Uint8Array.from([header, ...parts].flatMap((part) => [...part]));
}

/** An inode whose list fills the inline area of `words` words first and goes on in an xattr node. */
export function inodeWithXattrs(
  volume: TestVolume,
  ino: number,
  list: Uint8Array,
  { words, node, ...description }: TestInode & { words: number; node: boolean },
): { xattrNid: number } {
  const xattrNid = node ? volume.newNid() : 0;
  if (node) volume.node(xattrNid, ino, 0x1fff_ffff, list.slice(4 * words));
  volume.inode(ino, {
    ...description,
    xattrNid,
    inline: (description.inline ?? 0) | (words > 0 ? 0x01 : 0),
    inlineXattrWords: words,
    raw: (_, block) => block.set(list.subarray(0, 4 * words), 360 + 4 * (923 - words)),
  });
  return { xattrNid };
}
