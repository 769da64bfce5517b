// Summaries: for each block of a segment, who points to it. The segment summary area keeps one summary block a main
// segment; those of the six current segments stand in the checkpoint pack, the three data ones often packed together:
//
//   compact block 1: NAT journal 507 | SIT journal 507 | 439 entries | 5 bytes zero
//   compact block 2: 584 entries | 8 bytes zero (5 of them where a footer would be)
//
// The journals live here because these blocks are written by every checkpoint anyway.

import { assert } from '@f2fskit/errno';
import { bytes, struct, structs, u8, u16, u32, u64 } from '@f2fskit/ondisk';
import type { Checkpoint } from './checkpoint.ts';
import { AllocationType, BLOCK_SIZE, JOURNAL_BYTES, SEGMENT_BLOCKS, SUMMARY_ENTRIES_PER_BLOCK } from './constants.ts';
import { corrupt } from './corruption.ts';
import type { Superblock } from './superblock.ts';

/** The owner of one block. 7 bytes, packed. */
export const SummaryEntry = struct('f2fs_summary', 7, {
  nid: u32(0, 'data block: the node that points to it; node block: its own nid'),
  version: u8(4, 'data block: NAT version of that node; node block: 0'),
  offsetInNode: u16(5, 'data block: index of the pointer, in an inode after its extra attributes; node block: 0'),
});

/** A whole summary: SSA block, or full summary in a checkpoint pack. */
export const SummaryBlock = struct('f2fs_summary_block', 4096, {
  entries: structs(0, SummaryEntry, SUMMARY_ENTRIES_PER_BLOCK, 'one for each block of the segment'),
  journal: bytes(3584, JOURNAL_BYTES, 'hot data: NAT journal; cold data: SIT journal; hot node: statistics'),
  entryType: u8(4091, '0 data segment, 1 node segment'),
  checksum: u32(4092, '0, never verified'),
});

/** Where the journal area of a full summary starts. */
export const SUMMARY_JOURNAL_OFFSET = 3584;

/** Values of a summary's `entryType`. */
export const SummaryType = { data: 0, node: 1 } as const;

/** The journal area of the hot node summary, in checkpoint packs. 507 bytes. */
export const ExtraInformation = struct('f2fs_extra_info', JOURNAL_BYTES, {
  reservedHead: bytes(0, 2, 'where a journal has its count'),
  kibibytesWritten: u64(2, 'KiB ever written to this volume'),
  reserved: bytes(10, 497, 'zero'),
});

/** Where entries start in the first compact block, after the two journals. */
export const COMPACT_ENTRIES_OFFSET = 2 * JOURNAL_BYTES;
/** Where the SIT journal starts in the first compact block. */
export const COMPACT_SIT_JOURNAL_OFFSET = JOURNAL_BYTES;

/** Entries of the three data logs that compact summaries hold: a log that fills holes needs all 512. */
export function compactEntryCounts(
  checkpoint: Pick<Checkpoint, 'allocationTypes' | 'currentDataOffsets'>,
): [hot: number, warm: number, cold: number] {
  const count = (log: 0 | 1 | 2) =>
    checkpoint.allocationTypes[log] === AllocationType.lfs ? checkpoint.currentDataOffsets[log] : SEGMENT_BLOCKS;
  return [count(0), count(1), count(2)];
}

/** Entries that fit into the first compact block after the two journals. */
export const COMPACT_ENTRIES_FIRST = 439;
/** Entries that fit into the second. */
export const COMPACT_ENTRIES_SECOND = 584;

/** Entries that fit into both. */
export const COMPACT_ENTRIES_MAX: number = COMPACT_ENTRIES_FIRST + COMPACT_ENTRIES_SECOND;

/** Blocks that compact summaries of `entries` entries take: 1 or 2; 0 when they do not fit. */
export function compactSummaryBlocks(entries: number): 0 | 1 | 2 {
  if (entries <= COMPACT_ENTRIES_FIRST) return 1;
  return entries <= COMPACT_ENTRIES_MAX ? 2 : 0;
}

/** Address of the SSA block of main segment `segno`. */
export function ssaBlockAddress(superblock: Pick<Superblock, 'ssaAddress'>, segno: number): number {
  return superblock.ssaAddress + segno;
}

/** Byte offset of entry `n` in the concatenation of the compact blocks. */
export function compactEntryOffset(n: number): number {
  assert(n < COMPACT_ENTRIES_MAX, 'an entry of two compact blocks');
  return n < COMPACT_ENTRIES_FIRST
    ? COMPACT_ENTRIES_OFFSET + SummaryEntry.$size * n
    : BLOCK_SIZE + SummaryEntry.$size * (n - COMPACT_ENTRIES_FIRST);
}

/** The full summaries of the hot, warm and cold data log, 4096 bytes each. */
export type DataSummaries = [hot: Uint8Array, warm: Uint8Array, cold: Uint8Array];

/**
 * Turns compact summaries into the three full ones: entries in place, the NAT journal in hot, the SIT journal in cold.
 * `compact` is the concatenation of the pack's compact blocks.
 *
 * @throws Corruption compactSummary when the checkpoint claims more entries than the blocks can hold.
 */
export function expandCompactSummaries(
  checkpoint: Pick<Checkpoint, 'allocationTypes' | 'currentDataOffsets' | 'address'>,
  compact: Uint8Array,
): DataSummaries {
  const counts = compactEntryCounts(checkpoint);
  const total = counts[0] + counts[1] + counts[2];
  const blocks = compactSummaryBlocks(total);
  const fits = counts.every((count) => count <= SUMMARY_ENTRIES_PER_BLOCK);
  if (blocks === 0 || !fits || compact.length < blocks * BLOCK_SIZE) {
    throw corrupt('compactSummary', {
      where: { block: checkpoint.address },
      expected: `entries for ${compact.length / BLOCK_SIZE} blocks`,
      found: total,
    });
  }
  const summaries: DataSummaries = [new Uint8Array(BLOCK_SIZE), new Uint8Array(BLOCK_SIZE), new Uint8Array(BLOCK_SIZE)];
  summaries[0].set(compact.subarray(0, JOURNAL_BYTES), SUMMARY_JOURNAL_OFFSET);
  const sitJournal = compact.subarray(COMPACT_SIT_JOURNAL_OFFSET, COMPACT_ENTRIES_OFFSET);
  summaries[2].set(sitJournal, SUMMARY_JOURNAL_OFFSET);
  let n = 0;
  for (const [log, summary] of summaries.entries()) {
    for (let index = 0; index < counts[log]!; index++, n++) {
      const from = compactEntryOffset(n);
      summary.set(compact.subarray(from, from + SummaryEntry.$size), SummaryEntry.$size * index);
    }
  }
  return summaries;
}

/**
 * The inverse: packs three full summaries into one or two compact blocks. `undefined` when the entries do not fit; the
 * checkpoint then carries the three full summaries and leaves the flag clear.
 */
export function packCompactSummaries(
  checkpoint: Pick<Checkpoint, 'allocationTypes' | 'currentDataOffsets'>,
  summaries: DataSummaries,
): Uint8Array | undefined {
  const counts = compactEntryCounts(checkpoint);
  const blocks = compactSummaryBlocks(counts[0] + counts[1] + counts[2]);
  if (blocks === 0) return undefined;
  const compact = new Uint8Array(blocks * BLOCK_SIZE);
  const journalEnd = SUMMARY_JOURNAL_OFFSET + JOURNAL_BYTES;
  compact.set(summaries[0].subarray(SUMMARY_JOURNAL_OFFSET, journalEnd), 0);
  compact.set(summaries[2].subarray(SUMMARY_JOURNAL_OFFSET, journalEnd), COMPACT_SIT_JOURNAL_OFFSET);
  let n = 0;
  for (const [log, summary] of summaries.entries()) {
    for (let index = 0; index < counts[log]!; index++, n++) {
      const from = SummaryEntry.$size * index;
      compact.set(summary.subarray(from, from + SummaryEntry.$size), compactEntryOffset(n));
    }
  }
  return compact;
}
