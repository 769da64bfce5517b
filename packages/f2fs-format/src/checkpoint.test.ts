import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { referenceCheckpoint, referenceOldCheckpoint, referenceSuperblock } from '../test/reference-volume.ts';
import {
  CheckpointFlag,
  type CorruptionKind,
  checkpointChecksum,
  decodeCheckpoint,
  decodeSuperblock,
  Feature,
  hasCheckpointFlag,
  hasNodeSummaries,
  RawCheckpoint,
  type Superblock,
  sealCheckpoint,
} from './index.ts';

const superblock = decodeSuperblock(referenceSuperblock(), 0);
const ADDRESS = 512;

function changed(change: (view: DataView) => void): Uint8Array {
  const block = referenceCheckpoint();
  change(viewOf(block));
  sealCheckpoint(block);
  return block;
}

describe('decodeCheckpoint', () => {
  it('reads pack 1 of volume R, whose checksum mkfs computed', () => {
    const checkpoint = decodeCheckpoint(referenceCheckpoint(), superblock, ADDRESS);
    expect(checkpoint).toMatchObject({
      address: 512,
      version: 0x6b8b4567n,
      versionLow: 0x6b8b4567,
      versionHigh: 0,
      userBlockCount: 10240,
      validBlockCount: 2,
      reservedSegmentCount: 16,
      overprovisionSegmentCount: 22,
      freeSegmentCount: 36,
      currentNodeSegments: [0, 1, 2],
      currentNodeOffsets: [1, 0, 0],
      currentDataSegments: [3, 20, 9],
      currentDataOffsets: [1, 0, 0],
      flags: 0x85,
      packBlockCount: 6,
      startSum: 1,
      validNodeCount: 1,
      validInodeCount: 1,
      nextFreeNid: 4,
      sitBitmapBytes: 64,
      natBitmapBytes: 64,
      checksumOffset: 4092,
      checksum: 0xa5085cee,
      elapsedTime: 0,
      problems: [],
    });
    expect([...checkpoint.allocationTypes]).toEqual(new Array(16).fill(0));
    expect(hasNodeSummaries(checkpoint)).toBe(true);
    expect(hasCheckpointFlag(checkpoint, CheckpointFlag.orphanPresent)).toBe(false);
  });

  it('reads pack 2, which mkfs gives version 0', () => {
    const checkpoint = decodeCheckpoint(referenceOldCheckpoint(), superblock, 1024);
    expect([checkpoint.version, checkpoint.checksum, checkpoint.problems]).toEqual([0n, 0xf266eca2, []]);
  });

  it('refuses what is no checkpoint: checksum offset, checksum, pack length', () => {
    const refused = (change: (view: DataView) => void, seal: boolean) => {
      const block = referenceCheckpoint();
      change(viewOf(block));
      if (seal) sealCheckpoint(block);
      const { kind, where } = corruptionOf(() => decodeCheckpoint(block, superblock, ADDRESS));
      return [kind, where.block, where.offset];
    };
    expect(refused((view) => RawCheckpoint.checksumOffset.set(view, 0, 191), false)).toEqual([
      'checkpointChecksumOffset',
      512,
      164,
    ]);
    expect(refused((view) => RawCheckpoint.checksumOffset.set(view, 0, 4093), false)[0]).toBe(
      'checkpointChecksumOffset',
    );
    expect(refused((view) => RawCheckpoint.nextFreeNid.set(view, 0, 5), false)).toEqual([
      'checkpointChecksum',
      512,
      4092,
    ]);
    expect(refused((view) => RawCheckpoint.packBlockCount.set(view, 0, 2), true)).toEqual([
      'checkpointPackBlockCount',
      512,
      136,
    ]);
    expect(refused((view) => RawCheckpoint.packBlockCount.set(view, 0, 513), true)[0]).toBe('checkpointPackBlockCount');
  });

  it('covers the whole block in both checksum layouts', () => {
    for (const offset of [4092, 192]) {
      const block = referenceCheckpoint();
      RawCheckpoint.checksumOffset.set(viewOf(block), 0, offset);
      sealCheckpoint(block);
      const right = checkpointChecksum(block, offset);
      for (const at of [0, 191, 192, 195, 196, 4091, 4092, 4095]) {
        block[at]! ^= 0x40;
        const covered = at < offset || at >= offset + 4;
        expect(checkpointChecksum(block, offset) !== right, `byte ${at}, checksum at ${offset}`).toBe(covered);
        block[at]! ^= 0x40;
      }
    }
  });

  it('survives 64-bit counts of any size', () => {
    const block = changed((view) => {
      view.setBigUint64(RawCheckpoint.elapsedTime.offset, 0xffff_ffff_ffff_ffffn, true);
      view.setBigUint64(0, 0x8000_0000_0000_0001n, true);
      view.setBigUint64(RawCheckpoint.userBlockCount.offset, 1n << 63n, true);
    });
    const checkpoint = decodeCheckpoint(block, superblock, ADDRESS);
    expect(checkpoint.elapsedTime).toBe(Number.MAX_SAFE_INTEGER);
    expect([checkpoint.versionLow, checkpoint.versionHigh]).toEqual([1, 0x8000_0000]);
    expect(checkpoint.problems.map((problem) => problem.kind)).toEqual(['checkpointUserBlocks']);
  });
});

describe('the field rules', () => {
  const { reservedSegmentCount, overprovisionSegmentCount, userBlockCount, validBlockCount, flags } = RawCheckpoint;
  const large = CheckpointFlag.largeNatBitmap;
  const noUserBlocks = (view: DataView) => {
    validBlockCount.set(view, 0, 0);
    userBlockCount.set(view, 0, 0);
  };
  type Rule = readonly [name: string, change: (view: DataView) => void, kind: CorruptionKind, offset: number];
  const rules: readonly Rule[] = [
    ['too many reserved segments', (v) => reservedSegmentCount.set(v, 0, 42), 'checkpointSegmentCounts', 24],
    ['no reserved segments', (v) => reservedSegmentCount.set(v, 0, 0), 'checkpointReserve', 24],
    ['no overprovision', (v) => overprovisionSegmentCount.set(v, 0, 0), 'checkpointReserve', 28],
    ['no user blocks', noUserBlocks, 'checkpointUserBlocks', 8],
    ['all main blocks for users', (v) => userBlockCount.set(v, 0, 42 * 512), 'checkpointUserBlocks', 8],
    ['more valid blocks than user blocks', (v) => validBlockCount.set(v, 0, 10241), 'checkpointValidBlocks', 16],
    ['too many nodes', (v) => RawCheckpoint.validNodeCount.set(v, 0, 512 * 455 - 2), 'checkpointValidNodes', 144],
    ['node log outside', (v) => RawCheckpoint.currentNodeSegments.set(v, 0, 2, 42), 'checkpointCurrentSegment', 44],
    [
      'data log outside',
      (v) => RawCheckpoint.currentDataSegments.set(v, 0, 1, 0xffffffff),
      'checkpointCurrentSegment',
      88,
    ],
    [
      'two logs in one segment',
      (v) => RawCheckpoint.currentNodeSegments.set(v, 0, 0, 3),
      'checkpointCurrentSegment',
      36,
    ],
    ['node offset 512', (v) => RawCheckpoint.currentNodeOffsets.set(v, 0, 1, 512), 'checkpointCurrentOffset', 70],
    ['data offset 65535', (v) => RawCheckpoint.currentDataOffsets.set(v, 0, 2, 65535), 'checkpointCurrentOffset', 120],
    ['SIT bitmap too large', (v) => RawCheckpoint.sitBitmapBytes.set(v, 0, 128), 'checkpointBitmapSize', 156],
    ['NAT bitmap too small', (v) => RawCheckpoint.natBitmapBytes.set(v, 0, 32), 'checkpointBitmapSize', 160],
    ['summaries at 0', (v) => RawCheckpoint.startSum.set(v, 0, 0), 'checkpointStartSum', 140],
    ['summaries at 506', (v) => RawCheckpoint.startSum.set(v, 0, 506), 'checkpointStartSum', 140],
    ['allocation type 2', (v) => v.setUint8(176 + 5, 2), 'checkpointAllocationType', 181],
    ['deprecated large bitmap', (v) => flags.set(v, 0, 0x85 | large), 'checkpointLargeNatBitmap', 164],
    ['error flag', (v) => flags.set(v, 0, 0x85 | CheckpointFlag.error), 'checkpointErrorFlag', 132],
  ];
  it.each(rules)('%s', (_name, change, kind, offset) => {
    const { problems } = decodeCheckpoint(changed(change), superblock, ADDRESS);
    expect(problems.map((problem) => problem.kind)).toEqual([kind]);
    expect(problems[0]!.where).toEqual({ block: 512, offset });
    expect([problems[0]!.expected, problems[0]!.found]).not.toContain(undefined);
  });

  it('accepts their edges, and what Linux does not check', () => {
    const edges: Array<(view: DataView) => void> = [
      (v) => reservedSegmentCount.set(v, 0, 41),
      (v) => userBlockCount.set(v, 0, 42 * 512 - 1),
      (v) => validBlockCount.set(v, 0, 10240),
      (v) => RawCheckpoint.validNodeCount.set(v, 0, 512 * 455 - 3),
      (v) => RawCheckpoint.currentDataSegments.set(v, 0, 1, 41),
      (v) => RawCheckpoint.currentDataOffsets.set(v, 0, 1, 511),
      (v) => RawCheckpoint.startSum.set(v, 0, 505),
      (v) => v.setUint8(176, 1),
      (v) => v.setUint8(176 + 6, 9), // no log has number 6
      (v) => RawCheckpoint.freeSegmentCount.set(v, 0, 0xffffffff),
      (v) => RawCheckpoint.validInodeCount.set(v, 0, 0xffffffff),
      (v) => RawCheckpoint.nextFreeNid.set(v, 0, 0xffffffff),
      (v) => flags.set(v, 0, 0x85 | CheckpointFlag.fsckNeeded | CheckpointFlag.resizeFs | 0x8000_0000),
    ];
    for (const [index, edge] of edges.entries()) {
      expect(decodeCheckpoint(changed(edge), superblock, ADDRESS).problems, `edge ${index}`).toEqual([]);
    }
  });

  it('several broken rules are all listed', () => {
    const block = changed((view) => {
      reservedSegmentCount.set(view, 0, 0);
      RawCheckpoint.startSum.set(view, 0, 0);
      flags.set(view, 0, 0x8d);
    });
    const { problems } = decodeCheckpoint(block, superblock, ADDRESS);
    expect(problems.map((problem) => problem.kind)).toEqual([
      'checkpointReserve',
      'checkpointStartSum',
      'checkpointErrorFlag',
    ]);
  });

  it('a read-only volume has no reserve and may keep two logs in one segment', () => {
    const readOnly: Superblock = { ...superblock, features: Feature.ro };
    const block = changed((view) => {
      reservedSegmentCount.set(view, 0, 0);
      overprovisionSegmentCount.set(view, 0, 0);
      userBlockCount.set(view, 0, 42 * 512);
      for (const log of [0, 1, 2]) RawCheckpoint.currentNodeSegments.set(view, 0, log, 0);
    });
    expect(decodeCheckpoint(block, readOnly, ADDRESS).problems).toEqual([]);
    expect(decodeCheckpoint(block, superblock, ADDRESS).problems.length).toBeGreaterThan(3);
  });

  it('a SIT bitmap must have a bit for every SIT block', () => {
    const wide: Superblock = { ...superblock, segmentCountMain: 55 * 512 + 1, segmentCount: 40_000 };
    const { problems } = decodeCheckpoint(referenceCheckpoint(), wide, ADDRESS);
    expect(problems.map((problem) => [problem.kind, problem.expected])).toEqual([
      ['checkpointBitmapSize', 'at least 65'],
    ]);
  });

  it('the pack and its nat_bits must fit into one segment', () => {
    const payload: Superblock = { ...superblock, checkpointPayloadBlocks: 503 };
    const block = changed((view) => RawCheckpoint.startSum.set(view, 0, 504));
    expect(decodeCheckpoint(block, payload, ADDRESS).problems.map((problem) => problem.kind)).toEqual([
      'checkpointNatBits',
    ]);
  });
});
