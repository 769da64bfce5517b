// What a worker of a transfer pool does with a job: the result goes back in the memory in which the source came.

import { assert } from '@f2fskit/errno';
import type { CodecRegistry } from '../codec.ts';
import type { ReturnedJob, SentJob } from './transfer-pool.ts';

/** Does jobs, one after the other. */
export class TransferWork {
  readonly #codecs: CodecRegistry;
  /** Results are made here: a codec does not read from where it writes. */
  #target = new Uint8Array(0);

  constructor(codecs: CodecRegistry) {
    this.#codecs = codecs;
  }

  do({ job, format, level, sourceBytes, budget, memory }: SentJob): ReturnedJob {
    const codec = this.#codecs.get(format);
    assert(codec?.compress !== undefined, 'a worker gets jobs for codecs that it has');
    if (this.#target.length < budget) this.#target = new Uint8Array(budget);
    const target = this.#target.subarray(0, budget);
    const resultBytes = codec.compress(new Uint8Array(memory, 0, sourceBytes), target, level);
    new Uint8Array(memory).set(target.subarray(0, resultBytes));
    return { job, resultBytes, memory };
  }
}
