// Volumes that were built to hurt, one trick each. None may cost more than the volume is large, and the innocent file in
// the root directory of each must be readable.

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { adversaries, INNOCENT_CONTENT, INNOCENT_NAME } from '@f2fskit/testkit';
import { openVolumeSync } from 'f2fskit';
import { describe, expect, it } from 'vitest';
import { costLimits } from './mutation-demands.ts';
import { examine } from './mutation-examination.ts';

function built(name: string) {
  const found = adversaries.find((adversary) => adversary.name === name);
  if (found === undefined) throw new Error(`no adversary is called ${name}`);
  return found.build();
}

const linesOf = (name: string): string[] => [...examine(built(name)).lines.keys()].sort();

describe('adversaries', () => {
  for (const { name, build } of adversaries) {
    it(name, () => {
      const image = build();
      const seen = examine(image, { limits: costLimits(image.size / BLOCK_SIZE) });
      expect(seen.broken).toEqual([]);
      expect(seen.refused).toBeUndefined();
      const volume = openVolumeSync(image.clone());
      expect(Buffer.from(volume.readFileSync(`/${INNOCENT_NAME}`)).toString()).toBe(INNOCENT_CONTENT);
    });
  }

  it('loops are listed where they are named, and entered once', () => {
    expect(linesOf('a directory that contains itself')).toEqual([
      '.',
      './evil',
      './evil/root',
      './evil/self',
      './innocent',
      './root',
    ]);
    expect(linesOf('two names for the next directory, forty levels deep')).toHaveLength(3 + 2 * 40);
    expect(linesOf('two directories that share a third').filter((path) => path.endsWith('/file'))).toHaveLength(1);
  });

  it('names that lead out of their directory are not shown', () => {
    const shown = linesOf('names that no path can have');
    expect(shown).toEqual(['.', './innocent', './new\nline', './twice', './\xff\xfe\x80'].sort());
  });

  it('symlinks in circles are ELOOP, and one that leads out stays inside', () => {
    const volume = openVolumeSync(built('symlinks in circles'));
    for (const path of ['/self', '/there', '/back', '/doubling']) {
      expect(() => volume.statSync(path)).toThrow(expect.objectContaining({ code: 'ELOOP', path }));
    }
    expect(() => volume.statSync('/out')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(volume.statSync('/slashes').isDirectory()).toBe(true);
  });

  it('an fsync chain that loops is said to be damaged', () => {
    for (const name of ['one that points to itself', 'seven hundred, back into the middle']) {
      const { problems } = openVolumeSync(built(`fsynced nodes: ${name}`));
      expect(problems.map(({ kind }) => kind)).toContain('damage');
    }
  });
});
