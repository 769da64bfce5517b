// Volumes in containers read like the bare volume, from everything that can hold the container.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { MemoryDevice, readBio, readBytes } from '@f2fskit/block';
import { ENODEV, FsError } from '@f2fskit/errno';
import { buildGptDisk, buildMbrDisk, buildSparse, sparsePieces } from '@f2fskit/images/builders';
import { runAsync } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import * as browser from '../src/index.ts';
import { openImage, openVolume, openVolumeSync } from '../src/node/index.ts';
import { manifestAsync } from './manifest-lines.ts';

const golden = loadGolden('compress-lz4-4');
const bare = openVolumeSync(golden.device.clone());
const text = bare.readFileSync('/c/text');
const volume = golden.bytes;
const other = loadGolden('crash-orphan').bytes;
// A checksum at the end: the file does not end with a sector, and its last chunk lies in the part that devices leave out.
const sparse = buildSparse([...sparsePieces(volume), { kind: 'checksum' }]);
const gpt = buildGptDisk([
  { name: 'boot', content: new Uint8Array(4096).fill(1) },
  { name: 'userdata', content: volume },
]);
const sparseDisk = buildSparse(sparsePieces(gpt.subarray(0, gpt.length - (gpt.length % 4096))));

const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-containers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function file(name: string, bytes: Uint8Array): string {
  const full = path.join(folder, name);
  writeFileSync(full, bytes);
  return full;
}

/** Reads one compressed file in every way that the volume has. */
async function expectText(opened: browser.Volume): Promise<void> {
  expect(Buffer.compare(await opened.promises.readFile('/c/text'), text)).toBe(0);
  if (opened.device.mode === 'sync') expect(Buffer.compare(opened.readFileSync('/c/text'), text)).toBe(0);
  expect(opened.device.readOnly).toBe(true);
  await opened.close();
  await expect(opened.promises.readFile('/c/big')).rejects.toThrow('ENODEV');
}

describe.each([
  ['an Android sparse image', 'system.simg', sparse, /^Android sparse image: \d+ chunks, 13312 blocks of 4096 bytes$/],
  [
    'a disk with a GPT',
    'disk.img',
    gpt,
    /^GPT partition #2 \(userdata\): Linux filesystem, 54525952 bytes at byte 21504$/,
  ],
] as const)('%s', (_what, name, bytes, description) => {
  const image = file(name, bytes);
  it.each<[string, () => Promise<browser.Volume>]>([
    ['a path', () => openVolume(image)],
    ['a path, many reads in flight', () => openVolume(image, { mode: 'async' })],
    ['a path, at once', async () => openVolumeSync(image)],
    ['a file URL', () => openVolume(pathToFileURL(image))],
    ['bytes', () => openVolume(bytes)],
    ['bytes, at once', async () => openVolumeSync(bytes)],
    ['a Blob', () => openVolume(new Blob([bytes]))],
    ['a Blob, in the entry without a platform', () => browser.openVolume(new Blob([bytes]))],
  ])('opens from %s', async (_how, open) => {
    const opened = await open();
    expect(opened.container).toEqual([expect.stringMatching(description)]);
    expect(opened.problems).toEqual(bare.problems);
    await expectText(opened);
  });
});

it('a device can be a container, and is closed with the volume', async () => {
  const device = MemoryDevice.from(gpt);
  const opened = await openVolume(device);
  expect(opened.device.name).toBe('memory#2');
  await expectText(opened);
  const bio = readBio(0, [new Uint8Array(512)]);
  device.submit(bio);
  expect(bio.completion.error).toBe(ENODEV);
});

it('a partition in a sparse image: two containers', async () => {
  const opened = await openVolume(sparseDisk);
  expect(opened.container).toEqual([
    expect.stringContaining('Android sparse'),
    expect.stringContaining('#2 (userdata)'),
  ]);
  await expectText(opened);
});

it('a volume of many kinds in a sparse image has the manifest that Linux recorded', async () => {
  const android = loadGolden('android');
  const packed = await openVolume(buildSparse(sparsePieces(android.bytes)));
  const { lines, errors } = await manifestAsync(packed);
  expect(errors).toEqual([]);
  expect(lines.join('')).toBe(android.raw('manifest')!.toString('latin1').replaceAll('\n', ''));
});

it('a bare volume is not in a container, also with options for one', async () => {
  const opened = await openVolume(golden.device.clone(), { containers: false });
  expect(opened.container).toEqual([]);
  await expect(openVolume(gpt, { containers: false })).rejects.toThrow('GPT');
});

describe('choosing a partition', () => {
  const disk = buildMbrDisk([{ content: other }, { content: volume }]);
  const image = file('two.img', disk);

  it('is asked for when two hold a volume', async () => {
    await expect(openVolume(image)).rejects.toThrow(
      `2 partitions of ${image} hold an F2FS volume: choose one: ${image}#1, ${image}#2`,
    );
  });

  it('by path, by URL, by option', async () => {
    await expectText(await openVolume(`${image}#2`));
    await expectText(openVolumeSync(`${image}#2`));
    await expectText(await openVolume(new URL(`${pathToFileURL(image).href}#2`)));
    await expectText(await openVolume(image, { partition: 2 }));
    await expectText(await openVolume(`${image}#2`, { partition: 2 }));
    await expectText(await openVolume(disk, { partition: '2' }));
    await expectText(await openVolume(file('disk.img', gpt), { partition: 'userdata' }));
    const first = await openVolume(`${image}#1`);
    expect(first.container).toEqual([expect.stringContaining('MBR partition #1')]);
    await first.close();
  });

  it('is refused with the way out', async () => {
    await expect(openVolume(`${image}#7`)).rejects.toMatchObject({ code: 'ENXIO' });
    await expect(openVolume(`${image}#7`)).rejects.toThrow(`choose one of its MBR: ${image}#1: F2FS`);
    await expect(openVolume(`${image}#`)).rejects.toThrow('a partition number or name is missing behind #');
    await expect(openVolume(`${image}#1`, { partition: 2 })).rejects.toThrow(
      "the path names partition '1', the option '2'",
    );
    await expect(openVolume(new URL(`${pathToFileURL(image).href}#%`))).rejects.toThrow('write %23 for a #');
    await expect(openVolume(`${folder}/absent.img#3`)).rejects.toThrow(
      `ENOENT: no such file or directory, open '${folder}/absent.img#3'`,
    );
    expect(() => openVolumeSync(volume, { partition: 1 })).toThrow('it is an F2FS volume itself');
  });

  it('a file whose name contains # wins', async () => {
    const odd = file('two.img#2', other);
    const opened = await openVolume(`${image}#2`);
    expect([opened.container, opened.device.name]).toEqual([[], odd]);
    await opened.close();
    rmSync(odd);
    const hash = file('a#b.img', disk);
    await expectText(await openVolume(`${hash}#2`));
    await expectText(await openVolume(pathToFileURL(file('c#d.img', volume))));
  });
});

describe('a container that is damaged', () => {
  it('a GPT whose backup had to be used is a problem of the volume', async () => {
    const opened = await openVolume(gpt.slice().fill(0, 512, 1024));
    const [problem] = opened.problems;
    expect(problem).toMatchObject({ kind: 'damage' });
    expect(problem!.message).toContain('the primary GPT of memory is damaged, its backup at byte');
    await expectText(opened);
  });

  it('a sparse image that is cut by a byte, from every source', async () => {
    const cut = sparse.subarray(0, sparse.length - 1);
    const message = `sparseTruncated at offset ${cut.length}`;
    for (const source of [file('cut.simg', cut), cut, new Blob([cut])]) {
      const error = await openVolume(source).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(FsError);
      expect((error as FsError).code).toBe('EUCLEAN');
      expect((error as FsError).message).toContain(message);
    }
  });
});

describe('openImage', () => {
  it('gives the device of the volume without mounting it', async () => {
    const { device, container, problems } = await openImage(`${file('disk.img', gpt)}#userdata`);
    expect([container.length, problems, device.size]).toEqual([1, [], volume.length]);
    const block = new Uint8Array(4096);
    await runAsync(readBytes(device, 0, block));
    expect(Buffer.compare(block, volume.subarray(0, 4096))).toBe(0);
    device.close();
  });

  it('closes the file where it fails', async () => {
    const device = MemoryDevice.from(gpt);
    await expect(openImage(device, { partition: 9 })).rejects.toThrow('ENXIO');
    const bio = readBio(0, [new Uint8Array(512)]);
    device.submit(bio);
    expect(bio.completion.error).toBe(ENODEV);
  });
});
