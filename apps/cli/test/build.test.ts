import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../src/program.ts';
import { f2fs } from './run-cli.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-cli-build-'));
  fs.mkdirSync(inFolder('tree/d'), { recursive: true });
  fs.writeFileSync(inFolder('tree/d/file'), 'content\n');
  fs.writeFileSync(inFolder('tree/d/other.o'), 'x'.repeat(5000));
  fs.symlinkSync('d/file', inFolder('tree/link'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string): string => path.join(folder, name);
const sha256 = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
const tar = (...args: string[]): Buffer =>
  spawnSync('tar', ['-C', inFolder('tree'), '-cf', '-', ...args], { maxBuffer: 1 << 26 }).stdout;

describe('f2fs build', () => {
  it('makes a volume that fsck accepts, and says what it is', async () => {
    const { status, stdout, stderr } = await f2fs(['build', inFolder('tree'), inFolder('image'), '-l', 'data']);
    expect([status, stderr]).toEqual([0, '']);
    const text = stdout.toString();
    expect(text).toMatch(/image: F2FS volume built\n {2}Label +data\n {2}UUID +[-0-9a-f]{36}\n/);
    expect(text).toMatch(/Size +52\.0 MiB \(54525952 bytes\)\n {2}Used +.* of 8\.0 MiB, .* free\n/);
    expect(text).toMatch(/Contents +2 files \(4\.9 KiB\), 1 directories, 1 symlinks\n/);
    expect((await f2fs(['fsck', inFolder('image')])).status).toBe(0);
    expect((await f2fs(['cat', inFolder('image'), '/d/file'])).stdout.toString()).toBe('content\n');
    expect(fs.readdirSync(folder).sort()).toEqual(['image', 'tree']);
  });

  it('takes an archive from standard input and from a file, packed or not', async () => {
    const input = tar('.');
    const fromInput = await f2fs(['build', '-', inFolder('one'), '-q'], { input });
    expect([fromInput.status, fromInput.stdout.length, fromInput.stderr]).toEqual([0, 0, '']);
    fs.writeFileSync(inFolder('tar.gz'), tar('-z', '.'));
    expect((await f2fs(['build', inFolder('tar.gz'), inFolder('two'), '-q'])).status).toBe(0);
    const manifests = await Promise.all(['one', 'two'].map((name) => f2fs(['manifest', inFolder(name)])));
    expect(manifests[0]!.stdout.toString()).toContain('./d/file');
    expect(manifests[1]!.stdout.toString()).toBe(manifests[0]!.stdout.toString());
  });

  it('gives the same bytes with SOURCE_DATE_EPOCH', async () => {
    const environment = { SOURCE_DATE_EPOCH: '1700000000' };
    for (const name of ['one', 'two']) {
      expect((await f2fs(['build', inFolder('tree'), inFolder(name)], { environment })).status).toBe(0);
    }
    expect(sha256(inFolder('one'))).toBe(sha256(inFolder('two')));
    const { stdout } = await f2fs(['stat', '--json', inFolder('one'), '/d/file']);
    expect(stdout.toString()).toContain('1700000000'); // clamped
  });

  it('has patterns, owners, sizes and the options of mkfs', async () => {
    const more = ['--exclude', '*.o', '--owner', '7:8', '--size', 'min', '-O', 'extra_attr,inode_crtime', '-q'];
    const { status } = await f2fs(['build', inFolder('tree'), inFolder('image'), ...more]);
    expect(status).toBe(0);
    const { stdout } = await f2fs(['manifest', inFolder('image')]);
    expect(stdout.toString()).not.toContain('other.o');
    expect(stdout.toString()).toMatch(/^file\t\d+\t7\t8\t.*\.\/d\/file$/m);
    expect((await f2fs(['info', inFolder('image')])).stdout.toString()).toMatch(/extra_attr/);
    const sized = ['--size', '64M', '--include', 'd/*.o', '-q'];
    expect((await f2fs(['build', inFolder('tree'), inFolder('sized'), ...sized])).status).toBe(0);
    expect(fs.statSync(inFolder('sized')).size).toBe(64 << 20);
    expect((await f2fs(['ls', inFolder('sized'), '/d'])).stdout.toString()).toBe('other.o\n');
  });

  it('shows a plan, and writes nothing', async () => {
    const { status, stdout } = await f2fs(['build', '--dry-run', inFolder('tree'), inFolder('image')]);
    expect([status, stdout.toString()]).toEqual([
      0,
      expect.stringMatching(/would be an F2FS volume\n.*\n.*\n {2}Size/),
    ]);
    const json = await f2fs(['build', '--dry-run', '--json', inFolder('tree'), inFolder('image')]);
    const plan = JSON.parse(json.stdout.toString());
    expect(plan).toMatchObject({ schema: 'f2fs.build/1', made: false, attempts: 0, size: { userBlocks: 2048 } });
    expect(fs.readdirSync(folder)).toEqual(['tree']);
  });

  it('reports as JSON, and ends with 1 when something is missing', async () => {
    const input = tar('--transform', 's,^\\./d/file,../file,', '.');
    const { status, stdout } = await f2fs(['build', '-', inFolder('image'), '--json'], { input });
    expect(status).toBe(1);
    const report = JSON.parse(stdout.toString());
    expect(report).toMatchObject({ made: true, files: 1, directories: 1, failures: 1, attempts: 1 });
    expect(report.reasons).toEqual([
      { reason: 'path', count: 1, examples: [{ path: '../file', message: expect.any(String) }] },
    ]);
    const said = await f2fs(['build', '-', inFolder('image'), '-fq'], { input });
    expect([said.status, said.stderr]).toEqual([
      1,
      expect.stringMatching(/1 with a path that no volume can have:\nf2fs: {3}\.\.\/file: /),
    ]);
  });

  it('replaces a file only with -f', async () => {
    fs.writeFileSync(inFolder('image'), 'precious');
    const refused = await f2fs(['build', inFolder('tree'), inFolder('image')]);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/is there already: -f replaces it/)]);
    expect(fs.readFileSync(inFolder('image'), 'utf8')).toBe('precious');
    expect((await f2fs(['build', inFolder('tree'), inFolder('image'), '-f'])).status).toBe(0);
  });

  it.each<[string, string[], number, RegExp]>([
    ['no image', ['build', 'x'], 2, /missing required argument 'image'/],
    ['standard output', ['build', '.', '-'], 2, /not in a stream/],
    ['a size that is none', ['build', '.', 'image', '--size', 'huge'], 2, /--size <bytes>.* is invalid/],
    [
      'a size that is too small',
      ['build', '.', 'image', '--size', '1M'],
      2,
      /^f2fs: --size: 1048576 bytes are too few/,
    ],
    ['features that no volume has', ['build', '.', 'image', '-O', 'frob'], 2, /^f2fs: -O: 'frob' cannot be set/],
    ['a volume for reading', ['build', '.', 'image', '-O', 'ro'], 2, /^f2fs: -O: .*option of its own/],
    ['an owner by name', ['build', '.', 'image', '--owner', 'root'], 2, /UID:GID/],
    ['an unknown algorithm', ['build', '.', 'image', '--compress', 'gzip'], 2, /lz4, lzo, lzo-rle or zstd/],
    ['a cluster of no size', ['build', '.', 'image', '--compress', 'lz4', '--cluster', '4K'], 2, /16K, 32K/],
    ['clusters of what is not compressed', ['build', '.', 'image', '--cluster', '64K'], 2, /go with --compress/],
    [
      'an extension that is and is not',
      ['build', '.', 'image', '--compress', 'lz4', '--compress-extension', 'a,b', '--nocompress-extension', 'b'],
      2,
      /^f2fs: --compress: b stands in extensions and in noExtensions/,
    ],
    ['a source that is not there', ['build', 'nowhere', 'image'], 1, /^f2fs: ENOENT: .*nowhere/],
    ['no archive', ['build', 'tree/d/other.o', 'image'], 1, /^f2fs: EINVAL: .*no tar archive/],
  ])('refuses: %s', async (_, args, status, message) => {
    const inPlace = args.map((arg) =>
      ['image', 'nowhere', 'tree/d/other.o', '.'].includes(arg) ? inFolder(arg) : arg,
    );
    expect(await f2fs(inPlace)).toMatchObject({ status, stderr: expect.stringMatching(message) });
    expect(fs.readdirSync(folder)).toEqual(['tree']);
  });

  it('compresses, and says what that saves', async () => {
    fs.writeFileSync(inFolder('tree/text'), 'the same words over and over '.repeat(10_000));
    const build = ['build', inFolder('tree'), inFolder('image'), '-f', '--compress', 'lz4:9', '--cluster', '64K'];
    const kept = await f2fs(build);
    expect([kept.status, kept.stdout.toString()]).toEqual([
      0,
      expect.stringMatching(
        /\n {2}Features {6}extra_attr compression\n[\s\S]*\n {2}Compressed {4}1 files, \d+.* KiB saved, kept for the files\n/,
      ),
    ]);
    const free = await f2fs([...build, '--read-only', '--json']);
    const report = JSON.parse(free.stdout.toString()) as Record<string, unknown>;
    expect(report).toMatchObject({ compressedFiles: 1, features: ['extra_attr', 'compression', 'ro'] });
    expect(report['releasedBlocks']).toBe(report['savedBlocks']);
    const { stdout } = await f2fs(['info', '--json', inFolder('image')]);
    expect(JSON.parse(stdout.toString())).toMatchObject({
      compression: { files: 1, savedBlocks: 0, releasedBlocks: report['releasedBlocks'], releasedFiles: 1 },
    });
    expect((await f2fs(['chmod', inFolder('image'), '600', '/text'])).stderr).toMatch(/EROFS.*for reading only/);
  });

  it('says how much is missing of a size that is too small', async () => {
    fs.writeFileSync(inFolder('tree/large'), Buffer.alloc(20 << 20, 1));
    const { status, stderr } = await f2fs(['build', inFolder('tree'), inFolder('image'), '--size', '56M']);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^f2fs: ENOSPC: .*bytes are missing; \d+ are enough/)]);
  });

  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s ends it with %i, and nothing is left', async (signal, status) => {
    fs.writeFileSync(inFolder('tree/large'), Buffer.alloc(8 << 20, 1));
    const atOnce = await f2fs(['build', inFolder('tree'), inFolder('image')], { signal });
    expect(atOnce).toMatchObject({ status, stderr: 'f2fs: interrupted; nothing of the volume is left\n' });
    // In the middle of an archive that comes slowly.
    let heard = (_: NodeJS.Signals): void => {};
    const archive = tar('.');
    async function* slowly(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, 3000);
      expect(fs.readdirSync(folder).length).toBeLessThan(3); // a nameless file, if the host can have one
      heard(signal);
      yield archive.subarray(3000);
    }
    const streams = {
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      stdin: Readable.from(slowly()),
      onSignal: (handler: (received: NodeJS.Signals) => void) => {
        heard = handler;
        return () => {};
      },
    };
    expect(await run(['build', '-', inFolder('image')], streams, {})).toBe(status);
    expect(fs.readdirSync(folder)).toEqual(['tree']);
  });

  it('shows on a terminal how far it is, and cleans up behind itself', async () => {
    for (let index = 0; index < 1500; index++) fs.writeFileSync(inFolder(`tree/d/${index}`), 'x'.repeat(4000));
    const stderr = Object.assign(new PassThrough(), { isTTY: true });
    const said: Buffer[] = [];
    stderr.on('data', (chunk: Buffer) => said.push(chunk));
    const streams = { stdout: new PassThrough(), stderr, stdin: Readable.from([]) };
    expect(await run(['build', inFolder('tree'), inFolder('image'), '-q'], streams, {})).toBe(0);
    const text = Buffer.concat(said).toString();
    expect(text).toMatch(/\d+ of 1504, .* of .*B {2}d\//);
    expect(text.endsWith('\r\u001b[K')).toBe(true);
  });

  it('has help with examples', async () => {
    const { status, stdout } = await f2fs(['build', '--help']);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/^Usage: f2fs build \[options\] <source> <image>/);
    expect(stdout.toString()).toContain('docker export web | f2fs build - web.img');
    expect(stdout.toString()).toMatch(/--compress <alg\[:level\]>[\s\S]*--read-only/);
  });
});
