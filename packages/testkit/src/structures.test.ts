import {
  BLOCK_SIZE,
  clusterChecksum,
  isMainAddress,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  ROOT_INO,
} from '@f2fskit/f2fs-format';
import { describe, expect, it } from 'vitest';
import { adversaries } from './adversaries.ts';
import { goldenVolumes, loadGolden } from './golden.ts';
import { readImageBlock } from './image.ts';
import { mapStructures, type StructureKind, structureKinds } from './structures.ts';
import { VolumeBuilder } from './volume-builder.ts';
import { buildZoo } from './zoo.ts';

const names = goldenVolumes().map(({ name }) => name);
const maps = new Map(names.map((name) => [name, mapStructures(loadGolden(name).device)]));
maps.set('zoo', mapStructures(buildZoo()));

describe('the map of a volume', () => {
  it('knows as many inodes as the checkpoint counts, but for hidden and orphaned ones', () => {
    for (const [name, { frame, inodes, nids }] of maps) {
      if (name === 'zoo') continue; // built by hand, counts nothing
      const { checkpoint, superblock } = frame;
      const hidden = superblock.quotaInos.filter((ino) => ino !== 0).length;
      const orphans = checkpoint.validInodeCount - hidden - inodes.size;
      expect(orphans, name).toBeGreaterThanOrEqual(0);
      expect(orphans, name).toBeLessThanOrEqual(name.includes('orphan') ? 100 : 0);
      if (orphans === 0 && hidden === 0) expect(nids.size, name).toBe(checkpoint.validNodeCount);
    }
  });

  it('names places that lie in their block, and nodes that are what they are said to be', () => {
    for (const [name, { frame, places, owners, nids }] of maps) {
      for (const place of [...places.values()].flat()) {
        expect(place.offset + place.layout.$size, `${name} ${place.kind} ${place.label}`).toBeLessThanOrEqual(
          BLOCK_SIZE,
        );
        expect(owners.has(place.block), `${name} ${place.kind} at ${place.block}`).toBe(true);
        if (place.kind !== 'nodeFooter') continue;
        const { view } = readImageBlock(frame.image, place.block);
        expect(nids.get(NodeFooter.nid.get(view, NODE_FOOTER_OFFSET))).toBe(place.ino);
      }
    }
  });

  it('finds every kind of structure somewhere', () => {
    const found = new Set<StructureKind>([...maps.values()].flatMap(({ places }) => [...places.keys()]));
    expect(structureKinds.filter((kind) => !found.has(kind))).toEqual([]);
  });

  it('gives each block of the main area to the inodes that hang on it', () => {
    for (const { frame, owners, inodes } of maps.values()) {
      for (const [block, owner] of owners) {
        if (!isMainAddress(frame.superblock, block)) continue;
        expect(owner).not.toBe('all');
        expect(owner).toHaveLength(1);
        expect(inodes.has(owner[0] as number)).toBe(true);
      }
      expect(owners.get(0)).toBe('all');
      expect(owners.get(1)).toEqual([]);
      expect(inodes.get(ROOT_INO)).toMatchObject({ parentIno: ROOT_INO, directory: true });
    }
  });

  it('knows the payload of clusters: its checksums are right', () => {
    const map = maps.get('compress-lz4hc-chksum')!;
    let seen = 0;
    for (const { block } of map.places.get('clusterHeader')!) {
      const seal = map.seals.get(block);
      if (seal?.type !== 'cluster') continue;
      const payload = Buffer.concat(seal.payload.map((address) => readImageBlock(map.frame.image, address).bytes));
      const length = payload.readUInt32LE(0);
      expect(clusterChecksum(payload, 24, 24 + length)).toBe(payload.readUInt32LE(4));
      seen++;
    }
    expect(seen).toBeGreaterThan(5);
  });

  it('also maps a volume that was built by hand', () => {
    const volume = new VolumeBuilder();
    volume.directory(ROOT_INO, []);
    const { inodes, places } = mapStructures(volume.image);
    expect([...inodes.keys()]).toEqual([ROOT_INO]);
    expect(places.has('otherCheckpoint')).toBe(false);
    expect(adversaries.length).toBeGreaterThan(20);
  });
});
