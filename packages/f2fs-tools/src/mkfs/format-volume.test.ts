// Making volumes: the bytes (checked in as hashes, for machines without mkfs.f2fs), what a mount finds in them, what they
// cost, and what is left when the power goes at any moment.

import { createHash } from 'node:crypto';
import {
  type Bio,
  type BlockDevice,
  DeviceWrapper,
  FaultDevice,
  MemoryDevice,
  ShuffleDevice,
  writeBio,
  writeBytes,
} from '@f2fskit/block';
import { EIO, FsError } from '@f2fskit/errno';
import { type F2fsVolume, mountF2fs } from '@f2fskit/f2fs';
import { BLOCK_SIZE, featureNames, SEGMENT_BLOCKS } from '@f2fskit/f2fs-format';
import { fixedClock, runAsync, runSync, seededRandom, type Task } from '@f2fskit/task';
import { begin, durable, oneOf, runPowerCuts } from '@f2fskit/testkit/power-cut';
import { Vfs } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import { checkVolume } from '../fsck/index.ts';
import { FORMAT_FEATURES, type FormatOptions, type FormatReport, formatGeometry, formatVolume } from './index.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

const injected: FormatOptions = {
  uuid: '00112233-4455-6677-8899-aabbccddeeff',
  checkpointVersion: 0x6b8b4567,
  clock: fixedClock(1_700_000_000),
  version: 'Linux version 6.1',
};
const everything = featureNames(FORMAT_FEATURES).filter((name) => name !== 'ro');

function format(device: BlockDevice, options: FormatOptions = {}): FormatReport {
  return runSync(formatVolume(device, { ...injected, ...options }));
}

/** Remembers every request, with a copy of what was written. */
class Recorder extends DeviceWrapper {
  readonly bios: Bio[] = [];
  submit(bio: Bio): void {
    this.bios.push(
      bio.operation === 'write'
        ? writeBio(
            bio.offset,
            bio.segments.map((bytes) => bytes.slice()),
          )
        : bio,
    );
    this.device.submit(bio);
  }
}

/** SHA-256 over address and content of every block that was written, by address. */
function digest(size: number, options: FormatOptions): string {
  const memory = new MemoryDevice(size);
  const device = new Recorder(memory);
  format(device, { ...options, blank: true });
  const addresses = new Set(
    device.bios.flatMap(({ operation, offset }) => (operation === 'write' ? [offset / BLOCK_SIZE] : [])),
  );
  const hash = createHash('sha256');
  for (const address of [...addresses].sort((a, b) => a - b)) {
    hash.update(`${address}\n`).update(memory.toBytes(address * BLOCK_SIZE, BLOCK_SIZE));
  }
  return hash.digest('hex').slice(0, 32);
}

describe('bytes', () => {
  // Each of these was equal to what mkfs.f2fs 1.15 made (real-mkfs.test.ts), but for the version text.
  it.each([
    ['3978659de3fe331bb8fe1ec0cb1a8e7b', 52 * MIB, {}],
    ['c6dc6608c638273b00191fe922decc62', GIB, {}],
    ['a93c86f1beb83eef1a4ba1e5504c9d0d', 100 * MIB, { features: everything, encoding: 'utf8:strict' }],
    ['3a042e049cdcb59918737ee477f0a2dc', 168 * MIB, { android: true, label: 'data', hotExtensions: ['idx'] }],
    ['60a024a92b16b3b40946051ba277a264', 168 * MIB, { segmentsPerSection: 2, sectionsPerZone: 2, heap: true }],
    [
      '234beca5158e0fc6646beedbf4808289',
      168 * MIB,
      { largeNatBitmap: true, overprovision: 7.3, owner: { uid: 1, gid: 2 } },
    ],
    ['5d4e94de74237d7911363acfabbbc0b5', 19 * MIB, { features: ['ro', 'lost_found'] }],
    ['b2e332a88f7dc2425f7c5708eed2dbeb', 4 * TIB, {}],
    ['598f5bcd2d4b83bf9ee5f3b684e5b367', 4 * TIB, { largeNatBitmap: true }],
    ['531a288ebc2ae582302575799f194234', 16 * TIB, {}],
  ] as Array<[string, number, FormatOptions]>)('%s: %d bytes, %o', (expected, size, options) => {
    expect(digest(size, options)).toBe(expected);
  });

  it('depend on the options alone', () => {
    const options = { random: seededRandom(7), clock: fixedClock(5), version: 'x' };
    const make = (): Uint8Array => {
      const device = new MemoryDevice(52 * MIB);
      const uuid = runSync(formatVolume(device, { ...options, random: seededRandom(7) })).uuid;
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
      return device.toBytes(0, 20 * MIB);
    };
    expect(Buffer.compare(make(), make())).toBe(0);
  });

  it('are the same on a device that ends its bios late and in any order', async () => {
    const memory = new MemoryDevice(52 * MIB);
    await runAsync(formatVolume(new ShuffleDevice(memory, 3), injected));
    const expected = new MemoryDevice(52 * MIB);
    format(expected);
    expect(Buffer.compare(memory.toBytes(), expected.toBytes())).toBe(0);
  });
});

describe('what a mount finds', () => {
  const mount = (device: BlockDevice): F2fsVolume => runSync(mountF2fs(device));

  it.each([
    [52 * MIB, {}],
    [100 * MIB, { features: everything, encoding: 'utf8' }],
    [168 * MIB, { android: true }],
    [168 * MIB, { segmentsPerSection: 3, heap: true }],
    [19 * MIB, { features: ['ro', 'lost_found'] }],
    [4 * TIB, { largeNatBitmap: true, features: ['lost_found'] }],
    [16 * TIB, { features: ['lost_found'] }],
  ] as Array<[number, FormatOptions]>)('%d bytes, %o', (size, options) => {
    const device = new MemoryDevice(size);
    const report = format(device, { ...options, label: 'höme', owner: { uid: 7, gid: 8 } });
    const volume = mount(device);
    expect(volume.problems).toEqual([]);
    expect(volume.superblock).toMatchObject({ volumeName: 'höme', uuid: injected.uuid, minorVersion: 15 });
    expect(featureNames(volume.superblock.features)).toEqual(report.features);
    expect(volume.checkpoint.versionLow).toBe(report.checkpointVersion);
    expect(volume.checkpoint.userBlockCount).toBe(report.layout.userBlockCount);
    const walk = (path: string) => runSync(new Vfs(volume).walk(path)).inode;
    expect(walk('/')).toMatchObject({ kind: 'directory' });
    const root = runSync(volume.readInode(3)).raw;
    const owner = options.android ? [0, 0] : [7, 8];
    expect([root.fields.uid, root.fields.gid, root.fields.mtime.seconds]).toEqual([...owner, 1_700_000_000]);
    if (report.features.includes('lost_found')) expect(walk('/lost+found').kind).toBe('directory');
    else expect(() => walk('/lost+found')).toThrow('ENOENT');
  });
});

describe('cost', () => {
  it('of 16 TiB on a blank device: a few blocks', () => {
    const device = new MemoryDevice(16 * TIB);
    const recorder = new Recorder(device);
    const report = format(recorder, { blank: true });
    expect(report.blocksWritten).toBeLessThan(20);
    expect(report.bytesCleared).toBe(0);
    expect(recorder.bios.filter(({ operation }) => operation === 'write')).toHaveLength(report.blocksWritten);
    expect(device.bytesAllocated).toBeLessThan(MIB);
    expect(report.warnings).toEqual([expect.stringMatching(/^size: the last two blocks/)]);
  });

  it('of a device that cannot discard: its metadata and six segments', () => {
    const memory = new MemoryDevice(GIB);
    const device = new Recorder(new NoDiscard(memory));
    const { layout, bytesCleared } = format(device);
    expect(bytesCleared).toBe(BLOCK_SIZE * (2 + layout.mainAddress + 6 * SEGMENT_BLOCKS));
    expect(Math.max(...device.bios.map(({ size }) => size))).toBe(MIB);
  });
});

/** A device that ignores discards, as files do where holes cannot be punched. */
class NoDiscard extends DeviceWrapper {
  constructor(device: BlockDevice) {
    super(device, { canDiscard: false });
  }
  submit(bio: Bio): void {
    this.device.submit(bio);
  }
}

describe('a device with something on it', () => {
  const GARBAGE = 0xa5;
  function dirty(size: number): MemoryDevice {
    const device = new MemoryDevice(size);
    const bytes = new Uint8Array(MIB).fill(GARBAGE);
    for (let offset = 0; offset < size; offset += MIB) runSync(writeBytes(device, offset, bytes));
    return device;
  }

  it('is discarded where it can be: then it is as if it had been blank', () => {
    const device = dirty(52 * MIB);
    format(device);
    const blank = new MemoryDevice(52 * MIB);
    format(blank, { blank: true });
    expect(Buffer.compare(device.toBytes(), blank.toBytes())).toBe(0);
  });

  it.each([
    ['cannot discard', {}, false],
    ['is told not to', { discard: false }, true],
  ] as const)('is cleared where it %s: metadata and the segments of the logs', (_, options, canDiscard) => {
    const memory = dirty(52 * MIB);
    const { layout } = format(canDiscard ? memory : new NoDiscard(memory), options);
    const blank = new MemoryDevice(52 * MIB);
    format(blank, { blank: true, discard: false });
    const garbage = new Uint8Array(BLOCK_SIZE).fill(GARBAGE);
    const kept = new Set<number>();
    const found = memory.toBytes();
    const expected = blank.toBytes();
    for (let at = 0; at < found.length; at += BLOCK_SIZE) {
      const block = found.subarray(at, at + BLOCK_SIZE);
      if (Buffer.compare(block, garbage) === 0) kept.add((at / BLOCK_SIZE - layout.mainAddress) / SEGMENT_BLOCKS);
      else expect(Buffer.compare(block, expected.subarray(at, at + BLOCK_SIZE))).toBe(0);
    }
    expect(Math.min(...kept)).toBeGreaterThan(0);
    for (const segno of Object.values<number>({ ...layout.logs })) expect(kept).not.toContain(segno);
    // Not told that everything free was discarded, because it was not.
    expect(runSync(mountF2fs(memory)).checkpoint.flags).toBe(0x85);
  });

  it('is not touched when anything is refused', () => {
    const memory = dirty(52 * MIB);
    const device = new Recorder(memory);
    const refuse = (options: FormatOptions, on: BlockDevice = device): string => {
      try {
        format(on, options);
      } catch (error) {
        if (error instanceof FsError) return `${error.code} ${error.detail}`;
        throw error;
      }
      return 'made';
    };
    expect(refuse({ features: ['compression'] })).toMatch(/^EINVAL features: /);
    expect(refuse({ size: 52 * MIB + 512 })).toMatch(/^EINVAL size: memory has only 54525952 bytes/);
    expect(refuse({ size: 40 * MIB })).toMatch(/^EINVAL size: /);
    expect(refuse({ size: -1 })).toMatch(/^EINVAL size: /);
    expect(refuse({ size: Number.NaN })).toMatch(/^EINVAL size: /);
    expect(refuse({}, new Recorder(memory.clone({ readOnly: true })))).toMatch(/^EROFS /);
    expect(device.bios).toEqual([]);
  });

  it('a smaller size leaves what is behind it', () => {
    const memory = dirty(60 * MIB);
    format(memory, { size: 52 * MIB });
    expect(memory.toBytes(52 * MIB, 8 * MIB).every((byte) => byte === GARBAGE)).toBe(true);
    expect(runSync(mountF2fs(memory)).superblock.blockCount).toBe((52 * MIB) / BLOCK_SIZE);
  });

  it('an error of the device ends the format with no volume on it', () => {
    const memory = new MemoryDevice(52 * MIB);
    format(memory);
    const checkpoint = formatGeometry(52 * MIB).segment0Address * BLOCK_SIZE;
    const range = { start: checkpoint, end: checkpoint + BLOCK_SIZE };
    const device = new FaultDevice(memory, [{ action: { kind: 'fail', error: EIO }, operation: 'write', range }]);
    expect(() => format(device, { blank: false })).toThrow('EIO');
    expect(() => runSync(mountF2fs(memory))).toThrow('EINVAL');
  });
});

describe('a power cut', () => {
  const oldUuid = 'ffffffff-4455-6677-8899-aabbccddeeff';
  type Found = 'old' | 'none' | 'new';

  /** Which volume a cut has left; throws when it is not whole. */
  function* look(device: BlockDevice): Task<Found> {
    let volume: F2fsVolume;
    try {
      volume = yield* mountF2fs(device);
    } catch (error) {
      if (error instanceof FsError && error.code === 'EINVAL') return 'none';
      throw error;
    }
    const other = volume.problems.filter(({ error }) => (error as { kind?: string })?.kind !== 'superblockMagic');
    expect(other).toEqual([]);
    if (volume.superblock.uuid === oldUuid) {
      expect((yield* volume.readInode(3)).kind).toBe('directory');
      return 'old';
    }
    expect(volume.superblock.uuid).toBe(injected.uuid);
    expect((yield* new Vfs(volume).walk('/lost+found')).inode.kind).toBe('directory');
    return 'new';
  }

  it.each([
    ['clears with writes', false],
    ['discards', true],
  ])('at any moment leaves the old volume, none, or the new one: a format that %s', async (_how, canDiscard) => {
    const base = new MemoryDevice(52 * MIB);
    format(base, { uuid: oldUuid });
    const report = await runPowerCuts<Found, Found>({
      base,
      initial: 'old',
      *scenario(device) {
        yield begin('none', 'none');
        yield begin('new', 'new');
        yield* formatVolume(device, { ...injected, features: ['lost_found'] });
        yield durable('new', 'new');
      },
      recover: look,
      *check(device, found) {
        if (found === 'none') return;
        const { findings, complete } = yield* checkVolume(device);
        expect(complete).toBe(true);
        expect(findings.filter(({ code }) => code !== 'superblockCopy')).toEqual([]);
      },
      compare: oneOf((found, state) => found === state),
      seed: 11,
      device: { canDiscard },
    });
    expect(report.flushes).toBe(3);
    expect([...report.matched.keys()].sort()).toEqual(['new', 'none', 'the base']);
  });
});
