// The two copies that every LZ77 format is made of: literals, from the stream to the output; and matches, inside the
// output. Most are a few bytes long, and then what costs is the loop, not the bytes: so short ones go eight bytes at a
// time (a third faster than byte by byte) and may write up to seven bytes more than asked for. `room` bounds that: the
// caller will still write everything between the end of the copy and `room`, and nothing there is needed any more.

/** From this many bytes on, a call into the engine beats a loop. */
const bulkBytes = 32;

/** What a copy in steps may write or read beyond its end. */
const slackBytes = 7;

/**
 * Copies `length` bytes to `at` from `distance` bytes before. They may overlap; the bytes written then repeat, so this is
 * a forward copy and not a memmove. The caller has checked 1 <= length <= target.length - at and 1 <= distance <= at.
 */
export function copyMatch(target: Uint8Array, at: number, distance: number, length: number, room: number): void {
  const end = at + length;
  let from = at - distance;
  if (length >= bulkBytes) {
    copyLongMatch(target, at, distance, length);
  } else if (end + slackBytes <= room) {
    do {
      target[at] = target[from]!;
      target[at + 1] = target[from + 1]!;
      target[at + 2] = target[from + 2]!;
      target[at + 3] = target[from + 3]!;
      target[at + 4] = target[from + 4]!;
      target[at + 5] = target[from + 5]!;
      target[at + 6] = target[from + 6]!;
      target[at + 7] = target[from + 7]!;
      at += 8;
      from += 8;
    } while (at < end);
  } else {
    while (at < end) target[at++] = target[from++]!;
  }
}

function copyLongMatch(target: Uint8Array, at: number, distance: number, length: number): void {
  const end = at + length;
  const from = at - distance;
  if (distance === 1) {
    target.fill(target[from]!, at, end);
    return;
  }
  // Each pass copies as much as already repeats: distance, then twice that, and so on.
  let ready = distance;
  while (ready < end - at) {
    target.copyWithin(at, from, from + ready);
    at += ready;
    ready *= 2;
  }
  target.copyWithin(at, from, from + (end - at));
}

/**
 * Copies `length` bytes, at least one, of `source` from `from` to `target` at `at`. The caller has checked both ranges.
 * The two arrays may be one if the bytes move towards its start.
 */
export function copyLiterals(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  at: number,
  length: number,
  room: number,
): void {
  const end = at + length;
  if (length >= bulkBytes) {
    target.set(source.subarray(from, from + length), at);
  } else if (end + slackBytes <= room && from + length + slackBytes <= source.length) {
    do {
      target[at] = source[from]!;
      target[at + 1] = source[from + 1]!;
      target[at + 2] = source[from + 2]!;
      target[at + 3] = source[from + 3]!;
      target[at + 4] = source[from + 4]!;
      target[at + 5] = source[from + 5]!;
      target[at + 6] = source[from + 6]!;
      target[at + 7] = source[from + 7]!;
      at += 8;
      from += 8;
    } while (at < end);
  } else {
    while (at < end) target[at++] = source[from++]!;
  }
}
