// The OPFS devices over access handles that misbehave; over real ones: test/browser.

import { AssertionError, EIO, ENODEV, ENOSPC } from '@f2fskit/errno';
import { runAsync, runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { deviceConformance } from '../conformance.ts';
import { BioFlag, closeDevice, discardBio, flushBio, readBio, readBytes, SECTOR_SIZE, writeBio } from '../index.ts';
import { type FileHandleLike, OpfsDevice, openOpfsDevice, type SyncAccessHandleLike } from './index.ts';

const content = Uint8Array.from({ length: 300 * 1024 }, (_, i) => (i * 31) ^ (i >> 7));
content.fill(0, content.length - SECTOR_SIZE);

/** A file in memory, which does what an access handle does, in calls that move at most `callMax` bytes. */
class MemoryHandle implements SyncAccessHandleLike {
  bytes: Uint8Array;
  calls: string[] = [];
  callMax = Number.POSITIVE_INFINITY;
  /** Thrown by the call whose name it is. */
  failures: Partial<Record<'read' | 'write' | 'flush', Error>> = {};

  constructor(bytes: Uint8Array = content.slice()) {
    this.bytes = bytes;
  }

  getSize(): number {
    return this.bytes.length;
  }

  read(target: Uint8Array, { at }: { at: number }): number {
    this.#call('read');
    const count = Math.min(target.length, this.callMax, Math.max(this.bytes.length - at, 0));
    target.set(this.bytes.subarray(at, at + count));
    return count;
  }

  write(source: Uint8Array, { at }: { at: number }): number {
    this.#call('write');
    const count = Math.min(source.length, this.callMax);
    this.bytes.set(source.subarray(0, count), at);
    return count;
  }

  flush(): void {
    this.#call('flush');
  }

  close(): void {
    this.calls.push('close');
  }

  #call(name: 'read' | 'write' | 'flush'): void {
    this.calls.push(name);
    const failure = this.failures[name];
    if (failure !== undefined) throw failure;
  }
}

const domError = (name: string): Error => new DOMException('said the browser', name);

describe.each([Number.POSITIVE_INFINITY, 1000])('over a handle that moves %s bytes a call', (callMax) => {
  for (const writable of [true, false]) {
    const factory = async () => {
      const handle = new MemoryHandle();
      handle.callMax = callMax;
      return { device: new OpfsDevice(handle, { writable }), content };
    };
    describe(writable ? 'writable' : 'read-only', () => {
      for (const { name, run } of deviceConformance(factory, { mode: 'sync', writable, discards: false }))
        it(name, run);
    });
  }
});

describe('OpfsDevice', () => {
  it('leaves out a partial last sector, and closes its handle once', () => {
    const handle = new MemoryHandle(new Uint8Array(1024 + 511));
    const device = new OpfsDevice(handle, { name: 'disk.img' });
    expect([device.size, device.readOnly, device.name]).toEqual([1024, true, 'disk.img']);
    runSync(closeDevice(device));
    runSync(closeDevice(device));
    expect(handle.calls).toEqual(['close']);
  });

  it('a file that has become shorter gives EIO, and says how much was read', () => {
    const handle = new MemoryHandle();
    const device = new OpfsDevice(handle);
    handle.bytes = handle.bytes.subarray(0, 2048 + 100);
    const bio = readBio(1024, [new Uint8Array(600), new Uint8Array(1448)]);
    device.submit(bio);
    expect([bio.completion.error, bio.residual]).toEqual([EIO, 2048 - 1124]);
    expect(bio.segments[0]).toEqual(content.subarray(1024, 1624));
    expect(bio.segments[1]!.subarray(0, 524)).toEqual(content.subarray(1624, 2148));
  });

  it('a write without room ends with ENOSPC; a handle closed by somebody else with ENODEV', () => {
    const handle = new MemoryHandle();
    const device = new OpfsDevice(handle, { writable: true });
    handle.failures = { write: domError('QuotaExceededError'), flush: domError('InvalidStateError') };
    const write = writeBio(0, [new Uint8Array(512)]);
    const flush = flushBio();
    for (const bio of [write, flush]) device.submit(bio);
    expect([write.completion.error, write.residual, flush.completion.error]).toEqual([ENOSPC, 512, ENODEV]);
  });

  it('a bug of ours is no error of the medium', () => {
    const handle = new MemoryHandle();
    handle.failures = { read: new TypeError('not a buffer') };
    expect(() => new OpfsDevice(handle).submit(readBio(0, [new Uint8Array(512)]))).toThrow(TypeError);
    handle.failures = { read: new AssertionError('impossible') };
    expect(() => new OpfsDevice(handle).submit(readBio(0, [new Uint8Array(512)]))).toThrow(AssertionError);
  });

  it.each([
    ['a flush', flushBio(), ['flush']],
    ['a write', writeBio(0, [new Uint8Array(512)]), ['write']],
    ['PREFLUSH', writeBio(0, [new Uint8Array(512)], BioFlag.PREFLUSH), ['flush', 'write']],
    ['FUA', writeBio(0, [new Uint8Array(512)], BioFlag.FUA), ['write', 'flush']],
    ['both', writeBio(0, [new Uint8Array(512)], BioFlag.PREFLUSH | BioFlag.FUA), ['flush', 'write', 'flush']],
    ['a read that claims both', readBio(0, [new Uint8Array(512)], BioFlag.PREFLUSH | BioFlag.FUA), ['read']],
    ['an empty write with FUA', writeBio(0, [], BioFlag.FUA), ['flush']],
    ['a discard', discardBio(0, 512), []],
  ])('flushes where it is asked to: %s', (_what, bio, calls) => {
    const handle = new MemoryHandle();
    new OpfsDevice(handle, { writable: true }).submit(bio);
    expect([bio.completion.done, bio.completion.error, handle.calls]).toEqual([true, 0, calls]);
  });

  it('a failed PREFLUSH writes nothing; after a failed FUA nothing is known to be durable', () => {
    const handle = new MemoryHandle();
    handle.failures = { flush: domError('UnknownError') };
    const device = new OpfsDevice(handle, { writable: true });
    const before = writeBio(0, [new Uint8Array(512)], BioFlag.PREFLUSH);
    device.submit(before);
    expect([before.completion.error, before.residual, handle.calls]).toEqual([EIO, 512, ['flush']]);
    const after = writeBio(0, [new Uint8Array(512)], BioFlag.FUA);
    device.submit(after);
    expect([after.completion.error, after.residual]).toEqual([EIO, 512]);
  });
});

describe('openOpfsDevice', () => {
  /** A file handle whose calls reject with these, where given. */
  function fileHandle(failures: { access?: Error; file?: Error } = {}) {
    const modes: Array<string | undefined> = [];
    const handle: FileHandleLike = {
      kind: 'file',
      name: 'disk.img',
      getFile: () => (failures.file ? Promise.reject(failures.file) : Promise.resolve(new Blob([content]))),
      createSyncAccessHandle(options) {
        modes.push(options?.mode);
        return failures.access ? Promise.reject(failures.access) : Promise.resolve(new MemoryHandle());
      },
    };
    return { handle, modes };
  }

  it('asks for a lock that readers share, or one for a writer alone', async () => {
    const { handle, modes } = fileHandle();
    for (const writable of [false, true]) {
      const device = await openOpfsDevice(handle, { writable });
      expect([device.mode, device.readOnly, device.name]).toEqual(['sync', !writable, 'disk.img']);
    }
    expect(modes).toEqual(['read-only', 'readwrite']);
  });

  it('reads a file outside OPFS, which has no synchronous access, as a snapshot', async () => {
    const { handle } = fileHandle({ access: domError('InvalidStateError') });
    const device = await openOpfsDevice(handle);
    const target = new Uint8Array(512);
    await runAsync(readBytes(device, 1024, target));
    expect([device.mode, device.readOnly, target]).toEqual(['async', true, content.slice(1024, 1536)]);
    for (const options of [{ mode: 'sync' }, { writable: true }] as const)
      await expect(openOpfsDevice(handle, options)).rejects.toMatchObject({ code: 'EOPNOTSUPP', path: 'disk.img' });
  });

  it.each([
    ['NotFoundError', 'ENOENT'],
    ['NoModificationAllowedError', 'EBUSY'],
    ['NotAllowedError', 'EACCES'],
    ['SecurityError', 'EACCES'],
    ['NotReadableError', 'EIO'],
    ['QuotaExceededError', 'ENOSPC'],
    ['UnknownError', 'EIO'],
  ])('%s is %s, with the file named', async (name, code) => {
    const failure = domError(name);
    const expected = { code, syscall: 'open', path: 'disk.img', cause: failure };
    await expect(openOpfsDevice(fileHandle({ access: failure }).handle)).rejects.toMatchObject(expected);
    const { handle } = fileHandle({ file: failure });
    await expect(openOpfsDevice(handle, { mode: 'async' })).rejects.toMatchObject(expected);
  });

  it('a bug is thrown as it is', async () => {
    await expect(openOpfsDevice(fileHandle({ access: new TypeError('bad') }).handle)).rejects.toThrow(TypeError);
  });
});
