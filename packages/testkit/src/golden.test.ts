import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { BLOCK_SIZE, decodeSuperblock, SUPER_OFFSET } from '@f2fskit/f2fs-format';
import { afterEach, describe, expect, it } from 'vitest';
import { fixtureFolders, goldenVolumes, loadGolden } from './golden.ts';
import { readImageBlock, sparseDevice } from './image.ts';

const folders: string[] = [];

function folder(files: Record<string, Uint8Array | string>): string {
  const made = mkdtempSync(path.join(tmpdir(), 'golden-'));
  folders.push(made);
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(made, name), content);
  return made;
}

afterEach(() => {
  delete process.env['F2FSKIT_FIXTURES'];
  for (const made of folders.splice(0)) rmSync(made, { recursive: true });
});

describe('golden volumes', () => {
  it('are those of the repository, each with a manifest', () => {
    const volumes = goldenVolumes();
    expect(volumes.length).toBeGreaterThan(5);
    for (const { files } of volumes) expect(files.has('manifest')).toBe(true);
    const names = volumes.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
  });

  it('load as F2FS, once a process, with their texts', () => {
    const [first] = goldenVolumes();
    const golden = loadGolden(first!.name);
    const copy = golden.bytes.subarray(SUPER_OFFSET, BLOCK_SIZE);
    expect(decodeSuperblock(copy, 0).blockCount * BLOCK_SIZE).toBe(golden.device.size);
    expect(golden.manifest).toMatch(/^directory\t/);
    expect(golden.text('no such ending')).toBeUndefined();
    expect(loadGolden(first!.name).device).toBe(golden.device);
    expect(() => loadGolden('no such volume')).toThrow(/no golden volume is called/);
  });

  it('more come from the folders of F2FSKIT_FIXTURES, under names of their own', () => {
    const [first] = goldenVolumes();
    const image = new Uint8Array(2 * BLOCK_SIZE).fill(7, 5000, 5010);
    const extra = folder({
      'zz.img.gz': gzipSync(image),
      'zz.xattrs': 'what it has',
      'zz-other.manifest': 'of another name',
      [`${first!.name}.img.gz`]: gzipSync(image),
    });
    process.env['F2FSKIT_FIXTURES'] = `/no/such/folder${path.delimiter}${extra}`;
    expect(fixtureFolders().slice(1)).toEqual(['/no/such/folder', extra]);
    expect(goldenVolumes().find(({ name }) => name === first!.name)).toEqual(first);
    expect(Buffer.from(loadGolden(`extra/${first!.name}`).bytes)).toEqual(Buffer.from(image));
    const golden = loadGolden('extra/zz');
    expect([golden.manifest, golden.xattrs, golden.cblocks]).toEqual([undefined, 'what it has', undefined]);
    expect(golden.raw('xattrs')).toEqual(Buffer.from('what it has'));
  });

  it('a folder that is not there has none', () => {
    expect(goldenVolumes(['/no/such/folder'])).toEqual([]);
  });
});

describe('images', () => {
  it('keep what is not zero, and read zeros beyond their end', () => {
    const bytes = new Uint8Array(40 * BLOCK_SIZE);
    bytes[39 * BLOCK_SIZE + 5] = 9;
    const device = sparseDevice(bytes, 'image');
    expect(device.bytesAllocated).toBeLessThan(bytes.length);
    expect(readImageBlock(device, 39).view.getUint8(5)).toBe(9);
    expect(readImageBlock(device, 40).bytes.every((byte) => byte === 0)).toBe(true);
  });
});
