// Access control lists as F2FS stores them (xattr indexes 2 and 3), and the form that programs see. The stored form
// leaves out the id where the tag needs none, so its entries are 4 or 8 bytes long.

import { struct, u16, u32, viewOf } from '@f2fskit/ondisk';
import { corrupt } from './corruption.ts';

/** The start of a stored ACL. 4 bytes. */
export const AclHeader = struct('f2fs_acl_header', 4, { version: u32(0, '1') });

/** An entry whose tag needs no id: owner, owning group, mask, others. 4 bytes. */
export const AclShortEntry = struct('f2fs_acl_entry_short', 4, {
  tag: u16(0, 'whom it is about'),
  permissions: u16(2, 'rwx bits'),
});

/** An entry for a named user or group. 8 bytes. */
export const AclEntry = struct('f2fs_acl_entry', 8, {
  tag: u16(0, 'named user or group'),
  permissions: u16(2, 'rwx bits'),
  id: u32(4, 'uid or gid'),
});

/** The form that getxattr and setxattr of Linux use: a header of 4 bytes, then entries of 8. */
export const UserAclHeader = struct('posix_acl_xattr_header', 4, { version: u32(0, '2') });
export const UserAclEntry = struct('posix_acl_xattr_entry', 8, {
  tag: u16(0, 'whom it is about'),
  permissions: u16(2, 'rwx bits'),
  id: u32(4, 'uid or gid, 0xFFFFFFFF where the tag has none'),
});

/** Whom an ACL entry is about. */
export const AclTag = {
  userObject: 0x01,
  user: 0x02,
  groupObject: 0x04,
  group: 0x08,
  mask: 0x10,
  other: 0x20,
} as const;

const ACL_VERSION = 1;
const USER_ACL_VERSION = 2;
const ACL_NO_ID = 0xffff_ffff;

const shortTags: ReadonlySet<number> = new Set([AclTag.userObject, AclTag.groupObject, AclTag.mask, AclTag.other]);
const longTags: ReadonlySet<number> = new Set([AclTag.user, AclTag.group]);

/**
 * A stored ACL (index 2 or 3) as Linux hands it to a program.
 *
 * @throws Corruption acl for a wrong version, an unknown tag or a truncated entry; `where.offset` counts in `stored`.
 */
export function aclToUserSpace(stored: Uint8Array): Uint8Array {
  const source = viewOf(stored);
  if (stored.length < AclHeader.$size) throw corrupt('acl', { expected: 'at least 4 bytes', found: stored.length });
  const version = AclHeader.version.get(source, 0);
  if (version !== ACL_VERSION) throw corrupt('acl', { where: { offset: 0 }, expected: ACL_VERSION, found: version });
  // A short entry takes 4 bytes here and 8 there, so twice the size is always enough.
  const target = new Uint8Array(2 * stored.length);
  const view = viewOf(target);
  UserAclHeader.version.set(view, 0, USER_ACL_VERSION);
  let to: number = UserAclHeader.$size;
  for (let at: number = AclHeader.$size; at < stored.length; to += UserAclEntry.$size) {
    const left = stored.length - at;
    const tag = left >= AclShortEntry.$size ? AclShortEntry.tag.get(source, at) : 0;
    const size = shortTags.has(tag) ? AclShortEntry.$size : AclEntry.$size;
    if (left < AclShortEntry.$size || left < size) {
      throw corrupt('acl', { where: { offset: at }, expected: 'a whole entry', found: `${left} bytes` });
    }
    if (size === AclEntry.$size && !longTags.has(tag)) {
      throw corrupt('acl', { where: { offset: at }, expected: 'a known tag', found: tag });
    }
    UserAclEntry.tag.set(view, to, tag);
    UserAclEntry.permissions.set(view, to, AclShortEntry.permissions.get(source, at));
    UserAclEntry.id.set(view, to, size === AclEntry.$size ? AclEntry.id.get(source, at) : ACL_NO_ID);
    at += size;
  }
  return target.slice(0, to);
}

/** The inverse of {@link aclToUserSpace}; `undefined` when the bytes are no ACL in the form programs use. */
export function aclFromUserSpace(value: Uint8Array): Uint8Array | undefined {
  const source = viewOf(value);
  if (value.length < UserAclHeader.$size || (value.length - UserAclHeader.$size) % UserAclEntry.$size !== 0)
    return undefined;
  if (UserAclHeader.version.get(source, 0) !== USER_ACL_VERSION) return undefined;
  const target = new Uint8Array(value.length);
  const view = viewOf(target);
  AclHeader.version.set(view, 0, ACL_VERSION);
  let to: number = AclHeader.$size;
  for (let at: number = UserAclHeader.$size; at < value.length; at += UserAclEntry.$size) {
    const tag = UserAclEntry.tag.get(source, at);
    if (!shortTags.has(tag) && !longTags.has(tag)) return undefined;
    AclShortEntry.tag.set(view, to, tag);
    AclShortEntry.permissions.set(view, to, UserAclEntry.permissions.get(source, at));
    if (longTags.has(tag)) AclEntry.id.set(view, to, UserAclEntry.id.get(source, at));
    to += longTags.has(tag) ? AclEntry.$size : AclShortEntry.$size;
  }
  return target.slice(0, to);
}
