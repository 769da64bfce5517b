// A file handle with what Node's has beyond promises: streams of the node:stream kind, and lines.

import type { ReadStream, WriteStream } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import type { ReadableStream } from 'node:stream/web';
import type { ReadStreamOptions, WriteStreamOptions } from '../api.ts';
import type { FsContext } from '../context.ts';
import { FileHandle } from '../file-handle.ts';
import type { Bytes } from './bytes.ts';
import { handleStream } from './read-stream.ts';
import { handleWriteStream } from './write-stream.ts';

export class NodeFileHandle extends FileHandle<Bytes> {
  readonly #context: FsContext<Bytes>;

  constructor(context: FsContext<Bytes, NodeFileHandle>, fd: number) {
    super(context as unknown as FsContext<Bytes>, fd);
    this.#context = context as unknown as FsContext<Bytes>;
  }

  /** Closes the handle at its end unless `autoClose` is false. */
  createReadStream(options?: ReadStreamOptions): ReadStream {
    return handleStream(this.#context, this, options);
  }

  /** Closes the handle at its end unless `autoClose` is false. */
  createWriteStream(options?: WriteStreamOptions): WriteStream {
    return handleWriteStream(this.#context, this, options);
  }

  /** The lines of the file, as `node:readline` has them. */
  readLines(options?: ReadStreamOptions): Interface {
    return createInterface({ input: this.createReadStream(options), crlfDelay: Number.POSITIVE_INFINITY });
  }

  override readableWebStream(): ReadableStream {
    return super.readableWebStream() as unknown as ReadableStream;
  }
}
