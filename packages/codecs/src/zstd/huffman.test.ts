import * as wasm from '@bokuweb/zstd-wasm';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decode, generator, same, seeds, slice, verdict } from '../../test/support.ts';
import {
  block,
  compressedLiteralsHeader,
  compressedType,
  directTree,
  frame,
  fseDescription,
  huffmanCodes,
  huffmanLiterals,
  rleType,
} from '../../test/zstd-frame.ts';
import { zstd } from '../zstd.ts';

beforeAll(() => wasm.init());

/** Weights of a random tree of 2 to 129 bytes with codes of at most 11 bits, by splitting leaves. */
function randomWeights(random: { below(limit: number): number }): number[] {
  const depths = [1, 1];
  for (let splits = random.below(random.below(2) === 0 ? 6 : 120); splits > 0; splits--) {
    const leaf = random.below(2) === 0 ? depths.length - 1 : random.below(depths.length);
    if (depths[leaf]! === 11) continue;
    depths[leaf]!++;
    depths.push(depths[leaf]!);
  }
  const longest = Math.max(...depths);
  const weights: number[] = [];
  for (const [i, depth] of depths.entries()) {
    for (let unused = random.below(3); unused > 0 && weights.length + depths.length - i < 129; unused--)
      weights.push(0);
    weights.push(longest + 1 - depth);
  }
  return weights;
}

/** A frame of one block with literals only. */
const literalsFrame = (section: readonly number[]): Uint8Array =>
  frame(10, block(compressedType, [...section, 0], true));

describe('Huffman-coded literals', () => {
  it('are decoded in every format, with a tree of their own or that of the block before', () => {
    const formats = new Set<string>();
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = generator(seed);
        const expected: number[] = [];
        const blocks: number[][] = [];
        let codes = new Map<number, readonly [number, number]>();
        for (let blockCount = 1 + random.below(4); blockCount > 0; blockCount--) {
          let tree: number[] = [];
          if (codes.size === 0 || random.below(2) === 0) {
            const weights = randomWeights(random);
            codes = huffmanCodes(weights);
            tree = directTree(weights);
          }
          const bytes = [...codes.keys()];
          const format = random.below(4) as 0 | 1 | 2 | 3;
          // The stored size has to fit the bits that the format gives it, so the lengths stay below.
          const length = (format === 0 ? 1 : 6) + random.below([500, 500, 3000, 9000][format]!);
          const literals = Array.from({ length }, () => bytes[random.below(bytes.length)]!);
          expected.push(...literals);
          blocks.push(block(compressedType, [...huffmanLiterals(literals, codes, tree, format), 0], false));
          formats.add(`${format} ${tree.length === 0 ? 'reused' : 'own'}`);
        }
        // Random literals grow when coded, and no block may be larger than the window: a run makes that large enough.
        blocks.push(block(rleType, [7], true, 16384));
        for (let i = 0; i < 16384; i++) expected.push(7);
        const source = frame(Math.max(10, 32 - Math.clz32(expected.length - 1)), ...blocks);
        const { bytes, error } = decode(zstd, source, expected.length);
        if (error !== undefined) throw error;
        expect(same(bytes, Uint8Array.from(expected))).toBe(true);
        expect(same(wasm.decompress(source), Uint8Array.from(expected))).toBe(true);
      }),
      slice(80),
    );
    expect(formats.size).toBe(8);
  });

  const two = huffmanCodes([1, 1]);
  it.each([
    [
      'a byte 0 instead of the marker',
      [...compressedLiteralsHeader(2, 0, 7, 4), ...directTree([1, 1]), 0x55, 0],
      7,
      'bits',
    ],
    ['a stream of no bytes', [...compressedLiteralsHeader(2, 0, 1, 2), ...directTree([1, 1])], 1, 'bits'],
    ['a bit too few', [...compressedLiteralsHeader(2, 0, 8, 3), ...directTree([1, 1]), 0xff], 8, 'bits'],
    ['a bit too many', [...compressedLiteralsHeader(2, 0, 6, 3), ...directTree([1, 1]), 0xff], 6, 'bits'],
    ['no literals', [...compressedLiteralsHeader(2, 0, 0, 3), ...directTree([1, 1]), 0x01], 16, 'invalid'],
    ['no literals in four streams', huffmanLiterals([], two, directTree([1, 1]), 1), 16, 'invalid'],
    ['five literals in four streams', huffmanLiterals([0, 1, 0, 1, 0], two, directTree([1, 1]), 1), 5, 'invalid'],
    ['literals above the output', huffmanLiterals(Array(20).fill(1), two, directTree([1, 1]), 0), 19, 'overflow'],
    ['no byte of a tree', compressedLiteralsHeader(2, 0, 9, 0), 9, 'truncated'],
    [
      'a tree cut by a byte',
      [...compressedLiteralsHeader(2, 0, 9, 2), ...directTree([1, 2, 3, 3]).slice(0, 2)],
      9,
      'truncated',
    ],
    ['a coded tree cut by a byte', [...compressedLiteralsHeader(2, 0, 9, 2), 2, 0x30], 9, 'truncated'],
    [
      'sizes of streams cut by a byte',
      [...compressedLiteralsHeader(2, 1, 9, 7), ...directTree([1, 1]), 0, 0, 0, 0, 0],
      9,
      'truncated',
    ],
    [
      'streams longer than all of them',
      [...compressedLiteralsHeader(2, 1, 8, 12), ...directTree([1, 1]), 1, 0, 1, 0, 9, 0, 7, 7, 7, 7],
      8,
      'truncated',
    ],
    ['a section longer than its block', compressedLiteralsHeader(2, 0, 9, 2), 9, 'truncated'],
    [
      'a section longer by a byte',
      [...compressedLiteralsHeader(2, 0, 7, 5), ...directTree([1, 1]), 0x80],
      7,
      'truncated',
    ],
    ['a section header cut by a byte', compressedLiteralsHeader(2, 3, 9, 2).slice(0, 3), 9, 'truncated'],
  ])('%s are refused', (_, section, length, reason) => {
    expect(verdict(zstd, literalsFrame(section), length)).toBe(reason);
  });
});

describe('trees', () => {
  const withTree = (tree: number[]): Uint8Array =>
    literalsFrame([...compressedLiteralsHeader(2, 0, 7, tree.length + 1), ...tree, 0x80]);

  it.each([
    ['two codes of a bit', directTree([1, 1]), 'accepted'],
    ['weights that leave no power of two', directTree([1, 2, 2, 0]), 'table'],
    ['no weights', directTree([0, 0, 0, 0]), 'table'],
    ['no code of the longest', directTree([2, 2]), 'table'],
    ['codes of 12 bits', directTree([11, 11, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1]), 'table'],
    ['weights above 11', directTree([15, 15]), 'table'],
    ['coded weights: an accuracy of 7', coded([64, 64], 7, [1]), 'table'],
    ['coded weights: a weight of 12', coded([20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12], 5, [1]), 'table'],
    ['coded weights: no bits', coded([16, 16], 5, []), 'bits'],
    ['coded weights: no marker', coded([16, 16], 5, [0, 0, 0]), 'bits'],
    ['coded weights: fewer bits than two states take', coded([16, 16], 5, [0x07]), 'bits'],
    ['coded weights: states that never take a bit', coded([0, 32], 5, [0xff, 0x07]), 'table'],
  ])('%s: %s', (_, tree, reason) => {
    const source = withTree(tree);
    expect(verdict(zstd, source, 7)).toBe(reason);
    if (reason === 'accepted') expect(wasm.decompress(source)).toHaveLength(7);
    else expect(() => wasm.decompress(source, { defaultHeapSize: 7 })).toThrow();
  });

  /** A tree whose weights are coded with FSE: the length, the table, the bits. */
  function coded(counts: number[], log: number, bits: number[]): number[] {
    const table = fseDescription(counts, log);
    return [table.length + bits.length, ...table, ...bits];
  }
});
