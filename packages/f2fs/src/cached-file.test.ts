import { type BlockDevice, FaultDevice, type FaultRule, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE, COMPRESS_ADDRESS, Feature } from '@f2fskit/f2fs-format';
import { peekBuffered, readBuffered } from '@f2fskit/iomap';
import { CACHE_BYTES_MIN, type PageCacheOptions, ReadaheadState } from '@f2fskit/pagecache';
import { type Completion, runAsync, runSync, Scheduler, type Task, Tracer } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Algorithm, type FilePiece, type FileShape, inodeOfShape, layOut } from '../test/compressed-file.ts';
import { contextOf, type WatchedPool } from '../test/file-context.ts';
import { MountableVolume } from '../test/mountable-volume.ts';
import { CachedFile } from './cached-file.ts';

const INO = 10;
const features = Feature.extraAttr | Feature.flexibleInlineXattr | Feature.compression;

const pieceOf = (kind: FilePiece['kind'], blocks = 0, more: Partial<FilePiece> = {}): FilePiece => ({
  kind,
  blocks,
  gap: 0,
  literals: 0.1,
  released: false,
  ...more,
});

interface Written {
  volume: MountableVolume;
  slots: number[];
  /** What a reader must get. */
  model: Uint8Array;
}

/** A file of this shape; `change` is added to the size that its blocks give it. */
function write(shape: FileShape, change = 0): Written {
  const volume = new MountableVolume({ features, mainSegments: 60 });
  const { slots, content } = layOut(volume, shape);
  const size = Math.max(0, content.length + change);
  volume.file(INO, slots, inodeOfShape(shape, size));
  const model = new Uint8Array(size);
  model.set(content.subarray(0, size));
  return { volume, slots, model };
}

function open(volume: MountableVolume, cache: PageCacheOptions = {}, device: BlockDevice = volume.device) {
  const context = contextOf(volume, device, cache);
  const inode = runSync(contextOf(volume).store.readInode(INO));
  return {
    context,
    file: new CachedFile(context, { raw: inode, size: inode.fields.size }),
    cache: context.store.blocks.mapping.cache,
  };
}

function* read(file: CachedFile, position: number, length: number, readahead?: ReadaheadState): Task<Uint8Array> {
  const target = new Uint8Array(length).fill(0x55);
  const peeked = peekBuffered(file, position, target);
  const count = peeked >= 0 ? peeked : yield* readBuffered(file, position, target, readahead);
  return target.subarray(0, count);
}

function expectBytes(found: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(found, expected) === 0) return;
  const at = found.findIndex((byte, index) => byte !== expected[index]);
  expect.fail(`${found.length} bytes for ${expected.length}; byte ${at} is ${found[at]}, not ${expected[at]}`);
}

/** Nobody waits for a readahead: here somebody does. */
async function readaheadOver({ buffers }: { buffers: WatchedPool }): Promise<void> {
  for (let turn = 0; turn < 100 && buffers.out.size > 0; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const clusters4 = (...pieces: FilePiece[]): FileShape => ({
  pieces,
  logClusterSize: 2,
  algorithm: Algorithm.lz4,
  checksum: true,
});

describe('a file of clusters read into folios', () => {
  const piece = fc.record<FilePiece>({
    kind: fc.constantFrom('hole', 'reserved', 'raw', 'raw', 'compressed', 'compressed', 'compressed'),
    blocks: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 9 }) }, fc.integer({ min: 1, max: 300 })),
    gap: fc.constantFrom(0, 0, 1, 3),
    literals: fc.constantFrom(0, 0.01, 0.3, 1),
    released: fc.boolean(),
    scattered: fc.boolean(),
  });
  const shape = fc.record<FileShape>({
    pieces: fc.array(piece, { minLength: 1, maxLength: 6 }),
    logClusterSize: fc.constantFrom(0, 2, 2, 3, 4, 5, 6, 7, 8),
    algorithm: fc.constantFrom(...Object.values(Algorithm)),
    checksum: fc.boolean(),
  });
  const place = fc.nat({ max: 4 << 20 });
  const length = fc.oneof(fc.nat({ max: 9000 }), fc.nat({ max: 1 << 20 }));
  const requests = fc.array(fc.tuple(place, length), { minLength: 1, maxLength: 8 });
  const sizeChange = fc.oneof(fc.integer({ min: -5000, max: 0 }), fc.constantFrom(0, 1, 5000, 2 << 20));

  // I-13: folio sizes never change results; I-73: nor does the order of completions; I-10, I-11, I-12.
  it('reads the same bytes with folios of any order, from several readers at once, in any order of completion', async () => {
    await fc.assert(
      fc.asyncProperty(shape, requests, sizeChange, fc.nat(), async (fileShape, list, change, seed) => {
        const { volume, model } = write(fileShape, change);
        const cluster = fileShape.logClusterSize;
        for (const orderMax of new Set([0, Math.max(0, cluster - 1), cluster, 4, 9])) {
          const options = { orderMax, budgetBytes: CACHE_BYTES_MIN };
          const sync = open(volume, options);
          const shuffled = open(volume, options, new ShuffleDevice(volume.device, seed));
          const scheduler = new Scheduler('async');
          const readahead = new ReadaheadState();
          const places = list.map(([at, count]) => [at % (model.length + 10), count] as const);
          const concurrent = await Promise.all(
            places.map(([at, count]) => scheduler.run(read(shuffled.file, at, count, new ReadaheadState()))),
          );
          for (const [index, [at, count]] of places.entries()) {
            const expected = model.subarray(at, at + count);
            expectBytes(runSync(read(sync.file, at, count, readahead)), expected);
            expectBytes(concurrent[index]!, expected);
          }
          await readaheadOver(shuffled.context);
          expect(sync.cache.bytesUsed).toBeLessThanOrEqual(sync.cache.budgetBytes);
          // Readers that hold all of the budget find their nodes through the reserve: 2 MiB.
          expect(shuffled.cache.bytesUsed).toBeLessThanOrEqual(shuffled.cache.budgetBytes + (2 << 20));
          expect(sync.context.buffers.out.size + shuffled.context.buffers.out.size).toBe(0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('fills one folio from everything there is, with one submission and one wait', async () => {
    const pieces = [
      pieceOf('compressed'),
      pieceOf('raw', 4),
      pieceOf('compressed', 0, { released: true }),
      pieceOf('hole', 4),
      pieceOf('reserved', 4),
      pieceOf('compressed', 0, { literals: 1 }),
      pieceOf('raw', 8),
    ];
    const { volume, slots, model } = write(clusters4(...pieces), -1000);
    const stored = slots.filter((slot) => slot !== 0 && slot < COMPRESS_ADDRESS).length;
    const device = new StatisticsDevice(volume.device);
    const { file, context } = open(volume, {}, new ShuffleDevice(device, 3));
    await runAsync(context.store.readNode(INO, { ino: INO, nodeOffset: 0 }));
    device.reset();
    const target = new Uint8Array(model.length);
    // Every address is in the inode, which is cached, so that each wait is for a folio.
    const task = readBuffered(file, 0, target, new ReadaheadState());
    let waits = 0;
    let step = task.next();
    for (; !step.done; step = task.next()) {
      waits++;
      await new Promise<void>((resolve) => (step.value as Completion).subscribe(resolve));
    }
    expect(step.value).toBe(model.length);
    expectBytes(target, model);
    expect([file.mapping.find(0)!.order, file.mapping.index.size, waits]).toEqual([5, 1, 1]);
    const { bios, bytes } = device.snapshot().read;
    expect(bytes / BLOCK_SIZE).toBe(stored); // payload and raw blocks, nothing twice
    expect(bios).toBe(1); // they follow each other on the device
  });

  it('decodes straight into the folio: scratch is for the payload alone', () => {
    const { volume, model } = write(clusters4(...Array.from({ length: 16 }, () => pieceOf('compressed'))));
    const direct = open(volume);
    expectBytes(runSync(read(direct.file, 0, model.length)), model);
    expect(direct.context.buffers.taken).toBe(16);
    // Tiled: the cluster is decoded once, into scratch, and its four pages are filled from there.
    const tiled = open(volume, { orderMax: 0 });
    expectBytes(runSync(read(tiled.file, 0, model.length)), model);
    expect(tiled.context.buffers.taken).toBe(32);
  });

  it('reads a cluster once for all the folios that tile it, also for a request of one byte', () => {
    const { volume, model } = write(clusters4(pieceOf('compressed'), pieceOf('compressed'), pieceOf('raw', 4)));
    const device = new StatisticsDevice(volume.device);
    const { file, context } = open(volume, { orderMax: 0 }, device);
    const clusters: number[] = [];
    const tracer = new Tracer();
    tracer.listen((name, event) => {
      if (name === 'cluster:read') clusters.push((event as { fileBlock: number }).fileBlock);
    });
    Object.assign(context.store, { tracer });
    expectBytes(runSync(read(file, 2 * BLOCK_SIZE + 5, 1)), model.subarray(2 * BLOCK_SIZE + 5, 2 * BLOCK_SIZE + 6));
    for (let block = 0; block < 4; block++) expect(file.mapping.find(block)!.uptodate).toBe(true);
    device.reset();
    expectBytes(runSync(read(file, 0, 4 * BLOCK_SIZE)), model.subarray(0, 4 * BLOCK_SIZE));
    expect(device.snapshot().read.bios).toBe(0);
    expect(clusters).toEqual([0]);
  });

  it('never writes over a page that is uptodate (I-11)', () => {
    const { volume, model } = write(clusters4(pieceOf('compressed')));
    const { file } = open(volume, { orderMax: 0 });
    runSync(read(file, 0, model.length));
    // A page that is newer than the device, and a neighbour that has to be read again.
    file.mapping.find(1)!.bytes.fill(0x77);
    for (const block of [0, 3]) {
      const folio = file.mapping.find(block)!;
      file.mapping.remove(folio);
    }
    const expected = model.slice();
    expected.fill(0x77, BLOCK_SIZE, 2 * BLOCK_SIZE);
    expectBytes(runSync(read(file, 0, model.length)), expected);
  });

  it('shows zeros behind the end of the file inside a cluster (I-12)', () => {
    const { volume, model } = write(clusters4(pieceOf('compressed'), pieceOf('compressed')), -BLOCK_SIZE - 100);
    const { file } = open(volume);
    expectBytes(runSync(read(file, 0, model.length + 5)), model);
    const folio = file.mapping.find(7)!;
    expect(folio.bytes.subarray(model.length - folio.position).every((byte) => byte === 0)).toBe(true);
  });
});

describe('damage and device errors in the middle of a folio', () => {
  const pieces = [pieceOf('compressed'), pieceOf('raw', 4), pieceOf('compressed'), pieceOf('raw', 4)];
  const shape = clusters4(...pieces);

  /** A device that cannot read some blocks, `times` times. */
  const broken = (volume: MountableVolume, blocks: number[], times: number): FaultDevice => {
    const rules = blocks.map((block): FaultRule => {
      const range = { start: block * BLOCK_SIZE, end: (block + 1) * BLOCK_SIZE };
      return { action: { kind: 'fail' }, operation: 'read', range, times };
    });
    return new FaultDevice(volume.device, rules);
  };

  it.each([0, 1, 2, 4, 9])('good blocks are served, bad ones are EIO, and a later try works (order %i)', (orderMax) => {
    const { volume, slots, model } = write(shape);
    const rawBlock = slots[6]!; // in the second cluster
    const payloadBlock = slots[9]!; // of the third
    const { file } = open(volume, { orderMax }, broken(volume, [rawBlock, payloadBlock], 2));
    const whole = (): Uint8Array => runSync(read(file, 0, model.length));
    expect(whole).toThrow(/EIO/);
    const part = (from: number, to: number): Uint8Array =>
      runSync(read(file, from * BLOCK_SIZE, (to - from) * BLOCK_SIZE));
    const expected = (from: number, to: number): Uint8Array => model.subarray(from * BLOCK_SIZE, to * BLOCK_SIZE);
    for (const [from, to] of [
      [0, 6],
      [7, 8],
      [12, 16],
    ] as const)
      expectBytes(part(from, to), expected(from, to));
    // The device recovers; what failed before may fail once more, on the way to the page beside it.
    for (let tries = 0; tries < 4; tries++) {
      try {
        expectBytes(whole(), model);
        return;
      } catch (error) {
        expect(error).toMatchObject({ code: 'EIO' });
      }
    }
    expect.fail('a device that has recovered is read');
  });

  it('a broken slot costs its block, broken payload its cluster; the rest of the folio is there', () => {
    const { volume, slots, model } = write(shape);
    volume.edit(slots[1]!, (view) => view.setUint32(30, 0xdeadbeef, true)); // payload of the first cluster
    slots[5] = 7; // no address of the main area
    volume.file(INO, slots, inodeOfShape(shape, model.length));
    const { file } = open(volume);
    const at =
      (block: number): (() => Uint8Array) =>
      () =>
        runSync(read(file, block * BLOCK_SIZE, BLOCK_SIZE));
    for (const block of [0, 1, 2, 3]) expect(at(block)).toThrow(/clusterChecksum|clusterData/);
    expect(at(5)).toThrow(/blockAddress/);
    for (const block of [4, 6, 7, 8, 11, 12, 15]) {
      expectBytes(at(block)(), model.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE));
    }
  });

  it('whatever fails, in whatever order, for however many readers: right bytes or an error, nothing hangs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(0, 1, 2, 4, 9), async (seed, orderMax) => {
        const { volume, model } = write(shape);
        const device = new ShuffleDevice(volume.device, seed, { failChance: 0.3 });
        const { file, context } = open(volume, { orderMax }, device);
        const scheduler = new Scheduler('async');
        const results = await Promise.allSettled(
          Array.from({ length: 6 }, (_, index) =>
            scheduler.run(read(file, index * 5000, 30_000, new ReadaheadState())),
          ),
        );
        for (const [index, result] of results.entries()) {
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(FsError);
          else expectBytes(result.value, model.subarray(index * 5000, index * 5000 + 30_000));
        }
        await readaheadOver(context);
        for (let page = 0; page < 16; page++) {
          expect(file.mapping.find(page)?.locked ?? false).toBe(false);
          expect(file.mapping.find(page)?.references ?? 0).toBe(0);
        }
        expect(context.buffers.out.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
