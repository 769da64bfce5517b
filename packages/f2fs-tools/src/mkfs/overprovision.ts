// Overprovisioning: main segments that files cannot have, so that cleaning always finds room to move to. A percentage
// fixes two counts; without one, the percentage that leaves most room for files is searched. Source: spec 1.5 (f2fs-tools
// 1.15). The arithmetic is that of IEEE doubles and the step is added again and again: rounding errors are part of it.

/** What the computation needs to know of a layout. */
export interface OverprovisionBase {
  /** Main segments that can hold blocks. */
  readonly usableSegments: number;
  readonly segmentCountMain: number;
  readonly sectionCount: number;
}

/** The outcome, not yet judged: impossible wishes give counts that no volume has room for. */
export interface Overprovision {
  readonly percent: number;
  /** Segments kept for cleaning. */
  readonly reservedSegmentCount: number;
  /** Segments that files cannot use, the reserved ones included. */
  readonly overprovisionSegmentCount: number;
}

/** Below this many main segments the search takes coarse steps, from a tenth of the volume up. */
const SMALL_VOLUME_SEGMENTS = 256;
const LOGS = 6;

/** Counts for `percent`; 0 searches the best percentage. The percentage is 0 when no candidate leaves any room. */
export function overprovisionOf(base: OverprovisionBase, percent: number): Overprovision {
  const { usableSegments } = base;
  const chosen = percent === 0 ? bestPercent(base) : percent;
  if (chosen === 0) return { percent: 0, reservedSegmentCount: 0, overprovisionSegmentCount: 0 };
  const reserved = Math.trunc(reservedSegments(base, chosen));
  const overprovision = Math.trunc(((usableSegments - reserved) * chosen) / 100) + reserved;
  return { percent: chosen, reservedSegmentCount: reserved, overprovisionSegmentCount: overprovision };
}

/** Sections that cleaning may need at once, and one for each log; a fraction, in segments. */
function reservedSegments({ usableSegments, sectionCount }: OverprovisionBase, percent: number): number {
  return (2 * (100 / percent + 1) + LOGS) * Math.ceil(usableSegments / sectionCount);
}

function bestPercent(base: OverprovisionBase): number {
  const small = base.segmentCountMain < SMALL_VOLUME_SEGMENTS;
  const [first, last, step] = small ? [10, 95, 5] : [0.01, 10, 0.01];
  let best = 0;
  let mostSpace = 0;
  for (let percent = first; percent <= last; percent += step) {
    const reserved = reservedSegments(base, percent);
    const space = base.usableSegments - reserved - ((base.usableSegments - reserved) * percent) / 100;
    if (space <= mostSpace) continue;
    mostSpace = space;
    best = percent;
  }
  return best;
}
