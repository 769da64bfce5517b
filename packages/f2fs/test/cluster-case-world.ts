// A compressed file on a golden volume, in the engines and the sizes of folios in which its clusters lie differently, and what has
// to be true of its clusters and its counts whenever nothing is under way. See `case-world.ts`.

import { BLOCK_SIZE } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { COMPRESS_ADDRESS, isMainAddress, NEW_ADDRESS, NULL_ADDRESS } from '@f2fskit/f2fs-format';
import { type Folio, lockFolioForWrite, type PageCacheOptions } from '@f2fskit/pagecache';
import { runSync, type Task, type TraceEvents, Tracer } from '@f2fskit/task';
import { microtaskTurn, type OverlapOptions, OverlappingEncoder } from '@f2fskit/testkit';
import type { DirtyFile, PassResult, WritebackControl } from '@f2fskit/writeback';
import { expect } from 'vitest';
import type { ClusterClass } from '../src/clusters/cluster-slots.ts';
import { treeNodes } from '../src/compression/tree-nodes.ts';
import { type BufferedIo, type CompressionOptions, fileUsage, InlineEncoder, type MountOptions } from '../src/index.ts';
import { CaseWorld, pattern } from './case-world.ts';
import { codeOf, noiseOf, textOf } from './compression-world.ts';

/** log2 of the blocks of a cluster, unless a case says otherwise. */
export const LOG = 2;
export const BLOCKS = 1 << LOG;
export const CLUSTER = BLOCKS * BLOCK_SIZE;

const FULL = process.env['F2FSKIT_FULL'] === '1';
/** Who compresses: the thread, when it is asked to; or one that does so later, so that visits overlap. */
export type EncoderKind = 'inline' | 'overlapping';

const MORE_SIZES: Array<[BufferedIo, number, EncoderKind]> = [
  ['iomap', 0, 'inline'],
  ['iomap', LOG, 'inline'],
  ['iomap', LOG - 1, 'overlapping'],
  ['iomap', LOG, 'overlapping'],
  ['page', 9, 'overlapping'],
];

/**
 * An engine, and the highest order of folios: clusters tiled by one-page folios, by halves, in folios of their own, in larger ones. The
 * short run leaves out some of them.
 */
export const SIZES: ReadonlyArray<[BufferedIo, number, EncoderKind]> = [
  ['page', 9, 'inline'],
  ['iomap', LOG - 1, 'inline'],
  ['iomap', 9, 'inline'],
  ['iomap', 0, 'overlapping'],
  ['iomap', 9, 'overlapping'],
  ...(FULL ? MORE_SIZES : []),
];

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);
export const text = textOf;
export const noise = noiseOf;

export interface ClusterCaseOptions {
  readonly cache?: PageCacheOptions;
  readonly compress?: CompressionOptions;
  readonly mount?: MountOptions;
  readonly overlap?: OverlapOptions;
}

/** The encoder of a kind, if it is not the one that a volume has by itself. Its waits end before the next turn of the event loop. */
export function overlappingOf(kind: EncoderKind, options: OverlapOptions = {}): OverlappingEncoder | undefined {
  return kind === 'inline'
    ? undefined
    : new OverlappingEncoder(new InlineEncoder(defaultCodecs()), { turn: microtaskTurn, ...options });
}

/** What went to the device of a cluster. */
export interface SentCluster {
  readonly cluster: number;
  /** 0: as it is. */
  readonly payload: number;
}

export class ClusterCase {
  readonly world: CaseWorld;
  readonly clusterBlocks: number;
  /** Clusters that were read, and that were written as wholes, in order. */
  readonly reads: number[] = [];
  readonly sent: SentCluster[] = [];
  /** Where visits overlap. */
  readonly encoder: OverlappingEncoder | undefined;

  #dirtyFile: DirtyFile | undefined = undefined;

  private constructor(world: CaseWorld, tracer: Tracer, encoder: OverlappingEncoder | undefined) {
    this.world = world;
    this.encoder = encoder;
    const { flusher } = world.writer;
    const add = flusher.add.bind(flusher);
    flusher.add = (file) => {
      if (file.mapping === world.mapping) this.#dirtyFile = file;
      add(file);
    };
    const blocks = 1 << world.file.fields.logClusterSize;
    this.clusterBlocks = blocks;
    tracer.listen((event, what) => {
      if (event === 'cluster:read') {
        const { ino, fileBlock } = what as TraceEvents['cluster:read'];
        if (ino === world.file.ino) this.reads.push(fileBlock / blocks);
      }
      if (event === 'cluster:write') {
        const { fileBlock, payloadBlocks, ino } = what as TraceEvents['cluster:write'];
        if (ino === world.file.ino) this.sent.push({ cluster: fileBlock / blocks, payload: payloadBlocks });
      }
    });
  }

  /** With a file of `clusters` compressed clusters, which are on the medium and not in the cache. */
  static stored(
    [engine, orderMax, kind = 'inline']: readonly [BufferedIo, number, EncoderKind?],
    clusters: number,
    options: ClusterCaseOptions = {},
  ): ClusterCase {
    const { cache, compress, mount, overlap } = options;
    const encoder = overlappingOf(kind, overlap);
    const tracer = new Tracer();
    const world = CaseWorld.open(engine, {
      golden: 'compress-lz4-4',
      cache: { orderMax, ...cache },
      mount: {
        codecs: defaultCodecs(),
        compress: { extensions: ['*'], logClusterSize: LOG, checksum: true, ...compress },
        tracer,
        encoder,
        ...mount,
      },
    });
    const made = new ClusterCase(world, tracer, encoder);
    const contents = text(clusters * made.bytes, 1);
    // One by one: no background writeback comes into the middle of one.
    for (let at = 0; at < contents.length; at += made.bytes) {
      world.write(at, contents.subarray(at, at + made.bytes));
      runSync(world.file.writeBack());
    }
    runSync(world.volume.sync());
    world.drop();
    made.forget();
    expect(made.classes()).toEqual(new Array(clusters).fill('compressed'));
    return made;
  }

  /** Bytes of a cluster. */
  get bytes(): number {
    return this.clusterBlocks * BLOCK_SIZE;
  }

  /** What was read and sent so far does not count. */
  forget(): void {
    this.reads.length = 0;
    this.sent.length = 0;
    this.world.takeReads();
    this.world.takeWrites();
  }

  /** A pass over the dirty pages of the file, as the flusher makes one. */
  pass(control: WritebackControl): Task<PassResult> {
    return this.#dirtyFile!.write(control);
  }

  classOf(cluster: number): ClusterClass {
    return runSync(this.world.file.clusterSlots().classOf(cluster));
  }

  /** Of every cluster of the file. */
  classes(): ClusterClass[] {
    const count = Math.ceil(this.world.file.size / this.bytes);
    return Array.from({ length: count }, (_, cluster) => this.classOf(cluster));
  }

  /** Blocks of the device that hold the payload of a cluster. */
  payloadOf(cluster: number): number[] {
    const { file } = this.world;
    const slots = file.clusterSlots();
    expect(runSync(slots.classOf(cluster))).toBe('compressed');
    return slots.payloadOf(cluster, slots.window.view(file.ino, cluster * this.clusterBlocks)!);
  }

  /** Changes a slot behind the back of everybody: what damage does. */
  putSlot(block: number, address: number): void {
    const { window } = this.world.file.clusterSlots();
    expect(runSync(window.find(this.world.file.raw, block))).toBe(true);
    window.view(this.world.file.ino, block)!.setUint32(window.byteOf(block), address, true);
  }

  /** A folio in the cache of which nothing is uptodate, as large as the engine lets it be. */
  emptyFolio(index: number, order: number): Folio {
    const { mapping } = this.world;
    const folio = runSync(lockFolioForWrite(mapping, index, Math.min(order, mapping.orderMax)));
    folio.unlock();
    folio.put();
    return folio;
  }

  /** Changes a block in the cache, as a store to a shared mapping does: its cluster is dirty in part. */
  dirtyBlock(block: number, seed: number): void {
    const bytes = pattern(BLOCK_SIZE, seed);
    const position = block * BLOCK_SIZE;
    runSync(
      this.world.file.dirtyRange(position, BLOCK_SIZE, (memory, at) =>
        memory.set(bytes.subarray(at - position, at - position + memory.length)),
      ),
    );
    this.world.follow(position, bytes);
  }

  /** From now on folios may be smaller than a cluster, in any mixture: as if memory were in pieces. */
  allowTiles(): void {
    Object.assign(this.world.mapping, { orderMin: 0 });
  }

  /** Nobody holds a lock of the file, of its clusters or its folios, and nothing is on its way. */
  expectQuiet(): void {
    const { file, writer } = this.world;
    expect([file.pages().clusterLocks.holders, writer.locks.size]).toEqual([0, 0]);
    expect([this.encoder?.problems ?? [], this.encoder?.underWay ?? 0]).toEqual([[], 0]);
    expect(writer.payloads.bytesTaken).toBe(0);
    this.world.expectQuiet();
  }

  /**
   * What the slots say fits together: I-51 (patterns), I-53, I-30 (each block once), I-32 (owners), I-54 and I-31, I-26 (counts of the
   * file equal a recount).
   */
  expectCounted(): void {
    const { file, writer, volume } = this.world;
    const { store, allocator } = writer;
    const usage = runSync(fileUsage(store, file.raw));
    expect(['I-54', file.savedBlocks]).toEqual(['I-54', usage.savedBlocks]);
    const nodes = runSync(treeNodes(store, file.raw));
    const { xattrNid, blocks } = file.fields;
    const counted =
      1 + nodes.length + (xattrNid === 0 ? 0 : 1) + usage.storedBlocks + usage.reservedBlocks + usage.savedBlocks;
    expect(['I-31', blocks]).toEqual(['I-31', counted]);
    const seen = new Set<number>();
    const { window } = file.clusterSlots();
    const end = Math.ceil(file.size / this.bytes) * this.clusterBlocks;
    for (let block = 0; block < end; block++) {
      if (!runSync(window.find(file.raw, block))) continue;
      const address = window.view(file.ino, block)!.getUint32(window.byteOf(block), true);
      if (address === NULL_ADDRESS || address === NEW_ADDRESS) continue;
      if (address === COMPRESS_ADDRESS) {
        expect(['I-51', block % this.clusterBlocks]).toEqual(['I-51', 0]);
        continue;
      }
      expect([block, isMainAddress(volume.superblock, address), seen.has(address)]).toEqual([block, true, false]);
      seen.add(address);
      const owner = window.ownerOf(block);
      expect(['I-32', block, runSync(allocator.ownerOf(address))]).toMatchObject(['I-32', block, owner]);
    }
  }

  /** The file is what it must be, in the cache, on the medium, and its counts are. */
  expectModel(): void {
    this.expectQuiet();
    this.expectCounted();
    this.world.expectModel();
    this.expectCounted();
    this.expectQuiet();
  }
}

export { codeOf, pattern };
