// An encoder that overlaps as one with workers does, and takes every liberty: nothing is copied when it begins, and what it is to
// compress is compressed when it is asked to finish, at once or after a while, as a seed says. In between it is somebody's memory:
//
//   sources   are compared with what they held when it began: they do not change
//   scratch   is rubbish, and stays it
//
// What is wrong is noted in `problems`.

import { Completion, type RandomSource, seededRandom, type Task } from '@f2fskit/task';

/** As `ClusterJob` of @f2fskit/f2fs. */
export interface EncoderJob {
  readonly source: Uint8Array;
  payload: Uint8Array | undefined;
}

/** As `ClusterEncoding`. */
export interface Encoding {
  finish(): Task<void> | undefined;
}

type Begin = [jobs: readonly EncoderJob[], fields: unknown, scratch: Uint8Array];

/** As a `ClusterEncoder` that waits for nothing. */
export interface InlineEncoding {
  begin(...begin: Begin): Encoding;
}

export interface OverlapOptions {
  readonly random?: RandomSource;
  /** How likely `finish` has to wait. Default 0.5. */
  readonly waitChance?: number;
  /** Lets others go first, once. Default: a turn of the event loop, and nothing for a thread that sleeps. */
  readonly turn?: () => Task<void>;
  /** False: nobody compresses in between, and nobody should begin more. */
  readonly overlaps?: boolean;
}

/** Clusters that were begun. */
interface Begun {
  readonly number: number;
  readonly begin: Begin;
  readonly copies: readonly Uint8Array[];
}

const RUBBISH = 0xb6;

export class OverlappingEncoder implements InlineEncoding {
  readonly overlaps: boolean;
  readonly problems: string[] = [];
  /** `begin n` and `finish n`, as they came. */
  readonly events: string[] = [];
  /** The most that were begun and not finished at a time. */
  begunMax = 0;
  /** The most bytes of sources of those. */
  bytesMax = 0;
  /** Called when one begins, or is about to be finished. */
  onBegin: (number: number) => void = () => {};
  onFinish: (number: number) => void = () => {};
  readonly #inline: InlineEncoding;
  readonly #random: RandomSource;
  readonly #waitChance: number;
  readonly #turn: () => Task<void>;
  readonly #begun = new Set<Begun>();
  #count = 0;

  constructor(inline: InlineEncoding, options: OverlapOptions = {}) {
    const { random = seededRandom(1), waitChance = 0.5, turn = eventLoopTurn, overlaps = true } = options;
    this.overlaps = overlaps;
    this.#inline = inline;
    this.#random = random;
    this.#waitChance = waitChance;
    this.#turn = turn;
  }

  /** Those that were begun and not finished. */
  get underWay(): number {
    return this.#begun.size;
  }

  begin(...begin: Begin): Encoding {
    const [jobs, , scratch] = begin;
    for (const other of this.#begun) {
      if (overlap(other.begin[2], scratch)) this.problems.push('memory for results is given out twice');
      if (other.begin[0].some(({ source }) => jobs.some((job) => overlap(job.source, source)))) {
        this.problems.push('what is being compressed is begun once more');
      }
    }
    scratch.fill(RUBBISH);
    const begun: Begun = { number: this.#count++, begin, copies: jobs.map(({ source }) => source.slice()) };
    this.#begun.add(begun);
    this.begunMax = Math.max(this.begunMax, this.#begun.size);
    let bytes = 0;
    for (const { copies } of this.#begun) for (const { length } of copies) bytes += length;
    this.bytesMax = Math.max(this.bytesMax, bytes);
    this.events.push(`begin ${begun.number}`);
    this.onBegin(begun.number);
    return { finish: () => this.#finish(begun) };
  }

  #finish(begun: Begun): Task<void> | undefined {
    if (!this.#begun.has(begun)) this.problems.push('what was finished is finished again');
    this.events.push(`finish ${begun.number}`);
    this.onFinish(begun.number);
    if (this.#random.chance(this.#waitChance)) return this.#later(begun, 1 + this.#random.below(3));
    this.#compress(begun);
    return undefined;
  }

  *#later(begun: Begun, turns: number): Task<void> {
    for (let turn = 0; turn < turns; turn++) yield* this.#turn();
    this.#compress(begun);
  }

  #compress(begun: Begun): void {
    const [jobs, , scratch] = begun.begin;
    if (jobs.some(({ source }, index) => Buffer.compare(source, begun.copies[index]!) !== 0)) {
      this.problems.push(`I-50: what is being compressed has changed (${begun.number})`);
    }
    if (scratch.some((byte) => byte !== RUBBISH)) this.problems.push('somebody wrote to the memory for results');
    this.#begun.delete(begun);
    const waiting = this.#inline.begin(...begun.begin).finish();
    if (waiting !== undefined) this.problems.push('a thread alone waits for nothing');
  }
}

const overlap = (a: Uint8Array, b: Uint8Array): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.length && b.byteOffset < a.byteOffset + a.length;

/** Over after a turn of the event loop, and at once for a thread that sleeps until then. */
class Turn extends Completion {
  readonly #start: (callback: () => void) => void;
  #started = false;

  constructor(start: (callback: () => void) => void) {
    super();
    this.#start = start;
    this.waitSync = () => this.#end();
  }

  override subscribe(callback: () => void): void {
    super.subscribe(callback);
    if (this.#started || this.done) return;
    this.#started = true;
    this.#start(() => this.#end());
  }

  #end(): void {
    if (!this.done) this.complete();
  }
}

/** Others go first, once. */
export function* eventLoopTurn(): Task<void> {
  yield new Turn(setImmediate);
}

/** As an event loop's turn, for tests that count those: over before the next one. */
export function* microtaskTurn(): Task<void> {
  yield new Turn(queueMicrotask);
}
