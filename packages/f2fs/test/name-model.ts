// What the names of a volume should be: a tree in memory, read from a volume once and changed as the volume is.

import { runSync } from '@f2fskit/task';
import type { InodeKind, RenameMode } from '@f2fskit/vfs';
import type { F2fsInode, F2fsVolume } from '../src/index.ts';

/** A file. Two names of it are the same object. */
export interface ModelFile {
  kind: InodeKind;
  links: number;
  /** Of a directory, by name in Latin-1. */
  children: Map<string, ModelFile>;
  /** Extended attributes, by name: values in Latin-1. */
  xattrs: Map<string, string>;
}

export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

export function newFile(kind: InodeKind): ModelFile {
  return { kind, links: kind === 'directory' ? 2 : 1, children: new Map(), xattrs: new Map() };
}

/** The names of a directory, sorted. */
export function namesIn(directory: F2fsInode): string[] {
  const names: string[] = [];
  const reader = directory.list();
  for (let batch = runSync(reader.next()); batch !== undefined; batch = runSync(reader.next())) {
    if (batch.problems[0] !== undefined) throw batch.problems[0];
    names.push(...batch.entries.map(({ name }) => latin1(name)));
  }
  return names.sort();
}

/** The tree of a volume, every name looked up as well as listed. */
export function modelOf(volume: F2fsVolume): ModelFile {
  const files = new Map<number, ModelFile>();
  const read = (inode: F2fsInode): ModelFile => {
    const known = files.get(inode.ino);
    if (known !== undefined) return known;
    const file: ModelFile = { ...newFile(inode.kind), links: inode.attributes().links };
    files.set(inode.ino, file);
    for (const { name, value } of runSync(inode.extendedAttributes())) file.xattrs.set(latin1(name), latin1(value));
    if (inode.kind !== 'directory') return file;
    for (const name of namesIn(inode)) {
      const ino = runSync(inode.lookup(bytesOf(name)));
      file.children.set(name, read(runSync(volume.readInode(ino))));
    }
    return file;
  };
  return read(runSync(volume.readInode(volume.rootIno)));
}

/** A tree as lines that can be compared: one for each name; names of one file show the same number. */
export function linesOf(root: ModelFile): string[] {
  const lines: string[] = [];
  const numbers = new Map<ModelFile, number>();
  const walk = (path: string, file: ModelFile): void => {
    if (!numbers.has(file)) numbers.set(file, numbers.size);
    const xattrs = [...file.xattrs]
      .sort()
      .map(([name, value]) => `${name}=${Buffer.from(value, 'latin1').toString('hex')}`);
    const identity = file.links > 1 && file.kind !== 'directory' ? ` #${numbers.get(file)}` : '';
    lines.push(`${path} ${file.kind} ${file.links}${identity} ${xattrs.join(' ')}`);
    for (const [name, child] of [...file.children].sort(([a], [b]) => (a < b ? -1 : 1))) walk(`${path}/${name}`, child);
  };
  walk('', root);
  return lines;
}

/** Every directory of the tree. */
export function directoriesOf(root: ModelFile): ModelFile[] {
  const found: ModelFile[] = [];
  const walk = (file: ModelFile): void => {
    found.push(file);
    for (const child of file.children.values()) if (child.kind === 'directory') walk(child);
  };
  walk(root);
  return found;
}

export const isBelow = (top: ModelFile, file: ModelFile): boolean =>
  top === file || [...top.children.values()].some((child) => child.kind === 'directory' && isBelow(child, file));

/** Carries out a removal; the code of what must be refused instead. */
export function removeIn(directory: ModelFile, name: string, what: 'file' | 'directory'): string | undefined {
  const file = directory.children.get(name);
  if (file === undefined) return 'ENOENT';
  if (what === 'file' && file.kind === 'directory') return 'EISDIR';
  if (what === 'directory' && file.kind !== 'directory') return 'ENOTDIR';
  if (file.children.size > 0) return 'ENOTEMPTY';
  directory.children.delete(name);
  drop(directory, file);
  return undefined;
}

/** Carries out a rename; the code of what must be refused instead. */
export function renameIn(
  from: ModelFile,
  name: string,
  to: ModelFile,
  newName: string,
  mode: RenameMode,
): string | undefined {
  const source = from.children.get(name);
  const target = to.children.get(newName);
  if (source === undefined) return 'ENOENT';
  if (mode === 'noReplace' && target !== undefined) return 'EEXIST';
  if (mode === 'exchange' && target === undefined) return 'ENOENT';
  if (source.kind === 'directory' && isBelow(source, to)) return 'EINVAL';
  if (target?.kind === 'directory' && isBelow(target, from)) return mode === 'exchange' ? 'EINVAL' : 'ENOTEMPTY';
  if (source === target) return undefined;
  if (mode === 'exchange') {
    from.children.set(name, target!);
    to.children.set(newName, source);
    reparent(target!, to, from);
  } else {
    if (target !== undefined) {
      if (source.kind === 'directory' && target.kind !== 'directory') return 'ENOTDIR';
      if (source.kind !== 'directory' && target.kind === 'directory') return 'EISDIR';
      if (target.children.size > 0) return 'ENOTEMPTY';
      drop(to, target);
    }
    from.children.delete(name);
    if (mode === 'whiteout') from.children.set(name, newFile('char'));
    to.children.set(newName, source);
  }
  reparent(source, from, to);
  return undefined;
}

function drop(directory: ModelFile, file: ModelFile): void {
  if (file.kind === 'directory') directory.links--;
  file.links--;
}

function reparent(file: ModelFile, from: ModelFile, to: ModelFile): void {
  if (file.kind !== 'directory' || from === to) return;
  from.links--;
  to.links++;
}
