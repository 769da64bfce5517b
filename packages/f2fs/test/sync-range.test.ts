// sync_file_range: which pages go to the device, and what it says of those that did not arrive.

import { FaultDevice, StatisticsDevice } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { fixedClock, runAsync, runSync, seededRandom } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type BufferedIo, type F2fsInode, mountF2fs } from '../src/index.ts';

const OWNER = { mode: 0o644, uid: 0, gid: 0 };

interface World {
  statistics: StatisticsDevice;
  faults: FaultDevice;
  file: F2fsInode;
}

/** A file with 16 dirty blocks, of which the first 8 are in one folio where folios can be that large. */
async function world(bufferedIo: BufferedIo, mode: 'sync' | 'async' = 'sync'): Promise<World> {
  const statistics = new StatisticsDevice(loadGolden('plain').device.clone());
  const faults = new FaultDevice(statistics, [], { mode });
  const options = { writable: true, clock: fixedClock(1_900_000_000, 0), random: seededRandom(1), bufferedIo };
  const volume = await runAsync(mountF2fs(faults, options));
  const root = await runAsync(volume.readInode(volume.rootIno));
  const file = await runAsync(root.create(new TextEncoder().encode('file'), OWNER));
  for (let block = 0; block < 16; block += 8) {
    await runAsync(file.write(block * BLOCK_SIZE, new BytesSource(new Uint8Array(8 * BLOCK_SIZE).fill(1 + block))));
  }
  statistics.reset();
  return { statistics, faults, file };
}

describe.each(['iomap', 'page'] as const)('engine %s', (bufferedIo) => {
  it.each(['write', 'start'] as const)('%s sends the dirty pages of the range, and nothing else', async (mode) => {
    const { file, statistics } = await world(bufferedIo);
    runSync(file.syncRange(file.errorCursor(), mode, 8 * BLOCK_SIZE + 5, Number.POSITIVE_INFINITY));
    const { write, flush } = statistics.snapshot();
    expect([write.bytes, flush.bios]).toEqual([8 * BLOCK_SIZE, 0]);
    expect(file.pages().mapping.dirtyBlocks).toBe(8);
    runSync(file.syncRange(file.errorCursor(), mode, 0, BLOCK_SIZE));
    // A folio is written whole; a page is a page.
    expect(file.pages().mapping.dirtyBlocks).toBe(bufferedIo === 'page' ? 7 : 0);
  });

  it('wait sends nothing', async () => {
    const { file, statistics } = await world(bufferedIo);
    runSync(file.syncRange(file.errorCursor(), 'wait', 0, Number.POSITIVE_INFINITY));
    expect(statistics.snapshot().write.bios).toBe(0);
  });

  it('start does not wait for what it sends; wait does', async () => {
    const { file, faults } = await world(bufferedIo, 'async');
    faults.inject({ operation: 'write', action: { kind: 'hold' } });
    const cursor = file.errorCursor();
    await runAsync(file.syncRange(cursor, 'start', 0, 16 * BLOCK_SIZE));
    expect(file.pages().mapping.writebackPages).toBe(16);
    let over = false;
    const waiting = runAsync(file.syncRange(cursor, 'wait', 0, BLOCK_SIZE)).then(() => {
      over = true;
    });
    await new Promise((resume) => setImmediate(resume));
    expect(over).toBe(false);
    faults.release();
    await waiting;
  });

  it('says once for each open file that something did not arrive', async () => {
    const { file, faults } = await world(bufferedIo);
    const cursors = [file.errorCursor(), file.errorCursor()];
    faults.inject({ operation: 'write', action: { kind: 'fail' } });
    runSync(file.syncRange(cursors[0]!, 'start', 0, 16 * BLOCK_SIZE));
    faults.clear();
    const ask = (index: number, mode: 'wait' | 'write') => () =>
      runSync(file.syncRange(cursors[index]!, mode, 0, BLOCK_SIZE));
    expect(ask(0, 'wait')).toThrow(expect.objectContaining({ code: 'EIO' }));
    expect(ask(0, 'write')).not.toThrow();
    expect(ask(1, 'write')).toThrow(expect.objectContaining({ code: 'EIO' }));
  });
});
