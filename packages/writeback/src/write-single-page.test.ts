import { type Bio, FaultDevice, MemoryDevice } from '@f2fskit/block';
import { EAGAIN, EIO, FsError } from '@f2fskit/errno';
import {
  cacheProblems,
  clearDirtyForIo,
  type Folio,
  Mapping,
  markDirty,
  PAGE_SIZE,
  PageCache,
} from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { start } from '../test/harness.ts';
import { type BlockPlace, PageBios, writeSinglePage } from './index.ts';

const cache = (): PageCache => new PageCache({ budgetBytes: 4 << 20 });

/** A folio of 8 pages at page 8, taken for writing with these dirty blocks. */
function take(...blocks: number[]): { folio: Folio; mapping: Mapping } {
  const mapping = new Mapping(cache(), { name: 'file', stable: true });
  const folio = mapping.create(8, 3)!;
  folio.markUptodate();
  for (const block of blocks) markDirty(folio, block, block + 1);
  clearDirtyForIo(folio);
  return { folio, mapping };
}

function makeBios(mode: 'sync' | 'async' = 'sync'): { bios: PageBios; blocks: number[]; device: FaultDevice } {
  const device = new FaultDevice(new MemoryDevice(1 << 20), [], { mode });
  const blocks: number[] = [];
  device.inject({
    action: { kind: 'drop' },
    match: ({ offset, size }: Bio) => {
      for (let at = offset; at < offset + size; at += PAGE_SIZE) blocks.push(at / PAGE_SIZE);
      return false;
    },
  });
  return { bios: new PageBios(device), blocks, device };
}

const place = (index: number): BlockPlace => ({ offset: (index + 100) * PAGE_SIZE });
function* placeAll(index: number): Task<BlockPlace> {
  return place(index);
}

describe('one folio', () => {
  it('R24, W9: its dirty blocks go where they are placed, by their own numbers (I-44)', () => {
    const { bios, blocks } = makeBios();
    const { folio, mapping } = take(0, 3, 4, 7);
    expect(runSync(writeSinglePage(folio, bios, placeAll))).toBe('written');
    expect([folio.locked, folio.writeback, blocks]).toEqual([false, true, [108, 111, 112]]);
    bios.submit();
    expect([folio.writeback, folio.dirty, blocks]).toEqual([false, false, [108, 111, 112, 115]]);
    expect(cacheProblems([mapping])).toEqual([]);
  });

  it('blocks that are gone are dropped; with none left there is no writeback (H1)', () => {
    const { bios, blocks } = makeBios();
    const some = take(1, 2, 5);
    const odd = function* (index: number): Task<BlockPlace | undefined> {
      return index % 2 === 1 ? place(index) : undefined;
    };
    expect(runSync(writeSinglePage(some.folio, bios, odd))).toBe('written');
    bios.submit();
    expect([blocks, some.folio.dirty]).toEqual([[109, 113], false]);
    const none = take(2, 4);
    expect(runSync(writeSinglePage(none.folio, bios, odd))).toBe('skipped');
    expect([none.folio.writeback, none.folio.dirty, none.folio.locked]).toEqual([false, false, false]);
    expect(cacheProblems([none.mapping])).toEqual([]);
  });

  it('too early: what has its place is written, the rest stays dirty, block by block', () => {
    for (const [stopAt, sent, left] of [
      [9, [], [1, 2, 6]],
      [10, [109], [2, 6]],
      [14, [109, 110], [6]],
    ] as const) {
      const { bios, blocks } = makeBios();
      const { folio, mapping } = take(1, 2, 6);
      const result = runSync(
        writeSinglePage(folio, bios, function* (index) {
          if (index === stopAt) throw new FsError(EAGAIN);
          return place(index);
        }),
      );
      bios.submit();
      expect([result, blocks, folio.locked, folio.writeback]).toEqual(['retry', sent, false, false]);
      const dirty = [0, 1, 2, 3, 4, 5, 6, 7].filter((block) => folio.dirtyBlocks!.has(block));
      expect([folio.dirty, dirty, mapping.dirtyPages]).toEqual([true, left, 8]);
      expect(cacheProblems([mapping])).toEqual([]);
    }
  });

  it('never possible: what has its place is written, the rest is lost, and the caller is told', () => {
    const { bios, blocks } = makeBios();
    const { folio, mapping } = take(1, 2, 6);
    const task = writeSinglePage(folio, bios, function* (index) {
      if (index === 10) throw new FsError(EIO);
      return place(index);
    });
    expect(() => runSync(task)).toThrow(FsError);
    bios.submit();
    expect([blocks, folio.dirty, folio.writeback, folio.locked]).toEqual([[109], false, false, false]);
    expect(cacheProblems([mapping])).toEqual([]);
  });

  it('a block with a place is on its way before anything else can happen', async () => {
    const { bios, device } = makeBios('async');
    device.inject({ action: { kind: 'hold' } });
    const { folio } = take(1, 2, 6);
    const seen: unknown[] = [];
    const done = start(
      writeSinglePage(folio, bios, function* (index) {
        seen.push([index, folio.writesPending, folio.writeback]);
        return place(index);
      }),
    );
    await done;
    // Parts so far, and one for the writer while it adds.
    expect(seen).toEqual([
      [9, 0, false],
      [10, 2, true],
      [14, 3, true],
    ]);
    expect(folio.writesPending).toBe(3);
  });
});
