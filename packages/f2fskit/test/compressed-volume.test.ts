// Every way to compress, on one volume: it holds what the model holds, for a mount that knows nothing of the writer, and both
// checkers accept it. What a real Linux says of it: test/linux.

import { defaultCodecs } from '@f2fskit/codecs';
import { checkVolume, findingText } from '@f2fskit/f2fs-tools';
import { runSync } from '@f2fskit/task';
import { comparableManifest } from '@f2fskit/testkit/model';
import { expect, it } from 'vitest';
import { openVolumeSync } from '../src/node/index.ts';
import { allWays, compressedVolume } from './compressed-volume.ts';
import { manifestSync } from './manifest-lines.ts';
import { judged, objections } from './node-fs/judge.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
/** Small clusters and one large one in the short run. */
const ways = allWays.filter(({ compress }, index) => FULL || compress.logClusterSize === 2 || index === 4);

it(`a volume of ${ways.length} ways to compress, seed ${SEED}`, async () => {
  const { device, model } = await compressedVolume(SEED, ways);
  const volume = openVolumeSync(device.clone(), { codecs: defaultCodecs() });
  const { lines, errors } = manifestSync(volume);
  expect(errors).toEqual([]);
  expect(comparableManifest(lines.map((line) => Buffer.from(line, 'latin1')))).toEqual(model.manifest());
  for (const { directory, compress } of ways) {
    const inodes = volume.readdirSync(`/${directory}`).map((name) => {
      const { ino } = volume.statSync(`/${directory}/${name}`);
      return runSync(volume.f2fs.readInode(ino));
    });
    const [{ fields }] = inodes as [(typeof inodes)[0]];
    expect(fields).toMatchObject({ compressed: true, logClusterSize: compress.logClusterSize });
    expect(fields.compressFlag.checksum).toBe(compress.checksum);
    const saved = inodes.reduce((sum, { savedBlocks }) => sum + savedBlocks, 0);
    expect([directory, saved > 0]).toEqual([directory, true]);
  }
  expect(runSync(checkVolume(device)).findings.map(findingText)).toEqual([]);
  if (judged) expect(objections(device)).toBe('');
});
