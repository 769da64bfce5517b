// The raw image in a sparse file reads like the raw image, whatever the chunks; and no file, however hostile, makes opening
// it read or keep more than the file is long.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  BlobDevice,
  type BlockDevice,
  LatencyDevice,
  MemoryDevice,
  readBio,
  readBytes,
  ShuffleDevice,
  StatisticsDevice,
} from '@f2fskit/block';
import { deviceConformance } from '@f2fskit/block/conformance';
import { FsError } from '@f2fskit/errno';
import { runAsync, runSync, seededRandom } from '@f2fskit/task';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { caught, contentOf, deviceOver, expectSameBytes, inSectors } from '../test/devices.ts';
import { fixtureImage } from '../test/fixture-image.ts';
import { buildSparse, type SparsePiece, sparsePieces, unpackPieces } from './builders/index.ts';
import { AndroidSparseDevice, PaddedDevice } from './index.ts';

const open = (device: BlockDevice, fileSize?: number): AndroidSparseDevice =>
  runSync(AndroidSparseDevice.open(device, fileSize));

/** Chunks of all kinds for an image with a given block size. */
function piecesOf(blockSize: number): fc.Arbitrary<SparsePiece[]> {
  const blocks = fc.nat(5);
  const raw = fc
    .tuple(blocks, fc.nat(0xffff_ffff))
    .map(([count, seed]): SparsePiece => ({ kind: 'raw', bytes: noise(count * blockSize, seed) }));
  const word = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0xffff_ffff));
  const fill = fc.record({ kind: fc.constant('fill' as const), word, blocks });
  const hole = fc.record({ kind: fc.constant('hole' as const), blocks });
  const checksum = fc.constant<SparsePiece>({ kind: 'checksum' });
  return fc.array(fc.oneof(raw, fill, hole, checksum), { maxLength: 14 });
}

function noise(size: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => random.below(256));
}

const layout = fc.constantFrom(4, 12, 508, 512, 1024, 4096, 4100).chain((blockSize) =>
  fc.record({
    blockSize: fc.constant(blockSize),
    pieces: piecesOf(blockSize),
    headerSize: fc.constantFrom(28, 29, 32, 512),
    chunkHeaderSize: fc.constantFrom(12, 16, 33),
  }),
);

describe('any layout of chunks', () => {
  it('reads like the flat image', () => {
    fc.assert(
      fc.property(layout, ({ blockSize, pieces, ...sizes }) => {
        const flat = inSectors(unpackPieces(pieces, blockSize));
        const device = open(deviceOver(buildSparse(pieces, { blockSize, ...sizes })));
        expectSameBytes(contentOf(device), flat);
      }),
      { numRuns: 150 },
    );
  });

  it('and so does every part of it, into any segments, in any order of completion', async () => {
    await fc.assert(
      fc.asyncProperty(
        layout,
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(700)), { maxLength: 8 }),
        async (a, seed, reads) => {
          const { blockSize, pieces, ...sizes } = a;
          const flat = inSectors(unpackPieces(pieces, blockSize));
          const file = deviceOver(buildSparse(pieces, { blockSize, ...sizes }));
          const device = await runAsync(AndroidSparseDevice.open(new ShuffleDevice(file, seed)));
          const sectors = flat.length / 512;
          const bios = reads.map(([from, count, cut]) => {
            const start = (from % (sectors + 1)) * 512;
            const end = Math.min(flat.length, start + (count % 40) * 512);
            const first = Math.min(cut, end - start);
            return readBio(start, [new Uint8Array(first), new Uint8Array(0), new Uint8Array(end - start - first)]);
          });
          for (const bio of bios) device.submit(bio);
          for (const bio of bios) {
            await new Promise<void>((resolve) => bio.completion.subscribe(resolve));
            expect(bio.completion.error).toBe(0);
            expectSameBytes(Buffer.concat(bio.segments), flat.subarray(bio.offset, bio.endOffset));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('conformance', () => {
  const flat = new Uint8Array(80 * 4096);
  for (const [index, block] of [0, 1, 5, 9, 30, 31, 32, 61].entries()) flat.set(noise(4096, index), block * 4096);
  flat.fill(0x5a, 40 * 4096, 50 * 4096);
  const file = buildSparse(sparsePieces(flat));
  const subjects: Array<[string, 'sync' | 'async', () => BlockDevice]> = [
    ['memory', 'sync', () => deviceOver(file)],
    ['latency', 'async', () => new LatencyDevice(deviceOver(file), { clock: 'microtask' })],
    [
      'blob',
      'async',
      () => {
        const blob = new BlobDevice(new Blob([file]));
        return new PaddedDevice(blob, file.subarray(blob.size));
      },
    ],
  ];
  describe.each(subjects)('over %s', (_name, mode, below) => {
    const factory = async () => ({ device: await runAsync(AndroidSparseDevice.open(below())), content: flat });
    for (const c of deviceConformance(factory, { mode, writable: false, discards: false })) it(c.name, c.run);
  });
});

describe('what it costs', () => {
  it('a read across many small chunks is one request', () => {
    const pieces: SparsePiece[] = [];
    for (let block = 0; block < 64; block++) {
      pieces.push({ kind: 'raw', bytes: noise(4096, block) }, { kind: 'fill', word: block, blocks: 1 });
    }
    const device = new StatisticsDevice(deviceOver(buildSparse(pieces)));
    const sparse = open(device);
    device.reset();
    contentOf(sparse);
    expect(device.snapshot().read.bios).toBe(1);
    device.reset();
    const hole = open(deviceOver(buildSparse([{ kind: 'hole', blocks: 2 ** 31 }])));
    runSync(readBytes(hole, 2 ** 42, new Uint8Array(4096)));
    expect(hole.size).toBe(2 ** 43);
  });

  it('headers that follow each other are read together, those far apart by themselves', () => {
    const holes = new StatisticsDevice(
      deviceOver(
        buildSparse(
          Array.from({ length: 20_000 }, (_, index): SparsePiece => ({ kind: 'fill', word: index, blocks: 1 })),
        ),
      ),
    );
    open(holes);
    expect(holes.snapshot().read.bios).toBeLessThan(16);
    const far = new StatisticsDevice(
      deviceOver(
        buildSparse(
          Array.from(
            { length: 50 },
            (_, index): SparsePiece => ({ kind: 'raw', bytes: new Uint8Array(16 * 4096).fill(index) }),
          ),
        ),
      ),
    );
    open(far);
    expect(far.snapshot().read.bytes).toBeLessThanOrEqual(52 * 4096);
  });

  it('keeps 12 bytes a chunk that matters, none for the others', () => {
    const pieces: SparsePiece[] = Array.from({ length: 300 }, () => ({ kind: 'hole', blocks: 1 }));
    pieces.push({ kind: 'fill', word: 0, blocks: 3 }, { kind: 'checksum' }, { kind: 'raw', bytes: new Uint8Array(0) });
    expect(open(deviceOver(buildSparse(pieces))).pieces).toBe(1);
    pieces.push(
      { kind: 'fill', word: 1, blocks: 3 },
      { kind: 'fill', word: 1, blocks: 1 },
      { kind: 'hole', blocks: 1 },
    );
    expect(open(deviceOver(buildSparse(pieces))).pieces).toBe(3);
  });
});

const good = buildSparse([
  { kind: 'raw', bytes: noise(8192, 1) },
  { kind: 'fill', word: 0x01020304, blocks: 2 },
  { kind: 'hole', blocks: 3 },
  { kind: 'checksum' },
]);
const FILL = 28 + 12 + 8192;

describe('an image that is wrong', () => {
  const cases: Array<[what: string, change: (view: DataView) => void, kind: string, offset: number, found: unknown]> = [
    ['another magic', (view) => view.setUint32(0, 1, true), 'sparseMagic', 0, 1],
    ['a header that is too short', (view) => view.setUint16(8, 27, true), 'sparseHeaderSize', 8, 27],
    ['chunk headers that are too short', (view) => view.setUint16(10, 11, true), 'sparseHeaderSize', 10, 11],
    ['blocks of 0 bytes', (view) => view.setUint32(12, 0, true), 'sparseBlockSize', 12, 0],
    ['blocks of 4098 bytes', (view) => view.setUint32(12, 4098, true), 'sparseBlockSize', 12, 4098],
    [
      '2^64 bytes',
      (view) => view.setBigUint64(12, 0xffff_ffff_ffff_fffcn, true),
      'sparseSize',
      16,
      '4294967295 blocks',
    ],
    ['2^32 chunks', (view) => view.setUint32(20, 0xffff_ffff, true), 'sparseChunkCount', 20, 0xffff_ffff],
    ['a chunk of no known type', (view) => view.setUint16(FILL, 0xcac9, true), 'sparseChunkType', FILL, 0xcac9],
    ['a fill chunk with too much data', (view) => view.setUint32(FILL + 8, 20, true), 'sparseChunkSize', FILL + 8, 20],
    ['a raw chunk with too few data', (view) => view.setUint32(28 + 8, 8192, true), 'sparseChunkSize', 36, 8192],
    ['a hole with data', (view) => view.setUint32(FILL + 16 + 8, 16, true), 'sparseChunkSize', FILL + 24, 16],
    ['a checksum chunk with blocks', (view) => view.setUint32(FILL + 28 + 4, 1, true), 'sparseChunkSize', FILL + 32, 1],
    [
      'a chunk beyond the raw image',
      (view) => view.setUint32(FILL + 16 + 4, 4, true),
      'sparseBlockTotal',
      FILL + 20,
      4,
    ],
    ['too few blocks in the chunks', (view) => view.setUint32(16, 8, true), 'sparseBlockTotal', good.length, 7],
    ['too few chunks', (view) => view.setUint32(20, 2, true), 'sparseBlockTotal', FILL + 16, 4],
    [
      'one chunk too many',
      (view) => view.setUint32(20, 5, true),
      'sparseTruncated',
      good.length,
      'the end of the image',
    ],
  ];
  it.each(cases)('%s', (_what, change, kind, offset, found) => {
    const bytes = good.slice();
    change(new DataView(bytes.buffer));
    const error = caught(() => open(deviceOver(bytes), bytes.length));
    expect(error).toMatchObject({ code: 'EUCLEAN', kind, where: { offset }, found });
    expect(error.message).toContain(`${kind} at offset ${offset}`);
    if (kind !== 'sparseMagic') expect(error.message).toContain('copy it again');
  });

  it('another major version', () => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setUint16(4, 2, true);
    const error = caught(() => open(deviceOver(bytes)));
    expect(error.code).toBe('EOPNOTSUPP');
    expect(error.message).toContain('Android sparse format 2.0, at offset 4');
    expect(error.message).toContain('unpack it with the simg2img that belongs to it');
  });

  it('a minor version and longer headers are taken', () => {
    const bytes = buildSparse([{ kind: 'fill', word: 9, blocks: 1 }], { headerSize: 40, chunkHeaderSize: 20 });
    new DataView(bytes.buffer).setUint16(6, 7, true);
    expect(open(deviceOver(bytes)).header).toMatchObject({ minorVersion: 7, headerSize: 40, chunkHeaderSize: 20 });
  });

  it('a file that is cut anywhere is found to be cut', () => {
    for (const length of [0, 27, 28, 39, 40, 5000, FILL, FILL + 13, good.length - 1]) {
      const error = caught(() => open(deviceOver(good.slice(0, length)), length));
      expect(error.code).toBe('EUCLEAN');
      expect(error.message, `${length}`).toMatch(/join them first: simg2img PIECE… IMAGE/);
    }
  });

  it('a file whose partial last sector is missing is not taken for whole', () => {
    const error = caught(() => open(MemoryDevice.from(good)));
    expect(error).toMatchObject({ kind: 'sparseTruncated', where: { offset: 8192 } });
  });

  it('mutated: ends, with an answer or an FsError, and reads no more than twice the file', () => {
    fc.assert(
      fc.property(
        layout,
        fc.array(fc.tuple(fc.nat(400), fc.constantFrom(0, 1, 4, 0x7f, 0x80, 0xff, 0xca)), {
          minLength: 1,
          maxLength: 6,
        }),
        ({ blockSize, pieces, ...sizes }, changes) => {
          const bytes = buildSparse(pieces, { blockSize, ...sizes });
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const device = new StatisticsDevice(deviceOver(bytes));
          try {
            const sparse = open(device);
            expect(sparse.pieces).toBeLessThanOrEqual(sparse.header.chunks);
            runSync(readBytes(sparse, 0, new Uint8Array(Math.min(sparse.size, 65_536))));
          } catch (error) {
            expect(error).toBeInstanceOf(FsError);
          }
          const { read } = device.snapshot();
          expect(read.bytes).toBeLessThanOrEqual(70_000 + 4096 * (bytes.length / 12));
          expect(read.bios).toBeLessThanOrEqual(8 + bytes.length / 4);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('img2simg', () => {
  const image = fixtureImage();

  it('made the fixture, and it reads like the image it was made from', () => {
    const packed = readFileSync(new URL('../test/fixtures/img2simg.simg', import.meta.url));
    const device = open(deviceOver(packed));
    expect(device.header).toMatchObject({ blockSize: 4096, blocks: 40, headerSize: 28, chunkHeaderSize: 12 });
    expectSameBytes(contentOf(device), image);
  });

  const judge = ['img2simg', 'simg2img'].every((command) => spawnSync(command).error === undefined);
  const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-images-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.runIf(judge)('and simg2img accept each other with what is here (needs android-sdk-libsparse-utils)', () => {
    const [raw, packed, back] = ['raw', 'packed', 'back'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(raw, image);
    for (const blockSize of [1024, 4096, 8192]) {
      expect(spawnSync('img2simg', [raw, packed, String(blockSize)]).status).toBe(0);
      expectSameBytes(contentOf(open(deviceOver(readFileSync(packed)))), image);
      writeFileSync(packed, buildSparse([...sparsePieces(image, blockSize), { kind: 'checksum' }], { blockSize }));
      rmSync(back, { force: true });
      const run = spawnSync('simg2img', [packed, back], { encoding: 'utf8' });
      expect(run.status, run.stderr).toBe(0);
      expectSameBytes(readFileSync(back), image);
    }
  });
});
