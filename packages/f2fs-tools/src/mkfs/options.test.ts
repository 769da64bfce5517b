// Options: what is filled in, and that every refusal says which option it is about.

import { FsError } from '@f2fskit/errno';
import { Feature, featureNames } from '@f2fskit/f2fs-format';
import { fixedClock, seededRandom } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { defaultColdExtensions, defaultHotExtensions, FORMAT_FEATURES, type FormatOptions } from './index.ts';
import { checkFormatOptions } from './options.ts';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `x${index}`);

describe('checkFormatOptions', () => {
  it('fills in what mkfs.f2fs would', () => {
    const settings = checkFormatOptions({ random: seededRandom(1), clock: fixedClock(12) });
    expect(settings).toMatchObject({
      segmentsPerSection: 1,
      sectionsPerZone: 1,
      overprovision: 0,
      sectorSize: 512,
      features: 0,
      quotaTypes: [false, false, false],
      extraBytes: 0,
      encoding: 0,
      uid: 0,
      gid: 0,
      seconds: 12,
      discard: true,
      blank: false,
    });
    expect(settings.extensions).toEqual({ cold: defaultColdExtensions, hot: defaultHotExtensions, warnings: [] });
    expect([defaultColdExtensions.length, defaultHotExtensions.length]).toEqual([36, 4]);
  });

  it('makes a uuid and a version of the random source, and nothing else', () => {
    const make = (seed: number) => checkFormatOptions({ random: seededRandom(seed), clock: fixedClock(0) });
    expect(make(1)).toEqual(make(1));
    expect(make(1).uuidBytes).not.toEqual(make(2).uuidBytes);
    expect(make(1).checkpointVersion).not.toBe(make(2).checkpointVersion);
    for (let seed = 0; seed < 20; seed++) {
      const { uuidBytes, checkpointVersion } = make(seed);
      expect([uuidBytes[6]! >>> 4, uuidBytes[8]! >>> 6]).toEqual([4, 2]);
      expect(checkpointVersion % 2).toBe(1);
      expect(checkpointVersion).toBeLessThan(2 ** 31);
    }
    expect(checkFormatOptions({}).uuidBytes).not.toEqual(checkFormatOptions({}).uuidBytes);
  });

  it.each([
    [['extra_attr'], 4],
    [['extra_attr', 'flexible_inline_xattr'], 4],
    [['extra_attr', 'project_quota'], 8],
    [['inode_checksum', 'extra_attr', 'project_quota'], 12],
    [['extra_attr', 'inode_crtime', 'inode_checksum'], 24],
    [['compression', 'inode_crtime', 'extra_attr'], 36],
    [['encrypt', 'quota'], 0],
  ])('%s: %d bytes of extra attributes', (features, bytes) => {
    expect(checkFormatOptions({ features }).extraBytes).toBe(bytes);
  });

  it.each([
    ['quota', {}, 'quota', [true, true, false]],
    ['extra_attr,project_quota', {}, 'extra_attr project_quota quota', [false, false, true]],
    ['', { android: true }, 'encrypt extra_attr project_quota quota verity', [true, true, true]],
    ['ro', { android: true }, 'ro', [false, false, false]],
    ['ro,quota', { android: true }, 'quota ro', [false, false, false]],
    ['', { encoding: 'utf8' }, 'casefold', [false, false, false]],
    ['casefold', {}, 'casefold', [false, false, false]],
  ] as Array<[string, FormatOptions, string, boolean[]]>)('features %s and %o', (names, more, features, quotaTypes) => {
    const settings = checkFormatOptions({ ...more, features: names === '' ? [] : names.split(',') });
    expect(featureNames(settings.features).join(' ')).toBe(features);
    expect(settings.quotaTypes).toEqual(quotaTypes);
  });

  it('takes every feature that a format can set, and no other', () => {
    for (const name of featureNames(FORMAT_FEATURES)) {
      expect(checkFormatOptions({ features: [name, 'extra_attr'] }).features).not.toBe(0);
    }
    expect(featureNames(FORMAT_FEATURES)).toHaveLength(13);
    expect(FORMAT_FEATURES & (Feature.blkzoned | Feature.atomicWrite | Feature.deviceAlias | Feature.packedSsa)).toBe(
      0,
    );
  });

  it('the lists of extensions', () => {
    const { cold, hot, warnings } = checkFormatOptions({
      coldExtensions: ['', 'jpg', 'jp', 'jpg', 'eightbyt', 'db', 'sevenby'],
      hotExtensions: ['jpg', 'qcow2', 'idx'],
    }).extensions;
    expect(cold.slice(36)).toEqual(['jpg', 'db', 'sevenby']);
    expect(hot).toEqual([...defaultHotExtensions, 'idx']);
    expect(warnings).toEqual(["coldExtensions: 'eightbyt' is longer than 7 bytes: left out"]);
    const full = checkFormatOptions({ coldExtensions: numbered(24), hotExtensions: ['idx'] }).extensions;
    expect(full.cold.length + full.hot.length).toBe(64);
    expect(full.warnings).toEqual(["hotExtensions: no room for 'idx', the lists are full"]);
  });

  it('keeps the first line of a version text, 252 bytes at most', () => {
    const text = (version: string) => new TextDecoder().decode(checkFormatOptions({ version }).version);
    expect(text('Linux version 6.1\nmore')).toBe('Linux version 6.1');
    expect(text('x'.repeat(300))).toBe('x'.repeat(252));
    const { initVersion } = checkFormatOptions({ version: 'a', initVersion: 'b' });
    expect(new TextDecoder().decode(initVersion)).toBe('b');
  });

  it.each([
    ['features', { features: ['nothing'] }, /'nothing' cannot be set/],
    ['features', { features: ['blkzoned'] }, /'blkzoned' cannot be set/],
    ['features', { features: ['packed_ssa'] }, /'packed_ssa'/],
    ['features', { features: ['quota', 'project_quota'] }, /project_quota cannot be without extra_attr/],
    ['features', { features: ['inode_checksum'] }, /inode_checksum/],
    ['features', { features: ['flexible_inline_xattr'] }, /flexible_inline_xattr/],
    ['features', { features: ['inode_crtime', 'compression'] }, /inode_crtime, compression/],
    ['encoding', { encoding: 'latin1' }, /utf8/],
    ['encoding', { encoding: 'utf8:lazy' }, /utf8/],
    ['label', { label: 'ä'.repeat(257) }, /512 bytes/],
    ['label', { label: 'a\0b' }, /NUL/],
    ['uuid', { uuid: '00112233-4455-6677-8899-aabbccddeef' }, /not '0011/],
    ['uuid', { uuid: '00112233445566778899aabbccddeeff' }, /not '0011/],
    ['owner', { owner: { uid: -1, gid: 0 } }, /not -1/],
    ['owner', { owner: { uid: 0, gid: 2 ** 32 } }, /not 4294967296/],
    ['clock', { clock: fixedClock(Number.NaN) }, /NaN/],
    ['checkpointVersion', { checkpointVersion: 0 }, /not 0/],
    ['checkpointVersion', { checkpointVersion: 2 ** 32 }, /not 4294967296/],
    ['coldExtensions', { coldExtensions: numbered(25) }, /at most 24/],
    ['overprovision', { overprovision: Number.NaN }, /NaN/],
  ] as Array<[string, FormatOptions, RegExp]>)('refuses a wrong %s: %o', (option, options, message) => {
    const refused = (): unknown => checkFormatOptions(options);
    expect(refused).toThrow(FsError);
    expect(refused).toThrow(new RegExp(`^EINVAL: .*\\(${option}: `));
    expect(refused).toThrow(message);
  });
});
