// Where the data of a file goes: which log, or its old place.
//
//   cold   files whose name ends in a cold extension (pictures, videos, archives: written once), and compressed files
//   hot    files with a hot extension, and files of which little is dirty: changed often, in small pieces
//   warm   the others
//
// In place: small or data-only syncs of blocks that have a place. The node then need not be written.
// Source: spec 5.2; buffered I/O spec 15.2, 15.5; kernel fs/f2fs/segment.c (__get_segment_type_6, check_inplace_update_policy).

import { Advise, type InodeFields, SegmentType } from '@f2fskit/f2fs-format';

/** A file with at most so many dirty pages when a pass begins is hot for that pass. */
export const HOT_PAGES_MAX = 16;
/** A sync of at most so many dirty pages is written in place. */
export const IN_PLACE_PAGES_MAX = 8;

/** The log of a file's data in a pass that began with `dirtyPages`. */
export function dataLogOf({ advise, compressed }: InodeFields, dirtyPages: number): number {
  if (compressed || (advise & Advise.cold) !== 0) return SegmentType.coldData;
  if ((advise & Advise.hot) !== 0 || dirtyPages <= HOT_PAGES_MAX) return SegmentType.hotData;
  return SegmentType.warmData;
}
