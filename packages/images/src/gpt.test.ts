import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, crc32 as zlibCrc32 } from 'node:zlib';
import { FaultDevice, MemoryDevice, StatisticsDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { caught, deviceOver } from '../test/devices.ts';
import { buildGptDisk, type DiskPartition } from './builders/index.ts';
import { readGpt } from './index.ts';

const parts: DiskPartition[] = [
  { name: 'boot_a', content: new Uint8Array(8192), type: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b' },
  { name: 'userdata', content: new Uint8Array(16_384) },
];
const read = (bytes: Uint8Array) => runSync(readGpt(deviceOver(bytes)));

/** Changes the primary header and gives it a right checksum again. */
function withHeader(change: (view: DataView) => void, disk = buildGptDisk(parts)): Uint8Array {
  const view = new DataView(disk.buffer, 512);
  change(view);
  view.setUint32(16, 0, true);
  view.setUint32(16, zlibCrc32(disk.subarray(512, 512 + 92)), true);
  return disk;
}

/** Without the backup, so that a damaged primary is all there is. */
function alone(disk: Uint8Array): Uint8Array {
  return disk.fill(0, disk.length - 512);
}

describe('a GPT', () => {
  it.each([512, 4096])('with sectors of %i bytes', (sectorSize) => {
    const table = read(buildGptDisk(parts, { sectorSize }));
    const first = 2 * sectorSize + 16_384;
    expect(table).toEqual({
      scheme: 'GPT',
      problems: [],
      partitions: [
        { number: 1, name: 'boot_a', type: 'EFI system', typeCode: parts[0]!.type, offset: first, size: 8192 },
        {
          number: 2,
          name: 'userdata',
          type: 'Linux filesystem',
          typeCode: '0fc63daf-8483-4772-8e79-3d69d8477de4',
          offset: first + 8192,
          size: 16_384,
        },
      ],
    });
  });

  it('with larger entries, and with a type that has no name', () => {
    const type = '01234567-89ab-cdef-0123-456789abcdef';
    const [partition] = read(
      buildGptDisk([{ name: 'x', content: new Uint8Array(512), type }], { entrySize: 256 }),
    ).partitions;
    expect(partition).toMatchObject({ name: 'x', type, typeCode: type, size: 512 });
  });

  it('costs two reads', () => {
    const device = new StatisticsDevice(deviceOver(buildGptDisk(parts)));
    runSync(readGpt(device));
    expect(device.snapshot().read).toMatchObject({ bios: 2, bytes: 512 + 16_384 });
  });

  it('that sgdisk made', () => {
    const disk = gunzipSync(readFileSync(new URL('../test/fixtures/sgdisk.img.gz', import.meta.url)));
    const { partitions, problems } = read(disk);
    expect(problems).toEqual([]);
    expect(
      partitions.map(({ number, name, type, offset, size }) => [number, name, type, offset / 512, size / 512]),
    ).toEqual([
      [1, 'esp', 'EFI system', 64, 128],
      [2, 'vendor_a', 'Linux filesystem', 192, 512],
      [5, 'swäp \u{1d11e}', 'Linux swap', 704, 256],
      [9, 'userdata', 'Linux root (x86-64)', 960, 7199],
    ]);
    disk.fill(0, 512, 1024);
    expect(read(disk).partitions).toEqual(partitions);
  });

  it('that sgdisk made on a disk with sectors of 4096 bytes', () => {
    const disk = gunzipSync(readFileSync(new URL('../test/fixtures/sgdisk-4k.img.gz', import.meta.url)));
    const { partitions, problems } = read(disk);
    expect(problems).toEqual([]);
    expect(partitions.map(({ number, name, offset, size }) => [number, name, offset / 4096, size / 4096])).toEqual([
      [1, 'boot', 256, 256],
      [2, 'userdata', 512, 1531],
    ]);
    disk.fill(0, 4096, 8192);
    expect(read(disk).partitions).toEqual(partitions);
  });

  const hasJudge = !spawnSync('sgdisk', ['--version'], { stdio: 'ignore' }).error;
  const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-gpt-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.runIf(hasJudge)('as the builder makes it is what sgdisk takes (needs gdisk)', () => {
    const file = path.join(folder, 'disk');
    writeFileSync(file, buildGptDisk(parts));
    const run = spawnSync('sgdisk', ['--verify', file], { encoding: 'utf8' });
    expect([run.status, run.stdout]).toEqual([0, expect.stringContaining('No problems found')]);
  });

  it('names: half a surrogate pair is replaced, a name of 36 units needs no end', () => {
    const names = ['\ud800x', 'y\udc00', 'ab\u{1d11e}', 'n'.repeat(36)];
    const disk = buildGptDisk(names.map((name) => ({ name, content: new Uint8Array(512) })));
    expect(read(disk).partitions.map(({ name }) => name)).toEqual([
      '\ufffdx',
      'y\ufffd',
      'ab\u{1d11e}',
      'n'.repeat(36),
    ]);
  });
});

describe('a damaged GPT', () => {
  it('falls back to the backup, and says what was wrong', () => {
    for (const sectorSize of [512, 4096]) {
      const disk = buildGptDisk(parts, { sectorSize });
      const { partitions } = read(disk);
      for (const at of [sectorSize, sectorSize + 50, 2 * sectorSize + 5]) {
        const broken = disk.slice();
        broken[at]! ^= 0x40;
        const table = read(broken);
        expect(table.partitions).toEqual(partitions);
        expect(table.problems).toHaveLength(1);
        expect(table.problems[0]).toContain(
          `the primary GPT of disk.img is damaged, its backup at byte ${disk.length - sectorSize} is used`,
        );
        expect(table.problems[0]).toMatch(/gpt(Signature|HeaderChecksum|EntriesChecksum) at offset \d+/);
      }
    }
  });

  it('also where a sector cannot be read', () => {
    const disk = new FaultDevice(deviceOver(buildGptDisk(parts)), [
      { range: { start: 512, end: 1024 }, action: { kind: 'fail' } },
    ]);
    const table = runSync(readGpt(disk));
    expect(table.partitions).toHaveLength(2);
    expect(table.problems[0]).toContain('EIO');
  });

  it('finds the backup where the header says, on a disk that has grown', () => {
    const disk = buildGptDisk(parts);
    disk[1024]! ^= 1; // the array; the header is sound
    const grown = new Uint8Array(disk.length + 65_536);
    grown.set(disk);
    expect(read(grown)).toMatchObject({ partitions: [{ name: 'boot_a' }, { name: 'userdata' }] });
  });

  it.each<[what: string, change: (view: DataView) => void, kind: string, offset: number]>([
    ['a header size below 92', (view) => view.setUint32(12, 91, true), 'gptHeaderSize', 524],
    ['a header larger than a sector', (view) => view.setUint32(12, 513, true), 'gptHeaderSize', 524],
    ['a header from elsewhere', (view) => view.setUint32(24, 5, true), 'gptHeaderPlace', 536],
    ['entries of 64 bytes', (view) => view.setUint32(84, 64, true), 'gptEntrySize', 596],
    ['entries of 4 GiB', (view) => view.setUint32(84, 0xffff_fff8, true), 'gptEntrySize', 596],
    ['2^32 entries', (view) => view.setUint32(80, 0xffff_ffff, true), 'gptEntryCount', 592],
    ['entries behind the end', (view) => view.setUint32(72, 1_000_000, true), 'gptEntriesPlace', 584],
    ['entries at 2^64', (view) => view.setBigUint64(72, 0xffff_ffff_ffff_ffffn, true), 'gptEntriesPlace', 584],
    ['entries at 0', (view) => view.setUint32(72, 0, true), 'gptEntriesPlace', 584],
    ['another array', (view) => view.setUint32(88, 1, true), 'gptEntriesChecksum', 1024],
  ])('%s is found at its byte', (_what, change, kind, offset) => {
    const device = new StatisticsDevice(deviceOver(alone(withHeader(change))));
    const error = caught(() => runSync(readGpt(device)));
    expect(error).toMatchObject({ code: 'EUCLEAN', kind, where: { offset } });
    expect(error.message).toContain('repair the table (sgdisk --verify IMAGE)');
    expect(device.snapshot().read.bytes).toBeLessThan(70_000);
  });

  it('a wrong checksum and a lost signature are found', () => {
    const disk = alone(buildGptDisk(parts));
    disk[600]! ^= 1;
    expect(caught(() => read(disk))).toMatchObject({ kind: 'gptHeaderChecksum', where: { offset: 528 } });
    disk.fill(0, 512, 1024);
    expect(caught(() => read(disk))).toMatchObject({ kind: 'gptSignature', where: { offset: 512 } });
    expect(caught(() => read(new Uint8Array(512)))).toMatchObject({ kind: 'gptSignature' });
    expect(caught(() => read(new Uint8Array(0)))).toMatchObject({ kind: 'gptSignature' });
  });

  it('partitions that are cut, lie behind the end or end before they begin are told', () => {
    const disk = buildGptDisk([
      ...parts,
      { name: 'c', content: new Uint8Array(512) },
      { name: 'd', content: new Uint8Array(512) },
    ]);
    const view = new DataView(disk.buffer);
    const entry = (index: number): number => 1024 + 128 * index;
    view.setBigUint64(entry(0) + 40, 0xffff_ffff_ffff_ffffn, true);
    view.setUint32(entry(2) + 32, 9_000_000, true);
    view.setUint32(entry(2) + 40, 9_000_009, true);
    view.setUint32(entry(3) + 40, 1, true);
    const array = zlibCrc32(disk.subarray(1024, 1024 + 16_384));
    const { partitions, problems } = read(withHeader((header) => header.setUint32(88, array, true), disk));
    expect(partitions.map(({ number, size }) => [number, size])).toEqual([
      [1, disk.length - 17_408],
      [2, 16_384],
      [3, 0],
    ]);
    expect(problems).toEqual([
      expect.stringMatching(/^partition #1 \(boot_a\) is cut to \d+ of \d+ bytes by the end of disk.img$/),
      'partition #3 (c) lies behind the end of disk.img',
      'partition #4 of disk.img ends before it begins, and is left out',
    ]);
  });

  it('mutated anywhere: ends, with a table within the disk or an FsError, and a bounded number of reads', () => {
    const disk = buildGptDisk(parts);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1500), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (changes, sealed) => {
          const bytes = disk.slice();
          for (const [at, value] of changes) bytes[512 + at] = value;
          const device = new StatisticsDevice(MemoryDevice.from(sealed ? withHeader(() => {}, bytes) : bytes));
          try {
            for (const { offset, size } of runSync(readGpt(device)).partitions) {
              expect(offset + size).toBeLessThanOrEqual(device.size);
              expect((offset % 512) + (size % 512)).toBe(0);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(FsError);
          }
          expect(device.snapshot().read.bios).toBeLessThan(12);
          expect(device.snapshot().read.bytes).toBeLessThan(200_000);
        },
      ),
      { numRuns: 200 },
    );
  });
});
