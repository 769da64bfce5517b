import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTarget, writeTarget } from './format-target.ts';

let folder: string;
let image: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-target-'));
  image = path.join(folder, 'disk.img');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
const how = { empty: false, discard: true };

describe('a new file', () => {
  it('has its name when everything is written, and not before', async () => {
    const target = await findTarget(image, 8192);
    const result = await writeTarget(target, how, async (device, blank) => {
      expect([device.size, blank, fs.existsSync(image), fs.readdirSync(folder).length]).toEqual([8192, true, false, 1]);
      return 'made';
    });
    expect([result, fs.readdirSync(folder), fs.statSync(image).size]).toEqual(['made', ['disk.img'], 8192]);
  });

  it('is not there at all when writing fails', async () => {
    const listeners = process.listenerCount('exit');
    const target = await findTarget(image, 8192);
    await expect(writeTarget(target, how, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect([fs.readdirSync(folder), process.listenerCount('exit')]).toEqual([[], listeners]);
  });

  it('is taken away when the process ends meanwhile', async () => {
    const target = await findTarget(image, 8192);
    const before = process.listeners('exit');
    let left: string[] | undefined;
    const ended = writeTarget(target, how, async () => {
      for (const listener of process.listeners('exit')) if (!before.includes(listener)) listener(130);
      left = fs.readdirSync(folder);
    });
    await expect(ended).rejects.toThrow('ENOENT');
    expect(left).toEqual([]);
  });

  it('takes the place of nothing that came there meanwhile', async () => {
    const target = await findTarget(image, 8192);
    const writing = writeTarget(target, how, async () => fs.writeFileSync(image, 'mine'));
    await expect(writing).rejects.toThrow('has come into being meanwhile');
    expect([fs.readdirSync(folder), fs.readFileSync(image, 'utf8')]).toEqual([['disk.img'], 'mine']);
  });
});

describe('an old file', () => {
  it.each([
    // [wanted size, discard, known to be empty] → [size, blank]
    [undefined, true, false, 8192, true],
    [undefined, false, false, 8192, false],
    [undefined, false, true, 8192, true],
    [16_384, true, false, 16_384, true],
    [16_384, false, false, 16_384, false],
    [4096, true, false, 8192, false],
  ])('wanted %s, discard %s, empty %s: has %d bytes, blank %s', async (wanted, discard, empty, size, blank) => {
    fs.writeFileSync(image, Buffer.alloc(8192, empty ? 0 : 1));
    const target = await findTarget(image, wanted);
    expect(target).toMatchObject({ kind: 'file', size: wanted ?? 8192, fileSize: 8192 });
    await writeTarget(target, { empty, discard }, async (device, told) => {
      expect([device.size, told]).toEqual([size, blank]);
    });
    const left = fs.readFileSync(image);
    expect(left.length).toBe(size);
    expect(left.subarray(0, 8192).every((byte) => byte === (blank ? 0 : 1))).toBe(true);
    expect(left.subarray(8192).every((byte) => byte === 0)).toBe(true);
  });
});
