// Tasks that submit one bio and wait for it: for code that wants bytes and has nothing else to do meanwhile. Everything
// that overlaps requests builds bios itself.

import { FsError } from '@f2fskit/errno';
import { type Task, wait } from '@f2fskit/task';
import { type Bio, describeBio, discardBio, flushBio, readBio, writeBio } from './bio.ts';
import type { BlockDevice } from './device.ts';

/** Submits `bio` and waits for its end. Throws what it ended with as an FsError that names device, offset and size. */
export function* submitAndWait(device: BlockDevice, bio: Bio): Task<void> {
  device.submit(bio);
  if (!bio.completion.done) yield bio.completion;
  throwIfFailed(device, bio);
}

/** Throws for a bio that ended with an error: an FsError that names device, offset and size. */
export function throwIfFailed(device: BlockDevice, bio: Bio): void {
  const { error } = bio.completion;
  if (error === 0) return;
  throw new FsError(error, { syscall: syscalls[bio.operation], detail: describeBio(device.name, bio) });
}

const syscalls = { read: 'read', write: 'write', flush: 'fsync', discard: 'discard' } as const;

/**
 * Fills `target` with the bytes at `offset`. Both `offset` and the length of `target` are multiples of the sector size.
 * Throws EIO beyond the end of the device or from the medium, EINVAL for a range that is not made of sectors.
 */
export function* readBytes(device: BlockDevice, offset: number, target: Uint8Array, flags = 0): Task<void> {
  yield* submitAndWait(device, readBio(offset, [target], flags));
}

/** Writes `source` at `offset`, both in whole sectors. Throws as {@link readBytes} does, and EROFS. */
export function* writeBytes(device: BlockDevice, offset: number, source: Uint8Array, flags = 0): Task<void> {
  yield* submitAndWait(device, writeBio(offset, [source], flags));
}

/** Makes every write that has ended durable. */
export function* flushDevice(device: BlockDevice): Task<void> {
  yield* submitAndWait(device, flushBio());
}

/** Gives up the content of `size` bytes at `offset`, both in whole sectors. */
export function* discardBytes(device: BlockDevice, offset: number, size: number): Task<void> {
  yield* submitAndWait(device, discardBio(offset, size));
}

/** Closes the device and waits until it is closed. */
export function* closeDevice(device: BlockDevice): Task<void> {
  yield* wait(device.close(), 'close');
}
