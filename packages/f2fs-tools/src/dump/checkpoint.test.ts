import type { MemoryDevice } from '@f2fskit/block';
import {
  BLOCK_SIZE,
  CheckpointFlag,
  OrphanBlock,
  RawCheckpoint,
  RawSuperblock,
  SUPER_OFFSET,
  sealCheckpoint,
} from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { readImageBlock, writeImageBlock } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { childOf, kindsOf, rowOf } from '../../test/rows.ts';
import { damaged, goldenDevice, goldenVolume } from '../../test/volumes.ts';
import { dumpCheckpoint } from './checkpoint.ts';
import type { Dump } from './dump.ts';

const blockOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, BLOCK_SIZE);

/** Blocks of the pack in use of `plain`: pack 1 at 512, closed at 517. */
const FIRST = 512;
const LAST = 517;

/** `plain` with an orphan block in its first pack: what follows moves up by one block. */
function withOrphans(inos: number[]): MemoryDevice {
  const before = goldenDevice('plain');
  const moved = [513, 514, 515, 516].map((address) => readImageBlock(before, address));
  const device = damaged('plain', {
    [FIRST]: (view) => {
      RawCheckpoint.flags.set(view, 0, RawCheckpoint.flags.get(view, 0) | CheckpointFlag.orphanPresent);
      RawCheckpoint.packBlockCount.set(view, 0, 7);
      RawCheckpoint.startSum.set(view, 0, 2);
      sealCheckpoint(blockOf(view));
    },
    513: (view) => {
      blockOf(view).fill(0);
      for (const [index, ino] of inos.entries()) OrphanBlock.inos.set(view, 0, index, ino);
      OrphanBlock.entryCount.set(view, 0, inos.length);
    },
  });
  for (const { address, bytes } of moved) writeImageBlock(device, address + 1, bytes);
  writeImageBlock(device, LAST + 1, readImageBlock(device, FIRST).bytes);
  return device;
}

describe('dumpCheckpoint', () => {
  it('shows the pack in use and what is in it', () => {
    const volume = goldenVolume('plain');
    const dump = runSync(dumpCheckpoint(volume));
    expect(dump).toMatchObject({ title: 'Checkpoint, pack 1', place: { block: 512, offset: 0 }, problems: [] });
    expect(rowOf(dump, 'version')).toMatchObject({ cName: 'checkpoint_ver', value: volume.checkpoint.version });
    expect(rowOf(dump, 'flags')).toMatchObject({
      value: 0x1c5,
      meaning: ['umount', 'compact_summary', 'crc_recovery', 'nat_bits', 'trimmed'],
    });
    expect(rowOf(dump, 'currentNodeSegments').meaning).toEqual(['hot 0', 'warm 1', 'cold 2']);
    expect(rowOf(dump, 'checksum')).toMatchObject({ offset: 4092, meaning: 'right' });
    expect(dump.children.map(({ title }) => title)).toEqual([
      'Layout of the pack',
      'Version bitmaps',
      'NAT journal, 0 entries',
      'SIT journal, 5 entries',
      'nat_bits',
    ]);
    expect(childOf(dump, 'nat_bits').rows[0]).toMatchObject({ name: 'key', meaning: 'of this checkpoint' });
    expect(childOf(dump, 'Layout').rows.map(({ name, value }) => [name, value])).toEqual([
      ['checkpoint', 512],
      ['dataSummaries', 513],
      ['nodeSummaries', 514],
      ['closingCheckpoint', 517],
      ['natBits', 1023],
    ]);
  });

  it('finds the same pack from the device alone', () => {
    for (const name of ['plain', 'crash-orphan']) {
      const volume = goldenVolume(name);
      expect(runSync(dumpCheckpoint(volume.device))).toEqual(runSync(dumpCheckpoint(volume)));
    }
  });

  it('shows the other pack, which is no problem for being older', () => {
    const dump = runSync(dumpCheckpoint(goldenVolume('plain'), 1));
    expect(dump).toMatchObject({ title: 'Checkpoint, pack 2', place: { block: 1024 }, problems: [] });
    expect(rowOf(dump, 'version').value).toBeLessThan(goldenVolume('plain').checkpoint.version);
  });

  it('shows the large layout: the checksum before the bitmaps', () => {
    const dump = runSync(dumpCheckpoint(goldenVolume('geometry')));
    expect(rowOf(dump, 'checksum')).toMatchObject({ offset: 192, meaning: 'right' });
    expect(childOf(dump, 'Version bitmaps').rows.map(({ name, offset }) => [name, offset])).toEqual([
      ['natBitmap', 196],
      ['sitBitmap', 260],
    ]);
  });

  it('lists the entries of the journals', () => {
    const volume = goldenVolume('crash-orphan');
    const dump = runSync(dumpCheckpoint(volume));
    const nat = childOf(dump, 'NAT journal');
    expect(nat.rows.map(({ value }) => value)).toEqual([
      volume.pack.natJournal.length,
      ...volume.pack.natJournal.map(({ nid, version, ino, blockAddress }) => [nid, version, ino, blockAddress]),
    ]);
    expect(nat.rows.length).toBeGreaterThan(1);
    const sit = childOf(dump, 'SIT journal');
    expect(sit.rows.slice(1).map(({ value }) => value)).toEqual(
      volume.pack.sitJournal.map(({ segno, validBlocks, type }) => [segno, validBlocks, type]),
    );
    expect(sit.rows.length).toBeGreaterThan(1);
  });

  it('cuts a journal that claims too many entries to the room there is', () => {
    const device = damaged('plain', { 513: (view) => view.setUint16(0, 5000, true) });
    const journal = childOf(runSync(dumpCheckpoint(device, 0)), 'NAT journal');
    expect(kindsOf(journal)).toEqual(['natJournalCount']);
    expect(rowOf(journal, 'count').value).toBe(5000);
    expect(journal.rows).toHaveLength(1 + 38);
  });

  it('lists orphans', () => {
    const device = withOrphans([7, 9, 11]);
    const orphans = childOf(runSync(dumpCheckpoint(device, 0)), 'Orphans');
    expect(orphans).toMatchObject({ place: { block: 513 }, problems: [] });
    expect(orphans.rows).toMatchObject([{ type: 'u32[3]', value: [7, 9, 11], meaning: '3 orphans' }]);
  });

  it('shows a pack whose checksum is wrong, and what it should be', () => {
    const device = damaged('plain', { [FIRST]: (view) => RawCheckpoint.nextFreeNid.set(view, 0, 99) });
    const dump = runSync(dumpCheckpoint(device, 0));
    expect(kindsOf(dump)).toEqual(['checkpointChecksum']);
    expect(rowOf(dump, 'nextFreeNid').value).toBe(99);
    expect(rowOf(dump, 'checksum').meaning).toMatch(/^wrong, should be 0x/);
    expect(dump.children).toEqual([]);
    // A device on which this pack is broken has the other one in use.
    expect(runSync(dumpCheckpoint(device)).place.block).toBe(1024);
  });

  it('tells a torn pack from a sound one', () => {
    const device = damaged('plain', {
      [LAST]: (view) => {
        RawCheckpoint.version.set(view, 0, 1, 0);
        sealCheckpoint(blockOf(view));
      },
    });
    const dump = runSync(dumpCheckpoint(device, 0));
    expect(kindsOf(dump)).toEqual(['checkpointVersion']);
    expect(dump.children.length).toBeGreaterThan(0);
  });

  it('names every field rule that the block breaks', () => {
    const device = damaged('plain', {
      [FIRST]: (view) => {
        RawCheckpoint.validBlockCount.set(view, 0, 1_000_000);
        RawCheckpoint.currentDataSegments.set(view, 0, 1, 5000);
        sealCheckpoint(blockOf(view));
      },
    });
    expect(kindsOf(runSync(dumpCheckpoint(device, 0)))).toEqual(['checkpointValidBlocks', 'checkpointCurrentSegment']);
  });

  it('finds the packs through a superblock that is not sound, as long as it is F2FS', () => {
    const field = (name: 'sectionCount' | 'magic') => SUPER_OFFSET + RawSuperblock[name].offset;
    const spoil = (name: 'sectionCount' | 'magic') => (view: DataView) => view.setUint32(field(name), 0, true);
    const unsound = damaged('plain', { 0: spoil('sectionCount'), 1: spoil('sectionCount') });
    const dump: Dump = runSync(dumpCheckpoint(unsound));
    expect(kindsOf(dump)).toEqual(['superblockSectionCount']);
    expect(rowOf(dump, 'version').value).toBe(goldenVolume('plain').checkpoint.version);
    const foreign = damaged('plain', { 0: spoil('magic'), 1: spoil('magic') });
    expect(() => runSync(dumpCheckpoint(foreign))).toThrow('superblockMagic');
  });
});
