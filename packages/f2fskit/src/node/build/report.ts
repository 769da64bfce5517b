// What a build put on the volume, and what it could not. Counts are exact; of each reason a few examples are kept.

/**
 * Why something is not on the volume as it is in the source.
 *
 * | reason       | what happened                                                                  | counts as a failure |
 * | ------------ | ------------------------------------------------------------------------------ | ------------------- |
 * | `unreadable` | the source could not be read there: it is missing                              | yes                 |
 * | `changed`    | the file changed while it was read: what is there may be a mixture             | yes                 |
 * | `path`       | a path of an archive that leads out of it, or over something that is no folder | yes                 |
 * | `link`       | a hard link of an archive to nothing that is in it                             | yes                 |
 * | `refused`    | the format cannot have it: a name that is too long, a file that is too large   | yes                 |
 * | `kind`       | an entry of a kind that no volume has                                          | yes                 |
 * | `xattr`      | extended attributes are missing                                                | no                  |
 */
export type BuildReason = 'unreadable' | 'changed' | 'path' | 'link' | 'refused' | 'kind' | 'xattr';

/** Examples kept of each reason. */
const EXAMPLES_MAX = 20;

export interface BuildExample {
  /** Without a slash before it; the root is empty. */
  path: Uint8Array;
  message: string;
}

export interface BuildReasonCount {
  count: number;
  examples: BuildExample[];
}

/** Why things are missing or different, by reason. */
export class BuildNotes {
  readonly reasons = new Map<BuildReason, BuildReasonCount>();

  note(reason: BuildReason, path: Uint8Array, message: string): void {
    let entry = this.reasons.get(reason);
    if (entry === undefined) {
      entry = { count: 0, examples: [] };
      this.reasons.set(reason, entry);
    }
    entry.count++;
    if (entry.examples.length < EXAMPLES_MAX) entry.examples.push({ path: path.slice(), message });
  }

  /** Adds those of a part of the work that is not done again. */
  add(other: BuildNotes): void {
    for (const [reason, { count, examples }] of other.reasons) {
      for (const { path, message } of examples) this.note(reason, path, message);
      this.reasons.get(reason)!.count += count - examples.length;
    }
  }

  /** Things that are missing, or may be wrong. */
  get failures(): number {
    let count = 0;
    for (const [reason, entry] of this.reasons) if (reason !== 'xattr') count += entry.count;
    return count;
  }
}

/** What was written to a volume. */
export class BuildCounts {
  files = 0;
  directories = 0;
  symlinks = 0;
  /** Names beside the first one of a file. */
  hardLinks = 0;
  specials = 0;
  /** Content written, without holes. */
  bytes = 0;
  /** Holes that stayed holes. */
  holeBytes = 0;
  compressedFiles = 0;
  /** Blocks of 4096 bytes that compressed files do not need. */
  savedBlocks = 0;
  /** Those of them that are free: the others are kept for their files. */
  releasedBlocks = 0;
}

/** How large a volume is, and how full. Sizes in bytes, blocks of 4096 bytes. */
export interface VolumeSize {
  bytes: number;
  /** What files may use, nodes and directories included. */
  userBlocks: number;
  /** In use when the build was over; in a dry run the estimate. */
  usedBlocks: number;
}

export interface BuildReport extends BuildCounts {
  /** Of the image; absent in a dry run. */
  uuid?: string;
  label: string;
  features: readonly string[];
  size: VolumeSize;
  /** Volumes that were begun until one was right: 1 unless the size was searched. */
  attempts: number;
  /** Things that are missing, or may be wrong. */
  failures: number;
  reasons: ReadonlyMap<BuildReason, BuildReasonCount>;
  /** Options of the format that were not followed to the letter. */
  warnings: readonly string[];
}
