import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corruptionOf, errorOf } from '../test/caught.ts';
import {
  ADDRESSES_PER_NODE,
  firstFileBlockOf,
  isColdNode,
  isDentryNode,
  isFsyncNode,
  isIndirectNodeOffset,
  MAX_FILE_BLOCKS,
  MAX_FILE_BYTES,
  MAX_NODE_OFFSET,
  maxFileBlocks,
  NIDS_PER_NODE,
  NodeFlag,
  NodeOffset,
  newNodePath,
  nodeFooterFlag,
  nodeOffsetOf,
  nodePath,
  XATTR_NODE_OFFSET,
} from './index.ts';

const N = NIDS_PER_NODE;
/** The shapes of 6.8: plain, inline xattrs, extra attributes, and compressed files of each cluster size. */
const shapes: ReadonlyArray<readonly [inode: number, node: number]> = [
  [923, 1018],
  [873, 1018],
  [914, 1018],
  [864, 1018],
  [864, 1016],
  [864, 992],
  [832, 960],
  [768, 768],
  [0, 768],
];

/** One way to compute the order of direct nodes that shares nothing with the code: counting. */
function countDirectBefore(nodeOffset: number): number {
  let count = 0;
  for (let offset = 1; offset < nodeOffset; offset++) if (!isIndirectNodeOffset(offset)) count++;
  return count;
}

describe('node footers', () => {
  it('pack the node offset and three marks into one field', () => {
    const flag = nodeFooterFlag(0, NodeFlag.cold | NodeFlag.fsync | NodeFlag.dentry);
    expect(flag).toBe(7); // as Linux wrote it for a new file
    expect([isColdNode(flag), isFsyncNode(flag), isDentryNode(flag), nodeOffsetOf(flag)]).toEqual([
      true,
      true,
      true,
      0,
    ]);
    const xattr = nodeFooterFlag(XATTR_NODE_OFFSET, NodeFlag.cold | NodeFlag.fsync);
    expect(xattr).toBe(0xffff_fffb);
    expect([nodeOffsetOf(xattr), isDentryNode(xattr)]).toEqual([XATTR_NODE_OFFSET, false]);
  });
});

describe('nodePath', () => {
  it('passes the places that Linux was seen to use (inode with 864 slots)', () => {
    const at = (byte: number) => nodePath(Math.floor(byte / 4096), 864, 1018);
    expect(at(0)).toEqual({ depth: 0, offsets: [0, 0, 0, 0], nodeOffsets: [0, 0, 0, 0] });
    expect(at(6_000_000_000).nodeOffsets).toEqual([0, 1022, 1441, 0]);
    expect(at(9_000_000_000).nodeOffsets).toEqual([0, 2041, 2042, 2162]);
    expect(at(4_329_000_000_000).nodeOffsets).toEqual([0, 2041, 1_038_365, 1_039_218]);
  });

  it('turns at the edges of each range', () => {
    const [A, D] = [864, 1016];
    const describePath = (block: number) => {
      const { depth, offsets, nodeOffsets } = nodePath(block, A, D);
      return [depth, offsets.slice(0, depth + 1), nodeOffsets.slice(0, depth + 1)];
    };
    expect(describePath(A - 1)).toEqual([0, [A - 1], [0]]);
    expect(describePath(A)).toEqual([1, [0, 0], [0, 1]]);
    expect(describePath(A + D - 1)).toEqual([1, [0, D - 1], [0, 1]]);
    expect(describePath(A + D)).toEqual([1, [1, 0], [0, 2]]);
    expect(describePath(A + 2 * D)).toEqual([2, [2, 0, 0], [0, 3, 4]]);
    expect(describePath(A + 2 * D + N * D - 1)).toEqual([2, [2, N - 1, D - 1], [0, 3, 3 + N]]);
    expect(describePath(A + 2 * D + N * D)).toEqual([2, [3, 0, 0], [0, 4 + N, 5 + N]]);
    expect(describePath(A + 2 * D + 2 * N * D)).toEqual([3, [4, 0, 0, 0], [0, 5 + 2 * N, 6 + 2 * N, 7 + 2 * N]]);
    const last = A + maxFileBlocks(D) - 1;
    const group = 6 + 2 * N + (N - 1) * (N + 1);
    expect(describePath(last)).toEqual([3, [4, N - 1, N - 1, D - 1], [0, 5 + 2 * N, group, group + N]]);
    expect(group + N).toBe(MAX_NODE_OFFSET);
    expect(errorOf(() => nodePath(last + 1, A, D)).code).toBe('EFBIG');
  });

  it('is undone by firstFileBlockOf, for every shape and over the whole range of a file', () => {
    const cases = fc.constantFrom(...shapes).chain(([inode, node]) => {
      const end = inode + maxFileBlocks(node);
      const edges = [0, inode, inode + 2 * node, inode + 2 * node + N * node, inode + 2 * node + 2 * N * node, end];
      const nearEdge = fc
        .tuple(fc.constantFrom(...edges), fc.integer({ min: -2, max: 2 }))
        .map(([edge, step]) => Math.min(end - 1, Math.max(0, edge + step)));
      const block = fc.oneof(fc.nat(end - 1), fc.nat(3_000_000), nearEdge);
      return fc.tuple(fc.constant(inode), fc.constant(node), block);
    });
    const path = newNodePath();
    fc.assert(
      fc.property(cases, ([inode, node, block]) => {
        expect(nodePath(block, inode, node, path)).toBe(path);
        const { depth, offsets, nodeOffsets } = path;
        expect(firstFileBlockOf(nodeOffsets[depth]!, inode, node) + offsets[depth]!).toBe(block);
        expect(isIndirectNodeOffset(nodeOffsets[depth]!)).toBe(false);
        for (let step = 1; step < depth; step++) expect(isIndirectNodeOffset(nodeOffsets[step]!)).toBe(true);
        for (let step = depth + 1; step < 4; step++) expect([offsets[step], nodeOffsets[step]]).toEqual([0, 0]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('firstFileBlockOf', () => {
  it('counts the direct nodes before', () => {
    for (const offset of [1, 2, 4, 5, 3 + N, 5 + N, 4 + 2 * N, 7 + 2 * N, 6 + 3 * N, 8 + 3 * N, 9 + 3 * N]) {
      expect(firstFileBlockOf(offset, 864, 1018), `offset ${offset}`).toBe(864 + 1018 * countDirectBefore(offset));
    }
    expect(firstFileBlockOf(0, 864, 1018)).toBe(0);
  });

  it('refuses nodes without slots', () => {
    const refused = [3, 4 + N, 5 + 2 * N, 6 + 2 * N, 7 + 3 * N, MAX_NODE_OFFSET + 1, XATTR_NODE_OFFSET];
    for (const offset of refused) {
      expect(
        corruptionOf(() => firstFileBlockOf(offset, 864, 1018)),
        `offset ${offset}`,
      ).toMatchObject({
        kind: 'nodeOffset',
        found: offset,
      });
    }
    expect([NodeOffset.indirect0, NodeOffset.indirect1, NodeOffset.doubleIndirect]).toEqual([3, 1022, 2041]);
  });
});

describe('limits', () => {
  it('are those of the format', () => {
    expect(maxFileBlocks(ADDRESSES_PER_NODE)).toBe(1_057_052_516);
    expect(MAX_FILE_BLOCKS).toBe(1_057_052_516);
    expect(MAX_FILE_BYTES).toBe(4_329_687_105_536);
  });
});
