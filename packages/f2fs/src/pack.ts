// The checkpoint packs: both are looked at, the newer sound one is taken. Of the pack in use this reads the two checkpoint
// blocks, the payload with the rest of the version bitmaps, and the block or blocks with the two journals: a handful of
// blocks on a volume of any size. Source: spec 3.3 to 3.5, 4.3, 4.6.

import type { Corruption } from '@f2fskit/errno';
import { FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  type Checkpoint,
  type CorruptionKind,
  decodeCheckpoint,
  decodeNatJournal,
  decodePack,
  decodeSitJournal,
  journalsOfPack,
  type NatRecord,
  type PackLayout,
  packAddress,
  packLayout,
  type SegmentInformation,
  type Superblock,
  selectPack,
  type VersionBitmaps,
  versionBitmaps,
} from '@f2fskit/f2fs-format';
import type { DeviceMapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';

/** The pack in use, and what reading needs of it. */
export interface Pack {
  readonly checkpoint: Checkpoint;
  readonly index: 0 | 1;
  readonly address: number;
  readonly layout: PackLayout;
  readonly bitmaps: VersionBitmaps;
  readonly natJournal: readonly NatRecord[];
  readonly sitJournal: readonly SegmentInformation[];
  /** What is wrong with the other pack, or with fields of this one that reading does not rest on. */
  readonly problems: Corruption[];
}

/** Rules whose breach a reader survives: counts and log positions, which only a writer relies on. */
const toleratedWhenReading: readonly CorruptionKind[] = [
  'checkpointSegmentCounts',
  'checkpointReserve',
  'checkpointUserBlocks',
  'checkpointValidBlocks',
  'checkpointValidNodes',
  'checkpointCurrentSegment',
  'checkpointCurrentOffset',
  'checkpointAllocationType',
  'checkpointLargeNatBitmap',
  'checkpointNatBits',
  'checkpointErrorFlag',
];

/** Reads and selects. Throws Corruption when neither pack is sound, EIO. */
export function* readPack(superblock: Superblock, blocks: DeviceMapping): Task<Pack> {
  const candidates: Array<Checkpoint | FsError> = [];
  for (const index of [0, 1] as const) candidates.push(yield* readCandidate(superblock, blocks, index));
  const selected = selectPack(candidates[0]!, candidates[1]!, toleratedWhenReading);
  const { checkpoint } = selected;
  const address = packAddress(superblock, selected.pack);

  const head = new Uint8Array((1 + superblock.checkpointPayloadBlocks) * BLOCK_SIZE);
  for (let index = 0; index <= superblock.checkpointPayloadBlocks; index++) {
    head.set((yield* blocks.get(address + index)).bytes, index * BLOCK_SIZE);
  }
  const layout = packLayout(checkpoint, superblock);
  const journals = journalsOfPack(layout);
  const nat = yield* blocks.copy(address + journals.nat.index);
  const sit = yield* blocks.copy(address + journals.sit.index);
  const problems = [...selected.problems, ...checkpoint.problems];
  let sitJournal: readonly SegmentInformation[] = [];
  try {
    sitJournal = decodeSitJournal(sit.view, journals.sit.offset, superblock, sit.address);
  } catch (error) {
    // Which blocks are in use matters to checks and writers; a reader follows pointers only.
    if (!(error instanceof FsError) || error.code !== 'EUCLEAN') throw error;
    problems.push(error as Corruption);
  }
  return {
    checkpoint,
    index: selected.pack,
    address,
    layout,
    bitmaps: versionBitmaps(checkpoint, superblock, head),
    natJournal: decodeNatJournal(nat.view, journals.nat.offset, nat.address),
    sitJournal,
    problems,
  };
}

/** One pack's checkpoint, or why it is unusable. */
function* readCandidate(superblock: Superblock, blocks: DeviceMapping, index: 0 | 1): Task<Checkpoint | FsError> {
  const address = packAddress(superblock, index);
  try {
    const first = yield* blocks.copy(address);
    const { packBlockCount } = decodeCheckpoint(first.bytes, superblock, address);
    const last = yield* blocks.copy(address + packBlockCount - 1);
    return decodePack(first.bytes, last.bytes, superblock, address);
  } catch (error) {
    if (error instanceof FsError) return error;
    throw error;
  }
}
