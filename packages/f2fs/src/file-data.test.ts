import { FaultDevice, type FaultRule, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { Advise, BLOCK_SIZE, COMPRESS_ADDRESS, Feature, InlineFlag, InodeFlag } from '@f2fskit/f2fs-format';
import { runAsync, runSync, Tracer } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Algorithm,
  type FilePiece,
  type FileShape,
  inodeOfShape,
  layOut,
  patternBytes,
  payloadOf,
  streamOf,
} from '../test/compressed-file.ts';
import { inlineAreaOf } from '../test/dentries.ts';
import { contextOf } from '../test/file-context.ts';
import { corruptionOf, errorOf, MountableVolume } from '../test/mountable-volume.ts';
import { readFileBytes, readFileData } from './file-data.ts';

const INO = 10;
const MIB = 1 << 20;
const features = Feature.extraAttr | Feature.flexibleInlineXattr | Feature.compression;
const newVolume = (): MountableVolume => new MountableVolume({ features });

const rawPiece = (blocks: number, gap = 0): FilePiece => ({
  kind: 'raw',
  blocks,
  gap,
  literals: 0,
  released: false,
});
const clusterPiece = (literals = 0.1, gap = 0): FilePiece => ({
  kind: 'compressed',
  blocks: 0,
  gap,
  literals,
  released: false,
});

/** Writes a file; `size` defaults to all of its blocks. */
function writeFile(volume: MountableVolume, shape: FileShape, size?: number): { content: Uint8Array; slots: number[] } {
  const { slots, content } = layOut(volume, shape);
  const end = size ?? content.length;
  volume.file(INO, slots, inodeOfShape(shape, end));
  const whole = new Uint8Array(end);
  whole.set(content.subarray(0, end));
  return { content: whole, slots };
}

const plainShape = (...pieces: FilePiece[]): FileShape => ({
  pieces,
  logClusterSize: 0,
  algorithm: 0,
  checksum: false,
});

function openFile(volume: MountableVolume, device = new StatisticsDevice(volume.device)) {
  const context = contextOf(volume, device);
  const inode = runSync(context.store.readInode(INO));
  device.reset();
  return { context, inode, device };
}

/** Reads into memory that is not zero, with bytes around it that must stay. */
function* readRange(file: Pick<ReturnType<typeof openFile>, 'context' | 'inode'>, position: number, length: number) {
  const memory = new Uint8Array(length + 200).fill(0x55);
  const count = yield* readFileData(file.context, file.inode, position, memory.subarray(100, 100 + length));
  expect(Buffer.alloc(100, 0x55).equals(memory.subarray(0, 100))).toBe(true);
  expect(Buffer.alloc(length + 100 - count, 0x55).equals(memory.subarray(100 + count))).toBe(true);
  return memory.slice(100, 100 + count);
}

function expectBytes(found: Uint8Array, expected: Uint8Array): void {
  expect(found.length).toBe(expected.length);
  if (Buffer.compare(found, expected) === 0) return;
  // Comparing megabytes with toEqual takes seconds; the place says enough.
  const at = found.findIndex((byte, index) => byte !== expected[index]);
  expect.fail(`byte ${at} is ${found[at]}, not ${expected[at]}`);
}

describe('readFileData against a model of bytes', () => {
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
  const place = fc.oneof(
    fc.nat({ max: 4 * MIB }),
    fc.nat({ max: 1000 }).map((block) => block * BLOCK_SIZE),
  );
  const length = fc.oneof(
    fc.nat({ max: 9000 }),
    fc.nat({ max: 3 * MIB }),
    fc.integer({ min: 1, max: 600 }).map((block) => block * BLOCK_SIZE),
  );
  const ranges = fc.array(fc.tuple(place, length), { minLength: 1, maxLength: 3 });
  /** How much of the last block, or of what lies behind it, belongs to the file. */
  const sizeChange = fc.oneof(fc.integer({ min: -5000, max: 0 }), fc.constantFrom(0, 1, 5000, 2 * MIB));

  it('reads every file from every position, sync and async', async () => {
    await fc.assert(
      fc.asyncProperty(shape, ranges, sizeChange, fc.nat(), async (fileShape, list, change, seed) => {
        const volume = new MountableVolume({ features, mainSegments: 60 });
        const { slots, content } = layOut(volume, fileShape);
        const size = Math.max(0, content.length + change);
        volume.file(INO, slots, inodeOfShape(fileShape, size));
        const model = new Uint8Array(size);
        model.set(content.subarray(0, size));

        const sync = openFile(volume);
        const context = contextOf(volume, new ShuffleDevice(volume.device, seed));
        const async = { context, inode: await runAsync(context.store.readInode(INO)) };
        for (const [at, count] of [...list, [0, size + 10] as const]) {
          const position = size === 0 ? at : at % (size + 10);
          const expected = model.subarray(position, position + count);
          expectBytes(runSync(readRange(sync, position, count)), expected);
          expectBytes(await runAsync(readRange(async, position, count)), expected);
          expect(sync.context.buffers.out.size + context.buffers.out.size).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('reads inline files', () => {
    const sizes = fc.record({ words: fc.constantFrom(0, 50, 800), extraSize: fc.constantFrom(4, 12, 36) });
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat({ max: 4000 }), fc.nat({ max: 4000 }), (areas, fill, position, count) => {
        const volume = newVolume();
        const description = { inlineXattrWords: areas.words, extraSize: areas.extraSize };
        const { offset, size: room } = inlineAreaOf(description);
        const bytes = patternBytes(fill, fill % (room + 1));
        volume.inode(INO, {
          ...description,
          inline: InlineFlag.data | InlineFlag.dataExist,
          size: bytes.length,
          raw: (_, block) => block.set(bytes, offset),
        });
        const file = openFile(volume);
        expectBytes(runSync(readRange(file, position, count)), bytes.subarray(position, position + count));
        expect(file.device.snapshot().read.bios).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('readFileData', () => {
  it('reads a contiguous file with one request for each window of 1 MiB', () => {
    const volume = newVolume();
    const { content } = writeFile(volume, plainShape(rawPiece(800)));
    const file = openFile(volume);
    expectBytes(runSync(readRange(file, 0, content.length)), content);
    expect(file.device.snapshot().read).toMatchObject({ bios: 4, bytes: 800 * BLOCK_SIZE });
    file.device.reset();
    // Ragged at both ends: the parts travel with the rest.
    expectBytes(runSync(readRange(file, 100, 2 * MIB)), content.subarray(100, 100 + 2 * MIB));
    expect(file.device.snapshot().read).toMatchObject({ bios: 3, bytes: 2 * MIB + BLOCK_SIZE });
    expect(file.device.snapshot().inFlightMax).toBe(1);
  });

  it('reads payload that lies together with one request, and nothing of a hole', () => {
    const volume = newVolume();
    const pieces = [...Array.from({ length: 20 }, () => clusterPiece()), rawPiece(4), clusterPiece()];
    const shape: FileShape = { pieces, logClusterSize: 2, algorithm: Algorithm.lz4, checksum: true };
    const { content } = writeFile(volume, shape);
    const file = openFile(volume);
    expectBytes(runSync(readRange(file, 0, content.length)), content);
    expect(file.device.snapshot().read).toMatchObject({ bios: 1, bytes: 25 * BLOCK_SIZE });

    const holes = newVolume();
    holes.inode(INO, { size: 50 * MIB, slots: [0xffff_ffff] });
    const empty = openFile(holes);
    expectBytes(runSync(readRange(empty, 5, 3 * MIB)), new Uint8Array(3 * MIB));
    expect(empty.device.snapshot().read.bios).toBe(0);
  });

  it('reads a cluster whole, and only those that the request touches', () => {
    const volume = newVolume();
    const pieces = [clusterPiece(0.4, 1), clusterPiece(0.4, 1), clusterPiece(0.4, 1)];
    const shape: FileShape = { pieces, logClusterSize: 4, algorithm: Algorithm.zstd, checksum: false };
    const { content, slots } = writeFile(volume, shape);
    const payload = slots.slice(16, 32).filter((slot) => slot < COMPRESS_ADDRESS).length;
    const file = openFile(volume);
    const at = 16 * BLOCK_SIZE + 5;
    expectBytes(runSync(readRange(file, at, 1)), content.subarray(at, at + 1));
    expect(file.device.snapshot().read).toMatchObject({ bios: 1, bytes: payload * BLOCK_SIZE });
  });

  it('needs no scratch for whole blocks, and gives every buffer back', () => {
    const volume = newVolume();
    const { content } = writeFile(volume, plainShape(rawPiece(600, 1), rawPiece(3, 1)));
    const file = openFile(volume);
    runSync(readRange(file, 0, content.length));
    expect(file.context.buffers.taken).toBe(0);
    runSync(readRange(file, 1, content.length - 2));
    expect(file.context.buffers.taken).toBe(2);
    expect(file.context.buffers.out.size).toBe(0);
  });

  it('ends where the file ends', () => {
    const volume = newVolume();
    writeFile(volume, plainShape(rawPiece(2)), 5000);
    const file = openFile(volume);
    for (const [position, length, count] of [
      [0, 0, 0],
      [0, 10_000, 5000],
      [4999, 5, 1],
      [5000, 5, 0],
      [1e12, 5, 0],
    ] as const) {
      expect(runSync(readRange(file, position, length)).length).toBe(count);
    }
  });

  it('refuses encrypted contents with ENOKEY, before it reads anything', () => {
    const volume = newVolume();
    volume.inode(INO, { size: 5000, advise: Advise.encrypt, slots: [volume.allocate(), volume.allocate()] });
    const file = openFile(volume);
    expect(errorOf(readRange(file, 0, 10)).code).toBe('ENOKEY');
    expect(file.device.snapshot().read.bios).toBe(0);
    // The stored bytes are there for those who know what they do.
    expect(runSync(readFileBytes(file.context, file.inode, 0, new Uint8Array(10)))).toBe(10);
  });

  it('tells a listener which clusters it read', () => {
    const volume = newVolume();
    const shape: FileShape = { pieces: [clusterPiece(0.4)], logClusterSize: 2, algorithm: 1, checksum: false };
    const { content } = writeFile(volume, shape);
    const { context, inode } = openFile(volume);
    const tracer = new Tracer();
    const events: unknown[] = [];
    tracer.listen((name, event) => events.push([name, event]));
    Object.assign(context.store, { tracer });
    expectBytes(runSync(readRange({ context, inode }, 0, content.length)), content);
    expect(events).toContainEqual(['cluster:read', { ino: INO, fileBlock: 0, clusterBlocks: 4, payloadBlocks: 2 }]);
  });
});

describe('errors in the middle of a window', () => {
  const shape = plainShape(rawPiece(10, 1), rawPiece(10, 1), rawPiece(10, 1));

  /** Byte range of one block of the file on the device. */
  function rangeOf(slots: number[], fileBlock: number): { start: number; end: number } {
    const start = slots[fileBlock]! * BLOCK_SIZE;
    return { start, end: start + BLOCK_SIZE };
  }

  it('waits for the other requests before it fails: they fill memory that others will use', async () => {
    const volume = newVolume();
    const { slots } = writeFile(volume, shape);
    const rules: FaultRule[] = [
      { action: { kind: 'fail' }, range: rangeOf(slots, 0) },
      { action: { kind: 'hold' }, range: rangeOf(slots, 25) },
    ];
    const device = new FaultDevice(volume.device, [], { mode: 'async' });
    const context = contextOf(volume, device);
    const inode = await runAsync(context.store.readInode(INO));
    for (const rule of rules) device.inject(rule);
    let inFlightAtGive = 0;
    context.buffers.onGive = () => {
      inFlightAtGive += device.held.length;
    };

    let settled = false;
    const reading = runAsync(readRange({ context, inode }, 10, 30 * BLOCK_SIZE - 20)).finally(() => {
      settled = true;
    });
    const outcome = expect(reading).rejects.toMatchObject({ code: 'EIO', syscall: 'read' });
    for (let i = 0; i < 50; i++) await undefined;
    expect(device.held.length).toBe(1);
    expect(settled).toBe(false);
    expect(context.buffers.out.size).toBe(2);
    device.release();
    await outcome;
    expect(context.buffers.out.size).toBe(0);
    expect(inFlightAtGive).toBe(0);
  });

  it('names the request that failed', () => {
    const volume = newVolume();
    const { slots } = writeFile(volume, shape);
    const device = new StatisticsDevice(
      new FaultDevice(volume.device, [{ action: { kind: 'fail' }, range: rangeOf(slots, 15) }]),
    );
    const file = openFile(volume, device);
    const { message } = errorOf(readRange(file, 0, 30 * BLOCK_SIZE));
    expect(message).toContain(`at ${slots[10]! * BLOCK_SIZE} on memory`);
    // The run before and the run behind it are fine.
    runSync(readRange(file, 0, 10 * BLOCK_SIZE));
    runSync(readRange(file, 20 * BLOCK_SIZE, 10 * BLOCK_SIZE));
  });

  it('submits nothing when the map is broken, and gives its buffers back', () => {
    const volume = newVolume();
    const { slots } = layOut(volume, shape);
    slots[20] = 1;
    volume.file(INO, slots, { size: slots.length * BLOCK_SIZE });
    const file = openFile(volume);
    const error = corruptionOf(readRange(file, 1, 30 * BLOCK_SIZE));
    expect(error).toMatchObject({ kind: 'blockAddress', where: { ino: INO, fileBlock: 20 } });
    expect(file.device.snapshot().read.bios).toBe(0);
    expect(file.context.buffers.out.size).toBe(0);
    runSync(readRange(file, 0, 20 * BLOCK_SIZE));
  });

  it('fails or reads right, whatever fails and in whatever order', async () => {
    const volume = newVolume();
    const pieces = [rawPiece(7, 1), clusterPiece(0.5, 1), clusterPiece(0, 1), rawPiece(300, 2), clusterPiece(1, 1)];
    const { content } = writeFile(volume, { pieces, logClusterSize: 3, algorithm: Algorithm.lzoRle, checksum: true });
    const seeds = fc.tuple(fc.nat(), fc.nat({ max: content.length }), fc.nat({ max: content.length }));
    let failures = 0;
    await fc.assert(
      fc.asyncProperty(seeds, async ([seed, position, length]) => {
        const context = contextOf(volume, volume.device);
        const inode = runSync(context.store.readInode(INO));
        const device = new StatisticsDevice(new ShuffleDevice(volume.device, seed, { failChance: 0.15 }));
        const shuffled = { ...contextOf(volume, device), buffers: context.buffers };
        try {
          const found = await runAsync(readRange({ context: shuffled, inode }, position, length));
          expectBytes(found, content.subarray(position, position + length));
        } catch (error) {
          if (!(error instanceof FsError)) throw error;
          expect(error.code).toBe('EIO');
          failures++;
        }
        expect(device.snapshot().inFlight).toBe(0);
        expect(context.buffers.out.size).toBe(0);
      }),
      { numRuns: 60 },
    );
    expect(failures).toBeGreaterThan(0);
  });
});

describe('damaged clusters', () => {
  /** A file of one cluster whose first payload block a test changes. */
  function damaged(
    change: (view: DataView) => void,
    { checksum = false, algorithm = Algorithm.lz4 as number, ignore = false } = {},
  ) {
    const volume = newVolume();
    const shape: FileShape = { pieces: [clusterPiece(0.4)], logClusterSize: 2, algorithm, checksum };
    const { slots, content } = writeFile(volume, shape);
    volume.edit(slots[1]!, change);
    const { context, inode } = openFile(volume);
    context.ignoreClusterChecksums = ignore;
    return { read: () => readRange({ context, inode }, 0, 16_384), content, address: slots[1]!, context, volume };
  }

  it.each([
    ['none', 0],
    ['one more than fits', 2 * BLOCK_SIZE - 24 + 1],
    ['the largest number there is', 0xffff_ffff],
  ])('a length of %s', (_, length) => {
    const { read, address, context } = damaged((view) => view.setUint32(0, length, true));
    expect(corruptionOf(read())).toMatchObject({
      kind: 'clusterHeader',
      where: { block: address, ino: INO, fileBlock: 0, offset: 0 },
      found: length,
    });
    expect(context.buffers.out.size).toBe(0);
  });

  it('a checksum that is not that of the data, unless the mount says never mind', () => {
    const flip = (view: DataView): void => view.setUint32(4, view.getUint32(4, true) ^ 1, true);
    const { read, address } = damaged(flip, { checksum: true });
    expect(corruptionOf(read())).toMatchObject({ kind: 'clusterChecksum', where: { block: address, offset: 4 } });
    const ignored = damaged(flip, { checksum: true, ignore: true });
    expectBytes(runSync(ignored.read()), ignored.content);
    // Without the flag nobody looks at the field.
    const unchecked = damaged(flip);
    expectBytes(runSync(unchecked.read()), unchecked.content);
  });

  it('a flipped bit of the data is found by the checksum', () => {
    const { read } = damaged((view) => view.setUint8(100, view.getUint8(100) ^ 4), { checksum: true });
    expect(corruptionOf(read()).kind).toBe('clusterChecksum');
  });

  it.each(Object.entries(Algorithm))('data that %s cannot decode', (_, algorithm) => {
    const { read, address, context } = damaged((view) => view.setUint32(0, view.getUint32(0, true) - 3, true), {
      algorithm,
    }); // its end is missing
    const error = corruptionOf(read());
    expect(error).toMatchObject({ kind: 'clusterData', where: { block: address, ino: INO, fileBlock: 0 } });
    expect(error.cause).toMatchObject({ code: 'EIO' });
    expect(context.buffers.out.size).toBe(0);
  });

  it('a stream that stands for less, or for more, than the cluster', () => {
    for (const total of [16_383, 16_385]) {
      const volume = newVolume();
      const payload = payloadOf(streamOf(Algorithm.lz4, patternBytes(1, 100), total), false);
      const address = volume.allocate();
      volume.write(address, payload);
      volume.inode(INO, {
        ...inodeOfShape({ pieces: [], logClusterSize: 2, algorithm: 1, checksum: false }, 16_384),
        slots: [COMPRESS_ADDRESS, address],
      });
      expect(corruptionOf(readRange(openFile(volume), 0, 16_384)).kind).toBe('clusterData');
    }
  });

  it('a codec that nobody registered is EOPNOTSUPP, by name; raw clusters of the file are readable', () => {
    const volume = newVolume();
    const shape: FileShape = {
      pieces: [rawPiece(4), clusterPiece()],
      logClusterSize: 2,
      algorithm: 2,
      checksum: false,
    };
    const { content } = writeFile(volume, shape);
    const { context, inode } = openFile(volume);
    context.codecs = { get: () => undefined };
    expect(errorOf(readRange({ context, inode }, 0, content.length))).toMatchObject({
      code: 'EOPNOTSUPP',
      message: expect.stringContaining('zstd'),
    });
    expect(context.buffers.out.size).toBe(0);
    expectBytes(runSync(readRange({ context, inode }, 0, 16_384)), content.subarray(0, 16_384));
  });

  it('the cluster that Linux wrote for zeros (spec A.4)', () => {
    const zeros: Array<[algorithm: number, log: number, hex: string]> = [
      [Algorithm.lz4, 2, `1f000100${'ff'.repeat(64)}2750${'00'.repeat(5)}`],
      [Algorithm.zstd, 2, '28b52ffd00204c00001000000100fb9f0758010000'],
      [Algorithm.lzo, 2, `02${'00'.repeat(5)}20${'00'.repeat(64)}0b10000c${'00'.repeat(15)}110000`],
      [Algorithm.lzoRle, 3, `1101020000000000${'1ffcffff'.repeat(15)}1efcfff60002${'00'.repeat(20)}110000`],
    ];
    for (const [algorithm, logClusterSize, hex] of zeros) {
      const volume = newVolume();
      const address = volume.allocate();
      volume.write(address, payloadOf(Uint8Array.from(Buffer.from(hex, 'hex')), true));
      const size = 2 ** logClusterSize * BLOCK_SIZE;
      volume.inode(INO, {
        size,
        blocks: 9,
        flags: InodeFlag.compress,
        compression: { algorithm, logClusterSize, flag: 1 },
        slots: [COMPRESS_ADDRESS, address],
      });
      expectBytes(runSync(readRange(openFile(volume), 0, size)), new Uint8Array(size));
    }
  });
});
