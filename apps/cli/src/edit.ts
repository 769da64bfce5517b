// Commands that change a volume. One run is: take the volume for writing, make the changes one by one, leave it.
//
//   a change that fails      is said and counted; the others are made; the run ends with 1
//   a signal                 stops the run between two changes: what was changed stays, the volume is left cleanly
//   a volume that fails      nothing more is written; it is what its last checkpoint says
//   a bug of ours            likewise: what is in memory is not trusted
//
// Nothing is printed before the volume is closed: what a report says is durable.

import { fixedClock, type Task } from '@f2fskit/task';
import { FsError, loadCodecs, openVolume, type Volume, withPath } from 'f2fskit';
import type { Context } from './command.ts';
import { Interrupted, isInternal, isSystemError, UsageError } from './errors.ts';
import { jsonPath, type Output } from './output.ts';
import { sourceDateEpoch } from './time.ts';
import { type Visited, type VisitOptions, visit } from './walk.ts';

/** Between two rounds of the event loop, in milliseconds: a signal is heard that soon. */
const PAUSE_MS = 50;
/** Failures that a report lists; all are counted. */
const FAILURES_MAX = 1000;

/** A change that could not be made, or a directory that could not be listed. */
interface Failure {
  path?: string;
  pathHex?: string;
  code: string;
  message: string;
}

/** A run that changes a volume. */
export class Edit {
  readonly volume: Volume;
  /** As the command line names it. */
  readonly image: string;
  changed = 0;
  /** Looked at, and as it should be already. */
  unchanged = 0;
  failed = 0;
  /** At most 1000. */
  readonly failures: Failure[] = [];
  /** The signal that asked the run to stop. */
  signal: NodeJS.Signals | undefined = undefined;
  readonly #output: Output;
  readonly #pauseMs: number;
  #lastPause = performance.now();
  /** Ends the wait of {@link wait}. */
  #stopWaiting: (() => void) | undefined = undefined;

  constructor(volume: Volume, output: Output, { image, pauseMs = PAUSE_MS }: Pick<EditRun, 'image' | 'pauseMs'>) {
    this.volume = volume;
    this.image = image;
    this.#output = output;
    this.#pauseMs = pauseMs;
  }

  /**
   * Makes one change. `task` returns whether there was something to do; what it throws gets `syscall` and `path`, and is a
   * failure of the run, which goes on.
   *
   * @throws Interrupted after a signal: nothing of this change is done.
   * @throws FsError EROFS when the volume takes no more changes.
   */
  async change(syscall: string, path: string | Uint8Array, task: () => Task<boolean>): Promise<void> {
    await this.apply(path, () => this.run(syscall, path, task()));
  }

  /** As {@link change}, for what takes several tasks, and may be left between them. Returns whether it was done. */
  async apply(path: string | Uint8Array, part: () => Promise<boolean>): Promise<boolean> {
    await this.pause();
    return await this.attempt(async () => {
      if (await part()) this.changed++;
      else this.unchanged++;
    }, path);
  }

  /** A task of the volume. What it throws gets `syscall` and `path`. */
  run<T>(syscall: string, path: string | Uint8Array, task: Task<T>): Promise<T> {
    return this.volume.scheduler.run(withPath(syscall, path, task));
  }

  /**
   * Runs a part of the work of which the rest does not depend: what volume or host say is a failure of the run, which goes
   * on. Returns false then.
   */
  async attempt(part: () => Promise<void>, path?: string | Uint8Array): Promise<boolean> {
    try {
      await part();
      return true;
    } catch (error) {
      this.fail(error, path);
      return false;
    }
  }

  /** Counts and says a failure. Throws what ends the run. */
  fail(error: unknown, path: string | Uint8Array | undefined): void {
    const { code, message } = error as FsError;
    if (error instanceof FsError ? code === 'EROFS' : !isSystemError(error)) throw error;
    this.#count(code, message, path);
    this.#output.fail(message);
  }

  /** Says something that is no failure. */
  note(text: string): void {
    this.#output.note(text);
  }

  /** Walks the volume as `visit` does. What cannot be listed is a failure. */
  visit(path: string, options: VisitOptions): AsyncGenerator<Visited> {
    const unreadable = (where: Uint8Array, error: FsError): void => {
      this.#count(error.code, error.message, where);
      this.#output.unreadable(where, error);
    };
    return visit(this.volume, path, options, { unreadable });
  }

  /** A place where the run can be left. Throws Interrupted after a signal. */
  async pause(): Promise<void> {
    if (performance.now() - this.#lastPause >= this.#pauseMs) {
      await new Promise((resume) => setImmediate(resume));
      this.#lastPause = performance.now();
    }
    if (this.signal !== undefined) throw new Interrupted(this.signal, 'interrupted');
  }

  /** Waits for what may never come. Throws Interrupted after a signal. */
  async wait<T>(coming: Promise<T>): Promise<T> {
    coming.catch(() => {}); // it may fail when nobody waits any more
    await this.pause();
    const stopped = new Promise<void>((resolve) => {
      this.#stopWaiting = resolve;
    });
    await Promise.race([coming, stopped]);
    await this.pause();
    return await coming;
  }

  /** A signal came: the run ends at its next pause. */
  stop(signal: NodeJS.Signals): void {
    this.signal = signal;
    this.#stopWaiting?.();
  }

  #count(code: string, message: string, path: string | Uint8Array | undefined): void {
    this.failed++;
    if (this.failures.length >= FAILURES_MAX) return;
    const where = path === undefined ? {} : jsonPath(Buffer.from(path));
    this.failures.push({ ...where, code, message });
  }
}

export interface EditRun {
  /** Of the command: names the schema of the report. */
  name: string;
  image: string;
  json: boolean;
  pauseMs?: number;
}

/**
 * Opens the image for writing, lets `body` change it, and leaves it: every change is durable then.
 *
 * @throws Interrupted after a signal, when the volume has been left.
 * @throws FsError when the volume cannot be opened for writing (EBUSY, EROFS, …), or failed while it was changed.
 */
export async function runEdit(
  { name, image, json, pauseMs }: EditRun,
  { output, streams, environment }: Context,
  body: (edit: Edit) => Promise<void>,
): Promise<void> {
  if (image === '-' || image.startsWith('-#')) throw new UsageError('standard input cannot be changed: name a file');
  const epoch = sourceDateEpoch(environment);
  let signal: NodeJS.Signals | undefined;
  let edit: Edit | undefined;
  const release = streams.onSignal?.((received) => {
    signal = received;
    edit?.stop(received);
  });
  try {
    const clock = epoch === undefined ? {} : { clock: fixedClock(epoch) };
    const codecs = await loadCodecs();
    const volume = await openVolume(image, { writable: true, codecs, ...clock });
    for (const problem of volume.problems) output.note(problem.message);
    edit = new Edit(volume, output, { image, ...(pauseMs === undefined ? {} : { pauseMs }) });
    edit.signal = signal;
    const error = await leaveAfter(edit, body, output);
    if (error !== undefined && !(error instanceof Interrupted)) throw error;
    if (json) await output.json(report(name, image, edit, error !== undefined));
    if (error !== undefined)
      throw new Interrupted(edit.signal!, `interrupted: ${edit.changed} changed, and that stays`);
  } finally {
    release?.();
  }
}

/** Runs the body and closes the volume in any case. Returns what the body threw. */
async function leaveAfter(edit: Edit, body: (edit: Edit) => Promise<void>, output: Output): Promise<unknown> {
  const { volume } = edit;
  let thrown: unknown;
  try {
    await body(edit);
  } catch (error) {
    thrown = error;
    // Half of a change may be in memory: it must not become durable.
    if (isInternal(error)) volume.f2fs.writer?.abandon(error);
  }
  try {
    await volume.close();
  } catch (error) {
    output.note('the volume is as its last checkpoint left it: changes of this run may be lost');
    if (thrown === undefined || thrown instanceof Interrupted) throw error;
  }
  return thrown;
}

function report(name: string, image: string, edit: Edit, interrupted: boolean): object {
  const { changed, unchanged, failed, failures } = edit;
  return { schema: `f2fs.${name}/1`, image, changed, unchanged, failed, failures, interrupted };
}
