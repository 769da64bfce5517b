// Volumes made with mkfs.f2fs and sload.f2fs from files on the host, for what is measured against the host. Where the two
// are not installed the benches that need them say so.

import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MIB = 1 << 20;

/** Why the volumes cannot be made; `undefined` where they can. */
export function missingTools(): string | undefined {
  for (const tool of ['mkfs.f2fs', 'sload.f2fs']) {
    if (spawnSync(tool, ['-V'], { stdio: 'ignore' }).error !== undefined) return `${tool} is not installed`;
  }
  return undefined;
}

/** Files on the host and the volume that holds the same; removed again by `remove`. */
export interface HostVolume {
  folder: string;
  /** The files as they are on the host. */
  source: string;
  image: string;
  remove(): void;
}

function run(command: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * MIB });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr || stdout}`);
}

/** `fill` writes the files into a folder; the image gets twice their size and room for metadata. */
export function makeHostVolume(name: string, bytes: number, fill: (source: string) => void): HostVolume {
  const folder = mkdtempSync(path.join(tmpdir(), `f2fskit-bench-${name}-`));
  const source = path.join(folder, 'source');
  const image = path.join(folder, 'volume.img');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    mkdirSync(source);
    fill(source);
    const fd = openSync(image, 'w');
    ftruncateSync(fd, Math.ceil((2 * bytes) / MIB) * MIB + 200 * MIB);
    closeSync(fd);
    run('mkfs.f2fs', ['-q', image]);
    run('sload.f2fs', ['-f', source, image]);
    return { folder, source, image, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** One file of so many bytes, which do not repeat within a MiB. */
export function writeBigFile(file: string, bytes: number): void {
  const chunk = new Uint8Array(MIB);
  let state = 1;
  for (let at = 0; at < chunk.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    chunk[at] = state >>> 24;
  }
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
