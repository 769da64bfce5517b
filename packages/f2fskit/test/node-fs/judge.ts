// What fsck.f2fs says of a volume that a test has left, where it is installed.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MemoryDevice } from '@f2fskit/block';
import { writeImageFile } from '@f2fskit/testkit';

const JUDGE = fileURLToPath(new URL('../../../../tools/oracle/judge.mjs', import.meta.url));
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** Whether fsck.f2fs is installed; tests that ask it are skipped where it is not. */
export const judged = spawnSync('fsck.f2fs', ['-V'], { env, stdio: 'ignore' }).error === undefined;

/** What fsck.f2fs objects to; empty when it accepts the volume. */
export function objections(device: MemoryDevice): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-judge-'));
  try {
    const image = path.join(folder, 'volume.img');
    writeImageFile(image, device.clone());
    const { stdout, stderr } = spawnSync(process.execPath, [JUDGE, image], { env, encoding: 'utf8' });
    return stdout + stderr;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
