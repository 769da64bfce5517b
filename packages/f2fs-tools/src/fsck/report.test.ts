import { EIO, FsError } from '@f2fskit/errno';
import { corrupt } from '@f2fskit/f2fs-format';
import { expect, it } from 'vitest';
import { findingCodes, findingKinds } from './finding-codes.ts';
import { Findings, findingText, fsckExitCode, orFinding } from './report.ts';

it('keeps the first findings, and counts all by code and severity', () => {
  const findings = new Findings(2);
  findings.add('linkCount', { area: 'main', ino: 4 }, 1, 2);
  findings.add('otherPack', { area: 'checkpoint', block: 512 });
  for (let n = 0; n < 10; n++) findings.add('linkCount', { area: 'main', ino: n });
  expect(findings.kept.map(({ code, severity }) => [code, severity])).toEqual([
    ['linkCount', 'error'],
    ['otherPack', 'warning'],
  ]);
  expect([findings.errors, findings.warnings, findings.count('linkCount'), findings.count('dots')]).toEqual([
    11, 1, 11, 0,
  ]);
});

it('what decoding threw keeps its kind, its place and its values', () => {
  const findings = new Findings();
  const where = { nid: 7, block: 4100, offset: 24 };
  const failing = () => {
    throw corrupt('inodeBlocks', { where, expected: 'more', found: 0 });
  };
  expect(orFinding(findings, 'inode', 'main', failing)).toBeUndefined();
  findings.addError('unreadable', 'ssa', new FsError(EIO, 'the disk'), { block: 9 });
  expect(orFinding(findings, 'inode', 'main', () => 5)).toBe(5);
  expect(findings.kept).toEqual([
    {
      code: 'inode',
      severity: 'error',
      place: { ...where, area: 'main' },
      kind: 'inodeBlocks',
      expected: 'more',
      found: 0,
    },
    { code: 'unreadable', severity: 'error', place: { area: 'ssa', block: 9 }, detail: expect.stringContaining('EIO') },
  ]);
  expect(() =>
    orFinding(findings, 'inode', 'main', () => {
      throw new TypeError('a bug of ours');
    }),
  ).toThrow(TypeError);
});

it('is one line for people', () => {
  const findings = new Findings();
  findings.add('inodeBlocks', { area: 'main', block: 4100, offset: 24, ino: 7, path: '/d/f' }, 3, 4);
  findings.add('sitUnreached', { area: 'main', block: 5000, segno: 2 });
  findings.add('dots', { area: 'main', ino: 3 }, undefined, 1, 'why');
  expect(findings.kept.map(findingText)).toEqual([
    'an inode counts other blocks than it has: main, block 4100, offset 24, ino 7 (/d/f); expected 3, found 4',
    'a block is valid in the SIT, but nothing points to it: main, block 5000, segment 2',
    'a directory lacks . or .., or has them twice: main, ino 3; found 1; why',
  ]);
});

it('gives the exit codes of fsck(8)', () => {
  expect(fsckExitCode({ errors: 0, unreadable: 0 })).toBe(0);
  expect(fsckExitCode({ errors: 3, unreadable: 0 })).toBe(4);
  expect(fsckExitCode({ errors: 1, unreadable: 1 })).toBe(12);
});

it('every code says something of its own', () => {
  const texts = findingCodes.map((code) => findingKinds[code].text);
  expect(new Set(texts).size).toBe(findingCodes.length);
});
