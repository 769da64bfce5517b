// The paths of inodes, for findings: looked up when the check is over, for those that are kept. A path goes up from entry to
// entry, through the first name that was met of each inode, and reads the names again.

import { type BlockDevice, readBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  DENTRY_BLOCK_LAYOUT,
  Dentry,
  type DentryLayout,
  decodeInode,
  dentryEntryOffset,
  dentryLayoutOf,
  dentryNameOffset,
  type Superblock,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { utf8Decode } from '@f2fskit/vfs/utf8';
import type { CheckState } from './check-state.ts';
import { withoutChecksums } from './inode.ts';
import type { Finding } from './report.ts';

const DEPTH_MAX = 64;

/** Adds the path to every finding that names an inode. */
export function* addPaths(state: CheckState, findings: readonly Finding[]): Task<void> {
  const paths = new Map<number, string | undefined>();
  for (const { place } of findings) {
    if (place.ino === undefined) continue;
    if (!paths.has(place.ino)) paths.set(place.ino, yield* pathOf(state, place.ino));
    const path = paths.get(place.ino);
    if (path !== undefined) place.path = path;
  }
}

function* pathOf(state: CheckState, ino: number): Task<string | undefined> {
  const { superblock, inodes, nodes } = state;
  if (ino === superblock.rootIno) return '/';
  let path = '';
  let at = ino;
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const index = nodes.inodeIndex(at);
    if (index < 0 || inodes.names[index] === 0) return undefined;
    const parent = inodes.nameParents[index]!;
    const name = yield* nameOf(state, parent, inodes.nameBlocks[index]!, inodes.nameSlots[index]!);
    if (name === undefined) return undefined;
    path = `/${utf8Decode(name)}${path}`;
    if (parent === superblock.rootIno) return path;
    at = parent;
  }
  return undefined;
}

function* nameOf(state: CheckState, parent: number, block: number, slot: number): Task<Uint8Array | undefined> {
  const bytes = yield* readBlock(state.device, block);
  return bytes === undefined ? undefined : entryName(state, parent, bytes, block, slot);
}

function* readBlock(device: BlockDevice, block: number): Task<Uint8Array | undefined> {
  const bytes = new Uint8Array(BLOCK_SIZE);
  try {
    yield* readBytes(device, block * BLOCK_SIZE, bytes);
    return bytes;
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

/** Where the inline entries of a directory are. */
function inlineAreaOf(
  superblock: Superblock,
  bytes: Uint8Array,
  nid: number,
  address: number,
): { offset: number; size: number } | undefined {
  try {
    return decodeInode(bytes, viewOf(bytes), withoutChecksums(superblock), { nid, address }).inlineArea;
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

/** The name in a slot of an area; cut off where it would leave the block. */
function nameIn(bytes: Uint8Array, at: number, layout: DentryLayout, slot: number): Uint8Array {
  const length = Dentry.nameLength.get(viewOf(bytes), at + dentryEntryOffset(layout, slot));
  const start = at + dentryNameOffset(layout, slot);
  return bytes.slice(start, start + length);
}

/** The name of an entry of directory `ino`, from the block that it is in: a dentry block, or the inode itself. */
export function entryName(
  { superblock, nodes }: CheckState,
  ino: number,
  bytes: Uint8Array,
  block: number,
  slot: number,
): Uint8Array | undefined {
  if (block !== nodes.addressOf(ino)) return nameIn(bytes, 0, DENTRY_BLOCK_LAYOUT, slot);
  const area = inlineAreaOf(superblock, bytes, ino, block);
  return area === undefined ? undefined : nameIn(bytes, area.offset, dentryLayoutOf(area.size), slot);
}
