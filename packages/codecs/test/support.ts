// What the tests of the codecs share: inputs that compress, ways to break a stream, and a call that watches its arrays.

import fc from 'fast-check';
import { type Codec, CodecError } from '../src/index.ts';

/** How many runs a property gets: few in every test run, many on request. A failure prints the seed and the path. */
export function slice(numRuns: number): { numRuns: number; seed?: number } {
  const seed = process.env['F2FSKIT_SEED'];
  const runs = process.env['F2FSKIT_FULL'] === undefined ? numRuns : numRuns * 20;
  return seed === undefined ? { numRuns: runs } : { numRuns: runs, seed: Number(seed) };
}

/** A seeded generator for the loops that fast-check starts: `below(n)` is an integer in [0, n). */
export function generator(seed: number): { below(limit: number): number } {
  let state = seed >>> 0;
  return {
    below(limit) {
      // splitmix32
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return Math.floor((((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32) * limit);
    },
  };
}

export const hex = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Text of a small vocabulary, with runs and, one time in ten, noise: all that a compressor has a way to say. */
export function sample(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const random = generator(seed);
  const words = Array.from({ length: 300 }, () =>
    Array.from({ length: 2 + random.below(9) }, () => String.fromCharCode(97 + random.below(26))).join(''),
  );
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const kind = random.below(200);
    if (kind === 0) {
      const end = Math.min(length, at + random.below(3000));
      bytes.fill(random.below(2) * 65, at, end);
      at = end;
    } else if (kind < 10) {
      for (const end = Math.min(length, at + random.below(60)); at < end; ) bytes[at++] = random.below(256);
    } else {
      const word = words[Math.floor((random.below(300) * random.below(300)) / 300)]! + ' ';
      for (let i = 0; i < word.length && at < length; i++) bytes[at++] = word.charCodeAt(i);
    }
  }
  return bytes;
}

/** One to three bytes changed: mostly a single bit, mostly anywhere, sometimes near the start. */
export function mutate(source: Uint8Array, random: { below(limit: number): number }): Uint8Array<ArrayBuffer> {
  const broken = source.slice();
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = random.below(random.below(4) === 0 ? Math.min(24, broken.length) : broken.length);
    if (random.below(3) > 0) broken[at]! ^= 1 << random.below(8);
    else broken[at] = random.below(256);
  }
  return broken;
}

/** What came of a call: the output, or the error. */
export type Outcome = { bytes: Uint8Array; error?: undefined } | { bytes?: undefined; error: CodecError };

const canaryBytes = 64;

/**
 * Decodes into the middle of a larger buffer. Throws when the call wrote outside its target or to its source, returned
 * another number than the target's length, or failed with anything but a CodecError of this codec.
 */
export function decode(codec: Codec, source: Uint8Array, targetBytes: number): Outcome {
  const memory = new Uint8Array(targetBytes + 2 * canaryBytes).fill(0xc5);
  const target = memory.subarray(canaryBytes, canaryBytes + targetBytes);
  const before = source.slice();
  let outcome: Outcome;
  try {
    const written = codec.decompress(source, target);
    if (written !== targetBytes) throw new Error(`${codec.name} returned ${written}, not ${targetBytes}`);
    outcome = { bytes: target.slice() };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    if (error.codec !== codec.name || error.code !== 'EIO')
      throw new Error('an error of another kind', { cause: error });
    if (!(error.sourceOffset >= 0 && error.sourceOffset <= source.length))
      throw new Error(`${error.message}: no place`);
    if (!(error.targetOffset >= 0 && error.targetOffset <= targetBytes)) throw new Error(`${error.message}: no place`);
    outcome = { error };
  }
  const canaries = memory.copyWithin(canaryBytes, canaryBytes + targetBytes).subarray(0, 2 * canaryBytes);
  if (canaries.some((byte) => byte !== 0xc5)) throw new Error(`${codec.name} wrote outside its target`);
  if (Buffer.compare(before, source) !== 0) throw new Error(`${codec.name} wrote to its source`);
  return outcome;
}

/**
 * Encodes into the middle of a larger buffer, with a budget. Throws when the call wrote outside its target or to its
 * source, or returned a length that cannot be. Gives the bytes, or `undefined` when the codec says that they do not fit.
 */
export function encode(
  compress: NonNullable<Codec['compress']>,
  source: Uint8Array,
  budget: number,
  level?: number,
): Uint8Array<ArrayBuffer> | undefined {
  const memory = new Uint8Array(budget + 2 * canaryBytes).fill(0xc5);
  const target = memory.subarray(canaryBytes, canaryBytes + budget);
  const before = source.slice();
  const length = compress(source, target, level);
  if (!Number.isInteger(length) || length < 0 || length > budget) throw new Error(`returned ${length} of ${budget}`);
  const output = length === 0 ? undefined : target.slice(0, length);
  const canaries = memory.copyWithin(canaryBytes, canaryBytes + budget).subarray(0, 2 * canaryBytes);
  if (canaries.some((byte) => byte !== 0xc5)) throw new Error('wrote outside its target');
  if (Buffer.compare(before, source) !== 0) throw new Error('wrote to its source');
  return output;
}

/** A budget that any encoder can keep: what literals alone take, in every format. */
export const enoughFor = (contentBytes: number): number => contentBytes + (contentBytes >> 6) + 64;

/** The budget that f2fs gives for a cluster: one block less, and the header of the cluster. */
export const clusterBudget = (contentBytes: number): number => contentBytes - 4096 - 24;

/**
 * Content of a kind that has its own way to go wrong in an encoder. `kind` counts from 0; there are `contentKinds.length`.
 */
export function content(kind: number, seed: number, length: number): Uint8Array<ArrayBuffer> {
  return contentKinds[kind % contentKinds.length]![1](generator(seed), length, seed);
}

type Below = { below(limit: number): number };

export const contentKinds: ReadonlyArray<
  [string, (random: Below, length: number, seed: number) => Uint8Array<ArrayBuffer>]
> = [
  ['text', (_, length, seed) => sample(seed, length)],
  ['noise', (random, length) => new Uint8Array(length).map(() => random.below(256))],
  ['two letters', (random, length) => new Uint8Array(length).map(() => 97 + random.below(2))],
  ['one byte', (random, length) => new Uint8Array(length).fill(random.below(256))],
  ['runs', (random, length) => pieces(length, () => [random.below(3), 1 + random.below(700)])],
  ['short runs', (random, length) => pieces(length, () => [random.below(256), 1 + random.below(6)])],
  [
    // Matches at one distance, again and again; now and then the largest ones of each format, and just above.
    'periods',
    (random, length) => {
      const distances = [1, 2, 3, 4, 7, 2048, 2049, 16383, 16384, 16385, 32768, 49151, 49152, 65535, 65536];
      const distance = distances[random.below(distances.length)]!;
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at++) {
        bytes[at] = at < distance || random.below(400) === 0 ? random.below(256) : bytes[at - distance]!;
      }
      return bytes;
    },
  ],
  [
    'what repeats is at the very end',
    (random, length) => {
      const bytes = new Uint8Array(length).map(() => random.below(256));
      const tail = random.below(Math.min(24, (length >> 1) + 1));
      bytes.copyWithin(length - tail, 0, tail);
      return bytes;
    },
  ],
];

/** Pieces of one byte each; `next` gives the byte and how often. */
function pieces(length: number, next: () => [byte: number, count: number]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const [byte, count] = next();
    bytes.fill(byte, at, Math.min(length, at + count));
    at += count;
  }
  return bytes;
}

/** Whether two arrays hold the same bytes: much cheaper than `toEqual` on thousands of them. */
export function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

/** The reason for which a codec refuses, or `'accepted'`. */
export function verdict(codec: Codec, source: Uint8Array, targetBytes: number): string {
  return decode(codec, source, targetBytes).error?.reason ?? 'accepted';
}

/** A seed, for properties whose inputs are too large for fast-check to draw byte by byte. */
export const seeds = fc.integer({ min: 0, max: 0xffff_ffff });
