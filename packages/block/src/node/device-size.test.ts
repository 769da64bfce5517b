import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { deviceNumbers, type FileKind, fileSize, type Probe, sizeByBisection } from './device-size.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'block-size-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));

function kind(what: 'file' | 'directory' | 'block' | 'character' | 'pipe', size = 0, rdev = 0): FileKind {
  return {
    size,
    rdev,
    isFile: () => what === 'file',
    isDirectory: () => what === 'directory',
    isBlockDevice: () => what === 'block',
    isCharacterDevice: () => what === 'character',
  };
}

/** Reads of a disk of `size` bytes. */
function disk(size: number): Probe & { calls: number } {
  const probe = (position: number, length: number): number => {
    probe.calls++;
    expect(Number.isSafeInteger(position + length)).toBe(true);
    return Math.max(0, Math.min(length, size - position));
  };
  probe.calls = 0;
  return probe;
}

describe('sizeByBisection', () => {
  it('finds the end, to the byte, in less than a hundred reads', () => {
    const sizes = fc.oneof(fc.nat(100_000), fc.nat(2 ** 31 - 1), fc.integer({ min: 0, max: 2 ** 52 }));
    fc.assert(
      fc.property(sizes, (size) => {
        const probe = disk(size);
        expect(sizeByBisection(probe)).toBe(size);
        expect(probe.calls).toBeLessThan(100);
      }),
      { examples: [[0], [1], [512], [4095], [4096], [4097], [8192], [2 ** 52]] },
    );
  });

  it('gives up on what has no end', () => {
    expect(() => sizeByBisection(disk(Number.POSITIVE_INFINITY))).toThrow('EINVAL: invalid argument (no end found)');
  });
});

describe('fileSize', () => {
  const never: Probe = () => expect.unreachable();

  it('of a file is what stat says', () => {
    expect(fileSize(kind('file', 12_345), never)).toBe(12_345);
  });

  it('of a block device is what sysfs says, in sectors', () => {
    const sysfs = path.join(directory, 'sys');
    fs.mkdirSync(path.join(sysfs, 'dev/block/253:300'), { recursive: true });
    fs.writeFileSync(path.join(sysfs, 'dev/block/253:300/size'), '2097153\n');
    expect(fileSize(kind('block', 0, 0x10fd2c), never, sysfs)).toBe(2_097_153 * 512);
  });

  it('of a block device without sysfs is found by reading', () => {
    expect(fileSize(kind('block', 0, 0x801), disk(3 * 4096 + 512), path.join(directory, 'none'))).toBe(3 * 4096 + 512);
    const sysfs = path.join(directory, 'odd');
    fs.mkdirSync(path.join(sysfs, 'dev/block/8:1'), { recursive: true });
    fs.writeFileSync(path.join(sysfs, 'dev/block/8:1/size'), 'unknown');
    expect(fileSize(kind('block', 0, 0x801), disk(8192), sysfs)).toBe(8192);
  });

  it('of a character device is one only if the device ends', () => {
    expect(fileSize(kind('character'), disk(1 << 20))).toBe(1 << 20);
    expect(() => fileSize(kind('character'), disk(0))).toThrow('neither a file nor a disk');
    expect(() => fileSize(kind('character'), disk(Number.POSITIVE_INFINITY))).toThrow('no end found');
  });

  it('is refused for directories and pipes', () => {
    expect(() => fileSize(kind('directory', 4096), never)).toThrow('EISDIR');
    expect(() => fileSize(kind('pipe'), never)).toThrow('EINVAL');
  });
});

describe('deviceNumbers', () => {
  it('takes Linux device numbers apart', () => {
    expect([0x801, 0x10fd2c, 0x10300 + 5, 0xfd00].map(deviceNumbers)).toEqual(['8:1', '253:300', '259:5', '253:0']);
    expect(deviceNumbers(0x0001_2000 * 0x1_0000_0000 + 0xabc4_5678)).toBe(`${0x12456}:${0xabc78}`);
    if (process.platform === 'linux') expect(deviceNumbers(fs.statSync('/dev/null').rdev)).toBe('1:3');
  });
});
