import { FaultDevice, MemoryDevice, ShuffleDevice, StatisticsDevice, writeBytes } from '@f2fskit/block';
import { Corruption, type FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CheckpointFlag,
  Feature,
  NODE_FOOTER_OFFSET,
  NodeFlag,
  NodeFooter,
  RawDevice,
  RawSuperblock,
  SUPER_OFFSET,
  SUPER_SIZE,
  sealSuperblock,
} from '@f2fskit/f2fs-format';
import type { TestVolumeOptions } from '@f2fskit/f2fs-node/test-volume';
import { viewOf } from '@f2fskit/ondisk';
import { runAsync, runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { Algorithm, inodeOfShape, layOut } from '../test/compressed-file.ts';
import { corruptionOf, errorOf, MountableVolume, type TestPack } from '../test/mountable-volume.ts';
import { mountF2fs } from './mount.ts';
import { CHAIN_NODES_MAX } from './recovery-scan.ts';

const { umount, compactSummary, crcRecovery } = CheckpointFlag;

/** A volume with root and checkpoint. */
function complete(options?: TestVolumeOptions, pack?: TestPack): MountableVolume {
  const volume = new MountableVolume(options);
  if (pack !== undefined) volume.writePack(0, pack);
  volume.complete();
  return volume;
}

const mount = (volume: MountableVolume) => runSync(mountF2fs(volume.device));
const refusal = (volume: MountableVolume): FsError => errorOf(mountF2fs(volume.device));

/** Kinds of the problems of a mount, with what each says. */
const problemsOf = (volume: MountableVolume): Array<[kind: string, message: string]> =>
  mount(volume).problems.map(({ kind, message }) => [kind, message]);

/** Changes one superblock copy and makes its checksum right again, unless told otherwise. */
function editCopy(volume: MountableVolume, block: 0 | 1, change: (view: DataView) => void, seal = true): void {
  volume.edit(block, (_, bytes) => {
    const copy = bytes.subarray(SUPER_OFFSET, SUPER_OFFSET + SUPER_SIZE);
    change(viewOf(copy));
    if (seal) sealSuperblock(copy);
  });
}

const breakMagic = (view: DataView): void => RawSuperblock.magic.set(view, 0, 1);
const breakChecksum = (view: DataView): void => RawSuperblock.checksum.set(view, 0, 1);

describe('the superblock', () => {
  it('of a healthy volume leaves nothing to say', () => {
    const volume = mount(complete());
    expect(volume.problems).toEqual([]);
    expect(volume).toMatchObject({ superblockCopy: 0, rootIno: 3, nameBytesMax: 255 });
  });

  it.each([0, 1] as const)('copy %i may be bad: the other one serves, and it is said', (block) => {
    for (const [damage, kind] of [
      [breakMagic, 'superblockMagic'],
      [breakChecksum, 'superblockChecksum'],
    ] as const) {
      const volume = complete();
      editCopy(volume, block, damage, false);
      const mounted = mount(volume);
      expect(mounted.superblockCopy).toBe(1 - block);
      expect(mounted.problems).toMatchObject([{ kind: 'damage', error: { kind, where: { block } } }]);
    }
    const volume = complete();
    const range = { start: block * BLOCK_SIZE, end: (block + 1) * BLOCK_SIZE };
    const device = new FaultDevice(volume.device, [{ action: { kind: 'fail' }, range }]);
    const mounted = runSync(mountF2fs(device));
    expect(mounted.superblockCopy).toBe(1 - block);
    expect(mounted.problems).toMatchObject([{ kind: 'damage', error: { kind: 'superblockRead' } }]);
  });

  it('copies that differ are a problem; the first one serves', () => {
    const volume = complete();
    editCopy(volume, 1, (view) => RawSuperblock.minorVersion.set(view, 0, 9));
    const mounted = mount(volume);
    expect(mounted.superblock.minorVersion).toBe(15);
    expect(mounted.problems).toMatchObject([{ kind: 'damage', error: { kind: 'superblockCopies' } }]);
  });

  it('both bad is corruption, with both reasons', () => {
    const volume = complete();
    editCopy(volume, 0, breakChecksum, false);
    editCopy(volume, 1, (view) => RawSuperblock.rootIno.set(view, 0, 4));
    const error = corruptionOf(mountF2fs(volume.device));
    expect(error).toMatchObject({ kind: 'superblockChecksum', where: { block: 0 } });
    expect(error.cause).toBeInstanceOf(Corruption);
    expect(error.cause).toMatchObject({ kind: 'superblockReservedIno', where: { block: 1 } });
  });

  it('of a volume with other blocks is refused by name', () => {
    const volume = complete();
    const larger = (view: DataView): void => {
      RawSuperblock.logBlockSize.set(view, 0, 14);
      RawSuperblock.logSectorsPerBlock.set(view, 0, 5);
    };
    editCopy(volume, 0, larger);
    expect(refusal(volume)).toMatchObject({ code: 'EOPNOTSUPP', message: expect.stringContaining('16 KiB') });
  });
});

describe('what is not F2FS', () => {
  const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

  function foreign(size: number, ...parts: Array<[offset: number, bytes: Uint8Array]>): FsError {
    const bytes = new Uint8Array(size);
    for (const [offset, part] of parts) bytes.set(part, offset);
    return errorOf(mountF2fs(MemoryDevice.from(bytes)));
  }

  it.each([
    ['ext4', 1 << 17, 1080, Uint8Array.of(0x53, 0xef), 'ext2, ext3 or ext4'],
    ['a GPT disk', 1 << 17, 512, ascii('EFI PART'), 'GPT'],
    ['btrfs, whose mark is at 64 KiB', 1 << 17, 65_600, ascii('_BHRfS_M'), 'btrfs'],
    ['an Android sparse image', 1 << 17, 0, Uint8Array.of(0x3a, 0xff, 0x26, 0xed), 'sparse'],
    ['a gzip file shorter than a superblock', 512, 0, Uint8Array.of(0x1f, 0x8b), 'gzip'],
    ['an xz file that ends before the second copy', 4608, 0, ascii('\xfd7zXZ\0'), 'xz'],
    ['zeros', 1 << 17, 0, new Uint8Array(1), 'empty'],
  ])('%s is named', (_, size, offset, magic, name) => {
    const error = foreign(size, [offset, magic]);
    expect(error).toMatchObject({ code: 'EINVAL', message: expect.stringContaining(name) });
  });

  it('is refused where nobody can name it', () => {
    for (const size of [0, 512, 1 << 20]) {
      const error = foreign(size, ...(size === 0 ? [] : [[0, ascii('something')] as [number, Uint8Array]]));
      expect(error).toMatchObject({ code: 'EINVAL', message: expect.stringContaining('no F2FS superblock') });
    }
    // Nor is it an error of the medium when only the naming fails.
    const device = new MemoryDevice(1 << 20);
    runSync(writeBytes(device, 0, Buffer.alloc(512, 1)));
    const rule = { action: { kind: 'fail' as const }, range: { start: 8192, end: 1 << 20 } };
    expect(errorOf(mountF2fs(new FaultDevice(device, [rule]))).code).toBe('EINVAL');
  });

  it('is not said of a volume that cannot be read', () => {
    const volume = complete();
    const rule = { action: { kind: 'fail' as const }, range: { start: 0, end: 8192 } };
    expect(errorOf(mountF2fs(new FaultDevice(volume.device, [rule]))).code).toBe('EIO');
  });
});

describe('a volume of several devices', () => {
  const superblock = (view: DataView): void => {
    const segments = RawSuperblock.segmentCount.get(view, 0);
    for (const [index, [path, count]] of [
      ['/dev/sda', 30],
      ['/dev/sdb', segments - 30],
    ].entries()) {
      const at = RawSuperblock.devices.at(0, index);
      RawDevice.path.set(view, at, Buffer.from(path as string));
      RawDevice.segmentCount.set(view, at, count as number);
    }
  };

  it('is refused while only the first is there, by name', () => {
    const volume = complete({ superblock, deviceBlocks: 512 + 30 * 512 });
    expect(refusal(volume)).toMatchObject({
      code: 'EOPNOTSUPP',
      message: expect.stringContaining('/dev/sda, /dev/sdb'),
    });
  });

  it('opens when they were joined, as the refusal advises', () => {
    expect(mount(complete({ superblock })).superblock.devices).toHaveLength(2);
  });
});

describe('the root', () => {
  it('must be a directory', () => {
    const volume = new MountableVolume();
    volume.inode(3, {});
    volume.writePack(0);
    expect(corruptionOf(mountF2fs(volume.device))).toMatchObject({ kind: 'rootInode', found: 'file' });
  });

  it('must be there', () => {
    const volume = new MountableVolume();
    volume.writePack(0);
    expect(corruptionOf(mountF2fs(volume.device))).toMatchObject({ kind: 'natEntry', where: { nid: 3 } });
  });

  it('is found through the copy of the NAT in use, and through the journal', () => {
    const flipped = new MountableVolume();
    flipped.flipNat(0);
    flipped.complete();
    expect(mount(flipped).problems).toEqual([]);

    const volume = new MountableVolume();
    volume.inlineDirectory(3, []);
    const blockAddress = volume.allocate() - 1;
    volume.setNat(3, 1);
    volume.writePack(0, { natJournal: [{ nid: 3, version: 0, ino: 3, blockAddress }] });
    expect(mount(volume).store.nat.journal.size).toBe(1);
  });
});

describe('problems', () => {
  it.each([
    ['CP_ERROR', 0x8, ['damage', 'flag']],
    ['CP_FSCK', 0x10, ['flag']],
    ['CP_DISABLED', 0x1000, ['flag']],
    ['CP_RESIZEFS', 0x4000, ['flag']],
    ['CP_QUOTA_NEED_FSCK', 0x800, ['flag']],
  ])('%s', (name, flag, kinds) => {
    const problems = problemsOf(complete({}, { flags: umount | compactSummary | flag }));
    expect(problems.map(([kind]) => kind)).toEqual(kinds);
    expect(problems.at(-1)![1]).toContain(name);
  });

  it('orphans', () => {
    const flags = compactSummary | CheckpointFlag.orphanPresent;
    expect(problemsOf(complete({}, { flags, orphanBlocks: 1 }))).toMatchObject([['orphans', expect.any(String)]]);
  });

  it('counters and bits that a kernel left in the superblock', () => {
    const superblock = (view: DataView): void => {
      view.setUint8(RawSuperblock.stopReasons.offset + 3, 2);
      view.setUint8(RawSuperblock.errorBits.offset, 0b1_0010);
    };
    expect(problemsOf(complete({ superblock }))).toEqual([
      ['flag', expect.stringContaining('2 times: write failure')],
      ['flag', expect.stringContaining('decompression failure, corrupted inode')],
    ]);
  });

  it('a device that ends before the volume does', () => {
    const volume = complete({ deviceBlocks: 20_000 });
    const [problem] = problemsOf(volume);
    expect(problem![0]).toBe('truncated');
    expect(problem![1]).toContain(`only ${20_000 * BLOCK_SIZE}`);
  });

  it('features that nobody knows', () => {
    const features = Feature.extraAttr | Feature.sbChecksum | 0x8002_0000;
    const [problem] = problemsOf(complete({ features }));
    expect(problem).toEqual(['unknown', expect.stringMatching(/0x20000.*0x80000000/)]);
  });

  it('are in the order: damage, size, flags, recovery', () => {
    const volume = complete({ deviceBlocks: 20_000 }, { flags: umount | compactSummary | 0x10, sitJournalCount: 9 });
    editCopy(volume, 1, breakMagic, false);
    expect(problemsOf(volume).map(([kind]) => kind)).toEqual(['damage', 'damage', 'truncated', 'flag']);
  });
});

describe('fsynced changes after the checkpoint', () => {
  const START = 4096 + 30 * 512 + 5;
  const pack: TestPack = { warmNodes: [30, 5], flags: umount | compactSummary | crcRecovery };

  function chain(nodes: ReadonlyArray<{ fsync: boolean; next?: number }>, crc?: number): MountableVolume {
    const volume = complete({}, pack);
    const checksum = viewOf(volume.read(512)).getUint32(4092, true);
    nodes.forEach(({ fsync, next }, index) => {
      volume.edit(START + index, (view) => {
        NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, fsync ? NodeFlag.fsync : 0);
        NodeFooter.checkpointVersion.set(view, NODE_FOOTER_OFFSET, 5, crc ?? checksum);
        NodeFooter.nextAddress.set(view, NODE_FOOTER_OFFSET, next ?? START + index + 1);
      });
    });
    return volume;
  }

  const unrecovered = (volume: MountableVolume): Array<[kind: string, message: string]> =>
    runSync(mountF2fs(volume.device, { norecovery: true })).problems.map(({ kind, message }) => [kind, message]);

  it('are recovered unless told otherwise; what is no node is told of', () => {
    expect(problemsOf(chain([{ fsync: true }]))).toMatchObject([['damage', expect.stringContaining('nodeFooterNid')]]);
    expect(() => runSync(mountF2fs(chain([{ fsync: true }]).device, { writable: true, norecovery: true }))).toThrow(
      /EROFS.*needs recovery/,
    );
  });

  it('are reported, and not shown', () => {
    const [problem, ...others] = unrecovered(chain([{ fsync: true }, { fsync: false }, { fsync: true }]));
    expect(others).toEqual([]);
    expect(problem![0]).toBe('recovery');
    expect(problem![1]).toContain('needs recovery: 2 fsynced nodes');
    expect(problem![1]).toContain('checkpoint 5');
    expect(unrecovered(chain([{ fsync: true }]))[0]![1]).toContain(': 1 fsynced node ');
  });

  it('are none without marks, or when the chain is of another checkpoint', () => {
    expect(unrecovered(chain([{ fsync: false }]))).toEqual([]);
    expect(unrecovered(chain([{ fsync: true }], 12_345))).toEqual([]);
  });

  it('may be more where the chain is broken', () => {
    expect(unrecovered(chain([{ fsync: true, next: START }]))).toMatchObject([
      ['recovery', expect.stringContaining('at least 1 fsynced node ')],
    ]);
    expect(unrecovered(chain([{ fsync: false, next: START }]))).toMatchObject([
      ['damage', expect.stringContaining('loops')],
    ]);
  });

  it('may be there where the chain is too long to look', () => {
    const volume = chain(Array.from({ length: CHAIN_NODES_MAX + 1 }, () => ({ fsync: false })));
    expect(unrecovered(volume)).toMatchObject([['recovery', expect.stringContaining(`more than ${CHAIN_NODES_MAX}`)]]);
  });
});

describe('the options', () => {
  function compressed(): { volume: MountableVolume; size: number } {
    const volume = new MountableVolume({ features: Feature.extraAttr | Feature.compression });
    const piece = { kind: 'compressed' as const, blocks: 0, gap: 0, literals: 0.2, released: false };
    const shape = { pieces: [piece], logClusterSize: 2, algorithm: Algorithm.lz4, checksum: true };
    const { slots, content } = layOut(volume, shape);
    volume.inode(10, { ...inodeOfShape(shape, content.length), slots });
    volume.edit(slots[1]!, (view) => view.setUint32(4, 1, true)); // a wrong checksum
    volume.complete();
    return { volume, size: content.length };
  }

  it('without codecs everything else is readable', () => {
    const { volume, size } = compressed();
    const mounted = mount(volume);
    const inode = runSync(mounted.readInode(10));
    expect(inode.attributes().size).toBe(size);
    expect(errorOf(inode.read(0, new Uint8Array(size))).code).toBe('EOPNOTSUPP');
  });

  it('checksums are checked unless told otherwise', () => {
    const { volume, size } = compressed();
    const seen: number[] = [];
    const codecs = {
      get: (id: number) => {
        seen.push(id);
        return { name: 'lz4' as const, id, decompress: (_: Uint8Array, to: Uint8Array) => to.fill(7).length };
      },
    };
    const strict = runSync(runSync(mountF2fs(volume.device, { codecs })).readInode(10));
    expect(corruptionOf(strict.read(0, new Uint8Array(size))).kind).toBe('clusterChecksum');
    const target = new Uint8Array(size);
    const options = { codecs, ignoreClusterChecksums: true };
    const lenient = runSync(runSync(mountF2fs(volume.device, options)).readInode(10));
    expect(runSync(lenient.read(0, target))).toBe(size);
    expect(target.every((byte) => byte === 7)).toBe(true);
    expect(seen).toEqual([Algorithm.lz4, Algorithm.lz4]);
  });

  it('the budget of the cache is a bound', () => {
    const volume = complete();
    for (let ino = 10; ino < 2000; ino++) volume.inode(ino);
    const mounted = runSync(mountF2fs(volume.device, { cache: { budgetBytes: 4 << 20, poison: true } }));
    for (let ino = 10; ino < 2000; ino++) runSync(mounted.readInode(ino));
    expect(mounted.cache.bytesUsed).toBe(4 << 20);
    expect(mounted.cache.statistics.foliosReclaimed).toBeGreaterThan(900);
  });
});

it('a mount reads a dozen blocks, whatever the size of the volume, and the same ones on an async device', async () => {
  // 1 TiB, of which the device has what was written.
  const volume = complete({ mainSegments: 500_000, natSegments: 80, sitSegments: 36, payloadBlocks: 1 });
  const device = new StatisticsDevice(volume.device);
  const sync = runSync(mountF2fs(device));
  const { bios, bytes } = device.snapshot().read;
  // Two superblocks, four ends of packs, payload, journals, the log behind the checkpoint, NAT, root.
  expect(bios).toBe(11);
  expect(bytes).toBe(bios * BLOCK_SIZE);
  const shuffled = new StatisticsDevice(new ShuffleDevice(volume.device, 1));
  const async = await runAsync(mountF2fs(shuffled));
  expect(async.problems).toEqual(sync.problems);
  expect(async.pack).toEqual(sync.pack);
  expect(shuffled.snapshot().read).toMatchObject({ bios, bytes });
});
