// A pool for where memory cannot be shared: sources and results travel in buffers that change hands. Nobody can take back what was
// sent, and nobody can sleep until it returns; so a batch is divided before it begins, and only a task that waits for an event gets
// anything out of it (`canBlock`).

import type { CodecRegistry } from '../codec.ts';
import { BatchRun, type HandedJob, OpenRuns, type RunOwner } from './batch-run.ts';
import { type CodecPool, type CompressBatch, isSendable, type PoolRun } from './codec-pool.ts';
import { arenaBytes, workersMax } from './job-board.ts';

/** A source on its way to a worker, in `memory`, which travels with it. */
export interface SentJob {
  readonly job: number;
  readonly format: number;
  readonly level: number | undefined;
  readonly sourceBytes: number;
  readonly budget: number;
  /** Long enough for the source, and for a result. */
  readonly memory: ArrayBuffer;
}

/** A result on its way back: the first `resultBytes` bytes of `memory`. */
export interface ReturnedJob {
  readonly job: number;
  readonly resultBytes: number;
  readonly memory: ArrayBuffer;
}

export interface TransferWorker {
  /** Sends a job and its memory. */
  send(job: SentJob): void;
  terminate(): void;
}

export interface TransferEvents {
  /** The worker can take jobs. */
  onReady(): void;
  onReturned(job: ReturnedJob): void;
  /** It will never return a job again. */
  onGone(): void;
}

export interface TransferPoolOptions {
  readonly workers: number;
  /** The codecs that the workers have. Others are used here. */
  readonly codecs: CodecRegistry;
  /** Starts a worker. What it throws means that there will be none. */
  start(events: TransferEvents): TransferWorker;
}

interface Member {
  worker: TransferWorker | undefined;
  ready: boolean;
  jobs: number;
}

export class TransferPool implements CodecPool, RunOwner {
  readonly canBlock = false;
  /** Nothing changes while somebody looks. */
  readonly progress = 0;
  readonly #options: TransferPoolOptions;
  readonly #members: Member[] = [];
  readonly #away = new Map<number, TransferJob>();
  readonly #watched = new Set<BatchRun>();
  readonly runs = new OpenRuns();
  /** Memory that has returned. With what is away never more than {@link arenaBytes}. */
  #free: ArrayBuffer[] = [];
  #bytesAway = 0;
  #jobs = 0;
  #started = false;
  #closed = false;

  constructor(options: TransferPoolOptions) {
    this.#options = { ...options, workers: Math.min(options.workers, workersMax) };
  }

  /** Workers that can take a job. */
  get workersReady(): number {
    return this.#members.filter(({ ready }) => ready).length;
  }

  /** Bytes of buffers that are away, or kept for the next jobs. */
  get bytesHeld(): number {
    return this.#free.reduce((sum, { byteLength }) => sum + byteLength, this.#bytesAway);
  }

  startWorkers(): void {
    if (!this.#started && !this.#closed) this.#startWorkers();
  }

  start(batch: CompressBatch): PoolRun {
    const { codec, level, sources } = batch;
    const run = new BatchRun(batch, this);
    const first = this.runs.size === 0;
    if (sources.length < (first ? 2 : 1) || !isSendable(this.#options.codecs, codec, level)) return run;
    this.startWorkers();
    this.runs.add(run);
    const ready = this.workersReady;
    // A single one goes where nothing is to be done otherwise.
    const idle = ready > 0 && this.#away.size === 0;
    const share = sources.length === 1 ? Number(idle) : Math.floor((sources.length * ready) / (ready + 1));
    for (let count = 0; count < share; count++) {
      const last = run.last(first ? 1 : 0);
      const job = last === -1 ? undefined : this.#send(batch, sources[last]!);
      if (job === undefined) break;
      run.handed(job);
    }
    return run;
  }

  /** What was not sent at once is compressed here: nothing can be taken back. */
  handOut(): void {}

  close(): void {
    this.#closed = true;
    for (const member of this.#members) {
      member.worker?.terminate();
      this.#onGone(member);
    }
    this.#free = [];
  }

  block(): boolean {
    return false;
  }

  watch(run: BatchRun): void {
    this.#watched.add(run);
  }

  unwatch(run: BatchRun): void {
    this.#watched.delete(run);
  }

  #startWorkers(): void {
    this.#started = true;
    const { workers, start } = this.#options;
    for (let count = 0; count < workers; count++) {
      const member: Member = { worker: undefined, ready: false, jobs: 0 };
      try {
        member.worker = start({
          onReady: () => {
            member.ready = member.worker !== undefined;
          },
          onReturned: (job) => this.#onReturned(member, job),
          onGone: () => this.#onGone(member),
        });
        this.#members.push(member);
      } catch {
        // The host has none for us: fewer workers, or none.
      }
    }
  }

  #send({ codec, level, budget }: CompressBatch, source: Uint8Array): TransferJob | undefined {
    const memory = this.#take(Math.max(source.length, budget));
    if (memory === undefined) return undefined;
    const [member] = this.#members.filter(({ ready }) => ready).sort((a, b) => a.jobs - b.jobs);
    const sent = { job: this.#jobs++, format: codec.id, level, sourceBytes: source.length, budget, memory };
    new Uint8Array(memory).set(source);
    const job = new TransferJob(member!, memory.byteLength, (returned) => this.#give(returned));
    this.#away.set(sent.job, job);
    this.#bytesAway += memory.byteLength;
    member!.jobs++;
    member!.worker!.send(sent);
    return job;
  }

  #onReturned(member: Member, { job, resultBytes, memory }: ReturnedJob): void {
    const away = this.#away.get(job);
    if (away === undefined) return;
    this.#forget(job, away);
    member.jobs--;
    if (away.settled) this.#give(memory);
    else away.arrive(memory, resultBytes);
    this.#settle();
  }

  #onGone(member: Member): void {
    member.worker = undefined;
    member.ready = false;
    for (const [number, job] of this.#away) {
      if (job.member !== member) continue;
      this.#forget(number, job);
      job.abandon();
    }
    this.#settle();
  }

  #forget(number: number, job: TransferJob): void {
    this.#away.delete(number);
    this.#bytesAway -= job.bytes;
  }

  #settle(): void {
    for (const run of [...this.#watched]) run.settle();
  }

  /** Memory of at least so many bytes; `undefined` where too much of it is away. */
  #take(bytes: number): ArrayBuffer | undefined {
    const index = this.#free.findIndex(({ byteLength }) => byteLength >= bytes);
    if (index !== -1) return this.#free.splice(index, 1)[0];
    while (this.#free.length > 0 && this.bytesHeld + bytes > arenaBytes) this.#free.shift();
    return this.bytesHeld + bytes > arenaBytes ? undefined : new ArrayBuffer(bytes);
  }

  #give(memory: ArrayBuffer): void {
    if (!this.#closed && this.bytesHeld + memory.byteLength <= arenaBytes) this.#free.push(memory);
  }
}

/** A job that was sent. */
class TransferJob implements HandedJob {
  readonly member: Member;
  /** Of its memory. */
  readonly bytes: number;
  readonly #give: (memory: ArrayBuffer) => void;
  #memory: ArrayBuffer | undefined = undefined;
  #resultBytes = 0;
  settled = false;

  constructor(member: Member, bytes: number, give: (memory: ArrayBuffer) => void) {
    this.member = member;
    this.bytes = bytes;
    this.#give = give;
  }

  arrive(memory: ArrayBuffer, resultBytes: number): void {
    this.settled = true;
    this.#memory = memory;
    this.#resultBytes = resultBytes;
  }

  result(): Uint8Array | undefined {
    return this.#memory === undefined ? undefined : new Uint8Array(this.#memory, 0, this.#resultBytes);
  }

  takeBack(): boolean {
    return this.settled;
  }

  abandon(): void {
    this.settled = true;
  }

  release(): void {
    if (this.#memory !== undefined) this.#give(this.#memory);
    this.#memory = undefined;
  }
}
