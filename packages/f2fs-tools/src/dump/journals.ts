// The two journals of a checkpoint pack: NAT and SIT entries that overrule their tables. Read here without judging what
// they hold; a count that is too large is cut to what the area has room for.

import {
  decodeNatJournal,
  decodeSitJournal,
  journalsOfPack,
  NAT_JOURNAL_ENTRIES,
  NatJournal,
  NatJournalEntry,
  type PackLayout,
  SIT_JOURNAL_ENTRIES,
  SitJournal,
  SitJournalEntry,
  type Superblock,
  segmentTypeName,
  sitType,
  sitValidBlocks,
} from '@f2fskit/f2fs-format';
import type { CachedBlock } from '@f2fskit/f2fs-node';
import type { DeviceMapping } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import { addressMeaning } from './areas.ts';
import { type Dump, type DumpRow, newDump, placeAt, problemsOf } from './dump.ts';
import { countOf } from './phrases.ts';

/** Where the entry that holds was found: the journal, or a copy of the table. */
export type TableSource = 'journal' | 'copy 1' | 'copy 2';

/** A journal entry and where it lies. */
export interface JournalEntry {
  /** The nid or the segment it is about. */
  readonly key: number;
  /** Byte in the journal's block of the table entry that it carries. */
  readonly entryAt: number;
}

/** A journal: its block, where it starts there, and its entries. */
export interface Journal {
  readonly block: CachedBlock;
  readonly offset: number;
  /** In the order they have there. */
  readonly entries: readonly JournalEntry[];
  /** The entry of each nid or segment that holds: its last one. */
  readonly inForce: ReadonlyMap<number, JournalEntry>;
}

/** What a pack's journals are found by. */
export interface PackPlaces {
  readonly address: number;
  readonly layout: PackLayout;
}

/** Reads the NAT journal. Throws EIO. */
export function* readNatJournal(blocks: DeviceMapping, { address, layout }: PackPlaces): Task<Journal> {
  const { index, offset } = journalsOfPack(layout).nat;
  const block = yield* blocks.copy(address + index);
  const count = Math.min(NatJournal.count.get(block.view, offset), NAT_JOURNAL_ENTRIES);
  const entries = Array.from({ length: count }, (_, entry) => {
    const at = NatJournal.entries.at(offset, entry);
    return { key: NatJournalEntry.nid.get(block.view, at), entryAt: at + NatJournalEntry.version.offset };
  });
  return { block, offset, entries, inForce: new Map(entries.map((entry) => [entry.key, entry])) };
}

/** Reads the SIT journal. Throws EIO. */
export function* readSitJournal(blocks: DeviceMapping, { address, layout }: PackPlaces): Task<Journal> {
  const { index, offset } = journalsOfPack(layout).sit;
  const block = yield* blocks.copy(address + index);
  const count = Math.min(SitJournal.count.get(block.view, offset), SIT_JOURNAL_ENTRIES);
  const entries = Array.from({ length: count }, (_, entry) => {
    const at = SitJournal.entries.at(offset, entry);
    return { key: SitJournalEntry.segno.get(block.view, at), entryAt: SitJournalEntry.entry.at(at, 0) };
  });
  return { block, offset, entries, inForce: new Map(entries.map((entry) => [entry.key, entry])) };
}

/** The NAT journal as a dump: one row an entry. */
export function natJournalDump(journal: Journal, superblock: Superblock): Dump {
  const { block, offset } = journal;
  const rows: DumpRow[] = [countRow(NatJournal.count, 'n_nats', block.view, offset)];
  for (const [index, { key: nid, entryAt }] of journal.entries.entries()) {
    const at = entryAt - NatJournalEntry.version.offset;
    const version = NatJournalEntry.version.get(block.view, at);
    const ino = NatJournalEntry.ino.get(block.view, at);
    const address = NatJournalEntry.blockAddress.get(block.view, at);
    const where = address === 0 ? 'freed' : `block ${address}, ${addressMeaning(superblock, address)}`;
    rows.push({
      offset: at - offset,
      size: NatJournalEntry.$size,
      type: NatJournalEntry.$name,
      name: `entries[${index}]`,
      cName: `entries[${index}]`,
      value: [nid, version, ino, address],
      meaning: `nid ${nid} of ino ${ino}, version ${version}: ${where}`,
      note: 'nid, version, ino, block address',
    });
  }
  return newDump({
    title: `NAT journal, ${countOf(journal.entries.length, 'entry', 'entries')}`,
    place: placeAt(block.address, offset),
    layout: NatJournal.$name,
    rows,
    problems: problemsOf(() => decodeNatJournal(block.view, offset, block.address)),
  });
}

/** The SIT journal as a dump: one row an entry. */
export function sitJournalDump(journal: Journal, superblock: Superblock): Dump {
  const { block, offset } = journal;
  const rows: DumpRow[] = [countRow(SitJournal.count, 'n_sits', block.view, offset)];
  for (const [index, { key: segno, entryAt }] of journal.entries.entries()) {
    const valid = sitValidBlocks(block.view, entryAt);
    const type = sitType(block.view, entryAt);
    rows.push({
      offset: entryAt - SitJournalEntry.entry.offset - offset,
      size: SitJournalEntry.$size,
      type: SitJournalEntry.$name,
      name: `entries[${index}]`,
      cName: `entries[${index}]`,
      value: [segno, valid, type],
      meaning: `segment ${segno}: ${countOf(valid, 'valid block')}, ${segmentTypeName(type)}`,
      note: 'segment, valid blocks, type; dump the segment to see its map',
    });
  }
  return newDump({
    title: `SIT journal, ${countOf(journal.entries.length, 'entry', 'entries')}`,
    place: placeAt(block.address, offset),
    layout: SitJournal.$name,
    rows,
    problems: problemsOf(() => decodeSitJournal(block.view, offset, superblock, block.address)),
  });
}

function countRow(
  field: { offset: number; size: number; type: string; note: string; get(view: DataView, at: number): number },
  cName: string,
  view: DataView,
  at: number,
): DumpRow {
  const { offset, size, type, note } = field;
  return { offset, size, type, name: 'count', cName, value: field.get(view, at), note };
}
