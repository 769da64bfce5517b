// A vector of memory segments seen as one range of bytes.

/** The segments that hold bytes [start, end) of the vector, as views on the same memory; empty ones are left out. */
export function sliceSegments(segments: readonly Uint8Array[], start: number, end: number): Uint8Array[] {
  const slice: Uint8Array[] = [];
  let position = 0;
  for (const segment of segments) {
    if (position >= end) break;
    const from = Math.max(start - position, 0);
    const to = Math.min(end - position, segment.byteLength);
    if (from < to) slice.push(from === 0 && to === segment.byteLength ? segment : segment.subarray(from, to));
    position += segment.byteLength;
  }
  return slice;
}

/** Copies `source` into the vector, from its first byte on, until one of them ends. */
export function scatter(source: Uint8Array, segments: readonly Uint8Array[]): void {
  let position = 0;
  for (const segment of segments) {
    const end = Math.min(position + segment.byteLength, source.byteLength);
    segment.set(source.subarray(position, end));
    position = end;
  }
}
