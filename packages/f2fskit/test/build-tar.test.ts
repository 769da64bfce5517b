// Archives become volumes: those of GNU tar in every format, our own, and hostile ones.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { gzipSync } from 'node:zlib';
import { seededRandom } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { padding, type TarEntry, tarHeader } from '../src/extract/pax.ts';
import { buildImage, FsError, openVolumeSync, tarStream } from '../src/node/index.ts';
import { buildAndOpen, expectSound, has, hostLines, isRoot, notesOf, testFolder, volumeLines } from './build-world.ts';

const inFolder = testFolder();
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

type Entry = Partial<Omit<TarEntry, 'path' | 'target'>> & { path: string; target?: string; content?: string };

/** An archive of a few entries, with its end. */
function archiveOf(...entries: Entry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { path, target, content = '', ...rest } of entries) {
    const common = {
      type: '0',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: content.length,
      mtime: { seconds: 1e9, nanoseconds: 0 },
    };
    const links = target === undefined ? {} : { target: bytesOf(target) };
    parts.push(tarHeader({ ...common, ...links, ...rest, path: bytesOf(path) } as TarEntry));
    parts.push(bytesOf(content), padding(content.length));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

async function* streamOf(bytes: Uint8Array, chunk = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
}

/** A tree that every format of tar can hold. */
function makeTree(): string {
  const tree = inFolder('tree');
  const random = seededRandom(3);
  fs.mkdirSync(`${tree}/d/e`, { recursive: true });
  for (const size of [0, 1, 511, 512, 513, 100_000]) {
    fs.writeFileSync(`${tree}/d/${size}`, Buffer.from(Array.from({ length: size }, () => random.below(256))));
  }
  fs.symlinkSync('../nowhere', `${tree}/d/link`);
  fs.linkSync(`${tree}/d/513`, `${tree}/d/e/another`);
  fs.chmodSync(`${tree}/d/1`, 0o2711);
  if (isRoot) fs.chownSync(`${tree}/d/0`, 1234, 5678);
  for (const name of ['d/0', 'd/1', 'd/511', 'd/512', 'd/513', 'd/100000', 'd/e', 'd', '.']) {
    fs.utimesSync(`${tree}/${name}`, 1_700_000_000, 1_600_000_000);
  }
  fs.lutimesSync(`${tree}/d/link`, 1, 1_500_000_000);
  return tree;
}

describe.skipIf(!has('tar'))('archives of tar', () => {
  it.each(['ustar', 'gnu', 'oldgnu', 'pax', 'v7'])('in the format %s', async (format) => {
    const tree = makeTree();
    expect(spawnSync('tar', ['-C', tree, `--format=${format}`, '-cf', inFolder('tar'), '.']).status).toBe(0);
    const { report, volume } = await buildAndOpen(inFolder('tar'), inFolder('image'));
    expect(notesOf(report)).toEqual({});
    expect(volumeLines(volume)).toEqual(hostLines(tree));
    expectSound(inFolder('image'));
    await volume.close();
  });

  it.each(['gnu', 'pax'])('long names, device numbers, times to the nanosecond: %s', async (format) => {
    const tree = inFolder('tree');
    const folder = `${tree}/${'long folder '.repeat(10)}/${'another '.repeat(15)}`;
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(`${folder}/${'f'.repeat(255)}`, 'x');
    fs.writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xe4, 0xff])]), 'latin1');
    fs.symlinkSync('t'.repeat(3000), `${tree}/link`);
    fs.linkSync(`${folder}/${'f'.repeat(255)}`, `${folder}/${'g'.repeat(255)}`);
    spawnSync('mkfifo', [`${tree}/fifo`]);
    if (isRoot) spawnSync('mknod', [`${tree}/device`, 'c', '10', '229']);
    if (format === 'gnu') spawnSync('find', [tree, '-exec', 'touch', '-h', '-d', '@1600000000', '{}', '+']);
    spawnSync('tar', ['-C', tree, `--format=${format}`, '-cf', inFolder('tar'), '.']);
    const { volume } = await buildAndOpen(inFolder('tar'), inFolder('image'));
    expect(volumeLines(volume)).toEqual(hostLines(tree));
    await volume.close();
  });

  it.each([
    ['--format=gnu'],
    ['--format=pax', '--sparse-version=0.0'],
    ['--format=pax', '--sparse-version=0.1'],
    ['--format=pax', '--sparse-version=1.0'],
  ])('sparse files: %s %s', async (...options) => {
    const tree = inFolder('tree');
    fs.mkdirSync(tree);
    const fd = fs.openSync(`${tree}/sparse`, 'w');
    for (let at = 0; at < 60; at++) fs.writeSync(fd, Buffer.from(`piece ${at}.`), 0, 8, at * 131_072);
    fs.ftruncateSync(fd, 50_000_000);
    fs.closeSync(fd);
    fs.truncateSync(`${tree}/sparse`, 50_000_000);
    fs.writeFileSync(`${tree}/hole`, '');
    fs.truncateSync(`${tree}/hole`, 10_000_000);
    fs.writeFileSync(`${tree}/z after`, 'content');
    spawnSync('find', [tree, '-exec', 'touch', '-d', '@1600000000', '{}', '+']);
    spawnSync('tar', ['-C', tree, '--sparse', ...options, '-cf', inFolder('tar'), '.']);
    expect(fs.statSync(inFolder('tar')).size).toBeLessThan(1_000_000);
    const { volume, report } = await buildAndOpen(inFolder('tar'), inFolder('image'));
    expect(volumeLines(volume)).toEqual(hostLines(tree));
    expect(volume.statSync('/sparse').blocks).toBeLessThan(64 * 8); // with the nodes over them
    expect(volume.statSync('/hole').blocks).toBe(0);
    expect(report.holeBytes).toBeGreaterThan(59_000_000);
    expectSound(inFolder('image'));
    await volume.close();
  });

  it.skipIf(!has('setfattr'))('extended attributes and lists', async () => {
    const tree = inFolder('tree');
    fs.mkdirSync(tree);
    fs.writeFileSync(`${tree}/f`, 'x');
    if (spawnSync('setfattr', ['-n', 'user.b', '-v', '0x00ff0a3d', `${tree}/f`]).status !== 0) return;
    if (has('setfacl')) spawnSync('setfacl', ['-m', 'u:1000:rw,g:7:r', `${tree}/f`]);
    const options = ['--format=pax', '--xattrs', '--acls', '--numeric-owner'];
    spawnSync('tar', ['-C', tree, ...options, '-cf', inFolder('tar'), '.']);
    const { volume, report } = await buildAndOpen(inFolder('tar'), inFolder('image'));
    expect(notesOf(report)).toEqual({});
    expect(Buffer.from(volume.getxattrSync('/f', 'user.b')).toString('hex')).toBe('00ff0a3d');
    if (has('setfacl')) expect(volume.listxattrSync('/f').sort()).toEqual(['system.posix_acl_access', 'user.b']);
    await volume.close();
  });

  it('as a stream, packed or not, also from a pipe', async () => {
    const tree = makeTree();
    const { stdout } = spawnSync('tar', ['-C', tree, '-cf', '-', '.'], { maxBuffer: 1 << 26 });
    fs.writeFileSync(inFolder('tar.gz'), gzipSync(stdout));
    fs.writeFileSync(
      inFolder('two'),
      Buffer.concat([gzipSync(stdout.subarray(0, 5000)), gzipSync(stdout.subarray(5000))]),
    );
    const expected = hostLines(tree);
    const piped = () => spawn('tar', ['-C', tree, '-czf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
    const inputs = [
      () => streamOf(stdout, 700),
      () => streamOf(gzipSync(stdout), 7),
      piped,
      () => inFolder('tar.gz'),
      () => inFolder('two'),
    ];
    for (const input of inputs) {
      const { volume } = await buildAndOpen(input(), inFolder('image'), { force: true });
      expect(volumeLines(volume)).toEqual(expected);
      await volume.close();
    }
    expect(fs.readdirSync(inFolder('.')).sort()).toEqual(['image', 'tar.gz', 'tree', 'two']);
  });

  it('of a volume: the same volume again', async () => {
    const tree = makeTree();
    const first = await buildAndOpen(tree, inFolder('first'));
    const { volume } = await buildAndOpen(tarStream(first.volume).chunks, inFolder('second'));
    expect(volumeLines(volume)).toEqual(volumeLines(first.volume));
    await first.volume.close();
    await volume.close();
  });
});

describe('what an archive says twice, or not at all', () => {
  it('later entries win; directories keep what is in them', async () => {
    const bytes = archiveOf(
      { path: 'a', content: 'first' },
      { path: 'd/', type: '5', mode: 0o700 },
      { path: 'd/x', content: 'x' },
      { path: './/a', content: 'second' },
      { path: 'd', type: '5', mode: 0o750 },
      { path: 'link', type: '1', target: './a' },
      { path: 'a', type: '2', target: 'd' },
      { path: '/absolute/path', content: 'inside' },
    );
    const { volume, report } = await buildAndOpen(streamOf(bytes), inFolder('image'));
    expect(notesOf(report)).toEqual({});
    expect(volume.readdirSync('/')).toEqual(['a', 'absolute', 'd', 'link']);
    expect(volume.readlinkSync('/a')).toBe('d');
    expect(volume.readFileSync('/link', 'utf8')).toBe('second');
    expect(volume.statSync('/link').nlink).toBe(1);
    expect(volume.statSync('/d').mode & 0o777).toBe(0o750);
    expect(volume.readFileSync('/d/x', 'utf8')).toBe('x');
    expect(volume.statSync('/absolute').mode & 0o777).toBe(0o755);
    expect(volume.readFileSync('/absolute/path', 'utf8')).toBe('inside');
    await volume.close();
  });

  it('an archive may lack its end, and the end of its last file', async () => {
    const bytes = archiveOf({ path: 'a', content: 'x'.repeat(700) });
    for (const end of [512 + 700, 512 + 1024, 512 + 1024 + 512]) {
      const { volume } = await buildAndOpen(streamOf(bytes.subarray(0, end)), inFolder('image'), { force: true });
      expect(volume.statSync('/a').size).toBe(700);
      await volume.close();
    }
  });

  it('a hard link with its own content, as pax allows, and with a size and none, as old archives have it', async () => {
    const own = archiveOf(
      { path: 'a', content: 'one' },
      { path: 'b', type: '1', target: 'a', content: 'one' },
      { path: 'c' },
    );
    const none = archiveOf(
      { path: 'a', content: 'one' },
      { path: 'b', type: '1', target: 'a', size: 3 },
      { path: 'c' },
    );
    for (const bytes of [own, none]) {
      const { volume } = await buildAndOpen(streamOf(bytes), inFolder('image'), { force: true });
      expect(volume.readdirSync('/')).toEqual(['a', 'b', 'c']);
      expect(volume.statSync('/b')).toMatchObject({ nlink: 2, size: 3 });
      await volume.close();
    }
  });
});

describe('hostile archives', () => {
  it('nothing leads out of the volume, and nothing of the host comes in', async () => {
    const bytes = archiveOf(
      { path: '../up', content: 'x' },
      { path: 'd/../../up', content: 'x' },
      { path: 'etc', type: '2', target: '/etc' },
      { path: 'etc/passwd', content: 'x' },
      { path: 'host', type: '1', target: '/etc/passwd' },
      { path: 'host2', type: '1', target: '../../etc/passwd' },
      { path: 'host3', type: '1', target: 'etc/passwd' },
      { path: 'dir/f', content: 'f' },
      { path: 'dir', content: 'not a directory' },
      { path: 'to a directory', type: '1', target: 'dir' },
      { path: `${'n'.repeat(256)}`, content: 'x' },
      { path: 'nul', content: 'x', records: [['path', 'nul\0nul']] },
      { path: 'strange', type: 'Q' as '0' },
      { path: 'good', content: 'good' },
    );
    const { volume, report } = await buildAndOpen(streamOf(bytes), inFolder('image'));
    const notes = notesOf(report);
    expect(notes['path']).toEqual([
      expect.stringMatching(/^\.\.\/up: a path that leads out/),
      expect.stringMatching(/^d\/\.\.\/\.\.\/up: a path that leads out/),
      'etc/passwd: what should be its directory is a symlink',
      'dir: a directory with something in it has this path',
    ]);
    expect(notes['link']).toHaveLength(4);
    expect(notes['refused']).toEqual([
      expect.stringMatching(/^n+: ENAMETOOLONG/),
      expect.stringMatching(/^nul\0nul: EINVAL/),
    ]);
    expect(notes['kind']).toEqual([expect.stringContaining('type "Q"')]);
    expect(report.failures).toBe(4 + 4 + 2 + 1);
    expect(volume.readdirSync('/')).toEqual(['dir', 'etc', 'good']);
    expect(volume.readlinkSync('/etc')).toBe('/etc');
    expectSound(inFolder('image'));
    await volume.close();
  });

  const good = archiveOf({ path: 'a', content: 'x'.repeat(2000) }, { path: 'b', content: 'y' });
  const changed = (at: number, text: string): Buffer => {
    const bytes = Buffer.from(good);
    bytes.write(text, at, 'latin1');
    bytes.write('        ', 148, 'latin1');
    const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return bytes;
  };
  const withRecords = (...records: Array<[string, string]>): Buffer =>
    archiveOf({ path: 'a', content: 'x'.repeat(2048), records });
  const sparse = (size: string, map: string): Buffer => withRecords(['GNU.sparse.size', size], ['GNU.sparse.map', map]);
  const newSparse = (map: string): Buffer =>
    archiveOf({
      path: 'a',
      content: map.padEnd(1024, '\0'),
      records: [
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.realsize', '4096'],
      ],
    });
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing at all', new Uint8Array(0), /without a single byte/],
    ['something else', Buffer.alloc(2048, 'text '), /no tar archive \(at byte 0\)/],
    ['cut off in a header', good.subarray(0, 512 + 2048 + 100), /ends in the middle of a header \(at byte 2560\)/],
    ['cut off in a file', good.subarray(0, 1000), /ends in the middle of a file/],
    ['a size of eight exabytes', changed(124, '\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff'), /too large/],
    ['a size of eight gigabytes', changed(124, '77777777777\0'), /ends in the middle of a file/],
    ['a size below zero', changed(124, '\xff'.repeat(12)), /below zero/],
    ['a size that is none', changed(124, '9999'), /is no number/],
    ['an owner below zero', changed(108, '\xff'.repeat(8)), /an owner that nobody can have: -1:0/],
    ['an extended header without end', changed(124, '7777777777\0'.padEnd(32, ' ') + 'x'), /extended header/],
    [
      'a long name of nothing',
      archiveOf({ path: 'a', type: 'L' as '0', content: 'name\0' }),
      /ends behind a long name/,
    ],
    [
      'a broken record',
      archiveOf({ path: 'a', type: 'x' as '0', content: '99 path=b\n' }),
      /extended header that is broken/,
    ],
    ['a record of no length', archiveOf({ path: 'a', type: 'x' as '0', content: '0 path=b\n' }), /broken/],
    ['a size that is text', withRecords(['size', 'many']), /no number/],
    ['a size of 2^60 in a record', withRecords(['size', String(2 ** 60)]), /too large/],
    ['a time that is none', withRecords(['mtime', 'yesterday']), /a time that is none/],
    ['the next volume of an archive', archiveOf({ path: 'a', type: 'M' as '0' }), /goes on from another volume/],
    ['sparse runs backwards', sparse('9000', '4096,10,0,10'), /in no order/],
    ['sparse runs over each other', sparse('9000', '0,100,50,100'), /in no order/],
    ['a sparse run behind the end', sparse('100', '0,200'), /behind its end/],
    ['more sparse data than there is', sparse('9999999', '0,4096'), /less content/],
    ['a sparse map of half a pair', sparse('9000', '0,1,2'), /map of a sparse file is none/],
    ['a sparse map that is text', sparse('9000', 'a,b'), /no number/],
    ['a sparse map without end', newSparse(`1000000\n${'0\n'.repeat(508)}`), /does not end/],
    ['a sparse map without lines', newSparse('1'.repeat(600)), /is none/],
    ['a sparse map of too many', newSparse('9999999999999999\n'), /too large/],
    ['damage between files', Buffer.concat([good.subarray(0, 2560), Buffer.alloc(512, 1)]), /damaged/],
    ['gzip that ends', gzipSync(good).subarray(0, 60), /packed with gzip, and broken/],
    ['xz', Buffer.from('fd377a585a0000000000000000', 'hex'), /packed with xz: unpack it on the way/],
    ['Zstandard', Buffer.from('28b52ffd000000000000', 'hex'), /packed with Zstandard/],
  ])('%s is refused', async (_, bytes, message) => {
    fs.writeFileSync(inFolder('tar'), bytes);
    for (const input of [inFolder('tar'), streamOf(bytes)]) {
      const refused = buildImage(input, inFolder('image'));
      await expect(refused).rejects.toThrow(message);
      await expect(refused).rejects.toBeInstanceOf(FsError);
      await expect(refused).rejects.toMatchObject({ code: 'EINVAL' });
    }
    expect(fs.readdirSync(inFolder('.'))).toEqual(['tar']);
  });

  it('a hole of a terabyte costs nothing; one that no file can have is refused alone', async () => {
    const records = (size: string): Array<[string, string]> => [
      ['GNU.sparse.size', size],
      ['GNU.sparse.map', '0,5'],
    ];
    const bytes = archiveOf(
      { path: 'large', content: 'start', records: records(String(2 ** 40)) },
      { path: 'too large', content: 'start', records: records(String(2 ** 52)) },
      { path: 'z', content: 'z' },
    );
    const { volume, report } = await buildAndOpen(streamOf(bytes), inFolder('image'));
    expect(notesOf(report)).toEqual({ refused: [expect.stringMatching(/^too large: EFBIG/)] });
    expect(volume.readdirSync('/')).toEqual(['large', 'z']);
    expect(volume.statSync('/large').size).toBe(2 ** 40);
    expectSound(inFolder('image'));
    await volume.close();
  });

  it('directories that nobody asked for do not fill the memory', async () => {
    const deep = (name: string): Entry => ({ path: `${name}/${'a/'.repeat(15_000)}f` });
    await expect(buildImage(streamOf(archiveOf(deep('x'))), inFolder('image'))).rejects.toThrow(
      /nothing but directories/,
    );
    expect(fs.readdirSync(inFolder('.'))).toEqual([]);
  });

  it('any damage of an archive gives a volume or a reason', { timeout: 60_000 }, async () => {
    const random = seededRandom(77);
    const start = archiveOf(
      {
        path: 'a',
        content: 'x'.repeat(600),
        records: [
          ['SCHILY.xattr.user.x', 'value'],
          ['mtime', '1.5'],
        ],
      },
      { path: 'd/', type: '5' },
      { path: 'd/l', type: '1', target: 'a' },
      {
        path: 's',
        content: '1\n0\n5\n'.padEnd(512, '\0') + 'start',
        records: [
          ['GNU.sparse.major', '1'],
          ['GNU.sparse.minor', '0'],
          ['GNU.sparse.name', 's'],
          ['GNU.sparse.realsize', '70000'],
        ],
      },
    );
    const outcomes = { built: 0, refused: 0 };
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(start);
      for (let count = 1 + random.below(4); count > 0; count--) bytes[random.below(bytes.length)] = random.below(256);
      // The checksums are right again: damage behind them is what is looked for.
      for (let at = 0; at < bytes.length; at += 512) mend(bytes.subarray(at, at + 512));
      try {
        await buildImage(streamOf(bytes), inFolder('image'), { force: true });
        outcomes.built++;
        openVolumeSync(inFolder('image')).close();
      } catch (error) {
        expect(error).toBeInstanceOf(FsError);
        expect((error as FsError).code).toBe('EINVAL');
        outcomes.refused++;
      }
    }
    expect(outcomes.built).toBeGreaterThan(5);
    expect(outcomes.refused).toBeGreaterThan(5);
  });
});

function mend(block: Buffer): void {
  if (block.toString('latin1', 257, 262) !== 'ustar') return;
  block.write('        ', 148, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
