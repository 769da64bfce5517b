// Pools whose workers the test moves by hand: they take and give jobs in the middle of what the owner does.

import { expect } from 'vitest';
import type { CodecRegistry } from '../src/index.ts';
import { defaultCodecs, lz4 } from '../src/index.ts';
import { JobBoard, type TakenJob } from '../src/pool/job-board.ts';
import { SharedPool, type WorkerEvents } from '../src/pool/shared-pool.ts';
import { workOnce } from '../src/pool/shared-worker.ts';
import { type ReturnedJob, type SentJob, type TransferEvents, TransferPool } from '../src/pool/transfer-pool.ts';
import { TransferWork } from '../src/pool/transfer-worker.ts';
import { clusters, compressBatch, TestBatch } from './pool-batch.ts';

export interface HandsOptions {
  readonly codecs?: CodecRegistry;
  readonly canBlock?: boolean;
  readonly startFails?: boolean;
}

/** Workers of a shared pool, without threads. */
export class SharedHands {
  readonly pool: SharedPool;
  board!: JobBoard;
  readonly events: WorkerEvents[] = [];
  readonly keeping: boolean[] = [];
  terminated = 0;
  readonly #codecs: CodecRegistry;

  constructor(workers: number, options: HandsOptions = {}) {
    const { codecs = defaultCodecs(), canBlock = true, startFails = false } = options;
    this.#codecs = codecs;
    this.pool = new SharedPool({
      workers,
      codecs,
      canBlock,
      patienceMilliseconds: 1,
      start: ({ memory, worker }, events) => {
        if (startFails) throw new Error('no worker today');
        this.board = new JobBoard(memory);
        this.events[worker] = events;
        return {
          keepRunning: (keep) => void (this.keeping[worker] = keep),
          terminate: () => void this.terminated++,
        };
      },
    });
    expect(compressBatch(this.pool, new TestBatch(codecs.get(lz4.id)!, clusters(2, 16_384)))).toBeUndefined();
    if (!startFails) for (let worker = 0; worker < workers; worker++) this.board.enter(worker);
  }

  /** Worker `worker` does a job, if there is one. */
  work(worker: number): boolean {
    return workOnce(this.board, worker, this.#codecs, () => this.events[worker]!.onNotice());
  }

  take(worker: number): TakenJob {
    const job = this.board.take(worker);
    expect(job).toBeDefined();
    return job!;
  }

  /** Worker `worker` gives back what it took. */
  give(worker: number, { job, format, source, target, level }: TakenJob): void {
    const length = this.#codecs.get(format)!.compress!(source, target, level);
    if (this.board.give(job, length)) this.events[worker]!.onNotice();
  }
}

/** Workers of a transfer pool. Buffers change hands as between threads: by `structuredClone`. */
export class TransferHands {
  readonly pool: TransferPool;
  readonly events: TransferEvents[] = [];
  /** What was sent to each worker and has not been done. */
  readonly inbox: SentJob[][] = [];
  readonly #work: TransferWork[] = [];
  terminated = 0;

  constructor(workers: number, { codecs = defaultCodecs() }: Pick<HandsOptions, 'codecs'> = {}) {
    this.pool = new TransferPool({
      workers,
      codecs,
      start: (events) => {
        const inbox: SentJob[] = [];
        this.events.push(events);
        this.inbox.push(inbox);
        this.#work.push(new TransferWork(codecs));
        return {
          send: (job) => void inbox.push(structuredClone(job, { transfer: [job.memory] })),
          terminate: () => void this.terminated++,
        };
      },
    });
    expect(compressBatch(this.pool, new TestBatch(codecs.get(lz4.id)!, clusters(2, 16_384)))).toBeUndefined();
    for (const { onReady } of this.events) onReady();
  }

  /** Worker `worker` does what was sent to it: so many jobs, or all. */
  work(worker: number, count = Number.POSITIVE_INFINITY): void {
    for (const job of this.inbox[worker]!.splice(0, count)) {
      const returned: ReturnedJob = this.#work[worker]!.do(job);
      this.events[worker]!.onReturned(structuredClone(returned, { transfer: [returned.memory] }));
    }
  }
}
