// The inodes of a model and the names that lead to them. A clone shares everything until one of the two changes it: the
// table of inodes is copied at the first change after a clone, an inode at its own first change.
//
// What holds between operations (`checkTree` looks):
//   1. Every name leads to an inode that is there; the root is inode 1 and its own parent.
//   2. A directory has one name, in its parent, and 2 + its subdirectories links; anything else as many links as names.
//   3. An inode without links is open somewhere.

import { assert, EMLINK } from '@f2fskit/errno';
import { type ModelLimits, refuse } from './model-errors.ts';
import { copyInode, type DeviceNumber, type FileKind, type FileTime, type ModelInode } from './model-inode.ts';
import { type Place, ROOT } from './path-walk.ts';
import { SparseContent } from './sparse-content.ts';

/** What a new inode is, beyond its kind. */
export interface NewInode {
  mode: number;
  device?: DeviceNumber;
  /** A key. */
  target?: string;
}

export class ModelTree {
  readonly limits: ModelLimits;
  /** Whose files new ones are. */
  readonly uid: number;
  readonly gid: number;
  #inodes = new Map<number, ModelInode>();
  /** Somebody else has the same table. */
  #shared = false;
  #owner: object = {};
  #next = ROOT;

  constructor(limits: ModelLimits, uid: number, gid: number) {
    this.limits = limits;
    this.uid = uid;
    this.gid = gid;
  }

  /** The root, owned by the caller. */
  plant(mode: number, now: FileTime): void {
    assert(this.#next === ROOT, 'a tree has one root');
    this.#insert('directory', { mode }, ROOT, this.gid, now);
  }

  clone(): ModelTree {
    const clone = new ModelTree(this.limits, this.uid, this.gid);
    clone.#inodes = this.#inodes;
    clone.#next = this.#next;
    this.#shared = true;
    clone.#shared = true;
    this.#owner = {}; // what this tree owned so far is now common
    return clone;
  }

  /** Not to be changed: {@link change} is for that. */
  inode(ino: number): ModelInode {
    const inode = this.#inodes.get(ino);
    assert(inode !== undefined, `inode ${ino} of the model exists`);
    return inode;
  }

  get size(): number {
    return this.#inodes.size;
  }

  inos(): IterableIterator<number> {
    return this.#inodes.keys();
  }

  /** The inode, to be changed in place. What `inode` returned before may be an old copy now. */
  change(ino: number): ModelInode {
    let inode = this.inode(ino);
    if (inode.owner === this.#owner) return inode;
    inode = copyInode(inode, this.#owner);
    this.#table().set(ino, inode);
    return inode;
  }

  /** The inode goes: no name, nobody has it open. */
  forget(ino: number): void {
    this.#table().delete(ino);
  }

  /**
   * A new inode under a name that is free. A directory with the set-group-ID bit gives its group to what is made in it,
   * and the bit to directories.
   */
  create({ directory, name }: Place, kind: FileKind, more: NewInode, now: FileTime): number {
    const home = this.inode(directory);
    if (kind === 'directory') this.#refuseLink(directory);
    const inherits = (home.mode & 0o2000) !== 0;
    const mode = kind === 'directory' && inherits ? more.mode | 0o2000 : more.mode;
    const ino = this.#insert(kind, { ...more, mode }, directory, inherits ? home.gid : this.gid, now);
    this.setEntry(directory, name, ino, now);
    if (kind === 'directory') this.change(directory).links++;
    return ino;
  }

  /** Makes the name lead to the inode. Link counts are the caller's. */
  setEntry(directory: number, name: string, ino: number, now: FileTime): void {
    const home = this.change(directory);
    home.entries.set(name, ino);
    home.mtime = home.ctime = now;
  }

  removeEntry(directory: number, name: string, now: FileTime): void {
    const home = this.change(directory);
    home.entries.delete(name);
    home.mtime = home.ctime = now;
  }

  /** One link more, unless there are as many as there may be. */
  addLink(ino: number, now: FileTime): void {
    this.#refuseLink(ino);
    const inode = this.change(ino);
    inode.links++;
    inode.ctime = now;
  }

  /** One name less; a directory, which has one, has no links left. */
  dropName(ino: number, now: FileTime): void {
    const inode = this.change(ino);
    inode.links = inode.kind === 'directory' ? 0 : inode.links - 1;
    inode.ctime = now;
  }

  /** Whether a directory is `below`, or a directory on the way from there to the root. */
  isAbove(ino: number, below: number): boolean {
    for (let at = below; ; at = this.inode(at).parent) {
      if (at === ino) return true;
      if (at === ROOT) return false;
    }
  }

  #refuseLink(ino: number): void {
    if (this.inode(ino).links >= this.limits.linksMax) refuse(EMLINK);
  }

  #insert(kind: FileKind, { mode, device, target = '' }: NewInode, parent: number, gid: number, now: FileTime): number {
    const ino = this.#next++;
    const inode: ModelInode = {
      owner: this.#owner,
      ino,
      kind,
      mode: mode & 0o7777,
      uid: this.uid,
      gid,
      links: kind === 'directory' ? 2 : 1,
      device: device ?? { major: 0, minor: 0 },
      content: new SparseContent(),
      entries: new Map(),
      parent,
      target,
      xattrs: new Map(),
      atime: now,
      mtime: now,
      ctime: now,
      birthtime: now,
    };
    this.#table().set(ino, inode);
    return ino;
  }

  #table(): Map<number, ModelInode> {
    if (this.#shared) {
      this.#inodes = new Map(this.#inodes);
      this.#shared = false;
    }
    return this.#inodes;
  }
}

/** Throws an assertion where the head of this file is not true. `open`: inodes with handles. */
export function checkTree(tree: ModelTree, open: ReadonlySet<number>): void {
  const names = new Map<number, number>([[ROOT, 1]]);
  for (const ino of tree.inos()) {
    const { kind, entries, links } = tree.inode(ino);
    let subdirectories = 0;
    for (const child of entries.values()) {
      const inode = tree.inode(child);
      names.set(child, (names.get(child) ?? 0) + 1);
      if (inode.kind !== 'directory') continue;
      subdirectories++;
      assert(inode.parent === ino, `the parent of directory ${child} is where its name is`);
    }
    if (kind === 'directory' && links !== 0) assert(links === 2 + subdirectories, `links of directory ${ino}`);
    if (kind !== 'directory') assert(entries.size === 0, `${kind} ${ino} has no entries`);
  }
  for (const ino of tree.inos()) {
    const { kind, links } = tree.inode(ino);
    const count = names.get(ino) ?? 0;
    if (kind === 'directory') assert(count === (links === 0 ? 0 : 1), `directory ${ino} has one name`);
    else assert(count === links, `inode ${ino} has ${links} links and ${count} names`);
    if (links === 0) assert(open.has(ino), `inode ${ino} without a name is open`);
  }
}
