import { type Corruption, EIO, FsError } from '@f2fskit/errno';
import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { corruptionOf, errorOf } from '../test/caught.ts';
import { referenceCheckpoint, referenceOldCheckpoint, referenceSuperblock } from '../test/reference-volume.ts';
import {
  type Checkpoint,
  CheckpointFlag,
  decodeCheckpoint,
  decodePack,
  decodeSuperblock,
  packAddress,
  packLayout,
  RawCheckpoint,
  type Superblock,
  sealCheckpoint,
  selectPack,
  versionBitmapOffsets,
  versionBitmaps,
} from './index.ts';

const superblock = decodeSuperblock(referenceSuperblock(), 0);

function block(version: bigint, change: (view: DataView) => void = () => undefined): Uint8Array {
  const made = referenceCheckpoint();
  viewOf(made).setBigUint64(0, version, true);
  change(viewOf(made));
  sealCheckpoint(made);
  return made;
}

function pack(version: bigint, change?: (view: DataView) => void): Checkpoint {
  return decodePack(block(version, change), block(version, change), superblock, 512);
}

describe('decodePack', () => {
  it('takes a pack whose two checkpoint blocks agree', () => {
    const address = packAddress(superblock, 0);
    expect(address).toBe(512);
    expect(packAddress(superblock, 1)).toBe(1024);
    expect(decodePack(referenceCheckpoint(), referenceCheckpoint(), superblock, address).version).toBe(0x6b8b4567n);
  });

  it('refuses a torn pack: the closing block is of the checkpoint before, or broken', () => {
    const torn = corruptionOf(() => decodePack(block(7n), block(5n), superblock, 512));
    expect(torn.kind).toBe('checkpointVersion');
    expect(torn.where).toEqual({ block: 517, offset: 0 });
    expect([torn.expected, torn.found]).toEqual([7n, 5n]);
    const half = block(7n);
    half.fill(0, 2048);
    const broken = corruptionOf(() => decodePack(block(7n), half, superblock, 512));
    expect([broken.kind, broken.where.block]).toEqual(['checkpointChecksum', 517]);
  });
});

describe('selectPack', () => {
  it('takes the newer of two sound packs, pack 0 in a tie', () => {
    expect(selectPack(pack(5n), pack(6n)).pack).toBe(1);
    expect(selectPack(pack(6n), pack(5n)).pack).toBe(0);
    expect(selectPack(pack(6n), pack(6n)).pack).toBe(0);
    expect(selectPack(pack(0x6b8b4567n), decodeCheckpoint(referenceOldCheckpoint(), superblock, 1024)).pack).toBe(0);
  });

  it('compares by signed difference, so that a version may wrap', () => {
    const last = 0xffff_ffff_ffff_ffffn;
    expect(selectPack(pack(last), pack(0n)).pack).toBe(1);
    expect(selectPack(pack(0n), pack(last)).pack).toBe(0);
    expect(selectPack(pack(0n), pack(0x7fff_ffff_ffff_ffffn)).pack).toBe(1);
    expect(selectPack(pack(0n), pack(0x8000_0000_0000_0000n)).pack).toBe(0);
  });

  it('takes the sound one of two and says what is wrong with the other', () => {
    const error = corruptionOf(() => decodePack(block(9n), block(8n), superblock, 1024));
    const selected = selectPack(pack(5n), error);
    expect([selected.pack, selected.problems]).toEqual([0, [error]]);
    const unread = selectPack(new FsError(EIO, 'pack'), pack(5n));
    expect([unread.pack, unread.problems[0]!.kind]).toEqual([1, 'packRead']);
  });

  it('throws the error of pack 0, caused by that of pack 1, when none is sound', () => {
    const error = corruptionOf(() => decodePack(block(9n), block(8n), superblock, 512));
    const thrown = errorOf(() => selectPack(error, new FsError(EIO, 'pack 1')));
    expect(thrown).toBe(error);
    expect((thrown.cause as FsError).code).toBe('EIO');
  });

  // A newer pack with a right checksum was written whole. If its fields are wrong, the older pack is no answer: it would
  // undo everything since, silently, and the next checkpoint would overwrite the evidence.
  it('throws the field problems of the chosen pack instead of falling back', () => {
    const bad = (view: DataView) => RawCheckpoint.startSum.set(view, 0, 0);
    expect((errorOf(() => selectPack(pack(5n), pack(6n, bad))) as Corruption).kind).toBe('checkpointStartSum');
    expect(selectPack(pack(7n), pack(6n, bad)).pack).toBe(0);
  });

  it('lets a caller live with kinds it names', () => {
    const flagged = pack(6n, (view) => RawCheckpoint.flags.set(view, 0, 0x8d));
    expect((errorOf(() => selectPack(pack(5n), flagged)) as Corruption).kind).toBe('checkpointErrorFlag');
    expect(selectPack(pack(5n), flagged, ['checkpointErrorFlag']).pack).toBe(1);
    expect(() => selectPack(pack(5n), flagged, ['checkpointStartSum'])).toThrow('checkpointErrorFlag');
  });
});

describe('versionBitmaps', () => {
  const bitmaps = { sitBitmapBytes: 64, natBitmapBytes: 128 };
  const head = { ...bitmaps, flags: 0, checksumOffset: 4092 };
  it('start where the four cases of the format put them', () => {
    const small = { checkpointPayloadBlocks: 0 };
    const payload = { checkpointPayloadBlocks: 2 };
    const large = CheckpointFlag.largeNatBitmap;
    expect(versionBitmapOffsets(head, small)).toEqual({ sit: 192, nat: 256 });
    expect(versionBitmapOffsets(head, payload)).toEqual({ nat: 192, sit: 4096 });
    expect(versionBitmapOffsets({ ...head, flags: large, checksumOffset: 192 }, payload)).toEqual({
      nat: 196,
      sit: 324,
    });
    expect(versionBitmapOffsets({ ...head, flags: large, checksumOffset: 192 }, small)).toEqual({ nat: 196, sit: 324 });
    expect(versionBitmapOffsets({ ...head, flags: large }, small)).toEqual({ nat: 192, sit: 320 });
  });

  it('are copies of the right bytes', () => {
    const bytes = new Uint8Array(4096 * 3);
    bytes.fill(1, 192, 256);
    bytes.fill(2, 256, 320);
    bytes.fill(3, 4096, 4160);
    const checkpoint = { ...pack(5n) };
    const inBlock = versionBitmaps(checkpoint, superblock, bytes.subarray(0, 4096));
    expect([...new Set(inBlock.sit), ...new Set(inBlock.nat)]).toEqual([1, 2]);
    expect([inBlock.sit.length, inBlock.nat.length]).toEqual([64, 64]);
    bytes.fill(9, 192, 256);
    expect(inBlock.sit[0]).toBe(1);
    const inPayload = versionBitmaps(checkpoint, { checkpointPayloadBlocks: 2 }, bytes);
    expect([...new Set(inPayload.sit), ...new Set(inPayload.nat)]).toEqual([3, 9]);
  });

  it('refuse sizes that run over the checksum or the payload', () => {
    const bytes = new Uint8Array(4096);
    const over = { ...pack(5n), natBitmapBytes: 3900 - 64 + 1 };
    const error = corruptionOf(() => versionBitmaps(over, superblock, bytes));
    expect([error.kind, error.where.offset, error.found]).toEqual(['checkpointBitmapSize', 160, 4093]);
    expect(() => versionBitmaps({ ...over, natBitmapBytes: 3900 - 64 }, superblock, bytes)).not.toThrow();
    const sit = { ...pack(5n), sitBitmapBytes: 4097 };
    expect(() => versionBitmaps(sit, { checkpointPayloadBlocks: 1 }, new Uint8Array(8192))).toThrow(
      'checkpointBitmapSize',
    );
  });
});

describe('packLayout', () => {
  const UMOUNT = CheckpointFlag.umount;
  const COMPACT = CheckpointFlag.compactSummary;
  const ORPHAN = CheckpointFlag.orphanPresent;
  const layout = (fields: Partial<Checkpoint>, geometry: Partial<Superblock> = {}) =>
    packLayout({ ...pack(5n), ...fields }, { ...superblock, ...geometry });

  it('of mkfs: one compact block, node summaries, nat_bits at the end of the segment', () => {
    expect(layout({ flags: 0x85, packBlockCount: 6, startSum: 1 })).toEqual({
      payloadIndex: 1,
      payloadBlocks: 0,
      orphanIndex: 1,
      orphanBlocks: 0,
      dataSummaryIndex: 1,
      dataSummaryBlocks: 1,
      compact: true,
      nodeSummaryIndex: 2,
      nodeSummaryBlocks: 3,
      lastIndex: 5,
      natBitsIndex: 511,
      natBitsBlocks: 1,
    });
  });

  it('of sload: full summaries', () => {
    expect(layout({ flags: 0x81, packBlockCount: 8, startSum: 1 })).toMatchObject({
      dataSummaryIndex: 1,
      dataSummaryBlocks: 3,
      compact: false,
      nodeSummaryIndex: 4,
      lastIndex: 7,
    });
  });

  it('with payload, orphans, two compact blocks, and without node summaries', () => {
    expect(layout({ flags: UMOUNT, packBlockCount: 10, startSum: 3 }, { checkpointPayloadBlocks: 2 })).toMatchObject({
      payloadBlocks: 2,
      dataSummaryIndex: 3,
      natBitsBlocks: 0,
      natBitsIndex: 512,
    });
    const currentDataOffsets = [264, 0, 498] as const;
    const allocationTypes = Uint8Array.of(0, 0, 1, 0, 0, 0);
    const busy = { flags: COMPACT | ORPHAN, packBlockCount: 6, startSum: 3, currentDataOffsets, allocationTypes };
    expect(layout(busy)).toMatchObject({
      orphanIndex: 1,
      orphanBlocks: 2,
      dataSummaryIndex: 3,
      dataSummaryBlocks: 2,
      nodeSummaryIndex: 5,
      nodeSummaryBlocks: 0,
      lastIndex: 5,
    });
    expect(layout({ flags: CheckpointFlag.fastboot, packBlockCount: 8, startSum: 1 }).nodeSummaryBlocks).toBe(3);
  });

  it('refuses parts that overlap or leave the pack', () => {
    const refused = (fields: Partial<Checkpoint>) => corruptionOf(() => layout(fields)).kind;
    expect(refused({ flags: UMOUNT, packBlockCount: 6, startSum: 1 })).toBe('packLayout'); // full summaries before index 1
    expect(refused({ flags: UMOUNT | COMPACT, packBlockCount: 5, startSum: 1 })).toBe('packLayout');
    expect(refused({ flags: COMPACT, packBlockCount: 6, startSum: 505 })).toBe('packLayout');
    expect(refused({ flags: COMPACT | ORPHAN, packBlockCount: 6, startSum: 0 })).toBe('packLayout');
    expect(refused({ flags: ORPHAN | UMOUNT, packBlockCount: 8, startSum: 3 })).toBe('packLayout');
    const allocationTypes = new Uint8Array(16).fill(1);
    expect(refused({ flags: COMPACT, packBlockCount: 6, startSum: 1, allocationTypes })).toBe('compactSummary');
  });
});
