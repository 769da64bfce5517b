// The judge: dump.f2fs of f2fs-tools, run on an image file, and its answers taken apart. What it prints as
//
//   name    [0x hex : decimal]
//
// is a field. `-i` asks on standard input whether to write the file to disk (no), and `-n`, `-s` and `-a` write their
// answers to files in the current directory, which is therefore a temporary one.

import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MemoryDevice } from '@f2fskit/block';
import { writeImageFile } from '@f2fskit/testkit';

const environment = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin`, LC_ALL: 'C' };

/** `dump.f2fs 1.15.0 (2022-05-13)`, or `undefined` where it is not installed. */
export function judgeVersion(): string | undefined {
  const { stdout, error } = spawnSync('dump.f2fs', ['-V'], { env: environment, encoding: 'utf8' });
  return error === undefined ? stdout.trim() : undefined;
}

/** Hex and decimal of a field, which must agree; `undefined` for a line that is no field. */
function fieldOf(line: string): { name: string; value: bigint } | undefined {
  const match = /^(\S+(?: \S+)*?)\s*\[0x\s*([0-9a-f]+) : (\d+)\]\s*$/.exec(line);
  if (match === null) return undefined;
  const [, name, hex, decimal] = match;
  if (BigInt(`0x${hex}`) !== BigInt(decimal!)) throw new Error(`dump.f2fs contradicts itself: ${line}`);
  return { name: name!, value: BigInt(decimal!) };
}

/** What one run printed. */
export interface Printed {
  readonly text: string;
  /** Every field, in order; a name may come more than once. */
  readonly fields: ReadonlyArray<{ name: string; value: bigint }>;
}

/** An image on disk for the judge to look at. */
export class Judge {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-judge-'));
  readonly #image = path.join(this.#folder, 'image');
  /** Standard input as a file: it may end before anybody reads it. */
  readonly #answer = path.join(this.#folder, 'answer');

  constructor(device: MemoryDevice) {
    writeImageFile(this.#image, device);
    writeFileSync(this.#answer, 'n\n');
  }

  /** Runs dump.f2fs with these options. Its exit code says little and is not looked at. */
  run(...options: string[]): Printed {
    const answer = openSync(this.#answer, 'r');
    const { stdout, error } = spawnSync('dump.f2fs', [...options, this.#image], {
      cwd: this.#folder,
      env: environment,
      stdio: [answer, 'pipe', 'ignore'],
      encoding: 'latin1',
      maxBuffer: 1 << 24,
    });
    closeSync(answer);
    if (error !== undefined) throw error;
    const text = stdout.replace(/Do you want to dump this file into .*?\[Y\/N\] ?/g, '\n');
    const fields = text.split('\n').flatMap((line) => fieldOf(line) ?? []);
    return { text, fields };
  }

  /** What a run wrote to a file of this name. */
  file(name: 'dump_nat' | 'dump_sit' | 'dump_ssa'): string {
    return readFileSync(path.join(this.#folder, name), 'latin1');
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
