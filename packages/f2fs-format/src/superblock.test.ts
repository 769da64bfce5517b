import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { corruptionOf, errorOf } from '../test/caught.ts';
import { coldExtensions, hotExtensions, referenceSuperblock } from '../test/reference-volume.ts';
import { type CorruptionKind, decodeSuperblock, RawDevice, RawSuperblock, sealSuperblock } from './index.ts';

type FieldName = Exclude<keyof typeof RawSuperblock, `$${string}`>;
type Change = Partial<Record<FieldName, number>>;

/** Volume R with some fields changed and the checksum made right again. */
function changed(change: Change): Uint8Array {
  const copy = referenceSuperblock();
  const view = viewOf(copy);
  for (const [name, value] of Object.entries(change)) {
    const field = RawSuperblock[name as FieldName];
    if (!('set' in field)) throw new Error(`${name} is no number`);
    (field.set as (view: DataView, at: number, value: number) => void).call(field, view, 0, value);
  }
  sealSuperblock(copy);
  return copy;
}

describe('decodeSuperblock', () => {
  it('reads volume R, whose checksum mkfs computed', () => {
    const superblock = decodeSuperblock(referenceSuperblock(), 0);
    expect(superblock).toMatchObject({
      majorVersion: 1,
      minorVersion: 15,
      logSectorSize: 9,
      logSectorsPerBlock: 3,
      logBlockSize: 12,
      logBlocksPerSegment: 9,
      segmentsPerSection: 1,
      sectionsPerZone: 1,
      checksumOffset: 3068,
      blockCount: 25600,
      sectionCount: 42,
      segmentCount: 49,
      segmentCountCheckpoint: 2,
      segmentCountSit: 2,
      segmentCountNat: 2,
      segmentCountSsa: 1,
      segmentCountMain: 42,
      segment0Address: 512,
      checkpointAddress: 512,
      sitAddress: 1536,
      natAddress: 2560,
      ssaAddress: 3584,
      mainAddress: 4096,
      rootIno: 3,
      nodeIno: 1,
      metaIno: 2,
      uuid: '00112233-4455-6677-8899-aabbccddeeff',
      volumeName: '',
      checkpointPayloadBlocks: 0,
      features: 0x828,
      devices: [],
      quotaInos: [0, 0, 0],
      encoding: 0,
      checksum: 0x67a1ed89,
    });
    expect(superblock.coldExtensions.join(' ')).toBe(coldExtensions);
    expect(superblock.hotExtensions.join(' ')).toBe(hotExtensions);
    expect(superblock.uuidBytes).toHaveLength(16);
  });

  it('reads texts: label in UTF-16, versions in UTF-8, paths that fill their field', () => {
    const copy = changed({});
    const view = viewOf(copy);
    copy.set(Buffer.from('Straße 文件 🙂', 'utf16le'), RawSuperblock.volumeName.offset);
    copy.set(Buffer.from('Linux version 6.1 (ü\xff 🙂)', 'utf8'), RawSuperblock.version.offset);
    copy[RawSuperblock.initVersion.offset] = 0xff;
    const full = 'x'.repeat(64);
    for (const [index, [path, segments]] of (
      [
        ['/dev/one\0stale', 20],
        [full, 29],
      ] as const
    ).entries()) {
      const at = RawSuperblock.devices.at(0, index);
      RawDevice.path.set(view, at, Buffer.from(path));
      RawDevice.segmentCount.set(view, at, segments);
    }
    RawSuperblock.quotaInos.set(view, 0, 2, 6);
    RawSuperblock.encoding.set(view, 0, 1);
    RawSuperblock.encodingFlags.set(view, 0, 2);
    copy[RawSuperblock.stopReasons.offset + 31] = 7;
    copy[RawSuperblock.errorBits.offset + 15] = 9;
    sealSuperblock(copy);
    const superblock = decodeSuperblock(copy, 0);
    expect(superblock.volumeName).toBe('Straße 文件 🙂');
    expect(superblock.version).toBe('Linux version 6.1 (üÿ 🙂)');
    expect(superblock.initVersion).toBe('\ufffd');
    expect(superblock.devices).toEqual([
      { path: '/dev/one', segmentCount: 20 },
      { path: full, segmentCount: 29 },
    ]);
    expect(superblock.quotaInos).toEqual([0, 0, 6]);
    expect([superblock.encoding, superblock.encodingFlags]).toEqual([1, 2]);
    expect([superblock.stopReasons[31], superblock.errorBits[15]]).toEqual([7, 9]);
    copy.fill(0xaa);
    expect(superblock.uuid).toBe('00112233-4455-6677-8899-aabbccddeeff');
    expect([superblock.uuidBytes[0], superblock.stopReasons[31]]).toEqual([0, 7]); // copies, not windows
  });

  const rules: ReadonlyArray<readonly [change: Change, kind: CorruptionKind, field: FieldName]> = [
    [{ magic: 0xf2f52011 }, 'superblockMagic', 'magic'],
    [{ checksumOffset: 0 }, 'superblockChecksumOffset', 'checksumOffset'],
    [{ checksumOffset: 3064 }, 'superblockChecksumOffset', 'checksumOffset'],
    [{ logBlockSize: 11 }, 'superblockBlockSize', 'logBlockSize'],
    [{ logBlockSize: 14 }, 'superblockBlockSize', 'logBlockSize'], // sectors still say 12: broken, not 16 KiB
    [{ logBlocksPerSegment: 8 }, 'superblockSegmentSize', 'logBlocksPerSegment'],
    [{ logSectorSize: 8, logSectorsPerBlock: 4 }, 'superblockSectorSize', 'logSectorSize'],
    [{ logSectorSize: 13 }, 'superblockSectorSize', 'logSectorSize'],
    [{ logSectorsPerBlock: 4 }, 'superblockSectorSize', 'logSectorsPerBlock'],
    [{ segmentCount: 8 }, 'superblockSegmentCount', 'segmentCount'],
    [{ segmentCount: 8_388_609 }, 'superblockSegmentCount', 'segmentCount'],
    [{ segmentsPerSection: 0 }, 'superblockSectionSize', 'segmentsPerSection'],
    [{ segmentsPerSection: 50 }, 'superblockSectionSize', 'segmentsPerSection'],
    [{ segmentsPerSection: 2 }, 'superblockSectionCount', 'sectionCount'],
    [{ sectionCount: 0, segmentCountMain: 0 }, 'superblockSectionCount', 'sectionCount'],
    [{ sectionCount: 50, segmentCountMain: 50 }, 'superblockSectionCount', 'sectionCount'],
    [{ segmentCountMain: 41 }, 'superblockSectionCount', 'segmentCountMain'],
    [{ blockCount: 49 * 512 - 1 }, 'superblockBlockCount', 'blockCount'],
    [{ sectionsPerZone: 0 }, 'superblockZoneSize', 'sectionsPerZone'],
    [{ sectionsPerZone: 43 }, 'superblockZoneSize', 'sectionsPerZone'],
    [{ extensionCount: 61 }, 'superblockExtensions', 'extensionCount'],
    [{ extensionCount: 0xffff_ffff }, 'superblockExtensions', 'extensionCount'],
    [{ hotExtensionCount: 29 }, 'superblockExtensions', 'extensionCount'],
    [{ checkpointPayloadBlocks: 504 }, 'superblockPayload', 'checkpointPayloadBlocks'],
    [{ rootIno: 4 }, 'superblockReservedIno', 'rootIno'],
    [{ nodeIno: 3 }, 'superblockReservedIno', 'nodeIno'],
    [{ metaIno: 1 }, 'superblockReservedIno', 'metaIno'],
    [{ segmentCountCheckpoint: 3 }, 'superblockArea', 'segmentCountCheckpoint'],
    [{ segmentCountSit: 3 }, 'superblockArea', 'segmentCountSit'],
    [{ segmentCountSit: 4 }, 'superblockArea', 'natAddress'],
    [{ segmentCountNat: 3 }, 'superblockArea', 'segmentCountNat'],
    [{ segmentCountNat: 0 }, 'superblockArea', 'segmentCountNat'],
    [{ segmentCountNat: 4 }, 'superblockArea', 'ssaAddress'],
    [{ segmentCountSsa: 2 }, 'superblockArea', 'mainAddress'],
    [{ segment0Address: 513 }, 'superblockArea', 'checkpointAddress'],
    [{ checkpointAddress: 511 }, 'superblockArea', 'checkpointAddress'],
    [{ sitAddress: 1537 }, 'superblockArea', 'sitAddress'],
    [{ natAddress: 0 }, 'superblockArea', 'natAddress'],
    [{ ssaAddress: 0xffff_ffff }, 'superblockArea', 'ssaAddress'],
    [{ mainAddress: 4608 }, 'superblockArea', 'mainAddress'],
    [{ segmentCount: 48 }, 'superblockArea', 'segmentCountMain'], // the main area would end behind the volume
  ];
  it.each(rules)('refuses %j: %s at %s', (change, kind, field) => {
    const error = corruptionOf(() => decodeSuperblock(changed(change), 1));
    expect(error.kind).toBe(kind);
    expect(error.where).toEqual({ block: 1, offset: 1024 + RawSuperblock[field].offset });
    expect(error.expected).toBeDefined();
    expect(error.found).toBeDefined();
  });

  it('accepts the edges of the same rules', () => {
    const edges: Change[] = [
      { logSectorSize: 12, logSectorsPerBlock: 0 },
      { blockCount: 49 * 512 },
      { blockCount: Number.MAX_SAFE_INTEGER },
      { sectionsPerZone: 42 },
      { extensionCount: 60 },
      { checkpointPayloadBlocks: 503 },
      { segmentCount: 50 }, // Linux lowers it; nothing of ours uses the surplus
      { sectionCount: 41, segmentCountMain: 41 },
      { features: 0x8000_0828 },
    ];
    for (const edge of edges) expect(() => decodeSuperblock(changed(edge), 0), JSON.stringify(edge)).not.toThrow();
  });

  it('refuses a block count of 2^53 and more', () => {
    const copy = referenceSuperblock();
    viewOf(copy).setBigUint64(36, 1n << 60n, true);
    sealSuperblock(copy);
    expect(corruptionOf(() => decodeSuperblock(copy, 0)).kind).toBe('superblockBlockCount');
  });

  it('refuses devices that do not add up to the volume', () => {
    const copy = referenceSuperblock();
    const view = viewOf(copy);
    RawDevice.path.set(view, RawSuperblock.devices.at(0, 0), Buffer.from('/dev/a'));
    RawDevice.segmentCount.set(view, RawSuperblock.devices.at(0, 0), 48);
    sealSuperblock(copy);
    const error = corruptionOf(() => decodeSuperblock(copy, 0));
    expect(error.kind).toBe('superblockDevices');
    expect(error.where.offset).toBe(1024 + 2201);
  });

  it('verifies the checksum before it believes any geometry, and only with the feature', () => {
    const flipped = referenceSuperblock();
    flipped[50]! ^= 1;
    const error = corruptionOf(() => decodeSuperblock(flipped, 0));
    expect(error.kind).toBe('superblockChecksum');
    expect(error.where).toEqual({ block: 0, offset: 1024 + 3068 });
    expect(error.found).toBe('0x67a1ed89');
    const without = changed({ features: 0x28, checksumOffset: 0 });
    without[3068]! ^= 0xff;
    expect(() => decodeSuperblock(without, 0)).not.toThrow();
  });

  it('names a volume with 16 KiB blocks, before calling anything corrupt', () => {
    // as mkfs -b 16384 writes it; the areas of this one make no sense for 4 KiB blocks
    const copy = changed({ logBlockSize: 14, logSectorSize: 9, logSectorsPerBlock: 5, segmentCountSsa: 9 });
    const error = errorOf(() => decodeSuperblock(copy, 0));
    expect(error.code).toBe('EOPNOTSUPP');
    expect(error.message).toContain('blocks of 16 KiB');
  });

  it('refuses bytes that are too few', () => {
    expect(corruptionOf(() => decodeSuperblock(new Uint8Array(100), 0)).kind).toBe('superblockRead');
  });
});
