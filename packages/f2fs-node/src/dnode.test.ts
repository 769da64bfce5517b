import { Feature, nodePath } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { corruptionOf, errorOf, openInode } from '../test/support.ts';
import { slotsOf, type TestInode, TestVolume } from '../test/test-volume.ts';
import { locateDnode } from './index.ts';

const INO = 10;
/** nids of a node. */
const N = 1018;
/** What the slot of the block that a test asks for holds. */
const ADDRESS = 4242;

const plain: TestInode = {};
const clusters: TestInode = { flags: 0x4, inlineXattrWords: 50, compression: { logClusterSize: 8 } };
const compression = Feature.extraAttr | Feature.compression | Feature.flexibleInlineXattr;

/** A node with one word. */
function oneWord(index: number, value: number): number[] {
  const words = new Array<number>(N).fill(0);
  words[index] = value;
  return words;
}

/** An inode and the nodes on the way to one file block, nids 101, 102, 103 from the top; `cut`: the step without a node. */
function oneBlockFile(fileBlock: number, description: TestInode, cut = 0) {
  const volume = new TestVolume({ features: description.flags === undefined ? Feature.extraAttr : compression });
  const { perInode, perNode } = slotsOf(description);
  const { depth, offsets, nodeOffsets } = nodePath(fileBlock, perInode, perNode);
  for (let step = 1; step <= depth; step++) {
    const below = step === depth ? ADDRESS : step + 1 === cut ? 0 : 101 + step;
    volume.node(100 + step, INO, nodeOffsets[step as 1 | 2 | 3], oneWord(offsets[step as 1 | 2 | 3], below));
  }
  const nids = depth === 0 || cut === 1 ? [] : oneWord(offsets[0], 101).slice(0, 5);
  const slots = depth === 0 ? oneWord(offsets[0], ADDRESS).slice(0, perInode) : [];
  return { volume, ...openInode(volume, INO, { ...description, nids, slots }), depth };
}

// Spec 6.10 with A slots in the inode and D in a direct node: first block, blocks, offset of the node.
function regions(A: number, D: number): Array<[name: string, first: number, last: number, depth: number]> {
  const indirect = A + 2 * D;
  const second = indirect + N * D;
  const double = second + N * D;
  return [
    ['the inode', 0, A - 1, 0],
    ['the first direct node', A, A + D - 1, 1],
    ['the second direct node', A + D, indirect - 1, 1],
    ['below the first indirect node', indirect, second - 1, 2],
    ['below the second indirect node', second, double - 1, 2],
    ['below the double indirect node', double, double + N * N * D - 1, 3],
  ];
}

describe.each([
  ['A = 914, D = 1018', plain, 914, 1018],
  ['clusters of 256 blocks: A = D = 768', clusters, 768, 768],
])('locateDnode with %s', (_, description, A, D) => {
  it.each(regions(A, D))('finds the first and the last block of %s', (_name, first, last, depth) => {
    for (const fileBlock of [first, last]) {
      const file = oneBlockFile(fileBlock, description);
      expect(file.depth).toBe(depth);
      const range = runSync(locateDnode(file.store, file.inode, fileBlock));
      if (range.hole) expect.unreachable('a hole');
      const size = depth === 0 ? A : D;
      const start = fileBlock === first ? first : last + 1 - size;
      expect(range).toMatchObject({ start, end: start + size, nid: depth === 0 ? INO : 100 + depth });
      const slot = range.slotOffset + 4 * (fileBlock - range.start);
      expect(range.node.view.getUint32(slot, true)).toBe(ADDRESS);
      // The NAT block is cached since the inode was read; nothing but the nodes on the way is read.
      expect(file.device.snapshot().read.bios).toBe(depth);
    }
  });

  it.each(regions(A, D).slice(1))('sees holes at every level above %s', (_name, first, last, depth) => {
    for (let cut = 1; cut <= depth; cut++) {
      const file = oneBlockFile(first, description, cut);
      const range = runSync(locateDnode(file.store, file.inode, first));
      // Nothing else hangs below the node above: the hole reaches to the end of that.
      const end = cut === 3 ? first + N * D : last + 1;
      expect(range).toEqual({ hole: true, end });
      expect(file.device.snapshot().read.bios).toBe(cut - 1);
    }
  });

  it('refuses a block that no tree reaches', () => {
    const [, , last] = regions(A, D)[5]!;
    const { store, inode } = oneBlockFile(0, description);
    expect(errorOf(locateDnode(store, inode, last + 1)).code).toBe('EFBIG');
  });
});

describe('locateDnode', () => {
  const A = 914;
  const D = 1018;

  it('ends a hole before the next node of the parent', () => {
    const volume = new TestVolume();
    volume.node(101, INO, 3, [...[7, 0, 0, 0], 8]);
    const { store, inode, device } = openInode(volume, INO, { nids: [0, 0, 101] });
    const first = A + 2 * D;
    const inside = first + 2 * D + 5;
    expect(runSync(locateDnode(store, inode, inside))).toEqual({ hole: true, end: first + 4 * D });
    expect(runSync(locateDnode(store, inode, A + 3))).toEqual({ hole: true, end: A + D });
    expect(device.snapshot().read.bios).toBe(1);
  });

  it('counts a hole below the double indirect node in whole indirect nodes', () => {
    const volume = new TestVolume();
    volume.node(101, INO, 5 + 2 * N, [0, 0, 102]);
    volume.node(102, INO, 6 + 2 * N + 2 * (N + 1), oneWord(3, 103));
    const { store, inode } = openInode(volume, INO, { nids: [0, 0, 0, 0, 101] });
    const double = A + 2 * D + 2 * N * D;
    expect(runSync(locateDnode(store, inode, double + 7))).toEqual({ hole: true, end: double + 2 * N * D });
    const third = double + 2 * N * D;
    expect(runSync(locateDnode(store, inode, third + 1))).toEqual({ hole: true, end: third + 3 * D });
    expect(runSync(locateDnode(store, inode, third + 4 * D))).toEqual({ hole: true, end: third + N * D });
    expect(runSync(locateDnode(store, inode, third + N * D))).toEqual({ hole: true, end: double + N * N * D });
  });

  it('refuses a node that has another place in the tree', () => {
    // Both nids of the inode name the same node: a file that shows one part of itself twice.
    const volume = new TestVolume();
    volume.node(101, INO, 1, [ADDRESS]);
    const { store, inode } = openInode(volume, INO, { nids: [101, 101] });
    expect(runSync(locateDnode(store, inode, A))).toMatchObject({ hole: false, nid: 101 });
    expect(corruptionOf(locateDnode(store, inode, A + D))).toMatchObject({ kind: 'nodeOffset', expected: 2, found: 1 });
  });

  it('refuses an indirect node where a direct one should be', () => {
    const volume = new TestVolume();
    volume.node(101, INO, 3, [102]);
    const { store, inode } = openInode(volume, INO, { nids: [101] });
    expect(corruptionOf(locateDnode(store, inode, A))).toMatchObject({ kind: 'nodeOffset', expected: 1, found: 3 });
  });

  it('refuses a tree that leads back to its own inode', () => {
    for (const nids of [[INO], [0, 0, INO], [0, 0, 0, 0, INO]]) {
      const { store, inode } = openInode(new TestVolume(), INO, { nids });
      const regionFirst = [A, A + D, A + 2 * D, 0, A + 2 * D + 2 * N * D][nids.length - 1]!;
      expect(corruptionOf(locateDnode(store, inode, regionFirst)).kind).toBe('nodeOffset');
    }
  });
});
