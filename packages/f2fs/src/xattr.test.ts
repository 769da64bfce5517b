import { StatisticsDevice } from '@f2fskit/block';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../test/dentries.ts';
import { contextOf } from '../test/file-context.ts';
import { corruptionOf, MountableVolume } from '../test/mountable-volume.ts';
import { inodeWithXattrs, type TestXattr, xattrList } from '../test/xattrs.ts';
import { readStoredXattrs, readXattrs } from './xattr.ts';

const INO = 10;
/** Bytes of an xattr node that hold attributes. */
const NODE = 4072;
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function openWith(list: Uint8Array, words: number, node: boolean) {
  const volume = new MountableVolume();
  const { xattrNid } = inodeWithXattrs(volume, INO, list, { words, node });
  const device = new StatisticsDevice(volume.device);
  const { store } = contextOf(volume, device);
  const inode = runSync(store.readInode(INO));
  device.reset();
  return { store, inode, device, xattrNid };
}

const user = (name: string, value: string | Uint8Array): TestXattr => ({ index: 1, name, value: bytesOf(value) });

function storedOf(entries: readonly TestXattr[], words: number, node: boolean) {
  const { store, inode } = openWith(xattrList(entries), words, node);
  return runSync(readStoredXattrs(store, inode)).map(({ index, name, value }) => [index, latin1(name), latin1(value)]);
}

describe('readStoredXattrs', () => {
  const entries = [user('a', 'one'), { index: 6, name: 'selinux', value: bytesOf('u:object_r:x:s0\0') }, user('b', '')];
  const plain = [
    [1, 'a', 'one'],
    [6, 'selinux', 'u:object_r:x:s0\0'],
    [1, 'b', ''],
  ];

  it.each([
    ['in the inode', 50, false],
    ['in the node alone', 0, true],
    ['in the inode, with a node that holds nothing', 50, true],
    ['from the inode into the node', 6 + 3, true], // the second entry straddles
    ['in the node, behind a header that fills the inline area', 6, true],
  ])('reads a list %s', (_, words, node) => {
    expect(storedOf(entries, words, node)).toEqual(plain);
  });

  it('reads lists of any entries, wherever the border lies', () => {
    const one = fc.record({
      index: fc.constantFrom(1, 4, 6, 9),
      name: fc.uint8Array({ minLength: 1, maxLength: 255 }),
      value: fc.uint8Array({ maxLength: 600 }),
    });
    const words = fc.oneof(fc.constant(0), fc.integer({ min: 6, max: 903 }));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), words, fc.boolean(), (list, inlineWords, node) => {
        const room = 4 * inlineWords + (node ? NODE : 0);
        const fitting = list.filter((_, index) => xattrList(list.slice(0, index + 1)).length <= room);
        const { store, inode } = openWith(xattrList(fitting), inlineWords, node);
        const found = runSync(readStoredXattrs(store, inode));
        const expected = room < 24 + 4 ? [] : fitting;
        expect(found.map(({ index, name, value }) => [index, latin1(name), latin1(value)])).toEqual(
          expected.map(({ index, name, value }) => [index, latin1(name), latin1(value)]),
        );
      }),
    );
  });

  it('reads an entry that ends with the area, where no zero word follows', () => {
    const words = 50;
    const exact = [user('n', new Uint8Array(4 * words - 24 - 4 - 1).fill(7))];
    expect(xattrList(exact).length).toBe(4 * words);
    expect(storedOf(exact, words, false)).toHaveLength(1);
    const inNode = [user('n', new Uint8Array(4 * words + NODE - 24 - 4 - 1).fill(7))];
    expect(storedOf(inNode, words, true)).toHaveLength(1);
    // The last four bytes are an entry without name and value.
    const empty = { index: 1, name: '', value: new Uint8Array(0) };
    expect(storedOf([user('n', new Uint8Array(4 * words - 24 - 4 - 1 - 4).fill(7)), empty], words, false)).toHaveLength(
      2,
    );
  });

  it('ends at a zero word', () => {
    const list = xattrList([user('a', 'x')]);
    const stale = Uint8Array.from([...list, 0, 0, 0, 0, ...xattrList([user('stale', 'y')]).subarray(24)]);
    const { store, inode } = openWith(stale, 50, false);
    expect(runSync(readStoredXattrs(store, inode))).toHaveLength(1);
  });

  it('finds nothing in zeros, and reads no node that is not there', () => {
    const { store, inode, device } = openWith(new Uint8Array(200), 50, false);
    expect(runSync(readStoredXattrs(store, inode))).toEqual([]);
    const none = openWith(new Uint8Array(0), 0, false);
    expect(runSync(readStoredXattrs(none.store, none.inode))).toEqual([]);
    expect(device.snapshot().read.bios + none.device.snapshot().read.bios).toBe(0);
  });

  it('does not look at the magic, as Linux does not', () => {
    const { store, inode } = openWith(xattrList([user('a', 'x')], 0x1234_5678), 50, false);
    expect(runSync(readStoredXattrs(store, inode))).toHaveLength(1);
  });

  it('refuses an entry that goes beyond the area, and says where', () => {
    const words = 20;
    const list = xattrList([user('a', 'x'), user('b', new Uint8Array(60))]);
    const inInode = openWith(list, words, false);
    const block = inInode.inode.address;
    expect(corruptionOf(readStoredXattrs(inInode.store, inInode.inode))).toMatchObject({
      kind: 'xattrEntry',
      where: { block, ino: INO, offset: 360 + 4 * (923 - words) + 24 + 8 },
      found: 24 + 8 + 4 + 1 + 60,
    });
    // The same list is fine with a node behind it; the next one begins there.
    const long = xattrList([user('a', new Uint8Array(60)), user('b', new Uint8Array(5000))]);
    const inNode = openWith(long.slice(0, 4 * words + NODE), words, true);
    expect(corruptionOf(readStoredXattrs(inNode.store, inNode.inode))).toMatchObject({
      kind: 'xattrEntry',
      where: { nid: inNode.xattrNid, ino: INO, offset: 24 + 68 - 4 * words },
    });
  });
});

describe('readXattrs', () => {
  function shown(...entries: TestXattr[]): Array<[string, string]> {
    const { store, inode } = openWith(xattrList(entries), 100, false);
    return runSync(readXattrs(store, inode)).map(({ name, value }) => [
      latin1(name),
      Buffer.from(value).toString('hex'),
    ]);
  }

  it('puts the prefix before the name, and leaves out what is not for users', () => {
    const value = Uint8Array.of(1);
    const all = [1, 4, 6, 9, 11, 5, 7, 200].map((index) => ({ index, name: 'n', value }));
    expect(shown(...all).map(([name]) => name)).toEqual(['user.n', 'trusted.n', 'security.n']);
    expect(shown({ index: 1, name: Uint8Array.of(0xff), value })).toEqual([['user.\xff', '01']]);
  });

  it('shows ACLs in the form that programs know', () => {
    // u::rw-, u:1000:r--, g::r--, m::r--, o::---
    const stored = '01000000 01000600 02000400e8030000 04000400 10000400 20000000'.replaceAll(' ', '');
    const user = '02000000 01000600ffffffff 02000400e8030000 04000400ffffffff 10000400ffffffff 20000000ffffffff';
    const value = Uint8Array.from(Buffer.from(stored, 'hex'));
    expect(shown({ index: 2, name: '', value }, { index: 3, name: '', value })).toEqual([
      ['system.posix_acl_access', user.replaceAll(' ', '')],
      ['system.posix_acl_default', user.replaceAll(' ', '')],
    ]);
  });

  it('refuses an ACL that is none', () => {
    const { store, inode } = openWith(xattrList([{ index: 2, name: '', value: Uint8Array.of(9, 0, 0, 0) }]), 50, false);
    expect(corruptionOf(readXattrs(store, inode)).kind).toBe('acl');
  });

  it('gives copies: changing one changes nothing in the cache', () => {
    const { store, inode } = openWith(xattrList([user('a', 'one')]), 50, false);
    runSync(readXattrs(store, inode))[0]!.value.fill(0);
    expect(latin1(runSync(readXattrs(store, inode))[0]!.value)).toBe('one');
  });
});
