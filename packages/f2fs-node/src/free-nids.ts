// Numbers for new nodes. Free nids are collected a NAT block at a time, from a hint on and around; a nid that was given
// up becomes free with the checkpoint that says so.
//
// Source: spec 4.4; kernel fs/f2fs/node.c (f2fs_build_free_nids).

import { ENOSPC, FsError } from '@f2fskit/errno';
import { NAT_ENTRIES_PER_BLOCK, ROOT_INO } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { NodeAddressTable } from './nat.ts';

export class FreeNids {
  readonly #nat: NodeAddressTable;
  /** Free ones of the blocks that were looked at, the next one last. */
  #ready: number[] = [];
  /** Given out since the last checkpoint: the table may not know them yet. */
  readonly #taken = new Set<number>();
  /** Given up since the last checkpoint. */
  readonly #given = new Set<number>();
  /** The NAT block that is looked at next. */
  #block: number;

  /** `hint`: the checkpoint's `nextFreeNid`. */
  constructor(nat: NodeAddressTable, hint: number) {
    this.#nat = nat;
    this.#block = hint < nat.nidEnd ? Math.floor(hint / NAT_ENTRIES_PER_BLOCK) : 0;
  }

  /** Where a later search may begin: for the checkpoint. */
  get hint(): number {
    return this.#ready.at(-1) ?? Math.max(ROOT_INO + 1, this.#block * NAT_ENTRIES_PER_BLOCK);
  }

  /** A nid that no node has. Throws ENOSPC when the table is full, and what reading the table met. */
  *take(): Task<number> {
    const blocks = this.#nat.nidEnd / NAT_ENTRIES_PER_BLOCK;
    for (let looked = 0; ; looked++) {
      const nid = this.#ready.pop();
      if (nid !== undefined) {
        // While a search waited, another task may have collected the same block.
        if (this.#taken.has(nid)) continue;
        this.#taken.add(nid);
        return nid;
      }
      if (looked > blocks) throw new FsError(ENOSPC, 'every node number of the volume is in use');
      yield* this.#collect();
    }
  }

  /** The nid has no node any more. */
  give(nid: number): void {
    this.#taken.delete(nid);
    this.#given.add(nid);
  }

  /** The checkpoint is durable: what was given up is free. */
  committed(): void {
    this.#given.clear();
    this.#taken.clear();
  }

  *#collect(): Task<void> {
    const first = this.#block * NAT_ENTRIES_PER_BLOCK;
    this.#block = (this.#block + 1) % (this.#nat.nidEnd / NAT_ENTRIES_PER_BLOCK);
    const found: number[] = [];
    for (let nid = Math.max(first, ROOT_INO + 1); nid < first + NAT_ENTRIES_PER_BLOCK; nid++) {
      const { blockAddress } = yield* this.#nat.lookup(nid);
      if (blockAddress === 0 && !this.#taken.has(nid) && !this.#given.has(nid)) found.push(nid);
    }
    this.#ready = found.reverse();
  }
}
