// The commands that change names and contents, on volumes that Linux wrote and on one of ours: every kind of directory.

import fs from 'node:fs';
import { loadGolden } from '@f2fskit/testkit';
import { expect, it } from 'vitest';
import { EditVolume, judged, objections } from './edit-volume.ts';
import { writeSparse } from './sparse-file.ts';

const volume = new EditVolume('plain');

it.each(['android', 'aged', 'bigdir', 'compress-lz4-4', 'compress-zstd-8', 'casefold-names', 'ours'])(
  '%s',
  async (name) => {
    if (name === 'ours') {
      fs.rmSync(volume.image);
      await volume.ok(['mkfs', '-q', '--size', '64M', 'IMAGE']);
    } else writeSparse(volume.image, loadGolden(name).bytes);
    const top = volume.names('/').find((one) => volume.stat(`/${one}`).isDirectory() && one !== 'lost+found');
    // Quota files are not kept up to date: Linux brings them up to date, and until then a note says so.
    volume.mayNote = name === 'android' ? 'the quota files are out of date (CP_QUOTA_NEED_FSCK)' : undefined;
    for (let file = 0; file < 30; file++) volume.file(`tree/dir-${file % 3}/file-${file}`, 'x'.repeat(file ** 3));
    const contents = fs.readFileSync(volume.at('tree/dir-2/file-29'));
    await volume.ok(['mkdir', '-p', 'IMAGE', '/new/a']);
    await volume.ok(['put', '-rp', 'IMAGE', volume.at('tree'), '/new']);
    await volume.ok(['cp', '-r', 'IMAGE', '/new/tree', '/new/a']);
    await volume.ok(['ln', 'IMAGE', '/new/tree/dir-2/file-29', '/new/hard']);
    await volume.ok(['ln', '-s', 'IMAGE', 'hard', '/new/soft']);
    await volume.ok(['rm', '-r', 'IMAGE', '/new/tree/dir-0', '/new/a/tree/dir-1']);
    await volume.ok(['truncate', '-s', '10000', 'IMAGE', '/new/a/tree/dir-2/file-29']);
    await volume.ok(['setxattr', 'IMAGE', 'user.made', '0x01', '/new/soft']);
    await volume.ok(['mv', 'IMAGE', '/new/a/tree', '/new/moved']);
    expect(volume.read('/new/soft').equals(contents)).toBe(true);
    expect(volume.read('/new/moved/dir-2/file-29').equals(contents.subarray(0, 10000))).toBe(true);
    if (top !== undefined) {
      // In a directory that was there, and out of it again.
      const before = volume.names(`/${top}`);
      await volume.ok(['put', 'IMAGE', volume.at('tree/dir-1/file-1'), `/${top}/put-there`]);
      expect(volume.names(`/${top}`)).toEqual([...before, 'put-there'].sort());
      await volume.ok(['mv', 'IMAGE', `/${top}/put-there`, '/new']);
      expect(volume.names(`/${top}`)).toEqual(before);
    }
    if (judged) expect(objections(volume.image)).toBe('');
  },
);

it('a compressed file: copied out, over and away', async () => {
  volume.mayNote = undefined;
  writeSparse(volume.image, loadGolden('compress-lz4-4').bytes);
  const [contents, names] = [volume.read('/c/big'), volume.names('/c')];
  await volume.ok(['get', 'IMAGE', '/c/big', volume.at('big')]);
  await volume.ok(['cp', '-p', 'IMAGE', '/c/big', '/copy']);
  await volume.ok(['put', 'IMAGE', volume.file('new', 'new'), '/c/big']);
  expect([fs.readFileSync(volume.at('big')).equals(contents), volume.read('/copy').equals(contents)]).toEqual([
    true,
    true,
  ]);
  expect([volume.read('/c/big').toString(), volume.names('/c')]).toEqual(['new', names]);
  await volume.ok(['rm', 'IMAGE', '/c/big', '/copy']);
  if (judged) expect(objections(volume.image)).toBe('');
});
