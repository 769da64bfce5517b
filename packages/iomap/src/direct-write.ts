// Writing past the cache: whole blocks that have their places, straight from the caller's memory to the device.
//
//   1. what is dirty in the range is written back, and what is cached of it dropped
//   2. window by window: the range is mapped, requests are made for what is mapped, all of them are in flight together, and all
//      are waited for. Anything else than mapped blocks ends the write: the rest is the caller's to write through the cache
//   3. the file grows when the bytes have arrived
//   4. what readers brought into the cache meanwhile is dropped again: it may be older than the device
//
// The caller holds whatever keeps other writers and truncation away. What has arrived is not durable.
// Source: spec section 9.8; kernel fs/iomap/direct-io.c describes the idea.

import { type Bio, throwIfFailed, writeBio } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import { PAGE_SIZE } from '@f2fskit/pagecache';
import { type Task, waitAll } from '@f2fskit/task';
import type { BufferedFile } from './buffered-file.ts';
import { IomapFlag, type IomapOperations, IomapRequest } from './iomap.ts';
import { IomapIterator } from './iterator.ts';

/** `begin` maps what there is, and reserves nothing. */
export interface DirectWriteOperations extends IomapOperations {
  /** Writes what is dirty in the bytes [start, end) to the device and waits. Throws what failed. */
  writeBack(start: number, end: number): Task<void>;
  /** Runs `body`; no block of the file gets another place meanwhile. */
  window<T>(body: Task<T>): Task<T>;
  /** The bytes up to `end` of the file have arrived. Must not wait and must not throw. */
  grow(end: number): void;
}

/** Most bytes that are in flight together: whatever waits until nothing moves waits for no more. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Writes `bytes`, whole blocks, at `position`, the start of one. Returns how many: those before the first block that has no
 * place, or 0 where the cache keeps dirty bytes of the range. Throws when a request failed; what the range holds is then
 * unknown, but for what the file has grown by.
 */
export function* writeDirect(
  file: BufferedFile,
  position: number,
  bytes: Uint8Array,
  operations: DirectWriteOperations,
): Task<number> {
  assert(position % PAGE_SIZE === 0 && bytes.length % PAGE_SIZE === 0, 'blocks are written whole');
  const { mapping } = file;
  const end = position + bytes.length;
  const [first, last] = [position / PAGE_SIZE, end / PAGE_SIZE];
  yield* operations.writeBack(position, end);
  if ((yield* mapping.invalidate(first, last)) > 0) return 0;
  let done = 0;
  try {
    while (done < bytes.length) {
      const part = bytes.subarray(done, done + WINDOW_BYTES);
      const count = yield* operations.window(writeWindow(file, position + done, part, operations));
      done += count;
      if (count > 0) operations.grow(position + done);
      if (count < part.length) break;
    }
  } finally {
    yield* mapping.invalidate(first, last);
  }
  return done;
}

function* writeWindow(
  { device }: BufferedFile,
  position: number,
  bytes: Uint8Array,
  operations: IomapOperations,
): Task<number> {
  // Nothing is submitted before everything is mapped: a throw of `begin` leaves nothing behind.
  const { bios, length } = yield* requestsFor(position, bytes, operations);
  for (const bio of bios) device.submit(bio);
  // All of them, also after a failure: they read the caller's memory.
  yield* waitAll(bios.map(({ completion }) => completion));
  for (const bio of bios) throwIfFailed(device, bio);
  return length;
}

/** Requests for the mapped blocks that the range begins with, and how many bytes these are. */
function* requestsFor(
  position: number,
  bytes: Uint8Array,
  operations: IomapOperations,
): Task<{ bios: Bio[]; length: number }> {
  const bios: Bio[] = [];
  const walk = new IomapIterator(operations, position, bytes.length, IomapRequest.WRITE | IomapRequest.DIRECT);
  while (yield* walk.next()) {
    const { map, length } = walk;
    if (map.kind !== 'mapped' || (map.flags & IomapFlag.NEW) !== 0) {
      yield* walk.abort();
      break;
    }
    const at = walk.position - position;
    bios.push(writeBio(map.address + (walk.position - map.offset), [bytes.subarray(at, at + length)]));
    walk.advance(length);
  }
  return { bios, length: walk.position - position };
}
