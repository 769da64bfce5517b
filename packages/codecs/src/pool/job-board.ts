// The memory that a pool shares with its workers: jobs, and what they are made from and to. Both sides use this file.
//
//   words     counters and flags | a state for each worker | the jobs, 8 words each | the queue: jobs as they were posted
//   arena     for each job that is not free: its source, and behind it room for the result
//
//   job       free ──post──▶ posted ──take──▶ taken by worker n ──give──▶ finished ──▶ free
//               ▲─────── take back ───┘                 └─ lost: the owner has stopped waiting for it ──▶ free, once the worker has
//                                                          given it back or is known to be gone
//
// The owner posts, takes back and frees; a worker takes and gives. `take` and `take back` are one compare-and-swap on the state, so a
// job is done once. Everything else of a job is written by whoever has it, before the state says so. What was taken back stays in the
// queue, and means nothing there.
//
// Who sleeps says so before it looks for the last time, and who has something for it looks for sleepers afterwards: waking nobody costs
// as much as waking somebody.

import { assert } from '@f2fskit/errno';
import type { Codec } from '../codec.ts';

/** More workers than these are of no use: a batch has at most 32 clusters. */
export const workersMax = 32;
const jobsMax = 192;
/** Bytes of sources and results that are under way: those of several visits to folios. */
export const arenaBytes = 8 << 20;

const POSTED = 0; // how often a job was posted; workers sleep on it
const FINISHED = 1; // how often a job was finished; the owner sleeps on it
const ARMED = 2; // 1: the owner wants to be told by a message
const NOTICED = 3; // 1: a message is on its way. There is never a second one, however long the owner does not look
const TAKEN_TURNS = 4; // the turns of the queue that workers have had; up to POSTED
const WAITING = 5; // jobs that wait for a worker
const WORKERS_ASLEEP = 6;
const OWNER_ASLEEP = 7;
const WORKERS = 8; // a state for each worker: 1 once it can take jobs
const JOBS = WORKERS + workersMax;

const STATE = 0;
const FORMAT = 1;
const LEVEL = 2;
const START = 3;
const SOURCE_BYTES = 4;
const BUDGET = 5;
const RESULT_BYTES = 6;
const TURN = 7; // its turn in the queue, modulo 2^32
const JOB_WORDS = 8;

const QUEUE = JOBS + jobsMax * JOB_WORDS;
/** A power of two: turns are modulo 2^32. More than there are jobs, because of those that were taken back. */
const queueTurns = 256;

const ARENA = 8192;
const FREE = 0;
const POSTED_JOB = 1;
const FINISHED_JOB = 2;
/** Taken by worker n: this and n. */
const TAKEN = 16;

/** "No level." */
const NO_LEVEL = -0x8000_0000;

/** Bytes that the arena gives out together: results start where words do. */
const GRAIN = 64;
const rounded = (bytes: number): number => Math.ceil(bytes / GRAIN) * GRAIN;

/** What a worker is to do. */
export interface TakenJob {
  readonly job: number;
  readonly format: number;
  readonly level: number | undefined;
  readonly source: Uint8Array;
  /** As long as the budget. */
  readonly target: Uint8Array;
}

/** Where the arena has the source of a job, and room for its result. */
interface PlacedJob {
  readonly job: number;
  readonly start: number;
  readonly end: number;
}

export class JobBoard {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #longs: BigUint64Array;
  /** Of the owner: jobs that are free, and those that are not, by their place in the arena. */
  readonly #free = Array.from({ length: jobsMax }, (_, index) => jobsMax - 1 - index);
  readonly #placed: PlacedJob[] = [];

  constructor(memory = new SharedArrayBuffer(ARENA + arenaBytes)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, ARENA / 4);
    this.#bytes = new Uint8Array(memory);
    this.#longs = new BigUint64Array(memory);
  }

  // Of the owner.

  /** Whether worker `worker` can take jobs. */
  isReady(worker: number): boolean {
    return Atomics.load(this.#words, WORKERS + worker) === 1;
  }

  /** Jobs that wait for a worker. */
  get waiting(): number {
    return Atomics.load(this.#words, WAITING);
  }

  /** Posts a job; -1 where there is no room for it. */
  post(codec: Codec, level: number | undefined, source: Uint8Array, budget: number): number {
    const job = this.#free.at(-1);
    const turn = this.postedCount;
    if (job === undefined || ((turn - Atomics.load(this.#words, TAKEN_TURNS)) | 0) === queueTurns) return -1;
    const start = this.#place(job, rounded(source.length) + rounded(budget));
    if (start === -1) return -1;
    this.#free.pop();
    const at = wordOf(job);
    this.#copyIn(source, start);
    this.#words[at + FORMAT] = codec.id;
    this.#words[at + LEVEL] = level ?? NO_LEVEL;
    this.#words[at + START] = start;
    this.#words[at + SOURCE_BYTES] = source.length;
    this.#words[at + BUDGET] = budget;
    this.#words[at + RESULT_BYTES] = 0;
    this.#words[at + TURN] = turn;
    this.#words[QUEUE + (turn & (queueTurns - 1))] = job;
    Atomics.add(this.#words, WAITING, 1);
    Atomics.store(this.#words, at + STATE, POSTED_JOB);
    Atomics.add(this.#words, POSTED, 1);
    if (Atomics.load(this.#words, WORKERS_ASLEEP) > 0) Atomics.notify(this.#words, POSTED, 1);
    return job;
  }

  /** Takes a job back that no worker has taken; false where one has. It is free then. */
  takeBack(job: number): boolean {
    if (Atomics.compareExchange(this.#words, wordOf(job) + STATE, POSTED_JOB, FREE) !== POSTED_JOB) return false;
    Atomics.sub(this.#words, WAITING, 1);
    this.#forget(job);
    return true;
  }

  isFinished(job: number): boolean {
    return this.#state(job) === FINISHED_JOB;
  }

  /** The result of a finished job, in shared memory: empty where it does not fit the budget. */
  result(job: number): Uint8Array {
    const at = wordOf(job);
    const start = this.#words[at + START]! + rounded(this.#words[at + SOURCE_BYTES]!);
    return this.#bytes.subarray(start, start + this.#words[at + RESULT_BYTES]!);
  }

  /** The worker that has a job; -1 where none has. */
  takerOf(job: number): number {
    const state = this.#state(job);
    return state >= TAKEN ? state - TAKEN : -1;
  }

  /** A job whose memory nobody uses any more. */
  free(job: number): void {
    Atomics.store(this.#words, wordOf(job) + STATE, FREE);
    this.#forget(job);
  }

  /** Number of finished jobs so far, modulo 2^32: for {@link waitFinished}. */
  get finishedCount(): number {
    return Atomics.load(this.#words, FINISHED);
  }

  /** Sleeps until that number is another than `seen`; false when it was not within so many milliseconds. */
  waitFinished(seen: number, milliseconds: number): boolean {
    Atomics.store(this.#words, OWNER_ASLEEP, 1);
    const woken = Atomics.wait(this.#words, FINISHED, seen, milliseconds) !== 'timed-out';
    Atomics.store(this.#words, OWNER_ASLEEP, 0);
    return woken;
  }

  /** Whether a message is wanted when a job is finished. Look at the jobs after saying so: one may be finished already. */
  arm(wanted: boolean): void {
    Atomics.store(this.#words, ARMED, wanted ? 1 : 0);
  }

  /** The message has arrived. Look at the jobs afterwards. */
  notice(): void {
    Atomics.store(this.#words, NOTICED, 0);
  }

  // Of a worker.

  /** Says that `worker` can take jobs. */
  enter(worker: number): void {
    Atomics.store(this.#words, WORKERS + worker, 1);
  }

  /** How often a job was posted so far, modulo 2^32: for {@link sleep}. */
  get postedCount(): number {
    return Atomics.load(this.#words, POSTED);
  }

  /** Sleeps until a job is posted, if none was since `postedCount` was `seen`. */
  sleep(seen: number): void {
    Atomics.add(this.#words, WORKERS_ASLEEP, 1);
    Atomics.wait(this.#words, POSTED, seen);
    Atomics.sub(this.#words, WORKERS_ASLEEP, 1);
  }

  /** Takes the job that was posted first; `undefined` where there is none. */
  take(worker: number): TakenJob | undefined {
    for (let job = this.#nextPosted(); job !== -1; job = this.#nextPosted()) {
      const at = wordOf(job);
      if (Atomics.compareExchange(this.#words, at + STATE, POSTED_JOB, TAKEN + worker) !== POSTED_JOB) continue;
      Atomics.sub(this.#words, WAITING, 1);
      const start = this.#words[at + START]!;
      const sourceBytes = this.#words[at + SOURCE_BYTES]!;
      const result = start + rounded(sourceBytes);
      const level = this.#words[at + LEVEL]!;
      return {
        job,
        format: this.#words[at + FORMAT]!,
        level: level === NO_LEVEL ? undefined : level,
        source: this.#bytes.subarray(start, start + sourceBytes),
        target: this.#bytes.subarray(result, result + this.#words[at + BUDGET]!),
      };
    }
    return undefined;
  }

  /** Gives a job back with the length of its result. True where the owner is to be told by a message. */
  give(job: number, resultBytes: number): boolean {
    const at = wordOf(job);
    this.#words[at + RESULT_BYTES] = resultBytes;
    Atomics.store(this.#words, at + STATE, FINISHED_JOB);
    Atomics.add(this.#words, FINISHED, 1);
    if (Atomics.load(this.#words, OWNER_ASLEEP) === 1) Atomics.notify(this.#words, FINISHED);
    return Atomics.load(this.#words, ARMED) === 1 && Atomics.exchange(this.#words, NOTICED, 1) === 0;
  }

  #state(job: number): number {
    return Atomics.load(this.#words, wordOf(job) + STATE);
  }

  /** The job whose turn it is, though it may be taken back at any time; -1 where there is none. */
  #nextPosted(): number {
    for (;;) {
      const turn = Atomics.load(this.#words, TAKEN_TURNS);
      if (turn === this.postedCount) return -1;
      // Before the turn is taken: then its place in the queue may be used again.
      const job = Atomics.load(this.#words, QUEUE + (turn & (queueTurns - 1)));
      if (Atomics.compareExchange(this.#words, TAKEN_TURNS, turn, (turn + 1) | 0) !== turn) continue;
      // Else it was taken back; if it was posted again, it has a later turn.
      if (Atomics.load(this.#words, wordOf(job) + TURN) === turn) return job;
    }
  }

  /** Puts a job at the lowest place for so many bytes; -1 where there is none. */
  #place(job: number, bytes: number): number {
    const placed = this.#placed;
    let start = ARENA;
    let index = 0;
    while (index < placed.length && placed[index]!.start - start < bytes) start = placed[index++]!.end;
    const end = start + bytes;
    if (end > this.memory.byteLength) return -1;
    placed.splice(index, 0, { job, start, end });
    return start;
  }

  #forget(job: number): void {
    const index = this.#placed.findIndex((placed) => placed.job === job);
    assert(index !== -1, 'a job is given up once');
    this.#placed.splice(index, 1);
    this.#free.push(job);
  }

  #copyIn(source: Uint8Array, start: number): void {
    // Into shared memory bytes are copied one by one, and longer words five times as fast. A result on its way out is copied as it is:
    // out of shared memory bytes are fast.
    const { buffer, byteOffset, length } = source;
    if (byteOffset % 8 === 0 && length % 8 === 0) {
      this.#longs.set(new BigUint64Array(buffer, byteOffset, length / 8), start / 8);
    } else this.#bytes.set(source, start);
  }
}

function wordOf(job: number): number {
  return JOBS + job * JOB_WORDS;
}
