import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FaultDevice, StatisticsDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { caught, deviceOver } from '../test/devices.ts';
import { buildMbrDisk } from './builders/index.ts';
import { readMbr } from './index.ts';
import { isProtectiveMbr, looksLikeMbr } from './mbr.ts';

const read = (bytes: Uint8Array) => runSync(readMbr(deviceOver(bytes)));
const content = (sectors: number) => ({ content: new Uint8Array(sectors * 512) });
const disk = buildMbrDisk(
  [{ ...content(4), type: 0x0c }, content(8)],
  [content(2), { ...content(3), type: 0x82 }, content(5)],
);
/** Where the sectors of the chain are: 13, 16, 20. */
const CHAIN = [13, 16, 20].map((sector) => sector * 512);

describe('an MBR', () => {
  it('has primary partitions, and logical ones from 5 on', () => {
    const { scheme, partitions, problems } = read(disk);
    expect([scheme, problems]).toEqual(['MBR', []]);
    expect(
      partitions.map(({ number, name, type, typeCode, offset, size }) => [
        number,
        name,
        type,
        typeCode,
        offset / 512,
        size / 512,
      ]),
    ).toEqual([
      [1, '', 'FAT32', '0x0c', 1, 4],
      [2, '', 'Linux', '0x83', 5, 8],
      [5, '', 'Linux', '0x83', 14, 2],
      [6, '', 'Linux swap', '0x82', 17, 3],
      [7, '', 'Linux', '0x83', 21, 5],
    ]);
  });

  it('that sfdisk made', () => {
    const { partitions, problems } = read(
      gunzipSync(readFileSync(new URL('../test/fixtures/sfdisk.img.gz', import.meta.url))),
    );
    expect(problems).toEqual([]);
    expect(
      partitions.map(({ number, typeCode, offset, size }) => [number, typeCode, offset / 512, size / 512]),
    ).toEqual([
      [1, '0x0c', 64, 128],
      [2, '0x83', 256, 512],
      [5, '0x83', 1088, 256],
      [6, '0x82', 1500, 300],
      [7, '0x83', 2000, 100],
    ]);
  });

  const hasJudge = !spawnSync('sfdisk', ['--version'], { stdio: 'ignore' }).error;
  const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-mbr-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.runIf(hasJudge)('as the builder makes it is what sfdisk reads (needs fdisk)', () => {
    const file = path.join(folder, 'disk');
    writeFileSync(file, disk);
    const { partitiontable } = JSON.parse(spawnSync('sfdisk', ['--json', file], { encoding: 'utf8' }).stdout) as {
      partitiontable: { partitions: Array<{ node: string; start: number; size: number }> };
    };
    const found = partitiontable.partitions.map(({ node, start, size }) => [
      Number(node.slice(file.length)),
      start,
      size,
    ]);
    const ours = read(disk).partitions.map(({ number, offset, size }) => [number, offset / 512, size / 512]);
    expect(found.filter(([number]) => number !== 3)).toEqual(ours);
  });

  it('is told from other boot sectors', () => {
    expect(looksLikeMbr(disk)).toBe(true);
    expect(isProtectiveMbr(disk)).toBe(false);
    const empty = new Uint8Array(512);
    empty.set([0x55, 0xaa], 510);
    expect(looksLikeMbr(empty)).toBe(false);
    const code = disk.slice(0, 512);
    code[446] = 0x41; // text where a status would be
    expect(looksLikeMbr(code)).toBe(false);
    const atZero = disk.slice(0, 512);
    atZero.fill(0, 446 + 8, 446 + 12);
    expect(looksLikeMbr(atZero)).toBe(false);
    const protective = disk.slice(0, 512);
    protective[446 + 4] = 0xee;
    expect(isProtectiveMbr(protective)).toBe(true);
    expect(looksLikeMbr(disk.subarray(0, 511))).toBe(false);
  });
});

describe('a damaged MBR', () => {
  it('without its signature is none', () => {
    const error = caught(() => read(new Uint8Array(1024)));
    expect(error).toMatchObject({ kind: 'mbrSignature', where: { offset: 510 }, found: 0 });
    expect(error.message).toContain('repair the table (sfdisk --verify IMAGE)');
  });

  it('whose chain is broken keeps what came before, and says where it ends', () => {
    const cases: Array<[change: (bytes: Uint8Array, view: DataView) => void, numbers: number[], problem: string]> = [
      [
        (bytes) => bytes.fill(0, CHAIN[1]! + 510, CHAIN[1]! + 512),
        [1, 2, 5],
        `mbrLogicalSignature at offset ${CHAIN[1]! + 510}`,
      ],
      [
        (_, view) => view.setUint32(CHAIN[1]! + 462 + 8, 3, true),
        [1, 2, 5, 6],
        `mbrLogicalChain at offset ${CHAIN[1]}`,
      ],
      [(_, view) => view.setUint32(CHAIN[0]! + 462 + 8, 0xffff_ffff, true), [1, 2, 5], 'mbrLogicalChain at offset'],
    ];
    for (const [change, numbers, problem] of cases) {
      const bytes = disk.slice();
      change(bytes, new DataView(bytes.buffer));
      const table = read(bytes);
      expect(table.partitions.map(({ number }) => number)).toEqual(numbers);
      expect(table.problems).toEqual([expect.stringContaining(problem)]);
      expect(table.problems[0]).toContain('repair the table');
    }
    const bad = new FaultDevice(deviceOver(disk), [
      { range: { start: CHAIN[1]!, end: CHAIN[1]! + 1 }, action: { kind: 'fail' } },
    ]);
    const table = runSync(readMbr(bad));
    expect(table.partitions.map(({ number }) => number)).toEqual([1, 2, 5]);
    expect(table.problems).toEqual([expect.stringContaining('EIO')]);
  });

  it('with partitions beyond the disk cuts them', () => {
    const bytes = disk.slice();
    const view = new DataView(bytes.buffer);
    view.setUint32(446 + 12, 0xffff_ffff, true);
    view.setUint32(462 + 8, 0xffff_fff0, true);
    const { partitions, problems } = read(bytes);
    expect(partitions.slice(0, 2).map(({ size }) => size)).toEqual([disk.length - 512, 0]);
    expect(problems).toEqual([
      expect.stringContaining('partition #1 is cut to'),
      expect.stringContaining('partition #2 lies behind the end'),
    ]);
  });

  it('with a chain of a thousand stops at 256', () => {
    const long = buildMbrDisk(
      [],
      Array.from({ length: 1000 }, () => content(1)),
    );
    const device = new StatisticsDevice(deviceOver(long));
    const { partitions, problems } = runSync(readMbr(device));
    expect(partitions).toHaveLength(256);
    expect(problems).toHaveLength(1);
    expect(device.snapshot().read.bios).toBe(257);
  });

  it('mutated anywhere: ends, with a table within the disk or an FsError', () => {
    const places = [0, ...CHAIN].flatMap((sector) => Array.from({ length: 66 }, (_, index) => sector + 446 + index));
    const change = fc.tuple(fc.constantFrom(...places), fc.constantFrom(0, 1, 3, 5, 0x0f, 0x7f, 0x83, 0xff));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = disk.slice();
        for (const [at, value] of changes) bytes[at] = value;
        const device = new StatisticsDevice(deviceOver(bytes));
        try {
          for (const { offset, size } of runSync(readMbr(device)).partitions) {
            expect(offset + size).toBeLessThanOrEqual(device.size);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(FsError);
        }
        expect(device.snapshot().read.bios).toBeLessThanOrEqual(1 + 4 * 256);
      }),
      { numRuns: 300 },
    );
  });
});
