import { describe, expect, it } from 'vitest';
import { checkVolume } from './check.ts';
import { loadBundled } from './golden.ts';

describe('checkVolume', () => {
  it('finds a bundled volume equal to what Linux recorded, and counts', async () => {
    const result = await checkVolume(loadBundled('compress-zstd-8'));
    expect(result.differences).toEqual([]);
    expect(result.equal).toBe(result.records);
    expect(result.clusters).toBeGreaterThan(10);
    expect(result.payloadBlocks).toBeLessThan(result.clusterBlocks);
    expect(result.deviceBytes).toBeLessThan(result.fileBytes);
  });

  it('sees one changed byte, one missing record and one that nobody recorded', async () => {
    const bundled = loadBundled('plain');
    const { raw } = await firstBlockOf(bundled.image, '/d/text');
    bundled.image[raw * 4096]! ^= 1;
    bundled.recorded.set('./ghost', 'file\t644\t0\t0\t1\t0\t0\t0:0\t-\t./ghost');
    bundled.recorded.delete('./d/one');
    const { differences } = await checkVolume(bundled);
    // `text` has two more names.
    const paths = differences.map((line) => line.slice(line.lastIndexOf('\t') + 1)).sort();
    expect(paths).toEqual(['./d/hard', './d/hard2', './d/one', './d/text', './ghost']);
  });
});

async function firstBlockOf(image: Uint8Array, path: string): Promise<{ raw: number }> {
  const { openVolumeSync } = await import('f2fskit');
  const volume = openVolumeSync(image);
  const { inode } = volume.scheduler.runSync(volume.vfs.walk(path));
  const { fields, raw } = inode as import('@f2fskit/f2fs').F2fsInode;
  const { view } = volume.scheduler.runSync(volume.f2fs.store.readInodeNode(raw));
  return { raw: view.getUint32(fields.addressesOffset, true) };
}
