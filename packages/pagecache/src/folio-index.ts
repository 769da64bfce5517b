// The index of a mapping: page number → folio, for folios of any order, with marks to find the marked ones quickly.
//
// A tree of nodes with 64 slots; a node at shift s has one slot for 2^s pages. A folio of order k stands in the node with the
// largest shift s ≤ k (0 or 6), in the 2^(k-s) slots it covers: a folio of 512 pages costs 8 slots, not 512 entries.
//
//                 root, shift 12:  64 slots of 4,096 pages
//                   │
//         shift 6:  64 slots of 64 pages        ← folios of order 6 … 9 (1 … 8 slots)
//           │
//   shift 0:  64 slots of one page              ← folios of order 0 … 5 (1 … 32 slots)
//
// A small file has one folio, at its start: that one stands alone, without a tree.
//
// Marks are bits a slot, kept on the first slot of a folio, and set in a parent while any slot below has one. They are hints
// that make searches cheap; the truth is in the folio (I-4).
//
// Nothing here waits: a search sees one state of the tree. Source: spec section 1 ("xarray marks").

import { assert } from '@f2fskit/errno';
import { Folio } from './folio.ts';

const NODE_SHIFT = 6;
const SLOTS = 1 << NODE_SHIFT;
const SLOT_MASK = SLOTS - 1;

/** Pages have numbers below this: a file or device of 16 TiB. */
export const INDEX_END = 2 ** 32;

/** What can be searched for. */
export const Mark = { DIRTY: 0, WRITEBACK: 1, TOWRITE: 2 } as const;
export type Mark = (typeof Mark)[keyof typeof Mark];
const MARKS = 3;

export class IndexNode {
  /** A slot covers 2^shift pages. */
  readonly shift: number;
  parent: IndexNode | undefined;
  /** The slot of this node in its parent. */
  readonly slot: number;
  readonly slots: Array<IndexNode | Folio | undefined> = new Array<undefined>(SLOTS).fill(undefined);
  /** Slots in use. */
  used = 0;
  /** Two words a mark. */
  readonly marks = new Uint32Array(2 * MARKS);

  constructor(shift: number, parent: IndexNode | undefined, slot: number) {
    this.shift = shift;
    this.parent = parent;
    this.slot = slot;
  }

  hasMark(mark: Mark, slot: number): boolean {
    return ((this.marks[2 * mark + (slot >> 5)]! >>> (slot & 31)) & 1) === 1;
  }

  anyMark(mark: Mark): boolean {
    return (this.marks[2 * mark]! | this.marks[2 * mark + 1]!) !== 0;
  }
}

export class FolioIndex {
  /** Folios in the index. */
  size = 0;
  /** A folio at index 0 that is the only one, with its marks as bits. */
  #single: Folio | undefined = undefined;
  #singleMarks = 0;
  #root: IndexNode | undefined = undefined;
  /** Pages that the tree covers. */
  #limit = 0;

  /** The folio that covers a page. */
  find(index: number): Folio | undefined {
    let node = this.#root;
    if (node === undefined)
      return this.#single !== undefined && index < this.#single.endIndex ? this.#single : undefined;
    if (index >= this.#limit) return undefined;
    for (;;) {
      const entry: IndexNode | Folio | undefined = node.slots[(index >>> node.shift) & SLOT_MASK];
      if (entry === undefined || entry instanceof Folio) return entry;
      node = entry;
    }
  }

  /** The first folio that covers a page at or behind `index`, with the mark if one is given. */
  next(index: number, mark?: Mark): Folio | undefined {
    if (index >= INDEX_END) return undefined;
    if (this.#root !== undefined) return index >= this.#limit ? undefined : search(this.#root, index, mark);
    const single = this.#single;
    if (single === undefined || index >= single.endIndex) return undefined;
    return mark === undefined || this.hasMark(single, mark) ? single : undefined;
  }

  /** True when no folio covers a page of [index, index + 2^order), which is aligned. */
  isFree(index: number, order: number): boolean {
    const next = this.next(index);
    return next === undefined || next.index >= index + 2 ** order;
  }

  /** Puts a folio in; its pages are free (`isFree`). */
  insert(folio: Folio): void {
    const { index, order } = folio;
    assert(index % 2 ** order === 0 && index + 2 ** order <= INDEX_END, 'a folio is aligned to its size');
    this.size++;
    if (index === 0 && this.size === 1) {
      this.#dropTree();
      this.#single = folio;
      return;
    }
    this.#plant();
    this.#insert(folio);
  }

  /** Gives up an empty tree. */
  #dropTree(): void {
    this.#root = undefined;
    this.#limit = 0;
  }

  /** Makes a tree, if there is none, and moves the folio that stood alone into it. */
  #plant(): void {
    if (this.#root !== undefined) return;
    this.#root = new IndexNode(0, undefined, 0);
    this.#limit = SLOTS;
    const single = this.#single;
    if (single === undefined) return;
    const marks = this.#singleMarks;
    this.#single = undefined;
    this.#singleMarks = 0;
    this.#insert(single);
    for (let mark = 0; mark < MARKS; mark++) if ((marks >> mark) & 1) this.setMark(single, mark as Mark);
  }

  #insert(folio: Folio): void {
    const { index, order } = folio;
    const shift = order < NODE_SHIFT ? 0 : NODE_SHIFT;
    while (this.#limit < index + 2 ** order || this.#root!.shift < shift) this.#grow();
    let node = this.#root!;
    while (node.shift > shift) {
      const slot = (index >>> node.shift) & SLOT_MASK;
      let child = node.slots[slot];
      if (child === undefined) {
        child = new IndexNode(node.shift - NODE_SHIFT, node, slot);
        node.slots[slot] = child;
        node.used++;
      }
      assert(child instanceof IndexNode, 'the pages of a new folio are free');
      node = child;
    }
    const first = (index >>> shift) & SLOT_MASK;
    const count = 1 << (order - shift);
    for (let slot = first; slot < first + count; slot++) {
      assert(node.slots[slot] === undefined, 'the pages of a new folio are free');
      node.slots[slot] = folio;
    }
    node.used += count;
    folio.indexNode = node;
  }

  /** Takes a folio out, with its marks. */
  remove(folio: Folio): void {
    this.size--;
    if (folio === this.#single) {
      this.#single = undefined;
      this.#singleMarks = 0;
      return;
    }
    for (let mark = 0; mark < MARKS; mark++) this.clearMark(folio, mark as Mark);
    let node = this.#nodeOf(folio);
    const first = (folio.index >>> node.shift) & SLOT_MASK;
    const count = 1 << (folio.order - node.shift);
    for (let slot = first; slot < first + count; slot++) node.slots[slot] = undefined;
    node.used -= count;
    folio.indexNode = undefined;
    while (node.used === 0 && node.parent !== undefined) {
      node.parent.slots[node.slot] = undefined;
      node.parent.used--;
      node = node.parent;
    }
  }

  hasMark(folio: Folio, mark: Mark): boolean {
    if (folio === this.#single) return ((this.#singleMarks >> mark) & 1) === 1;
    const node = this.#nodeOf(folio);
    return node.hasMark(mark, (folio.index >>> node.shift) & SLOT_MASK);
  }

  setMark(folio: Folio, mark: Mark): void {
    if (folio === this.#single) {
      this.#singleMarks |= 1 << mark;
      return;
    }
    let node: IndexNode | undefined = this.#nodeOf(folio);
    let slot = (folio.index >>> node.shift) & SLOT_MASK;
    while (node !== undefined && !node.hasMark(mark, slot)) {
      node.marks[2 * mark + (slot >> 5)]! |= 1 << (slot & 31);
      slot = node.slot;
      node = node.parent;
    }
  }

  clearMark(folio: Folio, mark: Mark): void {
    if (folio === this.#single) {
      this.#singleMarks &= ~(1 << mark);
      return;
    }
    let node: IndexNode | undefined = this.#nodeOf(folio);
    let slot = (folio.index >>> node.shift) & SLOT_MASK;
    while (node?.hasMark(mark, slot)) {
      node.marks[2 * mark + (slot >> 5)]! &= ~(1 << (slot & 31));
      if (node.anyMark(mark)) return;
      slot = node.slot;
      node = node.parent;
    }
  }

  /**
   * Gives the mark `to` to every folio that covers a page of [start, end) and has the mark `from`. In one step: what gets
   * `from` later does not get `to`.
   */
  copyMark(start: number, end: number, from: Mark, to: Mark): void {
    for (let at = start; at < end; ) {
      const folio = this.next(at, from);
      if (folio === undefined || folio.index >= end) return;
      this.setMark(folio, to);
      at = folio.endIndex;
      // From the start of a node whose pages are all asked for, the others in it are marked at once.
      const node = folio.indexNode;
      if (node === undefined || node.shift > 0 || folio.index % SLOTS !== 0 || folio.index + SLOTS > end) continue;
      node.marks[2 * to]! |= node.marks[2 * from]!;
      node.marks[2 * to + 1]! |= node.marks[2 * from + 1]!;
      at = folio.index + SLOTS;
    }
  }

  /**
   * The marked folios that cover pages of [start, end), in order, up to about `pagesMax` pages: those are appended to `found`.
   */
  collect(start: number, end: number, mark: Mark, pagesMax: number, found: Folio[]): void {
    for (let at = start, pages = 0; pages < pagesMax; ) {
      let folio = this.next(at, mark);
      if (folio === undefined || folio.index >= end) return;
      // What follows in the same node is found without another way down.
      const node = folio.indexNode;
      const span = node === undefined ? 0 : SLOTS * 2 ** node.shift;
      const nodeEnd = node === undefined ? 0 : folio.index - (folio.index % span) + span;
      while (folio !== undefined && folio.index < end && pages < pagesMax) {
        found.push(folio);
        pages += folio.pages;
        at = folio.endIndex;
        folio = node !== undefined && at < nodeEnd ? search(node, at, mark) : undefined;
      }
    }
  }

  /** The node in whose slots a folio of the index stands. */
  #nodeOf({ indexNode }: Folio): IndexNode {
    assert(indexNode !== undefined, 'the folio is in the index');
    return indexNode;
  }

  /** One more level on top. */
  #grow(): void {
    const old = this.#root!;
    const root = new IndexNode(old.shift + NODE_SHIFT, undefined, 0);
    if (old.used > 0) {
      old.parent = root; // its slot is 0 already
      root.slots[0] = old;
      root.used = 1;
      for (let mark = 0; mark < MARKS; mark++) if (old.anyMark(mark as Mark)) root.marks[2 * mark] = 1;
    }
    this.#root = root;
    this.#limit *= SLOTS;
  }
}

/** The first folio below `node` at or behind `index`; slots before the one of `index` are passed over. */
function search(node: IndexNode, index: number, mark: Mark | undefined): Folio | undefined {
  const start = (index >>> node.shift) & SLOT_MASK;
  for (let slot = start; slot < SLOTS; slot++) {
    const entry = node.slots[slot];
    if (entry === undefined) continue;
    if (entry instanceof Folio) {
      // A folio is found through any of its slots, and its mark stands on the first.
      if (mark === undefined) return entry;
      const first = (entry.index >>> node.shift) & SLOT_MASK;
      if (node.hasMark(mark, first)) return entry;
      slot = first + (1 << (entry.order - node.shift)) - 1;
      continue;
    }
    if (mark !== undefined && !node.hasMark(mark, slot)) continue;
    const found = search(entry, slot === start ? index : 0, mark);
    if (found !== undefined) return found;
  }
  return undefined;
}
