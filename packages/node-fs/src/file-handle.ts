// An open file of `promises.open`. It closes with `close`, or with `await using`.

import { EBADF, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { AllocationMode, FileExtent, RangeSyncMode } from '@f2fskit/vfs';
import type {
  Abortable,
  BufferView,
  Encoding,
  FiemapOptions,
  Parts,
  ReadOptions,
  StatOptions,
  TextOptions,
  TimeLike,
  WriteFileOptions,
  WriteOptions,
} from './api.ts';
import type { FsContext } from './context.ts';
import { fchmod, fchown, futimes } from './operations/attributes.ts';
import {
  abortAtomicWrite,
  commitAtomicWrite,
  fallocate,
  fiemap,
  seekData,
  seekHole,
  startAtomicWrite,
  syncRange,
} from './operations/linux.ts';
import { close } from './operations/open.ts';
import { type ReadPlace, read, readv } from './operations/read.ts';
import { readFile } from './operations/read-file.ts';
import { fstat } from './operations/stat.ts';
import { fdatasync, fsync, ftruncate, type WritePlace, write, writev } from './operations/write.ts';
import { writeFile } from './operations/write-file.ts';
import { isParts, writeParts } from './operations/write-parts.ts';
import type { BigIntStats, Stats } from './stats.ts';

/** What `read` makes when it is given no buffer. */
const BUFFER_BYTES = 16_384;
/** What a web stream reads at a time. */
const STREAM_CHUNK_BYTES = 65_536;

export interface FileWriteResult<T extends BufferView> {
  bytesWritten: number;
  buffer: T;
}

export interface FileReadResult<T extends BufferView> {
  /** 0 at the end of the file. */
  bytesRead: number;
  buffer: T;
}

export class FileHandle<B extends Uint8Array = Uint8Array> {
  readonly #context: FsContext<B>;
  #fd: number;

  /** The handle owns the descriptor from here on. */
  constructor(context: FsContext<B>, fd: number) {
    this.#context = context;
    this.#fd = fd;
  }

  /** The descriptor, for the sync methods; -1 once closed. */
  get fd(): number {
    return this.#fd;
  }

  read<T extends BufferView>(
    buffer: T,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<FileReadResult<T>>;
  read<T extends BufferView>(buffer: T, options?: ReadOptions): Promise<FileReadResult<T>>;
  read<T extends BufferView = B>(options?: ReadOptions & { buffer?: T }): Promise<FileReadResult<T>>;
  async read<T extends BufferView>(
    first?: T | (ReadOptions & { buffer?: T }),
    ...place: ReadPlace
  ): Promise<FileReadResult<T>> {
    if (ArrayBuffer.isView(first)) return this.#read(first, place);
    const buffer = first?.buffer ?? (this.#context.platform.bytes(new Uint8Array(BUFFER_BYTES)) as unknown as T);
    return this.#read(buffer, [first]);
  }

  async #read<T extends BufferView>(buffer: T, place: ReadPlace): Promise<FileReadResult<T>> {
    return { bytesRead: await this.#run(read(this.#context, this.#open('read'), buffer, ...place)), buffer };
  }

  async readv<T extends readonly BufferView[]>(
    buffers: T,
    position?: number,
  ): Promise<{ bytesRead: number; buffers: T }> {
    const bytesRead = await this.#run(readv(this.#context, this.#open('read'), buffers, position));
    return { bytesRead, buffers };
  }

  /** From where the position is to the end. */
  readFile(options?: ({ encoding?: null | undefined } & Abortable) | null): Promise<B>;
  readFile(options: ({ encoding: Encoding } & Abortable) | Encoding): Promise<string>;
  readFile(options?: (TextOptions & Abortable) | Encoding | null): Promise<string | B>;
  async readFile(options?: (TextOptions & Abortable) | Encoding | null): Promise<string | B> {
    return this.#run(readFile(this.#context, this.#open('read'), options));
  }

  stat(options?: StatOptions & { bigint?: false | undefined }): Promise<Stats>;
  stat(options: StatOptions & { bigint: true }): Promise<BigIntStats>;
  stat(options?: StatOptions): Promise<Stats | BigIntStats>;
  async stat(options?: StatOptions): Promise<Stats | BigIntStats> {
    return this.#run(fstat(this.#context, this.#open('fstat'), options));
  }

  chmod(mode: number | string): Promise<void> {
    return this.#run(fchmod(this.#context, this.#open('fchmod'), mode));
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.#run(fchown(this.#context, this.#open('fchown'), uid, gid));
  }

  utimes(atime: TimeLike, mtime: TimeLike): Promise<void> {
    return this.#run(futimes(this.#context, this.#open('futime'), atime, mtime));
  }

  write<T extends BufferView>(
    buffer: T,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<FileWriteResult<T>>;
  write<T extends BufferView>(buffer: T, options?: WriteOptions): Promise<FileWriteResult<T>>;
  write(
    text: string,
    position?: number | bigint | null,
    encoding?: Encoding | null,
  ): Promise<{ bytesWritten: number; buffer: string }>;
  async write<T extends BufferView | string>(
    what: T,
    ...place: WritePlace
  ): Promise<{ bytesWritten: number; buffer: T }> {
    const fd = this.#open('write');
    // As Node: nothing is written even where nothing could be.
    if (ArrayBuffer.isView(what) && what.byteLength === 0) return { bytesWritten: 0, buffer: what };
    return { bytesWritten: await this.#run(write(this.#context, fd, what, ...place)), buffer: what };
  }

  async writev<T extends readonly BufferView[]>(
    buffers: T,
    position?: number,
  ): Promise<{ bytesWritten: number; buffers: T }> {
    const bytesWritten = await this.#run(writev(this.#context, this.#open('write'), buffers, position));
    return { bytesWritten, buffers };
  }

  /** At the position; what is behind it stays. */
  async writeFile(data: string | BufferView | Parts, options?: WriteFileOptions | Encoding | null): Promise<void> {
    const fd = this.#open('write');
    if (isParts(data)) await writeParts(this.#context, fd, data, options);
    else await this.#run(writeFile(this.#context, fd, data, options));
  }

  /** The same: where it goes was decided when the file was opened. */
  appendFile(data: string | BufferView | Parts, options?: WriteFileOptions | Encoding | null): Promise<void> {
    return this.writeFile(data, options);
  }

  async truncate(length?: number): Promise<void> {
    await this.#run(ftruncate(this.#context, this.#open('ftruncate'), length));
  }

  /** Makes the file durable. */
  async sync(): Promise<void> {
    await this.#run(fsync(this.#context, this.#open('fsync')));
  }

  /** Makes durable what is needed to read its contents. */
  async datasync(): Promise<void> {
    await this.#run(fdatasync(this.#context, this.#open('fdatasync')));
  }

  async seekData(position: number): Promise<number> {
    return this.#run(seekData(this.#context, this.#open('lseek'), position));
  }

  async seekHole(position: number): Promise<number> {
    return this.#run(seekHole(this.#context, this.#open('lseek'), position));
  }

  /** fallocate(2). */
  async fallocate(position: number, length: number, mode?: AllocationMode): Promise<void> {
    await this.#run(fallocate(this.#context, this.#open('fallocate'), position, length, mode));
  }

  /** sync_file_range(2). */
  async syncRange(position: number, length: number, mode?: RangeSyncMode): Promise<void> {
    await this.#run(syncRange(this.#context, this.#open('sync_file_range'), position, length, mode));
  }

  /** What is written from now on becomes durable all together, or not at all. */
  async startAtomicWrite(): Promise<void> {
    await this.#run(startAtomicWrite(this.#context, this.#open('ioctl')));
  }

  async commitAtomicWrite(): Promise<void> {
    await this.#run(commitAtomicWrite(this.#context, this.#open('ioctl')));
  }

  async abortAtomicWrite(): Promise<void> {
    await this.#run(abortAtomicWrite(this.#context, this.#open('ioctl')));
  }

  async fiemap(options?: FiemapOptions): Promise<FileExtent[]> {
    return this.#run(fiemap(this.#context, this.#open('ioctl'), options));
  }

  /** The file from its position on, as a web stream of bytes. The handle stays open. */
  readableWebStream(): WebStream<B> {
    const { ReadableStream } = globalThis as unknown as { ReadableStream: new (source: unknown) => WebStream<B> };
    return new ReadableStream({
      type: 'bytes',
      pull: async (controller: {
        enqueue(chunk: Uint8Array): void;
        close(): void;
        byobRequest: ByobRequest | null;
      }) => {
        const { byobRequest } = controller;
        const { bytesRead, buffer } = await this.read({
          buffer: byobRequest?.view ?? new Uint8Array(STREAM_CHUNK_BYTES),
        });
        if (bytesRead === 0) controller.close();
        if (byobRequest !== null) byobRequest.respond(bytesRead);
        else if (bytesRead > 0) controller.enqueue((buffer as Uint8Array).subarray(0, bytesRead));
      },
    });
  }

  /** Closing twice is fine. What has begun is finished. */
  async close(): Promise<void> {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    await this.#run(close(this.#context, fd));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run<T>(task: Task<T>): Promise<T> {
    return this.#context.scheduler.run(task);
  }

  #open(syscall: string): number {
    if (this.#fd < 0) throw new FsError(EBADF, { syscall, detail: 'file closed' });
    return this.#fd;
  }
}

interface ByobRequest {
  view: Uint8Array;
  respond(bytes: number): void;
}

/** As much of a web ReadableStream as compiles without the DOM's types. */
export interface WebStream<T> extends AsyncIterable<T> {
  getReader(options?: never): unknown;
}
