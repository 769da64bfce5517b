// Contents of new files on their way to the device. They are copied one behind the other into a piece of memory, so that what
// lies side by side in a log is one request; the memory is used again when it has been written.

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import type { PageBios, WriteReceiver } from '@f2fskit/writeback';

/** Bytes of a piece of memory: as much as a request ought to have. */
const CHUNK_BYTES = 1 << 20;

class Chunk implements WriteReceiver {
  readonly bytes = new Uint8Array(CHUNK_BYTES);
  used = 0;
  /** Parts that have not been written. */
  pending = 0;
  /** Nothing is added any more. */
  full = false;
  readonly #stage: ContentStage;

  constructor(stage: ContentStage) {
    this.#stage = stage;
  }

  onWritten(error: number): void {
    this.pending--;
    this.#stage.written(this, error);
  }
}

export class ContentStage {
  readonly #bios: PageBios;
  #chunk: Chunk | undefined = undefined;
  /** One that is not in use: with a device that is fast there is never another one. */
  #spare: Chunk | undefined = undefined;
  #error = 0;

  constructor(bios: PageBios) {
    this.#bios = bios;
  }

  /** What the device said of the first write that failed, as an error number, or 0. */
  get error(): number {
    return this.#error;
  }

  /**
   * Sends the contents of a file, which lie on the blocks `addresses`, one by one; the rest of the last block is zeros. They are
   * copied at once, and on the device when `bios` has been drained.
   */
  send(contents: Uint8Array, addresses: readonly number[], stream: number): void {
    for (let index = 0; index < addresses.length; ) {
      const chunk = this.#chunkWithRoom();
      const first = index;
      const start = chunk.used;
      const room = (CHUNK_BYTES - start) / BLOCK_SIZE;
      do index++;
      while (index < addresses.length && index - first < room && addresses[index] === addresses[index - 1]! + 1);
      const part = contents.subarray(first * BLOCK_SIZE, index * BLOCK_SIZE);
      const end = start + (index - first) * BLOCK_SIZE;
      chunk.bytes.set(part, start);
      chunk.bytes.fill(0, start + part.length, end);
      chunk.used = end;
      chunk.pending++;
      this.#bios.addMemory(chunk.bytes.subarray(start, end), addresses[first]! * BLOCK_SIZE, chunk, stream);
    }
  }

  /** A part of a chunk has been written, or not. */
  written(chunk: Chunk, error: number): void {
    this.#error ||= error;
    if (chunk.full && chunk.pending === 0) this.#reuse(chunk);
  }

  #chunkWithRoom(): Chunk {
    let chunk = this.#chunk;
    if (chunk !== undefined && chunk.used < CHUNK_BYTES) return chunk;
    if (chunk !== undefined) {
      chunk.full = true;
      if (chunk.pending === 0) this.#reuse(chunk);
      else this.#bios.submit();
    }
    chunk = this.#spare ?? new Chunk(this);
    this.#spare = undefined;
    this.#chunk = chunk;
    return chunk;
  }

  #reuse(chunk: Chunk): void {
    chunk.used = 0;
    chunk.full = false;
    this.#spare = chunk;
  }
}
