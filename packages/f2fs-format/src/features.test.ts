import { describe, expect, it } from 'vitest';
import {
  checkpointFlagNames,
  errorNames,
  Feature,
  featureBit,
  featureNames,
  featureNotes,
  hasFeature,
  KNOWN_FEATURES,
  NEEDS_EXTRA_ATTR,
  stopReasonNames,
  writeObstacles,
} from './index.ts';

describe('features', () => {
  it('have the names and bits of mkfs -O', () => {
    const names =
      'encrypt blkzoned atomic_write extra_attr project_quota inode_checksum flexible_inline_xattr quota inode_crtime lost_found verity sb_checksum casefold compression ro device_alias packed_ssa';
    expect(featureNames(0x1_ffff)).toEqual(names.split(' '));
    expect(KNOWN_FEATURES).toBe(0x1_ffff);
    names.split(' ').forEach((name, bit) => {
      expect(featureBit(name)).toBe(2 ** bit);
    });
    expect(featureBit('extraAttr')).toBeUndefined();
    expect(Object.keys(featureNotes)).toEqual(Object.keys(Feature));
  });

  it('shows what it does not know, up to the top bit', () => {
    expect(featureNames(0x8002_0008)).toEqual(['extra_attr', 'unknown:0x20000', 'unknown:0x80000000']);
    expect(featureNames(0)).toEqual([]);
  });

  it('says why a volume must not be written', () => {
    expect(writeObstacles(0x1_bffd)).toEqual([]);
    expect(writeObstacles(Feature.ro)[0]).toMatch(/^feature ro:/);
    expect(writeObstacles(Feature.blkzoned)[0]).toMatch(/^feature blkzoned:/);
    expect(writeObstacles(0x8000_0000 | Feature.ro)[1]).toMatch(/^unknown features unknown:0x80000000:/);
  });

  it('knows which features need extra attributes', () => {
    expect(featureNames(NEEDS_EXTRA_ATTR)).toEqual([
      'project_quota',
      'inode_checksum',
      'flexible_inline_xattr',
      'inode_crtime',
      'compression',
    ]);
    expect(hasFeature({ features: 0x28 }, Feature.extraAttr)).toBe(true);
    expect(hasFeature({ features: 0x28 }, Feature.encrypt)).toBe(false);
  });
});

describe('counters and bits of past trouble', () => {
  it('are named', () => {
    const stops = new Uint8Array(32);
    stops[0] = 2;
    stops[11] = 1;
    stops[31] = 255;
    expect(stopReasonNames(stops)).toEqual([
      { reason: 'shutdown', count: 2 },
      { reason: 'node block unreadable', count: 1 },
      { reason: 'unknown:31', count: 255 },
    ]);
    // LSB-first: bit 4 (a corrupted inode) is 0x10 of byte 0, bit 9 is 0x02 of byte 1
    expect(errorNames(Uint8Array.of(0x10, 0x02, 0x04))).toEqual([
      'corrupted inode',
      'inconsistent node count',
      'unknown:18',
    ]);
  });

  it('checkpoint flags too', () => {
    expect(checkpointFlagNames(0x1c5)).toEqual(['umount', 'compact_summary', 'crc_recovery', 'nat_bits', 'trimmed']);
    expect(checkpointFlagNames(0x8000)).toEqual(['unknown:0x8000']);
  });
});
