// POSIX access control lists, in the form that programs see: what they say together with the mode of a file.
//
// Source: spec 8.6; kernel fs/posix_acl.c (posix_acl_valid, posix_acl_equiv_mode, posix_acl_create_masq,
// __posix_acl_chmod_masq).

import { AclTag, UserAclEntry, UserAclHeader } from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';

const PERMISSIONS_MASK = 0o777;

/** A list, changed in place. */
export class AccessList {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #count: number;

  /** `bytes`: as getxattr gives it; whole entries. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes.slice();
    this.#view = viewOf(this.bytes);
    this.#count = (bytes.length - UserAclHeader.$size) / UserAclEntry.$size;
  }

  get empty(): boolean {
    return this.#count === 0;
  }

  /** Whether the entries are those of a list, in order: owner, users, group, groups, mask, others. */
  get valid(): boolean {
    let before = 0;
    let named = false;
    let masked = false;
    const seen = new Set<number>();
    for (let index = 0; index < this.#count; index++) {
      const tag = this.#tag(index);
      const rank = RANKS.get(tag);
      if (rank === undefined || rank < before || this.#permissions(index) > 7) return false;
      const many = tag === AclTag.user || tag === AclTag.group;
      if (!many && seen.has(tag)) return false;
      named ||= many;
      masked ||= tag === AclTag.mask;
      seen.add(tag);
      before = rank;
    }
    const whole = seen.has(AclTag.userObject) && seen.has(AclTag.groupObject) && seen.has(AclTag.other);
    return whole && (masked || !named);
  }

  /** Whether the list says no more than the mode does. */
  get isMode(): boolean {
    for (let index = 0; index < this.#count; index++) {
      if (!PLAIN.has(this.#tag(index))) return false;
    }
    return true;
  }

  /** The permission bits that the list shows as. */
  get mode(): number {
    return (this.#of(AclTag.userObject) << 6) | (this.#of(this.#groupClass) << 3) | this.#of(AclTag.other);
  }

  /** chmod: the list follows the mode. */
  follow(mode: number): void {
    this.#set(AclTag.userObject, (mode >> 6) & 7);
    this.#set(this.#groupClass, (mode >> 3) & 7);
    this.#set(AclTag.other, mode & 7);
  }

  /** A default list becomes that of a new file that asks for `mode`. Returns the mode that it gets. */
  inherit(mode: number): number {
    this.follow(this.mode & mode);
    return (mode & ~PERMISSIONS_MASK) | this.mode;
  }

  #tag(index: number): number {
    return UserAclEntry.tag.get(this.#view, UserAclHeader.$size + index * UserAclEntry.$size);
  }

  #permissions(index: number): number {
    return UserAclEntry.permissions.get(this.#view, UserAclHeader.$size + index * UserAclEntry.$size);
  }

  #find(tag: number): number {
    for (let index = 0; index < this.#count; index++) if (this.#tag(index) === tag) return index;
    return -1;
  }

  /** What the group bits of the mode stand for: the mask where there is one. */
  get #groupClass(): number {
    return this.#find(AclTag.mask) >= 0 ? AclTag.mask : AclTag.groupObject;
  }

  #of(tag: number): number {
    const index = this.#find(tag);
    return index < 0 ? 0 : this.#permissions(index);
  }

  #set(tag: number, permissions: number): void {
    const index = this.#find(tag);
    if (index < 0) return;
    UserAclEntry.permissions.set(this.#view, UserAclHeader.$size + index * UserAclEntry.$size, permissions);
  }
}

/** The order of tags in a list. */
const RANKS: ReadonlyMap<number, number> = new Map(
  [AclTag.userObject, AclTag.user, AclTag.groupObject, AclTag.group, AclTag.mask, AclTag.other].map((tag, rank) => [
    tag,
    rank,
  ]),
);

/** Tags for which the mode has bits. */
const PLAIN: ReadonlySet<number> = new Set([AclTag.userObject, AclTag.groupObject, AclTag.other]);
