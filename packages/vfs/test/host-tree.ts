// The host's own filesystem as the judge of path walks: one description of a tree is built in a temporary directory and in
// a toy filesystem. The toy has the whole way from `/` to that directory, so that absolute symlinks and `..` out of the
// temporary directory mean the same in both.

import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runSync } from '@f2fskit/task';
import { Vfs } from '../src/index.ts';
import { ToyFilesystem, type ToyInode } from './toy-filesystem.ts';

/** Where a path leads, or the code of the error. Inode numbers are those of the toy in both worlds. */
export type Verdict = { code: string } | { ino: number | string; realpath?: string };

export class HostTree {
  /** The temporary directory, without symlinks in it. */
  readonly base = realpathSync.native(mkdtempSync(path.join(os.tmpdir(), 'vfs-test-')));
  readonly filesystem = new ToyFilesystem();
  readonly vfs = new Vfs(this.filesystem);
  /** The temporary directory in the toy. */
  readonly root: ToyInode;
  /** Host inode to toy inode. */
  readonly #inos = new Map<string, number>();

  constructor() {
    let node = this.filesystem.root;
    let way = '/';
    this.#pair(way, node);
    for (const name of this.base.split('/').slice(1)) {
      node = node.make('directory', name);
      way = path.join(way, name);
      this.#pair(way, node);
    }
    this.root = node;
  }

  remove(): void {
    rmSync(this.base, { recursive: true, force: true });
  }

  /** `parent` is the path of the parent directory in both worlds: `base` or longer, without symlinks. */
  directory(parent: ToyInode, parentPath: string, name: string): ToyInode {
    mkdirSync(path.join(parentPath, name));
    return this.#pair(path.join(parentPath, name), parent.make('directory', name));
  }

  file(parent: ToyInode, parentPath: string, name: string): ToyInode {
    writeFileSync(path.join(parentPath, name), '');
    return this.#pair(path.join(parentPath, name), parent.make('file', name));
  }

  symlink(parent: ToyInode, parentPath: string, name: string, target: string): ToyInode {
    symlinkSync(target, path.join(parentPath, name));
    return this.#pair(path.join(parentPath, name), parent.make('symlink', name, target));
  }

  /** What the kernel says of an absolute path: `stat` or `lstat` decide, `realpath` names what `stat` found. */
  host(asked: string, followLast: boolean): Verdict {
    let stats: Stats;
    try {
      stats = followLast ? statSync(asked) : lstatSync(asked);
    } catch (error) {
      return { code: (error as { code: string }).code };
    }
    const ino = this.#inos.get(keyOf(stats)) ?? 'outside the tree';
    return followLast ? { ino, realpath: realpathSync.native(asked) } : { ino };
  }

  /** The same from the walk under test. */
  walked(asked: string, followLast: boolean): Verdict {
    try {
      const resolved = runSync(this.vfs.walk(asked, { followLast }));
      const { ino } = resolved.inode;
      return followLast ? { ino, realpath: Buffer.from(resolved.path).toString() } : { ino };
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error;
      return { code: String(error.code) };
    }
  }

  #pair(way: string, node: ToyInode): ToyInode {
    this.#inos.set(keyOf(lstatSync(way)), node.ino);
    return node;
  }
}

const keyOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`;
