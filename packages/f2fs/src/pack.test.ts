import { FaultDevice, StatisticsDevice } from '@f2fskit/block';
import { Corruption } from '@f2fskit/errno';
import { BLOCK_SIZE, CheckpointFlag, type NatRecord, RawCheckpoint } from '@f2fskit/f2fs-format';
import type { TestVolumeOptions } from '@f2fskit/f2fs-node/test-volume';
import { DeviceMapping, PageCache } from '@f2fskit/pagecache';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { corruptionOf, errorOf, MountableVolume, type TestPack } from '../test/mountable-volume.ts';
import { readPack } from './pack.ts';

const { umount, compactSummary, largeNatBitmap, orphanPresent } = CheckpointFlag;
const PACK = [512, 1024] as const;

/** A volume with these packs; the second is an older one unless given. */
function volumeWith(
  pack0: TestPack,
  pack1: TestPack = { version: 0 },
  options: TestVolumeOptions = {},
): MountableVolume {
  const volume = new MountableVolume(options);
  volume.writePack(0, pack0);
  volume.writePack(1, pack1);
  return volume;
}

const read = (volume: MountableVolume, device = volume.device) =>
  readPack(volume.superblock, new DeviceMapping(new PageCache({ poison: true }), device));
const open = (volume: MountableVolume) => runSync(read(volume));

describe('the choice of the pack', () => {
  it.each([
    ['the newer one', 6, 5, 0],
    ['the newer one, when it is the second', 5, 6, 1],
    ['the first of two equal ones', 5, 5, 0],
    ['the newer one across 32 bits', [0xffff_ffff, 0], [0, 1], 1],
    ['the newer one by signed difference', [0xffff_ffff, 0xffff_ffff], [1, 0], 1],
  ] as const)('takes %s', (_, version0, version1, index) => {
    const pack = open(volumeWith({ version: version0 }, { version: version1 }));
    expect(pack).toMatchObject({ index, address: PACK[index], problems: [] });
  });

  const bad: Array<[name: string, damage: (volume: MountableVolume, at: number) => void, kind: string]> = [
    ['a flipped bit', (volume, at) => volume.edit(at, (_, bytes) => void (bytes[20]! ^= 1)), 'checkpointChecksum'],
    [
      'a last block of another version',
      (volume, at) =>
        volume.writePack(at === 512 ? 0 : 1, { version: 9, rawLast: (view) => view.setUint32(0, 8, true) }),
      'checkpointVersion',
    ],
    [
      'a last block that is not there',
      (volume, at) => volume.write(at + 5, new Uint8Array(BLOCK_SIZE)),
      'checkpointChecksumOffset',
    ],
    [
      'a length of 2 blocks',
      (volume, at) => {
        const raw = (view: DataView): void => RawCheckpoint.packBlockCount.set(view, 0, 2);
        volume.writePack(at === 512 ? 0 : 1, { version: 9, raw });
      },
      'checkpointPackBlockCount',
    ],
  ];

  it.each(bad)('passes over one with %s', (_, damage, kind) => {
    for (const index of [0, 1] as const) {
      const volume = volumeWith({ version: index === 0 ? 9 : 5 }, { version: index === 1 ? 9 : 5 });
      damage(volume, PACK[index]);
      const pack = open(volume);
      expect(pack.index).toBe(1 - index);
      expect(pack.checkpoint.versionLow).toBe(5);
      expect(pack.problems.map((problem) => problem.kind)).toEqual([kind]);
    }
  });

  it('passes over one that cannot be read', () => {
    const volume = volumeWith({ version: 9 }, { version: 5 });
    const range = { start: 512 * BLOCK_SIZE, end: 513 * BLOCK_SIZE };
    const device = new FaultDevice(volume.device, [{ action: { kind: 'fail' }, range }]);
    const pack = runSync(readPack(volume.superblock, new DeviceMapping(new PageCache({ poison: true }), device)));
    expect(pack).toMatchObject({ index: 1, problems: [{ kind: 'packRead' }] });
  });

  it('gives up when both are bad, and keeps both reasons', () => {
    const volume = volumeWith({}, {});
    for (const at of PACK) volume.edit(at, (_, bytes) => void (bytes[20]! ^= 1));
    const error = corruptionOf(read(volume));
    expect(error).toMatchObject({ kind: 'checkpointChecksum', where: { block: 512 } });
    expect(error.cause).toBeInstanceOf(Corruption);
    expect(error.cause).toMatchObject({ where: { block: 1024 } });
    const gone = new FaultDevice(volume.device, [{ action: { kind: 'gone' } }]);
    expect(errorOf(readPack(volume.superblock, new DeviceMapping(new PageCache({ poison: true }), gone))).code).toBe(
      'ENODEV',
    );
  });
});

describe('the version bitmaps', () => {
  const large = umount | compactSummary | largeNatBitmap;
  it.each([
    ['both in the block (A1)', {}, {}],
    ['the SIT bitmap in the payload (A2)', {}, { payloadBlocks: 2 }],
    ['behind the checksum (B)', { flags: large }, {}],
    ['behind the checksum, into the payload (B)', { flags: large }, { payloadBlocks: 1, natSegments: 140 }],
    ['the deprecated large layout', { flags: large, checksumOffset: 4092 }, {}],
  ] as const)('%s', (_, pack, options) => {
    const volume = new MountableVolume(options);
    volume.natBitmap.forEach((_byte, index) => {
      volume.natBitmap[index] = index * 7 + 1;
    });
    volume.writePack(0, pack);
    volume.writePack(1, { version: 0 });
    const found = open(volume);
    expect(found.bitmaps.nat).toEqual(volume.natBitmap);
    expect(found.bitmaps.sit).toEqual(new Uint8Array(64));
    // The deprecated layout is read, and reported.
    expect(found.problems.map(({ kind }) => kind)).toEqual(
      'checksumOffset' in pack ? ['checkpointLargeNatBitmap'] : [],
    );
  });

  it('refuses sizes that the superblock contradicts', () => {
    const raw = (view: DataView): void => RawCheckpoint.natBitmapBytes.set(view, 0, 128);
    expect(corruptionOf(read(volumeWith({ raw })))).toMatchObject({ kind: 'checkpointBitmapSize', found: 128 });
  });
});

describe('the journals', () => {
  const natJournal: NatRecord[] = [
    { nid: 3, version: 1, ino: 3, blockAddress: 5000 },
    { nid: 0xffff_fff0, version: 255, ino: 9, blockAddress: 0 },
  ];

  it.each([
    ['compact summaries', umount | compactSummary],
    ['compact summaries, not unmounted', compactSummary],
    ['full summaries', umount],
    ['full summaries, not unmounted', 0],
    ['compact summaries behind orphan blocks', compactSummary | orphanPresent],
  ])('are found in a pack with %s', (_, flags) => {
    const orphanBlocks = (flags & orphanPresent) !== 0 ? 2 : 0;
    const volume = volumeWith({ flags, orphanBlocks, natJournal }, undefined, { payloadBlocks: 1 });
    const pack = open(volume);
    expect(pack.natJournal).toEqual(natJournal);
    expect(pack.sitJournal).toEqual([]);
    expect(pack.layout.orphanBlocks).toBe(orphanBlocks);
  });

  it('of the NAT with more than 38 entries cannot be believed', () => {
    const error = corruptionOf(read(volumeWith({ natJournalCount: 39 })));
    expect(error).toMatchObject({ kind: 'natJournalCount', where: { block: 513 }, found: 39 });
  });

  it('of the SIT are nothing that reading rests on', () => {
    for (const flags of [umount, umount | compactSummary]) {
      const pack = open(volumeWith({ flags, sitJournalCount: 7 }));
      expect(pack.sitJournal).toEqual([]);
      expect(pack.problems.map(({ kind }) => kind)).toEqual(['sitJournalCount']);
    }
  });
});

describe('fields of the checkpoint', () => {
  it.each([
    ['an error flag', (view: DataView) => RawCheckpoint.flags.set(view, 0, umount | 0x8), 'checkpointErrorFlag'],
    [
      'a count of user blocks',
      (view: DataView) => RawCheckpoint.userBlockCount.set(view, 0, 0),
      'checkpointUserBlocks',
    ],
    [
      'a count of nodes',
      (view: DataView) => RawCheckpoint.validNodeCount.set(view, 0, 2 ** 31),
      'checkpointValidNodes',
    ],
    [
      'two logs in one segment',
      (view: DataView) => RawCheckpoint.currentNodeSegments.set(view, 0, 0, 2),
      'checkpointCurrentSegment',
    ],
    [
      'an offset of a log',
      (view: DataView) => RawCheckpoint.currentNodeOffsets.set(view, 0, 0, 512),
      'checkpointCurrentOffset',
    ],
    ['an allocation type', (view: DataView) => view.setUint8(176, 9), 'checkpointAllocationType'],
  ])('%s that only a writer relies on is a problem', (_, raw, kind) => {
    const pack = open(volumeWith({ flags: umount, raw }));
    expect(pack.problems.map((problem) => problem.kind)).toContain(kind);
  });

  it('a place of the summaries that cannot be is refused', () => {
    for (const startSum of [0, 510, 4]) {
      const raw = (view: DataView): void => RawCheckpoint.startSum.set(view, 0, startSum);
      expect(['checkpointStartSum', 'packLayout']).toContain(corruptionOf(read(volumeWith({ raw }))).kind);
    }
  });
});

it('reads a handful of blocks', () => {
  const volume = volumeWith({}, { version: 6 }, { natSegments: 20, mainSegments: 400 });
  const device = new StatisticsDevice(volume.device);
  runSync(readPack(volume.superblock, new DeviceMapping(new PageCache({ poison: true }), device)));
  expect(device.snapshot().read.bios).toBe(5); // two ends of two packs, and the journals
});
