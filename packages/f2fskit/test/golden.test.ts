// Golden volumes: what we read of a volume that Linux wrote is what Linux said it holds, byte for byte.

import type { F2fsInode } from '@f2fskit/f2fs';
import { type Golden, goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { openVolume } from '../src/node/index.ts';
import { manifestAsync } from './manifest-lines.ts';

/** Cut off without unmounting: what Linux shows is after its own recovery. */
const isCrash = (name: string): boolean => /(^|\/)crash-/.test(name);

/** sha256sum fails without the key and leaves the field empty; we say why. */
const withoutKeyCode = (text: string): string => text.replaceAll('\t!ENOKEY\t', '\t\t');

const recordedLines = (golden: Golden): string[] => golden.raw('manifest')!.toString('latin1').split('\n').slice(0, -1);

describe.each(goldenVolumes().map(({ name }) => name))('%s', (name) => {
  const golden = loadGolden(name);

  it.runIf(!isCrash(name))('has the manifest that Linux printed', async () => {
    const { lines, errors } = await manifestAsync(await openVolume(golden.device));
    expect(lines.map(withoutKeyCode)).toEqual(recordedLines(golden));
    expect(errors.filter((message) => !message.startsWith('ENOKEY'))).toEqual([]);
  });

  it.runIf(isCrash(name))('opens at its last checkpoint, says so, and reads everything there', async () => {
    const volume = await openVolume(golden.device);
    expect(volume.problems.map(({ kind }) => kind)).not.toEqual([]);
    const { lines, errors } = await manifestAsync(volume);
    expect(errors).toEqual([]);
    expect(lines.length).toBeGreaterThan(1);
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

it('there are golden volumes of every algorithm', () => {
  const names = goldenVolumes().map(({ name }) => name);
  for (const part of ['plain', 'lz4-', 'lz4hc', 'zstd', 'lzo-4', 'lzo-rle', 'android', 'geometry', 'aged', 'crash']) {
    expect(
      names.some((name) => name.includes(part)),
      part,
    ).toBe(true);
  }
});
