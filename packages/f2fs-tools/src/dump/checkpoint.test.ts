import { BLOCK_SIZE, RawCheckpoint, RawSuperblock, SUPER_OFFSET, sealCheckpoint } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { childOf, kindsOf, rowOf } from '../../test/rows.ts';
import { damaged, goldenVolume } from '../../test/volumes.ts';
import { dumpCheckpoint } from './checkpoint.ts';
import type { Dump } from './dump.ts';

const blockOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, BLOCK_SIZE);

/** Blocks of the pack in use of `plain`: pack 1 at 512, closed at 517. */
const FIRST = 512;
const LAST = 517;

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
      'SIT journal, 6 entries',
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
    for (const name of ['plain', 'crash-fsync', 'geometry']) {
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

  it('lists orphans and the entries of the journals', () => {
    const dump = runSync(dumpCheckpoint(goldenVolume('crash-orphan')));
    expect(childOf(dump, 'Orphans').rows[0]).toMatchObject({ name: 'inos[0]', type: 'u32[3]', meaning: '3 orphans' });
    const journal = childOf(dump, 'NAT journal');
    expect(journal.rows).toHaveLength(1 + goldenVolume('crash-orphan').pack.natJournal.length);
    const [first] = goldenVolume('crash-orphan').pack.natJournal;
    expect(journal.rows[1]).toMatchObject({
      type: 'nat_journal_entry',
      value: [first!.nid, first!.version, first!.ino, first!.blockAddress],
    });
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
