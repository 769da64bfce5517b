import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { EIO, ENODEV, FsError } from '@f2fskit/errno';
import { runAsync, waitAll } from '@f2fskit/task';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type Bio,
  BioFlag,
  closeDevice,
  discardBio,
  discardBytes,
  flushBio,
  flushDevice,
  readBio,
  readBytes,
  writeBio,
  writeBytes,
} from '../index.ts';
import { nodeCalls } from './file-calls.ts';
import { type FileCalls, FileDevice } from './index.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'block-file-'));
afterAll(() => fs.rmSync(directory, { recursive: true }));
let files = 0;

/** A new file of zeros, sparse. */
function file(size: number): string {
  const name = path.join(directory, `disk-${files++}`);
  fs.writeFileSync(name, '');
  fs.truncateSync(name, size);
  return name;
}

async function ended(...bios: Bio[]): Promise<void> {
  await runAsync(waitAll(bios.map((bio) => bio.completion)));
}

function failure(run: () => unknown): FsError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FsError);
    return error as FsError;
  }
  return expect.unreachable();
}

const GIB = 2 ** 30;

describe.each(['sync', 'async'] as const)('FileDevice, %s', (mode) => {
  it('is as large as its whole sectors, and read-only unless asked', async () => {
    const name = file(4096 + 511);
    const device = FileDevice.open(name, { mode });
    expect([device.size, device.name, device.mode, device.readOnly]).toEqual([4096, name, mode, true]);
    await expect(runAsync(writeBytes(device, 0, new Uint8Array(512)))).rejects.toThrow('EROFS');
    await runAsync(flushDevice(device));
    await runAsync(closeDevice(device));
    expect(fs.statSync(name).size).toBe(4096 + 511);
  });

  it('reaches places beyond 4 GiB, with vectors and without', async () => {
    const name = file(9 * GIB);
    const device = FileDevice.open(name, { mode, writable: true });
    const parts = [100, 412, 512].map((length, i) => new Uint8Array(length).fill(i + 1));
    await runAsync(writeBytes(device, 5 * GIB, new Uint8Array(512).fill(9)));
    const vector = writeBio(8 * GIB + 512, parts);
    device.submit(vector);
    await ended(vector);
    const found = Buffer.alloc(1024);
    const fd = fs.openSync(name, 'r');
    fs.readSync(fd, found, 0, 1024, 8 * GIB + 512);
    expect(found.equals(Buffer.concat(parts))).toBe(true);
    fs.readSync(fd, found, 0, 512, 5 * GIB);
    fs.closeSync(fd);
    expect(found.subarray(0, 512).every((byte) => byte === 9)).toBe(true);
    const back = readBio(8 * GIB + 512, [new Uint8Array(1), new Uint8Array(1023)]);
    device.submit(back);
    await ended(back);
    expect(Buffer.concat(back.segments).equals(Buffer.concat(parts))).toBe(true);
    await runAsync(closeDevice(device));
  });

  it('has many requests in flight, vectors of more than 1,024 segments among them', async () => {
    const device = FileDevice.open(file(1 << 20), { mode, writable: true });
    const writes = Array.from({ length: 64 }, (_, i) => {
      const segments = Array.from({ length: i % 4 === 0 ? 2048 : 2 }, () =>
        new Uint8Array(i % 4 === 0 ? 8 : 8192).fill(i),
      );
      return writeBio(i * 16_384, segments);
    });
    for (const bio of writes) device.submit(bio);
    await ended(...writes, ...writes);
    const reads = writes.map((bio) => readBio(bio.offset, [new Uint8Array(16_384)]));
    for (const bio of reads) device.submit(bio);
    await ended(...reads);
    expect([...writes, ...reads].every((bio) => bio.completion.error === 0)).toBe(true);
    reads.forEach((bio, i) => {
      expect(bio.segments[0]!.every((byte) => byte === i)).toBe(true);
    });
    await runAsync(closeDevice(device));
  });

  it('gives EIO where the file has shrunk since, never zeros', async () => {
    const name = file(16_384);
    const device = FileDevice.open(name, { mode });
    fs.truncateSync(name, 4096 + 100);
    const bio = readBio(0, [new Uint8Array(8192).fill(0xa5)]);
    device.submit(bio);
    await ended(bio);
    expect([bio.completion.error, bio.residual]).toEqual([EIO, 8192 - 4196]);
    expect(bio.segments[0]!.subarray(4196).every((byte) => byte === 0xa5)).toBe(true);
    await expect(runAsync(readBytes(device, 8192, new Uint8Array(512)))).rejects.toThrow(
      `512 bytes at 8192 on ${name}`,
    );
    await runAsync(closeDevice(device));
  });

  it('drops discards, and counts them', async () => {
    const device = FileDevice.open(file(8192), { mode, writable: true });
    await runAsync(writeBytes(device, 0, new Uint8Array(512).fill(1)));
    await runAsync(discardBytes(device, 0, 4096));
    await runAsync(discardBytes(device, 4096, 512));
    const refused = discardBio(8192, 512);
    device.submit(refused);
    await ended(refused);
    expect([device.canDiscard, device.discardsDropped]).toEqual([false, { bios: 2, bytes: 4608 }]);
    const target = new Uint8Array(512);
    await runAsync(readBytes(device, 0, target));
    expect(target.every((byte) => byte === 1)).toBe(true);
    await runAsync(closeDevice(device));
  });

  it('flushes before and after a write as its flags say, and where a flush fails nothing is durable', async () => {
    const calls: string[] = [];
    let failing = -1;
    const flushed = (): Error | null => {
      calls.push('flush');
      return failing-- === 0 ? Object.assign(new Error('EIO'), { code: 'EIO' }) : null;
    };
    const spy: FileCalls = {
      ...nodeCalls,
      fdatasyncSync() {
        const error = flushed();
        if (error !== null) throw error;
      },
      fdatasync: (_fd, callback) => void setImmediate(() => callback(flushed())),
      writeSync(...args) {
        calls.push('write');
        return nodeCalls.writeSync(...args);
      },
      write(...args) {
        calls.push('write');
        nodeCalls.write(...args);
      },
    };
    const device = FileDevice.open(file(8192), { mode, writable: true, calls: spy });
    const run = async (bio: Bio, failAt = -1): Promise<unknown[]> => {
      calls.length = 0;
      failing = failAt;
      device.submit(bio);
      await ended(bio);
      return [calls.join(' '), bio.completion.error, bio.residual];
    };
    const { PREFLUSH, FUA, SYNC } = BioFlag;
    const sector = [new Uint8Array(512)];
    expect(await run(writeBio(0, sector, SYNC))).toEqual(['write', 0, 0]);
    expect(await run(writeBio(0, sector, PREFLUSH))).toEqual(['flush write', 0, 0]);
    expect(await run(writeBio(0, sector, FUA))).toEqual(['write flush', 0, 0]);
    expect(await run(writeBio(0, sector, PREFLUSH | FUA))).toEqual(['flush write flush', 0, 0]);
    expect(await run(flushBio())).toEqual(['flush', 0, 0]);
    expect(await run(writeBio(0, [], PREFLUSH))).toEqual(['flush', 0, 0]);
    expect(await run(readBio(0, sector, PREFLUSH | FUA))).toEqual(['', 0, 0]);
    expect(await run(writeBio(0, sector, PREFLUSH | FUA), 0)).toEqual(['flush', EIO, 512]);
    expect(await run(writeBio(0, sector, PREFLUSH | FUA), 1)).toEqual(['flush write flush', EIO, 512]);
    expect(await run(flushBio(), 0)).toEqual(['flush', EIO, 0]);
    await runAsync(closeDevice(device));
  });

  it('closes its file once, after what is in flight', async () => {
    const name = file(1 << 20);
    const open = (): number => {
      if (process.platform !== 'linux') return 0;
      const links = fs.readdirSync('/proc/self/fd').map((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`);
        } catch {
          return ''; // the descriptor of the listing itself
        }
      });
      return links.filter((link) => link === name).length;
    };
    const before = open();
    const device = FileDevice.open(name, { mode });
    const bios = Array.from({ length: 20 }, (_, i) => readBio(i * 512, [new Uint8Array(512)]));
    for (const bio of bios) device.submit(bio);
    const closed = device.close();
    expect(device.close()).toBe(closed);
    await runAsync(waitAll([closed]));
    expect(closed.error).toBe(0);
    expect(bios.every((bio) => bio.completion.done && bio.completion.error === 0)).toBe(true);
    expect(open()).toBe(before);
    const late = readBio(0, [new Uint8Array(512)]);
    device.submit(late);
    await ended(late);
    expect(late.completion.error).toBe(ENODEV);
  });
});

describe('FileDevice.open', () => {
  it('says what is wrong and where', () => {
    const missing = path.join(directory, 'missing');
    const error = failure(() => FileDevice.open(missing));
    expect([error.code, error.syscall, error.path]).toEqual(['ENOENT', 'open', missing]);
    expect(failure(() => FileDevice.open(missing, { writable: true })).code).toBe('ENOENT');
    expect(error.message).toBe(`ENOENT: no such file or directory, open '${missing}'`);
  });

  it('refuses a directory with EISDIR', () => {
    for (const writable of [false, true]) {
      const error = failure(() => FileDevice.open(directory, { writable }));
      expect([error.code, error.syscall, error.path]).toEqual(['EISDIR', 'open', directory]);
    }
  });

  it('refuses what is neither file nor disk, and does not hang on a pipe', () => {
    if (process.platform === 'win32') return;
    const pipe = path.join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const name of [pipe, '/dev/null', '/dev/zero']) {
      const error = failure(() => FileDevice.open(name));
      expect([error.code, error.syscall, error.path]).toEqual(['EINVAL', 'open', name]);
    }
  });

  it('takes a URL', () => {
    const name = file(1024);
    const device = FileDevice.open(new URL(`file://${name}`));
    expect(device.size).toBe(1024);
    expect(device.close().done).toBe(true);
  });

  it('lets a bug of a caller be a bug', () => {
    expect(() => FileDevice.open('a\0b')).toThrow(TypeError);
  });
});
