// What is known when all inodes and all entries have been met: whether an entry and its inode agree, how many names an inode
// has, whether directories hang together, and whether each has its dots.

import { DENTRY_BLOCK_LAYOUT, FileType, RawInode } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { CheckState } from './check-state.ts';
import { walkDentries } from './dentries.ts';
import { InodeState } from './inode-table.ts';
import type { FindingPlace } from './report.ts';

/** Reads the dentry blocks that the walk over the nodes met, each once, in the order of their addresses. */
export function* walkDirectories(state: CheckState): Task<void> {
  const { addresses, inodes, fileBlocks } = state.directoryBlocks;
  yield* state.sweep.run(
    addresses.items,
    ({ bytes, view }, block, n) => {
      const place = { index: inodes.at(n), fileBlock: fileBlocks.at(n), block };
      walkDentries(state, { bytes, view, at: 0, layout: DENTRY_BLOCK_LAYOUT, ...place });
      return undefined;
    },
    addresses.length,
  );
}

/** Names, links and dots of every inode. */
export function checkNames(state: CheckState): void {
  const { inodes } = state;
  const { sound, incomplete, directory } = InodeState;
  for (let index = 0; index < inodes.count; index++) {
    const whole = inodes.has(index, sound) && !(inodes.has(index, incomplete) && inodes.has(index, directory));
    if (!whole) state.namesMissing = true;
  }
  for (let index = 0; index < inodes.count; index++) {
    checkReached(state, index);
    if (!inodes.has(index, InodeState.sound)) continue;
    checkEntry(state, index);
    checkLinks(state, index);
    if (inodes.has(index, InodeState.directory)) checkDirectory(state, index);
  }
}

function placeOf({ inodes, nodes }: CheckState, index: number, offset?: number): FindingPlace {
  const ino = inodes.nids[index]!;
  return { area: 'main', block: nodes.addressOf(ino), ...(offset === undefined ? {} : { offset }), ino };
}

function checkReached(state: CheckState, index: number): void {
  const { inodes, findings } = state;
  const named = inodes.names[index]! > 0;
  if (inodes.has(index, InodeState.orphan)) {
    const links = inodes.links[index]!;
    const place = placeOf(state, index, RawInode.links.offset);
    if (named) findings.add('orphanLinks', place, 'no name', `${inodes.names[index]} names`);
    else if (links !== 0) findings.add('orphanLinks', place, 0, links);
  } else if (!named && !inodes.has(index, InodeState.rooted)) {
    // Names may be where nobody could look.
    const detail = state.namesMissing ? 'directories are missing that may name it' : undefined;
    findings.add('inodeUnreachable', placeOf(state, index), undefined, undefined, detail);
  }
}

/** The first entry that names it says its type. */
function checkEntry({ inodes, findings }: CheckState, index: number): void {
  const type = inodes.types[index]!;
  const said = inodes.nameTypes[index]!;
  if (inodes.names[index] === 0 || said === type || said === FileType.unknown || said > FileType.symlink) return;
  const place = { area: 'main' as const, block: inodes.nameBlocks[index]!, slot: inodes.nameSlots[index]! };
  findings.add('dentryType', { ...place, ino: inodes.nids[index]! }, type, said, 'the mode of the inode says');
}

function checkLinks(state: CheckState, index: number): void {
  const { inodes, findings } = state;
  if (inodes.has(index, InodeState.orphan)) return;
  const directory = inodes.has(index, InodeState.directory);
  // A quota file has the link that no directory has.
  const names = inodes.has(index, InodeState.rooted) ? 1 : inodes.names[index]!;
  const expected = directory ? 2 + inodes.subdirectories[index]! : names;
  if (!directory && names === 0) return; // unreachable: told
  if (inodes.links[index] !== expected && !inodes.has(index, InodeState.incomplete)) {
    findings.add('linkCount', placeOf(state, index, RawInode.links.offset), expected, inodes.links[index]!);
  }
}

function checkDirectory(state: CheckState, index: number): void {
  const { inodes, superblock, findings } = state;
  if (inodes.has(index, InodeState.orphan)) return;
  const { dot, dotDot, impliedDots } = InodeState;
  const present = (inodes.flags[index]! & (dot | dotDot)) === (dot | dotDot);
  if (!present && !inodes.has(index, impliedDots)) findings.add('dots', placeOf(state, index));
  if (inodes.nids[index] === superblock.rootIno || inodes.names[index] === 0) return;
  if (inodes.names[index]! > 1) findings.add('directoryTwice', placeOf(state, index), 1, inodes.names[index]!);
  const parent = inodes.nameParents[index]!;
  if (parent !== inodes.parents[index]) {
    findings.add('dotIno', placeOf(state, index, RawInode.parentIno.offset), parent, inodes.parents[index]!, 'i_pino');
  }
  if (!isConnected(state, index)) findings.add('directoryLoop', placeOf(state, index));
}

/** Follows the names up. What was found is remembered for all on the way, so that all walks together cost one. */
function isConnected({ inodes, nodes }: CheckState, start: number): boolean {
  const { rooted, orphan, connected, adrift } = InodeState;
  const way: number[] = [];
  let result: number | undefined;
  for (let index = start; result === undefined; ) {
    if (inodes.has(index, connected)) result = connected;
    else if (inodes.has(index, adrift)) result = adrift;
    // What has no name is told as such; what is below it hangs together.
    else if (inodes.has(index, rooted | orphan) || inodes.names[index] === 0) result = connected;
    else {
      // Whoever comes here again without having met an end goes in a circle.
      inodes.mark(index, adrift);
      way.push(index);
      index = nodes.inodeIndex(inodes.nameParents[index]!);
    }
  }
  if (result === connected) {
    for (const index of way) {
      inodes.flags[index]! &= ~adrift;
      inodes.mark(index, connected);
    }
  }
  return result === connected;
}
