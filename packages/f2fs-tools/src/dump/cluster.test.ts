import { COMPRESS_ADDRESS, clusterChecksum, RawInode } from '@f2fskit/f2fs-format';
import { locateDnode } from '@f2fskit/f2fs-node';
import { runSync } from '@f2fskit/task';
import { readImageBlock } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { childOf, factOf, kindsOf, rowOf } from '../../test/rows.ts';
import { damaged, goldenVolume, inoOf, mount } from '../../test/volumes.ts';
import { dumpCluster } from './cluster.ts';
import type { Dump } from './dump.ts';

function clusterOf(name: string, path: string, fileBlock: number): Dump {
  const volume = goldenVolume(name);
  return runSync(dumpCluster(volume, inoOf(volume, path), fileBlock));
}

describe('dumpCluster', () => {
  it('shows a cluster of zeros as Linux compresses it with LZ4', () => {
    const dump = clusterOf('compress-lz4-4', '/c/zeros', 9);
    expect(dump.title).toMatch(/file block 8\.\.11$/);
    expect(factOf(dump, 'kind')).toBe('compressed');
    expect(factOf(dump, 'payload')).toBe('1 block, saves 3');
    expect(factOf(dump, 'decoded')).toBe('yes: 16384 bytes, 16384 of them before the end of the file');
    expect(dump.rows.map(({ value }) => value)).toEqual([COMPRESS_ADDRESS, expect.any(Number), 0xffffffff, 0xffffffff]);
    const header = childOf(dump, 'Header');
    expect(rowOf(header, 'length')).toMatchObject({ value: 75, cName: 'clen' });
    expect(rowOf(header, 'checksum')).toMatchObject({ value: 0, meaning: 'not in use' });
  });

  it('checks the checksum where the file has them', () => {
    const header = childOf(clusterOf('compress-lz4hc-chksum', '/c/zeros', 0), 'Header');
    expect(rowOf(header, 'length').value).toBe(139);
    expect(rowOf(header, 'checksum')).toMatchObject({ value: 0x7722fa4f, meaning: 'right' });
  });

  it('shows raw clusters and holes as what they are', () => {
    const raw = clusterOf('compress-lz4-4', '/c/mixed', 0);
    expect(factOf(raw, 'kind')).toMatch(/^raw/);
    expect(raw.children).toEqual([]);
    expect(factOf(clusterOf('compress-lz4-4', '/c/sparse', 50), 'kind')).toBe('hole');
    expect(factOf(clusterOf('compress-lz4-4', '/c/mixed', 1_000_000), 'kind')).toBe('hole: no node holds its slots');
  });

  it('shows released slots', () => {
    const dump = clusterOf('compress-lz4-4', '/c/released', 0);
    expect(dump.rows.map(({ meaning }) => meaning)).toContain('released');
    expect(dump.problems).toEqual([]);
  });

  it('shows a cluster that does not decode, and why', () => {
    const volume = goldenVolume('compress-lz4hc-chksum');
    const ino = inoOf(volume, '/c/zeros');
    const payload = clusterOf('compress-lz4hc-chksum', '/c/zeros', 0).rows[1]!.value as number;
    const spoil = (change: (view: DataView) => void): Dump =>
      runSync(dumpCluster(mount(damaged('compress-lz4hc-chksum', { [payload]: change })), ino, 0));

    const wrongSum = spoil((view) => view.setUint32(4, 1, true));
    expect(kindsOf(wrongSum)).toEqual(['clusterChecksum']);
    expect(factOf(wrongSum, 'decoded')).toMatch(/^no: .*clusterChecksum/);
    expect(rowOf(childOf(wrongSum, 'Header'), 'checksum').meaning).toBe('wrong, should be 0x7722fa4f');

    const tooLong = spoil((view) => view.setUint32(0, 1_000_000, true));
    expect(kindsOf(tooLong)).toEqual(['clusterHeader']);
    expect(rowOf(childOf(tooLong, 'Header'), 'length').meaning).toBe('more than the 4072 there are');
    expect(rowOf(childOf(tooLong, 'Header'), 'checksum').meaning).toBe('cannot be checked');

    const wrongData = spoil((view) => {
      view.setUint8(24, 0xff);
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      view.setUint32(4, clusterChecksum(bytes, 24, 24 + 139), true);
    });
    expect(kindsOf(wrongData)).toEqual(['clusterData']);
  });

  it('shows slots that no cluster may have', () => {
    const volume = goldenVolume('compress-lz4-4');
    const { superblock } = volume;
    const ino = inoOf(volume, '/c/zeros');
    const inode = runSync(volume.store.readInode(ino));
    const range = runSync(locateDnode(volume.store, inode, 0));
    if (range.hole) throw new Error('zeros begins with a hole');
    // Unsealed on purpose: with the volume's inode checksums the block must stay valid, so the feature goes as well.
    const features = 1024 + 2180;
    const device = damaged('compress-lz4-4', {
      0: (view) => view.setUint32(features, superblock.features & ~0x820, true),
      1: (view) => view.setUint32(features, superblock.features & ~0x820, true),
      [range.node.address]: (view) => view.setUint32(range.slotOffset + 4, 0xffffffff, true),
    });
    const dump = runSync(dumpCluster(mount(device), ino, 0));
    expect(kindsOf(dump)).toEqual(['clusterLayout']);
    expect(factOf(dump, 'payload')).toBe('0 blocks, saves 4');
    expect(factOf(dump, 'decoded')).toBeUndefined();
    expect(dump.rows).toHaveLength(4);
    expect(readImageBlock(device, range.node.address).view.getUint16(RawInode.mode.offset, true)).toBe(0o100644);
  });

  it('refuses files without clusters and blocks that no file has', () => {
    const volume = goldenVolume('compress-lz4-4');
    const fails = (path: string, block: number, code: string): void =>
      expect(() => runSync(dumpCluster(volume, inoOf(volume, path), block))).toThrow(expect.objectContaining({ code }));
    fails('/d/b4096', 0, 'EINVAL');
    fails('/d', 0, 'EINVAL');
    fails('/c/zeros', -1, 'EINVAL');
    fails('/c/zeros', 2 ** 40, 'EFBIG');
  });
});
