import {
  Feature,
  RawCheckpoint,
  RawSuperblock,
  SEGMENT_BLOCKS,
  SegmentType,
  SUPER_OFFSET,
  SummaryBlock,
  sealCheckpoint,
  segmentAddress,
  ssaBlockAddress,
  testMsb,
} from '@f2fskit/f2fs-format';
import { BlockMapping, mapBlocks } from '@f2fskit/f2fs-node';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { factOf, kindsOf, rowOf } from '../../test/rows.ts';
import { damaged, goldenVolume, inoOf, mount } from '../../test/volumes.ts';
import { dumpBlock } from './block.ts';
import { blockOwner } from './owner.ts';
import { dumpSit, sitLineOf } from './sit.ts';
import { dumpSsa } from './ssa.ts';

describe('blockOwner', () => {
  // crash-fsync has a pack without node summaries: there the nodes' footers say who they are.
  it.each(['plain', 'compress-lz4-4', 'crash-fsync'])('finds the owner of every valid block of %s', (name) => {
    const volume = goldenVolume(name);
    const seen = { node: 0, data: 0 };
    for (let segno = 0; segno < volume.superblock.segmentCountMain; segno++) {
      const sit = runSync(sitLineOf(volume, segno));
      for (let index = 0; index < SEGMENT_BLOCKS; index++) {
        if (!testMsb(sit.validMap, index)) continue;
        const address = segmentAddress(volume.superblock, segno) + index;
        const owner = runSync(blockOwner(volume, address));
        expect(owner).toMatchObject({ address, segno, offset: index, valid: true, confirmed: true });
        expect(owner.holds).toBe(sit.type >= SegmentType.hotNode ? 'node' : 'data');
        if (owner.holds === 'data') expect(owner.fileBlock).toBeTypeOf('number');
        seen[owner.holds]++;
      }
    }
    expect(seen.node).toBe(volume.checkpoint.validNodeCount);
    expect(seen.data).toBeGreaterThan(1);
  });

  it('names the file and its block, in the inode and in a direct node', () => {
    const volume = goldenVolume('plain');
    const ino = inoOf(volume, '/d/sparse');
    const inode = runSync(volume.store.readInode(ino));
    const mapping = new BlockMapping();
    for (const fileBlock of [10, 1000]) {
      runSync(mapBlocks(volume.store, inode, fileBlock, fileBlock + 1, mapping));
      expect(runSync(blockOwner(volume, mapping.address))).toMatchObject({ holds: 'data', ino, fileBlock });
    }
  });

  it('does not confirm a block that was let go', () => {
    const volume = goldenVolume('plain');
    // The root inode was rewritten as long as the volume was mounted: its first place holds an old copy.
    const owner = runSync(blockOwner(volume, volume.superblock.mainAddress));
    expect(owner).toMatchObject({ valid: false, confirmed: false, holds: 'node', summary: { nid: 3 } });
  });
});

describe('dumpBlock', () => {
  it('says where a block lies, who owns it, and shows its bytes', () => {
    const volume = goldenVolume('plain');
    const ino = inoOf(volume, '/d/b4097');
    const inode = runSync(volume.store.readInode(ino));
    const mapping = new BlockMapping();
    runSync(mapBlocks(volume.store, inode, 1, 2, mapping));
    const dump = runSync(dumpBlock(volume, mapping.address));
    expect(dump).toMatchObject({ title: `Block ${mapping.address}`, layout: 'block', problems: [], rows: [] });
    expect(factOf(dump, 'owner')).toBe(`ino ${ino}, file block 1 (slot 1 of node ${ino})`);
    expect(factOf(dump, 'segment')).toMatch(/this block is valid$/);
    expect(dump.bytes).toHaveLength(4096);
  });

  it('names the areas before the main area, without an owner', () => {
    const volume = goldenVolume('plain');
    const areas = [0, 1, 2, 513, 1024, 1536, 2560, 3584, 4096].map((address) =>
      factOf(runSync(dumpBlock(volume, address)), 'area'),
    );
    expect(areas).toEqual([
      'superblock copy 1',
      'superblock copy 2',
      'before the first segment, unused',
      'checkpoint pack 1, block 1',
      'checkpoint pack 2, block 0',
      'SIT block 0, copy 1, segments 0..54',
      'NAT block 0, copy 1, nids 0..454',
      'SSA block of segment 0',
      'segment 0, block 0',
    ]);
    expect(factOf(runSync(dumpBlock(volume, 3584)), 'owner')).toBeUndefined();
  });

  it('refuses addresses that the volume does not have', () => {
    const volume = goldenVolume('plain');
    for (const address of [-1, volume.superblock.blockCount, 0xffff_ffff]) {
      expect(() => runSync(dumpBlock(volume, address))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
  });
});

describe('dumpSsa', () => {
  it('shows runs of entries that cover the segment', () => {
    for (const [name, segno] of [
      ['plain', 1],
      ['plain', 5],
      ['compress-lz4-4', 4],
      ['crash-fsync', 0],
    ] as const) {
      const dump = runSync(dumpSsa(goldenVolume(name), segno));
      let next = 0;
      for (const row of dump.rows.filter((candidate) => candidate.name.startsWith('entries['))) {
        expect(row.offset).toBe(7 * next);
        expect(row.size).toBe(7 * (row.run ?? 1));
        next += row.run ?? 1;
      }
      expect(next).toBe(512);
      expect(dump.problems).toEqual([]);
    }
  });

  it('takes the summary of a current segment from the checkpoint pack, that of another from the SSA', () => {
    const volume = goldenVolume('plain');
    const current = runSync(dumpSsa(volume, 3));
    expect(factOf(current, 'source')).toBe('checkpoint pack, unpacked: this segment is current');
    expect(rowOf(current, 'entries[13..22]')).toMatchObject({ run: 10, type: 'f2fs_summary[10]' });
    const other = runSync(dumpSsa(volume, 5));
    expect(factOf(other, 'source')).toBe('SSA');
    expect(other.place.block).toBe(ssaBlockAddress(volume.superblock, 5));
    expect(rowOf(other, 'entryType')).toMatchObject({ offset: 4091, cName: 'footer.entry_type' });
    const nodes = runSync(dumpSsa(goldenVolume('crash-fsync'), 0));
    expect(factOf(nodes, 'source')).toMatch(/^footers of the nodes/);
    expect(rowOf(nodes, 'entryType').meaning).toBe('node segment');
  });

  it('shows a summary of the wrong kind', () => {
    // 514 is the summary of the hot node log, in the pack in use.
    const device = damaged('plain', { 514: (view) => SummaryBlock.entryType.set(view, 0, 0) });
    const dump = runSync(dumpSsa(mount(device), 0));
    expect(kindsOf(dump)).toEqual(['summary']);
    expect(dump.problems[0]).toMatchObject({ where: { block: 514 }, expected: 'node segment', found: 'data segment' });
  });

  it("takes the log of the segment's own type where several stand in one segment, as on read-only volumes", () => {
    const features = SUPER_OFFSET + RawSuperblock.features.offset;
    const makeReadOnly = (view: DataView): void => view.setUint32(features, Feature.ro, true);
    const moveWarmData = (view: DataView): void => {
      RawCheckpoint.currentDataSegments.set(view, 0, 1, 0);
      sealCheckpoint(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    };
    const volume = mount(damaged('plain', { 0: makeReadOnly, 1: makeReadOnly, 512: moveWarmData, 517: moveWarmData }));
    expect(volume.checkpoint.currentDataSegments[1]).toBe(volume.checkpoint.currentNodeSegments[0]);
    expect(factOf(runSync(dumpSit(volume, 0)), 'log')).toMatch(/^hot node writes here/);
    expect(rowOf(runSync(dumpSsa(volume, 0)), 'entryType').meaning).toBe('node segment');
  });

  it('says where a volume keeps no summaries, which is no damage', () => {
    const volume = goldenVolume('plain');
    const superblock = { ...volume.superblock, segmentCountSsa: 0 };
    const without = Object.create(volume, { superblock: { value: superblock } }) as typeof volume;
    expect(() => runSync(dumpSsa(without, 10))).toThrow(expect.objectContaining({ code: 'ENODATA' }));
    const block = runSync(dumpBlock(without, segmentAddress(superblock, 10)));
    expect(factOf(block, 'owner')).toBe('not known: this volume has no SSA (feature ro)');
    expect(block.problems).toEqual([]);
  });

  it('refuses segments that the main area does not have', () => {
    const volume = goldenVolume('plain');
    for (const segno of [-1, 18]) {
      expect(() => runSync(dumpSsa(volume, segno))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
  });
});
