// Changing compressed files: what is read and written for it, counted; and what happens when something fails in the middle.

import { FaultDevice, type MemoryDevice, StatisticsDevice, submitAndWait, writeBio } from '@f2fskit/block';
import { type Codec, CodecRegistry, defaultCodecs } from '@f2fskit/codecs';
import { runSync, type TraceEvents, Tracer } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { BytesSource } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import type { BufferedIo } from '../src/buffered-io.ts';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { codeOf, mounted, noiseOf, textOf } from './compression-world.ts';
import { judged, objections } from './judge.ts';

const BLOCK = 4096;
const CLUSTER = 4 * BLOCK;
const OWNER = { mode: 0o644, uid: 0, gid: 0 };
const compress = { extensions: ['txt'], logClusterSize: 2 };
const name = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A volume with files of 8 compressed clusters, cold: mounted again behind a device that counts and fails. */
class ColdFiles {
  readonly medium: MemoryDevice = loadGolden('compress-lz4-4').device.clone();
  readonly faults: FaultDevice;
  readonly counts: StatisticsDevice;
  readonly volume: F2fsVolume;
  readonly file: F2fsInode;
  readonly other: F2fsInode;
  readonly contents = textOf(8 * CLUSTER, 5);
  readonly written: Array<{ fileBlock: number; payloadBlocks: number }> = [];
  reads = 0;

  constructor(bufferedIo: BufferedIo, options: { orderMax?: number; codecs?: CodecRegistry } = {}) {
    const first = mounted(this.medium, { compress });
    for (const each of ['file.txt', 'other.txt']) {
      const root = runSync(first.readInode(first.rootIno));
      const inode = runSync(root.create(name(each), OWNER));
      runSync(inode.write(0, new BytesSource(this.contents)));
    }
    runSync(first.unmount());
    this.faults = new FaultDevice(this.medium, []);
    this.counts = new StatisticsDevice(this.faults);
    const tracer = new Tracer();
    const { orderMax = 9, codecs = defaultCodecs() } = options;
    this.volume = mounted(this.counts, { compress, bufferedIo, tracer, codecs, cache: { orderMax } });
    const root = runSync(this.volume.readInode(this.volume.rootIno));
    this.file = runSync(this.volume.readInode(runSync(root.lookup(name('file.txt')))));
    this.other = runSync(this.volume.readInode(runSync(root.lookup(name('other.txt')))));
    tracer.listen((event, what) => {
      if (event === 'cluster:read') this.reads++;
      if (event !== 'cluster:write') return;
      const { fileBlock, payloadBlocks } = what as TraceEvents['cluster:write'];
      this.written.push({ fileBlock, payloadBlocks });
    });
  }

  write(position: number, bytes: Uint8Array): void {
    expect(runSync(this.file.write(position, new BytesSource(bytes))).bytes).toBe(bytes.length);
    this.contents.set(bytes, position);
  }

  read(inode = this.file): Uint8Array {
    const target = new Uint8Array(inode.size);
    expect(runSync(inode.read(0, target))).toBe(inode.size);
    return target;
  }

  /** Leaves the volume; what another mount reads of the file. */
  leftContents(): Uint8Array {
    runSync(this.volume.unmount());
    if (judged) expect(objections(this.medium)).toBe('');
    const later = runSync(mountF2fs(this.medium, { codecs: defaultCodecs() }));
    const root = runSync(later.readInode(later.rootIno));
    return this.read(runSync(later.readInode(runSync(root.lookup(name('file.txt'))))));
  }

  expectHolds(): void {
    expect(Buffer.compare(this.read(), this.contents)).toBe(0);
    expect(Buffer.compare(this.leftContents(), this.contents)).toBe(0);
  }
}

const engines: Array<[BufferedIo, number]> = [
  ['page', 9],
  ['iomap', 0],
  ['iomap', 1],
  ['iomap', 9],
];

describe.each(engines)('engine %s, orders up to %i', (bufferedIo, orderMax) => {
  it('a 4 KiB overwrite of a cold file is one cluster read and one cluster written', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    cold.write(3 * CLUSTER + BLOCK, textOf(BLOCK, 9));
    runSync(cold.file.writeBack());
    expect(cold.reads).toBe(1);
    expect(cold.written).toEqual([{ fileBlock: 12, payloadBlocks: 2 }]);
    cold.expectHolds();
  });

  it('a write over the borders of clusters reads at most the first and the last', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    cold.write(CLUSTER + 100, textOf(5 * CLUSTER, 9));
    // Tiles and pages complete each cluster that they come to.
    if (bufferedIo === 'iomap' && orderMax >= 2) expect(cold.reads).toBe(2);
    runSync(cold.file.writeBack());
    expect(cold.written.map(({ fileBlock }) => fileBlock)).toEqual([4, 8, 12, 16, 20, 24]);
    cold.expectHolds();
  });

  it('I-55: one byte dirties its cluster, and nothing else', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    cold.write(2 * CLUSTER - 1, Uint8Array.of(7));
    expect(cold.file.pages().mapping.dirtyBlocks).toBe(4);
  });

  it('a cluster that does not compress any more is replaced as a whole, and back', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    const saved = cold.file.savedBlocks;
    cold.write(CLUSTER, noiseOf(CLUSTER, 3));
    runSync(cold.file.writeBack());
    expect(cold.written).toEqual([{ fileBlock: 4, payloadBlocks: 0 }]);
    expect(cold.file.savedBlocks).toBe(saved - 2);
    cold.write(CLUSTER, textOf(CLUSTER, 3));
    runSync(cold.file.writeBack());
    expect(cold.written.at(-1)).toEqual({ fileBlock: 4, payloadBlocks: 2 });
    expect(cold.file.savedBlocks).toBe(saved);
    cold.expectHolds();
  });

  it('I-58, R10: a cluster that cannot be read is not overwritten: EIO, and nothing has changed', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    cold.faults.inject({ operation: 'read', action: { kind: 'fail' } });
    const write = (): string => codeOf(() => runSync(cold.file.write(CLUSTER + 5, new BytesSource(textOf(100, 1)))));
    expect([write(), write()]).toEqual(['EIO', 'EIO']);
    expect(cold.file.pages().mapping.dirtyPages).toBe(0);
    // Others are written as before: their nodes are in memory.
    cold.faults.clear();
    runSync(cold.other.read(0, new Uint8Array(8 * CLUSTER)));
    runSync(cold.other.write(0, new BytesSource(textOf(CLUSTER, 77))));
    cold.faults.inject({ operation: 'read', action: { kind: 'fail' } });
    expect(write()).toBe('EIO');
    runSync(cold.other.writeBack());
    cold.faults.clear();
    cold.expectHolds();
  });

  it('R8, R9, I-57: what a cut takes from a compressed cluster stays zeros when the file grows again', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    const { file, contents } = cold;
    for (const [size, grown] of [
      [3 * BLOCK, 5 * BLOCK],
      [2 * BLOCK + 17, 3 * BLOCK],
      [CLUSTER - 1, CLUSTER + 1],
      [1, 8 * CLUSTER],
    ] as const) {
      runSync(file.truncate(size));
      runSync(file.truncate(grown));
      contents.fill(0, size, grown);
      expect(Buffer.compare(cold.read(), contents.subarray(0, grown))).toBe(0);
    }
    cold.expectHolds();
  });

  it('R21: an append behind a cut inside a compressed cluster', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    runSync(cold.file.truncate(CLUSTER + 2 * BLOCK + 9));
    const tail = textOf(3 * BLOCK, 8);
    runSync(cold.file.write('end', new BytesSource(tail)));
    const expected = Buffer.concat([cold.contents.subarray(0, CLUSTER + 2 * BLOCK + 9), tail]);
    expect(Buffer.compare(cold.read(), expected)).toBe(0);
    expect(Buffer.compare(cold.leftContents(), expected)).toBe(0);
  });

  it('a cluster that is damaged cannot be changed in part, and can be replaced as a whole', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    const { payload } = runSync(payloadOf(cold.file, 1));
    runSync(submitAndWait(cold.medium, writeBio(payload * BLOCK, [new Uint8Array(BLOCK).fill(0xff)])));
    expect(codeOf(() => runSync(cold.file.write(CLUSTER, new BytesSource(textOf(5, 1)))))).toBe('EUCLEAN');
    cold.write(0, textOf(CLUSTER, 2));
    cold.write(2 * CLUSTER, textOf(100, 2));
    if (bufferedIo === 'iomap' && orderMax >= 2) {
      cold.write(CLUSTER, textOf(CLUSTER, 4));
      cold.expectHolds();
    }
  });

  it('a cluster write that fails ends writing: no checkpoint says that it is there (F8)', () => {
    const cold = new ColdFiles(bufferedIo, { orderMax });
    const before = cold.contents.slice();
    cold.write(0, textOf(CLUSTER, 21));
    cold.faults.inject({ operation: 'write', action: { kind: 'fail' }, times: 1 });
    expect(codeOf(() => runSync(cold.file.fsync(cold.file.errorCursor(), false)))).not.toBe('nothing thrown');
    cold.faults.clear();
    expect(codeOf(() => runSync(cold.volume.sync()))).toBe('EROFS');
    const later = runSync(mountF2fs(cold.medium, { codecs: defaultCodecs() }));
    const root = runSync(later.readInode(later.rootIno));
    const inode = runSync(later.readInode(runSync(root.lookup(name('file.txt')))));
    expect(Buffer.compare(cold.read(inode), before)).toBe(0);
  });

  it('without an encoder the file is read and not written to, and the others are', () => {
    const codecs = new CodecRegistry();
    const { compress: _, ...reader } = defaultCodecs().get(1)! as Codec;
    codecs.register(reader);
    const cold = new ColdFiles(bufferedIo, { orderMax, codecs });
    expect(codeOf(() => cold.write(0, textOf(5, 1)))).toBe('EOPNOTSUPP');
    expect(() => cold.write(0, textOf(5, 1))).toThrow(/lz4/);
    const root = runSync(cold.volume.readInode(cold.volume.rootIno));
    const plain = runSync(root.create(name('plain'), OWNER));
    runSync(plain.write(0, new BytesSource(textOf(9000, 1))));
    cold.expectHolds();
  });
});

/** The first payload block of a cluster. */
function* payloadOf(file: F2fsInode, cluster: number) {
  const slots = file.clusterSlots();
  expect(yield* slots.classOf(cluster)).toBe('compressed');
  const view = slots.window.view(file.ino, cluster * slots.clusterBlocks)!;
  return { payload: slots.payloadOf(cluster, view)[0]! };
}
