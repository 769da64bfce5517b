// A real Linux judges the volumes that we write. One boot for all of them (tools/oracle/edit-volumes.sh):
//
//   1. we make each volume from the seed, with one engine of buffered I/O or the other; fsck.f2fs and our checker accept it
//   2. Linux mounts it, and says that it holds what we say that it holds
//   3. Linux changes it at random, unmounts it, and says what it holds now
//   4. we read that; fsck.f2fs and our checker accept what Linux has left
//
//   F2FSKIT_SEED=N             the seed (a failure prints it)
//   F2FSKIT_LINUX_VOLUMES=A,B  only these; `fixtures`: every compressed golden volume, overwritten by both engines
//   SUITE=trixie, SUITE=sid    a newer kernel
//   F2FSKIT_KEEP=FOLDER        keep every image there; of a failure they are kept anyway

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { closeDevice, type MemoryDevice } from '@f2fskit/block';
import { FileDevice } from '@f2fskit/block/node';
import { checkVolume, findingText } from '@f2fskit/f2fs-tools';
import { runSync } from '@f2fskit/task';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openVolumeSync, type Volume } from '../../src/node/index.ts';
import { engineOf, fixtureMakers, type MadeVolume, volumeMakers } from './volumes.ts';
import { type Contents, linuxContents, ourContents } from './what-it-holds.ts';

const ORACLE = fileURLToPath(new URL('../../../../tools/oracle/', import.meta.url));
const SEED = Number(process.env['F2FSKIT_SEED'] ?? 1);
const SUITE = process.env['SUITE'];
const wanted = process.env['F2FSKIT_LINUX_VOLUMES'] ?? Object.keys(volumeMakers).join(',');
const names = wanted === 'fixtures' ? Object.keys(fixtureMakers) : wanted.split(',');
const folder = process.env['F2FSKIT_KEEP'] ?? fs.mkdtempSync(path.join(tmpdir(), `f2fskit-linux-${SEED}-`));
const file = (ending: string): string => path.join(folder, ending);

const made = new Map<string, MadeVolume | Error>();
let guest: { status: number | null; text: string } | undefined;
let failed = false;

beforeAll(async () => {
  fs.mkdirSync(folder, { recursive: true });
  for (const name of names) {
    try {
      const make = volumeMakers[name] ?? fixtureMakers[name]!;
      const volume = await make({ seed: SEED, bufferedIo: engineOf(name, SEED) });
      made.set(name, volume);
      writeImage(volume.device, file(`${name}.img`));
      if (volume.lookups !== undefined) fs.writeFileSync(file(`${name}.lookups`), `${volume.lookups.join('\n')}\n`);
    } catch (error) {
      made.set(name, error as Error);
    }
  }
  const { status, stdout, stderr } = spawnSync(path.join(ORACLE, 'edit-volumes.sh'), [folder, String(SEED)], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  guest = { status, text: stdout + stderr };
}, 20 * 60_000);

afterAll(() => {
  if (failed) {
    const suite = SUITE === undefined ? '' : `SUITE=${SUITE} `;
    console.error(`replay: ${suite}F2FSKIT_SEED=${SEED} pnpm --filter f2fskit test:linux   (images: ${folder})`);
  } else if (process.env['F2FSKIT_KEEP'] === undefined) fs.rmSync(folder, { recursive: true, force: true });
});

describe.each(names.map((name) => [name, engineOf(name, SEED)] as const))(`%s, engine %s, seed ${SEED}`, (name) => {
  /** Runs a part of the judgement. */
  const judge = (part: (volume: MadeVolume) => void) => () => {
    const volume = made.get(name)!;
    try {
      if (volume instanceof Error) throw volume;
      part(volume);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const said = (when: 'before' | 'after'): Contents =>
    linuxContents((ending) => fs.readFileSync(file(`${name}.${when}.${ending}`)));

  it(
    'is sound as we leave it',
    judge((volume) => {
      // What waits to be recovered is no fault.
      expectSound(file(`${name}.img`), volume.crashed === true);
      if (volume.manifest === undefined) return;
      expect(withVolume(`${name}.img`, ourContents).manifest).toEqual(volume.manifest);
    }),
  );

  it(
    'is what we say to Linux as well',
    judge(({ crashed, lookups, promised }) => {
      expect(guest?.status, guest?.text).toBe(0);
      expect(fs.readFileSync(file(`${name}.status`), 'utf8') + complaints(name)).toBe('ok\n');
      const ours = withVolume(`${name}.img`, ourContents);
      const linux = said('before');
      if (crashed === true) {
        // A name that recovery makes stamps its directory with the time of the recovery; its mount has begun to write.
        for (const contents of [ours, linux]) {
          contents.manifest = contents.manifest.map(withoutDirectoryTime);
          contents.statfs = '';
        }
      }
      expect(linux).toEqual(ours);
      if (promised !== undefined) expect(linux.manifest).toEqual(expect.arrayContaining(promised));
      if (lookups !== undefined) {
        const found = fs
          .readFileSync(file(`${name}.found`), 'utf8')
          .trimEnd()
          .split('\n');
        expect(found).toEqual(withVolume(`${name}.img`, (volume) => lookups.map((at) => inodeNumber(volume, at))));
        expect(found).not.toContain('-');
      }
    }),
  );

  it(
    'is sound, and what Linux says, after Linux has changed it',
    judge(() => {
      expect(withVolume(`${name}.linux.img`, ourContents)).toEqual(said('after'));
      expectSound(file(`${name}.linux.img`));
    }),
  );
});

/** What the kernel held against a volume. */
function complaints(name: string): string {
  return (
    fs
      .readFileSync(file(`${name}.dmesg`), 'utf8')
      .split('\n')
      .filter((line) => /BUG|WARNING|Oops|F2FS-fs .*(rror|nvalid|nconsisten|orrupt|fsck|mismatch)/.test(line))
      .filter((line) => !/Mounted with checkpoint|Magic Mismatch|Test dummy encryption/.test(line))
      // As our checkpoints say of the quota files, which we leave alone.
      .filter((line) => !line.includes('quota file may be corrupted, skip loading it'))
      .join('\n')
  );
}

function withVolume<T>(image: string, action: (volume: Volume) => T): T {
  const volume = openVolumeSync(file(image));
  try {
    if (!image.endsWith('.linux.img')) return action(volume);
    expect(volume.problems.filter(({ message }) => !message.includes('CP_QUOTA_NEED_FSCK'))).toEqual([]);
    return action(volume);
  } finally {
    runSync(closeDevice(volume.device));
  }
}

function inodeNumber(volume: Volume, place: string): string {
  try {
    return String(runSync(volume.vfs.walk(`/${place}`, { followLast: false })).inode.ino);
  } catch {
    return '-';
  }
}

/** Neither our checker nor fsck.f2fs finds anything. */
function expectSound(image: string, crashed = false): void {
  const device = FileDevice.open(image);
  const { findings } = runSync(checkVolume(device));
  runSync(closeDevice(device));
  expect(findings.map(findingText)).toEqual([]);
  if (crashed) return;
  const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, ...suiteTools() };
  const { stdout, stderr } = spawnSync(process.execPath, [path.join(ORACLE, 'judge.mjs'), image], {
    env,
    encoding: 'utf8',
  });
  if (QUOTA_REPAIR_GIVEN_UP.test(stdout)) return;
  expect(stdout + stderr).toBe('');
}

/**
 * fsck.f2fs 1.15 writes quota files anew also in a dry run, before it judges anything else, and ends where it finds no segment
 * for them: on a volume that is nearly full. Our checker has judged it.
 */
const QUOTA_REPAIR_GIVEN_UP =
  /^\S+ fsck\.f2fs objects \(exit code 255; .*\)\n\[reserve_new_block:\d+\] Can't find free block/;

/** Those of a newer kernel, which lie beside it. */
function suiteTools(): Record<string, string> {
  const cache =
    process.env['F2FSKIT_ORACLE_CACHE'] ?? path.join(process.env['HOME'] ?? '/root', '.cache/f2fskit-oracle');
  const tool = (name: string): string => path.join(cache, SUITE ?? '', 'tools', name);
  if (!fs.existsSync(tool('fsck.f2fs'))) return {};
  return { FSCK_F2FS: tool('fsck.f2fs'), DUMP_F2FS: tool('dump.f2fs') };
}

const withoutDirectoryTime = (line: string): string =>
  line.replace(/^(directory\t(?:[^\t]*\t){5})[^\t]*/, (_, before: string) => `${before}-`);

/** Without its zeros. */
function writeImage(device: MemoryDevice, image: string): void {
  const bytes = device.toBytes();
  const descriptor = fs.openSync(image, 'w');
  try {
    fs.ftruncateSync(descriptor, bytes.length);
    const zeros = Buffer.alloc(1 << 16);
    for (let at = 0; at < bytes.length; at += zeros.length) {
      const part = bytes.subarray(at, at + zeros.length);
      if (zeros.compare(part, 0, part.length, 0, part.length) !== 0) fs.writeSync(descriptor, part, 0, part.length, at);
    }
  } finally {
    fs.closeSync(descriptor);
  }
}
