// Counts what passes. Tests and benches compare these numbers; they are the same on every machine.

import type { Bio, BioOperation } from './bio.ts';
import { DeviceWrapper } from './device-wrapper.ts';

/** What one operation has cost so far. */
export interface OperationStatistics {
  /** Requests submitted. */
  bios: number;
  /** Bytes asked for, also by requests that failed. */
  bytes: number;
  /** Memory segments. */
  segments: number;
  /** Requests that ended with an error. */
  errors: number;
  /** Requests that start where the one before of the same operation ended. */
  sequential: number;
}

/** A point in time of a {@link StatisticsDevice}. */
export interface DeviceStatistics extends Record<BioOperation, OperationStatistics> {
  /** Requests submitted and not yet ended. */
  inFlight: number;
  /** The most that were in flight at once. */
  inFlightMax: number;
}

const operations = ['read', 'write', 'flush', 'discard'] as const;

/** Counts bios, bytes and segments by operation. */
export class StatisticsDevice extends DeviceWrapper {
  #counts = noStatistics();
  /** Where the last request of each operation ended. */
  readonly #ends: Record<BioOperation, number> = { read: -1, write: -1, flush: -1, discard: -1 };

  submit(bio: Bio): void {
    const counts = this.#counts;
    const counted = counts[bio.operation];
    counted.bios++;
    counted.bytes += bio.size;
    counted.segments += bio.segments.length;
    if (bio.operation !== 'flush') {
      if (bio.offset === this.#ends[bio.operation]) counted.sequential++;
      this.#ends[bio.operation] = bio.endOffset;
    }
    counts.inFlight++;
    counts.inFlightMax = Math.max(counts.inFlightMax, counts.inFlight);
    bio.completion.subscribe(() => {
      this.#counts.inFlight--; // not `counts`: somebody may have reset them meanwhile
      if (bio.completion.error !== 0) this.#counts[bio.operation].errors++;
    });
    this.device.submit(bio);
  }

  /** The numbers since the last {@link reset}, as a copy that stays. */
  snapshot(): DeviceStatistics {
    const copy = { ...this.#counts };
    for (const operation of operations) copy[operation] = { ...copy[operation] };
    return copy;
  }

  /** Counts from zero again; requests in flight stay in flight. */
  reset(): void {
    const { inFlight } = this.#counts;
    this.#counts = { ...noStatistics(), inFlight, inFlightMax: inFlight };
  }
}

function noStatistics(): DeviceStatistics {
  const none = (): OperationStatistics => ({ bios: 0, bytes: 0, segments: 0, errors: 0, sequential: 0 });
  return { read: none(), write: none(), flush: none(), discard: none(), inFlight: 0, inFlightMax: 0 };
}
