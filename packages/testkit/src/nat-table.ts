// The node address table as the volume's bytes have it: journal over table, in the copies that the checkpoint names.

import type { MemoryDevice } from '@f2fskit/block';
import {
  decodeNatJournal,
  NatEntry,
  type NatRecord,
  natBlockAddress,
  natEntryOffset,
  type Superblock,
} from '@f2fskit/f2fs-format';
import { type ImageBlock, readImageBlock } from './image.ts';

/** Where a table lies. */
export interface NatFrame {
  readonly superblock: Superblock;
  readonly bitmaps: { readonly nat: Uint8Array };
  readonly natJournal: { readonly block: number; readonly offset: number };
}

export class NatTable {
  readonly #image: MemoryDevice;
  readonly #frame: NatFrame;
  readonly #journal: ReadonlyMap<number, NatRecord>;
  readonly #blocks = new Map<number, ImageBlock>();

  /** Throws Corruption for a journal that claims too many entries. */
  constructor(image: MemoryDevice, frame: NatFrame) {
    const { block, offset } = frame.natJournal;
    const records = decodeNatJournal(readImageBlock(image, block).view, offset, block);
    this.#image = image;
    this.#frame = frame;
    this.#journal = new Map(records.map((record) => [record.nid, record]));
  }

  /** Where the table's own entry of `nid` is, whatever the journal says. */
  place(nid: number): { block: number; offset: number } {
    const { superblock, bitmaps } = this.#frame;
    return { block: natBlockAddress(superblock, nid, bitmaps.nat), offset: natEntryOffset(nid) };
  }

  /** The address of a node, 0 when its nid is free. */
  addressOf(nid: number): number {
    const journaled = this.#journal.get(nid);
    if (journaled !== undefined) return journaled.blockAddress;
    const { block, offset } = this.place(nid);
    let found = this.#blocks.get(block);
    if (found === undefined) {
      found = readImageBlock(this.#image, block);
      this.#blocks.set(block, found);
    }
    return NatEntry.blockAddress.get(found.view, offset);
  }
}
