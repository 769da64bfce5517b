// One writer at a time: among processes of this host, and never against another host's word.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WriterLock } from '../src/node/writer-lock.ts';

let folder: string;
let image: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'f2fskit-lock-'));
  image = path.join(folder, 'volume.img');
  fs.writeFileSync(image, 'volume');
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const busy = expect.objectContaining({ code: 'EBUSY', path: expect.stringContaining('volume.img') });

it('is taken once, given back, and leaves nothing behind', () => {
  const lock = WriterLock.take(image);
  expect(() => WriterLock.take(image)).toThrow(busy);
  expect(() => WriterLock.take(image)).toThrow(`process ${process.pid} on ${os.hostname()}`);
  lock.release();
  WriterLock.take(image).release();
  expect(fs.readdirSync(folder)).toEqual(['volume.img']);
});

it('is that of the image, whatever path leads to it', () => {
  fs.symlinkSync(image, path.join(folder, 'link'));
  const lock = WriterLock.take(path.join(folder, 'link'));
  expect(() => WriterLock.take(image)).toThrow(busy);
  lock.release();
});

it('of a process that is gone is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  fs.writeFileSync(`${image}.f2fskit-lock`, JSON.stringify({ pid, host: os.hostname(), since: '', id: 'x' }));
  WriterLock.take(image).release();
  expect(fs.readdirSync(folder)).toEqual(['volume.img']);
});

it.skipIf(process.platform !== 'linux')('of a process whose number somebody else has now is taken over', () => {
  const owner = { pid: process.pid, started: '1', host: os.hostname(), since: '', id: 'x' };
  fs.writeFileSync(`${image}.f2fskit-lock`, JSON.stringify(owner));
  WriterLock.take(image).release();
});

it('of a process that lives is not', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  await once(child, 'spawn');
  fs.writeFileSync(
    `${image}.f2fskit-lock`,
    JSON.stringify({ pid: child.pid, host: os.hostname(), since: '', id: 'x' }),
  );
  expect(() => WriterLock.take(image)).toThrow(busy);
  child.kill();
  await once(child, 'exit');
  WriterLock.take(image).release();
});

it('of another host, or one that cannot be read, stays', () => {
  for (const content of [JSON.stringify({ pid: 1, host: 'elsewhere', since: 'then', id: 'x' }), '{', '', 'null', '7']) {
    fs.writeFileSync(`${image}.f2fskit-lock`, content);
    expect(() => WriterLock.take(image)).toThrow(busy);
    expect(fs.readFileSync(`${image}.f2fskit-lock`, 'utf8')).toBe(content);
  }
});

it('that somebody else has by now is not given back', () => {
  const lock = WriterLock.take(image);
  fs.writeFileSync(lock.path, 'another');
  lock.release();
  expect(fs.readFileSync(lock.path, 'utf8')).toBe('another');
});

it('goes to one of several who want a stale one', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  fs.writeFileSync(`${image}.f2fskit-lock`, JSON.stringify({ pid, host: os.hostname(), since: '', id: 'x' }));
  const taken = Array.from({ length: 5 }, () => {
    try {
      return WriterLock.take(image);
    } catch (error) {
      expect(error).toEqual(busy);
      return undefined;
    }
  }).filter((lock) => lock !== undefined);
  expect(taken.length).toBe(1);
  taken[0]!.release();
});
