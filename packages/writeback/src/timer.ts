// What wakes somebody up later. Injected like the clock, so that tests decide when time passes.

export interface Timer {
  /**
   * Calls back once, after at least so many milliseconds; never before it returns. The returned function calls it off.
   * A timer of the host should not keep the process alive.
   */
  start(milliseconds: number, callback: () => void): () => void;
}
