// A writer and a pass of writeback that take turns on one thread, where nothing works in the background. A pass that has handed
// something to other threads rests instead of waiting for them: the writer goes on meanwhile.
//
//   writer          dirty ·             · dirty ·             · dirty
//   pass                  · send, begin · rest  · send, begin · rest
//   other threads   ── what was begun ────────────────────────────────▶
//
// A pass rests with folios locked and under writeback. Who waits for one of them ends the rest, by way of the scheduler that runs
// them both; the pass then rests no more before a writer gives it another turn.

import { Completion, type Scheduler, type Task } from '@f2fskit/task';

export class WriterTurns {
  readonly #scheduler: Scheduler;
  /** There while a writer waits: done when the pass rests, or is over. */
  #turn: Completion | undefined = undefined;
  /** There while the pass rests. */
  #rest: Completion | undefined = undefined;
  /** There while a pass is under way. */
  #ended: Completion | undefined = undefined;
  /** The bug that ended one. */
  #failure: { cause: unknown } | undefined = undefined;

  /** All tasks of the volume are run by `scheduler`. */
  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** For a writer: lets the pass go on, or begins `pass` where none is under way, until it rests or is over. */
  *give(pass: () => Task<void>): Task<void> {
    this.#turn ??= new Completion();
    const turn = this.#turn;
    if (this.#ended === undefined) void this.#scheduler.run(this.#run(pass()));
    else this.#resume();
    if (!turn.done) yield turn;
    this.#throwFailure();
  }

  /** For the pass: what it yields to rest; `undefined` where no writer waits for its turn. */
  rest(): Completion | undefined {
    const turn = this.#turn;
    if (turn === undefined) return undefined;
    this.#turn = undefined;
    const rest = new Completion();
    rest.waitSync = () => this.#resume();
    this.#rest = rest;
    turn.complete();
    return rest;
  }

  /** Waits until no pass is under way. */
  *end(): Task<void> {
    this.#resume();
    if (this.#ended !== undefined) yield this.#ended;
    this.#throwFailure();
  }

  *#run(pass: Task<void>): Task<void> {
    const ended = new Completion();
    this.#ended = ended;
    try {
      yield* pass;
    } catch (cause) {
      this.#failure = { cause };
    }
    this.#ended = undefined;
    ended.complete();
    const turn = this.#turn;
    this.#turn = undefined;
    turn?.complete();
  }

  #resume(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    rest?.complete();
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.cause;
  }
}
