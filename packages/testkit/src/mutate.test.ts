import { readBytes } from '@f2fskit/block';
import {
  BLOCK_SIZE,
  decodeCheckpoint,
  ExtraAttributes,
  hasInodeChecksum,
  INODE_ADDRESSES_OFFSET,
  inodeChecksum,
  SUPER_CHECKSUM_OFFSET,
  SUPER_OFFSET,
  superblockChecksum,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { loadGolden } from './golden.ts';
import { readImageBlock } from './image.ts';
import { describeMutation, type MutationCase, mutatorOf, replay } from './mutate.ts';

const NAME = 'plain-default'; // superblock, checkpoint and inode checksums
const mutator = mutatorOf(NAME);
const cases: MutationCase[] = Array.from({ length: 400 }, (_, seed) => mutator.make(seed));

function sameBlocks(a: ReadonlyMap<number, Uint8Array>, b: ReadonlyMap<number, Uint8Array>): boolean {
  return a.size === b.size && [...a].every(([block, bytes]) => Buffer.compare(bytes, b.get(block)!) === 0);
}

describe('the mutator', () => {
  it('makes the same case of the same seed, another of another, and describes it in one line', () => {
    for (const [seed, made] of cases.slice(0, 50).entries()) {
      const again = replay(NAME, seed);
      expect(describeMutation(again.mutation)).toBe(describeMutation(made));
      expect(sameBlocks(again.mutation.changed, made.changed)).toBe(true);
      expect(describeMutation(made)).not.toMatch(/\n/);
      expect(describeMutation(made)).toContain(`${NAME} seed ${seed}: `);
    }
    expect(new Set(cases.map(({ steps }) => steps.join())).size).toBeGreaterThan(380);
  });

  it('changes something, in copies: the good volume and other cases stay as they are', () => {
    const before = new Map(
      [...mutator.map.owners.keys()].slice(0, 300).map((block) => [block, readImageBlock(mutator.image, block).bytes]),
    );
    for (const made of cases) {
      const device = mutator.device(made);
      expect(device.size).toBe(made.size);
      const cut = made.size < mutator.image.size;
      let differs = cut;
      for (const [block, bytes] of made.changed) {
        if ((block + 1) * BLOCK_SIZE > made.size) continue;
        const found = new Uint8Array(BLOCK_SIZE);
        runSync(readBytes(device, block * BLOCK_SIZE, found));
        expect(Buffer.compare(found, bytes)).toBe(0);
        differs ||= Buffer.compare(bytes, readImageBlock(mutator.image, block).bytes) !== 0;
      }
      // Zeros in a block of zeros, a block exchanged with itself: rare, and harmless.
      if (!differs) expect(made.steps.join()).toMatch(/zeros|content of|exchanged/);
    }
    const now = new Map([...before.keys()].map((block) => [block, readImageBlock(mutator.image, block).bytes]));
    expect(sameBlocks(before, now)).toBe(true);
  });

  it('gives every kind of structure its share', () => {
    const counts = new Map([...mutator.map.places.keys()].map((kind) => [kind, 0]));
    for (const kind of cases.flatMap(({ kinds }) => kinds)) counts.set(kind, counts.get(kind)! + 1);
    for (const [kind, count] of counts) expect(count, kind).toBeGreaterThan(0);
  });

  it('makes checksums right again in about seven cases of ten', () => {
    const { superblock } = mutator.map.frame;
    let inodes = 0;
    for (const made of cases.filter(({ repaired }) => repaired)) {
      for (const [block, bytes] of made.changed) {
        const seal = mutator.map.seals.get(block);
        const view = viewOf(bytes);
        if (seal?.type === 'superblock') {
          const copy = bytes.subarray(SUPER_OFFSET);
          expect(viewOf(copy).getUint32(SUPER_CHECKSUM_OFFSET, true)).toBe(superblockChecksum(copy));
        } else if (seal?.type === 'inode' && hasInodeChecksum(superblock, view)) {
          const stored = ExtraAttributes.checksum.get(view, INODE_ADDRESSES_OFFSET);
          expect(stored, describeMutation(made)).toBe(inodeChecksum(superblock, bytes));
          inodes++;
        } else if (seal?.type === 'checkpoint') {
          const right = () => decodeCheckpoint(bytes, superblock, block);
          // What says how long the pack is, or where its checksum lies, may be the field that was changed.
          if (!/checksumOffset|packBlockCount|block \d+:/.test(made.steps.join())) expect(right).not.toThrow();
        }
      }
    }
    expect(inodes).toBeGreaterThan(20);
    const share = cases.filter(({ repaired }) => repaired).length / cases.length;
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.8);
  });

  it('says whom damage may show to: nobody for tables that readers do not follow, owners for their blocks', () => {
    const single = cases.filter(({ kinds, steps, size }) => {
      return (
        kinds.length === 1 && steps.length === 1 && size === mutator.image.size && !/content|exchanged/.test(steps[0]!)
      );
    });
    const touchedBy = (kind: string) => single.filter(({ kinds }) => kinds[0] === kind).map(({ touched }) => touched);
    for (const touched of touchedBy('sitBlock')) expect(touched).toEqual(new Set());
    for (const touched of touchedBy('superblock')) expect(touched).toBe('all');
    for (const touched of touchedBy('fileInode')) expect((touched as Set<number>).size).toBe(1);
    expect(
      touchedBy('sitBlock').length * touchedBy('superblock').length * touchedBy('fileInode').length,
    ).toBeGreaterThan(0);
  });

  it('compares node address tables: a changed entry touches the owner of its nid', () => {
    const { nids, places } = mutator.map;
    const [entry] = places.get('natEntry')!;
    const nid = Number(/nid (\d+)/.exec(entry!.label)![1]);
    const found = cases
      .filter(({ kinds, steps }) => kinds.length === 1 && /natEntry.*blockAddress/.test(steps[0]!))
      .map(({ steps, touched }) => [Number(/nid (\d+)/.exec(steps[0]!)![1]), touched] as const);
    expect(found.length).toBeGreaterThan(0);
    for (const [changed, touched] of found) expect(touched).toEqual(new Set([nids.get(changed)]));
    expect(nids.get(nid)).toBe(entry!.ino);
  });

  it('a volume is unpacked once for all its cases', () => {
    expect(loadGolden(NAME).device).toBe(mutator.image);
  });
});
