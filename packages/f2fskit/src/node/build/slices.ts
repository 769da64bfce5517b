// Long work on one thread: now and then others get their turn — signals, timers, a progress line.

/** How long the thread is kept. */
const SLICE_MS = 50;

export class Slices {
  readonly #signal: AbortSignal | undefined;
  readonly #onTurn: () => void;
  #end = performance.now() + SLICE_MS;

  /** `onTurn` is called when a slice is over. */
  constructor(signal: AbortSignal | undefined, onTurn: () => void) {
    this.#signal = signal;
    this.#onTurn = onTurn;
  }

  /** Whether it is time to wait for {@link turn}. Throws the signal's reason when it is aborted. */
  get over(): boolean {
    this.#signal?.throwIfAborted();
    return performance.now() >= this.#end;
  }

  /** Lets others run. Rejects with the signal's reason. */
  async turn(): Promise<void> {
    this.#onTurn();
    await new Promise((resolve) => setImmediate(resolve));
    this.#signal?.throwIfAborted();
    this.#end = performance.now() + SLICE_MS;
  }
}
