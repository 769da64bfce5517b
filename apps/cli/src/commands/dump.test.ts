import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RawSuperblock, SUPER_OFFSET } from '@f2fskit/f2fs-format';
import { loadGolden, readImageBlock, writeImageBlock } from '@f2fskit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliOptions, f2fs as run } from '../../test/run-cli.ts';

async function f2fs(args: string[], options: CliOptions = {}): Promise<{ code: number; out: string; err: string }> {
  const { status, stdout, stderr } = await run(args, options);
  return { code: status, out: stdout.toString(), err: stderr };
}

const folder = mkdtempSync(path.join(tmpdir(), 'f2fskit-dump-'));
const image = path.join(folder, 'compressed.img');
/** Both superblock copies are broken: no mount accepts it. */
const broken = path.join(folder, 'broken.img');
/** The inode of /c/mixed has a byte changed under its checksum. */
const damaged = path.join(folder, 'damaged.img');

beforeAll(async () => {
  const { device } = loadGolden('compress-lz4-4');
  writeFileSync(image, device.toBytes());

  const unmountable = device.clone();
  for (const address of [0, 1]) {
    const block = readImageBlock(unmountable, address);
    RawSuperblock.sectionCount.set(block.view, SUPER_OFFSET, 0);
    writeImageBlock(unmountable, address, block.bytes);
  }
  writeFileSync(broken, unmountable.toBytes());

  const { out } = await f2fs(['stat', image, '/c/mixed', '--json']);
  const { inodeBlock } = JSON.parse(out) as { inodeBlock: number };
  const changed = device.clone();
  const block = readImageBlock(changed, inodeBlock);
  block.view.setUint32(4, 4242, true);
  writeImageBlock(changed, inodeBlock, block.bytes);
  writeFileSync(damaged, changed.toBytes());
});
afterAll(() => rmSync(folder, { recursive: true }));

interface DumpJson {
  schema: string;
  title: string;
  rows: Array<{ name: string; cName?: string; value: unknown; meaning?: unknown; note: string }>;
  problems: Array<{ kind: string }>;
  children: DumpJson[];
}

async function json(args: string[]): Promise<DumpJson> {
  const { code, out, err } = await f2fs([...args, '--json']);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out) as DumpJson;
}

describe('f2fs dump', () => {
  it('shows every structure as a table', async () => {
    const shown = {
      sb: /^Superblock, copy 1: f2fs_super_block at block 0, byte 1024/,
      'sb --copy 2': /^Superblock, copy 2: .* at block 1, byte 1024/,
      cp: /^Checkpoint, pack 1: f2fs_checkpoint at block 512/,
      'cp --pack 2': /^Checkpoint, pack 2: f2fs_checkpoint at block 1024/,
      'nat 5': /^NAT entry of nid 5: /,
      'sit 4': /^SIT entry of segment 4: /,
      'ssa 4': /^Summary of segment 4: /,
      'inode 3': /^Inode 3: f2fs_inode/,
      'inode /c/mixed': /^Inode \d+: f2fs_inode[\s\S]*compressed cluster: payload/,
      'inode c/mixed': /^Inode \d+: f2fs_inode/,
      'inode /c/../c/.': /^Inode \d+: f2fs_inode/,
      'dnode 0x3': /^Inode 3: f2fs_inode/,
      'dentries /': /^Dentry block, file block 0, 4 entries[\s\S]*"\.\.": ino 3, directory/,
      'cluster /c/zeros 9': /^Cluster of ino \d+, file block 8\.\.11[\s\S]*decoded +yes: 16384 bytes/,
      'block 0': /^Block 0: block at block 0, byte 0[\s\S]*\n {2}0400 {2}10 20 f5 f2 /,
    };
    for (const [args, expected] of Object.entries(shown)) {
      const { code, out, err } = await f2fs(['dump', image, ...args.split(' ')]);
      expect([args, code, err]).toEqual([args, 0, '']);
      expect(out).toMatch(expected);
    }
  });

  it('shows what fields are for with --notes', async () => {
    const { out } = await f2fs(['dump', image, 'sb', '--notes']);
    expect(out).toMatch(/segmentsPerSection .* segments that are cleaned and freed together/);
    expect((await f2fs(['dump', image, 'sb'])).out).not.toMatch('freed together');
  });

  it('lists ranges of NAT and SIT entries', async () => {
    const nat = (await f2fs(['dump', image, 'nat', '3-5'])).out.split('\n');
    expect(nat[0]).toMatch(/^ +nid +ino +version +block +entry +where/);
    expect(nat.slice(1, 4).map((line) => line.trim().split(/ +/)[0])).toEqual(['3', '4', '5']);
    const all = (await f2fs(['dump', image, 'nat', '--json'])).out.trim().split('\n');
    expect(all).toHaveLength(96 + 2);
    expect(JSON.parse(all[2]!)).toMatchObject({ nid: 3, ino: 3, version: 0, source: 'copy 2' });
    const sit = (await f2fs(['dump', image, 'sit'])).out.trim().split('\n');
    expect(sit).toHaveLength(1 + 18);
    expect(sit[5]).toMatch(/4 +191 +cold data +\d+ +journal +current$/);
    expect(JSON.parse((await f2fs(['dump', image, 'sit', '4-5', '--json'])).out.split('\n')[0]!)).toMatchObject({
      segno: 4,
      validBlocks: 191,
      validMap: expect.stringMatching(/^ffffffff99e1/),
      log: 2,
    });
  });

  it('prints one JSON document of a stable shape', async () => {
    const superblock = await json(['dump', image, 'sb']);
    expect(superblock.schema).toBe('f2fs.dump/1');
    expect(superblock.rows.find(({ name }) => name === 'segmentCountMain')).toEqual({
      offset: 68,
      size: 4,
      type: 'u32',
      name: 'segmentCountMain',
      cName: 'segment_count_main',
      value: 18,
      meaning: '36 MiB',
      note: 'sectionCount * segmentsPerSection',
    });
    const checkpoint = await json(['dump', image, 'cp']);
    expect(checkpoint.children.map(({ title }) => title)).toContain('SIT journal, 6 entries');
    const dentries = (await f2fs(['dump', image, 'dentries', '/d/many', '--json'])).out.trim().split('\n');
    for (const line of dentries) expect(JSON.parse(line)).toMatchObject({ schema: 'f2fs.dump/1' });
  });

  it('shows superblock and checkpoint of a volume that does not mount', async () => {
    expect((await f2fs(['dump', broken, 'inode', '3'])).code).toBe(1);
    const superblock = await f2fs(['dump', broken, 'sb']);
    expect(superblock.code).toBe(1);
    expect(superblock.err).toMatch(/^f2fs: EUCLEAN: .*superblock/);
    expect(superblock.out).toMatch(/segmentCountMain +u32 +18 /);
    expect(superblock.out).toMatch(/\n {2}! EUCLEAN: .*superblock/);
    const checkpoint = await f2fs(['dump', broken, 'cp']);
    expect(checkpoint.code).toBe(1);
    expect(checkpoint.out).toMatch(/currentDataSegments .*hot 3, warm 8, cold 4/);
  });

  it('shows an inode that is broken, found by its path, and fails', async () => {
    expect((await f2fs(['stat', damaged, '/c/mixed'])).code).toBe(1);
    const { code, out, err } = await f2fs(['dump', damaged, 'inode', '/c/mixed']);
    expect(code).toBe(1);
    expect(err).toMatch('inodeChecksum');
    expect(out).toMatch(/uid +u32 +4242 /);
    expect(out).toMatch(/checksum .* wrong, should be 0x/);
    const { out: text } = await f2fs(['dump', damaged, 'inode', '/c/mixed', '--json']);
    expect((JSON.parse(text) as DumpJson).problems).toMatchObject([{ kind: 'inodeChecksum', code: 'EUCLEAN' }]);
  });

  it('paints titles and problems on a terminal, and only there', async () => {
    const { out } = await f2fs(['dump', damaged, 'inode', '/c/mixed'], { terminal: true });
    expect(out.startsWith('\u001b[1mInode ')).toBe(true);
    expect(out).toContain('\u001b[31m  ! EUCLEAN');
    expect((await f2fs(['dump', damaged, 'inode', '/c/mixed'])).out).not.toMatch('\u001b');
  });

  it('reads a volume from standard input', async () => {
    const input = loadGolden('compress-lz4-4').bytes;
    const { code, out } = await f2fs(['dump', '-', 'sb'], { input });
    expect(code).toBe(0);
    expect(out).toMatch(/^Superblock, copy 1/);
    expect((await f2fs(['dump', '-', 'inode', '/'], { input })).out).toMatch(/^Inode 3/);
  });

  it('tells wrong usage from failure', async () => {
    const cases: Array<[args: string[], code: number, message: RegExp]> = [
      [['xyz'], 2, /Allowed choices are sb, cp, nat/],
      [[], 2, /missing required argument 'structure'/],
      [['sb', '--copy', '3'], 2, /Allowed choices are 1, 2/],
      [['sb', '1'], 2, /usage: f2fs dump IMAGE sb/],
      [['cp', '--copy', '1'], 2, /--copy goes with sb only/],
      [['sb', '--pack', '1'], 2, /--pack goes with cp only/],
      [['ssa'], 2, /usage: f2fs dump IMAGE ssa SEGNO/],
      [['cluster', '/c/zeros'], 2, /usage: f2fs dump IMAGE cluster INO\|PATH BLOCK/],
      [['nat', '1', '2'], 2, /usage: f2fs dump IMAGE nat \[NID\|FROM-TO\]/],
      [['nat', 'many'], 2, /many is no number/],
      [['nat', '1-2-3'], 2, /1-2-3 is no range/],
      [['nat', '5-'], 2, /is no number/],
      [['nat', '9-3'], 2, /the range ends at nid 3, before it starts at 9/],
      [['nat', '99999999'], 2, /there is no nid 99999999: this volume has 0 to 232959/],
      [['sit', '18'], 2, /there is no segment 18: this volume has 0 to 17/],
      [['ssa', '0-3'], 2, /0-3 is no number/],
      [['block', '0xffffffff'], 2, /there is no block 4294967295/],
      [['cluster', '/d/b4096', '0'], 2, /is not a compressed file/],
      [['dentries', '/d/b4096'], 2, /is no directory but a regular file/],
      [['inode', '/nothing'], 1, /ENOENT.*'\/nothing'/],
      [['inode', '/d/b4096/x'], 1, /ENOTDIR/],
      [['inode', '2'], 1, /nid 2 is reserved/],
      [['dnode', '200000'], 1, /nid 200000 is free/],
    ];
    for (const [args, code, message] of cases) {
      const result = await f2fs(['dump', image, ...args]);
      expect([args, result.code, result.out]).toEqual([args, code, '']);
      expect(result.err).toMatch(message);
    }
    expect((await f2fs(['dump', path.join(folder, 'none.img'), 'sb'])).code).toBe(1);
  });

  it('has help with examples', async () => {
    const { code, out } = await f2fs(['dump', '--help']);
    expect(code).toBe(0);
    expect(out).toMatch('f2fs dump userdata.img cluster /app.apk 8');
    for (const structure of ['sb', 'cp', 'nat', 'sit', 'ssa', 'inode', 'dnode', 'dentries', 'cluster', 'block']) {
      expect(out).toMatch(`f2fs dump userdata.img ${structure}`);
    }
  });
});
