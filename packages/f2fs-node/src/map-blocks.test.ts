import { COMPRESS_ADDRESS, Feature, InodeFlag, NEW_ADDRESS } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corruptionOf, errorOf, mapOnce, openInode, plain, type Run, reopen, storeOf } from '../test/support.ts';
import { slotsOf, type TestInode, TestVolume, type TestVolumeOptions } from '../test/test-volume.ts';
import { BlockMapping, mapBlocks } from './index.ts';

const INO = 10;
const MAIN = 4096;
const MAIN_END = MAIN + 42 * 512;
const C = COMPRESS_ADDRESS;
const N = NEW_ADDRESS;

const features = Feature.extraAttr | Feature.flexibleInlineXattr | Feature.compression | Feature.deviceAlias;
const options: TestVolumeOptions = { features };

function compressedFile(logClusterSize: number, inlineXattrWords = 0): TestInode {
  return { flags: InodeFlag.compress, inlineXattrWords, compression: { logClusterSize } };
}

function openFile(slots: ArrayLike<number>, description: TestInode) {
  const volume = new TestVolume(options);
  volume.file(INO, slots, description);
  const store = storeOf(volume);
  return { volume, store, inode: runSync(store.readInode(INO)) };
}

// ---- the model: one slot after the other ----------------------------------------------------------------------------

/** What one file block is, on its own. `clusterBlocks` 0: the file has no clusters. */
function blockOf(slots: readonly number[], clusterBlocks: number, fileBlock: number): Run {
  const clusterStart = clusterBlocks === 0 ? fileBlock : fileBlock - (fileBlock % clusterBlocks);
  if (clusterBlocks > 0 && slots[clusterStart] === C) {
    const rest = slots.slice(clusterStart + 1, clusterStart + clusterBlocks);
    const payload = rest.filter((slot) => slot !== N && slot !== 0);
    return { kind: 'compressed', start: clusterStart, length: clusterBlocks, payload };
  }
  const slot = slots[fileBlock] ?? 0;
  if (slot === 0) return { kind: 'hole', start: fileBlock, length: 1 };
  if (slot === N) return { kind: 'reserved', start: fileBlock, length: 1 };
  return { kind: 'raw', start: fileBlock, length: 1, address: slot };
}

function continues(run: Run, next: Run): boolean {
  if (run.kind !== next.kind || run.kind === 'compressed') return false;
  return run.kind !== 'raw' || next.address === run.address! + run.length;
}

/** The longest run from `fileBlock` that ends at `end` or before. */
function runOf(slots: readonly number[], clusterBlocks: number, fileBlock: number, end: number): Run {
  const run = { ...blockOf(slots, clusterBlocks, fileBlock) };
  if (run.kind === 'compressed') return run;
  while (run.start + run.length < end) {
    if (!continues(run, blockOf(slots, clusterBlocks, run.start + run.length))) break;
    run.length++;
  }
  return run;
}

// ---- random files ---------------------------------------------------------------------------------------------------

interface Piece {
  kind: 'hole' | 'reserved' | 'raw' | 'compressed';
  length: number;
  /** Where its addresses begin: right behind the last ones, or anywhere. */
  address: number | undefined;
  payload: number;
  released: boolean;
}

const piece = fc.record<Piece>({
  kind: fc.constantFrom('hole', 'reserved', 'raw', 'raw', 'compressed', 'compressed'),
  length: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 700 })),
  address: fc.option(fc.integer({ min: MAIN, max: MAIN_END - 1000 }), { nil: undefined }),
  payload: fc.nat(),
  released: fc.boolean(),
});

/** Slots of a file. In one with clusters, raw pieces end and begin anywhere, compressed ones are whole clusters. */
function slotsFrom(pieces: readonly Piece[], clusterBlocks: number): number[] {
  const slots: number[] = [];
  let next = MAIN;
  const take = (): number => {
    if (next >= MAIN_END) next = MAIN;
    return next++;
  };
  for (const { kind, length, address, payload, released } of pieces) {
    next = address ?? next;
    if (kind === 'compressed') {
      if (clusterBlocks === 0) continue;
      while (slots.length % clusterBlocks !== 0) slots.push(0);
      const count = 1 + (payload % (clusterBlocks - 1));
      slots.push(C);
      for (let index = 1; index < clusterBlocks; index++) {
        slots.push(index <= count ? take() : released ? 0 : N);
      }
    } else {
      for (let index = 0; index < length; index++) slots.push(kind === 'raw' ? take() : kind === 'hole' ? 0 : N);
    }
  }
  return slots;
}

describe('mapBlocks against a model that goes slot by slot', () => {
  const logClusterSize = fc.constantFrom(0, 0, 2, 3, 4, 5, 6, 7, 8);
  // 903 words of inline xattrs leave 11 slots in the inode: clusters of 16 blocks and more then begin in the first node.
  const inlineXattrWords = fc.constantFrom(0, 50, 903);
  const pieces = fc.array(piece, { maxLength: 30 });
  const cuts = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 10 });

  it('gives the longest run, of one kind, over the borders of nodes', () => {
    fc.assert(
      fc.property(logClusterSize, inlineXattrWords, pieces, cuts, (log, words, list, ranges) => {
        const clusterBlocks = log === 0 ? 0 : 2 ** log;
        const description = log === 0 ? { inlineXattrWords: words } : compressedFile(log, words);
        const slots = slotsFrom(list, clusterBlocks);
        const { store, inode } = openFile(slots, description);
        expect(inode.fields.addressesPerInode).toBe(slotsOf(description).perInode);

        const end = slots.length + 2000; // a hole behind the last slot, through nodes that are not there
        let last: Run | undefined;
        for (let at = 0; at < end; ) {
          const run = mapOnce(store, inode, at, end);
          expect(run).toEqual(runOf(slots, clusterBlocks, at, end));
          if (last !== undefined) expect(continues(last, run)).toBe(false);
          last = run;
          at = run.start + run.length;
        }
        for (const [a, b] of ranges) {
          const from = a % end;
          const to = from + 1 + (b % (end - from));
          expect(mapOnce(store, inode, from, to)).toEqual(runOf(slots, clusterBlocks, from, to));
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('mapBlocks', () => {
  it('joins runs over the border of the inode, of direct nodes and of the indirect node', () => {
    const A = 914;
    const D = 1018;
    const slots = Array.from({ length: A + 4 * D }, (_, index) => MAIN + index);
    const { store, inode } = openFile(slots, {});
    expect(mapOnce(store, inode, 0, slots.length + 50)).toEqual({
      kind: 'raw',
      start: 0,
      length: slots.length,
      address: MAIN,
    });
    const jump = [...slots.slice(0, A), ...slots.slice(A).map((slot) => slot + 1)];
    const broken = openFile(jump, {});
    expect(mapOnce(broken.store, broken.inode, 0, jump.length).length).toBe(A);
  });

  it('goes through the holes of 3.9 TiB without reading a node', () => {
    const { store, inode, device } = openInode(new TestVolume(options), INO, {});
    const end = 1_057_052_516;
    expect(mapOnce(store, inode, 0, end)).toEqual({ kind: 'hole', start: 0, length: end });
    expect(device.snapshot().read.bios).toBe(0);
  });

  it('reads only the nodes that the range needs', () => {
    const A = 914;
    const volume = new TestVolume(options);
    const slots = Array.from({ length: A + 3000 }, (_, index) => MAIN + 2 * index); // no two blocks join
    volume.file(INO, slots, {});
    const { store, inode, device } = reopen(volume, INO);
    mapOnce(store, inode, 0, A + 3000); // two neighbours in the inode do not join
    mapOnce(store, inode, A - 1, A);
    expect(device.snapshot().read.bios).toBe(0);
    mapOnce(store, inode, A + 5, A + 3000);
    expect(device.snapshot().read.bios).toBe(2); // the NAT block of the nid, the node
    mapOnce(store, inode, A + 1017, A + 3000); // does the last block join the first one of the next node?
    expect(device.snapshot().read.bios).toBe(3);
    mapOnce(store, inode, A + 2 * 1018, A + 3000);
    expect(device.snapshot().read.bios).toBe(5); // the indirect node, the direct node
  });

  it('gives a whole cluster for any of its blocks, whatever the end', () => {
    const { store, inode } = openFile([C, 5000, N, N, C, 5001, 6000, 0, 7000, 0, 0, N], compressedFile(2));
    for (const at of [4, 5, 6, 7]) {
      const run = { kind: 'compressed', start: 4, length: 4, payload: [5001, 6000] };
      expect(mapOnce(store, inode, at, at + 1)).toEqual(run);
    }
    expect(mapOnce(store, inode, 8, 12)).toEqual({ kind: 'raw', start: 8, length: 1, address: 7000 });
    expect(mapOnce(store, inode, 9, 12)).toEqual({ kind: 'hole', start: 9, length: 2 });
    expect(mapOnce(store, inode, 11, 12)).toEqual({ kind: 'reserved', start: 11, length: 1 });
  });

  it('ends a run before a compressed cluster', () => {
    const { store, inode } = openFile([0, 0, 0, 0, C, 5000, 0, 0], compressedFile(2));
    expect(mapOnce(store, inode, 0, 8)).toEqual({ kind: 'hole', start: 0, length: 4 });
  });

  it('uses a mapping again without traces of the last run', () => {
    const { store, inode } = openFile([C, 5000, 5001, N, 6000, 0, N, N], compressedFile(2));
    const mapping = new BlockMapping();
    for (const at of [0, 4, 5, 6, 0]) {
      runSync(mapBlocks(store, inode, at, 8, mapping));
      expect(plain(mapping)).toEqual(mapOnce(store, inode, at, 8));
      expect(mapping.payloadLength).toBe(mapping.kind === 'compressed' ? 2 : 0);
    }
  });
});

describe('the rules of a cluster', () => {
  const out = MAIN_END;
  // Clusters of four slots; `fails`: the slot that is wrong.
  const cases: Array<[name: string, slots: number[], kind: string, fails: number]> = [
    ['no payload', [C, N, N, N], 'clusterLayout', 0],
    ['no payload, released', [C, 0, 0, 0], 'clusterLayout', 0],
    ['a payload block behind a reserved slot', [C, N, 5000, N], 'clusterLayout', 2],
    ['a payload block behind a released slot', [C, 5000, 0, 5001], 'clusterLayout', 3],
    ['a second mark', [C, 5000, C, N], 'clusterLayout', 2],
    ['a mark for a payload', [C, C, N, N], 'clusterLayout', 1],
    ['a payload block outside the main area', [C, 5000, out, N], 'blockAddress', 2],
    ['a payload block in the metadata', [C, MAIN - 1, N, N], 'blockAddress', 1],
  ];

  it.each(cases)('%s', (_, slots, kind, fails) => {
    // Behind a sound cluster, in the inode and in the first direct node (A = 912, D = 1016).
    for (const start of [4, 912 + 4]) {
      const file = new Array<number>(start).fill(0);
      const { store, inode } = openFile([...file, ...slots, 7000], compressedFile(2));
      const mapping = new BlockMapping();
      for (const at of [start, start + 3]) {
        const error = corruptionOf(mapBlocks(store, inode, at, start + 5, mapping));
        const inNode = start > 912;
        const nid = inNode ? 1000 : INO;
        const fileBlock = start + fails;
        const offset = inNode ? 4 * (fileBlock - 912) : 396 + 4 * fileBlock;
        expect(error).toMatchObject({ kind, where: { nid, ino: INO, fileBlock, offset } });
        // The whole cluster is lost, and nothing behind it.
        expect(mapping).toMatchObject({ start, length: 4 });
      }
      expect(mapOnce(store, inode, start + 4, start + 5)).toMatchObject({ kind: 'raw', address: 7000 });
    }
  });

  it.each([
    ['one payload block', [C, 5000, N, N], [5000]],
    ['all but one', [C, 5000, 5002, 5004], [5000, 5002, 5004]],
    ['released', [C, 5000, 0, 0], [5000]],
    ['released in part', [C, 5000, 0, N], [5000]],
    ['reserved in part', [C, 5000, N, 0], [5000]],
  ])('%s is sound', (_, slots, payload) => {
    const { store, inode } = openFile(slots, compressedFile(2));
    expect(mapOnce(store, inode, 0, 4)).toEqual({ kind: 'compressed', start: 0, length: 4, payload });
  });

  it('a mark where no cluster starts', () => {
    const inCluster = openFile([5000, C, 0, 0], compressedFile(2));
    const error = corruptionOf(mapBlocks(inCluster.store, inCluster.inode, 1, 4, new BlockMapping()));
    expect(error).toMatchObject({ kind: 'clusterLayout', where: { fileBlock: 1 }, found: C });
    const plainFile = openFile([C, 5000, N, N], {});
    const other = corruptionOf(mapBlocks(plainFile.store, plainFile.inode, 0, 4, new BlockMapping()));
    expect(other).toMatchObject({ kind: 'clusterLayout', where: { fileBlock: 0 }, found: C });
  });

  it('a file of a volume without the feature has no clusters', () => {
    const volume = new TestVolume({ features: Feature.extraAttr });
    const { store, inode } = openInode(volume, INO, { ...compressedFile(2), slots: [C, 5000, N, N] });
    expect(corruptionOf(mapBlocks(store, inode, 0, 4, new BlockMapping())).kind).toBe('clusterLayout');
  });
});

describe('damage', () => {
  it.each([
    ['before the main area', MAIN - 1],
    ['behind the main area', MAIN_END],
    ['block 1', 1],
    ['what is only known in memory', 0xffff_fffd],
  ])('an address %s names its byte', (_, address) => {
    const { volume, store, inode } = openFile([5000, 5001, address, 5003], {});
    const error = corruptionOf(mapBlocks(store, inode, 2, 4, new BlockMapping()));
    expect(error).toMatchObject({
      kind: 'blockAddress',
      where: { block: inode.address, offset: 396 + 8, nid: INO, ino: INO, fileBlock: 2 },
      found: address,
    });
    const { block, offset } = error.where;
    const bytes = volume.read(block!);
    expect(new DataView(bytes.buffer).getUint32(offset!, true)).toBe(address);
  });

  it('the first and the last main block are fine', () => {
    const { store, inode } = openFile([MAIN, MAIN_END - 1], {});
    expect(mapOnce(store, inode, 0, 2)).toMatchObject({ kind: 'raw', address: MAIN, length: 1 });
    expect(mapOnce(store, inode, 1, 2)).toMatchObject({ kind: 'raw', address: MAIN_END - 1 });
  });

  it('ends the run before it; what lies before and behind is found', () => {
    // A directory of 4 blocks whose third pointer is broken: two were lost with it, because they continue up to it.
    const { store, inode } = openFile([5000, 5001, 1, 5003], {});
    const mapping = new BlockMapping();
    runSync(mapBlocks(store, inode, 0, 4, mapping));
    expect(plain(mapping)).toEqual({ kind: 'raw', start: 0, length: 2, address: 5000 });
    expect(errorOf(mapBlocks(store, inode, mapping.end, 4, mapping)).code).toBe('EUCLEAN');
    expect(mapping).toMatchObject({ start: 2, length: 1 });
    runSync(mapBlocks(store, inode, mapping.end, 4, mapping));
    expect(plain(mapping)).toEqual({ kind: 'raw', start: 3, length: 1, address: 5003 });
  });

  it('below a node hides exactly what hangs there', () => {
    const A = 914;
    const D = 1018;
    const spans = [D, D, 1018 * D, 1018 * D, 1018 * 1018 * D];
    let first = A;
    for (const [index, span] of spans.entries()) {
      const nids = [0, 0, 0, 0, 0];
      nids[index] = 77; // the NAT has no block for it
      const { store, inode } = openInode(new TestVolume(options), INO, { nids });
      const mapping = new BlockMapping();
      const end = A + 2 * D + 2 * 1018 * D + 1018 * 1018 * D;
      runSync(mapBlocks(store, inode, 0, end, mapping));
      expect(plain(mapping)).toEqual({ kind: 'hole', start: 0, length: first });
      const error = corruptionOf(mapBlocks(store, inode, first, end, mapping));
      expect(error).toMatchObject({ kind: 'natEntry', where: { nid: 77, ino: INO } });
      expect(mapping).toMatchObject({ start: first, length: span });
      corruptionOf(mapBlocks(store, inode, first + 10, first + 20, mapping));
      expect(mapping).toMatchObject({ start: first + 10, length: 10 });
      first += span;
    }
  });
});

describe('a file that stands for a device', () => {
  const alias = (extent: TestInode['extent']): TestInode => ({
    flags: InodeFlag.deviceAlias,
    inline: 0x40,
    extraSize: 0,
    slots: [1, 2, 3], // what stands there is no address
    ...(extent === undefined ? {} : { extent }),
  });

  it('is its extent, and nothing else', () => {
    const { store, inode } = openInode(
      new TestVolume(options),
      INO,
      alias({ fileBlock: 0, address: 5000, length: 700 }),
    );
    expect(mapOnce(store, inode, 0, 1000)).toEqual({ kind: 'raw', start: 0, length: 700, address: 5000 });
    expect(mapOnce(store, inode, 10, 20)).toEqual({ kind: 'raw', start: 10, length: 10, address: 5010 });
    expect(mapOnce(store, inode, 700, 1000)).toEqual({ kind: 'hole', start: 700, length: 300 });
  });

  it('has holes where the extent is not', () => {
    const { store, inode } = openInode(new TestVolume(options), INO, alias({ fileBlock: 5, address: 5000, length: 2 }));
    expect(mapOnce(store, inode, 0, 100)).toEqual({ kind: 'hole', start: 0, length: 5 });
    expect(mapOnce(store, inode, 5, 100)).toEqual({ kind: 'raw', start: 5, length: 2, address: 5000 });
  });
});
