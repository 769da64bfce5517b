// Every compressed volume that Linux wrote, overwritten inside its clusters by both engines: what is left is what the model holds, for a
// fresh mount, for our checker and for fsck.f2fs. What Linux makes of them: the volumes `fixture-…` of test/linux.

import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { allCodecs } from './compressed-volume.ts';
import { editAndJudge } from './edited-volume.ts';
import { fixtureProgram } from './fixture-program.ts';

const FULL = process.env['F2FSKIT_FULL'] === '1';
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const seeds = Array.from({ length: FULL ? 3 : 1 }, (_, index) => SEED + index);
const SHORT = ['compress-lz4-16', 'compress-zstd-8'];
const names = goldenVolumes()
  .map(({ name }) => name)
  .filter((name) => name.startsWith('compress-') && (FULL || SHORT.includes(name)));

describe.each(names)('%s', (name) => {
  describe.each(['iomap', 'page'] as const)('changed by engine %s', (bufferedIo) => {
    it.each(seeds)('seed %i', async (seed) => {
      const codecs = await allCodecs();
      const refused = await editAndJudge(loadGolden(name).device.clone(), {
        seed,
        program: (model, volume) => fixtureProgram(volume, model, seed, 100),
        reasons: ['ENOSPC'],
        mount: { bufferedIo, codecs },
      });
      expect(refused).toBeLessThan(20);
    });
  });
});
