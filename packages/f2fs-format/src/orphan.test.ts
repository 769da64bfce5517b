import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { decodeOrphanBlock, OrphanBlock, orphanBlocks, packOrphans } from './index.ts';

describe('orphans', () => {
  it('are listed in order', () => {
    const view = viewOf(new Uint8Array(4096));
    for (let index = 0; index < 1020; index++) OrphanBlock.inos.set(view, 0, index, 5000 - index);
    OrphanBlock.entryCount.set(view, 0, 3);
    expect(decodeOrphanBlock(view, 513)).toEqual([5000, 4999, 4998]);
    OrphanBlock.entryCount.set(view, 0, 1020);
    expect(decodeOrphanBlock(view, 513).at(-1)).toBe(3981);
  });

  it('a count of 1021 is refused', () => {
    const view = viewOf(new Uint8Array(4096));
    OrphanBlock.entryCount.set(view, 0, 1021);
    const error = corruptionOf(() => decodeOrphanBlock(view, 513));
    expect(error).toMatchObject({ kind: 'orphanCount', where: { block: 513, offset: 4088 }, found: 1021 });
  });

  it('1100 of them take two blocks', () => {
    expect([0, 1, 1020, 1021, 1100].map(orphanBlocks)).toEqual([0, 1, 1, 2, 2]);
  });

  it('are packed as they are decoded, with the number of each block', () => {
    const inos = Array.from({ length: 1100 }, (_, index) => 7 * index + 4);
    const blocks = packOrphans(inos).map((bytes) => viewOf(bytes));
    expect(blocks.flatMap((view) => decodeOrphanBlock(view, 1))).toEqual(inos);
    expect(blocks.map((view) => OrphanBlock.entryCount.get(view, 0))).toEqual([1020, 80]);
    expect(blocks.map((view) => OrphanBlock.blockIndex.get(view, 0))).toEqual([1, 2]);
    expect(blocks.map((view) => OrphanBlock.blockCount.get(view, 0))).toEqual([2, 2]);
    expect(packOrphans([])).toEqual([]);
  });
});
