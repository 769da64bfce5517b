// Arguments are refused in Node's words: a person who knows the message finds it.

import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkFd, toPath, toPosition, toTarget } from './arguments.ts';
import { constants } from './constants.ts';
import { openFlags, openOptions } from './open-flags.ts';

function messageOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? [error.name, (error as NodeJS.ErrnoException).code, error.message] : error;
  }
  return 'nothing thrown';
}
// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const wrong = (value: unknown): any => value;

it.each([undefined, null, true, {}, [], new Map(), () => 0, function named() {}, Symbol.iterator, 5n])(
  'a path that is %s',
  (path) => {
    expect(messageOf(() => toPath(wrong(path)))).toEqual(messageOf(() => fs.statSync(wrong(path))));
  },
);

it.each(['a\0b', Buffer.from('a\0b')])('a path with a NUL: %s', (path) => {
  const [name, code] = messageOf(() => toPath(path)) as string[];
  const [nodeName, nodeCode] = messageOf(() => fs.statSync(path)) as string[];
  expect([name, code]).toEqual([nodeName, nodeCode]);
});

it.each(['https://a/b', 'file://host/b', 'file:///a%2Fb'])('the URL %s', (url) => {
  const [, code] = messageOf(() => toPath(new URL(url))) as string[];
  const [, nodeCode] = messageOf(() => fs.statSync(new URL(url))) as string[];
  expect(code).toBe(nodeCode);
});

it('a URL is a path in bytes', () => {
  expect(toPath(new URL('file:///a%20b/%C3%BC'))).toBe('/a b/ü');
  expect(toPath(new URL('file:///%FF-%41'))).toEqual(Uint8Array.of(0x2f, 0xff, 0x2d, 0x41));
});

it.each([-1, 1.5, 2 ** 31, Number.NaN, '3', null, undefined, {}])('a descriptor that is %s', (fd) => {
  expect(messageOf(() => checkFd(fd))).toEqual(messageOf(() => fs.fstatSync(wrong(fd))));
});

describe('flags of open', () => {
  it.each(['r', 'rs', 'r+', 'rs+', 'w', 'wx', 'w+', 'wx+', 'a', 'ax', 'a+', 'ax+', 'as', 'as+'])('%s', (word) => {
    const number = openFlags(word);
    const { access, append, create, exclusive, sync, truncate } = openOptions(number);
    expect(access).toBe(word.includes('+') ? 'readWrite' : word.startsWith('r') ? 'read' : 'write');
    expect([append, truncate]).toEqual([word.includes('a'), word.includes('w')]);
    expect([create, exclusive]).toEqual([!word.includes('r'), word.includes('x')]);
    expect(sync).toBe(word.includes('s') ? 'all' : 'later');
    // The sides of a word may change places.
    if (/^.[sx]/.test(word)) expect(openFlags(`${word[1]}${word[0]}${word.slice(2)}`)).toBe(number);
  });

  it.each(['', 'q', 'rr', 'toString', 'wa'])('%j is none', (word) => {
    expect(() => openFlags(word)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
  });

  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('numbers are those of Linux', () => {
    const host = fs.constants as unknown as Record<string, number>;
    for (const [name, number] of Object.entries(constants)) expect(number, name).toBe(host[name]);
  });
});

describe('the part of a buffer that a read fills', () => {
  it('counts bytes, whatever the view', () => {
    const memory = new ArrayBuffer(64);
    const part = toTarget(new Uint32Array(memory, 16, 4), 4, 8);
    expect([part.byteOffset, part.length]).toEqual([20, 8]);
    const whole = new Uint8Array(memory);
    expect(toTarget(whole)).toBe(whole);
    expect(toTarget(whole, null, undefined)).toBe(whole);
    expect(toTarget(whole, 64, 0).length).toBe(0);
  });

  it.each([
    [65, 1],
    [0, 65],
    [1, 64],
    [0, -1],
    [-1, 1],
    [0.5, 1],
  ])('offset %d and length %d do not fit', (offset, length) => {
    expect(() => toTarget(new Uint8Array(64), offset, length)).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE', name: 'RangeError' }),
    );
  });
});

it('a position is a whole number, also as bigint', () => {
  expect([toPosition(undefined), toPosition(null), toPosition(-1), toPosition(7n), toPosition(2 ** 53 - 1)]).toEqual([
    -1,
    -1,
    -1,
    7,
    2 ** 53 - 1,
  ]);
  for (const bad of [-2, 0.5, 2 ** 53, 2n ** 53n, -2n]) {
    expect(() => toPosition(bad)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  }
  expect(() => toPosition('1')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
});
