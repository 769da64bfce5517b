import {
  ExtraAttributes,
  INODE_ADDRESSES_OFFSET,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  natCopyAddress,
  natEntryOffset,
  RawInode,
} from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { childOf, factOf, kindsOf, rowOf } from '../../test/rows.ts';
import { damaged, goldenVolume, inoOf, mount, pinnedManifest } from '../../test/volumes.ts';
import { DentryDumps } from './dentries.ts';
import { dumpDnode } from './dnode.ts';
import type { Dump } from './dump.ts';
import { dumpInode } from './inode.ts';

function inodeOf(name: string, path: string): Dump {
  const volume = goldenVolume(name);
  return runSync(dumpInode(volume, inoOf(volume, path)));
}

/** `plain` with the inode at `path` changed, and its number. */
function withInode(path: string, change: (view: DataView) => void) {
  const volume = goldenVolume('plain');
  const ino = inoOf(volume, path);
  const { blockAddress } = runSync(volume.store.nat.lookup(ino));
  return { ino, volume: mount(damaged('plain', { [blockAddress]: change })) };
}

describe('dumpInode', () => {
  it('shows what Linux recorded for every file', () => {
    const volume = goldenVolume('plain');
    let checked = 0;
    for (const line of pinnedManifest().split('\n')) {
      const [type, mode, uid, gid, links, size, seconds, , , path] = line.split('\t');
      if (path === undefined || path.includes('many/')) continue;
      const dump = runSync(dumpInode(volume, inoOf(volume, path.slice(1) || '/')));
      expect(dump.problems).toEqual([]);
      expect(rowOf(dump, 'mode').value).toBe(Number.parseInt(mode!, 8) | typeBits[type!]!);
      expect(rowOf(dump, 'uid').value).toBe(Number(uid));
      expect(rowOf(dump, 'gid').value).toBe(Number(gid));
      expect(rowOf(dump, 'links').value).toBe(Number(links));
      expect(rowOf(dump, 'modifySeconds').value).toBe(Number(seconds));
      // A device or a pipe has no size of its own to compare.
      if (type === 'file' || type === 'symlink') expect(rowOf(dump, 'size').value).toBe(Number(size));
      checked++;
    }
    expect(checked).toBeGreaterThan(30);
  });

  it('shows the slots of a file, with its holes', () => {
    const dump = inodeOf('plain', '/d/sparse');
    expect(rowOf(dump, 'extent.fileBlock')).toMatchObject({ value: 1000, cName: 'i_ext.fofs' });
    expect(rowOf(dump, 'nids[0]').meaning).toBe('direct: node 19');
    const slots = childOf(dump, 'Slots');
    expect(slots.rows.map(({ name, cName }) => [name, cName])).toEqual([
      ['addresses[0..9]', 'i_addr[0..9]'],
      ['addresses[10..11]', 'i_addr[10..11]'],
      ['addresses[12..872]', 'i_addr[12..872]'],
    ]);
    expect(slots.rows[0]).toMatchObject({ value: 0, run: 10, meaning: 'file block 0..9: 10 holes' });
    expect(slots.rows[1]).toMatchObject({ run: 2, offset: 400, size: 8, type: 'u32[2]' });
  });

  it('shows extra attributes and the clusters of a compressed file', () => {
    const dump = inodeOf('compress-lz4-4', '/c/mixed');
    const extra = childOf(dump, 'Extra attributes');
    expect(rowOf(extra, 'checksum').meaning).toBe('right');
    expect(rowOf(extra, 'compressAlgorithm')).toMatchObject({ value: 1, meaning: 'lz4' });
    expect(rowOf(extra, 'logClusterSize')).toMatchObject({ value: 2, meaning: '4 blocks' });
    const cluster = rowOf(childOf(dump, 'Slots'), 'addresses[4..7]');
    expect(cluster.value).toEqual([0xfffffffe, 6161, 6162, 0xffffffff]);
    expect(cluster.meaning).toBe('file block 4..7: compressed cluster: payload 6161..6162, 1 reserved');
    // The first slot is the tenth word of the C array: the extra attributes take nine.
    expect(childOf(dump, 'Slots').rows[0]!.cName).toBe('i_addr[9..12]');
  });

  it('shows inline data, inline entries, device numbers and a symlink', () => {
    const file = childOf(inodeOf('plain', '/d/inline'), 'Inline data, 3000 bytes');
    expect(file.rows[0]).toMatchObject({ offset: 0, size: 3000 });
    expect(file.place.offset).toBe(364);
    expect(childOf(inodeOf('plain', '/d/short'), 'Inline data').rows[0]!.meaning).toBe('"text"');
    expect(childOf(inodeOf('plain', '/d/blk'), 'Device numbers').rows[1]!.meaning).toBe('device 259:70000');
    const names = childOf(inodeOf('compress-lz4-4', '/d/a'), 'Inline entries').rows.map(({ meaning }) => meaning);
    expect(names).toHaveLength(3);
    expect(names[2]).toMatch(/^"b": ino \d+, directory, slot 2$/);
  });

  it('shows attributes that straddle the inode and the xattr node', () => {
    const volume = goldenVolume('plain');
    const dump = inodeOf('plain', '/d/text');
    const attributes = childOf(dump, 'Extended attributes');
    const nid = rowOf(dump, 'xattrNid').value as number;
    expect(attributes.rows.map(({ meaning }) => String(meaning).split(',')[0])).toContain('"user.small"');
    const big = attributes.rows.find(({ meaning }) => String(meaning).startsWith('"user.big", 2500 bytes'));
    expect(big).toMatchObject({ size: 2500 + 3 + 4, type: 'f2fs_xattr_entry' });
    expect(big!.offset).toBeLessThan(200);
    // The node itself shows the same list.
    const node = runSync(dumpDnode(volume, nid));
    expect(node.title).toBe(`Node ${nid}, xattr node of ino ${inoOf(volume, '/d/text')}`);
    expect(childOf(node, 'Extended attributes')).toEqual(attributes);
  });

  it('shows an inode that breaks rules, and the rule', () => {
    const { ino, volume } = withInode('/d/b4096', (view) => RawInode.mode.set(view, 0, 0o777));
    const dump = runSync(dumpInode(volume, ino));
    expect(kindsOf(dump)).toEqual(['inodeMode']);
    expect(rowOf(dump, 'mode')).toMatchObject({ value: 0o777, meaning: '0o777, unknown' });
    expect(rowOf(dump, 'size').value).toBe(4096);
    expect(childOf(dump, 'Slots').rows[0]!.value).toBeGreaterThan(4096);
  });

  it('says what a wrong checksum should be', () => {
    const golden = goldenVolume('compress-lz4-4');
    const ino = inoOf(golden, '/c/mixed');
    const { blockAddress } = runSync(golden.store.nat.lookup(ino));
    const device = damaged('compress-lz4-4', { [blockAddress]: (view) => RawInode.uid.set(view, 0, 77) });
    const dump = runSync(dumpInode(mount(device), ino));
    expect(kindsOf(dump)).toEqual(['inodeChecksum']);
    expect(rowOf(dump, 'uid').value).toBe(77);
    expect(rowOf(childOf(dump, 'Extra attributes'), 'checksum').meaning).toMatch(/^wrong, should be 0x/);
  });

  it('shows another node where an inode should be', () => {
    const volume = goldenVolume('plain');
    const ino = inoOf(volume, '/d/b4096');
    const other = runSync(volume.store.nat.lookup(inoOf(volume, '/d/b4097'))).blockAddress;
    const nat = natCopyAddress(volume.superblock, 0, 1);
    const device = damaged('plain', { [nat]: (view) => view.setUint32(natEntryOffset(ino) + 5, other, true) });
    const dump = runSync(dumpInode(mount(device), ino));
    expect(kindsOf(dump)).toEqual(['nodeFooterNid']);
    expect(rowOf(dump, 'name').meaning).toBe('"b4097"');
    expect(rowOf(dump, 'footer.nid').value).toBe(inoOf(volume, '/d/b4097'));
  });

  it('stays in the block whatever the sizes of its areas claim', () => {
    const { ino, volume } = withInode('/d/b4096', (view) => {
      RawInode.inlineFlags.set(view, 0, 0x23);
      ExtraAttributes.size.set(view, INODE_ADDRESSES_OFFSET, 0xffff);
      RawInode.size.set(view, 0, 2 ** 52);
    });
    const dump = runSync(dumpInode(volume, ino));
    expect(kindsOf(dump)).toEqual(['inodeExtraFeature']);
    expect(childOf(dump, 'Extra attributes').rows).toHaveLength(10);
    const inline = childOf(dump, 'Inline data');
    expect(inline.place.offset + inline.rows[0]!.size).toBeLessThanOrEqual(RawInode.nids.offset);
  });

  it('refuses numbers without an inode', () => {
    const volume = goldenVolume('plain');
    const fails = (ino: number, code: string): void =>
      expect(() => runSync(dumpInode(volume, ino))).toThrow(expect.objectContaining({ code }));
    fails(volume.store.nat.nidEnd, 'EINVAL');
    fails(-3, 'EINVAL');
    fails(2, 'ENOENT');
    fails(volume.store.nat.nidEnd - 1, 'ENOENT');
  });

  it('refuses an address that no device has, and shows a block of another area', () => {
    const { superblock } = goldenVolume('plain');
    const ino = inoOf(goldenVolume('plain'), '/d/b4096');
    const at = natEntryOffset(ino) + 5;
    const pointTo = (address: number) =>
      mount(damaged('plain', { [natCopyAddress(superblock, 0, 1)]: (view) => view.setUint32(at, address, true) }));
    expect(() => runSync(dumpInode(pointTo(0xfff0_0000), ino))).toThrow('blockAddress');
    expect(kindsOf(runSync(dumpInode(pointTo(513), ino)))[0]).toBe('blockAddress');
  });
});

const typeBits: Record<string, number> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  socket: 0o140000,
};

describe('dumpDnode', () => {
  it('shows a direct node with the file blocks of its slots', () => {
    const volume = goldenVolume('plain');
    const dump = runSync(dumpDnode(volume, 19));
    expect(dump.title).toBe('Node 19, direct node of ino 18');
    expect(factOf(dump, 'file blocks')).toBe('873..1890');
    expect(rowOf(dump, 'addresses[127..129]')).toMatchObject({
      run: 3,
      cName: 'addr[127..129]',
      meaning: expect.stringMatching(/^file block 1000\.\.1002: block \d+\.\.\d+ \(segment 3, block \d+\)$/),
    });
    expect(rowOf(dump, 'footer.flag').meaning).toEqual(['node offset 1', 'cold']);
  });

  it('shows indirect nodes with their nids, down to the last block of a huge file', () => {
    const volume = goldenVolume('plain');
    const far = runSync(dumpDnode(volume, inoOf(volume, '/far')));
    expect(far.title).toMatch(/^Inode/);
    const double = runSync(dumpDnode(volume, rowOf(far, 'nids[4]').value as number));
    expect(double.title).toMatch(/indirect node of ino/);
    const indirect = double.rows.find(({ name, value }) => name.startsWith('nids[') && value !== 0);
    const below = runSync(dumpDnode(volume, indirect!.value as number));
    expect(below.title).toMatch(/indirect node of ino/);
    expect(below.rows.filter(({ name }) => name.startsWith('nids[')).reduce((n, row) => n + (row.run ?? 1), 0)).toBe(
      1018,
    );
  });

  it('shows a node that another one took the place of', () => {
    const volume = goldenVolume('plain');
    const { blockAddress } = runSync(volume.store.nat.lookup(19));
    const device = damaged('plain', { [blockAddress]: (view) => NodeFooter.nid.set(view, NODE_FOOTER_OFFSET, 500) });
    const dump = runSync(dumpDnode(mount(device), 19));
    expect(kindsOf(dump)).toEqual(['nodeFooterNid']);
    expect(dump.title).toBe('Node 19, direct node of ino 18');
  });

  it('shows a node that is none', () => {
    const { blockAddress } = runSync(goldenVolume('plain').store.nat.lookup(19));
    const device = damaged('plain', {
      [blockAddress]: (view) => NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, 0xfff0_0000),
    });
    const dump = runSync(dumpDnode(mount(device), 19));
    expect(dump.title).toBe('Node 19, node of no kind of ino 18');
    expect(rowOf(dump, 'body').size).toBe(4072);
  });
});

describe('DentryDumps', () => {
  it('shows every entry of a directory, and the dots', () => {
    const volume = goldenVolume('plain');
    const areas = runSync(DentryDumps.of(volume, inoOf(volume, '/d/many')));
    const names: string[] = [];
    for (let area = runSync(areas.next()); area !== undefined; area = runSync(areas.next())) {
      expect(area.problems).toEqual([]);
      for (const { meaning } of area.rows) {
        expect(meaning).not.toMatch('hash should be');
        names.push(/^"(.*?)"/.exec(String(meaning))![1]!);
      }
    }
    const lines = pinnedManifest().split('\n');
    const expected = lines.flatMap((line) => /\t\.\/d\/many\/(.+)$/.exec(line)?.[1] ?? []);
    expect(names.sort()).toEqual(['.', '..', ...expected].sort());
  });

  it('shows an entry whose name does not fit, and goes on behind it', () => {
    const volume = goldenVolume('plain');
    const root = runSync(volume.store.readInode(3));
    const block = runSync(volume.store.readInodeNode(root)).view.getUint32(INODE_ADDRESSES_OFFSET, true);
    const device = damaged('plain', { [block]: (view) => view.setUint16(30 + 11 * 2 + 8, 4000, true) });
    const areas = runSync(DentryDumps.of(mount(device), 3));
    const area = runSync(areas.next())!;
    expect(kindsOf(area)).toEqual(['dentry']);
    expect(area.rows.map(({ meaning }) => meaning)).toEqual([
      '".": ino 3, directory, slot 0',
      '"..": ino 3, directory, slot 1',
      'a name of 4000 bytes, which does not fit',
      expect.stringMatching(/^"far": /),
    ]);
    expect(runSync(areas.next())).toBeUndefined();
  });

  it('marks a hash that does not belong to its name', () => {
    const volume = goldenVolume('plain');
    const root = runSync(volume.store.readInode(3));
    const block = runSync(volume.store.readInodeNode(root)).view.getUint32(INODE_ADDRESSES_OFFSET, true);
    const device = damaged('plain', { [block]: (view) => view.setUint32(30 + 11 * 2, 1, true) });
    const area = runSync(runSync(DentryDumps.of(mount(device), 3)).next())!;
    expect(area.rows[2]!.meaning).toMatch(/hash should be 0x3ff1307e$/);
  });

  it('refuses what is no directory', () => {
    const volume = goldenVolume('plain');
    expect(() => runSync(DentryDumps.of(volume, inoOf(volume, '/d/fifo')))).toThrow(/is no directory but a fifo/);
  });
});
