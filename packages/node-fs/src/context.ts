// What every operation works with.

import { Completion, type Scheduler, type Task } from '@f2fskit/task';
import type { Vfs } from '@f2fskit/vfs';
import type { AbortSignalLike, Encoding } from './api.ts';
import { throwIfAborted } from './arguments.ts';
import type { FileHandle } from './file-handle.ts';
import type { Platform } from './platform.ts';

export interface FsContext<B extends Uint8Array = Uint8Array, H extends FileHandle<B> = FileHandle<B>> {
  readonly vfs: Vfs;
  readonly scheduler: Scheduler;
  readonly platform: Platform<B, H>;
}

/** Bytes as the caller wants them: text in an encoding, or (`undefined`, 'buffer') the platform's kind of byte array. */
export function bytesOrText<B extends Uint8Array>(
  { platform }: FsContext<B>,
  bytes: Uint8Array,
  encoding: Encoding | 'buffer' | undefined,
): B | string {
  return encoding === undefined || encoding === 'buffer' ? platform.bytes(bytes) : platform.text(bytes, encoding);
}

/**
 * A point at which a call with a signal may end. It lets the caller run first: on a synchronous device nothing else would
 * give it the chance to abort.
 */
export function* abortPoint(signal: AbortSignalLike): Task<void> {
  throwIfAborted(signal);
  const turn = new Completion();
  void Promise.resolve().then(() => turn.complete());
  yield turn;
  throwIfAborted(signal);
}
