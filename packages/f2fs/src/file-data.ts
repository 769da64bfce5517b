// Reading file data straight from the device into the caller's memory: the direct-I/O read path.
//
// A request is done in windows of at most 1 MiB, so that scratch memory is bounded. For each window:
//
//   1. walk the runs: holes and reserved runs are zeroed now; for the others bios are queued in a plug, raw blocks
//      straight into the caller's memory, ragged ends and payload into scratch
//   2. unplug: everything goes to the device at once, merged where it is adjacent
//   3. wait for all of it, also after a failure, because the bios write into memory that others will use
//   4. copy the ragged ends, decompress the clusters: whole ones straight into the caller's memory
//
// Nothing is held across the waits: what is mapped here does not move, because the volume is not written.

import { type Bio, Plug, readBio, throwIfFailed } from '@f2fskit/block';
import { ENOKEY, FsError } from '@f2fskit/errno';
import { Advise, BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { BlockMapping, type DecodedInode, mapBlocks, type NodeStore } from '@f2fskit/f2fs-node';
import { type Task, waitAll } from '@f2fskit/task';
import type { BufferPool } from './buffer-pool.ts';
import { type CodecSource, codecOf, decodeCluster } from './cluster.ts';
import type { ClusterEncoder } from './clusters/encode-cluster.ts';
import { hasInlineData, readInlineData } from './inline-data.ts';
import type { VolumeWriter } from './volume-writer.ts';

declare module '@f2fskit/task' {
  interface TraceEvents {
    /** A compressed cluster was read and decoded. */
    'cluster:read': { ino: number; fileBlock: number; clusterBlocks: number; payloadBlocks: number };
  }
}

/** Most bytes of a request that are in flight together; also the largest cluster. */
const WINDOW_BYTES = 1 << 20;

/** What reading needs beside the inode. */
export interface FileReadContext {
  store: NodeStore;
  codecs: CodecSource;
  /** Compresses what is written. Default: here, with `codecs`. */
  encoder?: ClusterEncoder | undefined;
  buffers: BufferPool;
  ignoreClusterChecksums: boolean;
  /** Of a writable mount. */
  writer: VolumeWriter | undefined;
}

/**
 * Fills `target` with the file's bytes from `position`; returns how many, fewer only at the end of the file. Throws
 * ENOKEY for encrypted contents, Corruption, EIO. After a throw the content of `target` is undefined.
 */
export function* readFileData(
  context: FileReadContext,
  inode: DecodedInode,
  position: number,
  target: Uint8Array,
): Task<number> {
  if ((inode.fields.advise & Advise.encrypt) !== 0) throw new FsError(ENOKEY, 'the file is encrypted');
  return yield* readFileBytes(context, inode, position, target);
}

/** The stored bytes of a file or symlink, ciphertext where it is encrypted; otherwise as {@link readFileData}. */
export function* readFileBytes(
  context: FileReadContext,
  inode: DecodedInode,
  position: number,
  target: Uint8Array,
): Task<number> {
  const length = Math.min(target.length, Math.max(0, inode.fields.size - position));
  if (length === 0) return 0;
  if (hasInlineData(inode)) {
    const inline = yield* readInlineData(context.store, inode);
    target.set(inline.subarray(position, position + length));
    return length;
  }
  for (let done = 0; done < length; ) {
    const count = Math.min(length - done, WINDOW_BYTES - ((position + done) % WINDOW_BYTES));
    yield* readWindow(context, inode, position + done, target.subarray(done, done + count));
    done += count;
  }
  return length;
}

/** A compressed cluster on its way: payload arrives in `scratch`. */
interface PendingCluster {
  start: number;
  blocks: number;
  firstAddress: number;
  payloadBytes: number;
  scratch: Uint8Array;
}

/** A block wanted in part: it arrives in `scratch`, and [from, to) of it go to the target. */
interface PendingPart {
  scratch: Uint8Array;
  from: number;
  to: number;
  at: number;
}

function* readWindow(context: FileReadContext, inode: DecodedInode, position: number, target: Uint8Array): Task<void> {
  const window = new Window(context, inode, position, target);
  try {
    // Mapping may wait for nodes; nothing is submitted before every run is known, so a throw here leaves nothing behind.
    yield* window.map();
    yield* window.transfer();
    window.finish();
  } finally {
    window.release();
  }
}

class Window {
  readonly #context: FileReadContext;
  readonly #inode: DecodedInode;
  readonly #position: number;
  readonly #end: number;
  readonly #target: Uint8Array;
  readonly #bios: Bio[] = [];
  readonly #clusters: PendingCluster[] = [];
  readonly #parts: PendingPart[] = [];

  constructor(context: FileReadContext, inode: DecodedInode, position: number, target: Uint8Array) {
    this.#context = context;
    this.#inode = inode;
    this.#position = position;
    this.#end = position + target.length;
    this.#target = target;
  }

  *map(): Task<void> {
    const mapping = new BlockMapping();
    const endBlock = Math.ceil(this.#end / BLOCK_SIZE);
    for (let at = Math.floor(this.#position / BLOCK_SIZE); at < endBlock; at = mapping.end) {
      yield* mapBlocks(this.#context.store, this.#inode, at, endBlock, mapping);
      if (mapping.kind === 'raw') this.#addRaw(mapping);
      else if (mapping.kind === 'compressed') this.#addCluster(mapping);
      else this.#zero(mapping);
    }
  }

  /** Submits everything and waits for all of it. Throws for the first bio that failed. */
  *transfer(): Task<void> {
    if (this.#bios.length === 0) return;
    const { device } = this.#context.store;
    const plug = new Plug(device);
    for (const bio of this.#bios) plug.add(bio);
    plug.flush();
    yield* waitAll(this.#bios.map((bio) => bio.completion));
    for (const bio of this.#bios) throwIfFailed(device, bio);
  }

  /** Moves what arrived in scratch to where it belongs. */
  finish(): void {
    for (const { scratch, from, to, at } of this.#parts) this.#target.set(scratch.subarray(from, to), at);
    if (this.#clusters.length === 0) return;
    const codec = codecOf(this.#context.codecs, this.#inode.fields);
    for (const cluster of this.#clusters) this.#decode(codec, cluster);
  }

  release(): void {
    const { buffers } = this.#context;
    for (const { scratch } of this.#parts) buffers.give(scratch);
    for (const { scratch } of this.#clusters) buffers.give(scratch);
  }

  #zero({ start, end }: BlockMapping): void {
    const from = Math.max(start * BLOCK_SIZE, this.#position);
    this.#target.fill(0, from - this.#position, Math.min(end * BLOCK_SIZE, this.#end) - this.#position);
  }

  #addRaw({ start, end, address }: BlockMapping): void {
    let first = start;
    let last = end;
    if (first * BLOCK_SIZE < this.#position) {
      this.#addPart(first, address);
      first++;
    }
    if (last > first && last * BLOCK_SIZE > this.#end) {
      last--;
      this.#addPart(last, address + last - start);
    }
    if (first === last) return;
    const from = first * BLOCK_SIZE - this.#position;
    const memory = this.#target.subarray(from, from + (last - first) * BLOCK_SIZE);
    this.#bios.push(readBio((address + first - start) * BLOCK_SIZE, [memory]));
  }

  /** One block that lies across an end of the request. */
  #addPart(fileBlock: number, address: number): void {
    const scratch = this.#context.buffers.take(BLOCK_SIZE);
    const blockStart = fileBlock * BLOCK_SIZE;
    const from = Math.max(this.#position, blockStart);
    const to = Math.min(this.#end, blockStart + BLOCK_SIZE);
    this.#parts.push({ scratch, from: from - blockStart, to: to - blockStart, at: from - this.#position });
    this.#bios.push(readBio(address * BLOCK_SIZE, [scratch.subarray(0, BLOCK_SIZE)]));
  }

  #addCluster({ start, length, payload, payloadLength }: BlockMapping): void {
    const payloadBytes = payloadLength * BLOCK_SIZE;
    const scratch = this.#context.buffers.take(payloadBytes);
    this.#clusters.push({ start, blocks: length, firstAddress: payload[0]!, payloadBytes, scratch });
    for (let index = 0; index < payloadLength; ) {
      let next = index + 1;
      while (next < payloadLength && payload[next] === payload[next - 1]! + 1) next++;
      const memory = scratch.subarray(index * BLOCK_SIZE, next * BLOCK_SIZE);
      this.#bios.push(readBio(payload[index]! * BLOCK_SIZE, [memory]));
      index = next;
    }
  }

  #decode(codec: ReturnType<typeof codecOf>, cluster: PendingCluster): void {
    const { store, buffers, ignoreClusterChecksums } = this.#context;
    const { ino, fields } = this.#inode;
    const start = cluster.start * BLOCK_SIZE;
    const size = cluster.blocks * BLOCK_SIZE;
    const payload = cluster.scratch.subarray(0, cluster.payloadBytes);
    const where = { block: cluster.firstAddress, ino, fileBlock: cluster.start };
    if (start >= this.#position && start + size <= this.#end) {
      const memory = this.#target.subarray(start - this.#position, start - this.#position + size);
      decodeCluster(codec, fields, payload, memory, where, ignoreClusterChecksums);
    } else {
      const whole = buffers.take(size);
      try {
        decodeCluster(codec, fields, payload, whole.subarray(0, size), where, ignoreClusterChecksums);
        const from = Math.max(start, this.#position);
        const to = Math.min(start + size, this.#end);
        this.#target.set(whole.subarray(from - start, to - start), from - this.#position);
      } finally {
        buffers.give(whole);
      }
    }
    if (store.tracer?.active) {
      const payloadBlocks = cluster.payloadBytes / BLOCK_SIZE;
      store.tracer.emit('cluster:read', {
        ino,
        fileBlock: cluster.start,
        clusterBlocks: cluster.blocks,
        payloadBlocks,
      });
    }
  }
}
