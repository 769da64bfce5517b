// A device that takes its time, in ticks of a clock that stands still unless somebody moves it. Nothing of a bio
// happens before its time has come: a caller that does not wait sees old bytes. What is refused is refused without
// delay.

import { assert, ENODEV } from '@f2fskit/errno';
import type { Completion } from '@f2fskit/task';
import type { Bio } from './bio.ts';
import { type BlockDevice, checkBio, endWithoutTransfer } from './device.ts';
import { DeviceWrapper } from './device-wrapper.ts';
import { Lifetime } from './lifetime.ts';

/** How slow a {@link LatencyDevice} is, and what moves its clock. */
export interface LatencyOptions {
  /** Ticks from submit until the device below gets the bio, at least 1. Default 1. */
  ticks?: number | ((bio: Bio) => number);
  /**
   * `virtual`: only {@link LatencyDevice.tick}. `microtask`: a tick in each microtask while bios wait. Default virtual.
   */
  clock?: 'virtual' | 'microtask';
}

/** Always async. Closing lets the bios that still wait happen at once. */
export class LatencyDevice extends DeviceWrapper {
  /** Ticks since the device was made. */
  now = 0;
  /** Bios whose time has not come. */
  pending = 0;
  readonly #ticks: number | ((bio: Bio) => number);
  readonly #microtasks: boolean;
  readonly #due = new Map<number, Bio[]>();
  readonly #lifetime = new Lifetime();
  #tickQueued = false;

  constructor(device: BlockDevice, options: LatencyOptions = {}) {
    super(device, { mode: 'async' });
    this.#ticks = options.ticks ?? 1;
    this.#microtasks = options.clock === 'microtask';
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0) {
      endWithoutTransfer(this.mode, bio, error);
      return;
    }
    const ticks = typeof this.#ticks === 'number' ? this.#ticks : this.#ticks(bio);
    const due = this.now + Math.max(1, Math.ceil(ticks));
    assert(Number.isSafeInteger(due), 'a bio is due some day');
    const bios = this.#due.get(due);
    if (bios === undefined) this.#due.set(due, [bio]);
    else bios.push(bio);
    this.pending++;
    if (this.#microtasks) this.#queueTick();
  }

  /** Moves the clock; bios that are due go to the device below, in the order in which they came. */
  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      const bios = this.#due.get(++this.now);
      if (bios === undefined) continue;
      this.#due.delete(this.now);
      for (const bio of bios) {
        this.pending--;
        this.device.submit(bio);
      }
    }
  }

  /** Moves the clock until no bio waits, those included that completions submit meanwhile. */
  drain(): void {
    while (this.pending > 0) this.tick();
  }

  override close(): Completion {
    const closed = this.#lifetime.close(() => this.device.close());
    this.drain();
    return closed;
  }

  #queueTick(): void {
    if (this.#tickQueued) return;
    this.#tickQueued = true;
    void Promise.resolve().then(() => {
      this.#tickQueued = false;
      this.tick();
      if (this.pending > 0) this.#queueTick();
    });
  }
}
