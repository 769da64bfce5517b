// Blocks that compression saves, given back and taken again; and what files take, compared with what Linux says.

import { InlineFlag } from '@f2fskit/f2fs-format';
import { BlockMapping, mapBlocks } from '@f2fskit/f2fs-node';
import { runSync } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { Vfs } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, fileUsage, mountF2fs } from '../src/index.ts';
import { CompressionWorld, codeOf, expectOwned, mounted, textOf } from './compression-world.ts';

/** The slots of a file in the way of the spec: C mark, b block, N reserved, 0 hole. */
function shapeOf(world: CompressionWorld, path: string): string {
  const { raw } = world.inode(path);
  const run = new BlockMapping();
  const end = Math.ceil(raw.fields.size / 4096);
  const released = (raw.fields.inlineFlags & InlineFlag.compressReleased) !== 0;
  let text = '';
  for (let at = 0; at < end; at = run.end) {
    runSync(mapBlocks(world.volume.store, raw, at, end, run));
    if (run.kind === 'compressed') {
      const rest = run.length - 1 - run.payloadLength;
      text += `C${'b'.repeat(run.payloadLength)}${(released ? '0' : 'N').repeat(rest)}`;
    } else text += { raw: 'b', reserved: 'N', hole: '0' }[run.kind].repeat(run.length);
  }
  return text;
}

const compressedGoldens = goldenVolumes().filter(({ files }) => files.has('cblocks'));

describe.each(compressedGoldens.map(({ name }) => name))('%s of Linux', (name) => {
  const golden = loadGolden(name);
  const volume = runSync(mountF2fs(golden.device));
  const vfs = new Vfs(volume);
  const files = golden
    .cblocks!.trimEnd()
    .split('\n')
    .map((line) => line.split('\t') as [saved: string, file: string]);

  it('has files that save what Linux counts, and take what they say', () => {
    const told: string[] = [];
    const found: string[] = [];
    for (const [saved, file] of files) {
      const { raw } = runSync(vfs.walk(`/c/${file}`)).inode as F2fsInode;
      const usage = runSync(fileUsage(volume.store, raw));
      told.push(`${file} ${saved}`);
      found.push(`${file} ${usage.savedBlocks}`);
      const { blocks, size, nids } = raw.fields;
      expect(usage.logicalBytes).toBe(size);
      // The inode, and all that its slots hold; these files need no node beside it, or their nodes are not counted.
      const counted = 1 + usage.storedBlocks + usage.reservedBlocks + usage.savedBlocks;
      if (nids.every((nid) => nid === 0)) expect([file, counted]).toEqual([file, blocks]);
    }
    expect(found).toEqual(told);
  });

  it('has one that has given its blocks back', () => {
    const usageOf = (file: string) => {
      const { raw } = runSync(vfs.walk(`/c/${file}`)).inode as F2fsInode;
      return runSync(fileUsage(volume.store, raw));
    };
    const { releasedBlocks, savedBlocks, storedBlocks, clusters } = usageOf('released');
    // The same contents as another one, which has not.
    const other = usageOf('refused');
    expect([savedBlocks, releasedBlocks, storedBlocks, clusters]).toEqual([
      0,
      other.savedBlocks,
      other.storedBlocks,
      other.clusters,
    ]);
  });
});

describe('giving back and taking again', () => {
  it('makes of a file what Linux makes of its twin', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const { space } = world.writer;
    const before = { ...world.fields('/c/refused') };
    const validBefore = space.validBlocks;
    const shape = shapeOf(world, '/c/refused');
    expect(world.using('/c/refused', (c) => c.release())).toBe(before.compressedBlocks);
    const after = world.fields('/c/refused');
    const linux = world.fields('/c/released');
    expect(shapeOf(world, '/c/refused')).toBe(shapeOf(world, '/c/released'));
    const told = ({ blocks, compressedBlocks, inlineFlags, size }: typeof after) => [
      blocks,
      compressedBlocks,
      inlineFlags,
      size,
    ];
    expect(told(after)).toEqual(told(linux));
    expect(validBefore - space.validBlocks).toBe(before.compressedBlocks);
    expect(codeOf(() => world.using('/c/refused', (c) => c.release()))).toBe('EINVAL');
    expect(codeOf(() => runSync(world.inode('/c/refused').write(0, new BytesSource(textOf(10)))))).toBe('EPERM');

    expect(world.using('/c/refused', (c) => c.reserve())).toBe(before.compressedBlocks);
    expect(told(world.fields('/c/refused'))).toEqual(told(before));
    expect([shapeOf(world, '/c/refused'), space.validBlocks]).toEqual([shape, validBefore]);
    expect(codeOf(() => world.using('/c/refused', (c) => c.reserve()))).toBe('EINVAL');
    // And what Linux gave back.
    const twin = world.using('/c/released', (c) => c.reserve());
    expect([twin, shapeOf(world, '/c/released')]).toEqual([before.compressedBlocks, shape]);
    world.write(world.inode('/c/released'), 5, textOf(10));
    runSync(world.volume.sync());
    for (const path of ['/c/released', '/c/refused']) expectOwned(world, path);
    world.leave();
  });

  it.each(['compress-lz4-256', 'compress-lzo-4'])('whole volumes: %s', (name) => {
    const world = new CompressionWorld(name);
    const valid = world.writer.space.validBlocks;
    const files = world.names('/c').filter((file) => world.fields(`/c/${file}`).compressedBlocks > 0);
    expect(files.length).toBeGreaterThan(2);
    let released = 0;
    for (const file of files) released += world.using(`/c/${file}`, (c) => c.release());
    expect(valid - world.writer.space.validBlocks).toBe(released);
    const left = world.leave();
    expect(left.usage().blocksFree).toBe(world.volume.usage().blocksFree);
    const again = mounted(world.device);
    const vfs = new Vfs(again);
    let reserved = 0;
    for (const file of files) reserved += runSync(vfs.useCompression(`/c/${file}`, (c) => c.reserve()));
    expect([reserved, again.writer!.space.validBlocks]).toEqual([released, valid]);
    runSync(again.unmount());
  });

  it('is for compressed files that save something', () => {
    const world = new CompressionWorld('compress-lz4-4');
    world.make('/c/new');
    world.make('/d/plain');
    const refusals = (path: string) => [
      codeOf(() => world.using(path, (c) => c.release())),
      codeOf(() => world.using(path, (c) => c.reserve())),
    ];
    expect(refusals('/c/new')).toEqual(['EPERM', 'EINVAL']);
    expect(refusals('/c/random')).toEqual(['EPERM', 'EINVAL']);
    expect(refusals('/d/plain')).toEqual(['EINVAL', 'EINVAL']);
    expect(refusals('/c')).toEqual(['EISDIR', 'EISDIR']);
    const plain = new CompressionWorld('plain-default');
    plain.make('/new');
    expect(codeOf(() => plain.using('/new', (c) => c.release()))).toBe('EOPNOTSUPP');
  });

  it('takes all of them again or none', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const { space } = world.writer;
    const released = world.using('/c/big', (c) => c.release());
    // Somebody else has taken the room.
    const taken = space.blocksFree - released + 1;
    space.reserve(taken);
    const before = [shapeOf(world, '/c/big'), world.fields('/c/big').blocks, space.validBlocks];
    expect(codeOf(() => world.using('/c/big', (c) => c.reserve()))).toBe('ENOSPC');
    expect([shapeOf(world, '/c/big'), world.fields('/c/big').blocks, space.validBlocks]).toEqual(before);
    space.release(1);
    expect(world.using('/c/big', (c) => c.reserve())).toBe(released);
    space.release(taken - 1);
    world.leave();
  });

  it('a damaged cluster is said, and nothing is changed', () => {
    const world = new CompressionWorld('compress-lz4-4');
    const { raw } = world.inode('/c/big');
    const { view } = runSync(world.volume.store.readInodeNode(raw));
    const at = raw.fields.addressesOffset + 4 * 5; // the first payload of the second cluster
    const address = view.getUint32(at, true);
    view.setUint32(at, 0, true);
    const slots = new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + 4096));
    expect(codeOf(() => world.using('/c/big', (c) => c.release()))).toBe('EUCLEAN');
    const after = runSync(world.volume.store.readInodeNode(raw)).bytes;
    expect(Buffer.compare(after.subarray(360, 4000), slots.subarray(360, 4000))).toBe(0);
    runSync(world.volume.store.readInodeNode(raw)).view.setUint32(at, address, true);
    expect(world.using('/c/big', (c) => c.release())).toBeGreaterThan(0);
    world.leave();
  });
});
