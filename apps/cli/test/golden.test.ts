// The command on golden volumes: what it prints is what Linux and its tools printed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { f2fs } from './run-cli.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'f2fs-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A golden volume as a file. */
function imageFile(name: string): string {
  const file = path.join(folder, `${name.replaceAll('/', '-')}.img`);
  writeFileSync(file, loadGolden(name).bytes);
  return file;
}

/** Path → the set of its `name=value` lines, from getfattr's form. */
function attributesOf(dump: string): Map<string, string[]> {
  const blocks = dump.split('\n\n').filter((block) => block.startsWith('# file: '));
  return new Map(
    blocks.map((block) => {
      const [head, ...lines] = block.trimEnd().split('\n');
      return [head!.slice('# file: '.length), lines.sort()];
    }),
  );
}

// Of a crashed volume getfattr saw the state after recovery.
const withXattrs = goldenVolumes()
  .filter(({ name, files }) => files.has('xattrs') && !/(^|\/)crash-/.test(name))
  .map(({ name }) => name);

describe.each(withXattrs)('%s', (name) => {
  it('xattr -R --dump gives the pairs that getfattr gives', async () => {
    const image = imageFile(name);
    const { status, stdout, stderr } = await f2fs(['xattr', '-R', '--dump', image]);
    rmSync(image);
    const recorded = attributesOf(loadGolden(name).raw('xattrs')!.toString('latin1'));
    const found = attributesOf(stdout.toString('latin1'));
    expect([...found.keys()].sort()).toEqual([...recorded.keys()].sort());
    for (const [file, pairs] of recorded) expect(found.get(file), file).toEqual(pairs);
    expect({ status, stderr: stderr.replace(/^f2fs: the quota files.*\n/m, '') }).toEqual({ status: 0, stderr: '' });
  });
});

const withSavedBlocks = goldenVolumes()
  .filter(({ files }) => files.has('cblocks'))
  .map(({ name }) => name);

describe.each(withSavedBlocks)('%s', (name) => {
  it('stat --json reports the saved blocks that Linux reports', async () => {
    const image = imageFile(name);
    const lines = loadGolden(name).cblocks!.trimEnd().split('\n');
    const files = lines.map((line) => line.split('\t')[1]!);
    const { stdout, status } = await f2fs(['stat', '--json', image, ...files.map((file) => `/c/${file}`)]);
    rmSync(image);
    const reports = stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; compression?: { savedBlocks: number } });
    const found = reports.map(
      ({ path: file, compression }) => `${compression?.savedBlocks ?? 0}\t${file.slice('/c/'.length)}`,
    );
    expect(found).toEqual(lines);
    expect(status).toBe(0);
  });
});

describe('manifest', () => {
  it.each(['plain', 'android', 'compress-zstd-256', 'casefold-names'])(
    '%s: equal to the record of Linux',
    async (name) => {
      const image = imageFile(name);
      const { status, stdout } = await f2fs(['manifest', image]);
      rmSync(image);
      expect(stdout.equals(loadGolden(name).raw('manifest')!)).toBe(true);
      expect(status).toBe(0);
    },
  );

  it('encrypted: says which files need a key, and ends with 1', async () => {
    const image = imageFile('encrypted');
    const { status, stdout, stderr } = await f2fs(['manifest', image]);
    rmSync(image);
    expect(stdout.toString('latin1').replaceAll('\t!ENOKEY\t', '\t\t')).toBe(
      loadGolden('encrypted').raw('manifest')!.toString('latin1'),
    );
    expect(stderr).toContain('ENOKEY: required key not available');
    expect(status).toBe(1);
  });
});

describe('cat', () => {
  it('gives the bytes whose hash Linux recorded, from standard input as well', async () => {
    const { createHash } = await import('node:crypto');
    const golden = loadGolden('compress-lzo-rle-4');
    const recorded = golden.manifest!.split('\n').find((line) => line.endsWith('\t./c/big'))!;
    const { status, stdout } = await f2fs(['cat', '-', '/c/big'], { input: golden.bytes });
    expect(status).toBe(0);
    expect(createHash('sha256').update(stdout).digest('hex')).toBe(recorded.split('\t')[8]);
  });
});
