import { decode, viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import {
  QUOTA_BLOCK_SIZE,
  QUOTA_ENTRIES_PER_LEAF,
  QUOTA_TREE_DEPTH,
  QUOTA_TREE_ROOT,
  QuotaEntry,
  QuotaHeader,
  QuotaInformation,
  QuotaLeafHeader,
  QuotaMagic,
  QuotaTreeBlock,
  quotaTreeIndex,
} from './index.ts';

/** The user quota file as mkfs writes it: root owns one inode of one block. */
function mkfsQuotaFile(): DataView {
  const file = new Uint8Array(6144);
  file.set(
    Buffer.from('111fc0d901000000 803a0900803a0900000000000600000000000000 05000000'.replaceAll(' ', ''), 'hex'),
  );
  const view = viewOf(file);
  for (const [index, next] of [2, 3, 4, 5].entries()) view.setUint32(1024 * (index + 1), next, true);
  view.setUint16(5128, 1, true);
  view.setUint32(5136 + 24, 1, true);
  view.setUint32(5136 + 48, 4096, true);
  return view;
}

describe('quota files', () => {
  it('read as mkfs writes them', () => {
    const view = mkfsQuotaFile();
    expect(decode(QuotaHeader, view)).toEqual({ magic: QuotaMagic.user, version: 1 });
    expect(decode(QuotaInformation, view, 8)).toEqual({
      blockGraceSeconds: 604_800,
      inodeGraceSeconds: 604_800,
      flags: 0,
      blockCount: 6,
      freeBlock: 0,
      freeEntry: 5,
    });
  });

  it('lead from an id to its entry through four levels', () => {
    const view = mkfsQuotaFile();
    let block = QUOTA_TREE_ROOT;
    for (let depth = 0; depth < QUOTA_TREE_DEPTH; depth++) {
      block = QuotaTreeBlock.pointers.get(view, block * QUOTA_BLOCK_SIZE, quotaTreeIndex(0, depth));
    }
    expect(block).toBe(5);
    expect(QuotaLeafHeader.entryCount.get(view, block * QUOTA_BLOCK_SIZE)).toBe(1);
    const entry = block * QUOTA_BLOCK_SIZE + QuotaLeafHeader.$size;
    expect(entry).toBe(5136);
    expect([QuotaEntry.inodesUsed.get(view, entry), QuotaEntry.bytesUsed.get(view, entry)]).toEqual([1, 4096]);
    expect(QUOTA_ENTRIES_PER_LEAF).toBe(14);
  });

  it('index the tree by the bytes of the id, most significant first', () => {
    const path = (id: number) => [0, 1, 2, 3].map((depth) => quotaTreeIndex(id, depth));
    expect(path(70_001)).toEqual([0, 1, 0x11, 0x71]);
    expect(path(0xffff_ffff)).toEqual([255, 255, 255, 255]);
  });
});
