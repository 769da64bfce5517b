// Directories: listing and lookup.
//
// A directory is a hash table of many levels spread over its file blocks; level l has 2^(l + dirLevel) buckets of 2 blocks
// (4 from level 31). A name lies in its bucket on one of the levels that were ever used. A small directory keeps its
// entries inside the inode instead.
//
// Listing goes through the blocks in order and skips holes. It goes on behind damage.
// Lookup, for a name with hash h:
//   1. inline: compare every entry
//   2. for each level: the blocks of bucket h mod buckets; hash and name must match
//   3. case-insensitive directory and nothing found: every block, names folded, hashes ignored (Linux 6.1 always, 7.2 on
//      request: some builds stored other hashes)
// Encrypted directory: names are compared in their no-key form, every block.
// It goes on behind damage as well; only a name that is nowhere else is reported as hidden by it.
// On a volume that is written to, blocks that changed are taken from memory, and blocks move at every checkpoint: each is
// mapped just before it is read.
// Source: spec 7; kernel fs/f2fs/dir.c.

import { FsError } from '@f2fskit/errno';
import {
  Advise,
  BLOCK_SIZE,
  bucketBlocks,
  bucketFirstBlock,
  bucketOf,
  corrupt,
  DENTRY_BLOCK_LAYOUT,
  dentryHash,
  dentryLayoutOf,
  InlineFlag,
  InodeFlag,
  MAX_DIRECTORY_DEPTH,
  SEGMENT_BLOCKS,
} from '@f2fskit/f2fs-format';
import { BlockMapping, type DecodedInode, mapBlocks, type NodeStore } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import { bytesEqual, type DirectoryBatch, type DirectoryEntry, type DirectoryReader } from '@f2fskit/vfs';
import { foldForHash, foldName } from './casefold.ts';
import {
  type DentryArea,
  isDot,
  isImpossibleName,
  kindOfFileType,
  readDentries,
  type StoredDentry,
} from './dentry-area.ts';
import type { DentryOverlay } from './names/dirty-directories.ts';
import { noKeyName } from './no-key-name.ts';

/** A name in a directory, and where it is. */
export interface FoundDentry {
  ino: number;
  fileType: number;
  hash: number;
  slot: number;
  /** `undefined`: inside the inode. */
  fileBlock: number | undefined;
  /** As stored, a copy. */
  name: Uint8Array;
}

export function isEncrypted({ fields }: DecodedInode): boolean {
  return (fields.advise & Advise.encrypt) !== 0;
}

export function isCasefolded({ fields }: DecodedInode): boolean {
  return (fields.flags & InodeFlag.casefold) !== 0;
}

export function isInline({ fields }: DecodedInode): boolean {
  return (fields.inlineFlags & InlineFlag.dentry) !== 0;
}

/** The area of an inline directory, good until the next wait. */
function* inlineArea(store: NodeStore, directory: DecodedInode): Task<DentryArea> {
  const { offset, size } = directory.fields.inlineArea;
  const { bytes, view, address } = yield* store.readInodeNode(directory);
  const place = { block: address, ino: directory.ino };
  return { bytes, view, offset, layout: dentryLayoutOf(size), place };
}

/** One dentry block, good until the next wait. Throws EIO. */
function* blockArea(store: NodeStore, directory: DecodedInode, fileBlock: number, address: number): Task<DentryArea> {
  const { bytes, view } = store.blocks.peek(address) ?? (yield* store.blocks.get(address));
  return {
    bytes,
    view,
    offset: 0,
    layout: DENTRY_BLOCK_LAYOUT,
    place: { block: address, ino: directory.ino, fileBlock },
  };
}

/** A dentry block that is in memory only. */
function overlayArea(ino: number, fileBlock: number, overlay: DentryOverlay | undefined): DentryArea | undefined {
  const dirty = overlay?.peek(ino, fileBlock);
  if (dirty === undefined) return undefined;
  return { ...dirty, offset: 0, layout: DENTRY_BLOCK_LAYOUT, place: { ino, fileBlock } };
}

/** The entry as users see it; `undefined` for one that is not shown, with the reason in `problems`. */
function shownEntry(
  stored: StoredDentry,
  area: DentryArea,
  encrypted: boolean,
  problems: FsError[],
): DirectoryEntry | undefined {
  if (isDot(stored.name)) return undefined;
  const { ino, fileType, hash } = stored;
  const kind = kindOfFileType(fileType);
  if (encrypted) return { name: noKeyName(hash, stored.name), ino, kind };
  if (isImpossibleName(stored.name)) {
    const detail = `the name of ino ${ino} in slot ${stored.slot} contains "/" or NUL`;
    problems.push(corrupt('dentryName', { where: area.place, detail }));
    return undefined;
  }
  return { name: stored.name.slice(), ino, kind };
}

/** A directory as it is now: on a volume that is written to it changes between two steps of a listing. */
export interface DirectorySource {
  readonly raw: DecodedInode;
}

/**
 * The dentry areas of a directory in order: the inline area, or block after block. The number of blocks is bounded by
 * what the device can hold, whatever the directory's size and nodes claim. After a throw it stands behind what failed: one
 * block, or all that hangs below a node.
 */
export class DentryAreas {
  readonly #store: NodeStore;
  readonly #source: DirectorySource;
  readonly #mapping = new BlockMapping();
  readonly #overlay: DentryOverlay | undefined;
  #next = 0;
  #blocksLeft: number;

  constructor(store: NodeStore, source: DirectorySource, overlay?: DentryOverlay) {
    this.#store = store;
    this.#source = source;
    this.#overlay = overlay;
    const mainBlocks = store.superblock.segmentCountMain * SEGMENT_BLOCKS;
    this.#blocksLeft = Math.min(mainBlocks, Math.ceil(store.device.size / BLOCK_SIZE));
  }

  *next(): Task<DentryArea | undefined> {
    const { raw } = this.#source;
    if (isInline(raw)) return this.#next++ === 0 ? yield* inlineArea(this.#store, raw) : undefined;
    const endBlock = Math.ceil(raw.fields.size / BLOCK_SIZE);
    while (this.#next < endBlock) {
      const fileBlock = this.#next++;
      if (this.#overlay !== undefined || fileBlock >= this.#mapping.end) yield* this.#map(raw, fileBlock, endBlock);
      const changed = overlayArea(raw.ino, fileBlock, this.#overlay);
      if (changed !== undefined) return changed;
      if (this.#mapping.kind !== 'raw') {
        // Of what is reserved any block may be in memory.
        if (this.#mapping.kind === 'hole' || this.#overlay === undefined) this.#next = this.#mapping.end;
        continue;
      }
      if (this.#blocksLeft-- === 0) {
        this.#next = Number.POSITIVE_INFINITY;
        const detail = 'the directory maps more blocks than there are';
        throw corrupt('directoryLoop', { where: { ino: raw.ino, fileBlock }, detail });
      }
      const address = this.#mapping.address + (fileBlock - this.#mapping.start);
      return yield* blockArea(this.#store, raw, fileBlock, address);
    }
    return undefined;
  }

  *#map(raw: DecodedInode, fileBlock: number, endBlock: number): Task<void> {
    try {
      yield* mapBlocks(this.#store, raw, fileBlock, endBlock, this.#mapping);
    } catch (error) {
      this.#next = Math.max(this.#next, this.#mapping.end); // one step for all that the damage hides
      throw error;
    }
  }
}

/** A listing in progress: one block, or the whole inline area, a step. */
export class F2fsDirectoryReader implements DirectoryReader {
  readonly #store: NodeStore;
  readonly #encrypted: boolean;
  readonly #areas: DentryAreas;

  constructor(store: NodeStore, source: DirectorySource, overlay?: DentryOverlay) {
    this.#store = store;
    this.#encrypted = isEncrypted(source.raw);
    this.#areas = new DentryAreas(store, source, overlay);
  }

  *next(): Task<DirectoryBatch | undefined> {
    try {
      const area = yield* this.#areas.next();
      return area === undefined ? undefined : this.#batch(area);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      return { entries: [], problems: [error] };
    }
  }

  #batch(area: DentryArea): DirectoryBatch {
    const problems: FsError[] = [];
    const entries: DirectoryEntry[] = [];
    for (const stored of readDentries(area, this.#store.nat.nidEnd, problems)) {
      const entry = shownEntry(stored, area, this.#encrypted, problems);
      if (entry !== undefined) entries.push(entry);
    }
    return { entries, problems };
  }
}

/** The inode number of `name` in the directory, 0 when it is absent. Throws Corruption, EIO when damage may hide it. */
export function* lookupDentry(
  store: NodeStore,
  directory: DecodedInode,
  name: Uint8Array,
  overlay?: DentryOverlay,
): Task<number> {
  return (yield* findDentry(store, directory, name, overlay))?.ino ?? 0;
}

/** The entry `name` of the directory. Throws Corruption, EIO when damage may hide it. */
export function* findDentry(
  store: NodeStore,
  directory: DecodedInode,
  name: Uint8Array,
  overlay?: DentryOverlay,
): Task<FoundDentry | undefined> {
  if (isEncrypted(directory)) {
    const search = new Search(store, overlay, (stored) => bytesEqual(noKeyName(stored.hash, stored.name), name));
    return (yield* searchAll(store, directory, search)) ?? search.absent();
  }
  const folded = isCasefolded(directory) ? foldName(name) : undefined;
  const search = new Search(
    store,
    overlay,
    (stored) => bytesEqual(stored.name, name) || (folded !== undefined && foldsTo(stored.name, folded)),
  );
  if (isInline(directory)) return search.area(yield* inlineArea(store, directory)) ?? search.absent();
  let found = yield* searchBuckets(
    store,
    directory,
    dentryHash(isCasefolded(directory) ? (foldForHash(name) ?? name) : name),
    search,
  );
  if (found === undefined && isCasefolded(directory)) found = yield* searchAll(store, directory, search);
  return found ?? search.absent();
}

function foldsTo(name: Uint8Array, folded: Uint8Array): boolean {
  const other = foldName(name);
  return other !== undefined && bytesEqual(other, folded);
}

/** One lookup: what it looks for, and the first damage that may have hidden it. */
class Search {
  readonly overlay: DentryOverlay | undefined;
  readonly #nidEnd: number;
  readonly #matches: (stored: StoredDentry) => boolean;
  #damage: FsError | undefined = undefined;

  constructor(store: NodeStore, overlay: DentryOverlay | undefined, matches: (stored: StoredDentry) => boolean) {
    this.overlay = overlay;
    this.#nidEnd = store.nat.nidEnd;
    this.#matches = matches;
  }

  /** The name if it is in this area; with `hash` only entries that have it are looked at. */
  area(area: DentryArea, hash?: number): FoundDentry | undefined {
    const problems: FsError[] = [];
    for (const stored of readDentries(area, this.#nidEnd, problems, hash)) {
      if (isDot(stored.name) || !this.#matches(stored)) continue;
      return { ...stored, name: stored.name.slice(), fileBlock: area.place.fileBlock };
    }
    this.#damage ??= problems[0];
    return undefined;
  }

  /** Notes what could not be looked at. Anything but an FsError is a bug and thrown. */
  missed(error: unknown): void {
    if (!(error instanceof FsError)) throw error;
    this.#damage ??= error;
  }

  /** The answer for a name that was not found. */
  absent(): undefined {
    if (this.#damage !== undefined) throw this.#damage;
  }
}

/** The buckets of one hash, level by level. */
function* searchBuckets(
  store: NodeStore,
  directory: DecodedInode,
  hash: number,
  search: Search,
): Task<FoundDentry | undefined> {
  const { currentDepth, dirLevel, size } = directory.fields;
  const endBlock = Math.ceil(size / BLOCK_SIZE);
  const mapping = new BlockMapping();
  for (let level = 0; level < Math.min(currentDepth, MAX_DIRECTORY_DEPTH); level++) {
    const first = bucketFirstBlock(level, dirLevel, bucketOf(level, dirLevel, hash));
    if (first >= endBlock) continue;
    const last = Math.min(first + bucketBlocks(level), endBlock);
    for (let at = first; at < last; at = mapping.end) {
      try {
        yield* mapBlocks(store, directory, at, search.overlay === undefined ? last : at + 1, mapping);
      } catch (error) {
        search.missed(error);
        continue;
      }
      for (let fileBlock = at; fileBlock < mapping.end; fileBlock++) {
        const found = yield* searchBlock(store, directory, fileBlock, mapping, hash, search);
        if (found !== undefined) return found;
      }
    }
  }
  return undefined;
}

function* searchBlock(
  store: NodeStore,
  directory: DecodedInode,
  fileBlock: number,
  mapping: BlockMapping,
  hash: number,
  search: Search,
): Task<FoundDentry | undefined> {
  const changed = overlayArea(directory.ino, fileBlock, search.overlay);
  if (changed !== undefined) return search.area(changed, hash);
  if (mapping.kind !== 'raw') return undefined;
  try {
    const address = mapping.address + (fileBlock - mapping.start);
    return search.area(yield* blockArea(store, directory, fileBlock, address), hash);
  } catch (error) {
    search.missed(error);
    return undefined;
  }
}

/** Every entry there is, whatever its hash. */
function* searchAll(store: NodeStore, directory: DecodedInode, search: Search): Task<FoundDentry | undefined> {
  const areas = new DentryAreas(store, { raw: directory }, search.overlay);
  for (;;) {
    try {
      const area = yield* areas.next();
      if (area === undefined) return undefined;
      const found = search.area(area);
      if (found !== undefined) return found;
    } catch (error) {
      search.missed(error);
    }
  }
}
