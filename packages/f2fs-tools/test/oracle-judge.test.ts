// The judge that the written volumes of all tests are shown to, tools/oracle/judge.mjs: it takes a sound volume, and objects also to
// what fsck.f2fs only says that it would repair.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ssaBlockAddress } from '@f2fskit/f2fs-format';
import { writeImageFile } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { Damaged } from './damaged-volume.ts';

const JUDGE = fileURLToPath(new URL('../../../tools/oracle/judge.mjs', import.meta.url));
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C' };
const judged = spawnSync('fsck.f2fs', ['-V'], { env, stdio: 'ignore' }).error === undefined;
const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-judge-'));
afterAll(() => rmSync(folder, { recursive: true }));

function objections(volume: Damaged): string {
  const image = path.join(folder, 'volume.img');
  writeImageFile(image, volume.device);
  const { stdout, stderr } = spawnSync(process.execPath, [JUDGE, image], { env, encoding: 'utf8' });
  return stdout + stderr;
}

describe.skipIf(!judged)('the judge', () => {
  it('takes a sound volume', () => {
    expect(objections(new Damaged('plain'))).toBe('');
  });

  it('objects to an inode that miscounts its blocks', () => {
    const volume = new Damaged('plain');
    const { nid } = volume.blockFile();
    volume.inode(nid, (view) => view.setUint32(24, view.getUint32(24, true) + 1, true));
    expect(objections(volume)).toContain('i_blocks');
  });

  it('objects to a summary that names another owner, though fsck.f2fs ends with 0', () => {
    const volume = new Damaged('compress-lz4-256');
    volume.block(ssaBlockAddress(volume.superblock, volume.segmentOfSsa()), (view) => view.setUint32(0, 0, true));
    expect(objections(volume)).toMatch(/exit code 0;[\s\S]*Set \w+ summary/);
  });
});
