import { describe, expect, it } from 'vitest';
import { caught } from '../test/devices.ts';
import { splitPartition } from './index.ts';

const there =
  (...files: string[]) =>
  (path: string) =>
    files.includes(path);

describe('a path with a partition', () => {
  it.each<[text: string, files: string[], found: object]>([
    ['disk.img', ['disk.img'], { path: 'disk.img' }],
    ['disk.img#3', ['disk.img'], { path: 'disk.img', partition: '3' }],
    ['disk.img#userdata', ['disk.img'], { path: 'disk.img', partition: 'userdata' }],
    ['disk.img#3', ['disk.img', 'disk.img#3'], { path: 'disk.img#3' }],
    ['a#b.img', ['a#b.img'], { path: 'a#b.img' }],
    ['a#b.img#c', ['a#b.img'], { path: 'a#b.img', partition: 'c' }],
    ['a#b#c', ['a'], { path: 'a', partition: 'b#c' }],
    ['a#b#c', ['a', 'a#b'], { path: 'a#b', partition: 'c' }],
    ['absent#3', [], { path: 'absent#3' }],
    ['#3', [''], { path: '#3' }],
    ['a#', ['a#'], { path: 'a#' }],
  ])('%s where %j exist', (text, files, found) => {
    expect(splitPartition(text, there(...files))).toEqual(found);
  });

  it('and nothing behind the # is refused, saying what to write', () => {
    const error = caught(() => splitPartition('disk.img#', there('disk.img')));
    expect(error.message).toContain(
      "open 'disk.img#' (a partition number or name is missing behind #: write disk.img#3",
    );
    expect(error.code).toBe('EINVAL');
  });
});
