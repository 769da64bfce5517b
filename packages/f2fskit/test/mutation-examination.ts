// One look at a whole volume: opened, walked, listed, looked up, read, every way a program has of touching it. What it
// shows is kept a line a path; what it throws must be an FsError, and a Corruption must say where.

import type { BlockDevice } from '@f2fskit/block';
import { f2fsCrc } from '@f2fskit/f2fs-format';
import { runSync, Tracer } from '@f2fskit/task';
import { type Inode, utf8Encode } from '@f2fskit/vfs';
import {
  Corruption,
  FsError,
  type IncrementalHash,
  Manifest,
  type OpenOptions,
  openVolumeSync,
  TarArchive,
  type Volume,
} from 'f2fskit';
import { type Costs, Meter, MeteredDevice, meterAllocations, meterCache, meterTracer } from './mutation-meter.ts';

/** What one look showed. */
export interface Examination {
  /** Path (a byte a character) → manifest line with a hash that is ours, and a word for the extended attributes. */
  readonly lines: ReadonlyMap<string, string>;
  /** Paths of directories, and the inode of each path; what could not be read is left out. */
  readonly inodes: ReadonlyMap<string, number>;
  /** Why the volume did not open. */
  readonly refused: FsError | undefined;
  /** Damage reported with a path: `path: message`. */
  readonly damage: readonly FsError[];
  /** Paths that were listed but are not found, or lead elsewhere, when they are looked up. */
  readonly lost: ReadonlySet<string>;
  /** Demands that were not met. */
  readonly broken: readonly string[];
  readonly counts: Costs;
}

/** Bytes that are read of each file beside what the manifest reads. */
const READ_BYTES_MAX = 4 << 20;
/** How much of the whole volume as a tar archive is taken. */
const ARCHIVE_BYTES_MAX = 4 << 20;
/** Names looked up in each directory. */
const LOOKUPS_PER_DIRECTORY = 3;

/** How closely to look. */
export interface ExaminationOptions {
  limits?: Partial<Costs>;
  /** Inodes that are asked everything; of the others one in sixteen is. */
  focus?: 'all' | ReadonlySet<number>;
  cache?: NonNullable<OpenOptions['cache']>;
}

export function examine(
  device: BlockDevice,
  { limits = {}, focus = 'all', cache = {} }: ExaminationOptions = {},
): Examination {
  const look = new Look(new Meter(limits), focus, cache);
  look.run(device);
  return look;
}

class Look implements Examination {
  readonly lines = new Map<string, string>();
  readonly inodes = new Map<string, number>();
  readonly damage: FsError[] = [];
  readonly lost = new Set<string>();
  readonly broken: string[] = [];
  readonly meter: Meter;
  readonly focus: 'all' | ReadonlySet<number>;
  readonly cache: NonNullable<OpenOptions['cache']>;
  refused: FsError | undefined;

  constructor(meter: Meter, focus: 'all' | ReadonlySet<number>, cache: NonNullable<OpenOptions['cache']>) {
    this.cache = cache;
    this.meter = meter;
    this.focus = focus;
  }

  get counts(): Costs {
    return this.meter.counts;
  }

  run(device: BlockDevice): void {
    meterAllocations(this.meter, () => {
      const tracer = new Tracer();
      meterTracer(tracer, this.meter);
      const metered = new MeteredDevice(device, this.meter);
      const volume = this.attempt(
        'open',
        // As it lies there: what recovery makes of a damaged chain is another state, and depends on all of it.
        () => openVolumeSync(metered, { tracer, cache: this.cache, norecovery: true }),
        (error) => {
          this.refused = error;
        },
      );
      if (volume === undefined) return;
      meterCache(volume.f2fs.store.blocks, this.meter);
      this.attempt('volume', () => {
        for (const problem of volume.problems) if (problem.error !== undefined) this.accept('mount', problem.error);
        volume.f2fs.usage();
        this.manifest(volume);
        this.walk(volume);
        this.edge(volume);
        this.archive(volume);
      });
      if (volume.problems.some(({ kind }) => kind === 'recovery' || kind === 'orphans')) {
        // Recovered in memory: whatever it is, it opens or says why, and can be listed.
        this.attempt('recovery', () => {
          const recovered = openVolumeSync(device, { cache: this.cache });
          this.attempt('recovered', () => void recovered.readdirSync('/', { recursive: true }));
        });
      }
    });
  }

  /** Runs `body`; an error it may throw is accepted, any other is a broken demand. */
  attempt<T>(what: string, body: () => T, onError?: (error: FsError) => void): T | undefined {
    try {
      return body();
    } catch (error) {
      if (this.accept(what, error)) onError?.(error as FsError);
      return undefined;
    }
  }

  /** The demands on an error. */
  accept(what: string, error: unknown): boolean {
    if (!(error instanceof FsError)) {
      const stack =
        error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' | ') : String(error);
      this.broken.push(`${what} threw what is no FsError: ${stack}`);
      return false;
    }
    if (error instanceof Corruption) {
      const { block, nid, ino } = error.where;
      const known = block !== undefined || nid !== undefined || ino !== undefined;
      if (error.kind === '') this.broken.push(`${what}: a Corruption without a kind: ${error.message}`);
      if (!known) this.broken.push(`${what}: a Corruption without a place: ${error.message}`);
    }
    return true;
  }

  note(what: string, error: unknown): void {
    if (!this.accept(what, error)) return;
    this.meter.add('problems');
    this.damage.push(error as FsError);
  }

  /** The manifest, which reads every file to its end. */
  manifest(volume: Volume): void {
    const createHash = (): IncrementalHash => new CheapHash((bytes) => this.meter.add('fileBytes', bytes));
    const manifest = runSync(Manifest.open(volume, '/', { createHash }));
    for (;;) {
      const record = runSync(manifest.next());
      if (record === undefined) return;
      this.meter.add('entries');
      if (record.error !== undefined) this.note('manifest', record.error);
      if (record.line !== undefined) this.lines.set(latin1(record.path), latin1(record.line));
    }
  }

  /** The tree as stored, with everything else that an inode can be asked. */
  walk(volume: Volume): void {
    const root = runSync(volume.vfs.walk('/')).inode;
    const tree = volume.vfs.tree(root, utf8Encode('.'), { order: 'disk' });
    const lookups = new Map<number, number>();
    let previous: { depth: number; inode: Inode } | undefined;
    for (;;) {
      const event = runSync(tree.next());
      if (event === undefined) return;
      this.meter.add('entries');
      if (event.type !== 'entry') {
        this.note(event.type, event.error);
        continue;
      }
      const path = latin1(event.path);
      this.inodes.set(path, event.ino);
      this.inode(path, event.inode);
      if (previous !== undefined && previous.depth === event.depth - 1 && previous.inode.kind === 'directory') {
        const directory = previous.inode;
        const done = lookups.get(directory.ino) ?? 0;
        lookups.set(directory.ino, done + 1);
        if (done < LOOKUPS_PER_DIRECTORY) {
          const found = this.attempt('lookup', () => runSync(directory.lookup(event.name)));
          if (found !== event.ino) this.lost.add(path);
          this.attempt('lookup', () => runSync(directory.lookup(utf8Encode(`absent ${done}`))));
        }
      }
      if (event.inode.kind === 'directory') previous = { depth: event.depth, inode: event.inode };
    }
  }

  inode(path: string, inode: Inode): void {
    this.attempt('attributes', () => inode.attributes());
    const xattrs = this.attempt(
      'xattrs',
      () => {
        let crc = 0;
        for (const { name, value } of runSync(inode.extendedAttributes())) {
          crc = f2fsCrc(f2fsCrc(crc, name), value);
        }
        return crc.toString(16);
      },
      (error) => {
        this.damage.push(error);
      },
    );
    const line = this.lines.get(path);
    if (line !== undefined) this.lines.set(path, `${line}\t${xattrs ?? '!'}`);
    if (this.focus !== 'all' && !this.focus.has(inode.ino) && this.inodes.size % 16 !== 0) return;
    if (inode.kind === 'symlink') this.attempt('readlink', () => runSync(inode.readLink()));
    if (inode.kind === 'file') this.attempt('read', () => this.readParts(inode));
    // What makes no sense for a kind is refused, not a crash.
    if (inode.kind !== 'file') this.refuses(path, 'read', () => runSync(inode.read(0, new Uint8Array(1))));
    if (inode.kind !== 'symlink') this.refuses(path, 'readlink', () => runSync(inode.readLink()));
    if (inode.kind !== 'directory') this.refuses(path, 'list', () => inode.list());
  }

  refuses(path: string, what: string, body: () => unknown): void {
    const done = this.attempt(what, () => {
      body();
      return true;
    });
    if (done === true) this.broken.push(`${what} of ${path} should have been refused`);
  }

  /** Ragged reads: across the first block, around the end, in the middle. */
  readParts(inode: Inode): void {
    const { size } = inode.attributes();
    const target = new Uint8Array(9000);
    for (const position of [1, Math.max(0, size - 5000), Math.floor(size / 2), size, size + 4096]) {
      const count = runSync(inode.read(position, target));
      this.meter.add('fileBytes', count);
      const expected = Math.max(0, Math.min(target.length, size - position));
      if (count !== expected)
        this.broken.push(`a read of ino ${inode.ino} at ${position} gave ${count} of ${expected}`);
    }
  }

  /** The calls a user has, on a few paths: errors there carry syscall and path. */
  edge(volume: Volume): void {
    const paths = [...this.inodes.keys()].filter((_, index, all) => index % Math.ceil(all.length / 6) === 0);
    for (const path of paths) {
      const bytes = Uint8Array.from(path.slice(1) || '/', (character) => character.charCodeAt(0));
      for (const call of ['statSync', 'lstatSync', 'readdirSync', 'readlinkSync'] as const) {
        this.attempt(
          call,
          () => volume[call](bytes),
          (error) => this.named(call, error),
        );
      }
      const attributes = this.attempt('statSync', () => volume.statSync(bytes));
      if (attributes === undefined || attributes.size > READ_BYTES_MAX) continue;
      this.attempt(
        'readFileSync',
        () => volume.readFileSync(bytes),
        (error) => this.named('readFileSync', error),
      );
    }
  }

  /** Extraction, as an archive: what cannot be read is in its report and not thrown. */
  archive(volume: Volume): void {
    const archive = new TarArchive(volume.vfs);
    for (let bytes = 0; bytes < ARCHIVE_BYTES_MAX; ) {
      const chunk = runSync(archive.next());
      if (chunk === undefined) {
        if (bytes % 512 !== 0) this.broken.push(`an archive of ${bytes} bytes`);
        return;
      }
      bytes += chunk.length;
      this.meter.add('fileBytes', chunk.length);
    }
  }

  named(call: string, error: FsError): void {
    // As in Node, the error for a directory that is read names no path.
    const pathless = error.syscall === 'read' && error.code === 'EISDIR';
    if (error.syscall === undefined || (error.path === undefined && !pathless)) {
      this.broken.push(`${call} threw an error without syscall and path: ${error.message}`);
    }
  }
}

/** A checksum for telling contents apart; a file of zeros, however long, costs little. */
class CheapHash implements IncrementalHash {
  readonly #onBytes: (bytes: number) => void;
  #crc = 0;
  #zeros = 0;

  constructor(onBytes: (bytes: number) => void) {
    this.#onBytes = onBytes;
  }

  update(bytes: Uint8Array): void {
    this.#onBytes(bytes.length);
    if (Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0) {
      this.#zeros += bytes.length;
      return;
    }
    this.#crc = f2fsCrc(this.#crc ^ this.#zeros, bytes);
    this.#zeros = 0;
  }

  digest(): Uint8Array {
    const view = new DataView(new ArrayBuffer(12));
    view.setUint32(0, this.#crc);
    view.setFloat64(4, this.#zeros);
    return new Uint8Array(view.buffer);
  }
}

const zeros = new Uint8Array(1 << 20);

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
