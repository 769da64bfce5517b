// One name in a directory, as `readdir(withFileTypes)`, `opendir` and `glob` show it.

import type { InodeKind } from '@f2fskit/vfs';

export class Dirent<Name extends string | Uint8Array = string> {
  name: Name;
  /** The directory that lists it, as text. */
  parentPath: string;
  /** The same under its older name. */
  path: string;
  readonly #kind: InodeKind;

  constructor(name: Name, parentPath: string, kind: InodeKind) {
    this.name = name;
    this.parentPath = parentPath;
    this.path = parentPath;
    this.#kind = kind;
  }

  isFile(): boolean {
    return this.#kind === 'file';
  }
  isDirectory(): boolean {
    return this.#kind === 'directory';
  }
  isSymbolicLink(): boolean {
    return this.#kind === 'symlink';
  }
  isBlockDevice(): boolean {
    return this.#kind === 'block';
  }
  isCharacterDevice(): boolean {
    return this.#kind === 'char';
  }
  isFIFO(): boolean {
    return this.#kind === 'fifo';
  }
  isSocket(): boolean {
    return this.#kind === 'socket';
  }
}
