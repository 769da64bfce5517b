// The node address table: nid → where that node block lives now. Two copies of every NAT block, interleaved segment by
// segment; a bit of the NAT version bitmap says which copy is current, so a checkpoint writes the other one. Entries that
// changed since may also stand in the NAT journal, which overrules the table.

import { bytes, struct, structs, u8, u16, u32 } from '@f2fskit/ondisk';
import { testMsb } from './bitmap.ts';
import { NAT_ENTRIES_PER_BLOCK, NAT_JOURNAL_ENTRIES, SEGMENT_BLOCKS } from './constants.ts';
import { corrupt } from './corruption.ts';
import { natBlockCount } from './nat-bits.ts';
import type { Superblock } from './superblock.ts';

/** Where one node lives. 9 bytes, packed: 455 of them fill a NAT block. */
export const NatEntry = struct('f2fs_nat_entry', 9, {
  version: u8(0, 'grows when the nid is freed; summaries of its data blocks carry it'),
  ino: u32(1, 'the inode this node belongs to; equal to the nid for inodes'),
  blockAddress: u32(5, '0 = free; nid 1 and 2 hold 1'),
});

/** One NAT block: entries of 455 consecutive nids. */
export const NatBlock = struct('f2fs_nat_block', 4096, {
  entries: structs(0, NatEntry, NAT_ENTRIES_PER_BLOCK, 'entry of nid n at n % 455'),
  reserved: bytes(4095, 1, 'unused'),
});

/** One entry of the NAT journal. 13 bytes. */
export const NatJournalEntry = struct('nat_journal_entry', 13, {
  nid: u32(0, 'whose entry this is'),
  version: u8(4, 'as in the NAT entry'),
  ino: u32(5, 'as in the NAT entry'),
  blockAddress: u32(9, 'as in the NAT entry; 0 = freed'),
});

/** The journal area of the hot data summary. 507 bytes. */
export const NatJournal = struct('nat_journal', 507, {
  count: u16(0, 'entries in use, 0..38'),
  entries: structs(2, NatJournalEntry, NAT_JOURNAL_ENTRIES, 'a hit here wins over the table'),
  reserved: bytes(496, 11, 'unused'),
});

type NatGeometry = Pick<Superblock, 'segmentCountNat'>;
type NatPlace = Pick<Superblock, 'segmentCountNat' | 'natAddress'>;

/** nids that the table has room for, including the reserved ones. */
export function nidCount(superblock: NatGeometry): number {
  return natBlockCount(superblock) * NAT_ENTRIES_PER_BLOCK;
}

/** The largest nid that the table has an entry for. */
export function maxNid(superblock: NatGeometry): number {
  return nidCount(superblock) - 1;
}

/** True for a nid that a file's node may have: the root inode or above, inside the table. */
export function isFileNid(superblock: Pick<Superblock, 'segmentCountNat' | 'rootIno'>, nid: number): boolean {
  return nid >= superblock.rootIno && nid < nidCount(superblock);
}

/** The NAT block that holds a nid: its bit in the NAT version bitmap and in nat_bits. */
export function natBlockIndex(nid: number): number {
  return Math.floor(nid / NAT_ENTRIES_PER_BLOCK);
}

/** Byte offset of a nid's entry in its NAT block. */
export function natEntryOffset(nid: number): number {
  return (nid % NAT_ENTRIES_PER_BLOCK) * NatEntry.$size;
}

/**
 * Address of the current copy of the NAT block that holds `nid`.
 *
 * @throws Corruption nidRange for a nid beyond the table.
 */
export function natBlockAddress(superblock: NatPlace, nid: number, natBitmap: Uint8Array): number {
  const index = natBlockIndex(nid);
  if (index >= natBlockCount(superblock)) {
    throw corrupt('nidRange', { where: { nid }, expected: `at most ${maxNid(superblock)}`, found: nid });
  }
  return natCopyAddress(superblock, index, testMsb(natBitmap, index) ? 1 : 0);
}

/** Address of copy 0 or 1 of NAT block `index`: pairs of segments, one segment of each copy. */
export function natCopyAddress(superblock: NatPlace, index: number, copy: 0 | 1): number {
  return superblock.natAddress + 2 * index - (index % SEGMENT_BLOCKS) + copy * SEGMENT_BLOCKS;
}

/** Address of the copy that is not `address`: where the next checkpoint writes this NAT block. */
export function otherNatAddress(superblock: NatPlace, address: number): number {
  return superblock.natAddress + ((address - superblock.natAddress) ^ SEGMENT_BLOCKS);
}

/** One decoded entry of the NAT journal. */
export interface NatRecord {
  readonly nid: number;
  readonly version: number;
  readonly ino: number;
  /** 0: the nid is free. */
  readonly blockAddress: number;
}

/**
 * The entries of a NAT journal at byte `at` of `view`, in the order they have there. nids are not judged here.
 *
 * @param block where the view was read from, for messages.
 * @throws Corruption natJournalCount when it claims more than 38 entries.
 */
export function decodeNatJournal(view: DataView, at: number, block?: number): NatRecord[] {
  const count = NatJournal.count.get(view, at);
  if (count > NAT_JOURNAL_ENTRIES) {
    const where = block === undefined ? { offset: at } : { block, offset: at };
    throw corrupt('natJournalCount', { where, expected: `at most ${NAT_JOURNAL_ENTRIES}`, found: count });
  }
  return Array.from({ length: count }, (_, index) => {
    const entry = NatJournal.entries.at(at, index);
    return {
      nid: NatJournalEntry.nid.get(view, entry),
      version: NatJournalEntry.version.get(view, entry),
      ino: NatJournalEntry.ino.get(view, entry),
      blockAddress: NatJournalEntry.blockAddress.get(view, entry),
    };
  });
}
