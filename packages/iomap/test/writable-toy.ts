// A file of a made-up filesystem that is written through the cache. Block n has a place of its own on the device, which it gets
// when it is flushed; until then it is reserved, or a hole. The device is full of rubbish, so that a block which is read
// without having been written shows. Beside it there is a model: the bytes that the file must have.

import { type Bio, type BlockDevice, DeviceWrapper, MemoryDevice, writeBytes } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import {
  cacheProblems,
  cancelDirtyBlocks,
  clearDirtyForIo,
  dirtyRunEnd,
  endWriteback,
  type Folio,
  forgetDirtyBlocks,
  Mapping,
  Mark,
  markDirty,
  nextDirtyBlock,
  PAGE_SIZE,
  PageCache,
  type PageCacheOptions,
  startWriteback,
  truncateMapping,
  waitWriteback,
} from '@f2fskit/pagecache';
import { Completion, Lock, type Task } from '@f2fskit/task';
import {
  type BufferedFile,
  BytesSource,
  type Iomap,
  IomapFlag,
  IomapRequest,
  lockWithEdges,
  type ReadOperations,
  readBuffered,
  type WriteOperations,
  type WriteSource,
  writeBuffered,
} from '../src/index.ts';

/** What the device is full of. */
export const RUBBISH = 0xdd;
/** Blocks that the file has room for. */
export const TOY_BLOCKS = 1100;

export interface WritableToyOptions {
  cache?: PageCacheOptions;
  orderMax?: number;
  device?: (below: MemoryDevice) => BlockDevice;
  /** The most blocks that a mapping covers. */
  runBlocks?: number;
}

/** What a write mapping came to. */
export interface EndRecord {
  position: number;
  processed: number;
  stale: boolean;
}

export class WritableToy implements BufferedFile {
  readonly device: ReadLog;
  readonly mapping: Mapping;
  readonly operations: ReadOperations;
  readonly unitOrder = 0;
  readonly runBlocks: number;
  /** Held for writes and truncation. */
  readonly lock = new Lock();
  size = 0;
  model: Uint8Array = new Uint8Array(0);
  /** Mappings that were given out for writes. */
  begins = 0;
  /** Those that ended. */
  readonly ends: EndRecord[] = [];
  /** Blocks with room and without a place. */
  readonly reserved = new Set<number>();
  /** Blocks with a place: their own number, and one more. */
  readonly placed = new Set<number>();
  /** Changes with every place that is given. */
  generation = 0;
  /** Called by `begin` of a write before it looks. */
  onBegin: ((position: number) => void) | undefined = undefined;

  constructor({ cache = {}, orderMax = 9, device, runBlocks = TOY_BLOCKS }: WritableToyOptions = {}) {
    const memory = MemoryDevice.from(new Uint8Array((TOY_BLOCKS + 1) * PAGE_SIZE).fill(RUBBISH));
    this.device = new ReadLog(device?.(memory) ?? memory);
    this.mapping = new Mapping(new PageCache({ poison: true, budgetBytes: 8 << 20, ...cache }), {
      name: 'toy',
      stable: true,
      orderMax,
    });
    this.runBlocks = runBlocks;
    this.operations = { begin: (position, length, request, map) => this.#begin(position, length, request, map) };
  }

  /** The operations of a write; `changes` replace some. */
  writing(changes: Partial<WriteOperations> = {}): WriteOperations {
    return {
      begin: (position, length, request, map) => this.#begin(position, length, request, map),
      end: (map, position, processed) => this.#end(map, position, processed),
      grow: (end) => {
        this.size = Math.max(this.size, end);
      },
      ...changes,
    };
  }

  /** Writes as pwrite does; the model follows what was taken. */
  *pwrite(
    position: number,
    bytes: Uint8Array,
    changes: Partial<WriteOperations> = {},
    source: WriteSource = new BytesSource(bytes),
  ): Task<number> {
    if (!this.lock.tryLock()) yield* this.lock.wait();
    try {
      const done = yield* writeBuffered(this, position, source, this.writing(changes));
      if (done > 0) {
        const model = new Uint8Array(Math.max(this.model.length, position + done));
        model.set(this.model);
        model.set(bytes.subarray(0, done), position);
        this.model = model;
      }
      return done;
    } finally {
      this.lock.unlock();
    }
  }

  *pread(position: number, length: number): Task<Uint8Array> {
    const target = new Uint8Array(length).fill(0x55);
    const count = yield* readBuffered(this, position, target);
    return target.subarray(0, count);
  }

  *truncate(size: number): Task<void> {
    if (!this.lock.tryLock()) yield* this.lock.wait();
    try {
      const tail = size % PAGE_SIZE;
      if (size < this.size) {
        if (tail > 0) {
          const folio = yield* lockWithEdges(this, Math.floor(size / PAGE_SIZE), size, size - tail + PAGE_SIZE);
          const from = size - folio.position;
          folio.bytes.fill(0, from, from - tail + PAGE_SIZE);
          markDirty(folio, (from - tail) / PAGE_SIZE, (from - tail) / PAGE_SIZE + 1);
          this.size = size;
          folio.unlock();
          folio.put();
        }
        this.size = size;
        yield* truncateMapping(this.mapping, size);
        for (const blocks of [this.placed, this.reserved]) {
          for (const block of blocks) if (block * PAGE_SIZE >= size) blocks.delete(block);
        }
      }
      this.size = size;
      const model = new Uint8Array(size);
      model.set(this.model.subarray(0, size));
      this.model = model;
    } finally {
      this.lock.unlock();
    }
  }

  /** Writes what is dirty to the device. */
  *flush(): Task<void> {
    const { index } = this.mapping;
    for (let folio = index.next(0, Mark.DIRTY); folio !== undefined; folio = index.next(folio.endIndex, Mark.DIRTY)) {
      folio.get();
      if (!folio.tryLock()) yield* folio.lock();
      if (folio.mapping === this.mapping && folio.dirty) {
        if (folio.writeback) yield* waitWriteback(folio);
        yield* this.#flushFolio(folio);
      } else folio.unlock();
      folio.put();
    }
  }

  /** Breaches of what must hold between two writes: sentences. */
  problems(): string[] {
    const problems = cacheProblems([this.mapping]);
    if (this.begins !== this.ends.length) problems.push(`I-24: ${this.begins} begins, ${this.ends.length} ends`);
    for (const block of this.reserved) {
      if (block * PAGE_SIZE >= this.size) problems.push(`I-26: block ${block} is reserved behind the end`);
      else if (!this.#isDirty(block)) problems.push(`I-26: block ${block} is reserved, and nothing is dirty there`);
    }
    const { index } = this.mapping;
    for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
      if (folio.locked || folio.references > 0) problems.push(`I-6: folio ${folio.index} is locked or held`);
    }
    return problems;
  }

  #begin(position: number, length: number, request: number, map: Iomap): Task<void> | undefined {
    const block = Math.floor(position / PAGE_SIZE);
    // Every third takes a while, where anything can.
    if (block % 3 > 0 || this.device.mode === 'sync') {
      this.#map(block, position + length, request, map);
      return undefined;
    }
    return this.#beginLater(block, position + length, request, map);
  }

  *#beginLater(block: number, end: number, request: number, map: Iomap): Task<void> {
    const pause = new Completion();
    void Promise.resolve().then(() => pause.complete());
    yield pause;
    this.#map(block, end, request, map);
  }

  #map(block: number, requestEnd: number, request: number, map: Iomap): void {
    const writes = (request & IomapRequest.WRITE) !== 0;
    if (writes) this.onBegin?.(block * PAGE_SIZE);
    const isPlaced = this.placed.has(block);
    let end = block + 1;
    const last = Math.min(TOY_BLOCKS, block + this.runBlocks, writes ? Math.ceil(requestEnd / PAGE_SIZE) : TOY_BLOCKS);
    while (end < last && this.placed.has(end) === isPlaced) end++;
    map.kind = isPlaced ? 'mapped' : writes ? 'delalloc' : 'hole';
    map.offset = block * PAGE_SIZE;
    map.length = (end - block) * PAGE_SIZE;
    map.address = isPlaced ? (block + 1) * PAGE_SIZE : 0;
    map.cookie = this.generation;
    if (!writes) return;
    this.begins++;
    assert(this.begins === this.ends.length + 1, 'a write has one mapping at a time');
    if (isPlaced) return;
    const fresh: number[] = [];
    for (let each = block; each < end; each++) {
      if (this.reserved.has(each)) continue;
      this.reserved.add(each);
      fresh.push(each);
    }
    map.private = fresh;
    map.flags |= IomapFlag.NEW;
  }

  /** What this mapping reserved and nobody used goes back. */
  #end(map: Iomap, position: number, processed: number): undefined {
    this.ends.push({ position, processed, stale: (map.flags & IomapFlag.STALE) !== 0 });
    for (const block of (map.private as number[] | undefined) ?? []) {
      const used = processed > 0 && block * PAGE_SIZE < position + processed;
      if (!used && !this.#isDirty(block)) this.reserved.delete(block);
    }
  }

  #isDirty(block: number): boolean {
    const folio = this.mapping.find(block);
    return folio?.dirty === true && nextDirtyBlock(folio, block - folio.index) === block - folio.index;
  }

  /** A folio that is locked and dirty. */
  *#flushFolio(folio: Folio): Task<void> {
    clearDirtyForIo(folio);
    const inside = Math.max(0, Math.min(folio.size, this.size - folio.position));
    folio.bytes.fill(0, inside);
    if (!cancelDirtyBlocks(folio, Math.ceil(inside / PAGE_SIZE), folio.pages)) {
      folio.unlock();
      return;
    }
    const runs: Array<[number, number]> = [];
    for (let at = nextDirtyBlock(folio, 0); at < folio.pages; ) {
      const end = dirtyRunEnd(folio, at);
      runs.push([at, end]);
      at = nextDirtyBlock(folio, end);
    }
    startWriteback(folio);
    forgetDirtyBlocks(folio);
    for (const [from, end] of runs) {
      for (let block = folio.index + from; block < folio.index + end; block++) {
        this.placed.add(block);
        this.reserved.delete(block);
      }
    }
    this.generation++;
    folio.unlock();
    for (const [from, end] of runs) {
      const bytes = folio.bytes.subarray(from * PAGE_SIZE, end * PAGE_SIZE);
      yield* writeBytes(this.device, (folio.index + from + 1) * PAGE_SIZE, bytes);
    }
    endWriteback(folio);
  }
}

/** Remembers what was read, by block of the file. */
export class ReadLog extends DeviceWrapper {
  #reads: Array<[block: number, blocks: number]> = [];

  constructor(device: BlockDevice) {
    super(device, { mode: device.mode });
  }

  submit(bio: Bio): void {
    if (bio.operation === 'read') this.#reads.push([bio.offset / PAGE_SIZE - 1, bio.size / PAGE_SIZE]);
    this.device.submit(bio);
  }

  /** Requests since this was called last: the first block of the file, and how many. */
  takeReads(): Array<[block: number, blocks: number]> {
    return this.#reads.splice(0);
  }
}

/** Bytes that differ from place to place and from write to write. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 7 + (at >> 8) * 13 + seed * 31 + 1) & 0xff;
  return bytes;
}

/** `toEqual` for a megabyte: says where they differ. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) === 0) return;
  if (actual.length !== expected.length) throw new Error(`${actual.length} bytes, not ${expected.length}`);
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(`byte ${at} (page ${at >> 12}) is ${actual[at]}, not ${expected[at]}`);
}
