// Where the structures of a volume lie: the map that the mutator aims with. It is found by walking a good volume with
// the declared layouts alone, so it does not rest on the reader it serves to test.
//
// A place is one structure: a block, a byte in it, the layout that names its fields. Beside the places the map knows, for
// every block met on the way, whom it belongs to:
//   - 'all'     what the whole volume hangs on: the first superblock, the checkpoint in force
//   - an ino    a node, a dentry block, data, a payload block: only this file or directory, and what is below it
//   - nobody    what a reader does not follow: SIT, summaries, orphans, copies that are not in force
// NAT blocks and the NAT journal belong to the owners of the nids in them, which a comparison of two tables tells better
// than a list (see `natChanges`).

import type { MemoryDevice } from '@f2fskit/block';
import type { Checkpoint, PackLayout, Superblock, VersionBitmaps } from '@f2fskit/f2fs-format';
import type { StructLike } from '@f2fskit/ondisk';
import { collectFiles } from './structures-files.ts';
import { collectMetadata } from './structures-metadata.ts';

/** Every kind of structure that is aimed at. A volume has some of them. */
export const structureKinds = [
  'superblock',
  'superblockCopy',
  'checkpoint',
  'checkpointEnd',
  'otherCheckpoint',
  'versionBitmap',
  'orphanBlock',
  'natJournal',
  'sitJournal',
  'dataSummary',
  'nodeSummary',
  'natEntry',
  'natBlock',
  'natCopy',
  'sitBlock',
  'sitCopy',
  'ssaBlock',
  'nodeFooter',
  'fileInode',
  'compressedInode',
  'directoryInode',
  'symlinkInode',
  'specialInode',
  'extraAttributes',
  'inodeSlots',
  'inodeNids',
  'directNode',
  'indirectNode',
  'inlineData',
  'deviceNumbers',
  'inlineDentry',
  'dentry',
  'dentryName',
  'dentryBitmap',
  'symlinkBlock',
  'fileData',
  'xattrEntry',
  'xattrNodeEntry',
  'acl',
  'clusterHeader',
  'clusterPayload',
] as const;
export type StructureKind = (typeof structureKinds)[number];

/** One structure of the volume. */
export interface Place {
  readonly kind: StructureKind;
  /** Block address. */
  readonly block: number;
  /** Byte in the block. */
  readonly offset: number;
  /** Its fields; `$size` bytes from `offset` on. */
  readonly layout: StructLike;
  /** For people: `ino 7`, `nid 12`, `copy 1`. */
  readonly label: string;
  /** The inode it is part of, where there is one. */
  readonly ino?: number;
}

/** What makes a changed block look right again. */
export type Seal =
  | { readonly type: 'superblock' }
  /** `twin`: the checkpoint block at the other end of the pack. */
  | { readonly type: 'checkpoint'; readonly twin: number }
  | { readonly type: 'inode' }
  /** `payload`: the blocks of the cluster, in order. */
  | { readonly type: 'cluster'; readonly payload: readonly number[] };

/** Whom damage in a block may show to: everybody, or these inodes and what is below them. */
export type Owners = 'all' | readonly number[];

/** An inode of the good volume. */
export interface KnownInode {
  readonly ino: number;
  /** Of the first name met; its own number for the root. */
  readonly parentIno: number;
  readonly directory: boolean;
}

/** Everything the metadata says, needed to look further. */
export interface VolumeFrame {
  readonly image: MemoryDevice;
  readonly superblock: Superblock;
  readonly checkpoint: Checkpoint;
  readonly packAddress: number;
  readonly layout: PackLayout;
  readonly bitmaps: VersionBitmaps;
  /** Where the NAT journal of the pack lies. */
  readonly natJournal: { readonly block: number; readonly offset: number };
}

/** The map of one good volume. */
export interface StructureMap {
  readonly frame: VolumeFrame;
  /** The kinds that this volume has, each with its places. */
  readonly places: ReadonlyMap<StructureKind, readonly Place[]>;
  readonly owners: ReadonlyMap<number, Owners>;
  readonly seals: ReadonlyMap<number, Seal>;
  readonly inodes: ReadonlyMap<number, KnownInode>;
  /** nid → the inode it belongs to, for every node reached from the root. */
  readonly nids: ReadonlyMap<number, number>;
  /** Addresses of NAT blocks in force and of the block with the NAT journal. */
  readonly natBlocks: ReadonlySet<number>;
}

/** What the two walks fill. */
export class StructureCollector {
  readonly places = new Map<StructureKind, Place[]>();
  readonly owners = new Map<number, Owners>();
  readonly seals = new Map<number, Seal>();
  readonly inodes = new Map<number, KnownInode>();
  readonly nids = new Map<number, number>();
  readonly natBlocks = new Set<number>();

  add(place: Place): void {
    const known = this.places.get(place.kind);
    if (known === undefined) this.places.set(place.kind, [place]);
    else known.push(place);
  }

  own(block: number, owners: Owners): void {
    const before = this.owners.get(block);
    if (before === undefined || owners === 'all') this.owners.set(block, owners);
    else if (before !== 'all') this.owners.set(block, [...new Set([...before, ...owners])]);
  }
}

/** Maps a volume that is good. Throws what decoding it throws when it is not. */
export function mapStructures(image: MemoryDevice): StructureMap {
  const collector = new StructureCollector();
  const frame = collectMetadata(image, collector);
  collectFiles(frame, collector);
  return { frame, ...collector };
}
