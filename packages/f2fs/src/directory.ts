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
import { foldName } from './casefold.ts';
import {
  type DentryArea,
  isDot,
  isImpossibleName,
  kindOfFileType,
  readDentries,
  type StoredDentry,
} from './dentry-area.ts';
import { noKeyName } from './no-key-name.ts';

function isEncrypted({ fields }: DecodedInode): boolean {
  return (fields.advise & Advise.encrypt) !== 0;
}

function isCasefolded({ fields }: DecodedInode): boolean {
  return (fields.flags & InodeFlag.casefold) !== 0;
}

function isInline({ fields }: DecodedInode): boolean {
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

/**
 * The dentry areas of a directory in order: the inline area, or block after block. The number of blocks is bounded by
 * what the device can hold, whatever the directory's size and nodes claim. After a throw it stands behind what failed: one
 * block, or all that hangs below a node.
 */
class DentryAreas {
  readonly #store: NodeStore;
  readonly #directory: DecodedInode;
  readonly #mapping = new BlockMapping();
  readonly #endBlock: number;
  #next = 0;
  #blocksLeft: number;

  constructor(store: NodeStore, directory: DecodedInode) {
    this.#store = store;
    this.#directory = directory;
    this.#endBlock = isInline(directory) ? 0 : Math.ceil(directory.fields.size / BLOCK_SIZE);
    const mainBlocks = store.superblock.segmentCountMain * SEGMENT_BLOCKS;
    this.#blocksLeft = Math.min(mainBlocks, Math.ceil(store.device.size / BLOCK_SIZE));
  }

  *next(): Task<DentryArea | undefined> {
    if (isInline(this.#directory)) {
      return this.#next++ === 0 ? yield* inlineArea(this.#store, this.#directory) : undefined;
    }
    while (this.#next < this.#endBlock) {
      const fileBlock = this.#next++;
      if (fileBlock >= this.#mapping.end) yield* this.#map(fileBlock);
      if (this.#mapping.kind !== 'raw') {
        this.#next = this.#mapping.end;
        continue;
      }
      if (this.#blocksLeft-- === 0) {
        this.#next = this.#endBlock;
        const detail = 'the directory maps more blocks than there are';
        throw corrupt('directoryLoop', { where: { ino: this.#directory.ino, fileBlock }, detail });
      }
      const address = this.#mapping.address + (fileBlock - this.#mapping.start);
      return yield* blockArea(this.#store, this.#directory, fileBlock, address);
    }
    return undefined;
  }

  *#map(fileBlock: number): Task<void> {
    try {
      yield* mapBlocks(this.#store, this.#directory, fileBlock, this.#endBlock, this.#mapping);
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

  constructor(store: NodeStore, directory: DecodedInode) {
    this.#store = store;
    this.#encrypted = isEncrypted(directory);
    this.#areas = new DentryAreas(store, directory);
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
export function* lookupDentry(store: NodeStore, directory: DecodedInode, name: Uint8Array): Task<number> {
  if (isEncrypted(directory)) {
    const search = new Search(store, (stored) => bytesEqual(noKeyName(stored.hash, stored.name), name));
    return (yield* searchAll(store, directory, search)) || search.absent();
  }
  const folded = isCasefolded(directory) ? foldName(name) : undefined;
  const search = new Search(
    store,
    (stored) => bytesEqual(stored.name, name) || (folded !== undefined && foldsTo(stored.name, folded)),
  );
  if (isInline(directory)) return search.area(yield* inlineArea(store, directory)) || search.absent();
  let ino = yield* searchBuckets(store, directory, dentryHash(folded ?? name), search);
  if (ino === 0 && isCasefolded(directory)) ino = yield* searchAll(store, directory, search);
  return ino || search.absent();
}

function foldsTo(name: Uint8Array, folded: Uint8Array): boolean {
  const other = foldName(name);
  return other !== undefined && bytesEqual(other, folded);
}

/** One lookup: what it looks for, and the first damage that may have hidden it. */
class Search {
  readonly #nidEnd: number;
  readonly #matches: (stored: StoredDentry) => boolean;
  #damage: FsError | undefined = undefined;

  constructor(store: NodeStore, matches: (stored: StoredDentry) => boolean) {
    this.#nidEnd = store.nat.nidEnd;
    this.#matches = matches;
  }

  /** The inode number of the name if it is in this area; with `hash` only entries that have it are looked at. */
  area(area: DentryArea, hash?: number): number {
    const problems: FsError[] = [];
    for (const stored of readDentries(area, this.#nidEnd, problems, hash)) {
      if (!isDot(stored.name) && this.#matches(stored)) return stored.ino;
    }
    this.#damage ??= problems[0];
    return 0;
  }

  /** Notes what could not be looked at. Anything but an FsError is a bug and thrown. */
  missed(error: unknown): void {
    if (!(error instanceof FsError)) throw error;
    this.#damage ??= error;
  }

  /** The answer for a name that was not found. */
  absent(): 0 {
    if (this.#damage !== undefined) throw this.#damage;
    return 0;
  }
}

/** The buckets of one hash, level by level. */
function* searchBuckets(store: NodeStore, directory: DecodedInode, hash: number, search: Search): Task<number> {
  const { currentDepth, dirLevel, size } = directory.fields;
  const endBlock = Math.ceil(size / BLOCK_SIZE);
  const mapping = new BlockMapping();
  for (let level = 0; level < Math.min(currentDepth, MAX_DIRECTORY_DEPTH); level++) {
    const first = bucketFirstBlock(level, dirLevel, bucketOf(level, dirLevel, hash));
    if (first >= endBlock) continue;
    const last = Math.min(first + bucketBlocks(level), endBlock);
    for (let at = first; at < last; at = mapping.end) {
      try {
        yield* mapBlocks(store, directory, at, last, mapping);
      } catch (error) {
        search.missed(error);
        continue;
      }
      if (mapping.kind !== 'raw') continue;
      for (let fileBlock = at; fileBlock < mapping.end; fileBlock++) {
        const address = mapping.address + (fileBlock - mapping.start);
        const ino = yield* searchBlock(store, directory, fileBlock, address, hash, search);
        if (ino !== 0) return ino;
      }
    }
  }
  return 0;
}

function* searchBlock(
  store: NodeStore,
  directory: DecodedInode,
  fileBlock: number,
  address: number,
  hash: number,
  search: Search,
): Task<number> {
  try {
    return search.area(yield* blockArea(store, directory, fileBlock, address), hash);
  } catch (error) {
    search.missed(error);
    return 0;
  }
}

/** Every entry there is, whatever its hash. */
function* searchAll(store: NodeStore, directory: DecodedInode, search: Search): Task<number> {
  const areas = new DentryAreas(store, directory);
  for (;;) {
    try {
      const area = yield* areas.next();
      if (area === undefined) return 0;
      const ino = search.area(area);
      if (ino !== 0) return ino;
    } catch (error) {
      search.missed(error);
    }
  }
}
