// NAT and SIT of a new volume. Both tables are blank but for NAT block 0; what is in use stands in the journals of the
// checkpoint pack.

import {
  BLOCK_SIZE,
  encodeSitEntry,
  JOURNAL_BYTES,
  META_INO,
  NatBlock,
  NatEntry,
  NatJournal,
  NatJournalEntry,
  NODE_INO,
  RESERVED_NODE_ADDRESS,
  SEGMENT_BLOCKS,
  SegmentType,
  SitJournal,
  SitJournalEntry,
  setMsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { dataBlockCount, type FreshFiles } from './fresh-files.ts';
import { type Layout, usedLogSegments } from './layout.ts';

/** NAT block 0: the two inode numbers without a node, and the files. */
export function natBlock({ files }: FreshFiles): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  const view = viewOf(block);
  const set = (nid: number, address: number): void => {
    const at = NatBlock.entries.at(0, nid);
    NatEntry.ino.set(view, at, nid);
    NatEntry.blockAddress.set(view, at, address);
  };
  set(NODE_INO, RESERVED_NODE_ADDRESS);
  set(META_INO, RESERVED_NODE_ADDRESS);
  for (const { ino, node, inNatBlock } of files) if (inNatBlock) set(ino, node.address);
  return block;
}

/** The NAT journal: every file. */
export function natJournal({ files }: FreshFiles): Uint8Array {
  const journal = new Uint8Array(JOURNAL_BYTES);
  const view = viewOf(journal);
  NatJournal.count.set(view, 0, files.length);
  for (const [index, { ino, node }] of files.entries()) {
    const at = NatJournal.entries.at(0, index);
    NatJournalEntry.nid.set(view, at, ino);
    NatJournalEntry.ino.set(view, at, ino);
    NatJournalEntry.blockAddress.set(view, at, node.address);
  }
  return journal;
}

/** The SIT journal: the segments that logs stand in, node logs first. */
export function sitJournal({ logs }: Layout, files: FreshFiles, readOnly: boolean): Uint8Array {
  const nodes = files.files.length;
  const data = dataBlockCount(files);
  const all: Array<[segno: number, type: SegmentType, validBlocks: number]> = [
    [logs.hotNode, SegmentType.hotNode, nodes],
    [logs.warmNode, SegmentType.warmNode, 0],
    [logs.coldNode, SegmentType.coldNode, 0],
    [logs.hotData, SegmentType.hotData, data],
    [logs.warmData, SegmentType.warmData, 0],
    [logs.coldData, SegmentType.coldData, 0],
  ];
  const used = readOnly ? all.filter(([, , validBlocks]) => validBlocks > 0) : all;
  const journal = new Uint8Array(JOURNAL_BYTES);
  const view = viewOf(journal);
  SitJournal.count.set(view, 0, usedLogSegments(readOnly));
  for (const [index, [segno, type, validBlocks]] of used.entries()) {
    const validMap = new Uint8Array(SEGMENT_BLOCKS / 8);
    for (let block = 0; block < validBlocks; block++) setMsb(validMap, block);
    const at = SitJournal.entries.at(0, index);
    SitJournalEntry.segno.set(view, at, segno);
    encodeSitEntry(view, SitJournalEntry.entry.at(at, 0), { type, validBlocks, validMap, modifiedTime: 0 });
  }
  return journal;
}
