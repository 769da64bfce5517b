// A device that lets the process breathe. A task over a synchronous device would keep the thread until it ends: Ctrl-C
// would be heard afterwards. Here every request ends a little later, and now and then only after the event loop went
// round: signals arrive, and the task is left at its next wait.

import { type Bio, type BlockDevice, cloneBio, DeviceWrapper, Lifetime } from '@f2fskit/block';
import { type Completion, runAsync, type Task } from '@f2fskit/task';
import { Interrupted } from './errors.ts';
import type { Streams } from './output.ts';
import { showBytes } from './show.ts';

/** Between two rounds of the event loop, in milliseconds: nobody notices a tenth of a second. */
const BREATH_MS = 50;

export interface WatchOptions {
  streams: Streams;
  /** What the progress line begins with; it is there on a terminal only. */
  doing: string;
  /** What is said when a signal stopped the task. */
  stopped: string;
  /** Default 50. */
  breathMs?: number;
}

/**
 * Runs a task on a device, with a progress line, until it ends or a signal comes.
 *
 * @throws Interrupted after a signal. The task has been left where it waited: nothing of its device is in flight.
 */
export async function runWatched<T>(
  device: BlockDevice,
  task: (device: BlockDevice) => Task<T>,
  { streams, doing, stopped, breathMs = BREATH_MS }: WatchOptions,
): Promise<T> {
  const { stderr } = streams;
  let shown = false;
  let signalled: NodeJS.Signals | undefined;
  const release = streams.onSignal?.((signal) => {
    signalled = signal;
  });
  const watched = new WatchedDevice(device, breathMs, (bytes) => {
    if (stderr.isTTY !== true) return;
    stderr.write(`\r\u001b[K${doing}: ${showBytes(bytes)}`);
    shown = true;
  });
  function* untilSignalled(): Task<T> {
    const steps = task(watched);
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) return step.value;
      if (signalled === undefined) yield step.value;
      if (signalled !== undefined) throw new Interrupted(signalled, stopped);
    }
  }
  try {
    return await runAsync(untilSignalled());
  } finally {
    if (shown) stderr.write('\r\u001b[K');
    release?.();
  }
}

/** Asynchronous over any device. */
export class WatchedDevice extends DeviceWrapper {
  /** Read and written so far. */
  bytes = 0;
  readonly #lifetime = new Lifetime();
  readonly #breathMs: number;
  readonly #onBreath: (bytes: number) => void;
  #lastBreath = performance.now();

  constructor(device: BlockDevice, breathMs: number, onBreath: (bytes: number) => void) {
    super(device, { mode: 'async' });
    this.#breathMs = breathMs;
    this.#onBreath = onBreath;
  }

  submit(bio: Bio): void {
    this.#lifetime.track(bio);
    const below = cloneBio(bio);
    this.device.submit(below);
    below.completion.subscribe(() => {
      this.bytes += bio.size - below.residual;
      const end = (): void => bio.end(below.completion.error, below.residual);
      if (performance.now() - this.#lastBreath < this.#breathMs) {
        void Promise.resolve().then(end);
        return;
      }
      setImmediate(() => {
        this.#lastBreath = performance.now();
        this.#onBreath(this.bytes);
        end();
      });
    });
  }

  override close(): Completion {
    this.device.close(); // from now on it refuses, and so this does; what it has ended already ends here first
    return this.#lifetime.close(() => this.device.close());
  }
}
