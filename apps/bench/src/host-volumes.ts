// Files on the host, volumes made of them with mkfs.f2fs and sload.f2fs, and the command f2fs, for what is measured against the
// host. Where something is not installed the benches that need it say so.

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '@f2fskit/task';

const MIB = 1 << 20;

/** Why the volumes cannot be made; `undefined` where they can. `others`: tools that are needed beside those that make them. */
export function missingTools(...others: string[]): string | undefined {
  for (const tool of ['mkfs.f2fs', 'sload.f2fs', ...others]) {
    if (spawnSync(tool, ['-V'], { stdio: 'ignore' }).error !== undefined) return `${tool} is not installed`;
  }
  return undefined;
}

const cli = new URL('../../cli/', import.meta.url);

/** Why the command f2fs cannot be run; `undefined` where it can. */
export function missingCommand(): string | undefined {
  return existsSync(new URL('dist/main.js', cli)) ? undefined : 'the command f2fs is not built';
}

/** Runs the command f2fs in a process of its own. */
export function runF2fs(args: string[], env: NodeJS.ProcessEnv = {}): void {
  run(process.execPath, [fileURLToPath(new URL('bin/f2fs.js', cli)), ...args], env);
}

/** Files on the host and the volume that holds the same; removed again by `remove`. */
export interface HostVolume {
  folder: string;
  /** The files as they are on the host. */
  source: string;
  image: string;
  remove(): void;
}

/** Runs a command to its end. Throws when that is not a good one. */
export function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): void {
  const options = { encoding: 'utf8', maxBuffer: 64 * MIB, env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr || stdout}`);
}

/** What fsck.f2fs objects to. */
export function countFindings(image: string): number {
  const { status, stdout } = spawnSync('fsck.f2fs', ['--dry-run', '-f', image], {
    encoding: 'utf8',
    maxBuffer: 64 * MIB,
  });
  return stdout.split('\n').filter((line) => /ASSERT|\[Fail\]|\[FIX\]/.test(line)).length || (status === 0 ? 0 : 1);
}

/** Makes a volume of the files in a folder, which have so many bytes, with the tools of Linux. */
export function loadVolume(image: string, source: string, bytes: number): void {
  const fd = openSync(image, 'w');
  ftruncateSync(fd, Math.ceil((2 * bytes) / MIB) * MIB + 200 * MIB);
  closeSync(fd);
  run('mkfs.f2fs', ['-q', image]);
  run('sload.f2fs', ['-f', source, image]);
}

/** A folder for a bench, and its removal. */
export function makeFolder(name: string): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), `f2fskit-bench-${name}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** `fill` writes the files into a folder; the image gets twice their size and room for metadata. */
export function makeHostVolume(name: string, bytes: number, fill: (source: string) => void): HostVolume {
  const { folder, remove } = makeFolder(name);
  const source = path.join(folder, 'source');
  const image = path.join(folder, 'volume.img');
  try {
    mkdirSync(source);
    fill(source);
    loadVolume(image, source, bytes);
    return { folder, source, image, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Bytes that do not repeat. */
function mixedBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** One file of so many bytes: `chunk`, a MiB, over and over; by default one that does not compress. */
export function writeBigFile(file: string, bytes: number, chunk = mixedBytes(MIB)): void {
  const fd = openSync(file, 'w');
  for (let done = 0; done < bytes; done += chunk.length) {
    chunk[0] = (done / MIB) & 0xff;
    writeSync(fd, chunk, 0, Math.min(chunk.length, bytes - done));
  }
  closeSync(fd);
}

/** So many files of 0 to 12 KiB, a hundred in a folder. */
export function writeSmallFiles(source: string, files: number): number {
  let bytes = 0;
  const chunk = new Uint8Array(12 * 1024).fill(0x61);
  for (let index = 0; index < files; index++) {
    const folder = path.join(source, `folder-${Math.floor(index / 100)}`);
    if (index % 100 === 0) mkdirSync(folder);
    const size = (index * 769) % chunk.length;
    const fd = openSync(path.join(folder, `file-${index}`), 'w');
    writeSync(fd, chunk, 0, size);
    closeSync(fd);
    bytes += size;
  }
  return bytes;
}

/** So many files of 0 to 22,500 bytes, the same each time, a hundred in a folder. Returns their bytes. */
export function writeTree(source: string, files: number): number {
  const chunk = mixedBytes(MIB);
  const random = seededRandom(1);
  let bytes = 0;
  for (let index = 0; index < files; index++) {
    const folder = path.join(source, `folder-${Math.floor(index / 100)}`);
    if (index % 100 === 0) mkdirSync(folder);
    const size = random.u32() % 22_500;
    const fd = openSync(path.join(folder, `file-${index}`), 'w');
    writeSync(fd, chunk, (index * 61) % (MIB - size), size);
    closeSync(fd);
    bytes += size;
  }
  return bytes;
}
