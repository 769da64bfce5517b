// Bytes that nobody wrote: every dump of a volume with a block of random bytes in it ends, and shows what it can. Only
// errors of the catalogue may come out, never a crash.

import { FsError } from '@f2fskit/errno';
import { SEGMENT_BLOCKS } from '@f2fskit/f2fs-format';
import { runSync, seededRandom, type Task } from '@f2fskit/task';
import { readImageBlock, writeImageBlock } from '@f2fskit/testkit';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  DentryDumps,
  type Dump,
  dumpBlock,
  dumpCheckpoint,
  dumpCluster,
  dumpDnode,
  dumpInode,
  dumpJson,
  dumpNat,
  dumpSit,
  dumpSsa,
  dumpSuperblock,
  tableLines,
} from '../src/index.ts';
import { damaged, goldenVolume, inoOf, mount } from './volumes.ts';

/** Runs a dump and prints it; an error of the catalogue is an answer too. */
function survives(task: () => Task<Dump | undefined>): boolean {
  try {
    const dump = runSync(task());
    if (dump === undefined) return true;
    JSON.stringify(dumpJson(dump));
    expect(tableLines(dump).length).toBeGreaterThan(0);
    return true;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    return false;
  }
}

/** The block at `address` of a golden volume with some of its bytes replaced. */
function scribbled(name: string, address: number, seed: number, share: number) {
  const device = damaged(name, {});
  const block = readImageBlock(device, address);
  const random = seededRandom(seed);
  for (let at = 0; at < block.bytes.length; at++) if (random.chance(share)) block.bytes[at] = random.below(256);
  writeImageBlock(device, address, block.bytes);
  return device;
}

const seeds = fc.integer({ min: 1, max: 0x7fff_ffff });
const shares = fc.constantFrom(0.001, 0.02, 1);

it.each([
  ['compress-lz4-4', '/c/mixed'],
  ['compress-lz4-4', '/d/a'],
  ['compress-lz4-4', '/d/inline'],
  ['plain', '/d/text'],
  ['plain', '/d/many'],
])('any inode block of %s, where %s was', (name, path) => {
  const golden = goldenVolume(name);
  const ino = inoOf(golden, path);
  const { blockAddress } = runSync(golden.store.nat.lookup(ino));
  fc.assert(
    fc.property(seeds, shares, (seed, share) => {
      const volume = mount(scribbled(name, blockAddress, seed, share));
      expect(survives(() => dumpInode(volume, ino))).toBe(true);
      expect(survives(() => dumpDnode(volume, ino))).toBe(true);
      survives(() => dumpCluster(volume, ino, 4));
      survives(function* () {
        return yield* (yield* DentryDumps.of(volume, ino)).next();
      });
    }),
    { numRuns: 25 },
  );
});

it('any direct node, xattr node, dentry block and summary of plain', () => {
  const golden = goldenVolume('plain');
  const xattrNid = runSync(golden.store.readInode(inoOf(golden, '/d/text'))).fields.xattrNid;
  const root = runSync(golden.store.readInode(3));
  fc.assert(
    fc.property(seeds, shares, fc.constantFrom(19, xattrNid), (seed, share, nid) => {
      const { blockAddress } = runSync(golden.store.nat.lookup(nid));
      const volume = mount(scribbled('plain', blockAddress, seed, share));
      expect(survives(() => dumpDnode(volume, nid))).toBe(true);
      expect(survives(() => dumpBlock(volume, blockAddress))).toBe(true);
    }),
    { numRuns: 25 },
  );
  const dentries = runSync(golden.store.readInodeNode(root)).view.getUint32(root.fields.addressesOffset, true);
  fc.assert(
    fc.property(seeds, shares, (seed, share) => {
      const volume = mount(scribbled('plain', dentries, seed, share));
      expect(
        survives(function* () {
          return yield* (yield* DentryDumps.of(volume, 3)).next();
        }),
      ).toBe(true);
    }),
    { numRuns: 25 },
  );
});

it('any superblock and any checkpoint, from the device', () => {
  fc.assert(
    fc.property(seeds, shares, fc.constantFrom(0, 1, 512, 513, 517, 1024), (seed, share, address) => {
      const device = scribbled('plain', address, seed, share);
      for (const copy of [undefined, 0, 1] as const) {
        expect(survives(() => dumpSuperblock(device, copy))).toBe(true);
        survives(() => dumpCheckpoint(device, copy));
      }
    }),
    { numRuns: 60 },
  );
});

it('any journal, NAT block, SIT block and summary of a volume that mounts', () => {
  const { superblock } = goldenVolume('plain');
  const tables = [513, 514, superblock.sitAddress, superblock.natAddress + SEGMENT_BLOCKS];
  fc.assert(
    fc.property(seeds, fc.constantFrom(0.001, 0.02), fc.constantFrom(...tables), (seed, share, address) => {
      const device = scribbled('plain', address, seed, share);
      let volume: ReturnType<typeof mount>;
      try {
        volume = mount(device);
      } catch (error) {
        expect(error).toBeInstanceOf(FsError);
        return;
      }
      for (const nid of [3, 19, 454]) {
        expect(survives(() => dumpNat(volume, nid))).toBe(true);
        survives(() => dumpDnode(volume, nid));
      }
      for (const segno of [0, 1, 3, 9]) {
        expect(survives(() => dumpSit(volume, segno))).toBe(true);
        survives(() => dumpSsa(volume, segno));
        survives(() => dumpBlock(volume, superblock.mainAddress + segno * SEGMENT_BLOCKS + 5));
      }
    }),
    { numRuns: 30 },
  );
});
