import { Corruption, EIO } from '@f2fskit/errno';
import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { corruptionOf, errorOf } from '../test/caught.ts';
import { referenceHead, referenceSuperblock } from '../test/reference-volume.ts';
import { RawSuperblock, sealSuperblock, selectSuperblock } from './index.ts';

function broken(offset: number): Uint8Array {
  const copy = referenceSuperblock();
  copy[offset]! ^= 0x01;
  return copy;
}

describe('selectSuperblock', () => {
  it('takes copy 0 of two equal ones', () => {
    const { superblock, copy, problems } = selectSuperblock(referenceSuperblock(), referenceSuperblock());
    expect([superblock.segmentCountMain, copy, problems]).toEqual([42, 0, []]);
  });

  it('takes copy 0 and reports a broken copy 1', () => {
    const { copy, problems } = selectSuperblock(referenceSuperblock(), broken(200));
    expect(copy).toBe(0);
    expect(problems.map((problem) => [problem.kind, problem.where.block])).toEqual([['superblockChecksum', 1]]);
  });

  it('falls back to copy 1 when copy 0 is broken or cannot be read', () => {
    const fallen = selectSuperblock(broken(0), referenceSuperblock());
    expect([fallen.copy, fallen.problems[0]!.kind]).toEqual([1, 'superblockMagic']);
    const unread = selectSuperblock(EIO, referenceSuperblock());
    expect([unread.copy, unread.problems[0]!.kind]).toEqual([1, 'superblockRead']);
    expect((unread.problems[0]!.cause as Error).message).toContain('EIO');
  });

  it('reports two sound copies that differ: a change that reached one of them', () => {
    const other = referenceSuperblock();
    RawSuperblock.stopReasons.set(viewOf(other), 0, Uint8Array.of(3));
    sealSuperblock(other);
    const { copy, problems } = selectSuperblock(referenceSuperblock(), other);
    expect(copy).toBe(0);
    expect(problems[0]).toMatchObject({ kind: 'superblockCopies', where: { block: 1, offset: 1024 + 2762 } });
  });

  it('with both broken throws the error of copy 0, caused by that of copy 1', () => {
    const error = corruptionOf(() => selectSuperblock(broken(200), broken(0)));
    expect(error.kind).toBe('superblockChecksum');
    expect(error.where.block).toBe(0);
    expect((error.cause as Corruption).kind).toBe('superblockMagic');
    expect((error.cause as Corruption).where.block).toBe(1);
    const unread = errorOf(() => selectSuperblock(EIO, EIO));
    expect(unread).not.toBeInstanceOf(Corruption);
    expect([unread.code, unread.syscall]).toEqual(['EIO', 'read']);
    expect((unread.cause as Error).message).toContain('copy 1');
  });

  it('refuses a volume with 16 KiB blocks whatever lies where copy 1 would be', () => {
    const copy0 = referenceSuperblock();
    RawSuperblock.logBlockSize.set(viewOf(copy0), 0, 14);
    RawSuperblock.logSectorsPerBlock.set(viewOf(copy0), 0, 5);
    sealSuperblock(copy0);
    for (const copy1 of [referenceSuperblock(), new Uint8Array(3072), EIO]) {
      expect(errorOf(() => selectSuperblock(copy0, copy1)).code).toBe('EOPNOTSUPP');
    }
  });

  it('without any magic says what the image is instead, as EINVAL', () => {
    const ext4 = new Uint8Array(3072);
    ext4.set([0x53, 0xef], 56);
    const error = errorOf(() => selectSuperblock(ext4, new Uint8Array(3072)));
    expect(error.code).toBe('EINVAL');
    expect(error.message).toContain('this is ext2, ext3 or ext4, not F2FS');
    expect((error.cause as Corruption).kind).toBe('superblockMagic');

    const sparse = new Uint8Array(8192);
    sparse.set([0x3a, 0xff, 0x26, 0xed]);
    const bytes = [sparse.subarray(1024, 4096), sparse.subarray(5120)] as const;
    expect(errorOf(() => selectSuperblock(bytes[0], bytes[1], sparse)).message).toContain('Android sparse');

    const noise = new Uint8Array(3072).fill(0x5a);
    expect(errorOf(() => selectSuperblock(noise, noise)).message).toContain('no F2FS superblock');
    expect(errorOf(() => selectSuperblock(new Uint8Array(0), new Uint8Array(0))).code).toBe('EINVAL');
  });

  it('reads the copies where they are in the volume', () => {
    const head = referenceHead();
    const { copy, problems } = selectSuperblock(head.subarray(1024, 4096), head.subarray(5120, 8192), head);
    expect([copy, problems]).toEqual([0, []]);
  });
});
