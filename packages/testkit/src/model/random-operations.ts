// Random programs that mostly succeed. A model runs along while a program is made, so that paths are chosen among those
// that exist, positions near the end of the file that is meant, attributes among those that are set; one time in ten a
// path is bent, and some operations that the model refuses are kept. The result names paths and numbers only: the choices
// are not part of it.
//
// Sizes and positions come from where implementations have edges: nothing, one byte, a sector, what fits into an inode
// (3.4 to 3.7 KB), a block, a cluster of four, the last address of an inode (873 to 923 blocks), the first indirect node.
//
// A program may run in a directory of a host (`confined`): no path leads above the root, whatever symlinks and renames
// the program makes. Targets are relative, without `..`, and have a name; in a path no prefix has more `..` than names.
// As a symlink leads at least one level below the directory that holds it, no walk gets above the root.

import { assert } from '@f2fskit/errno';
import { type RandomSource, seededRandom } from '@f2fskit/task';
import { ModelFilesystem, type ModelOptions } from './model-filesystem.ts';
import type { FileKind, FileTime } from './model-inode.ts';
import type { AllocationMode, FileReference, MknodKind, OpenFlags, RenameMode, XattrMode } from './operation-target.ts';
import { applyToModel, type DataSpec, type Operation, type OperationName } from './operations.ts';

export interface RandomOperationsOptions {
  /** How often each operation is chosen, relative to the others; 0 never. Those not named keep their default. */
  weights?: Partial<Record<OperationName, number>>;
  /** Nothing leads out of the root: see the head of this file. Default true. */
  confined?: boolean;
  /** Needs root: other owners, set-user-ID bits, device nodes, `trusted.` attributes. Default true. */
  privileged?: boolean;
  /** Files larger than 1 GiB, sparse. Default true. */
  bigFiles?: boolean;
  /** Bytes that one write brings at most. Default 64 KiB. */
  writeBytesMax?: number;
  /** Names that are not UTF-8, and names of 255 and 256 bytes. Default true. */
  strangeNames?: boolean;
  /** Handles that are open at the same time. Default 4. */
  handlesMax?: number;
  /** The model that runs along; what is on the target before the program. Default: an empty one. */
  start?: ModelFilesystem;
  limits?: Omit<ModelOptions, 'clock'>;
}

/** Relative frequencies. Making things outweighs removing them, so that there is something to work on. */
export const operationWeights: Readonly<Record<OperationName, number>> = {
  open: 8,
  close: 5,
  create: 14,
  write: 20,
  read: 6,
  truncate: 8,
  fallocate: 6,
  fsync: 2,
  sync: 1,
  link: 6,
  symlink: 6,
  mknod: 3,
  mkdir: 10,
  unlink: 7,
  rmdir: 4,
  rename: 14,
  setxattr: 6,
  getxattr: 2,
  removexattr: 3,
  listxattr: 1,
  chmod: 3,
  chown: 3,
  utimens: 3,
  stat: 3,
  readdir: 2,
  readlink: 2,
};

/** A program of `count` operations; the same seed and options make the same one. */
export function randomOperations(seed: number, count: number, options: RandomOperationsOptions = {}): Operation[] {
  const maker = new OperationMaker(seededRandom(seed), options);
  return Array.from({ length: count }, () => maker.next());
}

/** How probable it is that an operation is kept although it is refused. Without any, errors would not be compared. */
const REFUSED_CHANCE = 0.3;

const BLOCK = 4096;
/** The largest position, in bytes, that is drawn for being inside a file. */
const INSIDE_MAX = 16 * 2 ** 20;

/** Where implementations change their minds, in bytes. */
const EDGES = [
  0,
  1,
  511,
  512,
  3400,
  3408,
  3488,
  3560,
  3600,
  3688,
  3692,
  3700,
  4095,
  BLOCK,
  BLOCK + 1,
  2 * BLOCK,
  4 * BLOCK,
  4 * BLOCK + 1,
  5 * BLOCK,
  8 * BLOCK,
  16 * BLOCK,
];
/** In blocks: the last address of an inode without and with extra attributes and inline xattrs; one indirect node on. */
const FAR_EDGES = [873, 874, 922, 923, 924, 923 + 1018, 923 + 2 * 1018];
/** In blocks: behind the first indirect and the first double indirect node; larger than 2 GiB, 4 GiB. */
const HUGE_EDGES = [2 ** 19, 2 ** 20, 923 + 2 * 1018 + 1018 * 1018, 923 + 2 * 1018 + 2 * 1018 * 1018, 2 ** 28];

const SHORT_NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'dir', 'file.txt', 'Makefile', '.hidden', 'äöü', 'A', 'x y'];
const STRANGE_NAMES = ['\udcff\udcfe', 'bad\udc80utf8', '日本語', 'n'.repeat(255), 'ü'.repeat(127), 'tab\there', '...'];
const REFUSED_NAMES = ['m'.repeat(256), 'ü'.repeat(128)];

const MODES = [0o644, 0o600, 0o755, 0o700, 0o777, 0o640];
const PRIVILEGED_MODES = [0o000, 0o4755, 0o2755, 0o2644, 0o1755, 0o6711, 0o444, 0o111];
const OWNERS = [-1, 0, 1, 1000, 65534, 65536, 2 ** 31];
const DEVICES: ReadonlyArray<readonly [major: number, minor: number]> = [
  [0, 0],
  [1, 3],
  [8, 1],
  [255, 255],
  [256, 1],
  [259, 256],
  [4095, 1048575],
];

interface PathEntry {
  path: string;
  kind: FileKind;
  /** A directory without entries. */
  isEmpty: boolean;
}

class OperationMaker {
  readonly #random: RandomSource;
  readonly #options: Required<Omit<RandomOperationsOptions, 'weights' | 'start' | 'limits'>>;
  readonly #model: ModelFilesystem;
  readonly #choices: Array<[name: OperationName, weight: number]>;
  #time = 0;
  #paths: PathEntry[] = [];

  constructor(random: RandomSource, { weights, start, limits, ...options }: RandomOperationsOptions) {
    this.#random = random;
    this.#options = {
      confined: true,
      privileged: true,
      bigFiles: true,
      writeBytesMax: 64 * 1024,
      strangeNames: true,
      handlesMax: 4,
      ...options,
    };
    const clock = { now: () => ({ seconds: this.#time++, nanoseconds: 0 }) };
    this.#model = start?.clone() ?? new ModelFilesystem({ clock, ...limits });
    this.#choices = Object.entries({ ...operationWeights, ...weights }) as Array<[OperationName, number]>;
    assert(
      this.#choices.some(([, weight]) => weight > 0),
      'some operation may be chosen',
    );
  }

  next(): Operation {
    const paths = [...this.#model.paths()];
    this.#paths = paths.map(({ path, stat: { kind } }, index) => ({
      path,
      kind,
      isEmpty: kind === 'directory' && paths[index + 1]?.path.startsWith(`${path}/`) !== true,
    }));
    for (;;) {
      const operation = this.#make(this.#weighted(this.#choices));
      // What is refused changes nothing, so the next draw finds the model as it was.
      if ('value' in applyToModel(this.#model, operation) || this.#random.chance(REFUSED_CHANCE)) return operation;
    }
  }

  #make(op: OperationName): Operation {
    const random = this.#random;
    switch (op) {
      case 'open':
        return this.#open();
      case 'close':
        return { op, handle: this.#openHandle() ?? random.below(this.#options.handlesMax) };
      case 'create':
        return { op, path: this.#newPath(), mode: this.#mode() };
      case 'write':
        return this.#write();
      case 'read': {
        const file = this.#file();
        return { op, file, position: this.#position(file), length: 1 + this.#length(16 * 1024) };
      }
      case 'truncate':
        return this.#truncate();
      case 'fallocate':
        return this.#fallocate();
      case 'fsync':
        return { op, file: this.#file() };
      case 'sync':
        return { op };
      case 'link':
        return { op, from: this.#path(random.chance(0.9) ? 'file' : undefined), to: this.#newPath() };
      case 'symlink':
        return { op, target: this.#target(), path: this.#newPath() };
      case 'mknod':
        return this.#mknod();
      case 'mkdir':
        return { op, path: this.#newPath(true), mode: this.#mode() };
      case 'unlink':
        return { op, path: this.#notRoot(random.chance(0.9) ? ({ kind }) => kind !== 'directory' : undefined) };
      case 'rmdir':
        return { op, path: this.#notRoot(random.chance(0.8) ? ({ isEmpty }) => isEmpty : undefined) };
      case 'rename':
        return this.#rename();
      case 'setxattr': {
        const mode = this.#pick<XattrMode>(['set', 'set', 'set', 'create', 'replace']);
        return { op, path: this.#path(), name: this.#xattrName(), data: this.#data(random.below(120)), mode };
      }
      case 'getxattr':
      case 'removexattr': {
        const path = this.#path();
        return { op, path, name: this.#knownXattr(path) };
      }
      case 'listxattr':
        return { op, path: this.#path() };
      case 'chmod':
        return { op, path: this.#path(), mode: this.#mode() };
      case 'chown': {
        const owners = this.#options.privileged ? OWNERS : [-1];
        return {
          op,
          path: this.#path(),
          uid: this.#pick(owners),
          gid: this.#pick(owners),
          noFollow: random.chance(0.5),
        };
      }
      case 'utimens': {
        const [atime, mtime] = [this.#fileTime(), this.#fileTime()];
        return { op, path: this.#path(), atime, mtime, noFollow: random.chance(0.3) };
      }
      case 'stat':
        return { op, file: random.chance(0.3) ? this.#file() : this.#path(), noFollow: random.chance(0.5) };
      case 'readdir':
        return { op, path: this.#path(random.chance(0.9) ? 'directory' : undefined) };
      case 'readlink':
        return { op, path: this.#path(random.chance(0.9) ? 'symlink' : undefined) };
    }
  }

  #open(): Operation {
    const random = this.#random;
    const flags: OpenFlags = { access: this.#pick<OpenFlags['access']>(['read', 'write', 'readWrite', 'readWrite']) };
    const isNew = random.chance(0.35);
    if (isNew || random.chance(0.15)) flags.create = true;
    if (flags.create === true && random.chance(0.3)) flags.exclusive = true;
    if (random.chance(0.15)) flags.truncate = true;
    if (random.chance(0.2)) flags.append = true;
    if (random.chance(0.1)) flags.noFollow = true;
    if (flags.create !== true && random.chance(0.1)) flags.directory = true;
    const path = isNew ? this.#newPath() : this.#path(random.chance(0.85) ? 'file' : undefined);
    return { op: 'open', handle: random.below(this.#options.handlesMax), path, flags, mode: this.#mode() };
  }

  #write(): Operation {
    const file = this.#file();
    const position = this.#random.chance(0.25) ? 'end' : this.#position(file);
    return { op: 'write', file, position, data: this.#data(this.#length(this.#options.writeBytesMax)) };
  }

  #truncate(): Operation {
    const file = this.#file();
    return { op: 'truncate', file, size: this.#position(file) };
  }

  #fallocate(): Operation {
    const file = this.#file();
    const mode = this.#pick<AllocationMode>(['allocate', 'keepSize', 'punch', 'punch', 'zero', 'zeroKeepSize']);
    // Allocated space is real on a host, so these stay small where a file is huge.
    return { op: 'fallocate', file, mode, position: this.#position(file), length: this.#length(256 * 1024) };
  }

  #mknod(): Operation {
    const devices: MknodKind[] = this.#options.privileged ? ['char', 'block'] : [];
    const kind = this.#pick<MknodKind>(['fifo', 'socket', 'file', ...devices, ...devices]);
    const [major, minor] = kind === 'char' || kind === 'block' ? this.#pick(DEVICES) : [0, 0];
    return { op: 'mknod', path: this.#newPath(), kind, mode: this.#mode(), major, minor };
  }

  #rename(): Operation {
    const random = this.#random;
    const mode = this.#pick<RenameMode>(['plain', 'plain', 'plain', 'noReplace', 'exchange', 'whiteout']);
    const exists = mode === 'exchange' ? random.chance(0.9) : random.chance(0.4);
    const from = this.#notRoot();
    return { op: 'rename', from, to: exists ? this.#notRoot() : this.#newPath(true), mode };
  }

  // Paths

  /** One that exists, mostly, of a kind if one is named; bent one time in ten. */
  #path(kind?: FileKind): string {
    const all = kind === undefined ? this.#paths : this.#paths.filter((entry) => entry.kind === kind);
    const { path } = this.#pick(all.length > 0 ? all : this.#paths);
    return this.#random.chance(0.1) ? this.#bend(path) : path;
  }

  /** For what moves and removes names: the root has none. */
  #notRoot(fits: (entry: PathEntry) => boolean = () => true): string {
    const all = this.#paths.filter((entry) => entry.path !== '/' && fits(entry));
    if (all.length === 0) return this.#newPath();
    const { path } = this.#pick(all);
    return this.#random.chance(0.1) ? this.#bend(path) : path;
  }

  /** In a directory that exists, a name that mostly does not. Not too deep: work should meet, not spread. */
  #newPath(directory = false): string {
    const homes = this.#paths.filter(({ path, kind }) => kind === 'directory' && path.split('/').length <= 4);
    const home = this.#pick(homes).path;
    const name = this.#name();
    const path = `${home === '/' ? '' : home}/${name}`;
    if (this.#random.chance(0.05)) return this.#bend(path);
    return directory && this.#random.chance(0.05) ? `${path}/` : path;
  }

  #name(): string {
    const random = this.#random;
    if (this.#options.strangeNames && random.chance(0.06)) return this.#pick(STRANGE_NAMES);
    if (this.#options.strangeNames && random.chance(0.01)) return this.#pick(REFUSED_NAMES);
    return this.#pick(SHORT_NAMES);
  }

  /** The same place by other words, or a place that is not there. Never more `..` than names before it. */
  #bend(path: string): string {
    const name = path.split('/').at(-1)!;
    switch (this.#random.below(8)) {
      case 0:
        return `${path}/`;
      case 1:
        return `${path}/.`;
      case 2:
        return `${path}/${this.#name()}`;
      case 3:
        return path === '/' ? '/.' : `${path}/../${name}`;
      case 4:
        return path === '/' ? '//.' : `${path}/..`;
      case 5:
        return path.replaceAll('/', '//');
      case 6:
        return `/missing/${name}`;
      default:
        return path === '/' ? '/.' : `/.${path}`;
    }
  }

  /** For a symlink. Most lead somewhere: to a neighbour, or from the root where that is allowed. */
  #target(): string {
    const random = this.#random;
    if (!this.#options.confined && random.chance(0.4)) return this.#path();
    if (!this.#options.confined && random.chance(0.2)) return `../${this.#name()}`;
    const { path } = this.#pick(this.#paths);
    const names = path.split('/').filter((name) => name !== '');
    const known = names.slice(random.below(names.length)).join('/');
    const target = known === '' || random.chance(0.2) ? this.#name() : known;
    return random.chance(0.1) ? `${target}/` : random.chance(0.05) ? 't'.repeat(1 + random.below(4095)) : target;
  }

  // Files and numbers

  #file(): FileReference {
    const handle = this.#random.chance(0.35) ? this.#openHandle() : undefined;
    return handle ?? this.#path(this.#random.chance(0.9) ? 'file' : undefined);
  }

  #openHandle(): number | undefined {
    const open = this.#model.openHandles;
    if (this.#random.chance(0.05)) return this.#random.below(this.#options.handlesMax);
    return open.length === 0 ? undefined : this.#pick(open);
  }

  /** In, at, near or behind the end of the file, or at an edge. */
  #position(file: FileReference): number {
    const random = this.#random;
    const size = this.#sizeOf(file);
    // A huge file stays huge or gets small: between, it would be read whole for its hash.
    const inside = random.below(Math.min(size, INSIDE_MAX) + 1);
    const jitter = random.chance(0.6) ? 0 : random.below(3) - 1;
    const near = (at: number): number => Math.max(0, at + jitter);
    const draw = random.below(100);
    if (draw < 25) return near(size);
    if (draw < 45) return inside;
    if (draw < 55) return near(inside - (inside % BLOCK));
    if (draw < 94) return near(this.#pick(EDGES));
    if (draw < 98 || !this.#options.bigFiles) return near(this.#pick(FAR_EDGES) * BLOCK);
    return near(this.#pick(HUGE_EDGES) * BLOCK);
  }

  #sizeOf(file: FileReference): number {
    const result = applyToModel(this.#model, { op: 'stat', file, noFollow: false });
    const value = 'value' in result ? result.value : null;
    return typeof value === 'object' && value !== null && 'size' in value ? value.size : 0;
  }

  #length(max: number): number {
    const random = this.#random;
    const length = random.chance(0.5) ? this.#pick(EDGES) + random.below(3) - 1 : random.below(8192);
    return Math.min(Math.max(length, 0), max);
  }

  #data(length: number): DataSpec {
    return { seed: this.#random.below(2 ** 16), length };
  }

  #mode(): number {
    if (!this.#options.privileged) return this.#pick(MODES) | 0o700; // stays ours to walk and write
    return this.#pick(this.#random.chance(0.25) ? PRIVILEGED_MODES : MODES);
  }

  #fileTime(): FileTime | null {
    const random = this.#random;
    if (random.chance(0.25)) return null;
    const seconds = this.#pick([0, 1, -1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5, random.below(1_000_000_000)]);
    return { seconds, nanoseconds: this.#pick([0, 1, 999_999_999, random.below(1_000_000_000)]) };
  }

  #xattrName(): string {
    const random = this.#random;
    if (random.chance(0.04)) return this.#pick(['user.', 'unknown.name', 'nodots', `user.${'x'.repeat(251)}`]);
    const names = ['user.a', 'user.b', 'user.comment', 'user.ü', `user.${'l'.repeat(40)}`];
    const trusted = this.#options.privileged && random.chance(0.2);
    return trusted ? this.#pick(['trusted.a', 'security.test']) : this.#pick(names);
  }

  #knownXattr(path: string): string {
    const result = applyToModel(this.#model, { op: 'listxattr', path });
    const names = 'value' in result && Array.isArray(result.value) ? result.value : [];
    return names.length > 0 && this.#random.chance(0.8) ? this.#pick(names) : this.#xattrName();
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)]!;
  }

  #weighted(choices: ReadonlyArray<[name: OperationName, weight: number]>): OperationName {
    const sum = choices.reduce((total, [, weight]) => total + weight, 0);
    let draw = (this.#random.u32() / 2 ** 32) * sum;
    for (const [name, weight] of choices) {
      draw -= weight;
      if (draw < 0) return name;
    }
    return choices.findLast(([, weight]) => weight > 0)![0];
  }
}
