// fsck.f2fs 1.15 and this check look at the same damaged volumes, and must come to the same verdict. Where they do not, the
// difference stands in one of two lists here, with its reason; everything else is a failure.
//
//   F2FSKIT_FULL=1             300 damaged volumes instead of 20, of every golden one
//   F2FSKIT_CASES=3000         so many
//   F2FSKIT_SEED=7 VOLUME=n    that one, with what both say

import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MemoryDevice } from '@f2fskit/block';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { describeMutation, goldenVolumes, type MutationCase, mutatorOf, readImageBlock } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { checkVolume } from './check-volume.ts';
import { type FindingCode, findingKinds } from './finding-codes.ts';
import { type Finding, findingText } from './report.ts';

const { F2FSKIT_CASES, F2FSKIT_FULL, F2FSKIT_SEED, VOLUME } = process.env;
const CASES = Number(F2FSKIT_CASES ?? (F2FSKIT_FULL === '1' ? 300 : 20));
const JUDGE_SECONDS = 30;
const environment = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C' };
const judgeThere = spawnSync('fsck.f2fs', ['-V'], { env: environment }).error === undefined;

/** What we call an error and fsck.f2fs 1.15 does not look at, or repairs without calling it one. */
const stricter: Partial<Record<FindingCode, string>> = {
  superblock: 'it takes counts of blocks and sections that Linux refuses',
  superblockCopy: 'it takes the other copy and says nothing',
  superblockDiffers: 'it compares nothing but what it needs',
  truncated: 'it reads what it needs; a device that is too short is noticed when a block is missing',
  checkpointField: 'it takes fields that Linux refuses, as an unknown allocation type',
  natBits: 'it writes them anew, and does not call that an error',
  natJournal: 'it cuts a count that is too large and goes on; Linux refuses the mount',
  sitJournal: 'it cuts a count that is too large and goes on; Linux refuses the mount',
  natReserved: 'it looks at the address of nid 1 and 2, not at their ino',
  summaryType: 'silently repaired; cleaning would misread the segment',
  summaryEntry: 'silently repaired for data; cleaning would misread the block',
  nodeOffset: 'it looks at the offset of xattr nodes only; recovery and cleaning rely on all',
  inode: 'fields that Linux or we refuse: times, compression parameters, extra sizes',
  inlineSize: 'it looks at the size of inline data, not at that of inline directories',
  inlineNodes: 'it does not look; truncation would free the nodes of others',
  clusterHeader: 'silently cleared, where no checksum and no extent covers it',
  clusterPattern: 'it counts slots, in whatever order they come',
  clusterLeftover: 'it does not look',
  compressedBlocks: 'silently repaired, where no checksum covers it',
  compressFlag: 'silently cleared, where no checksum covers it',
  xattrHeader: 'it does not look at extended attributes (newer versions do)',
  xattrEntry: 'it does not look at extended attributes (newer versions do)',
  dentryHash: 'silently repaired (newer versions: an error)',
  dentryName: 'it takes names with a slash or a zero in them',
  dentryBitmap: 'it looks at the first slot of a name only',
  dentryTwice: 'it does not compare names',
  dots: 'it counts dots wherever they are, and takes two of one kind for both',
  dotIno: 'it compares .. with i_pino, and not i_pino with the directory that has the name',
  directorySize: 'it does not look at the size; listing ends there',
  directoryDepth: 'it does not look at the depth; lookups end there',
  quotaFile: 'what it finds in quota files does not change its exit code in a dry run',
  quotaUsage: 'what it finds in quota files does not change its exit code in a dry run',
  symlinkSize: 'it takes an inline target of no bytes',
};

/** Whether all that fsck.f2fs says of a volume is its one proven mistake: see `tools/oracle/judge.mjs`. */
function isMisread(image: string): boolean {
  const judge = fileURLToPath(new URL('../../../../tools/oracle/judge.mjs', import.meta.url));
  return spawnSync(process.execPath, [judge, image], { env: environment }).status === 0;
}

/** Of link counts it takes one that is wrong: no link, and one name. */
function isStricter({ code, found }: Finding): boolean {
  return stricter[code] !== undefined || (code === 'linkCount' && found === 0);
}

/** What fsck.f2fs 1.15 objects to and we do not call an error. */
const laxer: ReadonlyArray<{ pattern: RegExp; reason: string }> = [
  {
    pattern: /reset i_gc_failures/,
    reason:
      'it resets the counter of failed moves and then finds that the checksum was over the old one; for us a warning',
  },
];

describe.skipIf(!judgeThere)('fsck.f2fs and the check come to the same verdict', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-fsck-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it(`on sound volumes, and on ${F2FSKIT_SEED === undefined ? CASES : 1} damaged ones`, {
    timeout: 60_000 + CASES * 2000,
  }, () => {
    const names = VOLUME === undefined ? volumesOf(CASES) : [VOLUME];
    const failures: string[] = [];
    const seen = { clean: 0, damaged: 0 };
    let seed = Number(F2FSKIT_SEED ?? 5000);
    const each = Math.ceil(CASES / names.length);
    for (const name of names) {
      const file = path.join(folder, name.replaceAll('/', '-'));
      const image = new Image(mutatorOf(name).image, file);
      const sound = { ...mutatorOf(name).make(seed), changed: new Map(), size: mutatorOf(name).image.size };
      const both = [ourVerdict(sound), theirVerdict(image, sound)];
      if (!both[1]!.clean && isMisread(file)) {
        // Every verdict on it would be the judge's mistake.
        image.close();
        continue;
      }
      expect(
        both.map(({ clean }) => clean),
        `${name} as it is: ${both.map(({ text }) => text).join()}`,
      ).toEqual([true, true]);
      for (let n = 0; n < (F2FSKIT_SEED === undefined ? each : 1); n++) {
        const mutation = mutatorOf(name).make(seed++);
        const ours = ourVerdict(mutation);
        const theirs = theirVerdict(image, mutation);
        seen[theirs.clean ? 'clean' : 'damaged']++;
        if (F2FSKIT_SEED !== undefined) console.log(describeMutation(mutation), ours, theirs);
        const explained =
          ours.clean === theirs.clean ||
          (ours.clean && laxer.some(({ pattern }) => pattern.test(theirs.text))) ||
          (theirs.clean && ours.stricter);
        if (explained) continue;
        const replay = `F2FSKIT_SEED=${seed - 1} VOLUME=${name} pnpm --filter @f2fskit/f2fs-tools test agreement`;
        failures.push(`${replay}\n  ${describeMutation(mutation)}\n  we: ${ours.text}\n  fsck.f2fs: ${theirs.text}`);
      }
      image.close();
    }
    expect(failures.length, failures.slice(0, 5).join('\n\n')).toBe(0);
    // Both verdicts were met, or nothing was compared.
    if (F2FSKIT_SEED === undefined) expect(Math.min(seen.clean, seen.damaged)).toBeGreaterThan(0);
  });
});

it('only errors are explained', () => {
  const warnings = Object.keys(stricter).filter((code) => findingKinds[code as FindingCode].severity !== 'error');
  expect(warnings).toEqual([]);
});

/** Unpacking a volume costs more than a case: a short run takes few of them, a long one all. */
function volumesOf(cases: number): string[] {
  const short = ['plain', 'compress-lz4-4', 'xattr-heavy', 'crash-orphan', 'geometry'];
  return cases < 100 ? short : goldenVolumes().map(({ name }) => name);
}

interface Verdict {
  clean: boolean;
  /** One of our errors is of those that fsck.f2fs does not have. */
  stricter: boolean;
  text: string;
}

function ourVerdict(mutation: MutationCase): Verdict {
  try {
    const report = runSync(checkVolume(mutatorOf(mutation.volume).device(mutation)));
    const text = report.findings.slice(0, 4).map(findingText).join('\n      ');
    return { clean: report.clean, stricter: report.findings.some(isStricter), text };
  } catch (error) {
    // Not F2FS any more.
    return { clean: false, stricter: true, text: (error as Error).message };
  }
}

function theirVerdict(image: Image, mutation: MutationCase): { clean: boolean; text: string } {
  image.apply(mutation);
  const options = ['--dry-run', '-f', image.file];
  const run = spawnSync('timeout', [`${JUDGE_SECONDS}`, 'fsck.f2fs', ...options], {
    env: environment,
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  });
  if (run.error !== undefined) throw run.error;
  image.revert(mutation);
  const output = run.stdout + run.stderr;
  const lines = output.split('\n').filter((line) => /ASSERT|\[Fail\]|FIX|Error/.test(line));
  const clean = run.status === 0 && !/ASSERT|\[Fail\]/.test(output);
  return { clean, text: `exit code ${run.status} ${lines.slice(0, 4).join('\n      ')}` };
}

const CHUNK = 1 << 20;

/** A golden volume as a sparse file, to be changed and changed back. */
class Image {
  readonly file: string;
  readonly #device: MemoryDevice;
  readonly #fd: number;

  constructor(device: MemoryDevice, file: string) {
    this.file = file;
    this.#device = device;
    this.#fd = openSync(file, 'w+');
    ftruncateSync(this.#fd, device.size);
    this.#copy(0);
  }

  /** Copies what is not zero, from byte `start` on. */
  #copy(start: number): void {
    const zeros = Buffer.alloc(CHUNK);
    for (let offset = start; offset < this.#device.size; offset += CHUNK) {
      const chunk = this.#device.toBytes(offset, Math.min(CHUNK, this.#device.size - offset));
      if (zeros.compare(chunk, 0, chunk.length, 0, chunk.length) !== 0)
        writeSync(this.#fd, chunk, 0, chunk.length, offset);
    }
  }

  apply({ changed, size }: MutationCase): void {
    for (const [block, bytes] of changed) writeSync(this.#fd, bytes, 0, BLOCK_SIZE, block * BLOCK_SIZE);
    ftruncateSync(this.#fd, size);
  }

  revert({ changed, size }: MutationCase): void {
    ftruncateSync(this.#fd, this.#device.size);
    if (size < this.#device.size) this.#copy(size - (size % BLOCK_SIZE));
    for (const block of changed.keys()) {
      writeSync(this.#fd, readImageBlock(this.#device, block).bytes, 0, BLOCK_SIZE, block * BLOCK_SIZE);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
