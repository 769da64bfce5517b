import { type BlockDevice, FaultDevice, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { Corruption, FsError } from '@f2fskit/errno';
import { Feature, InlineFlag } from '@f2fskit/f2fs-format';
import { runAsync, runSync, type Task } from '@f2fskit/task';
import { utf8Encode } from '@f2fskit/vfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Algorithm, type FilePiece, inodeOfShape, layOut } from '../test/compressed-file.ts';
import { inlineAreaOf } from '../test/dentries.ts';
import { writeHashDirectory } from '../test/directory-file.ts';
import { DIRECTORY, dots, MountableVolume, SYMLINK } from '../test/mountable-volume.ts';
import { inodeWithXattrs, xattrList } from '../test/xattrs.ts';
import { type F2fsVolume, mountF2fs } from './index.ts';

const DIR = 10;
const INLINE = 11;
const COMPRESSED = 12;
const PLAIN = 13;
const LINK = 14;
const BROKEN = 15;
const ATTRIBUTES = 16;
const BAD_DIR = 17;
const SMALL_DIR = 18;

/** Something of everything. */
function richVolume(): MountableVolume {
  const features = Feature.extraAttr | Feature.flexibleInlineXattr | Feature.compression | Feature.sbChecksum;
  const volume = new MountableVolume({ features });
  const names = Array.from({ length: 700 }, (_, n) => ({ name: `name number ${n}`, ino: 100 + n }));
  writeHashDirectory(volume, DIR, names);
  const text = utf8Encode('some text in the inode\n');
  const inline = InlineFlag.data | InlineFlag.dataExist;
  const raw = (_: DataView, block: Uint8Array): void => block.set(text, inlineAreaOf({}).offset);
  volume.inode(INLINE, { inline, size: text.length, raw });
  const piece = (kind: FilePiece['kind'], blocks: number, gap: number): FilePiece => {
    return { kind, blocks, gap, literals: 0.3, released: false };
  };
  const pieces = [piece('compressed', 0, 1), piece('raw', 9, 2), piece('compressed', 0, 0), piece('hole', 3, 0)];
  const shape = { pieces, logClusterSize: 3, algorithm: Algorithm.zstd, checksum: true };
  const compressed = layOut(volume, shape);
  volume.file(COMPRESSED, compressed.slots, inodeOfShape(shape, compressed.content.length - 777));
  const plain = layOut(volume, { ...shape, logClusterSize: 0, pieces: [piece('raw', 700, 3), piece('raw', 500, 1)] });
  volume.file(PLAIN, plain.slots, { size: plain.content.length, blocks: 1201 });
  const target = volume.allocate();
  volume.edit(target, (_, bytes) => bytes.set(utf8Encode('../some/where')));
  volume.inode(LINK, { mode: SYMLINK, size: 13, slots: [target] });
  volume.inode(BROKEN, { size: 20_000, slots: [4096, 1, 4097] });
  const list = xattrList([
    { index: 1, name: 'long', value: new Uint8Array(900).fill(3) },
    { index: 6, name: 'selinux', value: utf8Encode('context') },
  ]);
  inodeWithXattrs(volume, ATTRIBUTES, list, { words: 50, node: true });
  // Its second block is nowhere, and the node behind the inode's slots is not there.
  volume.inode(BAD_DIR, { mode: DIRECTORY, size: 920 * 4096, depth: 2, slots: [volume.allocate(), 1], nids: [77] });
  volume.inlineDirectory(SMALL_DIR, [...dots(SMALL_DIR), { name: 'x', ino: 50 }, { name: 'bad', ino: 0 }]);
  volume.complete();
  return volume;
}

type Operation = (volume: F2fsVolume) => Task<unknown>;

const read = (ino: number, position: number, length: number): Operation =>
  function* (volume) {
    const target = new Uint8Array(length);
    const count = yield* (yield* volume.readInode(ino)).read(position, target);
    return Buffer.from(target.subarray(0, count)).toString('base64');
  };
const lookup = (ino: number, name: string): Operation =>
  function* (volume) {
    return yield* (yield* volume.readInode(ino)).lookup(utf8Encode(name));
  };
const list = (ino: number): Operation =>
  function* (volume) {
    const reader = (yield* volume.readInode(ino)).list();
    const found: unknown[] = [];
    for (let batch = yield* reader.next(); batch !== undefined; batch = yield* reader.next()) found.push(batch);
    return found;
  };
const operations: Operation[] = [
  list(DIR),
  lookup(DIR, 'name number 650'),
  lookup(DIR, 'absent'),
  read(INLINE, 5, 100),
  read(COMPRESSED, 100, 80_000),
  read(COMPRESSED, 32_767, 2),
  read(PLAIN, 0, 1200 * 4096),
  read(PLAIN, 1_000_001, 1_500_000),
  (volume) => readLink(volume),
  read(BROKEN, 0, 10_000),
  (volume) => attributes(volume),
  list(BAD_DIR),
  lookup(BAD_DIR, 'x'),
  list(SMALL_DIR),
  lookup(SMALL_DIR, 'x'),
  read(DIR, 0, 1),
  (volume) => volume.readInode(999),
];
function* readLink(volume: F2fsVolume): Task<unknown> {
  return yield* (yield* volume.readInode(LINK)).readLink();
}
function* attributes(volume: F2fsVolume): Task<unknown> {
  const inode = yield* volume.readInode(ATTRIBUTES);
  return [inode.attributes(), yield* inode.extendedAttributes()];
}

/** What a task came to, comparable: the value, or everything that an error says. */
function* outcome(task: Task<unknown>): Task<unknown> {
  try {
    return yield* task;
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    const { code, message } = error;
    return { code, message, ...(error instanceof Corruption ? { kind: error.kind, where: error.where } : {}) };
  }
}

const options = { codecs: defaultCodecs() };

describe('one implementation for sync and async devices', () => {
  const volume = richVolume();
  const expected = runSync(everything(volume.device));

  function* everything(device: BlockDevice): Task<unknown[]> {
    const mounted = yield* mountF2fs(device, options);
    const outcomes: unknown[] = [];
    for (const operation of operations) outcomes.push(yield* outcome(operation(mounted)));
    return outcomes;
  }

  it('has something of everything to compare', () => {
    const codes = expected.map((one) => (one as { code?: string }).code);
    expect(codes.filter((code) => code !== undefined)).toEqual(['EUCLEAN', 'EUCLEAN', 'EISDIR', 'EUCLEAN']);
  });

  it.each([1, 2, 3, 4])('gives the same results in any order and with delays (seed %i)', async (seed) => {
    expect(await runAsync(everything(new ShuffleDevice(volume.device, seed, { delay: seed })))).toEqual(expected);
  });

  it('gives the same results when all of it happens at once', async () => {
    const device = new StatisticsDevice(new ShuffleDevice(volume.device, 5));
    const mounted = await runAsync(mountF2fs(device, options));
    const outcomes = await Promise.all(operations.map((operation) => runAsync(outcome(operation(mounted)))));
    expect(outcomes).toEqual(expected);
    expect(device.snapshot().inFlightMax).toBeGreaterThan(5);
  });

  it('gives the same results while nothing fails, and again once nothing fails any more', async () => {
    let failures = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const rule = { action: { kind: 'fail' as const }, chance: 0.05 };
        const device = new FaultDevice(new ShuffleDevice(volume.device, seed), [], { seed });
        const mounted = await runAsync(
          mountF2fs(device, { ...options, cache: { budgetBytes: 4 << 20, poison: true } }),
        );
        for (const [index, operation] of operations.entries()) {
          const before = device.log.length;
          device.inject(rule);
          const first = await runAsync(outcome(operation(mounted)));
          device.clear();
          if (device.log.length === before) expect(first).toEqual(expected[index]);
          else failures++;
          expect(await runAsync(outcome(operation(mounted)))).toEqual(expected[index]);
        }
      }),
      { numRuns: 8 },
    );
    expect(failures).toBeGreaterThan(0);
  });
});

describe('F2fsVolume', () => {
  it('says how much is in use', () => {
    const volume = runSync(mountF2fs(richVolume().device));
    expect(volume.usage()).toEqual({
      blockSize: 4096,
      blocks: 10_240,
      blocksFree: 10_238,
      blocksTotal: 512 + 49 * 512,
      inodes: 1,
      nodes: 1,
      nodesMax: 232_960,
    });
  });

  it('shows the checkpoint in use', () => {
    const { checkpoint, pack } = runSync(mountF2fs(richVolume().device));
    expect(checkpoint).toBe(pack.checkpoint);
    expect(checkpoint.version).toBe(5n);
  });
});
