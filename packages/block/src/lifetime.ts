// The end of a device that has bios in flight: closing waits for them, and nothing new comes in.

import { Completion } from '@f2fskit/task';
import type { Bio } from './bio.ts';

/** Counts the bios of one device that have not ended. */
export class Lifetime {
  /** Bios submitted and not yet ended. */
  inFlight = 0;
  #closed: Completion | undefined = undefined;
  #release: (() => Completion | undefined) | undefined = undefined;

  /** False from the moment somebody asked to close. */
  get open(): boolean {
    return this.#closed === undefined;
  }

  /** Counts a bio until it ends. Call it in `submit`, for every bio. */
  track(bio: Bio): void {
    this.inFlight++;
    bio.completion.subscribe(() => {
      this.inFlight--;
      if (this.inFlight === 0) this.#finish();
    });
  }

  /** Lets the device go with `release` once no bio is in flight. The completion carries the error of the release. */
  close(release: () => Completion | undefined): Completion {
    if (this.#closed === undefined) {
      this.#closed = new Completion();
      this.#release = release;
      if (this.inFlight === 0) this.#finish();
    }
    return this.#closed;
  }

  #finish(): void {
    const release = this.#release;
    const closed = this.#closed;
    if (release === undefined || closed === undefined) return;
    this.#release = undefined; // once: a bio that is refused after close comes through here again
    const released = release();
    if (released === undefined) closed.complete();
    else released.subscribe(() => closed.complete(released.error));
  }
}
