// A volume in a folder of its own, for tests of commands that change it. Whatever a test did, in the end the volume is sound
// and nothing is left beside it.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadGolden } from '@f2fskit/testkit';
import { type BigIntStats, openVolumeSync } from 'f2fskit';
import { afterEach, beforeEach, expect } from 'vitest';
import { type CliOptions, type CliResult, f2fs } from './run-cli.ts';
import { writeSparse } from './sparse-file.ts';

const JUDGE = fileURLToPath(new URL('../../../tools/oracle/judge.mjs', import.meta.url));
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

/** Whether fsck.f2fs is installed. */
export const judged = spawnSync('fsck.f2fs', ['-V'], { env, stdio: 'ignore' }).error === undefined;

/** What fsck.f2fs objects to; empty when it accepts the image. */
export function objections(image: string): string {
  const { stdout, stderr } = spawnSync(process.execPath, [JUDGE, image], { env, encoding: 'utf8' });
  return stdout + stderr;
}

export class EditVolume {
  /** Made anew for each test. */
  image = '';
  /** On the host, beside the folder of the image. */
  host = '';
  /** What every run may say of the volume. */
  mayNote: string | undefined = undefined;

  /** `golden`: the volume that every test begins with. */
  constructor(golden: string) {
    const { bytes } = loadGolden(golden);
    let folder = '';
    beforeEach(() => {
      folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-cli-edit-'));
      this.host = path.join(folder, 'host');
      fs.mkdirSync(this.host);
      fs.mkdirSync(path.join(folder, 'volume'));
      this.image = path.join(folder, 'volume', 'disk.img');
      writeSparse(this.image, bytes);
    });
    afterEach(async () => {
      expect(fs.readdirSync(path.dirname(this.image))).toEqual(['disk.img']);
      const { stdout } = await f2fs(['fsck', this.image]);
      expect(stdout.toString()).toMatch(/^clean/m);
      fs.rmSync(folder, { recursive: true, force: true });
    });
  }

  /** A path of the host. */
  at(...parts: string[]): string {
    return path.join(this.host, ...parts);
  }

  /** Makes a file of the host. */
  file(name: string, content: string | Uint8Array): string {
    const where = this.at(name);
    fs.mkdirSync(path.dirname(where), { recursive: true });
    fs.writeFileSync(where, content);
    return where;
  }

  /** Runs a command that is to do what it is told, and to say nothing. IMAGE stands for the image. */
  async ok(args: string[], options: CliOptions = {}): Promise<void> {
    const { status, stdout, ...said } = await this.run(args, options);
    const stderr = this.mayNote === undefined ? said.stderr : said.stderr.replace(`f2fs: ${this.mayNote}\n`, '');
    expect({ args, status, stdout: stdout.toString(), stderr }).toEqual({ args, status: 0, stdout: '', stderr: '' });
  }

  /** Runs a command that is to fail in part, and returns what it said. */
  async fails(args: string[], status = 1): Promise<string> {
    const result = await this.run(args);
    expect({ args, status: result.status, stdout: result.stdout.toString() }).toEqual({ args, status, stdout: '' });
    return result.stderr;
  }

  run(args: string[], options: CliOptions = {}): Promise<CliResult> {
    return f2fs(
      args.map((word) => (word === 'IMAGE' ? this.image : word)),
      options,
    );
  }

  read(file: string): Buffer {
    const volume = openVolumeSync(this.image);
    try {
      return volume.readFileSync(file) as Buffer;
    } finally {
      void volume.close();
    }
  }

  names(directory: string): string[] {
    const volume = openVolumeSync(this.image);
    try {
      return (volume.readdirSync(directory) as string[]).sort();
    } finally {
      void volume.close();
    }
  }

  stat(file: string): BigIntStats {
    const volume = openVolumeSync(this.image);
    try {
      return volume.lstatSync(file, { bigint: true }) as BigIntStats;
    } finally {
      void volume.close();
    }
  }

  mode(file: string): string {
    return (Number(this.stat(file).mode) & 0o7777).toString(8);
  }

  xattrs(file: string): Record<string, string> {
    const volume = openVolumeSync(this.image);
    try {
      const names = volume.listxattrSync(file);
      return Object.fromEntries(names.map((name) => [name, volume.getxattrSync(file, name).toString('hex')]));
    } finally {
      void volume.close();
    }
  }

  /**
   * Lines of a manifest as fields: type, mode, uid, gid, links, size, mtime, device, hash, path. Paths below `directory`
   * without it.
   */
  async manifest(directory: string): Promise<string[][]> {
    const { stdout } = await this.run(['manifest', 'IMAGE', directory]);
    const lines = stdout.toString('latin1').trimEnd().split('\n');
    const prefix = `.${directory}`;
    return lines
      .map((line) => line.split('\t'))
      .map((fields) => [...fields.slice(0, -1), fields.at(-1)!.replace(prefix, '.')]);
  }
}
