// A directory of the host as a plan: lstat of everything, no symlink followed. Times are exact to the nanosecond; names are
// the bytes that the host gives.

import fs from 'node:fs';
import type { Timestamp } from '@f2fskit/vfs';
import { type LinkGroup, type PlanNode, planNode, sortChildren } from './plan.ts';
import type { BuildNotes } from './report.ts';
import { joinPath, type Selection } from './selection.ts';

/** What is not part of the tree although it lies in it: the image that is being made. */
export interface HostFileId {
  dev: bigint;
  ino: bigint;
}

/** Entries between two looks at the clock. */
const STEP_ENTRIES = 64;

interface Level {
  node: PlanNode;
  /** Of the host. */
  path: Buffer;
  /** In the source. */
  inner: Uint8Array;
  names: Buffer[];
  next: number;
}

export class HostWalk {
  readonly root: PlanNode;
  /** Entries found so far. */
  entries = 0;
  readonly #notes: BuildNotes;
  readonly #selection: Selection;
  readonly #skip: HostFileId | undefined;
  readonly #stack: Level[] = [];
  /** Files with several names, by device and number. */
  readonly #groups = new Map<string, LinkGroup>();

  /** Begins at a directory. Throws what the host says of it. */
  constructor(directory: Buffer, selection: Selection, notes: BuildNotes, skip?: HostFileId) {
    this.#notes = notes;
    this.#selection = selection;
    this.#skip = skip;
    const stat = fs.lstatSync(directory, { bigint: true });
    this.root = nodeOf('directory', stat, new Uint8Array(0), undefined);
    this.#stack.push(this.#open(this.root, directory, new Uint8Array(0)));
  }

  /** Looks at a few more; false when all of it is there, with names in order. */
  next(): boolean {
    for (let count = 0; count < STEP_ENTRIES; count++) {
      const level = this.#stack.at(-1);
      if (level === undefined) {
        this.#selection.prune(this.root);
        return false;
      }
      const name = level.names[level.next++];
      if (name === undefined) {
        this.#stack.pop();
        sortChildren(level.node);
      } else this.#entry(level, name);
    }
    return true;
  }

  #open(node: PlanNode, path: Buffer, inner: Uint8Array): Level {
    return { node, path, inner, names: fs.readdirSync(path, { encoding: 'buffer' }), next: 0 };
  }

  #entry(level: Level, name: Buffer): void {
    const path = Buffer.concat([level.path, SEPARATOR, name]);
    const inner = joinPath(level.inner, name);
    if (this.#selection.excludes(inner)) return;
    try {
      const stat = fs.lstatSync(path, { bigint: true });
      if (this.#skip !== undefined && stat.ino === this.#skip.ino && stat.dev === this.#skip.dev) return;
      const kind = kindOf(stat);
      if (kind === undefined) {
        this.#notes.note('kind', inner, 'of a kind that no volume has');
        return;
      }
      const node = nodeOf(kind, stat, name, level.node);
      if (kind === 'symlink') node.target = fs.readlinkSync(path, { encoding: 'buffer' });
      if (kind === 'directory') this.#stack.push(this.#open(node, path, inner));
      else if (stat.nlink > 1n) this.#group(node, stat);
      level.node.children!.push(node);
      this.entries++;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      this.#notes.note('unreadable', inner, (error as Error).message);
    }
  }

  #group(node: PlanNode, { dev, ino }: fs.BigIntStats): void {
    const key = `${dev}:${ino}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { names: 0 };
      this.#groups.set(key, group);
    }
    group.names++;
    node.links = group;
  }
}

const SEPARATOR = Buffer.from('/');

function nodeOf(
  kind: PlanNode['kind'],
  stat: fs.BigIntStats,
  name: Uint8Array,
  parent: PlanNode | undefined,
): PlanNode {
  const node = planNode(kind, name, parent, {
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    atime: timeOf(stat.atimeNs),
    mtime: timeOf(stat.mtimeNs),
  });
  if (kind === 'file') {
    node.size = Number(stat.size);
    // Windows counts no blocks.
    const allocated = stat.blocks === undefined ? node.size : Number(stat.blocks) * 512;
    node.sparse = allocated < node.size;
    node.listedAt = stat.ctimeNs;
    node.dataBytes = Math.min(node.size, allocated);
  } else if (kind === 'char' || kind === 'block') {
    const rdev = stat.rdev;
    // As the C library of Linux packs them.
    node.major = Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n));
    node.minor = Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n));
  }
  return node;
}

const BILLION = 1_000_000_000n;

/** The remainder counts forward, also before 1970. */
export function timeOf(nanoseconds: bigint): Timestamp {
  const rest = ((nanoseconds % BILLION) + BILLION) % BILLION;
  return { seconds: Number((nanoseconds - rest) / BILLION), nanoseconds: Number(rest) };
}

function kindOf(stat: fs.BigIntStats): PlanNode['kind'] | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'char';
  if (stat.isBlockDevice()) return 'block';
  if (stat.isFIFO()) return 'fifo';
  return stat.isSocket() ? 'socket' : undefined;
}
