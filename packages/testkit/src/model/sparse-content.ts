// The bytes of a model's file: a map of 4 KiB pages, so that a file of 8 TiB with one byte costs one page. Pages are never
// changed once they are made, and the map is copied before its first change after `share`: a snapshot costs nothing.

import { createHash } from 'node:crypto';

export const PAGE_SIZE = 4096;

const NO_PAGE = new Uint8Array(PAGE_SIZE);

export class SparseContent {
  /** Bytes. */
  size = 0;
  #pages = new Map<number, Uint8Array>();
  #shared = false;
  #digest: string | undefined = undefined;

  /** Content that is equal now, and changes on its own. */
  share(): SparseContent {
    this.#shared = true;
    const copy = new SparseContent();
    copy.size = this.size;
    copy.#pages = this.#pages;
    copy.#shared = true;
    copy.#digest = this.#digest;
    return copy;
  }

  /** Bytes of pages. */
  get bytesHeld(): number {
    return this.#pages.size * PAGE_SIZE;
  }

  /** The bytes from `position` on, at most `length`, fewer at the end. */
  read(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - position)));
    for (let done = 0; done < bytes.byteLength; ) {
      const index = Math.floor((position + done) / PAGE_SIZE);
      const start = position + done - index * PAGE_SIZE;
      const count = Math.min(PAGE_SIZE - start, bytes.byteLength - done);
      const page = this.#pages.get(index);
      if (page !== undefined) bytes.set(page.subarray(start, start + count), done);
      done += count;
    }
    return bytes;
  }

  /** The page from which on another content is not equal, in bytes; `undefined` where it is. */
  differsAt(other: SparseContent): number | undefined {
    if (this.#pages === other.#pages && this.size === other.size) return undefined;
    const different = [...new Set([...this.#pages.keys(), ...other.#pages.keys()])].filter((index) => {
      const [mine, its] = [this.#pages.get(index) ?? NO_PAGE, other.#pages.get(index) ?? NO_PAGE];
      return mine.some((byte, at) => byte !== its[at]);
    });
    if (this.size !== other.size) different.push(Math.floor(Math.min(this.size, other.size) / PAGE_SIZE));
    return different.length === 0 ? undefined : different.reduce((a, b) => Math.min(a, b)) * PAGE_SIZE;
  }

  /** Grows where the write ends behind the end. */
  write(position: number, bytes: Uint8Array): void {
    this.#own();
    for (let done = 0; done < bytes.byteLength; ) {
      const index = Math.floor((position + done) / PAGE_SIZE);
      const start = position + done - index * PAGE_SIZE;
      const count = Math.min(PAGE_SIZE - start, bytes.byteLength - done);
      this.#page(index).set(bytes.subarray(done, done + count), start);
      done += count;
    }
    this.size = Math.max(this.size, position + bytes.byteLength);
  }

  /** What is cut off, and what a growing file gains, reads as zeros. */
  resize(size: number): void {
    if (size < this.size) this.zero(size, this.size - size);
    this.size = size;
    this.#digest = undefined;
  }

  /** Zeros; the size stays. */
  zero(position: number, length: number): void {
    this.#own();
    const end = position + length;
    const first = Math.ceil(position / PAGE_SIZE);
    const last = Math.floor(end / PAGE_SIZE); // whole pages: first <= index < last
    // By what is there, not by how long it is: a hole of 8 TiB has few pages.
    if (last - first > this.#pages.size) {
      for (const index of [...this.#pages.keys()]) if (index >= first && index < last) this.#pages.delete(index);
    } else for (let index = first; index < last; index++) this.#pages.delete(index);
    const zeroPart = (index: number, from: number, to: number): void => {
      if (from < to && this.#pages.has(index)) this.#page(index).fill(0, from, to);
    };
    const headPage = Math.floor(position / PAGE_SIZE);
    if (first > last || headPage < first) {
      const start = headPage * PAGE_SIZE;
      zeroPart(headPage, position - start, Math.min(end - start, PAGE_SIZE));
    }
    if (last >= first) zeroPart(last, 0, end - last * PAGE_SIZE);
  }

  /** SHA-256 in hex. Remembered, also by what is shared from here, until the content changes. */
  digest(): string {
    if (this.#digest === undefined) {
      const hash = createHash('sha256');
      for (let position = 0; position < this.size; position += 1 << 20) hash.update(this.read(position, 1 << 20));
      this.#digest = hash.digest('hex');
    }
    return this.#digest;
  }

  /** A page of its own, with the old content. */
  #page(index: number): Uint8Array {
    const page = (this.#pages.get(index) ?? NO_PAGE).slice();
    this.#pages.set(index, page);
    return page;
  }

  #own(): void {
    this.#digest = undefined;
    if (!this.#shared) return;
    this.#pages = new Map(this.#pages);
    this.#shared = false;
  }
}
