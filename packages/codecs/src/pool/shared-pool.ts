// A pool whose workers share memory with the asker: `job-board.ts`. Workers sleep on it and are woken by a post; the asker, if it
// may block, sleeps on it too. An asker that must not block asks for a message.
//
// Workers are started by the first batch that they could help with, or before, and get jobs once they say that they can take some.

import type { CodecRegistry } from '../codec.ts';
import { BatchRun, type HandedJob, OpenRuns, type RunOwner } from './batch-run.ts';
import { type CodecPool, type CompressBatch, isSendable, type PoolRun } from './codec-pool.ts';
import { JobBoard, workersMax } from './job-board.ts';

/**
 * Jobs that wait for each worker, so that it finds one whenever it is done with another, also while the asker sends a MiB: so many,
 * and so many bytes, at least.
 */
const jobsAhead = 2;
const bytesAhead = 768 << 10;

/** How long a thread sleeps while no worker finishes anything. A cluster takes milliseconds. */
const patienceMilliseconds = 1000;

/** A worker as its starter sees it. */
export interface PoolWorker {
  /** Whether the host goes on running because of it. Not, to begin with. */
  keepRunning(keep: boolean): void;
  terminate(): void;
}

/** What a worker has to say. */
export interface WorkerEvents {
  /** The message that {@link JobBoard.give} asked for. */
  onNotice(): void;
  /** It takes no job and writes nothing any more. */
  onGone(): void;
}

/** What a worker of a {@link SharedPool} is given. */
export interface SharedWorkerData {
  readonly memory: SharedArrayBuffer;
  readonly worker: number;
}

export interface SharedPoolOptions {
  /** How many workers; at most {@link workersMax}. */
  readonly workers: number;
  /** The codecs that the workers have. Others are used here. */
  readonly codecs: CodecRegistry;
  /** Starts a worker. What it throws means that there will be none. */
  start(data: SharedWorkerData, events: WorkerEvents): PoolWorker;
  /** Whether this thread may sleep. */
  readonly canBlock: boolean;
  /** How long to sleep for a worker before its work is done here. For tests. */
  readonly patienceMilliseconds?: number;
}

const NOBODY: ReadonlySet<number> = new Set();

export class SharedPool implements CodecPool, RunOwner {
  readonly canBlock: boolean;
  readonly #options: SharedPoolOptions;
  #board: JobBoard | undefined = undefined;
  /** By their numbers; `undefined` for one that is gone. */
  readonly #workers: Array<PoolWorker | undefined> = [];
  /** Jobs that workers have and nobody waits for. */
  readonly #lost = new Set<number>();
  /** All jobs that somebody waits for, with their workers. */
  readonly #jobs = new Set<SharedJob>();
  readonly #watched = new Set<BatchRun>();
  readonly runs = new OpenRuns();
  /** Workers that could take a job when the last run was begun. */
  #ready = 0;
  #closed = false;

  constructor(options: SharedPoolOptions) {
    this.canBlock = options.canBlock;
    this.#options = { ...options, workers: Math.min(options.workers, workersMax) };
  }

  /** Workers that can take a job. */
  get workersReady(): number {
    const board = this.#board;
    if (board === undefined) return 0;
    this.#sweep(board);
    // One that was waited for in vain may come back, and is as good as gone until then.
    const silent = this.#lost.size === 0 ? NOBODY : new Set([...this.#lost].map((job) => board.takerOf(job)));
    let count = 0;
    for (let number = 0; number < this.#workers.length; number++) {
      if (this.#workers[number] !== undefined && !silent.has(number) && board.isReady(number)) count++;
    }
    return count;
  }

  startWorkers(): void {
    if (this.#board === undefined) this.#startWorkers();
  }

  start(batch: CompressBatch): PoolRun {
    const { codec, level, sources } = batch;
    const run = new BatchRun(batch, this);
    // A single source is compressed here, unless there is something else to do meanwhile.
    const worthIt = sources.length > (this.runs.size > 0 ? 0 : 1);
    if (worthIt && isSendable(this.#options.codecs, codec, level)) {
      this.startWorkers();
      this.#ready = this.workersReady;
      this.runs.add(run);
      this.handOut();
    }
    return run;
  }

  handOut(): void {
    const board = this.#board;
    if (board === undefined || this.#ready === 0) return;
    let waiting = board.waiting;
    // The asker is about to do the first source of the first run.
    let kept = 1;
    for (const run of this.runs) {
      const { codec, level, budget, sources } = run.batch;
      const ahead = this.#ready * Math.max(jobsAhead, Math.ceil(bytesAhead / sources[0]!.length));
      for (let last = run.last(kept); last !== -1 && waiting < ahead; last = run.last(kept)) {
        const job = board.post(codec, level, sources[last]!, budget);
        if (job === -1) return;
        run.handed(new SharedJob(board, job, this.#jobs, this.#lost));
        waiting++;
      }
      kept = 0;
    }
  }

  close(): void {
    this.#closed = true;
    // What they would write to now, nobody looks at.
    this.#board = undefined;
    for (const [number, worker] of this.#workers.entries()) {
      this.#workers[number] = undefined;
      worker?.terminate();
    }
    for (const job of [...this.#jobs]) job.abandon();
    this.#settle();
  }

  get progress(): number {
    return this.#board?.finishedCount ?? 0;
  }

  block(seen: number): boolean {
    const { patienceMilliseconds: patience = patienceMilliseconds } = this.#options;
    if (!this.canBlock || this.#board === undefined) return false;
    return this.#board.waitFinished(seen, patience);
  }

  watch(run: BatchRun): void {
    this.#watched.add(run);
    if (this.#watched.size === 1) this.#listen(true);
  }

  unwatch(run: BatchRun): void {
    if (this.#watched.delete(run) && this.#watched.size === 0) this.#listen(false);
  }

  #listen(listen: boolean): void {
    this.#board?.arm(listen);
    for (const worker of this.#workers) worker?.keepRunning(listen);
  }

  #startWorkers(): void {
    const { start, workers } = this.#options;
    if (workers === 0 || this.#closed) return;
    const board = new JobBoard();
    this.#board = board;
    for (let number = 0; number < workers; number++) {
      const events = { onNotice: () => this.#onNotice(), onGone: () => this.#onGone(number) };
      try {
        this.#workers[number] = start({ memory: board.memory, worker: number }, events);
      } catch {
        // The host has none for us: fewer workers, or none.
        this.#workers[number] = undefined;
      }
    }
  }

  #onNotice(): void {
    this.#board?.notice();
    this.#settle();
  }

  #onGone(number: number): void {
    this.#workers[number] = undefined;
    if (this.#board === undefined) return;
    // It may have had the message that it was about to send.
    this.#board.notice();
    // Behind the last one nobody takes what waits for a worker either.
    const last = this.#workers.every((worker) => worker === undefined);
    for (const job of [...this.#jobs]) if (last || job.taker === number) job.abandon();
    this.#ready = this.workersReady;
    this.#settle();
  }

  #settle(): void {
    for (const run of [...this.#watched]) run.settle();
  }

  /** Frees lost jobs that no worker writes to any more. */
  #sweep(board: JobBoard): void {
    for (const job of this.#lost) {
      const taker = board.takerOf(job);
      if (taker !== -1 && this.#workers[taker] !== undefined) continue;
      board.free(job);
      this.#lost.delete(job);
    }
  }
}

/** A job on the board. */
class SharedJob implements HandedJob {
  readonly #board: JobBoard;
  readonly #job: number;
  readonly #jobs: Set<SharedJob>;
  readonly #lost: Set<number>;
  /** The job on the board is not ours any more, and there is no result. */
  #given = false;

  constructor(board: JobBoard, job: number, jobs: Set<SharedJob>, lost: Set<number>) {
    this.#board = board;
    this.#job = job;
    this.#jobs = jobs;
    this.#lost = lost;
    jobs.add(this);
  }

  /** The worker that has it; -1 where none has. */
  get taker(): number {
    return this.#given ? -1 : this.#board.takerOf(this.#job);
  }

  get settled(): boolean {
    return this.#given || this.#board.isFinished(this.#job);
  }

  result(): Uint8Array | undefined {
    return this.#given ? undefined : this.#board.result(this.#job);
  }

  takeBack(): boolean {
    if (!this.#given && this.#board.takeBack(this.#job)) this.#given = true;
    return this.#given;
  }

  abandon(): void {
    if (this.settled || this.takeBack()) return;
    this.#given = true;
    this.#lost.add(this.#job);
  }

  release(): void {
    this.#jobs.delete(this);
    if (!this.#given) this.#board.free(this.#job);
    this.#given = true;
  }
}
