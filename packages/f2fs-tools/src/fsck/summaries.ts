// Summaries against pointers: of every block that was given an owner, the summary of its segment must name that owner. The
// pairs are collected and compared in heaps, in the order of their addresses, so that each SSA block is read about once
// whatever order files lie in. Of the segments that logs stand in the pack has the truth.

import {
  Feature,
  hasFeature,
  LOG_COUNT,
  SEGMENT_BLOCKS,
  SummaryBlock,
  SummaryEntry,
  ssaBlockAddress,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { BlockSweep, SWEEP_BLOCKS_MAX } from './block-sweep.ts';
import type { CheckState } from './check-state.ts';
import { logOf } from './segments.ts';

const HEAP = 1 << 18;
/** A node adds at most so many pairs at once. */
const HEADROOM = 2048;
/** Set in `#places` for a block that holds a node. */
const NODE = 1 << 16;

export class SummaryCheck {
  readonly #state: CheckState;
  readonly #sweep: BlockSweep;
  readonly #enabled: boolean;
  readonly #addresses = new Uint32Array(HEAP);
  readonly #nids = new Uint32Array(HEAP);
  readonly #versions = new Uint8Array(HEAP);
  /** The index of the pointer in its node; {@link NODE} for nodes. */
  readonly #places = new Uint32Array(HEAP);
  #count = 0;
  /** Segments whose summary was found to be of the other class: told once. */
  readonly #wrongClass = new Set<number>();

  constructor(state: CheckState) {
    this.#state = state;
    this.#sweep = new BlockSweep(state.device, state.unreadable('ssa'));
    // A read-only volume has no summaries.
    this.#enabled = !hasFeature(state.superblock, Feature.ro);
  }

  expectNode(address: number, nid: number): void {
    this.#push(address, nid, 0, NODE);
  }

  /** The block at `address` belongs to pointer `index` of node `nid`. */
  expectData(address: number, nid: number, version: number, index: number): void {
    this.#push(address, nid, version, index);
  }

  /** True when the next node might not fit: {@link flush} then. */
  get full(): boolean {
    return this.#count > HEAP - HEADROOM;
  }

  #push(address: number, nid: number, version: number, place: number): void {
    if (!this.#enabled) return;
    const n = this.#count++;
    this.#addresses[n] = address;
    this.#nids[n] = nid;
    this.#versions[n] = version;
    this.#places[n] = place;
  }

  /** Compares what was collected. */
  *flush(): Task<void> {
    const { superblock, main } = this.#state;
    const count = this.#count;
    if (count === 0) return;
    const keys = new Float64Array(count);
    for (let n = 0; n < count; n++) keys[n] = this.#addresses[n]! * SWEEP_BLOCKS_MAX + n;
    keys.sort();
    const inPack = this.#packSummaries();
    // One run of keys for each segment; the SSA blocks of all of them are then read in one sweep.
    const runs: Array<{ start: number; end: number; segno: number }> = [];
    const blocks: number[] = [];
    for (let start = 0; start < count; ) {
      const segno = main.segmentOf(this.#addresses[keys[start]! % SWEEP_BLOCKS_MAX]!);
      let end = start + 1;
      while (end < count && main.segmentOf(this.#addresses[keys[end]! % SWEEP_BLOCKS_MAX]!) === segno) end++;
      if (!inPack.has(segno)) {
        blocks.push(ssaBlockAddress(superblock, segno));
        runs.push({ start, end, segno });
      } else {
        const summary = inPack.get(segno);
        if (summary !== undefined) this.#compare(keys, start, end, segno, summary, this.#state.pack.address);
      }
      start = end;
    }
    yield* this.#sweep.run(blocks, ({ view }, address, index) => {
      const { start, end, segno } = runs[index]!;
      this.#compare(keys, start, end, segno, view, address);
      return undefined;
    });
    this.#count = 0;
  }

  /** The segments that logs stand in; `undefined` where the pack has no summary, which a mount makes from the nodes. */
  #packSummaries(): Map<number, DataView | undefined> {
    const summaries = new Map<number, DataView | undefined>();
    for (let log = 0; log < LOG_COUNT; log++) {
      summaries.set(logOf(this.#state, log).segno, this.#state.pack.summaries[log]);
    }
    return summaries;
  }

  #compare(keys: Float64Array, start: number, end: number, segno: number, summary: DataView, block: number): void {
    const { findings, main, nodes } = this.#state;
    const area = block < this.#state.superblock.sitAddress ? 'checkpoint' : 'ssa';
    const entryType = SummaryBlock.entryType.get(summary, 0);
    for (let key = start; key < end; key++) {
      const n = keys[key]! % SWEEP_BLOCKS_MAX;
      const address = this.#addresses[n]!;
      const node = this.#places[n] === NODE;
      if (entryType !== (node ? 1 : 0) && !this.#wrongClass.has(segno)) {
        this.#wrongClass.add(segno);
        const place = { area, block, segno, offset: SummaryBlock.entryType.offset } as const;
        findings.add('summaryType', place, node ? 1 : 0, entryType);
      }
      const at = SummaryEntry.$size * ((address - main.start) % SEGMENT_BLOCKS);
      const nid = SummaryEntry.nid.get(summary, at);
      const version = SummaryEntry.version.get(summary, at);
      const index = SummaryEntry.offsetInNode.get(summary, at);
      const right = nid === this.#nids[n] && (node || (version === this.#versions[n] && index === this.#places[n]));
      if (right) continue;
      const place = { area, block, segno, offset: at, nid: this.#nids[n]!, ino: nodes.inoOf(this.#nids[n]!) } as const;
      const text = (of: number, its: number, slot: number) => (node ? `nid ${of}` : `nid ${of}.${its} slot ${slot}`);
      const expected = text(this.#nids[n]!, this.#versions[n]!, this.#places[n]!);
      findings.add('summaryEntry', place, expected, text(nid, version, index), `of block ${address}`);
    }
  }
}
