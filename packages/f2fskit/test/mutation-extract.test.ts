// Extraction of damaged volumes onto a host: it ends, it says what it could not do, and nothing is outside of the directory.
// F2FSKIT_CASES raises the cases of all volumes together, as for the other mutations.

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FsError } from '@f2fskit/errno';
import { describeMutation, goldenVolumes, mutatorOf, ZOO_NAME } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { extract, openVolumeSync } from '../src/node/index.ts';

const volumeNames = [ZOO_NAME, ...goldenVolumes().map((volume) => volume.name)];
/** A twentieth of the cases that are only read: writing to a host is what takes the time. */
const CASES = Math.ceil(Number(process.env.F2FSKIT_CASES ?? 400) / 20 / volumeNames.length);
const folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-mutants-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe.each(volumeNames)('%s', (name) => {
  it(`${CASES} damaged volumes are extracted`, { timeout: 600_000 }, async () => {
    const mutator = mutatorOf(name);
    for (let seed = 0; seed < CASES; seed++) {
      const mutation = mutator.make(1_000_000 + seed);
      const what = describeMutation(mutation);
      const target = path.join(folder, 'target');
      try {
        const volume = openVolumeSync(mutator.device(mutation));
        const report = await extract(volume, target, { owners: false });
        expect(report.files + report.directories, what).toBeGreaterThanOrEqual(0);
      } catch (error) {
        expect(error, what).toBeInstanceOf(FsError);
      }
      expect(fs.readdirSync(folder), what).toEqual(fs.existsSync(target) ? ['target'] : []);
      fs.rmSync(target, { recursive: true, force: true });
    }
  });
});
