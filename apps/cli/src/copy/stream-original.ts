// What comes through a stream, as a regular file: standard input, a pipe, a device.

import type { Readable } from 'node:stream';
import type { Contents, Original, Piece } from './original.ts';

export class StreamOriginal implements Original {
  readonly path: string;
  readonly kind = 'file';
  readonly mode: number;
  readonly owner = { uid: 0, gid: 0 };
  readonly times = {};
  readonly device = { major: 0, minor: 0 };
  readonly #stream: () => NodeJS.ReadableStream;

  /** `stream` is asked for when the file is opened. */
  constructor(path: string, stream: () => NodeJS.ReadableStream, mode = 0o666) {
    this.path = path;
    this.mode = mode;
    this.#stream = stream;
  }

  target(): Promise<Uint8Array> {
    throw new TypeError('a stream is no symlink');
  }

  open(): Contents {
    const stream = this.#stream();
    const chunks = stream[Symbol.asyncIterator]();
    let size = 0;
    return {
      get size() {
        return size;
      },
      async next(): Promise<Piece | undefined> {
        const { done, value } = await chunks.next();
        if (done === true) return undefined;
        const piece = { position: size, bytes: Buffer.from(value) };
        size += piece.bytes.length;
        return piece;
      },
      // One that stands still would keep the process alive.
      close: () => void (stream as Readable).destroy?.(),
    };
  }
}
