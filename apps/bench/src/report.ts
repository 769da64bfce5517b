// What a bench found, and how it is printed.

/** A number that is the same on every machine. */
export interface Count {
  what: string;
  value: number;
  /** What it must be: at most this. */
  most: number;
}

/** A rate beside a rate measured in the same run. */
export interface Ratio {
  what: string;
  /** MB of 10^6 bytes a second, median. */
  rate: number;
  against: string;
  /** rate / rate of `against`, median over the rounds. */
  ratio: number;
  /** What the ratio is meant to reach, if there is a goal. Shown beside it; times never fail a run. */
  least?: number;
}

export interface BenchResult {
  name: string;
  counts: Count[];
  ratios: Ratio[];
  /** Why nothing was measured. */
  skipped?: string;
}

/** Prints everything; false when a count is wrong. */
export function report(results: BenchResult[]): boolean {
  let right = true;
  for (const { name, counts, ratios, skipped } of results) {
    console.log(skipped === undefined ? name : `${name}: skipped, ${skipped}`);
    for (const { what, value, most } of counts) {
      const ok = value <= most;
      right &&= ok;
      console.log(`  ${ok ? 'ok  ' : 'FAIL'} ${what}: ${value}${ok ? '' : ` (at most ${most})`}`);
    }
    for (const { what, rate, against, ratio, least } of ratios) {
      const goal = least === undefined ? '' : ` (goal ${least.toFixed(2)}${ratio >= least ? '' : ', missed'})`;
      console.log(`       ${what}: ${Math.round(rate)} MB/s, ${ratio.toFixed(2)} x ${against}${goal}`);
    }
  }
  return right;
}

/** The round to begin with: round 0 is not counted, and the one round of the small mode has none before it. */
export function firstOf(rounds: number): number {
  return rounds > 1 ? 0 : 1;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Seconds of one call. */
export function time(run: () => void): number {
  const started = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - started) / 1e9;
}

/** Times two things in turn, round by round, so that a machine that slows down slows both. Rates in MB/s. */
export function compare(
  rounds: number,
  bytes: number,
  a: { what: string; run: () => void },
  b: { what: string; run: () => void },
  least?: number,
): Ratio {
  a.run();
  b.run();
  const pairs = Array.from({ length: rounds }, () => [time(a.run), time(b.run)] as const);
  return {
    what: a.what,
    rate: bytes / 1e6 / median(pairs.map(([seconds]) => seconds)),
    against: b.what,
    ratio: median(pairs.map(([first, second]) => second / first)),
    ...(least === undefined ? {} : { least }),
  };
}
