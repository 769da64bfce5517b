// A device that takes every liberty it has, as a seed says, one step at a time:
//
//   - bios are carried out in any order, some before `submit` returns; between being carried out and their end others come
//   - the memory of a read is rubbish until it is filled; that of a write is looked at when it is submitted, when it is carried out
//     and when it ends, and has to be the same (I-40)
//   - requests that `mayFail` names fail now and then: of a write some first blocks have arrived, and the device may know how many
//
// What a caller does wrong is noted in `problems`.

import {
  type Bio,
  BLOCK_SIZE,
  checkBio,
  cloneBio,
  DeviceWrapper,
  describeBio,
  type MemoryDevice,
  prefixBio,
} from '@f2fskit/block';
import { EIO } from '@f2fskit/errno';
import type { RandomSource } from '@f2fskit/task';

interface Flight {
  readonly bio: Bio;
  /** Of a write: what its memory held when it was submitted. */
  readonly content: Uint8Array;
  carriedOut: boolean;
  error: number;
  residual: number;
}

const RUBBISH = 0xdb;

export class InterleaveDevice extends DeviceWrapper {
  /** What was done that may not be done. */
  readonly problems: string[] = [];
  submitted = 0;
  ended = 0;
  /** Bios that failed. */
  failures = 0;
  /** How likely a request fails that may. */
  failChance = 0;
  mayFail: (bio: Bio) => boolean = () => false;
  /** A bio is submitted; nothing has happened yet. */
  onSubmit: (bio: Bio) => void = () => {};
  /** A write is on the medium. */
  onWritten: (bio: Bio) => void = () => {};
  /** A bio fails, and the caller will be told that its first `transferred` bytes did not. Before the caller knows. */
  onFailed: (bio: Bio, transferred: number) => void = () => {};
  readonly medium: MemoryDevice;
  readonly #random: RandomSource;
  readonly #flights: Flight[] = [];
  readonly #atOnceChance: number;
  readonly #slowChance: number;

  constructor(medium: MemoryDevice, random: RandomSource) {
    super(medium, { mode: 'async' });
    this.medium = medium;
    this.#random = random;
    this.#atOnceChance = [0, 0.1, 0.5][random.below(3)]!;
    this.#slowChance = [0, 0.3, 0.9][random.below(3)]!;
  }

  /** Bios that have not ended. */
  get pending(): number {
    return this.#flights.length;
  }

  /** Writes that the medium has not got yet. */
  *unwritten(): Generator<Bio> {
    for (const { bio, carriedOut } of this.#flights) if (bio.operation === 'write' && !carriedOut) yield bio;
  }

  /** Reads whose memory may not be used yet, and writes whose memory may not change. */
  *inFlight(): Generator<Bio> {
    for (const { bio } of this.#flights) yield bio;
  }

  submit(bio: Bio): void {
    this.submitted++;
    this.onSubmit(bio);
    const error = checkBio(this, bio);
    if (error !== 0) this.problems.push(`refused (${error}): ${describeBio(this.name, bio)}`);
    this.#checkOverlap(bio);
    const flight = { bio, content: contentOf(bio), carriedOut: error !== 0, error, residual: bio.size };
    if (bio.operation === 'read') for (const segment of bio.segments) segment.fill(RUBBISH);
    this.#flights.push(flight);
    if (!this.#random.chance(this.#atOnceChance)) return;
    if (!flight.carriedOut) this.#carryOut(flight);
    this.#end(flight);
  }

  /** Something happens to one of the bios; false when there is none. */
  step(): boolean {
    const flight = this.#flights[this.#random.below(this.#flights.length)];
    if (flight === undefined) return false;
    if (flight.carriedOut) this.#end(flight);
    else {
      this.#carryOut(flight);
      if (!this.#random.chance(this.#slowChance)) this.#end(flight);
    }
    return true;
  }

  #carryOut(flight: Flight): void {
    const { bio } = flight;
    this.#checkContent(flight, 'carried out');
    flight.carriedOut = true;
    if (this.#random.chance(this.failChance) && this.mayFail(bio)) this.#fail(flight);
    else this.medium.submit(cloneBio(bio));
    if (bio.operation === 'write') this.onWritten(bio);
  }

  #fail(flight: Flight): void {
    const { bio } = flight;
    this.failures++;
    flight.error = EIO;
    const blocks = bio.size / BLOCK_SIZE;
    const done = this.#random.below(blocks) * BLOCK_SIZE;
    if (bio.operation === 'write' && done > 0) this.medium.submit(prefixBio(bio, done));
    if (bio.operation === 'write' && this.#random.chance(0.5)) flight.residual = bio.size - done;
    this.onFailed(bio, bio.size - flight.residual);
  }

  #end(flight: Flight): void {
    this.#checkContent(flight, 'over');
    this.#flights.splice(this.#flights.indexOf(flight), 1);
    this.ended++;
    const { bio, error, residual } = flight;
    if (error === 0) bio.end();
    else bio.end(error, residual);
  }

  #checkContent({ bio, content }: Flight, when: string): void {
    if (bio.operation !== 'write' || Buffer.compare(contentOf(bio), content) === 0) return;
    this.problems.push(`I-40: the memory of a bio had changed when it was ${when}: ${describeBio(this.name, bio)}`);
  }

  /** Two writes of one place have no order among themselves. */
  #checkOverlap(bio: Bio): void {
    if (bio.operation !== 'write') return;
    for (const { bio: other } of this.#flights) {
      if (other.operation === 'write' && other.offset < bio.endOffset && bio.offset < other.endOffset)
        this.problems.push(`two writes of one place in flight: ${describeBio(this.name, bio)}`);
    }
  }
}

function contentOf(bio: Bio): Uint8Array {
  return bio.operation === 'write' ? Buffer.concat(bio.segments) : new Uint8Array();
}
