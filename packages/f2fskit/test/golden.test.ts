// Golden volumes: what we read of a volume that Linux wrote is what Linux said it holds, byte for byte.

import type { FsError } from '@f2fskit/errno';
import type { F2fsInode } from '@f2fskit/f2fs';
import type { Task } from '@f2fskit/task';
import { type Golden, goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { openVolume } from '../src/node/index.ts';
import { manifestAsync } from './manifest-lines.ts';

/** Directories in which recovery made names have the time of the recovery. */
const withoutDirectoryTimes = (line: string): string =>
  line.replace(/^(directory\t(?:[^\t]*\t){5})[^\t]*/, (_, before: string) => `${before}-`);

/** Cut off without unmounting: what Linux shows is after its own recovery. */
const isCrash = (name: string): boolean => /(^|\/)crash-/.test(name);

/** sha256sum fails without the key and leaves the field empty; we say why. */
const withoutKeyCode = (text: string): string => text.replaceAll('\t!ENOKEY\t', '\t\t');

const recordedLines = (golden: Golden, ending = 'manifest'): string[] =>
  golden.raw(ending)!.toString('latin1').split('\n').slice(0, -1);

describe.each(goldenVolumes().map(({ name }) => name))('%s', (name) => {
  const golden = loadGolden(name);

  it.runIf(!isCrash(name))('has the manifest that Linux printed', async () => {
    const { lines, errors } = await manifestAsync(await openVolume(golden.device));
    expect(lines.map(withoutKeyCode)).toEqual(recordedLines(golden));
    expect(errors.filter((message) => !message.startsWith('ENOKEY'))).toEqual([]);
  });

  it.runIf(isCrash(name))('shows what Linux shows after its recovery, in memory', async () => {
    const before = golden.bytes;
    const { lines, errors } = await manifestAsync(await openVolume(golden.device));
    expect(lines.map(withoutDirectoryTimes)).toEqual(recordedLines(golden).map(withoutDirectoryTimes));
    expect(errors).toEqual([]);
    expect(Buffer.compare(golden.bytes, before)).toBe(0);
  });

  it.runIf(isCrash(name))('opens at its last checkpoint when told so, and says what it does not show', async () => {
    const volume = await openVolume(golden.device, { norecovery: true });
    const { lines, errors } = await manifestAsync(volume);
    expect(errors).toEqual([]);
    // What Linux shows of it when it is told not to recover.
    if (golden.raw('checkpoint') !== undefined) {
      expect(lines).toEqual(recordedLines(golden, 'checkpoint'));
      expect(volume.problems).not.toEqual([]);
    }
    expect(lines.length).toBeGreaterThan(1);
  });

  it.runIf(golden.text('statfs') !== undefined)('has the room that Linux shows', async () => {
    const { promises } = await openVolume(golden.device);
    const { bsize, blocks, bfree, bavail, files, ffree, type } = await promises.statfs('/');
    const shown = [bsize, blocks, bfree, bavail, files, ffree, 255, type.toString(16)].join(' ');
    expect(`${shown}\n`).toBe(golden.text('statfs'));
  });

  it.runIf(golden.cblocks !== undefined)('reports the saved blocks that Linux reports', async () => {
    const volume = await openVolume(golden.device);
    const found: string[] = [];
    for (const line of golden.cblocks!.trimEnd().split('\n')) {
      const file = line.split('\t')[1]!;
      const { inode } = await volume.scheduler.run(volume.vfs.walk(`/c/${file}`));
      found.push(`${(inode as F2fsInode).fields.compressedBlocks}\t${file}`);
    }
    expect(found).toEqual(golden.cblocks!.trimEnd().split('\n'));
  });
});

it('a chain of fsynced nodes and orphans are told apart', async () => {
  const kinds = async (name: string, norecovery = false): Promise<string[]> =>
    (await openVolume(loadGolden(name).device, { norecovery })).problems.map(({ kind }) => kind);
  expect(await kinds('crash-chain')).toContain('recovered');
  expect(await kinds('crash-chain', true)).toContain('recovery');
  expect(await kinds('crash-orphan')).toEqual(['orphans']);
  expect(await kinds('plain')).toEqual([]);
});

describe('casefold-names', () => {
  const golden = loadGolden('casefold-names');
  const lookups = golden.text('lookups')!.trimEnd().split('\n');

  it(`finds what Linux finds under ${lookups.length} spellings`, async () => {
    const { vfs, scheduler } = await openVolume(golden.device);
    const { inode } = await scheduler.run(vfs.walk('/fold'));
    const wrong: string[] = [];
    for (const line of lookups) {
      const [spelling, ino] = line.split('\t');
      const found = await scheduler.run(inode.lookup(Buffer.from(spelling!, 'hex')));
      if (String(found || '-') !== ino) wrong.push(`${line}: we find ${found}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('far-sparse', () => {
  const golden = loadGolden('far-sparse');

  it('has data where Linux finds data', async () => {
    const { vfs, scheduler } = await openVolume(golden.device);
    for (const line of golden.text('ranges')!.trimEnd().split('\n')) {
      const [size, ranges, name] = line.split('\t') as [string, string, string];
      const inode = (await scheduler.run(vfs.walk(`/${name}`))).inode as F2fsInode;
      expect(inode.fields.size, name).toBe(Number(size));
      const found = await scheduler.run(dataRanges(inode));
      expect(found.join(',') || '-', name).toBe(ranges);
    }
  });
});

/** Byte ranges with data, as SEEK_DATA and SEEK_HOLE tell them in turn. */
function* dataRanges(inode: F2fsInode): Task<string[]> {
  const ranges: string[] = [];
  for (let at = 0; at < inode.fields.size; ) {
    let from: number;
    try {
      from = yield* inode.seek(at, 'data');
    } catch (error) {
      if ((error as FsError).code !== 'ENXIO') throw error;
      break;
    }
    at = yield* inode.seek(from, 'hole');
    ranges.push(`${from}-${at}`);
  }
  return ranges;
}

it('there are golden volumes of every algorithm', () => {
  const names = goldenVolumes().map(({ name }) => name);
  for (const part of ['plain', 'lz4-', 'lz4hc', 'zstd', 'lzo-4', 'lzo-rle', 'android', 'geometry', 'aged', 'crash']) {
    expect(
      names.some((name) => name.includes(part)),
      part,
    ).toBe(true);
  }
});
