// Chains that are damaged, loop, or claim what is not theirs: recovery stops before what it cannot trust, never crashes or
// hangs, and leaves a sound volume. And orphans, which are recovered with the chain.

import { FaultDevice, type MemoryDevice, ShuffleDevice, writeBytes } from '@f2fskit/block';
import {
  INODE_ADDRESSES_OFFSET,
  NODE_FOOTER_OFFSET,
  NodeFlag,
  NodeFooter,
  OrphanBlock,
  RawInode,
  sealInode,
} from '@f2fskit/f2fs-format';
import { runAsync, runSync, seededRandom } from '@f2fskit/task';
import { utf8Encode, Vfs } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { type ChainNode, readNodeChain } from '../src/recovery/node-chain.ts';
import { CrashWorld, clock, mount } from './crash-world.ts';
import { judged, objections } from './judge.ts';
import { manifestOf } from './volume-manifest.ts';

const BLOCK = 4096;
const bytes = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);

function inodeAt(volume: F2fsVolume, path: string): F2fsInode {
  return runSync(new Vfs(volume).walk(path, { followLast: false })).inode as F2fsInode;
}

function nodesOf(device: MemoryDevice): readonly ChainNode[] {
  const { superblock, checkpoint } = mount(device.clone(), { norecovery: true });
  return runSync(readNodeChain(superblock, checkpoint, device)).nodes;
}

/** Changes a block of the chain; an inode is sealed again unless told otherwise. */
function edit(
  device: MemoryDevice,
  { address, nid, ino }: ChainNode,
  change: (view: DataView, block: Uint8Array) => void,
  seal = true,
): void {
  const block = device.toBytes(address * BLOCK, BLOCK);
  change(new DataView(block.buffer), block);
  if (seal && nid === ino) sealInode(mount(device.clone(), { norecovery: true }).superblock, block);
  runSync(writeBytes(device, address * BLOCK, block));
}

/** Names of the files that a mount shows in the test's directory. */
function namesIn(volume: F2fsVolume): string[] {
  const lines = manifestOf(volume, 'bare', '/w').filter((line) => line.includes('\t./'));
  return lines.map((line) => line.slice(line.lastIndexOf('/') + 1)).sort();
}

/** Ten new files, fsynced one after the other. */
function tenFiles(name: string): CrashWorld {
  const world = new CrashWorld(name);
  for (let index = 0; index < 10; index++) {
    world.create(`/w/${index}`, bytes(100 + 3000 * index, index + 1));
    expect(world.fsync(`/w/${index}`).how).toBe('chain');
  }
  return world;
}

const kindsOf = ({ problems }: F2fsVolume): string[] =>
  problems.map(({ kind }) => kind).filter((kind) => kind !== 'flag');

/** A mount for writing shows what one for reading shows, and leaves a volume that fsck.f2fs accepts. */
function expectSoundRecovery(device: MemoryDevice, judge = judged): string[] {
  const shown = manifestOf(mount(device.clone()), 'bare');
  const writing = mount(device, { writable: true });
  expect(manifestOf(writing, 'bare')).toEqual(shown);
  runSync(inodeAt(writing, '/w').setAttributes({ mode: 0o711 }));
  runSync(writing.unmount());
  if (judge) expect(objections(device)).toBe('');
  return kindsOf(mount(device));
}

describe('a damaged chain', () => {
  it.each([0, 1, 7, 9])('is recovered up to the damage (node %i of ten)', (index) => {
    const device = tenFiles('xattr-flexible').cut();
    edit(device, nodesOf(device)[index]!, (view) => view.setUint8(1000, view.getUint8(1000) ^ 4), false);
    const volume = mount(device.clone());
    expect(namesIn(volume)).toEqual(Array.from({ length: index }, (_, n) => String(n)));
    expect(kindsOf(volume)).toEqual(index === 0 ? ['damage'] : ['damage', 'recovered']);
    expect(expectSoundRecovery(device)).toEqual([]);
  });

  it('ends at a node that was never written', () => {
    const device = tenFiles('xattr-heavy').cut();
    edit(device, nodesOf(device)[4]!, (_, block) => block.fill(0), false);
    const volume = mount(device.clone());
    expect(namesIn(volume)).toEqual(['0', '1', '2', '3']);
    expect(kindsOf(volume)).toEqual(['recovered']);
    expect(expectSoundRecovery(device)).toEqual([]);
  });

  it('is not recovered at all where it loops', () => {
    const device = tenFiles('xattr-flexible').cut();
    const nodes = nodesOf(device);
    edit(device, nodes[8]!, (view) => NodeFooter.nextAddress.set(view, NODE_FOOTER_OFFSET, nodes[2]!.address));
    const volume = mount(device.clone());
    expect(namesIn(volume)).toEqual([]);
    expect(kindsOf(volume)).toEqual(['damage']);
    expect(expectSoundRecovery(device)).toEqual([]);
  });

  // Each makes the fifth node one that recovery cannot use, with a checksum that is right.
  const footer = NodeFooter;
  it.each<[what: string, change: (view: DataView, other: ChainNode, block: Uint8Array) => void]>([
    [
      'a number that is in use',
      (view) => {
        footer.nid.set(view, NODE_FOOTER_OFFSET, 3);
        footer.ino.set(view, NODE_FOOTER_OFFSET, 3);
      },
    ],
    ['a number beyond the table', (view) => footer.nid.set(view, NODE_FOOTER_OFFSET, 0xffff_fff0)],
    [
      'the place of an indirect node',
      (view) => {
        footer.ino.set(view, NODE_FOOTER_OFFSET, 3);
        footer.flag.set(view, NODE_FOOTER_OFFSET, (3 << 3) | NodeFlag.fsync);
      },
    ],
    ['a directory', (view) => RawInode.mode.set(view, 0, 0o040755)],
    ['a parent that does not exist', (view) => RawInode.parentIno.set(view, 0, 5000)],
    ['a parent that is a file', (view, other) => RawInode.parentIno.set(view, 0, other.ino)],
    ['no name', (view) => RawInode.nameLength.set(view, 0, 0)],
    ['a name with a slash', (view) => view.setUint8(RawInode.name.offset, 0x2f)],
    [
      'a name of a directory',
      (view, _, block) => {
        RawInode.parentIno.set(view, 0, 3);
        RawInode.nameLength.set(view, 0, 1);
        block[RawInode.name.offset] = 'w'.charCodeAt(0);
      },
    ],
    ['an address outside the volume', (view) => view.setUint32(INODE_ADDRESSES_OFFSET, 0x7fff_ffff, true)],
    ['a node of the chain for a block', (view, other) => view.setUint32(INODE_ADDRESSES_OFFSET, other.address, true)],
    [
      'a place that is too far',
      (view) => {
        footer.ino.set(view, NODE_FOOTER_OFFSET, 3);
        footer.flag.set(view, NODE_FOOTER_OFFSET, ((0x1fff_fffe << 3) | NodeFlag.fsync) >>> 0);
      },
    ],
  ])('ends at %s', (_, change) => {
    const device = tenFiles('xattr-heavy').cut();
    const nodes = nodesOf(device);
    edit(device, nodes[5]!, (view, block) => change(view, nodes[2]!, block));
    const volume = mount(device.clone());
    expect(namesIn(volume)).toEqual(['0', '1', '2', '3', '4']);
    expect(kindsOf(volume)).toEqual(['damage', 'recovered']);
    expect(expectSoundRecovery(device, false)).toEqual([]);
  });

  it('takes no block of a file that the checkpoint knows', () => {
    const world = new CrashWorld('xattr-heavy');
    const old = world.create('/w/old', bytes(9000, 1));
    world.checkpoint();
    const { view } = runSync(world.volume.store.readInodeNode(old.raw));
    const address = view.getUint32(old.fields.addressesOffset, true);
    world.create('/w/new', bytes(9000, 2));
    world.fsync('/w/new');
    const device = world.cut();
    const [node] = nodesOf(device);
    edit(device, node!, (logged) => logged.setUint32(INODE_ADDRESSES_OFFSET, address, true));
    expect(namesIn(mount(device.clone()))).toEqual(['old']);
    expectSoundRecovery(device);
  });

  it('gives a block to the last who has it', () => {
    const world = new CrashWorld('xattr-heavy');
    for (const file of ['/w/first', '/w/second']) {
      world.create(file, bytes(9000, file.length));
      world.fsync(file);
    }
    const device = world.cut();
    const [first, second] = nodesOf(device);
    const block = device.toBytes(first!.address * BLOCK, BLOCK);
    const address = new DataView(block.buffer).getUint32(INODE_ADDRESSES_OFFSET + 4, true);
    edit(device, second!, (view) => {
      view.setUint32(INODE_ADDRESSES_OFFSET + 4, address, true);
      view.setUint32(INODE_ADDRESSES_OFFSET + 8, address, true);
    });
    const volume = mount(device.clone());
    expect(inodeAt(volume, '/w/first').fields.blocks).toBe(3);
    // Of its own two slots only one can have it.
    expect(inodeAt(volume, '/w/second').fields.blocks).toBe(3);
    expect(kindsOf(volume)).toEqual(['recovered']);
    expectSoundRecovery(device);
  });

  it.each([1, 2, 3])('whatever bits of it flip (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const world = tenFiles('xattr-heavy');
    world.write(world.inode('/w/3'), 9_000_000, bytes(5000, 77));
    world.fsync('/w/3');
    const image = world.cut();
    const nodes = nodesOf(image);
    for (let round = 0; round < 15; round++) {
      const device = image.clone();
      const node = nodes[random.below(nodes.length)]!;
      const flips = 1 + random.below(3);
      edit(device, node, (view) => {
        for (let flip = 0; flip < flips; flip++) {
          // Half of them where every bit means something.
          const at = random.chance(0.5) ? random.below(BLOCK) : random.below(400);
          view.setUint8(at, view.getUint8(at) ^ (1 << random.below(8)));
        }
      });
      let shown: string[];
      try {
        shown = manifestOf(mount(device.clone()), 'bare');
        const writing = mount(device, { writable: true });
        expect(manifestOf(writing, 'bare')).toEqual(shown);
        runSync(writing.unmount());
      } catch (error) {
        throw new Error(`round ${round}, node ${JSON.stringify(node)}`, { cause: error });
      }
      expect(kindsOf(mount(device))).toEqual([]);
    }
  });
});

describe('devices that wait or fail', () => {
  it('an asynchronous one is recovered as well', async () => {
    const world = tenFiles('xattr-flexible');
    const device = world.cut();
    const volume = await runAsync(mountF2fs(new ShuffleDevice(device, 3), { writable: true, clock }));
    await runAsync(volume.unmount());
    expect(manifestOf(mount(device), 'bare')).toEqual(world.promised);
  });

  it('one that cannot be read in the middle of the chain shows what comes before, and is not written to', () => {
    const image = tenFiles('xattr-flexible').cut();
    const before = image.toBytes();
    const start = nodesOf(image)[2]!.address * BLOCK;
    const failing = (): FaultDevice =>
      new FaultDevice(image, [{ operation: 'read', range: { start, end: start + BLOCK }, action: { kind: 'fail' } }]);
    const reading = runSync(mountF2fs(failing(), { clock }));
    expect(namesIn(reading)).toEqual(['0', '1']);
    expect(kindsOf(reading)).toEqual(['damage', 'recovered']);
    expect(() => runSync(mountF2fs(failing(), { clock, writable: true }))).toThrow(/EROFS.*recovery failed: EIO/);
    expect(Buffer.compare(image.toBytes(), before)).toBe(0);
  });
});

describe('orphans', () => {
  function withOrphan(): CrashWorld {
    const world = new CrashWorld('xattr-flexible');
    const inode = world.create('/w/open', bytes(5_000_000, 1));
    runSync(inode.setXattr(utf8Encode('user.large'), bytes(3000, 4)));
    world.checkpoint();
    inode.hold();
    world.unlink('/w/open');
    world.checkpoint();
    return world;
  }

  it('are freed by a mount for writing', () => {
    const world = withOrphan();
    const device = world.cut();
    const before = mount(device.clone(), { norecovery: true }).usage();
    const volume = mount(device, { writable: true });
    expect(kindsOf(volume)).toEqual([]);
    const after = volume.usage();
    expect(before.inodes - after.inodes).toBe(1);
    expect(after.blocksFree - before.blocksFree).toBeGreaterThan(1220);
    expect(manifestOf(volume, 'bare')).toEqual(world.promised);
    expect(expectSoundRecovery(device)).toEqual([]);
  });

  it('stay where the volume is only read, or is not to be recovered', () => {
    const device = withOrphan().cut();
    expect(kindsOf(mount(device))).toEqual(['orphans']);
    expect(() => mount(device, { writable: true, norecovery: true })).toThrow(/EROFS.*orphans/);
  });

  it('that have names, or do not exist, are let go and told of', () => {
    const world = withOrphan();
    const device = world.cut();
    const { pack } = mount(device, { norecovery: true });
    const address = pack.address + pack.layout.orphanIndex;
    const block = device.toBytes(address * BLOCK, BLOCK);
    const view = new DataView(block.buffer);
    const named = world.inode('/w').ino;
    for (const [index, ino] of [named, 0xffff_fff0, 0, 4999].entries()) OrphanBlock.inos.set(view, 0, index + 1, ino);
    OrphanBlock.entryCount.set(view, 0, 5);
    runSync(writeBytes(device, address * BLOCK, block));
    const volume = mount(device, { writable: true });
    expect(kindsOf(volume)).toEqual(['damage', 'damage', 'damage', 'damage']);
    expect(manifestOf(volume, 'bare')).toEqual(world.promised);
    expect(expectSoundRecovery(device)).toEqual([]);
  });
});
