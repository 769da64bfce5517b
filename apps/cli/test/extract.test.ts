import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { loadGolden } from '@f2fskit/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../src/program.ts';
import { f2fs } from './run-cli.ts';

let folder: string;
let image: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-cli-extract-'));
  image = path.join(folder, 'plain.img');
  fs.writeFileSync(image, loadGolden('plain').bytes);
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string): string => path.join(folder, name);

describe('f2fs extract', () => {
  it('copies everything out, says how much, and what is left out', async () => {
    const { status, stdout, stderr } = await f2fs(['extract', image, inFolder('out')]);
    expect([status, stdout.length]).toEqual([0, 0]);
    expect(stderr).toMatch(/\d+ files \(.*\), \d+ directories, 2 symlinks, 2 hard links/);
    expect(stderr).toMatch(/devices, fifos and sockets left out/);
    expect(fs.readFileSync(inFolder('out/d/one')).length).toBe(1);
  });

  it('has the report as JSON', async () => {
    const { status, stdout } = await f2fs(['extract', image, inFolder('out'), '/d/hard', '--json']);
    expect(status).toBe(0);
    const report = JSON.parse(stdout.toString());
    expect(report).toMatchObject({ schemaVersion: 1, files: 1, directories: 1, failures: 0, bytes: 66_000 });
  });

  it('ends with 1 when something is there already, and writes over nothing', async () => {
    fs.mkdirSync(inFolder('out/d'), { recursive: true });
    fs.writeFileSync(inFolder('out/d/one'), 'mine');
    const { status, stderr } = await f2fs(['extract', image, inFolder('out'), '/d/one']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/1 not written: something is there already/);
    expect(fs.readFileSync(inFolder('out/d/one'), 'utf8')).toBe('mine');
    expect((await f2fs(['extract', image, inFolder('out'), '/d/one', '--force'])).status).toBe(0);
    expect(fs.readFileSync(inFolder('out/d/one')).length).toBe(1);
  });

  it('refuses wrong usage with 2, and a path that does not exist with 1', async () => {
    expect((await f2fs(['extract', image])).status).toBe(2);
    const absent = await f2fs(['extract', image, inFolder('out'), '/absent']);
    expect([absent.status, absent.stderr]).toEqual([1, expect.stringMatching(/ENOENT/)]);
  });

  it('writes a tar archive to standard output, and to a file under its name only when it is complete', async () => {
    const { status, stdout } = await f2fs(['extract', image, '--tar', '-', '/d/text', '/d/a']);
    expect(status).toBe(0);
    expect(stdout.length % 10_240).toBe(0);
    expect(stdout.subarray(257, 262).toString()).toBe('ustar');
    const file = inFolder('volume.tar');
    expect((await f2fs(['extract', image, '--tar', file])).status).toBe(0);
    expect(fs.readdirSync(folder).sort()).toEqual(['plain.img', 'volume.tar']);
    const nowhere = await f2fs(['extract', image, '--tar', inFolder('absent/volume.tar')]);
    expect([nowhere.status, nowhere.stderr]).toEqual([1, expect.stringMatching(/^f2fs: ENOENT: .*volume\.tar/)]);
    const listed = spawnSync('tar', ['-tf', file], { encoding: 'utf8' });
    if (listed.error === undefined) expect(listed.stdout).toContain('d/hard2\n');
  });
});

it('interrupted: 130, with the way to go on; nothing unfinished is left', async () => {
  const stderr = new PassThrough();
  let messages = '';
  stderr.on('data', (data: Buffer) => {
    messages += data.toString();
  });
  const code = await run(['extract', image, inFolder('out')], {
    stdout: new PassThrough(),
    stderr,
    stdin: new PassThrough(),
    onSignal: (handler) => {
      handler('SIGINT');
      return () => {};
    },
  });
  expect(code).toBe(130);
  expect(messages).toMatch(/--resume/);
  expect([...fs.readdirSync(inFolder('out'))]).toEqual([]);
  const resumed = await f2fs(['extract', image, inFolder('out'), '--resume']);
  expect(resumed.status).toBe(0);
});
