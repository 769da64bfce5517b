// The slots of an inode or a direct node, and the nids of an indirect node, as rows: consecutive ones of one kind are one
// row, so that a large contiguous file is a few lines.
//
// In a compressed file a compressed cluster is one row, with all its slots: the mark, the payload, what is reserved. So are
// addresses that lead nowhere: they are listed and not summed up.

import { COMPRESS_ADDRESS, isMainAddress, NEW_ADDRESS, NULL_ADDRESS, type Superblock } from '@f2fskit/f2fs-format';
import { addressMeaning } from './areas.ts';
import type { DumpRow } from './dump.ts';
import { countOf, rangeOf } from './phrases.ts';

/** Slots to show. */
export interface Slots {
  readonly view: DataView;
  /** Byte of slot 0 in the block. */
  readonly offset: number;
  readonly count: number;
  /** Index of slot 0 among the words of its C array. */
  readonly firstWord: number;
  /** The C array: `i_addr`, `addr`. */
  readonly cName: string;
  /** File block of slot 0, where that is known. */
  readonly firstFileBlock: number | undefined;
  /** Blocks of a cluster; 0 where the file is not compressed. */
  readonly clusterBlocks: number;
}

type SlotKind = 'hole' | 'reserved' | 'mark' | 'block' | 'outside';

function kindOf(superblock: Superblock, address: number): SlotKind {
  if (address === NULL_ADDRESS) return 'hole';
  if (address === NEW_ADDRESS) return 'reserved';
  if (address === COMPRESS_ADDRESS) return 'mark';
  return isMainAddress(superblock, address) ? 'block' : 'outside';
}

/** One row for each run of slots. */
export function slotRows(superblock: Superblock, slots: Slots): DumpRow[] {
  const rows: DumpRow[] = [];
  for (let index = 0; index < slots.count; ) {
    const cluster = clusterAt(slots, index);
    const count = cluster ?? runLength(superblock, slots, index);
    rows.push(cluster === undefined ? runRow(superblock, slots, index, count) : clusterRow(slots, index, count));
    index += count;
  }
  return rows;
}

/** The blocks of the compressed cluster that starts at `index`; `undefined` where none does. */
function clusterAt({ clusterBlocks, count, ...slots }: Slots, index: number): number | undefined {
  if (clusterBlocks === 0 || index % clusterBlocks !== 0 || index + clusterBlocks > count) return undefined;
  return addressAt(slots, index) === COMPRESS_ADDRESS ? clusterBlocks : undefined;
}

function addressAt({ view, offset }: Pick<Slots, 'view' | 'offset'>, index: number): number {
  return view.getUint32(offset + 4 * index, true);
}

function addressesAt(slots: Slots, index: number, count: number): number[] {
  return Array.from({ length: count }, (_, slot) => addressAt(slots, index + slot));
}

function runLength(superblock: Superblock, slots: Slots, start: number): number {
  const first = addressAt(slots, start);
  const kind = kindOf(superblock, first);
  let end = start + 1;
  while (end < slots.count && clusterAt(slots, end) === undefined) {
    const address = addressAt(slots, end);
    if (kindOf(superblock, address) !== kind) break;
    if (kind === 'mark') break;
    if (kind === 'block' && address !== first + (end - start)) break;
    end++;
  }
  return end - start;
}

function rowAt(slots: Slots, index: number, count: number): Omit<DumpRow, 'value' | 'meaning'> {
  const { offset, firstWord, cName, firstFileBlock } = slots;
  return {
    offset: offset + 4 * index,
    size: 4 * count,
    type: count === 1 ? 'u32' : `u32[${count}]`,
    name: `addresses[${rangeOf(index, count)}]`,
    cName: `${cName}[${rangeOf(firstWord + index, count)}]`,
    note: firstFileBlock === undefined ? 'data blocks' : `file block ${rangeOf(firstFileBlock + index, count)}`,
  };
}

function runRow(superblock: Superblock, slots: Slots, index: number, count: number): DumpRow {
  const value = addressAt(slots, index);
  const row = rowAt(slots, index, count);
  if (kindOf(superblock, value) === 'outside' && count > 1) {
    const meaning = `${count} addresses that are not in the main area`;
    return { ...row, value: addressesAt(slots, index, count), meaning: withFileBlocks(row, meaning) };
  }
  const meaning = runMeaning(superblock, value, count);
  return { ...row, value, ...(count === 1 ? {} : { run: count }), meaning: withFileBlocks(row, meaning) };
}

function runMeaning(superblock: Superblock, address: number, count: number): string {
  switch (kindOf(superblock, address)) {
    case 'hole':
      return count === 1 ? 'hole' : countOf(count, 'hole');
    case 'reserved':
      return 'reserved, reads as zeros';
    case 'mark':
      return 'mark of a compressed cluster where none starts';
    case 'block':
      return `block ${rangeOf(address, count)} (${addressMeaning(superblock, address)})`;
    case 'outside':
      return addressMeaning(superblock, address);
  }
}

function clusterRow(slots: Slots, index: number, count: number): DumpRow {
  const value = addressesAt(slots, index, count);
  const row = rowAt(slots, index, count);
  return { ...row, value, meaning: withFileBlocks(row, `compressed cluster: ${payloadText(value)}`) };
}

/** What the slots behind a cluster's mark hold: `payload 7182..7183, 1 reserved`. */
export function payloadText(slots: readonly number[]): string {
  const parts: string[] = [];
  const payload = slots.slice(1).filter((address) => address !== NULL_ADDRESS && address !== NEW_ADDRESS);
  const reserved = slots.slice(1).filter((address) => address === NEW_ADDRESS).length;
  const released = slots.length - 1 - payload.length - reserved;
  const consecutive = payload.every((address, index) => address === payload[0]! + index);
  if (payload.length === 0) parts.push('no payload');
  else parts.push(`payload ${consecutive ? rangeOf(payload[0]!, payload.length) : payload.join(' ')}`);
  if (reserved > 0) parts.push(`${reserved} reserved`);
  if (released > 0) parts.push(`${released} released`);
  return parts.join(', ');
}

function withFileBlocks({ note }: { note: string }, meaning: string): string {
  return note.startsWith('file block') ? `${note}: ${meaning}` : meaning;
}

/** The nids of an indirect node, or of an inode: runs of holes are one row. */
export function nidRows(view: DataView, offset: number, count: number, cName: string, labels?: string[]): DumpRow[] {
  const rows: DumpRow[] = [];
  const nidAt = (index: number): number => view.getUint32(offset + 4 * index, true);
  for (let index = 0; index < count; ) {
    const value = nidAt(index);
    let end = index + 1;
    if (labels === undefined) while (end < count && nidAt(end) === (value === 0 ? 0 : value + end - index)) end++;
    const length = end - index;
    const nodes = value === 0 ? 'none' : `node ${rangeOf(value, length)}`;
    rows.push({
      offset: offset + 4 * index,
      size: 4 * length,
      type: length === 1 ? 'u32' : `u32[${length}]`,
      name: `nids[${rangeOf(index, length)}]`,
      cName: `${cName}[${rangeOf(index, length)}]`,
      value,
      ...(length === 1 ? {} : { run: length }),
      meaning: labels === undefined ? nodes : `${labels[index]}: ${nodes}`,
      note: 'nodes in file order; 0 = a hole',
    });
    index = end;
  }
  return rows;
}
