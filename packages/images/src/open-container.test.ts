import { BlobDevice, type BlockDevice, FaultDevice, MemoryDevice, readBio, StatisticsDevice } from '@f2fskit/block';
import { EROFS, FsError } from '@f2fskit/errno';
import { runAsync, runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { caught, contentOf, deviceOver, expectSameBytes } from '../test/devices.ts';
import { format, volume } from '../test/volume.ts';
import { buildGptDisk, buildMbrDisk, buildSparse, type DiskPartition, sparsePieces } from './builders/index.ts';
import { CONTAINER_DEPTH_MAX, type ContainerOptions, openContainer } from './index.ts';

const text = (size = 8192): Uint8Array => new Uint8Array(size).fill(0x20);
const ext4 = (): Uint8Array => {
  const bytes = text();
  bytes.set([0x53, 0xef], 1080);
  return bytes;
};
const sparse = (bytes: Uint8Array): Uint8Array => {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4096) * 4096);
  padded.set(bytes);
  return buildSparse(sparsePieces(padded));
};

/** Opens bytes as a file would be: the device has whole sectors, the rest is the tail. */
function open(bytes: Uint8Array, options: Partial<ContainerOptions> = {}) {
  const device = MemoryDevice.from(bytes, { name: 'disk.img' });
  return runSync(openContainer(device, { format, tail: bytes.subarray(device.size), ...options }));
}

function expectVolume(device: BlockDevice, expected: Uint8Array): void {
  expect(device.size).toBeGreaterThanOrEqual(expected.length);
  expectSameBytes(contentOf(device).subarray(0, expected.length), expected);
}

const three: DiskPartition[] = [
  { name: 'boot', content: text() },
  { name: 'system', content: ext4() },
  { name: 'userdata', content: volume(3) },
];

describe('the volume', () => {
  it('that is bare is the device itself', () => {
    const device = deviceOver(volume(1));
    const opened = runSync(openContainer(device, { format }));
    expect(opened).toEqual({ device, description: [], problems: [] });
  });

  it('in a sparse image, whose last chunk lies in the partial sector that devices leave out', () => {
    const { device, description, problems } = open(buildSparse([...sparsePieces(volume(7)), { kind: 'checksum' }]));
    expectVolume(device, volume(7));
    expect(device.readOnly).toBe(true);
    expect(description).toEqual(['Android sparse image: 3 chunks, 8 blocks of 4096 bytes']);
    expect(problems).toEqual([]);
  });

  it('in the only partition that holds one', () => {
    for (const sectorSize of [512, 4096]) {
      const { device, description } = open(buildGptDisk(three, { sectorSize }));
      expectVolume(device, volume(3));
      const offset = 2 * sectorSize + 16_384 + 16_384;
      expect(description).toEqual([`GPT partition #3 (userdata): Linux filesystem, 32768 bytes at byte ${offset}`]);
      expect([device.name, device.readOnly]).toEqual(['disk.img#3', true]);
    }
    expect(open(buildMbrDisk([{ content: text() }], [{ content: volume(9) }])).description).toEqual([
      'MBR partition #5: Linux, 32768 bytes at byte 9216',
    ]);
  });

  it('in the partition that was named, by number or by name', () => {
    const disk = buildGptDisk([...three, { name: 'cache', content: volume(4) }, { name: '3', content: volume(5) }]);
    for (const [partition, mark] of [
      [3, 3],
      ['3', 3],
      ['userdata', 3],
      ['cache', 4],
      [4, 4],
      [5, 5],
    ] as const) {
      expectVolume(open(disk, { partition }).device, volume(mark));
    }
    const named = buildGptDisk([
      { name: '7', content: volume(1) },
      { name: 'x', content: volume(2) },
    ]);
    expectVolume(open(named, { partition: '7' }).device, volume(1));
  });

  it('in containers inside containers', () => {
    const inPartition = buildGptDisk([
      { name: 'a', content: text() },
      { name: 'b', content: sparse(volume(1)) },
    ]);
    expect(open(inPartition).description).toEqual([
      expect.stringMatching(/^GPT partition #2 \(b\): /),
      expect.stringMatching(/^Android sparse image: /),
    ]);
    expectVolume(open(inPartition).device, volume(1));
    const inSparse = sparse(buildGptDisk(three));
    const opened = open(inSparse);
    expectVolume(opened.device, volume(3));
    expect(opened.device.name).toBe('disk.img#3');
    expect(opened.description).toHaveLength(2);
    expectVolume(open(inSparse, { partition: 'userdata' }).device, volume(3));
    const tableInPartition = buildGptDisk([{ content: buildMbrDisk([{ content: volume(2) }]) }]);
    expect(open(tableInPartition).description).toEqual([
      expect.stringContaining('GPT partition #1'),
      expect.stringContaining('MBR partition #1'),
    ]);
    expectVolume(open(tableInPartition, { partition: 1 }).device, volume(2));
  });

  it('in a partition counts before one in a container in a partition', () => {
    expect(open(buildGptDisk([{ content: sparse(volume(1)) }, { content: volume(2) }])).device.name).toBe('disk.img#2');
  });

  it('where an older use of the disk left one: the table only when a partition is named', () => {
    const disk = volume(1, 40);
    disk.set(buildMbrDisk([{ content: text() }]).subarray(0, 512));
    new DataView(disk.buffer).setUint32(446 + 8, 64, true);
    disk.set(volume(2), 64 * 512);
    new DataView(disk.buffer).setUint32(446 + 12, 64, true);
    expect(open(disk).description).toEqual([]);
    expectVolume(open(disk, { partition: 1 }).device, volume(2));
  });

  it('is there when only the backup of the table is, and the damage is told', () => {
    const { device, problems } = open(buildGptDisk(three).fill(0, 512, 1024));
    expectVolume(device, volume(3));
    expect(problems).toEqual([expect.stringContaining('the primary GPT of disk.img is damaged, its backup at byte')]);
  });

  it('is closed with what it lies in', () => {
    const bytes = sparse(buildGptDisk(three));
    const disk = MemoryDevice.from(bytes);
    const { device } = runSync(openContainer(disk, { format, tail: bytes.subarray(disk.size) }));
    device.close();
    const bio = readBio(0, [new Uint8Array(512)]);
    disk.submit(bio);
    expect(bio.completion.error).not.toBe(0);
  });

  it('cannot be written', () => {
    const { device } = open(buildGptDisk(three));
    const bio = readBio(0, [new Uint8Array(512)]);
    bio.operation = 'write';
    device.submit(bio);
    expect(bio.completion.error).toBe(EROFS);
  });

  it('is found on an async device', async () => {
    const bytes = sparse(buildGptDisk(three));
    const blob = new BlobDevice(new Blob([bytes]));
    const { device } = await runAsync(openContainer(blob, { format, tail: bytes.subarray(blob.size) }));
    expect([device.mode, device.size]).toEqual(['async', 32_768]);
  });

  it('what is not known is handed back, for the mount to say what is missing', () => {
    for (const bytes of [new Uint8Array(8192), text(), new Uint8Array(0)]) {
      const device = deviceOver(bytes);
      expect(runSync(openContainer(device, { format })).device).toBe(device);
    }
  });
});

describe('a refusal names the place and the next step', () => {
  it('several volumes: which to choose', () => {
    const error = caught(() => open(buildGptDisk([...three, { content: volume(1) }])));
    expect(error.code).toBe('EINVAL');
    expect(error.message).toContain(
      '2 partitions of disk.img hold an F2FS volume: choose one: disk.img#3 (userdata), disk.img#4',
    );
  });

  it('several volumes in a sparse image: what to write is the name of the file', () => {
    const packed = sparse(buildGptDisk([...three, { content: volume(1) }]));
    expect(caught(() => open(packed)).message).toContain('choose one: disk.img#3 (userdata), disk.img#4');
    expect(caught(() => open(packed, { partition: 9 })).message).toContain("disk.img has no partition '9'");
  });

  it('no volume: all partitions, with what each holds', () => {
    const bad = buildGptDisk([
      { name: 'a', content: text() },
      { name: 'b', content: ext4() },
      { name: 'c', content: new Uint8Array(4096) },
      { name: 'd', content: sparse(text()) },
      { name: 'e', content: new Uint8Array(512) },
      { content: buildMbrDisk([{ content: text() }]) },
    ]);
    const device = new FaultDevice(deviceOver(bad), [
      { range: { start: 17_408 + 8192 + 8192, end: 17_408 + 8192 + 8192 + 512 }, action: { kind: 'fail' } },
    ]);
    const error = caught(() => runSync(openContainer(device, { format })));
    expect(error.code).toBe('EINVAL');
    expect(error.message).toContain(
      'no partition of disk.img holds an F2FS volume; its GPT has ' +
        'disk.img#1 (a): nothing known (encrypted data look like this), disk.img#2 (b): ext2, ext3 or ext4, ' +
        'disk.img#3 (c): unreadable (EIO), disk.img#4 (d): an Android sparse image, disk.img#5 (e): empty (zeros), ' +
        'disk.img#6: a partition table; if one of them is meant all the same, name it: IMAGE#NUMBER',
    );
    expect(caught(() => open(buildGptDisk([]))).message).toContain('its GPT has no partitions');
  });

  it('a list stays short', () => {
    const many = buildGptDisk(Array.from({ length: 128 }, () => ({ content: text(512) })));
    const { message } = caught(() => open(many));
    expect(message).toContain('disk.img#40');
    expect(message).not.toContain('disk.img#41');
    expect(message).toContain('and 88 more');
  });

  it('a partition that does not exist', () => {
    const error = caught(() => open(buildGptDisk(three), { partition: 'vendor' }));
    expect(error.code).toBe('ENXIO');
    expect(error.message).toContain("disk.img has no partition 'vendor'; choose one of its GPT: disk.img#1 (boot): ");
    expect(error.message).toContain('disk.img#3 (userdata): F2FS');
  });

  it('a name that two partitions have', () => {
    const twice = buildGptDisk([
      { name: 'x', content: volume(1) },
      { name: 'x', content: volume(2) },
    ]);
    expect(caught(() => open(twice, { partition: 'x' })).message).toContain(
      "disk.img has several partitions 'x': choose one by its number: disk.img#1, disk.img#2",
    );
  });

  it('a partition that holds something else', () => {
    const error = caught(() => open(buildGptDisk(three), { partition: 2 }));
    expect(error.code).toBe('EINVAL');
    expect(error.message).toContain(
      'partition #2 (system) of disk.img holds no F2FS volume: ext2, ext3 or ext4; use a tool for that filesystem; the partitions are disk.img#1',
    );
    expect(caught(() => open(buildGptDisk(three), { partition: 1 })).message).toContain('unlock it first');
    const gzip = text();
    gzip.set([0x1f, 0x8b, 8]);
    expect(caught(() => open(buildGptDisk([{ content: gzip }]), { partition: 1 }))).toMatchObject({
      code: 'EOPNOTSUPP',
    });
    const zeros = caught(() => open(buildGptDisk([{ content: new Uint8Array(512) }]), { partition: 1 }));
    expect(zeros.message).toContain('it was never formatted, or has been discarded');
  });

  it('a partition of what has none', () => {
    const error = caught(() => open(volume(1), { partition: 2 }));
    expect(error.code).toBe('ENXIO');
    expect(error.message).toContain(
      "disk.img has no partition table, so no partition '2': it is an F2FS volume itself; open it without #2",
    );
    expect(caught(() => open(text(), { partition: 2 })).message).toContain('has no partition table');
    expect(caught(() => open(sparse(volume(1)), { partition: 2 })).message).toContain(
      'disk.img (unpacked) has no partition table',
    );
    expect(caught(() => open(ext4(), { partition: 2 })).message).toContain('use a tool for that filesystem');
  });

  it('a sparse image without the start of a volume may be a piece of one', () => {
    const piece = buildSparse([
      { kind: 'hole', blocks: 100 },
      { kind: 'raw', bytes: volume(1) },
    ]);
    const error = caught(() => open(piece));
    expect(error.code).toBe('EINVAL');
    expect(error.message).toContain('the Android sparse image disk.img holds no F2FS volume: it begins with zeros; ');
    expect(error.message).toContain('join them first: simg2img PIECE… IMAGE');
    expect(caught(() => open(sparse(text()))).message).toContain(
      'nothing known is in it; if it is one of several pieces',
    );
  });

  it('something else in a sparse image', () => {
    expect(caught(() => open(sparse(ext4()))).message).toContain('disk.img (unpacked) is ext2, ext3 or ext4, not F2FS');
  });

  it('a sparse image that is cut by a byte', () => {
    const whole = buildSparse(sparsePieces(volume(1)));
    const error = caught(() => open(whole.subarray(0, whole.length - 1)));
    expect(error.code).toBe('EUCLEAN');
    expect(error.message).toContain(`sparseTruncated at offset ${whole.length - 1}`);
  });

  it('containers without end', () => {
    let bytes: Uint8Array = volume(1);
    for (let depth = 0; depth < CONTAINER_DEPTH_MAX; depth++) bytes = sparse(bytes);
    expectVolume(open(bytes).device, volume(1));
    const error = caught(() => open(sparse(bytes)));
    expect(error.code).toBe('EOPNOTSUPP');
    expect(error.message).toContain(
      'more than 4 deep, at disk.img (unpacked) (unpacked) (unpacked) (unpacked): unpack the outer ones first',
    );
  });

  it('tables that multiply', () => {
    // Every partition begins one sector after the table and holds a table of the same kind.
    const table = buildMbrDisk(Array.from({ length: 4 }, () => ({ content: new Uint8Array(512) })));
    const disk = new Uint8Array(512 * 200);
    for (let sector = 0; sector < 200; sector++) {
      disk.set(table.subarray(0, 512), sector * 512);
      const view = new DataView(disk.buffer, sector * 512);
      for (let index = 0; index < 4; index++) view.setUint32(446 + 16 * index + 12, 199 - sector, true);
    }
    const device = new StatisticsDevice(deviceOver(disk));
    const error = caught(() => runSync(openContainer(device, { format })));
    expect(error.code).toBe('EINVAL');
    expect(device.snapshot().read.bios).toBeLessThan(10_000);
    const wide = buildGptDisk(
      Array.from({ length: 80 }, () => ({
        content: buildGptDisk(Array.from({ length: 60 }, () => ({ content: text(512) }))),
      })),
    );
    const counted = new StatisticsDevice(deviceOver(wide));
    const wideError = caught(() => runSync(openContainer(counted, { format })));
    expect(wideError.message).toContain('too many partitions to look into on disk.img');
    expect(wideError.message).toContain('name one: IMAGE#NUMBER');
    expect(counted.snapshot().read.bios).toBeLessThan(20_000);
    expect(counted.snapshot().read.bytes).toBeLessThan(4096 * 80 * 1024);
  });
});

describe('hostile containers', () => {
  const seeds = [
    buildSparse(sparsePieces(volume(1))),
    sparse(buildGptDisk(three)),
    buildGptDisk(three),
    buildMbrDisk([{ content: text() }], [{ content: volume(9) }]),
    buildGptDisk([{ content: sparse(volume(1)) }]),
  ];

  it('give a volume or an FsError, after a bounded number of reads', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 6 }),
        fc.nat(1000),
        fc.option(fc.constantFrom('1', '3', '5', 'userdata'), { nil: undefined }),
        (seed, changes, cut, partition) => {
          const bytes = seed.slice(0, cut < 500 ? seed.length : Math.floor((seed.length * cut) / 1000));
          for (const [at, value] of changes) bytes[at % Math.max(1, bytes.length)] = value;
          const memory = MemoryDevice.from(bytes);
          const device = new StatisticsDevice(memory);
          const tail = bytes.subarray(memory.size);
          try {
            const opened = runSync(
              openContainer(device, { format, tail, ...(partition === undefined ? {} : { partition }) }),
            );
            expect(opened.device.size % 512).toBe(0);
          } catch (error) {
            expect(error).toBeInstanceOf(FsError);
            expect((error as FsError).message.length).toBeLessThan(6000);
          }
          expect(device.snapshot().read.bytes).toBeLessThan(16 << 20);
          expect(device.snapshot().read.bios).toBeLessThan(5000);
        },
      ),
      { numRuns: 300 },
    );
  });
});
