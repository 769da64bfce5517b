// An open volume as a user holds it: paths in, bytes out, as promises and — where the device is synchronous — as plain
// calls. The layers below stay reachable: `f2fs` for what only F2FS knows, `vfs` for tasks, `scheduler` to run them.

import { type BlockDevice, closeDevice } from '@f2fskit/block';
import type { F2fsVolume, VolumeProblem } from '@f2fskit/f2fs';
import { runAsync, Scheduler, type Task, type Tracer } from '@f2fskit/task';
import { type Attributes, type DirectoryEntry, type PathLike, Vfs } from '@f2fskit/vfs';
import { withPath } from './edge.ts';
import type { OpenImage } from './image.ts';

/** The promise methods: always there. */
export interface VolumePromises {
  /** The whole file. Rejects with ENOENT, EISDIR, ENOKEY, EFBIG above 2 GiB, or a Corruption that names the place. */
  readFile(path: PathLike): Promise<Uint8Array>;
  /** Names in the order of storage, without `.` and `..`. */
  readdir(path: PathLike): Promise<DirectoryEntry[]>;
  stat(path: PathLike): Promise<Attributes>;
  /** Does not follow a symlink at the end. */
  lstat(path: PathLike): Promise<Attributes>;
  readlink(path: PathLike): Promise<Uint8Array>;
}

/** A volume in no container. */
const BARE = { container: [], problems: [] };

export class Volume {
  readonly device: BlockDevice;
  readonly f2fs: F2fsVolume;
  readonly vfs: Vfs;
  readonly scheduler: Scheduler;
  readonly tracer: Tracer;
  readonly promises: VolumePromises;
  /** The containers that the volume lies in, from outside to inside, one sentence each; empty for a bare volume. */
  readonly container: readonly string[];
  readonly #containerProblems: readonly VolumeProblem[];

  constructor(f2fs: F2fsVolume, tracer: Tracer, image: Pick<OpenImage, 'container' | 'problems'> = BARE) {
    this.container = image.container;
    this.#containerProblems = image.problems.map((message) => ({ kind: 'damage', message }));
    this.device = f2fs.device;
    this.f2fs = f2fs;
    this.vfs = new Vfs(f2fs);
    this.scheduler = new Scheduler(f2fs.device.mode);
    this.tracer = tracer;
    const run = <T>(task: Task<T>): Promise<T> => this.scheduler.run(task);
    this.promises = {
      readFile: (path) => run(this.#readFile(path)),
      readdir: (path) => run(this.#readdir(path)),
      stat: (path) => run(this.#stat(path, true)),
      lstat: (path) => run(this.#stat(path, false)),
      readlink: (path) => run(this.#readlink(path)),
    };
  }

  /** What a person should know about the volume and the containers around it; empty for a healthy one. */
  get problems(): readonly VolumeProblem[] {
    return [...this.#containerProblems, ...this.f2fs.problems];
  }

  readFileSync(path: PathLike): Uint8Array {
    return this.scheduler.runSync(this.#readFile(path));
  }

  readdirSync(path: PathLike): DirectoryEntry[] {
    return this.scheduler.runSync(this.#readdir(path));
  }

  statSync(path: PathLike): Attributes {
    return this.scheduler.runSync(this.#stat(path, true));
  }

  lstatSync(path: PathLike): Attributes {
    return this.scheduler.runSync(this.#stat(path, false));
  }

  readlinkSync(path: PathLike): Uint8Array {
    return this.scheduler.runSync(this.#readlink(path));
  }

  /** Closes the device. */
  async close(): Promise<void> {
    await runAsync(closeDevice(this.device));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #readFile(path: PathLike): Task<Uint8Array> {
    return withPath('open', path, this.vfs.readFile(path));
  }

  #readdir(path: PathLike): Task<DirectoryEntry[]> {
    return withPath('scandir', path, this.vfs.readDirectory(path));
  }

  *#stat(path: PathLike, followLast: boolean): Task<Attributes> {
    const { inode } = yield* withPath(followLast ? 'stat' : 'lstat', path, this.vfs.walk(path, { followLast }));
    return inode.attributes();
  }

  *#readlink(path: PathLike): Task<Uint8Array> {
    const { inode } = yield* withPath('readlink', path, this.vfs.walk(path, { followLast: false }));
    return yield* withPath('readlink', path, inode.readLink());
  }
}
