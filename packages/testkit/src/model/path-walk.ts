// From a path to an inode, as Linux walks: component by component, following symlinks, at most 40 of them in one walk.
// What is special about the last component (`.`, `..`, the root, a slash behind it) decides the error that each operation
// answers with, so a walk to the parent reports it. (Linux: fs/namei.c, link_path_walk and path_parentat.)

import { ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from '@f2fskit/errno';
import { NAME_BYTES_MAX, PATH_BYTES_MAX, refuse, SYMLINKS_MAX } from './model-errors.ts';
import type { ModelInode } from './model-inode.ts';
import { keyOf } from './names.ts';

export const ROOT = 1;

/** The last component of a path, in the directory that the others lead to. */
export interface Place {
  directory: number;
  /** A key. */
  name: string;
  last: 'name' | 'dot' | 'dotdot' | 'root';
  /** The path ends with a slash. */
  slash: boolean;
}

/** Where the walk looks inodes up. */
export interface InodeSource {
  inode(ino: number): ModelInode;
}

/** One walk: symlinks are counted over all of it. Paths are keys. */
export class PathWalk {
  readonly #source: InodeSource;
  #symlinks = 0;

  constructor(source: InodeSource) {
    this.#source = source;
  }

  /** Everything but the last component; that one is not looked up. */
  parentOf(start: number, path: string): Place {
    if (path === '') refuse(ENOENT);
    const names = path.split('/').filter((name) => name !== '');
    let directory = path.startsWith('/') ? ROOT : start;
    const name = names.pop();
    if (name === undefined) return { directory: ROOT, name: '', last: 'root', slash: true };
    for (const component of names) directory = this.#enter(directory, component);
    const last = name === '.' ? 'dot' : name === '..' ? 'dotdot' : 'name';
    return { directory, name, last, slash: path.endsWith('/') };
  }

  /** The inode a path names. The last component is followed where `follow` is set, or a slash stands behind it. */
  inodeAt(start: number, path: string, follow: boolean): number {
    let mustBeDirectory = false;
    for (;;) {
      const place = this.parentOf(start, path);
      if (place.last !== 'name') return this.special(place);
      mustBeDirectory ||= place.slash;
      const ino = this.lookup(place);
      if (ino === 0) refuse(ENOENT);
      const inode = this.#source.inode(ino);
      if (inode.kind === 'symlink' && (follow || mustBeDirectory)) {
        path = this.countSymlink(inode);
        start = place.directory;
        continue;
      }
      if (mustBeDirectory && inode.kind !== 'directory') refuse(ENOTDIR);
      return ino;
    }
  }

  /** The inode of a name; 0 where there is none. Refuses a name that no directory can have. */
  lookup({ directory, name }: Place): number {
    if (name.length > NAME_BYTES_MAX) refuse(ENAMETOOLONG);
    return this.#source.inode(directory).entries.get(name) ?? 0;
  }

  /** What `.`, `..` and `/` name. */
  special({ directory, last }: Place): number {
    return last === 'dotdot' ? this.#source.inode(directory).parent : directory;
  }

  /** The target of a symlink that is followed. */
  countSymlink({ target }: ModelInode): string {
    if (++this.#symlinks > SYMLINKS_MAX) refuse(ELOOP);
    return target;
  }

  /** Into a component that is not the last one. */
  #enter(directory: number, name: string): number {
    if (name === '.') return directory;
    if (name === '..') return this.#source.inode(directory).parent;
    let ino = this.lookup({ directory, name, last: 'name', slash: false });
    if (ino === 0) refuse(ENOENT);
    const inode = this.#source.inode(ino);
    if (inode.kind === 'symlink') ino = this.inodeAt(directory, this.countSymlink(inode), true);
    if (this.#source.inode(ino).kind !== 'directory') refuse(ENOTDIR);
    return ino;
  }
}

/** The key of a path that somebody gave. Refuses one that is too long to be looked at. */
export function pathKey(path: string): string {
  const key = keyOf(path);
  if (key.length > PATH_BYTES_MAX) refuse(ENAMETOOLONG);
  return key;
}
