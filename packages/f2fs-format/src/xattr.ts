// Extended attributes. The area is the inode's inline part followed by the body of its xattr node, read as one buffer;
// an entry may straddle the two:
//
//   24-byte header | entries, each aligned to 4 bytes | a zero word, or the end

import { bytes, struct, u8, u16, u32 } from '@f2fskit/ondisk';

/** The start of the area. 24 bytes. */
export const XattrHeader = struct('f2fs_xattr_header', 24, {
  magic: u32(0, '0xF2F52011; anything else: no attributes yet'),
  referenceCount: u32(4, '1'),
  reserved: bytes(8, 16, 'zero'),
});

/** The start of an entry. 4 bytes; name and value follow without gaps. */
export const XattrEntry = struct('f2fs_xattr_entry', 4, {
  nameIndex: u8(0, 'stands for the prefix of the name'),
  nameLength: u8(1, 'bytes of the name after the prefix'),
  valueSize: u16(2, 'bytes of the value'),
});

/** Bytes of an xattr node that hold attributes. */
export const XATTR_NODE_BYTES = 4072;

/** Bytes an entry takes, with its alignment. */
export function xattrEntrySize(nameLength: number, valueSize: number): number {
  return (XattrEntry.$size + nameLength + valueSize + 3) & ~3;
}

/** Values of `nameIndex`. */
export const XattrIndex = {
  user: 1,
  posixAclAccess: 2,
  posixAclDefault: 3,
  trusted: 4,
  lustre: 5,
  security: 6,
  /** Virtual: shows the cold and hot bits of i_advise; never stored. */
  advise: 7,
  encryption: 9,
  verity: 11,
} as const;

/**
 * What users see before the stored name. The two ACL indexes have the whole name here and store an empty one. Encryption
 * and verity have no prefix: they are never listed.
 */
export const xattrPrefixes: ReadonlyMap<number, string> = new Map([
  [XattrIndex.user, 'user.'],
  [XattrIndex.posixAclAccess, 'system.posix_acl_access'],
  [XattrIndex.posixAclDefault, 'system.posix_acl_default'],
  [XattrIndex.trusted, 'trusted.'],
  [XattrIndex.security, 'security.'],
]);

/** `'user.a'` → index 1 and `'a'`; `undefined` for a name that no index stands for. */
export function splitXattrName(name: string): { index: number; name: string } | undefined {
  for (const [index, prefix] of xattrPrefixes) {
    const whole = !prefix.endsWith('.');
    if (whole ? name === prefix : name.startsWith(prefix) && name.length > prefix.length) {
      return { index, name: name.slice(prefix.length) };
    }
  }
  return undefined;
}
