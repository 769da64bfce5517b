// A device that owns the bios in flight and carries them out in an order that a seed decides. What a caller may not
// count on, it does not get:
//
//   - bios in flight together happen in any order, whatever the order in which they were submitted;
//   - nothing of a bio happens before its turn, so memory is read and filled late;
//   - a write that fails leaves the first few of its blocks on the device; a read that fails leaves rubbish in memory.
//
// Code that gives the same results over this device with every seed waits for what it has to wait for.

import { EIO, ENODEV } from '@f2fskit/errno';
import { type Completion, type RandomSource, seededRandom } from '@f2fskit/task';
import { type Bio, BLOCK_SIZE } from './bio.ts';
import { type BlockDevice, checkBio, endWithoutTransfer, prefixBio } from './device.ts';
import { DeviceWrapper } from './device-wrapper.ts';
import { Lifetime } from './lifetime.ts';

/** What a {@link ShuffleDevice} does beside changing the order. */
export interface ShuffleOptions {
  /** How likely a bio fails, 0..1. Default 0. */
  failChance?: number;
  /** The error it fails with. Default EIO. */
  failError?: number;
  /** The most microtasks between two bios in automatic mode, time in which more can be submitted. Default 3. */
  delay?: number;
  /**
   * Bios are carried out from microtasks, so that promise code just works. Otherwise only `step` does it. Default true.
   */
  automatic?: boolean;
}

/** What the memory of a read that failed is filled with. */
const RUBBISH = 0xdb;

/** Always async. */
export class ShuffleDevice extends DeviceWrapper {
  /** Bios that failed because the seed said so. */
  failures = 0;
  readonly #random: RandomSource;
  readonly #failChance: number;
  readonly #failError: number;
  readonly #delay: number;
  readonly #automatic: boolean;
  readonly #pending: Bio[] = [];
  readonly #lifetime = new Lifetime();
  #pumpQueued = false;
  #wait = 0;

  constructor(device: BlockDevice, seed: number, options: ShuffleOptions = {}) {
    super(device, { mode: 'async' });
    this.#random = seededRandom(seed);
    this.#failChance = options.failChance ?? 0;
    this.#failError = options.failError ?? EIO;
    this.#delay = options.delay ?? 3;
    this.#automatic = options.automatic ?? true;
  }

  /** Bios whose turn has not come. */
  get pending(): number {
    return this.#pending.length;
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0) {
      endWithoutTransfer(this.mode, bio, error);
      return;
    }
    this.#pending.push(bio);
    if (this.#automatic) this.#queuePump();
  }

  /** Carries out one of the pending bios; false when there is none. Over an async device it ends some time later. */
  step(): boolean {
    const index = this.#random.below(this.#pending.length);
    const bio = this.#pending[index];
    if (bio === undefined) return false;
    const last = this.#pending.pop()!;
    if (last !== bio) this.#pending[index] = last;
    if (this.#random.chance(this.#failChance)) this.#fail(bio);
    else this.device.submit(bio);
    return true;
  }

  /** Steps until nothing is pending, bios included that completions submit meanwhile. */
  drain(): void {
    while (this.step());
  }

  override close(): Completion {
    const closed = this.#lifetime.close(() => this.device.close());
    this.drain();
    return closed;
  }

  #fail(bio: Bio): void {
    this.failures++;
    if (bio.operation === 'read') for (const segment of bio.segments) segment.fill(RUBBISH);
    const written = bio.operation === 'write' ? this.#prefixSize(bio) : 0;
    if (written === 0) {
      bio.end(this.#failError);
      return;
    }
    const prefix = prefixBio(bio, written);
    // The device knows nothing about how far a failed write came, so the residual stays the whole bio.
    prefix.completion.subscribe(() => bio.end(this.#failError));
    this.device.submit(prefix);
  }

  /** Bytes of a random number of leading blocks, possibly none, possibly all. */
  #prefixSize(bio: Bio): number {
    const firstBlock = Math.floor(bio.offset / BLOCK_SIZE);
    const blocks = Math.ceil(bio.endOffset / BLOCK_SIZE) - firstBlock;
    const end = (firstBlock + this.#random.below(blocks + 1)) * BLOCK_SIZE;
    return Math.min(Math.max(end - bio.offset, 0), bio.size);
  }

  #queuePump(): void {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    void Promise.resolve().then(() => {
      this.#pumpQueued = false;
      if (this.#wait > 0) this.#wait--;
      else {
        this.step();
        this.#wait = this.#random.below(this.#delay + 1);
      }
      if (this.#pending.length > 0) this.#queuePump();
    });
  }
}
