import { type Bio, BioFlag, FaultDevice, MemoryDevice } from '@f2fskit/block';
import { EIO } from '@f2fskit/errno';
import {
  clearDirtyForIo,
  ErrorCursor,
  type Folio,
  Mapping,
  Mark,
  markDirty,
  PAGE_SIZE,
  PageCache,
  redirtyFrom,
} from '@f2fskit/pagecache';
import { describe, expect, it } from 'vitest';
import { later, settle, start } from '../test/harness.ts';
import { PageBios, type PageBiosOptions } from './index.ts';

class Recorder extends FaultDevice {
  readonly bios: Bio[] = [];
  override submit(bio: Bio): void {
    this.bios.push(bio);
    super.submit(bio);
  }
}

interface Rig {
  device: Recorder;
  bios: PageBios;
  mapping: Mapping;
  /** A folio taken for writing, all dirty, or [from, to). */
  take(index: number, order?: number, from?: number, to?: number): Folio;
  /** Writes a whole folio at its place, plus `shift` pages. */
  write(folio: Folio, shift?: number, stream?: number, flags?: number): void;
}

function makeRig(asynchronous = false, options: PageBiosOptions = {}, name = 'file'): Rig {
  const device = new Recorder(new MemoryDevice(16 << 20), [], { mode: asynchronous ? 'async' : 'sync' });
  const bios = new PageBios(device, options);
  const mapping = new Mapping(new PageCache({ budgetBytes: 4 << 20 }), { name });
  return {
    device,
    bios,
    mapping,
    take(index, order = 0, from, to) {
      const folio = mapping.create(index, order)!;
      folio.markUptodate();
      folio.bytes.fill(index + 1);
      markDirty(folio, from, to);
      mapping.index.copyMark(0, 4096, Mark.DIRTY, Mark.TOWRITE);
      clearDirtyForIo(folio);
      return folio;
    },
    write(folio, shift = 0, stream, flags) {
      bios.begin(folio);
      bios.add(folio, 0, folio.size, folio.position + shift * PAGE_SIZE, stream, flags);
      bios.finish(folio);
      folio.unlock();
    },
  };
}

const shapes = (bios: readonly Bio[]): number[][] =>
  bios.map(({ offset, size }) => [offset / PAGE_SIZE, size / PAGE_SIZE]);

describe('merging (15.6)', () => {
  it('a bio grows while the device continues; another place, stream or flag ends it', () => {
    const { device, bios, take, write } = makeRig();
    for (const page of [0, 1, 2, 5, 6]) write(take(page));
    expect([shapes(device.bios), bios.held]).toEqual([[[0, 3]], 1]);
    write(take(10), 0, 1);
    write(take(7));
    write(take(11), 0, 1);
    expect([device.bios.length, bios.held]).toEqual([1, 2]);
    write(take(12), 0, 1, BioFlag.SYNC);
    bios.submit(0);
    bios.submit(7);
    expect([shapes(device.bios), bios.held]).toEqual([
      [
        [0, 3],
        [10, 2],
        [5, 3],
      ],
      1,
    ]);
    bios.submit();
    expect([shapes(device.bios).at(-1), bios.held, bios.submitted, bios.inFlight]).toEqual([[12, 1], 0, 4, 0]);
  });

  it('a bio that is full is submitted: bytes, pieces of memory, the limit of the device', () => {
    const bytes = makeRig(false, { bytesMax: 3 * PAGE_SIZE });
    for (let page = 0; page < 7; page++) bytes.write(bytes.take(page));
    bytes.write(bytes.take(8, 3)); // larger than any bio should be: alone
    bytes.bios.submit();
    expect(shapes(bytes.device.bios)).toEqual([
      [0, 3],
      [3, 3],
      [6, 1],
      [8, 8],
    ]);
    const pieces = makeRig(false, { segmentsMax: 2 });
    const folios = [0, 1, 2, 3, 4].map((page) => pieces.take(page));
    // Not adjacent in memory: in another order than they were made.
    for (const [place, folio] of [4, 2, 0, 3, 1].entries()) {
      pieces.write(folios[folio]!, place - folio);
    }
    pieces.bios.submit();
    expect(pieces.device.bios.map(({ segments }) => segments.length)).toEqual([2, 2, 1]);
  });

  it('a large folio is one piece of memory, whatever its order (20)', () => {
    const { device, bios, take, write } = makeRig();
    write(take(0, 5));
    write(take(32, 0));
    bios.submit();
    expect(device.bios[0]!.segments.length).toBeLessThanOrEqual(2);
    expect(shapes(device.bios)).toEqual([[0, 33]]);
  });

  it('makes no promises for others', () => {
    const { bios, take } = makeRig();
    const folio = take(0);
    bios.begin(folio);
    expect(() => bios.add(folio, 0, PAGE_SIZE, 0, 0, BioFlag.FUA)).toThrow(/no promises/);
  });
});

describe('the end of a bio', () => {
  it('W4: ends the writeback of each of its folios once, also when the device ends it at once (I-6, I-9, H17)', () => {
    const { bios, mapping, take } = makeRig(false, { bytesMax: PAGE_SIZE });
    const folio = take(0, 2);
    bios.begin(folio);
    for (let block = 0; block < 4; block++) {
      bios.add(folio, block * PAGE_SIZE, (block + 1) * PAGE_SIZE, (9 - block) * PAGE_SIZE);
      expect(folio.writeback).toBe(true);
    }
    // Three of the parts have ended, and more may come: not over.
    bios.finish(folio);
    folio.unlock();
    expect([folio.writeback, folio.writesPending]).toEqual([true, 1]);
    bios.submit();
    expect([folio.writeback, folio.writesPending, mapping.writebackPages]).toEqual([false, 0, 0]);
    expect(mapping.index.next(0, Mark.TOWRITE)).toBeUndefined();
  });

  it('W4: a folio without any part ends with finish', () => {
    const { bios, take } = makeRig();
    const folio = take(0);
    bios.begin(folio);
    bios.finish(folio);
    folio.unlock();
    expect([folio.writeback, folio.dirty]).toEqual([false, false]);
  });

  it('what was left out is dirty, and still tagged', () => {
    const { bios, mapping, take } = makeRig();
    const folio = take(0, 2);
    bios.begin(folio);
    bios.add(folio, 0, PAGE_SIZE, 0);
    redirtyFrom(folio, 1);
    bios.finish(folio);
    folio.unlock();
    bios.submit();
    expect([folio.dirty, folio.writeback, folio.dirtyBlocks?.count]).toEqual([true, false, 3]);
    expect(mapping.index.next(0, Mark.TOWRITE)).toBe(folio);
  });

  it('errors are those of the parts that were not transferred, and of their mappings (3.5, R12)', () => {
    const { device, bios, mapping, take, write } = makeRig();
    const other = new Mapping(mapping.cache, { name: 'other' });
    const [cursor, otherCursor] = [new ErrorCursor(mapping.errors), new ErrorCursor(other.errors)];
    device.inject({ action: { kind: 'short', sectors: 2 * 8 + 3 }, times: 1 });
    write(take(0));
    write(take(1));
    const stranger = other.create(2, 0)!;
    stranger.markUptodate();
    markDirty(stranger);
    clearDirtyForIo(stranger);
    write(stranger);
    const told: number[] = [];
    bios.addMemory(new Uint8Array(PAGE_SIZE), 3 * PAGE_SIZE, { onWritten: (error) => told.push(error) });
    bios.submit();
    expect(device.bios.length).toBe(1);
    // The third page was torn, the fourth never reached.
    expect([cursor.take(), otherCursor.take(), told]).toEqual([0, EIO, [EIO]]);
    expect([stranger.dirty, stranger.writeback, stranger.uptodate]).toEqual([false, false, true]);
    bios.addMemory(new Uint8Array(PAGE_SIZE), 3 * PAGE_SIZE, { onWritten: (error) => told.push(error) });
    bios.submit();
    expect(told).toEqual([EIO, 0]);
  });

  it('drain submits and waits for everything in flight', async () => {
    const { device, bios, take, write } = makeRig(true);
    device.inject({ action: { kind: 'hold' } });
    for (const page of [0, 4, 8]) write(take(page));
    let over = false;
    const done = start(bios.drain()).finally(() => {
      over = true;
    });
    expect([bios.held, bios.inFlight]).toEqual([0, 3]);
    const [first, ...others] = device.held;
    for (const bio of others) device.release(bio);
    await later();
    expect([over, bios.inFlight]).toEqual([false, 1]);
    device.release(first!);
    await settle(done);
    expect(bios.inFlight).toBe(0);
  });
});
