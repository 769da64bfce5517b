// A made-up filesystem for the tests of writeback: each file has a stretch of the device, and its block n is block n of that.
// Blocks are allocated when they are written; until then they are a hole. What is read, written and truncated goes through the
// cache as in a real one, under a lock a file. Beside it each file has a model: the bytes that it must have.

import { type BlockDevice, MemoryDevice, readBytes } from '@f2fskit/block';
import { type Iomap, type ReadOperations, readBlocks, readBuffered, writeBuffered } from '@f2fskit/iomap';
import {
  ErrorCursor,
  type Folio,
  finishFolioWrite,
  lockFolioForWrite,
  Mapping,
  type MappingOptions,
  markDirty,
  PAGE_SIZE,
  PageCache,
  type PageCacheOptions,
  truncateMapping,
} from '@f2fskit/pagecache';
import { Completion, Lock, type RandomSource, runSync, type Task } from '@f2fskit/task';
import {
  BytesSource,
  type DirtyFile,
  type FolioRange,
  type FolioWriter,
  flushFile,
  PageBios,
  type PageBiosOptions,
  type PassResult,
  performWrite,
  type WritebackControl,
  type WriteSource,
  writeCachePages,
  writeFolios,
  writeSinglePage,
} from '../src/index.ts';

/** Blocks of the device for each file. */
export const FILE_BLOCKS = 1024;

/** Pages by pages (`performWrite`, `writeCachePages`), or folios of any size (`writeBuffered`, `writeFolios`). */
export type Engine = 'page' | 'folio';

export interface FakeOptions {
  files?: number;
  /** Default 'page'. */
  engine?: Engine;
  cache?: PageCacheOptions;
  bios?: PageBiosOptions;
  mapping?: Partial<MappingOptions>;
  /** Between the files and the memory. */
  device?: (below: MemoryDevice) => BlockDevice;
  /** Wanted order of new folios. */
  order?: number;
  batchPages?: number;
  /** Makes allocation wait now and then, on an async device. */
  random?: RandomSource;
  onDirty?: (file: FakeFile) => void;
}

export class FakeFilesystem {
  readonly memory: MemoryDevice;
  readonly device: BlockDevice;
  readonly cache: PageCache;
  readonly bios: PageBios;
  readonly files: FakeFile[];
  readonly options: FakeOptions;

  constructor(options: FakeOptions = {}) {
    const count = options.files ?? 1;
    this.options = options;
    this.memory = new MemoryDevice(count * FILE_BLOCKS * PAGE_SIZE);
    this.device = options.device?.(this.memory) ?? this.memory;
    this.cache = new PageCache({ budgetBytes: 4 << 20, poison: true, ...options.cache });
    this.bios = new PageBios(this.device, options.bios);
    this.files = Array.from({ length: count }, (_, index) => new FakeFile(this, index));
  }

  get mappings(): Mapping[] {
    return this.files.map(({ mapping }) => mapping);
  }
}

export class FakeFile implements DirtyFile {
  readonly filesystem: FakeFilesystem;
  readonly mapping: Mapping;
  readonly name: string;
  readonly device: BlockDevice;
  readonly unitOrder = 0;
  readonly operations: ReadOperations;
  /** Held for write and truncate. */
  readonly lock = new Lock();
  /** Of an open file. */
  readonly cursor: ErrorCursor;
  size = 0;
  /** What the file must contain. */
  model = new Uint8Array(0);
  /** Asked for each block that is about to be written: may wait, throw, and say that it is gone. */
  onPlace: ((index: number, folio: Folio) => Task<boolean | void>) | undefined = undefined;
  backOff: (() => Task<void>) | undefined = undefined;
  shouldYield: (() => boolean) | undefined = undefined;
  throttle: (() => Task<void> | undefined) | undefined = undefined;
  readonly #allocated = new Set<number>();
  readonly #base: number;

  constructor(filesystem: FakeFilesystem, index: number) {
    const { options, cache } = filesystem;
    this.filesystem = filesystem;
    this.name = `file ${index}`;
    this.device = filesystem.device;
    this.#base = index * FILE_BLOCKS * PAGE_SIZE;
    const onDirty = (): void => options.onDirty?.(this);
    this.mapping = new Mapping(cache, { name: this.name, stable: true, onDirty, ...options.mapping });
    this.cursor = new ErrorCursor(this.mapping.errors);
    this.operations = { begin: (position, _length, _request, map) => this.#begin(position, map) };
  }

  /** The byte of the device where byte `position` of the file goes. */
  offsetOf(position: number): number {
    return this.#base + position;
  }

  isAllocated(block: number): boolean {
    return this.#allocated.has(block);
  }

  *write(control: WritebackControl): Task<PassResult> {
    const { bios, options } = this.filesystem;
    if (options.engine === 'folio') return yield* writeFolios(this.mapping, control, this.#folioWriter());
    return yield* writeCachePages(
      this.mapping,
      control,
      {
        lengthToWrite: (folio) => Math.max(0, Math.min(folio.size, this.size - folio.position)),
        writePage: (folio) => writeSinglePage(folio, bios, (index) => this.#place(index, folio)),
        submit: () => bios.submit(),
        ...(this.backOff === undefined ? {} : { backOff: this.backOff }),
        ...(this.shouldYield === undefined ? {} : { shouldYield: this.shouldYield }),
      },
      { batchPages: options.batchPages ?? 16 },
    );
  }

  fsync(start?: number, end?: number): Task<PassResult> {
    return flushFile(this, this.cursor, start, end);
  }

  /** Writes as pwrite does; the model follows what was taken. */
  *pwrite(position: number, bytes: Uint8Array, source: WriteSource = new BytesSource(bytes)): Task<number> {
    if (!this.lock.tryLock()) yield* this.lock.wait();
    try {
      const throttle = this.throttle === undefined ? {} : { throttle: this.throttle };
      const done =
        this.filesystem.options.engine === 'folio'
          ? yield* writeBuffered(this, position, source, {
              begin: (at, _length, _request, map) => this.#begin(at, map),
              grow: (end) => {
                this.size = Math.max(this.size, end);
              },
              ...throttle,
            })
          : yield* performWrite(this.mapping, position, source, {
              writeBegin: (at, length) => this.#writeBegin(at, length),
              writeEnd: (at, length, copied, folio) => this.#writeEnd(at, length, copied, folio),
              ...throttle,
            });
      this.modelWrite(position, bytes.subarray(0, done));
      return done;
    } finally {
      this.lock.unlock();
    }
  }

  *truncate(size: number): Task<void> {
    if (!this.lock.tryLock()) yield* this.lock.wait();
    try {
      const tail = size % PAGE_SIZE;
      if (size < this.size && tail > 0) {
        const folio = yield* this.#writeBegin(size, 1);
        const from = size - folio.position;
        const end = from + PAGE_SIZE - tail;
        folio.bytes.fill(0, from, end);
        folio.markUptodate(from >> 12, end >> 12);
        markDirty(folio, from >> 12, end >> 12);
        this.size = size;
        folio.unlock();
        folio.put();
      }
      const shrinks = size < this.size || tail > 0;
      this.size = size;
      if (shrinks) yield* truncateMapping(this.mapping, size);
      for (const block of this.#allocated) if (block * PAGE_SIZE >= size) this.#allocated.delete(block);
      const model = new Uint8Array(size);
      model.set(this.model.subarray(0, size));
      this.model = model;
    } finally {
      this.lock.unlock();
    }
  }

  *pread(position: number, length: number): Task<Uint8Array> {
    const target = new Uint8Array(length);
    const read = yield* readBuffered(this, position, target);
    return target.subarray(0, read);
  }

  modelWrite(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const model = new Uint8Array(Math.max(this.model.length, position + bytes.length));
    model.set(this.model);
    model.set(bytes, position);
    this.model = model;
  }

  /** What the device holds of the file, whatever the cache says; holes are zeros. */
  onDevice(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.size / PAGE_SIZE) * PAGE_SIZE);
    for (const block of this.#allocated) {
      const at = block * PAGE_SIZE;
      runSync(readBytes(this.filesystem.memory, this.offsetOf(at), bytes.subarray(at, at + PAGE_SIZE)));
    }
    return bytes;
  }

  #folioWriter(): FolioWriter {
    return {
      bios: this.filesystem.bios,
      lengthToWrite: (folio) => Math.max(0, Math.min(folio.size, this.size - folio.position)),
      writeRange: (range) => this.#writeRange(range),
      ...(this.backOff === undefined ? {} : { backOff: this.backOff }),
      ...(this.shouldYield === undefined ? {} : { shouldYield: this.shouldYield }),
    };
  }

  *#writeRange(range: FolioRange): Task<void> {
    const { folio } = range;
    for (; range.next < range.end; range.next++) {
      const to = yield* this.#place(folio.index + range.next, folio);
      if (to === undefined) range.dropped++;
      else this.filesystem.bios.add(folio, range.next * PAGE_SIZE, (range.next + 1) * PAGE_SIZE, to.offset);
    }
  }

  *#begin(position: number, map: Iomap): Task<void> {
    const block = Math.floor(position / PAGE_SIZE);
    const mapped = this.#allocated.has(block);
    let end = block + 1;
    while (end < FILE_BLOCKS && this.#allocated.has(end) === mapped) end++;
    map.kind = mapped ? 'mapped' : 'hole';
    map.offset = block * PAGE_SIZE;
    map.length = (end - block) * PAGE_SIZE;
    map.address = this.offsetOf(map.offset);
  }

  *#place(index: number, folio: Folio): Task<{ offset: number } | undefined> {
    const { random } = this.filesystem.options;
    if (random?.chance(0.2) && this.device.mode === 'async') {
      const pause = new Completion();
      void Promise.resolve().then(() => pause.complete());
      yield pause;
    }
    if ((yield* this.onPlace?.(index, folio) ?? nothing()) === false) return undefined;
    this.#allocated.add(index);
    return { offset: this.offsetOf(index * PAGE_SIZE) };
  }

  /** A folio that is ready for a copy of `length` bytes: blocks that are covered in part are read, or zeroed in a hole. */
  *#writeBegin(position: number, length: number): Task<Folio> {
    for (;;) {
      const page = Math.floor(position / PAGE_SIZE);
      const folio = yield* lockFolioForWrite(this.mapping, page, this.filesystem.options.order);
      const from = position - folio.position;
      const to = Math.min(folio.size, from + length);
      const missing = this.#blockToFill(folio, from, to);
      if (missing === undefined) return folio;
      const at = missing * PAGE_SIZE;
      const end = at + PAGE_SIZE;
      if (this.#allocated.has(folio.index + missing)) {
        try {
          const read = yield* readBlocks(this, folio, at, end); // unlocks at its end
          if (!read.completion.done) yield read.completion;
          const error = read.errorIn(at, end);
          if (error !== undefined) throw error;
        } finally {
          folio.put();
        }
        continue;
      }
      folio.bytes.fill(0, at, end);
      folio.markUptodate(missing, missing + 1);
      folio.unlock();
      folio.put();
    }
  }

  /** The first or last block of [from, to) if it is not uptodate and covered in part. */
  #blockToFill(folio: Folio, from: number, to: number): number | undefined {
    const cut = (block: number): boolean => {
      const at = block * PAGE_SIZE;
      return (from > at || to < at + PAGE_SIZE) && !folio.isUptodate(at, at + PAGE_SIZE);
    };
    const first = from >> 12;
    const last = (to - 1) >> 12;
    if (cut(first)) return first;
    return cut(last) ? last : undefined;
  }

  #writeEnd(position: number, length: number, copied: number, folio: Folio): number {
    return finishFolioWrite(folio, position, length, copied, {
      grow: (end) => {
        this.size = Math.max(this.size, end);
      },
    });
  }
}

function* nothing(): Task<undefined> {
  return undefined;
}

/** Bytes that differ from place to place and from write to write. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 7 + (at >> 8) * 13 + seed * 31 + 1) & 0xff;
  return bytes;
}
