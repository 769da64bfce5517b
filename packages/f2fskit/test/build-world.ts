// What tests of builds share: a folder, the host's view of a tree, the volume's view of it, and the judges.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { closeDevice } from '@f2fskit/block';
import { FileDevice } from '@f2fskit/block/node';
import { checkVolume } from '@f2fskit/f2fs-tools';
import { runSync } from '@f2fskit/task';
import type { Inode } from '@f2fskit/vfs';
import { afterEach, beforeEach, expect } from 'vitest';
import {
  type BuildInput,
  type BuildOptions,
  type BuildReport,
  buildImage,
  openVolumeSync,
  type Volume,
} from '../src/node/index.ts';

export const isRoot = process.getuid?.() === 0;
export const has = (tool: string): boolean => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;

/** A folder for each test: `inFolder('a')` is a path in it. */
export function testFolder(): (name: string) => string {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-build-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
  return (name) => path.join(folder, name);
}

const JUDGE = fileURLToPath(new URL('../../../tools/oracle/judge.mjs', import.meta.url));
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
/** Whether fsck.f2fs is installed: it is asked only then. */
const judged = spawnSync('fsck.f2fs', ['-V'], { env, stdio: 'ignore' }).error === undefined;

/** Our own check finds nothing wrong with an image. */
function expectClean(image: string): void {
  const device = FileDevice.open(image);
  const report = runSync(checkVolume(device));
  runSync(closeDevice(device));
  expect(report.findings).toEqual([]);
}

/** Nor does fsck.f2fs, which costs a process. */
export function expectSound(image: string): void {
  expectClean(image);
  if (!judged) return;
  const { stdout, stderr } = spawnSync(process.execPath, [JUDGE, image], { env, encoding: 'utf8' });
  expect(stdout + stderr).toBe('');
}

/** Builds, checks and opens. Closed by the caller. */
export async function buildAndOpen(
  input: BuildInput,
  image: string,
  options: BuildOptions = {},
): Promise<{ report: BuildReport; volume: Volume }> {
  const report = await buildImage(input, image, options);
  expectClean(image);
  return { report, volume: openVolumeSync(image) };
}

/** One line for each path (latin1): kind, mode, owner, links, size, time, numbers of a device, hash or target. */
export type TreeLines = Map<string, string>;

const lineOf = (...fields: Array<string | number>): string => fields.join(' ');

export function hostLines(directory: string): TreeLines {
  const lines: TreeLines = new Map();
  const visit = (at: Buffer, name: string): void => {
    const stat = fs.lstatSync(at, { bigint: true });
    const { uid, gid, mode, mtimeNs, nlink, size } = stat;
    const kind = kindOf(stat);
    const isFile = kind === 'file';
    const hash = isFile
      ? sha256(fs.readFileSync(at))
      : kind === 'symlink'
        ? fs.readlinkSync(at, 'latin1')
        : kind === 'char' || kind === 'block'
          ? `${stat.rdev >> 8n}:${stat.rdev & 0xffn}`
          : '';
    const fields = [
      Number(mode & 0o7777n).toString(8),
      `${uid}:${gid}`,
      isFile ? `${nlink}` : '',
      isFile ? `${size}` : '',
    ];
    lines.set(name, lineOf(kind, ...fields, `${mtimeNs}`, hash));
    if (kind !== 'directory') return;
    for (const entry of fs.readdirSync(at, { encoding: 'buffer' })) {
      visit(Buffer.concat([at, Buffer.from('/'), entry]), `${name}/${entry.toString('latin1')}`);
    }
  };
  visit(Buffer.from(directory), '');
  return sorted(lines);
}

export function volumeLines(volume: Volume): TreeLines {
  const lines: TreeLines = new Map();
  const tree = volume.vfs.tree(runSync(volume.vfs.walk('/')).inode, new Uint8Array(0));
  for (let event = runSync(tree.next()); event !== undefined; event = runSync(tree.next())) {
    if (event.type !== 'entry') throw event.error;
    const { inode } = event;
    const { kind, mode, uid, gid, links, size, mtime, deviceMajor, deviceMinor } = inode.attributes();
    const isFile = kind === 'file';
    let hash = '';
    if (isFile) hash = hashOf(inode, size);
    else if (kind === 'symlink') hash = Buffer.from(runSync(inode.readLink())).toString('latin1');
    else if (kind === 'char' || kind === 'block') hash = `${deviceMajor}:${deviceMinor}`;
    const fields = [(mode & 0o7777).toString(8), `${uid}:${gid}`, isFile ? links : '', isFile ? size : ''];
    const time = BigInt(mtime.seconds) * 1_000_000_000n + BigInt(mtime.nanoseconds);
    lines.set(Buffer.from(event.path).toString('latin1'), lineOf(kind, ...fields, `${time}`, hash));
  }
  return sorted(lines);
}

function hashOf(inode: Inode, size: number): string {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(1 << 20);
  for (let at = 0; at < size; ) {
    const count = runSync(inode.read(at, chunk));
    hash.update(chunk.subarray(0, count));
    at += count;
  }
  return hash.digest('hex');
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function sorted(lines: TreeLines): TreeLines {
  return new Map([...lines].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function kindOf(stat: fs.BigIntStats): string {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'char';
  if (stat.isBlockDevice()) return 'block';
  return stat.isFIFO() ? 'fifo' : 'socket';
}

/** What the report could not keep, by reason: path (latin1) and message. */
export function notesOf(report: BuildReport): Record<string, string[]> {
  return Object.fromEntries(
    [...report.reasons].map(([reason, { examples }]) => [
      reason,
      examples.map(({ path: where, message }) => `${Buffer.from(where).toString('latin1')}: ${message}`),
    ]),
  );
}
