// A scheduler whose choices a seed makes: which task goes on, whether the device is faster, when a timer fires. Everything runs in
// one call: the same seed gives the same interleaving, and something can be looked at between any two steps.

import { Completion, type RandomSource, Scheduler, type Task } from '@f2fskit/task';
import type { Timer } from '@f2fskit/vfs';
import type { InterleaveDevice } from './interleave-device.ts';

/** A wait that is over at once: others may go first. */
class Breath extends Completion {}

/** Lets others go first. */
export function* breathe(): Task<void> {
  yield new Breath();
}

interface Strand {
  readonly name: string;
  readonly task: Task<unknown>;
  /** Ends with the run; nobody waits for it. */
  readonly daemon: boolean;
  done: boolean;
}

/** Steps after which a run is taken to be one that never ends. */
const STEPS_MAX = 2_000_000;
/** Timers that fire in vain before a run in which nothing else can happen is taken to be stuck. */
const TIMERS_IN_VAIN_MAX = 20;

export class SeededScheduler extends Scheduler implements Timer {
  /** Steps so far. */
  steps = 0;
  /** Called after each step of a task or of the device. */
  onStep: () => void = () => {};
  /** Called before a timer fires. */
  onTimer: () => void = () => {};
  readonly #random: RandomSource;
  readonly #device: InterleaveDevice;
  readonly #strands = new Set<Strand>();
  readonly #ready: Strand[] = [];
  readonly #timers = new Set<() => void>();
  /** How likely a task goes on where the device could, too. */
  readonly #taskChance: number;
  /** Tasks go on in the order in which their waits ended, as elsewhere; else in any order. */
  readonly #inOrder: boolean;

  constructor(random: RandomSource, device: InterleaveDevice) {
    super('async');
    this.#random = random;
    this.#device = device;
    this.#taskChance = [0.15, 0.5, 0.9][random.below(3)]!;
    this.#inOrder = random.chance(0.5);
  }

  /** As a volume starts what works in the background. */
  override run<T>(task: Task<T>): Promise<T> {
    const strand = this.#add('background', task, true);
    this.#step(strand);
    return new Promise<T>(() => {});
  }

  /** A task that `runToEnd` waits for, or, as a `daemon`, does not. */
  spawn(name: string, task: Task<unknown>, daemon = false): void {
    this.#ready.push(this.#add(name, task, daemon));
  }

  start(_milliseconds: number, callback: () => void): () => void {
    const timer = (): void => {
      this.#timers.delete(timer);
      callback();
    };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Until every task has ended; throws what one throws, and when they wait for each other. */
  runToEnd(): void {
    let inVain = 0;
    while ([...this.#strands].some(({ daemon }) => !daemon)) {
      if (++this.steps > STEPS_MAX) throw new Error(`no end after ${STEPS_MAX} steps: ${this.#waiting()}`);
      if (this.#advance()) inVain = 0;
      else if (this.#fireTimer()) {
        if (++inVain > TIMERS_IN_VAIN_MAX) throw new Error(`stuck: ${this.#waiting()}`);
      } else throw new Error(`stuck: ${this.#waiting()}`);
      this.onStep();
    }
  }

  /** Until nothing goes on any more: tasks may be left that wait for a timer. */
  settle(): void {
    while (this.#advance()) {
      this.steps++;
      this.onStep();
    }
  }

  #advance(): boolean {
    const random = this.#random;
    if (this.#timers.size > 0 && random.chance(1 / 256)) this.#fireTimer();
    const idle = this.#device.pending === 0;
    if (this.#ready.length > 0 && (idle || random.chance(this.#taskChance))) {
      const at = this.#inOrder ? 0 : random.below(this.#ready.length);
      this.#step(this.#ready.splice(at, 1)[0]!);
      return true;
    }
    return this.#device.step();
  }

  #fireTimer(): boolean {
    const timers = [...this.#timers];
    const timer = timers[this.#random.below(timers.length)];
    if (timer === undefined) return false;
    this.onTimer();
    timer();
    return true;
  }

  #add(name: string, task: Task<unknown>, daemon: boolean): Strand {
    const strand = { name, task, daemon, done: false };
    this.#strands.add(strand);
    return strand;
  }

  /** One task up to where it has to wait. */
  #step(strand: Strand): void {
    for (;;) {
      const step = strand.task.next();
      if (step.done) {
        this.#strands.delete(strand);
        return;
      }
      const completion = step.value;
      if (completion.done) continue;
      completion.subscribe(() => this.#ready.push(strand));
      if (completion instanceof Breath) completion.complete();
      return;
    }
  }

  #waiting(): string {
    return [...this.#strands].map(({ name }) => name).join(', ');
  }
}
