// What the passes of one volume have to do with each other:
//
//   - while somebody syncs, passes in the background make way: `shouldYield` of a `PageWriter`
//   - passes whose pages should come out in one piece on the device go one after the other (`sequential`): integrity passes,
//     those of large files, those of files written in larger units
//
// Source: spec section 15.1.

import { Lock, type Task } from '@f2fskit/task';
import type { PassResult, WritebackControl } from './writeback-pass.ts';

export class WritebackGate {
  readonly #serial = new Lock();
  #syncs = 0;

  /** Passes of mode `all` under way. */
  get syncs(): number {
    return this.#syncs;
  }

  /** Runs `pass` as its control says; `sequential`: with no other such pass beside it. Holds no folio. */
  *enter(control: WritebackControl, sequential: boolean, pass: () => Task<PassResult>): Task<PassResult> {
    const all = control.mode === 'all';
    if (all) this.#syncs++;
    try {
      if (!sequential && !all) return yield* pass();
      if (!this.#serial.tryLock()) yield* this.#serial.wait();
      try {
        return yield* pass();
      } finally {
        this.#serial.unlock();
      }
    } finally {
      if (all) this.#syncs--;
    }
  }
}
