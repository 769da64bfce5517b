// Errors of writes that nobody waited for. A write fails long after the call that caused it has returned; whoever has the file
// open is to be told, once for each new error, at its next fsync.
//
//   sequence   of a mapping, or of a whole cache: counts errors and keeps the last
//   cursor     of an open file: how many of them it has been told
//
// An error that nobody has been told of yet is also new to a cursor made later: a file that was closed without fsync and
// opened again hears of it. One that somebody has been told of is not (R25). Reading clears nothing.
// Source: spec section 3.5; kernel lib/errseq.c describes the idea.

export class ErrorSequence {
  /** Errors so far. */
  count = 0;
  /** The last one, a positive error number; 0 = none. */
  errno = 0;
  /** Errors up to this one have been told to somebody. */
  told = 0;

  set(errno: number): void {
    this.errno = errno;
    this.count++;
  }
}

export class ErrorCursor {
  readonly #sequence: ErrorSequence;
  #at: number;

  constructor(sequence: ErrorSequence) {
    this.#sequence = sequence;
    this.#at = sequence.told;
  }

  /** The error number of what failed since this cursor was asked last; 0 = nothing. Several errors are told as the last. */
  take(): number {
    const { count, errno } = this.#sequence;
    if (this.#at === count) return 0;
    this.#at = count;
    this.#sequence.told = count;
    return errno;
  }
}
