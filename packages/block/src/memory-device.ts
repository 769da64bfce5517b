// A device in memory. Sparse: memory is taken in chunks when something is first written, so that a device of 16 TiB
// costs what was written to it. Chunks are shared between a device and its clones, or with the bytes it was made from,
// and copied before the first write: taking a copy of a device after every write of a test is cheap.

import { assert, ENODEV } from '@f2fskit/errno';
import { Completion } from '@f2fskit/task';
import { type Bio, SECTOR_SIZE } from './bio.ts';
import { type BlockDevice, checkBio } from './device.ts';

/** Bytes of a chunk: small enough that scattered blocks waste little, large enough that a full device has few. */
export const MEMORY_CHUNK_SIZE = 64 * 1024;

interface Chunk {
  /** The bytes from the start of the chunk; may be short at the end of the device while shared. */
  readonly bytes: Uint8Array;
  /** Another device, or the caller's array, has the same bytes: copy before writing. Never goes back to false. */
  shared: boolean;
}

/** How {@link MemoryDevice} is made. */
export interface MemoryDeviceOptions {
  /** For messages; `memory` unless given. */
  name?: string;
  readOnly?: boolean;
}

/** Always sync. Has no volatile cache: a write is durable when it ends, as far as memory is. */
export class MemoryDevice implements BlockDevice {
  readonly name: string;
  readonly mode = 'sync';
  readonly size: number;
  readonly readOnly: boolean;
  readonly canDiscard = true;
  readonly segmentsMax = Number.POSITIVE_INFINITY;
  readonly #chunks = new Map<number, Chunk>();
  #closed: Completion | undefined = undefined;

  /** A device of zeros. `size` in bytes, a multiple of the sector size. */
  constructor(size: number, options: MemoryDeviceOptions = {}) {
    assert(Number.isSafeInteger(size) && size >= 0, 'the size of a device is a number of bytes');
    assert(size % SECTOR_SIZE === 0, 'the size of a device is a multiple of the sector size');
    this.name = options.name ?? 'memory';
    this.size = size;
    this.readOnly = options.readOnly ?? false;
  }

  /**
   * A device with the content of `bytes`; a partial last sector is left out. The bytes are used in place and never
   * written to; do not change them while the device, or a clone of it, is in use.
   */
  static from(bytes: Uint8Array, options: MemoryDeviceOptions = {}): MemoryDevice {
    const size = bytes.byteLength - (bytes.byteLength % SECTOR_SIZE);
    const device = new MemoryDevice(size, options);
    for (let start = 0; start < size; start += MEMORY_CHUNK_SIZE) {
      const end = Math.min(start + MEMORY_CHUNK_SIZE, size);
      device.#chunks.set(start / MEMORY_CHUNK_SIZE, { bytes: bytes.subarray(start, end), shared: true });
    }
    return device;
  }

  /** Bytes of chunks that this device refers to, shared ones included. */
  get bytesAllocated(): number {
    let bytes = 0;
    for (const chunk of this.#chunks.values()) bytes += chunk.bytes.byteLength;
    return bytes;
  }

  /** A device with the same content that changes on its own from now on. Open, also if this one is closed. */
  clone(options: MemoryDeviceOptions = {}): MemoryDevice {
    const clone = new MemoryDevice(this.size, { name: this.name, readOnly: this.readOnly, ...options });
    for (const [index, chunk] of this.#chunks) {
      chunk.shared = true;
      clone.#chunks.set(index, chunk);
    }
    return clone;
  }

  /** A copy of the bytes in [offset, offset + size); the whole device unless told otherwise. */
  toBytes(offset = 0, size = this.size - offset): Uint8Array {
    assert(offset >= 0 && size >= 0 && offset + size <= this.size, 'a range within the device');
    const bytes = new Uint8Array(size);
    this.#read(offset, bytes);
    return bytes;
  }

  submit(bio: Bio): void {
    const error = this.#closed === undefined ? checkBio(this, bio) : ENODEV;
    if (error === 0) {
      let offset = bio.offset;
      if (bio.operation === 'discard') this.#discard(offset, bio.size);
      for (const segment of bio.segments) {
        if (bio.operation === 'read') this.#read(offset, segment);
        else this.#write(offset, segment);
        offset += segment.byteLength;
      }
    }
    bio.end(error);
  }

  close(): Completion {
    if (this.#closed === undefined) {
      this.#closed = new Completion();
      this.#closed.complete();
    }
    return this.#closed;
  }

  #read(offset: number, target: Uint8Array): void {
    let done = 0;
    while (done < target.byteLength) {
      const index = Math.floor((offset + done) / MEMORY_CHUNK_SIZE);
      const start = offset + done - index * MEMORY_CHUNK_SIZE;
      const count = Math.min(MEMORY_CHUNK_SIZE - start, target.byteLength - done);
      const chunk = this.#chunks.get(index);
      if (chunk === undefined) target.fill(0, done, done + count);
      else target.set(chunk.bytes.subarray(start, start + count), done);
      done += count;
    }
  }

  #write(offset: number, source: Uint8Array): void {
    let done = 0;
    while (done < source.byteLength) {
      const index = Math.floor((offset + done) / MEMORY_CHUNK_SIZE);
      const start = offset + done - index * MEMORY_CHUNK_SIZE;
      const count = Math.min(MEMORY_CHUNK_SIZE - start, source.byteLength - done);
      const bytes = this.#own(index, count === MEMORY_CHUNK_SIZE);
      bytes.set(count === source.byteLength ? source : source.subarray(done, done + count), start);
      done += count;
    }
  }

  /** The chunk's bytes, for writing. `overwrite`: all of it, so that old content need not be copied. */
  #own(index: number, overwrite: boolean): Uint8Array {
    const chunk = this.#chunks.get(index);
    if (chunk !== undefined && !chunk.shared) return chunk.bytes;
    const bytes = new Uint8Array(MEMORY_CHUNK_SIZE);
    if (chunk !== undefined && !overwrite) bytes.set(chunk.bytes);
    this.#chunks.set(index, { bytes, shared: false });
    return bytes;
  }

  #discard(offset: number, size: number): void {
    const end = offset + size;
    const zero = (index: number): void => {
      const chunkStart = index * MEMORY_CHUNK_SIZE;
      const from = Math.max(offset, chunkStart);
      const to = Math.min(end, chunkStart + MEMORY_CHUNK_SIZE);
      if (from >= to || !this.#chunks.has(index)) return;
      if (to - from === MEMORY_CHUNK_SIZE) this.#chunks.delete(index);
      else this.#own(index, false).fill(0, from - chunkStart, to - chunkStart);
    };
    const first = Math.floor(offset / MEMORY_CHUNK_SIZE);
    const last = Math.ceil(end / MEMORY_CHUNK_SIZE);
    // A discard of the whole of a huge device visits the chunks that exist, not those that could.
    if (last - first > this.#chunks.size) for (const index of [...this.#chunks.keys()]) zero(index);
    else for (let index = first; index < last; index++) zero(index);
  }
}
