// An open volume as a user holds it: paths in, bytes out, as promises and — where the device is synchronous — as plain
// calls. The layers below stay reachable: `f2fs` for what only F2FS knows, `vfs` for tasks, `scheduler` to run them.

import { type BlockDevice, closeDevice } from '@f2fskit/block';
import type { BufferedIo, F2fsVolume, VolumeProblem } from '@f2fskit/f2fs';
import {
  corePlatform,
  type FileHandle,
  type FsContext,
  type FsPromises,
  type FsSync,
  type Platform,
  promiseSurface,
  syncSurface,
} from '@f2fskit/node-fs';
import { runAsync, Scheduler, type Tracer } from '@f2fskit/task';
import { Vfs } from '@f2fskit/vfs';
import type { OpenImage } from './image.ts';

/** A volume in no container. */
const BARE = { container: [], problems: [] };

/** What `openVolume` is told beside its options: how the entry's platform makes a volume. */
export type VolumeFactory<V extends Volume> = (
  f2fs: F2fsVolume,
  tracer: Tracer,
  image: Pick<OpenImage, 'container' | 'problems'>,
) => V;

/** The methods; the constructor makes every one of them. */
export interface Volume<B extends Uint8Array = Uint8Array, H extends FileHandle<B> = FileHandle<B>> extends FsSync<B> {
  /** The shape of `node:fs/promises`: always there. */
  readonly promises: FsPromises<B, H>;
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor makes every method of the interface
export class Volume<B extends Uint8Array = Uint8Array, H extends FileHandle<B> = FileHandle<B>> {
  readonly device: BlockDevice;
  readonly f2fs: F2fsVolume;
  readonly vfs: Vfs;
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  /** The containers that the volume lies in, from outside to inside, one sentence each; empty for a bare volume. */
  readonly container: readonly string[];
  /** What the operations of `@f2fskit/node-fs` work with. */
  protected readonly context: FsContext<B, H>;
  readonly #containerProblems: readonly VolumeProblem[];
  readonly #closedCallbacks: Array<() => void> = [];

  constructor(
    f2fs: F2fsVolume,
    tracer: Tracer,
    image: Pick<OpenImage, 'container' | 'problems'> = BARE,
    platform = corePlatform as unknown as Platform<B, H>,
  ) {
    this.container = image.container;
    this.#containerProblems = image.problems.map((message) => ({ kind: 'damage', message }));
    this.device = f2fs.device;
    this.f2fs = f2fs;
    this.vfs = new Vfs(f2fs);
    const { writer } = f2fs;
    if (writer !== undefined) writer.onInodeFreed = (ino) => this.vfs.filesystem.onInodeFreed?.(ino);
    this.scheduler = new Scheduler(f2fs.device.mode);
    this.tracer = tracer;
    this.context = { vfs: this.vfs, scheduler: this.scheduler, platform };
    const { context } = this;
    Object.assign(this, syncSurface(context as FsContext<B>), { promises: promiseSurface(context) });
  }

  /** What a person should know about the volume and the containers around it; empty for a healthy one. */
  get problems(): readonly VolumeProblem[] {
    return [...this.#containerProblems, ...this.f2fs.problems];
  }

  /** The engine of buffered reads and writes: the option of `openVolume`. */
  get bufferedIo(): BufferedIo {
    return this.f2fs.bufferedIo;
  }

  /** Calls back once the device is closed, to give back what an entry holds beside it. */
  whenClosed(callback: () => void): void {
    this.#closedCallbacks.push(callback);
  }

  /** Makes every change durable. */
  async sync(): Promise<void> {
    await this.scheduler.run(this.f2fs.sync());
  }

  /** Makes every change durable, and closes the device. Rejects when that fails: the device is closed all the same. */
  async close(): Promise<void> {
    try {
      await this.scheduler.run(this.f2fs.unmount());
    } finally {
      await runAsync(closeDevice(this.device));
      for (const callback of this.#closedCallbacks.splice(0)) callback();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
