// The contract of the command: arguments, exit codes, where output goes, what a terminal may see.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadGolden } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { visible } from '../src/output.ts';
import { showBytes, showMode, showTime } from '../src/show.ts';
import { f2fs } from './run-cli.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'f2fs-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const image = path.join(folder, 'plain.img');
writeFileSync(image, loadGolden('plain').bytes);
const compressed = path.join(folder, 'compressed.img');
writeFileSync(compressed, loadGolden('compress-zstd-8').bytes);

const looking = ['info', 'ls', 'tree', 'stat', 'cat', 'xattr', 'manifest', 'dump', 'extract'];
const changing = [
  'put',
  'mkdir',
  'rm',
  'mv',
  'cp',
  'ln',
  'chmod',
  'chown',
  'touch',
  'truncate',
  'setxattr',
  'compress',
  'decompress',
];
const commands = [...looking, 'get', 'mkfs', 'fsck', ...changing];

describe('usage', () => {
  it('lists every command, and nothing that is not there', async () => {
    const { status, stdout } = await f2fs(['--help']);
    expect(status).toBe(0);
    const listed = [...stdout.toString().matchAll(/^ {2}(\w+) (?:\[options\] )?<image>/gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual([...commands].sort());
  });

  it.each(commands)('%s --help has examples that name the command', async (name) => {
    const { status, stdout } = await f2fs([name, '--help']);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(new RegExp(`Examples:\\n  \\$ f2fs ${name} `));
  });

  it('exits with 2 for what is no command line, and says why on standard error', async () => {
    for (const args of [['frob'], ['ls'], ['ls', '--frob', image], ['tree', '--depth', 'x', image], []]) {
      const { status, stdout, stderr } = await f2fs(args);
      expect({ args, status }).toEqual({ args, status: 2 });
      expect(stdout.toString()).toBe('');
      expect(stderr).not.toBe('');
    }
  });

  it('--version is that of the package', async () => {
    expect((await f2fs(['--version'])).stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('failures', () => {
  it('an image that is not there, is a directory, is something else', async () => {
    const zip = path.join(folder, 'x.zip');
    writeFileSync(zip, Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(10_000)]));
    const empty = path.join(folder, 'empty');
    writeFileSync(empty, '');
    for (const [file, message] of [
      ['/no/such/image', 'ENOENT'],
      [folder, 'EISDIR'],
      [zip, 'zip'],
      [empty, 'EINVAL'],
    ] as const) {
      const { status, stdout, stderr } = await f2fs(['ls', file]);
      expect(status, file).toBe(1);
      expect(stdout.toString()).toBe('');
      expect(stderr.toLowerCase(), file).toContain(message.toLowerCase());
      expect(stderr).not.toContain('internal error');
    }
  });

  it('goes on with the other paths, and ends with 1', async () => {
    const { status, stdout, stderr } = await f2fs(['cat', image, '/d/one', '/d/absent', '/d', '/d/one']);
    expect(stdout.toString()).toBe('xx');
    expect(stderr).toContain("ENOENT: no such file or directory, open '/d/absent'");
    expect(stderr).toContain("EISDIR: illegal operation on a directory, read '/d'");
    expect(status).toBe(1);
  });
});

describe('ls', () => {
  it('lists one directory in byte order; -R goes below, -a adds the dots', async () => {
    const names = (await f2fs(['ls', image, '/d'])).stdout.toString().trimEnd().split('\n');
    expect(names).toContain('text');
    expect(names).not.toContain('.');
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(names).toEqual(sorted);
    expect((await f2fs(['ls', '-a', image, '/d'])).stdout.toString().split('\n').slice(0, 2)).toEqual(['.', '..']);
    const recursive = (await f2fs(['ls', '-R', image, '/d/a'])).stdout.toString();
    expect(recursive).toBe('/d/a:\nb\n\n/d/a/b:\nc\n\n/d/a/b/c:\nd\n\n/d/a/b/c/d:\ne\n\n/d/a/b/c/d/e:\nf\n');
  });

  it('-l shows what stat shows', async () => {
    const lines = (await f2fs(['ls', '-l', image, '/d'])).stdout.toString().split('\n');
    const line = (name: string): string => lines.find((text) => text.includes(` ${name}`))!;
    expect(line('one')).toMatch(/^-rwsr-xr-x +1 +0 +0 +1 /);
    expect(line('inline')).toMatch(/ 1000 +2000 +3000 /);
    expect(line('null')).toMatch(/^crw.* 1, 3 /);
    expect(line('short')).toMatch(/^lrwxrwxrwx .* short -> text$/);
  });

  it('--json is one document a directory', async () => {
    const { stdout } = await f2fs(['ls', '--json', image, '/d']);
    const { schema, entries } = JSON.parse(stdout.toString()) as {
      schema: string;
      entries: Array<{ name: string; size: number; target?: string }>;
    };
    expect(schema).toBe('f2fs.ls/1');
    expect(entries.find(({ name }) => name === 'b4097')!.size).toBe(4097);
    expect(entries.find(({ name }) => name === 'short')!.target).toBe('text');
  });

  it('names one file when it is given one', async () => {
    expect((await f2fs(['ls', image, '/d/text'])).stdout.toString()).toBe('/d/text\n');
  });
});

describe('tree', () => {
  it('draws branches and counts', async () => {
    expect((await f2fs(['tree', image, '/d/a'])).stdout.toString()).toBe(
      'd/a\n└── b\n    └── c\n        └── d\n            └── e\n                └── f\n\n4 directories, 1 file\n',
    );
    const shallow = (await f2fs(['tree', '--depth', '1', image])).stdout.toString();
    expect(shallow).toMatch(/^\.\n├── d\n└── far\n\n1 directory, 1 file\n$/);
  });

  it('draws the sides right when directories follow each other', async () => {
    const text = (await f2fs(['tree', '--depth', '2', compressed])).stdout.toString();
    const lines = text.split('\n');
    const next = lines.indexOf('└── d');
    expect(lines[1]).toBe('├── c');
    expect(lines[next - 1]).toMatch(/^│ {3}└── /);
    expect(lines[next + 1]).toMatch(/^ {4}├── /);
  });
});

describe('info', () => {
  it('tells a person and a program the same', async () => {
    const text = (await f2fs(['info', compressed])).stdout.toString();
    const report = JSON.parse((await f2fs(['info', '--json', compressed])).stdout.toString()) as {
      schema: string;
      uuid: string;
      features: string[];
      compression: { files: number; savedBlocks: number; releasedFiles: number };
    };
    expect(report.schema).toBe('f2fs.info/1');
    expect(text).toContain(report.uuid);
    expect(text).toContain(report.features.join(' '));
    const saved = loadGolden('compress-zstd-8')
      .cblocks!.trimEnd()
      .split('\n')
      .reduce((sum, line) => sum + Number(line.split('\t')[0]), 0);
    expect(report.compression.savedBlocks).toBe(saved);
    expect(report.compression.releasedFiles).toBe(1);
    expect(JSON.parse((await f2fs(['info', '--quick', '--json', compressed])).stdout.toString())).not.toHaveProperty(
      'compression',
    );
  });

  it('says on standard error what a person should know', async () => {
    const crash = path.join(folder, 'crash.img');
    writeFileSync(crash, loadGolden('crash-chain').bytes);
    const { status, stderr, stdout } = await f2fs(['info', crash]);
    expect(stderr).toContain('recovered fsynced changes of 5 files');
    expect(stdout.toString()).toContain('in memory only');
    expect(status).toBe(0);
  });
});

describe('a terminal', () => {
  it('gets no control characters from names; a pipe gets the bytes', async () => {
    expect(visible('a\u001b[31mb\u009bc\n')).toBe('a\\x1b[31mb\\x9bc\n');
    const odd = path.join(folder, 'odd.img');
    writeFileSync(odd, loadGolden('casefold-names').bytes);
    const terminal = (await f2fs(['ls', odd, '/fold'], { terminal: true })).stdout;
    const pipe = (await f2fs(['ls', odd, '/fold'])).stdout;
    expect(terminal.includes(0x07)).toBe(false);
    expect(terminal.toString()).toContain('bell\\x07');
    expect(pipe.includes(Buffer.from('bell\u0007\n'))).toBe(true);
    expect(pipe.includes(Buffer.from([0xff, 0xfe, 0x62, 0x61, 0x64]))).toBe(true);
  });

  it('gets colors, unless it is told not to', async () => {
    const start = '\u001b[';
    expect((await f2fs(['info', image], { terminal: true })).stdout.toString()).toContain(start);
    expect(
      (await f2fs(['info', image], { terminal: true, environment: { NO_COLOR: '1' } })).stdout.toString(),
    ).not.toContain(start);
    expect((await f2fs(['info', image])).stdout.toString()).not.toContain(start);
  });
});

describe('how things are shown', () => {
  it('bytes, modes, times', () => {
    expect([0, 1023, 1536, 100 * 1024, 2 ** 40].map(showBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '100 KiB',
      '1.0 TiB',
    ]);
    expect(showMode({ kind: 'directory', mode: 0o41777 })).toBe('drwxrwxrwt');
    expect(showMode({ kind: 'file', mode: 0o106644 })).toBe('-rwSr-Sr--');
    expect(showTime({ seconds: -1, nanoseconds: 5 })).toBe('1969-12-31 23:59:59.000000005 +0000');
    expect(showTime({ seconds: 1e15, nanoseconds: 0 })).toBe('@1000000000000000.000000000');
  });
});
