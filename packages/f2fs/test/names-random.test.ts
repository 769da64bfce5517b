// Several hundred random changes of names, links and xattrs on every golden volume, against a tree in memory. What must be
// refused is refused with the right code; afterwards the volume holds what the tree holds, and fsck.f2fs accepts it.

import { FsError } from '@f2fskit/errno';
import { fixedClock, type RandomSource, runSync, seededRandom } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';
import {
  bytesOf,
  directoriesOf,
  latin1,
  linesOf,
  type ModelFile,
  modelOf,
  newFile,
  removeIn,
  renameIn,
} from './name-model.ts';

const CHANGES = 300;
const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const clock = fixedClock(1_900_000_000);
/** What a volume may refuse that the tree knows nothing of: keys, flags, projects, space. */
const REFUSED = ['ENOKEY', 'EPERM', 'EXDEV', 'ENOSPC'];

const SHORT = ['plain', 'android', 'bigdir', 'casefold-names', 'xattr-heavy', 'geometry'];
const names = goldenVolumes()
  .map(({ name }) => name)
  .filter((name) => !/(^|\/)crash-/.test(name))
  .filter((name) => process.env.F2FSKIT_FULL === '1' || SHORT.includes(name));

/** Both sides of a run. */
class Run {
  readonly volume: F2fsVolume;
  readonly random: RandomSource;
  readonly root: ModelFile;

  constructor(volume: F2fsVolume, seed: number) {
    this.volume = volume;
    this.random = seededRandom(seed);
    this.root = modelOf(volume);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)]!;
  }

  /** A directory of the tree, and the inode that it stands for. */
  directory(): { model: ModelFile; inode: F2fsInode } {
    const model = this.pick(directoriesOf(this.root));
    return { model, inode: this.inodeOf(model) };
  }

  inodeOf(file: ModelFile): F2fsInode {
    const path = pathTo(this.root, file)!;
    let inode = runSync(this.volume.readInode(this.volume.rootIno));
    for (const name of path) inode = runSync(this.volume.readInode(runSync(inode.lookup(bytesOf(name)))));
    return inode;
  }

  /** A name that the directory has, or one that it may have. */
  name({ children }: ModelFile): string {
    if (children.size > 0 && this.random.chance(0.6)) return this.pick([...children.keys()]);
    return `n${this.random.below(40)}`.padEnd(1 + this.random.below(this.random.chance(0.1) ? 250 : 24), 'x');
  }

  change(): void {
    const { model, inode } = this.directory();
    const name = this.name(model);
    const file = model.children.get(name);
    const what = this.random.below(100);
    if (what < 40) this.#create(model, inode, name);
    else if (what < 52) this.#remove(model, inode, name, 'file');
    else if (what < 58) this.#remove(model, inode, name, 'directory');
    else if (what < 80) this.#rename(model, inode, name);
    else if (what < 88) this.#link(model, inode, name);
    else if (file !== undefined) this.#xattr(file);
  }

  #create(model: ModelFile, inode: F2fsInode, name: string): void {
    const kind = this.pick(['file', 'directory', 'directory', 'symlink', 'fifo', 'char'] as const);
    const options = { ...OWNER, major: 1, minor: 3 };
    const target = bytesOf('t'.repeat(1 + this.random.below(this.random.chance(0.2) ? 4000 : 60)));
    let made: F2fsInode | undefined;
    attempt(
      () => {
        if (kind === 'directory') made = runSync(inode.mkdir(bytesOf(name), options));
        else if (kind === 'symlink') made = runSync(inode.symlink(bytesOf(name), target, options));
        else made = runSync(inode.mknod(bytesOf(name), { ...options, kind }));
      },
      () => {
        if (model.children.has(name)) return 'EEXIST';
        const file = newFile(kind);
        // Access lists of the directory.
        for (const { name, value } of runSync(made!.extendedAttributes())) file.xattrs.set(latin1(name), latin1(value));
        model.children.set(name, file);
        if (kind === 'directory') model.links++;
        return undefined;
      },
    );
  }

  #remove(model: ModelFile, inode: F2fsInode, name: string, what: 'file' | 'directory'): void {
    attempt(
      () => runSync(what === 'file' ? inode.unlink(bytesOf(name)) : inode.rmdir(bytesOf(name))),
      () => removeIn(model, name, what),
    );
  }

  #rename(model: ModelFile, inode: F2fsInode, name: string): void {
    const to = this.random.chance(0.4) ? { model, inode } : this.directory();
    const newName = this.name(to.model);
    const mode = this.pick(['plain', 'plain', 'noReplace', 'exchange', 'whiteout'] as const);
    attempt(
      () => runSync(inode.rename(bytesOf(name), to.inode, bytesOf(newName), mode)),
      () => renameIn(model, name, to.model, newName, mode),
    );
  }

  #link(model: ModelFile, inode: F2fsInode, name: string): void {
    const from = this.pick(directoriesOf(this.root));
    const file = [...from.children.values()].find(({ kind }) => kind !== 'directory');
    if (file === undefined) return;
    attempt(
      () => runSync(inode.link(bytesOf(name), this.inodeOf(file))),
      () => {
        if (model.children.has(name)) return 'EEXIST';
        model.children.set(name, file);
        file.links++;
        return undefined;
      },
    );
  }

  #xattr(file: ModelFile): void {
    const inode = this.inodeOf(file);
    const name = `${this.pick(['user', 'trusted', 'security'])}.${this.pick(['a', 'second', 'the third of them'])}`;
    const value = String.fromCharCode(this.random.below(256)).repeat(this.random.below(this.pick([10, 100, 1500])));
    const mode = this.pick(['set', 'set', 'create', 'replace', 'remove'] as const);
    const known = file.xattrs.has(name);
    attempt(
      () => {
        if (mode === 'remove') runSync(inode.removeXattr(bytesOf(name)));
        else runSync(inode.setXattr(bytesOf(name), bytesOf(value), mode));
      },
      () => {
        if (mode === 'create' && known) return 'EEXIST';
        if ((mode === 'replace' || mode === 'remove') && !known) return 'ENODATA';
        if (mode === 'remove') file.xattrs.delete(name);
        else file.xattrs.set(name, value);
        return undefined;
      },
    );
  }
}

/** Changes the volume, and then the tree, unless the volume refused for reasons of its own. */
function attempt(change: () => void, changeModel: () => string | undefined): void {
  let code: string | undefined;
  try {
    change();
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    if (REFUSED.includes(error.code)) return;
    code = error.code;
  }
  expect(changeModel()).toBe(code);
}

function pathTo(directory: ModelFile, file: ModelFile): string[] | undefined {
  if (directory === file) return [];
  for (const [name, child] of directory.children) {
    const rest = child === file ? [] : child.kind === 'directory' ? pathTo(child, file) : undefined;
    if (rest !== undefined) return [name, ...rest];
  }
  return undefined;
}

describe.each(names)('%s', (name) => {
  it(`holds what ${CHANGES} changes made of it`, () => {
    const device = loadGolden(name).device.clone();
    const volume = runSync(mountF2fs(device, { writable: true, clock }));
    const run = new Run(volume, 2000 + name.length);
    for (let change = 0; change < CHANGES; change++) {
      run.change();
      if (change % 97 === 0) runSync(volume.sync());
    }
    runSync(volume.unmount());
    expect(linesOf(modelOf(runSync(mountF2fs(device))))).toEqual(linesOf(run.root));
    if (judged) expect(objections(device)).toBe('');
  });
});
