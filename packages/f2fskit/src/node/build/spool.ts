// A stream as a file that can be read anywhere: bytes that come once are kept on the disk until the build is over.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { EINVAL, FsError } from '@f2fskit/errno';

/** What an archive may be packed with, by how it begins. */
const packers: ReadonlyArray<readonly [start: string, name: string, unpack: string]> = [
  ['fd377a585a00', 'xz', 'xz -dc'],
  ['28b52ffd', 'Zstandard', 'zstd -dc'],
  ['425a68', 'bzip2', 'bzip2 -dc'],
  ['04224d18', 'LZ4', 'lz4 -dc'],
  ['504b0304', 'ZIP', 'bsdtar -cf - @-'],
  ['377abcaf271c', '7-Zip', 'bsdtar -cf - @-'],
];

export const GZIP_START = Buffer.of(0x1f, 0x8b);

/** Throws EINVAL for an archive that has to be unpacked first, saying how. */
export function checkPacking(start: Uint8Array): void {
  const hex = Buffer.from(start).toString('hex');
  const packer = packers.find(([magic]) => hex.startsWith(magic));
  if (packer === undefined) return;
  const [, name, unpack] = packer;
  throw new FsError(EINVAL, `the archive is packed with ${name}: unpack it on the way, ${unpack} … | f2fs build - …`);
}

export interface Spool {
  fd: number;
  bytes: number;
  close(): void;
}

/**
 * Keeps what `input` yields, unpacked if it is packed with gzip, in a nameless file in `directory`. Rejects with EINVAL for what is
 * packed in another way or broken, with the reason of the signal, and with what the input and the host say.
 */
export async function spoolArchive(
  input: AsyncIterable<Uint8Array>,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<Spool> {
  const name = path.join(directory, `.f2fs-build-${process.pid}-${randomBytes(4).toString('hex')}`);
  const fd = fs.openSync(name, 'wx+', 0o600);
  let nameless = false;
  try {
    fs.unlinkSync(name);
    nameless = true;
  } catch {
    // Windows keeps the names of open files.
  }
  const close = (): void => {
    fs.closeSync(fd);
    if (!nameless) fs.rmSync(name, { force: true });
  };
  try {
    return { fd, bytes: await fill(fd, input, signal), close };
  } catch (error) {
    close();
    signal?.throwIfAborted();
    throw error;
  }
}

async function fill(fd: number, input: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<number> {
  const iterator = input[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let start = Buffer.alloc(0);
  while (start.length < 8) {
    const { done, value } = await untilAborted(iterator.next(), signal);
    if (done === true) break;
    chunks.push(value);
    start = Buffer.concat([start, value.subarray(0, 8)]);
  }
  try {
    checkPacking(start);
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* chunks;
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) return;
      yield value;
    }
  }
  let bytes = 0;
  async function keep(from: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of from) {
      signal?.throwIfAborted();
      for (let done = 0; done < chunk.length; )
        done += fs.writeSync(fd, chunk, done, chunk.length - done, bytes + done);
      bytes += chunk.length;
    }
  }
  const options = signal === undefined ? {} : { signal };
  if (!start.subarray(0, 2).equals(GZIP_START)) await pipeline(all, keep, options);
  else {
    try {
      await pipeline(all, createGunzip(), keep, options);
    } catch (error) {
      if (!String((error as NodeJS.ErrnoException).code).startsWith('Z_')) throw error;
      throw new FsError(EINVAL, { detail: `the archive is packed with gzip, and broken`, cause: error });
    }
  }
  return bytes;
}

/** A reader that waits for its first bytes is left as well. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
