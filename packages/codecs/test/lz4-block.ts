// A reader of LZ4 blocks that is as strict as the format allows: it accepts what every decoder has to accept, and says what
// is wrong with the rest. Written from the block format description alone, byte by byte.

/** Throws unless `block` is a legal block for exactly `content`. */
export function checkLz4Block(block: Uint8Array, content: Uint8Array): void {
  const output: number[] = [];
  let at = 0;
  const next = (): number => {
    if (at >= block.length) throw new Error(`block ends at ${at}, within a sequence`);
    return block[at++]!;
  };
  const extended = (value: number): number => {
    if (value < 15) return value;
    for (;;) {
      const byte = next();
      value += byte;
      if (byte !== 255) return value;
    }
  };
  let lastMatchStart = -1;
  let lastMatchEnd = 0;
  for (;;) {
    const token = next();
    for (let literals = extended(token >> 4); literals > 0; literals--) output.push(next());
    if (at === block.length) {
      if ((token & 15) !== 0) throw new Error('the token of the last sequence names a match');
      break;
    }
    const distance = next() + 256 * next();
    if (distance === 0 || distance > output.length) throw new Error(`distance ${distance} at output ${output.length}`);
    const length = extended(token & 15) + 4;
    lastMatchStart = output.length;
    for (let i = 0; i < length; i++) output.push(output[output.length - distance]!);
    lastMatchEnd = output.length;
  }
  if (lastMatchStart >= 0) {
    if (output.length - lastMatchEnd < 5) throw new Error(`only ${output.length - lastMatchEnd} literals at the end`);
    if (output.length - lastMatchStart < 12) {
      throw new Error(`the last match starts ${output.length - lastMatchStart} bytes before the end`);
    }
  }
  if (output.length !== content.length) throw new Error(`${output.length} bytes, not ${content.length}`);
  for (let i = 0; i < output.length; i++) {
    if (output[i] !== content[i]) throw new Error(`byte ${i} is ${output[i]}, not ${content[i]}`);
  }
}
