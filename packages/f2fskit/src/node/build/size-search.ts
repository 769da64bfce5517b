// How large the volume is going to be.
//
//   bytes   one try
//   auto    what is needed and a fifth of it free; larger when that was too small after all
//   min     the smallest that works. The count of blocks is exact for most sources: the first try is the smallest volume
//           with room for so many. Where it fails, larger ones until one works, which tells how many blocks it really takes;
//           then the smallest with room for those; then the middle between what failed and what worked, until they are near
//           to each other: 2 MiB, or half a percent

import { EINVAL, ENOSPC, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, SEGMENT_BYTES } from '@f2fskit/f2fs-format';
import { formatGeometry, type GeometryOptions } from '@f2fskit/f2fs-tools/mkfs';
import type { AttemptOutcome } from './attempt.ts';
import type { Candidate } from './image-target.ts';
import { type Need, smallestVolume } from './need.ts';
import type { VolumeSize } from './report.ts';

export type WantedSize = number | 'auto' | 'min';

/** Part of the volume that is full with size `auto`. */
const AUTO_FULL = 0.8;
/** Tries at the most; each writes everything. */
const ATTEMPTS_MAX = 8;
/** With size `min`: as near to a size that fails. */
const NEAR_BYTES = SEGMENT_BYTES;
const NEAR_PART = 0.005;
/** How much larger the next try is. */
const GROWTH = 1.02;

/**
 * The size to try first. Throws ENOSPC, with what is missing, where that is certain; EINVAL, naming `size`, for what no volume
 * has.
 *
 * @param whole bytes of the device that is to be filled, if it is one.
 */
export function plannedSize(
  wanted: WantedSize,
  need: Need,
  geometry: GeometryOptions,
  whole: number | undefined,
): VolumeSize {
  const given = typeof wanted === 'number' ? wanted : whole;
  if (typeof wanted === 'number' && whole !== undefined && wanted > whole) {
    throw new FsError(EINVAL, `size: the device has only ${whole} bytes, not ${wanted}`);
  }
  const bytes = given ?? smallestVolume(wanted === 'min' ? need.blocks : Math.ceil(need.blocks / AUTO_FULL), geometry);
  if (bytes === Number.POSITIVE_INFINITY) {
    throw new FsError(ENOSPC, `the files need ${showBlocks(need.blocks)}, and no volume has so many`);
  }
  const { userBlockCount: userBlocks, bytes: used } = formatGeometry(bytes, geometry);
  if (userBlocks < need.blocksLeast) throw tooSmall(bytes, userBlocks, need, geometry);
  return { bytes: used, userBlocks, usedBlocks: need.blocks };
}

export interface Built {
  candidate: Candidate;
  outcome: AttemptOutcome & { full: false };
  attempts: number;
}

/** Where volumes are tried. */
export interface Trials {
  /** Begins one of so many bytes. */
  begin: (bytes: number) => Candidate;
  run: (candidate: Candidate) => Promise<AttemptOutcome>;
}

/** Tries until a volume is right; it is closed, all others are gone. Throws ENOSPC, and what a try throws. */
export async function searchSize(
  wanted: WantedSize,
  need: Need,
  planned: VolumeSize,
  geometry: GeometryOptions,
  fixed: boolean,
  trials: Trials,
): Promise<Built> {
  let best: Built | undefined;
  /** Too small, or fuller than full. */
  let failed = 0;
  let bytes = planned.bytes;
  let step = GROWTH;
  /** The next try is the smallest that could be. */
  let hopeful = false;
  for (let attempts = 1; ; attempts++) {
    const { candidate, outcome } = await tryOnce(bytes, trials).catch((error: unknown) => {
      best?.candidate.remove();
      throw error;
    });
    if (outcome.full) {
      candidate.remove();
      if (fixed || (best === undefined && attempts >= ATTEMPTS_MAX)) {
        throw tooSmall(bytes, outcome.userBlocks, need, geometry);
      }
      failed = bytes;
    } else {
      best?.candidate.remove();
      const first = best === undefined;
      best = { candidate, outcome, attempts };
      if (wanted !== 'min' || fixed) return best;
      // Now it is known how small it can be at best.
      failed = Math.max(failed, smallestVolume(outcome.size.usedBlocks, geometry) - SEGMENT_BYTES);
      hopeful = first;
    }
    if (best === undefined) {
      bytes = wholeSegments(Math.max(failed * step, failed + 2 * SEGMENT_BYTES));
      step *= step;
      continue;
    }
    const near = Math.max(NEAR_BYTES, best.outcome.size.bytes * NEAR_PART);
    if (best.outcome.size.bytes - failed <= near || attempts >= ATTEMPTS_MAX) return { ...best, attempts };
    bytes = hopeful ? failed + SEGMENT_BYTES : wholeSegments((failed + best.outcome.size.bytes) / 2);
    hopeful = false;
  }
}

/** A volume that is closed; nothing is left of one whose making throws. */
async function tryOnce(
  bytes: number,
  { begin, run }: Trials,
): Promise<{ candidate: Candidate; outcome: AttemptOutcome }> {
  const candidate = begin(bytes);
  try {
    const outcome = await run(candidate);
    candidate.close();
    return { candidate, outcome };
  } catch (error) {
    candidate.remove();
    throw error;
  }
}

const wholeSegments = (bytes: number): number => Math.ceil(bytes / SEGMENT_BYTES) * SEGMENT_BYTES;

function tooSmall(bytes: number, userBlocks: number, { blocks }: Need, geometry: GeometryOptions): FsError {
  const enough = smallestVolume(Math.ceil(Math.max(blocks, userBlocks + 1) / AUTO_FULL), geometry);
  const missing = Math.max(1, blocks - userBlocks);
  const detail =
    `the files need about ${showBlocks(blocks)}, and in ${bytes} bytes there is room for ${showBlocks(userBlocks)}: ` +
    `about ${missing * BLOCK_SIZE} bytes are missing; ${enough} are enough`;
  return new FsError(ENOSPC, detail);
}

function showBlocks(blocks: number): string {
  return `${blocks} blocks`;
}
