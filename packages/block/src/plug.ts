// A plug holds bios back for a moment so that neighbours travel as one request. At flush:
//
//   1. the list is cut at bios that nothing may pass: flushes, PREFLUSH and FUA writes (and what stands alone anyway:
//      refused and empty bios);
//   2. between two cuts, a bio that overlaps an earlier one, where one of the two changes the device, begins a new run:
//      within a run the order does not matter;
//   3. each run is sorted by operation, flags and offset, and bios that continue each other on the device become one
//      request, up to a number of segments and bytes;
//   4. requests are submitted in that order; the end of a request ends each bio that travelled in it.
//
// The task that fills a plug flushes it before it waits for anything: somebody may be waiting for a bio that is in it.

import { type Bio, BioFlag, continuesMemory } from './bio.ts';
import { type BlockDevice, checkBio, cloneBio } from './device.ts';

/** Limits of a {@link Plug}. */
export interface PlugOptions {
  /** The most bytes of a merged request. A bio that is larger on its own stays as it is. Default 2 MiB. */
  bytesMax?: number;
  /** The most segments of a merged request, in addition to the device's own limit. Default 1,024, one vector call. */
  segmentsMax?: number;
  /**
   * Bios that a plug holds before it flushes itself. Default 1,024: bounds memory and the time that the first waits.
   */
  biosMax?: number;
}

const DEFAULT_BYTES_MAX = 2 * 1024 * 1024;
const DEFAULT_SEGMENTS_MAX = 1024;
const DEFAULT_BIOS_MAX = 1024;

export class Plug {
  readonly device: BlockDevice;
  /** Bios that came out of the plug so far. */
  flushed = 0;
  /** Requests the device got for them. */
  submitted = 0;
  readonly #bytesMax: number;
  readonly #segmentsMax: number;
  readonly #biosMax: number;
  #bios: Bio[] = [];

  constructor(device: BlockDevice, options: PlugOptions = {}) {
    this.device = device;
    this.#bytesMax = options.bytesMax ?? DEFAULT_BYTES_MAX;
    this.#segmentsMax = Math.min(options.segmentsMax ?? DEFAULT_SEGMENTS_MAX, device.segmentsMax);
    this.#biosMax = options.biosMax ?? DEFAULT_BIOS_MAX;
  }

  /** Bios waiting for a flush. */
  get held(): number {
    return this.#bios.length;
  }

  /** Bios that travelled in another one's request. */
  get merges(): number {
    return this.flushed - this.submitted;
  }

  /** Holds a bio back. Flushes when the plug is full. */
  add(bio: Bio): void {
    this.#bios.push(bio);
    if (this.#bios.length >= this.#biosMax) this.flush();
  }

  /** Submits everything. Bios that completions add meanwhile stay for the next flush. */
  flush(): void {
    const bios = this.#bios;
    this.#bios = [];
    this.flushed += bios.length;
    let start = 0;
    for (let i = 0; i < bios.length; i++) {
      const bio = bios[i]!;
      if (!standsAlone(this.device, bio)) continue;
      this.#flushUnordered(bios.slice(start, i));
      this.#submit(bio);
      start = i + 1;
    }
    this.#flushUnordered(start === 0 ? bios : bios.slice(start));
  }

  #flushUnordered(bios: Bio[]): void {
    for (const run of runs(bios)) {
      run.sort(byRequest);
      let first = 0; // the request being formed is run[first..next)
      let segments = run[0]?.segments.length ?? 0;
      for (let next = 1; next <= run.length; next++) {
        const bio = run[next];
        if (bio !== undefined && continues(run[next - 1]!, bio)) {
          const more = segments + bio.segments.length - (memoryContinues(run[next - 1]!, bio) ? 1 : 0);
          const bytes = bio.endOffset - run[first]!.offset;
          if (bio.operation === 'discard' || (more <= this.#segmentsMax && bytes <= this.#bytesMax)) {
            segments = more;
            continue;
          }
        }
        this.#submitMerged(run.slice(first, next));
        first = next;
        segments = bio?.segments.length ?? 0;
      }
    }
  }

  #submitMerged(bios: Bio[]): void {
    const first = bios[0]!;
    if (bios.length === 1) {
      this.#submit(first);
      return;
    }
    const merged = cloneBio(first);
    merged.segments = [...first.segments];
    for (const bio of bios.slice(1)) {
      if (bio.operation === 'discard') merged.size += bio.size;
      for (const segment of bio.segments) merged.append(segment);
    }
    merged.completion.subscribe(() => endMerged(merged, bios));
    this.#submit(merged);
  }

  #submit(bio: Bio): void {
    this.submitted++;
    this.device.submit(bio);
  }
}

/**
 * Ends the bios of a merged request with its result. A request that failed on the way has transferred its first bytes:
 * the bios that lie within those are fine, the others failed.
 */
function endMerged(merged: Bio, bios: Bio[]): void {
  const { error } = merged.completion;
  let transferred = merged.size - merged.residual;
  for (const bio of bios) {
    const part = Math.min(bio.size, transferred);
    transferred -= part;
    if (part === bio.size) bio.end();
    else bio.end(error, bio.size - part);
  }
}

/** Flushes and what carries one must not be passed; a request that is refused must not take others with it. */
function standsAlone(device: BlockDevice, bio: Bio): boolean {
  if (bio.operation === 'flush' || bio.size === 0) return true;
  if ((bio.flags & (BioFlag.PREFLUSH | BioFlag.FUA)) !== 0) return true;
  return checkBio(device, bio) !== 0;
}

/** The same kind of request for the bytes that follow. */
function continues(last: Bio, next: Bio): boolean {
  return next.operation === last.operation && next.flags === last.flags && next.offset === last.endOffset;
}

function memoryContinues(bio: Bio, next: Bio): boolean {
  const last = bio.segments.at(-1);
  const first = next.segments[0];
  return last !== undefined && first !== undefined && continuesMemory(last, first);
}

/** Same operation and flags together, then by place. The sort is stable: equal ones stay in the order they came. */
function byRequest(a: Bio, b: Bio): number {
  if (a.operation !== b.operation) return a.operation < b.operation ? -1 : 1;
  return a.flags - b.flags || a.offset - b.offset;
}

/** Cuts a list into runs without conflicts. Nearly always that is the list itself, found out by one sort. */
function runs(bios: Bio[]): Bio[][] {
  if (!hasConflict(bios)) return [bios];
  const result: Bio[][] = [];
  let run: Bio[] = [];
  for (const bio of bios) {
    // Quadratic, but only here, and the plug bounds the number of bios.
    if (run.some((earlier) => conflicts(earlier, bio))) {
      result.push(run);
      run = [];
    }
    run.push(bio);
  }
  result.push(run);
  return result;
}

function conflicts(a: Bio, b: Bio): boolean {
  if (a.operation === 'read' && b.operation === 'read') return false;
  return a.offset < b.endOffset && b.offset < a.endOffset;
}

function hasConflict(bios: Bio[]): boolean {
  if (bios.every((bio) => bio.operation === 'read')) return false;
  let end = 0; // of what any earlier bio covers
  let changedEnd = 0; // of what any earlier write or discard covers
  for (const bio of [...bios].sort((a, b) => a.offset - b.offset)) {
    const changes = bio.operation !== 'read';
    if (bio.offset < (changes ? end : changedEnd)) return true;
    end = Math.max(end, bio.endOffset);
    if (changes) changedEnd = Math.max(changedEnd, bio.endOffset);
  }
  return false;
}
