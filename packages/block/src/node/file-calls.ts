// The few calls of the operating system that a file device makes, as an object, so that a test can put a file behind it
// that answers short, is interrupted or shrinks. Positions are numbers: `fs.readv` ignores a bigint without a word and
// reads from the current position instead.

import fs from 'node:fs';

/** `error` is null or what node:fs made; `bytes` is the count of a call that succeeded. */
export type TransferCallback = (error: Error | null, bytes: number) => void;

/** Vector transfers at a position in bytes, and what makes them durable. A call may transfer less than asked. */
export interface FileCalls {
  readSync(fd: number, buffers: readonly Uint8Array[], position: number): number;
  writeSync(fd: number, buffers: readonly Uint8Array[], position: number): number;
  read(fd: number, buffers: readonly Uint8Array[], position: number, callback: TransferCallback): void;
  write(fd: number, buffers: readonly Uint8Array[], position: number, callback: TransferCallback): void;
  fdatasyncSync(fd: number): void;
  fdatasync(fd: number, callback: (error: Error | null) => void): void;
}

/** node:fs. One buffer goes without a vector: that is the common case, and a little cheaper. */
export const nodeCalls: FileCalls = {
  readSync(fd, buffers, position) {
    const first = buffers[0]!;
    if (buffers.length === 1) return fs.readSync(fd, first, 0, first.byteLength, position);
    return fs.readvSync(fd, buffers, position);
  },
  writeSync(fd, buffers, position) {
    const first = buffers[0]!;
    if (buffers.length === 1) return fs.writeSync(fd, first, 0, first.byteLength, position);
    return fs.writevSync(fd, buffers, position);
  },
  read(fd, buffers, position, callback) {
    const first = buffers[0]!;
    if (buffers.length === 1) fs.read(fd, first, 0, first.byteLength, position, callback);
    else fs.readv(fd, buffers, position, callback);
  },
  write(fd, buffers, position, callback) {
    const first = buffers[0]!;
    if (buffers.length === 1) fs.write(fd, first, 0, first.byteLength, position, callback);
    else fs.writev(fd, buffers as Uint8Array[], position, callback);
  },
  fdatasyncSync: fs.fdatasyncSync,
  fdatasync: fs.fdatasync,
};
