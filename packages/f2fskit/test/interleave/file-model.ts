// What a file holds, and what a reader beside its writers may see.
//
// Changes of one file exclude each other, so the order in which they end is the order in which they happen, and what the file holds
// between them is known byte for byte. A reader is kept away by nobody: each byte that it gets is the one that was there when it
// began, or one that a change brought which was under way meanwhile.
//
// Bytes behind the end are zeros: cutting a file writes zeros from there on. After a write of the device that failed nobody
// knows what a block holds, until the whole of it is written anew.

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';

/** A change that is under way. */
export interface Change {
  /** The first byte; `undefined` for a write to the end of the file, wherever that will be. */
  readonly from: number | undefined;
  /** The bytes from there on; `zeros`: as many as that; `undefined` in it: what nobody knows. */
  readonly bytes: Uint8Array | { readonly zeros: number };
  /** The size that the file may get. */
  readonly size: number;
  /** When it began. */
  readonly began: number;
}

/** A reader that is under way. */
export class Watch {
  readonly from: number;
  /** What was there from then on; zeros behind it. */
  readonly before: Uint8Array;
  readonly changes: Change[];
  /** Blocks that nobody knew when it began. */
  readonly unknown: ReadonlySet<number>;
  sizeMin: number;
  sizeMax: number;

  constructor(from: number, before: Uint8Array, { size, unknown }: FileModel, changes: Iterable<Change>) {
    this.from = from;
    this.before = before;
    this.unknown = new Set(unknown.keys());
    this.sizeMin = size;
    this.sizeMax = size;
    this.changes = [];
    for (const change of changes) this.add(change);
  }

  add(change: Change): void {
    this.changes.push(change);
    this.sizeMin = Math.min(this.sizeMin, change.size);
    this.sizeMax = change.from === undefined ? Number.POSITIVE_INFINITY : Math.max(this.sizeMax, change.size);
  }

  sawSize(size: number): void {
    this.sizeMin = Math.min(this.sizeMin, size);
    this.sizeMax = Math.max(this.sizeMax, size);
  }
}

export class FileModel {
  size = 0;
  /** Blocks that nobody knows, and since when. */
  readonly unknown = new Map<number, number>();
  #content = new Uint8Array(1 << 16);
  readonly #active = new Set<Change>();
  readonly #watches = new Set<Watch>();

  get busy(): boolean {
    return this.#active.size > 0;
  }

  /** The bytes [from, to), zeros behind the end. */
  bytes(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from);
    bytes.set(this.#content.subarray(from, Math.min(to, this.#content.length)));
    return bytes;
  }

  /** Everything. */
  content(): Uint8Array {
    return this.bytes(0, this.size);
  }

  /** The file is there already. */
  adopt(content: Uint8Array): void {
    this.#grow(content.length);
    this.#content.set(content);
    this.size = content.length;
  }

  begin(change: Change): void {
    this.#active.add(change);
    for (const watch of this.#watches) watch.add(change);
  }

  /** A change is over: `count` of its bytes, at `from`, are there, and the file has `size` bytes. */
  end(change: Change, from: number, count: number, size: number): void {
    this.#active.delete(change);
    this.#grow(from + count);
    const { bytes } = change;
    if (bytes instanceof Uint8Array) this.#content.set(bytes.subarray(0, count), from);
    else this.#content.fill(0, from, Math.min(from + count, this.#content.length));
    this.size = size;
    const end = Math.ceil(size / BLOCK_SIZE);
    for (const block of this.unknown.keys()) {
      const whole = block * BLOCK_SIZE >= from && Math.min((block + 1) * BLOCK_SIZE, size) <= from + count;
      if (whole || block >= end) this.#known(block, change.began);
    }
    for (const watch of this.#watches) watch.sawSize(size);
  }

  /** A change is over, and nothing came of it. */
  cancel(change: Change): void {
    this.#active.delete(change);
  }

  lose(block: number, step: number): void {
    this.unknown.set(block, step);
  }

  watch(from: number, to: number): Watch {
    const before = this.bytes(from, Math.max(from, Math.min(to, this.size)));
    const watch = new Watch(from, before, this, this.#active);
    this.#watches.add(watch);
    return watch;
  }

  unwatch(watch: Watch): void {
    this.#watches.delete(watch);
  }

  /** What speaks against a reader having got `got`, of `wanted` bytes. The watch is over. */
  objection(watch: Watch, got: Uint8Array, wanted: number): string | undefined {
    this.unwatch(watch);
    const { from, before, changes, sizeMin, sizeMax } = watch;
    const countMin = Math.max(0, Math.min(wanted, sizeMin - from));
    const countMax = Math.max(0, Math.min(wanted, sizeMax - from));
    if (got.length < countMin || got.length > countMax)
      return `${got.length} bytes at ${from}, not ${countMin} to ${countMax}`;
    if (got.length <= before.length && Buffer.compare(got, before.subarray(0, got.length)) === 0) return undefined;
    const anywhere = changes.some((change) => change.from === undefined);
    for (let at = 0; at < got.length; at++) {
      const was = before[at] ?? 0;
      if (got[at] === was) continue;
      const position = from + at;
      const block = Math.floor(position / BLOCK_SIZE);
      if (this.unknown.has(block) || watch.unknown.has(block)) continue;
      if (anywhere && position >= sizeMin) continue;
      if (changes.some((change) => byteAt(change, position) === got[at])) continue;
      const values = changes.map((change) => byteAt(change, position)).filter((value) => value !== undefined);
      return `byte ${position} (block ${Math.floor(position / BLOCK_SIZE)}) is ${got[at]}, not ${[was, ...values].join(' or ')}`;
    }
    return undefined;
  }

  #known(block: number, began: number): void {
    if ((this.unknown.get(block) ?? began) < began) this.unknown.delete(block);
  }

  #grow(size: number): void {
    if (size <= this.#content.length || size > 2 ** 30) return;
    const content = new Uint8Array(2 ** Math.ceil(Math.log2(size)));
    content.set(this.#content);
    this.#content = content;
  }
}

function byteAt({ from, bytes }: Change, position: number): number | undefined {
  if (from === undefined || position < from) return undefined;
  if (bytes instanceof Uint8Array) return bytes[position - from];
  return position < from + bytes.zeros ? 0 : undefined;
}
