// What an extraction did and what it could not do. Counts are exact; of each reason a few examples are kept, so that a volume
// in which everything is broken does not fill the memory.

/**
 * Why something is not as it is on the volume.
 *
 * | reason       | what happened                                                                         | counts as a failure |
 * | ------------ | ------------------------------------------------------------------------------------- | ------------------- |
 * | `unreadable` | the volume is damaged or encrypted there, or its device failed: nothing was left      | yes                 |
 * | `exists`     | something else is there already; also two names that the host takes for one            | yes                 |
 * | `host`       | the host refused to make it                                                           | yes                 |
 * | `name`       | the host cannot have this name                                                        | yes                 |
 * | `special`    | a device, fifo or socket that was not asked for, or cannot be made                     | no                  |
 * | `owner`      | the owner is not that of the volume                                                    | no                  |
 * | `mode`       | set-user-id and set-group-id were left out, because the owner is another one           | no                  |
 * | `xattr`      | extended attributes are missing                                                        | no                  |
 */
export type ExtractReason = 'unreadable' | 'exists' | 'host' | 'name' | 'special' | 'owner' | 'mode' | 'xattr';

const failures: ReadonlySet<ExtractReason> = new Set<ExtractReason>(['unreadable', 'exists', 'host', 'name']);

/** Examples kept of each reason. */
const EXAMPLES_MAX = 20;

export interface ExtractExample {
  path: Uint8Array;
  message: string;
}

export class ExtractReport {
  files = 0;
  directories = 0;
  symlinks = 0;
  hardLinks = 0;
  specials = 0;
  /** Left as they were, because an earlier run had finished them. */
  kept = 0;
  /** Content written, without holes. */
  bytes = 0;
  /** Holes that stayed holes. */
  holeBytes = 0;
  readonly reasons = new Map<ExtractReason, { count: number; examples: ExtractExample[] }>();

  note(reason: ExtractReason, path: Uint8Array, message: string): void {
    let entry = this.reasons.get(reason);
    if (entry === undefined) {
      entry = { count: 0, examples: [] };
      this.reasons.set(reason, entry);
    }
    entry.count++;
    if (entry.examples.length < EXAMPLES_MAX) entry.examples.push({ path: path.slice(), message });
  }

  /** Things that are missing, or were not written. */
  get failures(): number {
    let count = 0;
    for (const [reason, entry] of this.reasons) if (failures.has(reason)) count += entry.count;
    return count;
  }
}
