import { NODE_FOOTER_OFFSET, NodeFooter, nodeFooterFlag, XATTR_NODE_OFFSET } from '@f2fskit/f2fs-format';
import { runSync, Tracer } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { corruptionOf, errorOf, openInode, storeOf } from '../test/support.ts';
import { TestVolume } from '../test/test-volume.ts';
import { NodeStore } from './index.ts';

const INO = 10;
const NID = 11;

/** A node of inode 10 at offset 1, and a footer field that a test breaks. */
function brokenNode(change: (view: DataView) => void): { volume: TestVolume; address: number } {
  const volume = new TestVolume();
  const address = volume.node(NID, INO, 1, [1, 2, 3]);
  volume.edit(address, change);
  return { volume, address };
}

describe('readNode', () => {
  it('gives the block of the node', () => {
    const { volume, address } = brokenNode(() => {});
    const block = runSync(storeOf(volume).readNode(NID, { ino: INO, nodeOffset: 1 }));
    expect(block.address).toBe(address);
    expect(block.view.getUint32(8, true)).toBe(3);
  });

  it('compares each field of the footer with what the walk expects', () => {
    const nid = brokenNode((view) => NodeFooter.nid.set(view, NODE_FOOTER_OFFSET, 12));
    expect(corruptionOf(storeOf(nid.volume).readNode(NID, { ino: INO, nodeOffset: 1 }))).toMatchObject({
      kind: 'nodeFooterNid',
      where: { block: nid.address, offset: 4072, nid: NID, ino: INO },
      expected: NID,
      found: 12,
    });
    const ino = brokenNode((view) => NodeFooter.ino.set(view, NODE_FOOTER_OFFSET, 12));
    expect(corruptionOf(storeOf(ino.volume).readNode(NID, { ino: INO, nodeOffset: 1 }))).toMatchObject({
      kind: 'nodeFooterIno',
      where: { block: ino.address, offset: 4076, nid: NID },
      expected: INO,
      found: 12,
    });
    const place = brokenNode((view) => NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, nodeFooterFlag(2, 7)));
    expect(corruptionOf(storeOf(place.volume).readNode(NID, { ino: INO, nodeOffset: 1 }))).toMatchObject({
      kind: 'nodeOffset',
      where: { block: place.address, offset: 4080, nid: NID },
      expected: 1,
      found: 2,
    });
  });

  it('never takes an inode for a node of its own tree', () => {
    // A nid that names its own inode, whose footer even claims the place: the words of the inode would be addresses.
    const volume = new TestVolume();
    const claims = nodeFooterFlag(1, 0);
    volume.inode(INO, { nids: [INO], raw: (view) => NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, claims) });
    const error = corruptionOf(storeOf(volume).readNode(INO, { ino: INO, nodeOffset: 1 }));
    expect(error).toMatchObject({ kind: 'nodeOffset', expected: 1, found: 'the inode itself' });
  });

  it('refuses a NAT entry without a block, without reading one', () => {
    for (const [address, kind] of [
      [0, 'natEntry'],
      [0xffff_ffff, 'natEntry'],
      [0xffff_fffe, 'blockAddress'],
      [1, 'blockAddress'],
      [4095, 'blockAddress'], // main area: 4096 …
      [4096 + 42 * 512, 'blockAddress'],
    ] as const) {
      const volume = new TestVolume();
      volume.setNat(NID, address);
      const store = storeOf(volume);
      const error = corruptionOf(store.readNode(NID, { ino: INO, nodeOffset: 1 }));
      expect(error, String(address)).toMatchObject({ kind, where: { nid: NID, ino: INO }, found: address });
      expect(store.blocks.misses).toBe(1);
    }
  });

  it('takes the first and the last block of the main area', () => {
    const volume = new TestVolume();
    for (const address of [4096, 4096 + 42 * 512 - 1]) {
      volume.setNat(NID, address);
      // The block is zero: the address was accepted, the footer is not.
      expect(corruptionOf(storeOf(volume).readNode(NID, { ino: INO, nodeOffset: 1 })).kind).toBe('nodeFooterNid');
    }
  });

  it('fails with EIO where the device ends before the node', () => {
    const volume = new TestVolume({ deviceBlocks: 4096 });
    volume.setNat(NID, 4100);
    expect(errorOf(storeOf(volume).readNode(NID, { ino: INO, nodeOffset: 1 })).code).toBe('EIO');
  });

  it('tells a listener what it read', () => {
    const { volume, address } = brokenNode(() => {});
    const plain = storeOf(volume);
    const tracer = new Tracer();
    const store = new NodeStore(plain.superblock, plain.blocks, plain.nat, tracer);
    const events: unknown[] = [];
    tracer.listen((name, event) => events.push([name, event]));
    runSync(store.readNode(NID, { ino: INO, nodeOffset: 1 }));
    expect(events).toEqual([['node:read', { nid: NID, ino: INO, nodeOffset: 1, block: address }]]);
  });
});

describe('readInode', () => {
  it('decodes and checks the inode', () => {
    const { inode } = openInode(new TestVolume(), INO, { size: 12_345, links: 3 });
    expect(inode).toMatchObject({ ino: INO, fields: { size: 12_345, links: 3, addressesPerInode: 914 } });
    const unsealed = new TestVolume();
    unsealed.inode(INO, { unsealed: true });
    expect(corruptionOf(storeOf(unsealed).readInode(INO)).kind).toBe('inodeChecksum');
  });

  it('does not care for the offset in an inode: nothing reads it', () => {
    const raw = (view: DataView): void => NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, nodeFooterFlag(5, 0));
    expect(openInode(new TestVolume(), INO, { raw }).inode.ino).toBe(INO);
  });

  it('refuses a node that is no inode', () => {
    const volume = new TestVolume();
    volume.node(NID, INO, 1);
    expect(corruptionOf(storeOf(volume).readInode(NID))).toMatchObject({ kind: 'nodeFooterIno', found: INO });
  });
});

describe('readXattrNode', () => {
  it('expects the offset of xattr nodes', () => {
    const volume = new TestVolume();
    volume.node(NID, INO, XATTR_NODE_OFFSET, [0xf2f5_2011]);
    volume.node(12, INO, 1);
    const { store, inode } = openInode(volume, INO, { xattrNid: NID });
    expect(runSync(store.readXattrNode(inode)).view.getUint32(0, true)).toBe(0xf2f5_2011);
    const other = openInode(volume, INO, { xattrNid: 12 });
    expect(corruptionOf(other.store.readXattrNode(other.inode))).toMatchObject({
      kind: 'nodeOffset',
      expected: XATTR_NODE_OFFSET,
      found: 1,
    });
  });
});
