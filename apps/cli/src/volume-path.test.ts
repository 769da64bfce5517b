import { describe, expect, it } from 'vitest';
import { baseName, isBelow, joinPath, parentName, splitPath, withoutSlashes } from './volume-path.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (path: Uint8Array): string => Buffer.from(path).toString();

describe('paths', () => {
  it.each([
    ['/a/b', 'b', '/a', '/a/b'],
    ['/a/b///', 'b', '/a', '/a/b'],
    ['a', 'a', '/', 'a'],
    ['a/b/', 'b', 'a', 'a/b'],
    ['/', '', '/', '/'],
    ['///', '', '/', '/'],
    ['/a/..', '..', '/a', '/a/..'],
    ['.', '.', '/', '.'],
  ])('%s', (path, name, parent, trimmed) => {
    expect([baseName(path), parentName(path), withoutSlashes(path)]).toEqual([name, parent, trimmed]);
  });

  it('are joined and split', () => {
    expect(['x', '', '.'].map((name) => text(joinPath(bytes('/a'), name)))).toEqual(['/a/x', '/a', '/a']);
    expect(text(joinPath(bytes('/'), 'x'))).toBe('/x');
    const split = (path: string): string[] => Object.values(splitPath(bytes(path))).map(text);
    expect([split('/a/b'), split('/a')]).toEqual([
      ['/a', 'b'],
      ['/', 'a'],
    ]);
  });

  it('lie below one another', () => {
    const pairs = [
      ['/a/b', '/a'],
      ['/a', '/a'],
      ['/a', '/'],
      ['/ab', '/a'],
      ['/a', '/a/b'],
      ['/b/a', '/a'],
    ] as const;
    expect(pairs.map(([path, above]) => isBelow(bytes(path), bytes(above)))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
