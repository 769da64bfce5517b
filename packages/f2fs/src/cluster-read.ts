// A compressed cluster on its way into folios. Its payload is read once into scratch memory, whoever needs the cluster: one
// folio that holds many clusters, or several folios that tile one.
//
//   1. the payload blocks are added to the batch, joined where they follow each other, also across clusters
//   2. folios that are filled after that and lie in the same cluster become further targets of the same read
//   3. when the last block of payload has arrived, the cluster is decoded: straight into the folio where it is the only
//      target and takes the whole cluster, else into scratch, from where each target gets its blocks. Targets are blocks that
//      are not uptodate (I-11)
//   4. every target is settled, or fails with what went wrong
//
// Source: spec of buffered I/O, section 13 and 10.1.

import { FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { FolioRead, ReadBatch, ReadReceiver } from '@f2fskit/iomap';
import { codecOf, decodeCluster } from './cluster.ts';
import type { FileReadContext } from './file-data.ts';
import type { ClusterMapping } from './file-map.ts';

/** Blocks of one folio that get a part of the cluster. */
interface Target {
  read: FolioRead;
  /** Bytes of the folio. */
  from: number;
  to: number;
  /** Where they begin in the cluster. */
  at: number;
}

/**
 * Fills the bytes [from, to) of a folio, which lie in `cluster`. `position` is where `from` is in the file. Does not wait;
 * the bytes are settled when the payload has arrived.
 */
export function readCluster(
  context: FileReadContext,
  inode: DecodedInode,
  batch: ReadBatch,
  cluster: ClusterMapping,
  read: FolioRead,
  from: number,
  to: number,
): void {
  const position = read.folio.position + from;
  let current = batch.private;
  if (!(current instanceof ClusterRead) || current.cluster.start !== cluster.start) {
    current = new ClusterRead(context, inode, cluster);
    batch.private = current;
    // What is added last is sent by a later `add` or `submit`: the read cannot be over before it has its target.
    (current as ClusterRead).addPayload(batch);
  }
  (current as ClusterRead).addTarget({ read, from, to, at: position - cluster.start * BLOCK_SIZE });
}

class ClusterRead implements ReadReceiver {
  readonly cluster: ClusterMapping;
  readonly #context: FileReadContext;
  readonly #inode: DecodedInode;
  readonly #payload: Uint8Array;
  readonly #scratch: Uint8Array;
  readonly #targets: Target[] = [];
  /** Bytes of payload that have not arrived. */
  #pending: number;
  #error: FsError | undefined = undefined;

  constructor(context: FileReadContext, inode: DecodedInode, cluster: ClusterMapping) {
    this.#context = context;
    this.#inode = inode;
    this.cluster = cluster;
    this.#pending = cluster.payload.length * BLOCK_SIZE;
    this.#scratch = context.buffers.take(this.#pending);
    this.#payload = this.#scratch.subarray(0, this.#pending);
  }

  addPayload(batch: ReadBatch): void {
    const { payload } = this.cluster;
    for (let index = 0; index < payload.length; ) {
      let next = index + 1;
      while (next < payload.length && payload[next] === payload[next - 1]! + 1) next++;
      const memory = this.#payload.subarray(index * BLOCK_SIZE, next * BLOCK_SIZE);
      batch.add(payload[index]! * BLOCK_SIZE, memory, this, index * BLOCK_SIZE);
      index = next;
    }
  }

  addTarget(target: Target): void {
    this.#targets.push(target);
  }

  onPart(_at: number, length: number, error: FsError | undefined): void {
    this.#pending -= length;
    this.#error ??= error;
    if (this.#pending > 0) return;
    // Scratch goes back first: ending a read may let others go on.
    try {
      if (this.#error === undefined) this.#decode();
    } catch (cause) {
      if (!(cause instanceof FsError)) throw cause;
      this.#error = cause;
    } finally {
      this.#context.buffers.give(this.#scratch);
    }
    for (const { read, from, to } of this.#targets) {
      if (this.#error === undefined) read.settle(to - from);
      else read.fail(from, to, this.#error);
    }
  }

  #decode(): void {
    const { codecs, buffers, ignoreClusterChecksums, store } = this.#context;
    const { fields, ino } = this.#inode;
    const { start, blocks, payload } = this.cluster;
    const size = blocks * BLOCK_SIZE;
    const codec = codecOf(codecs, fields);
    const where = { block: payload[0]!, ino, fileBlock: start };
    const [first] = this.#targets;
    if (this.#targets.length === 1 && first!.to - first!.from === size) {
      const memory = first!.read.folio.bytes.subarray(first!.from, first!.to);
      decodeCluster(codec, fields, this.#payload, memory, where, ignoreClusterChecksums);
    } else {
      const whole = buffers.take(size);
      try {
        decodeCluster(codec, fields, this.#payload, whole.subarray(0, size), where, ignoreClusterChecksums);
        for (const { read, from, to, at } of this.#targets) {
          read.folio.bytes.set(whole.subarray(at, at + to - from), from);
        }
      } finally {
        buffers.give(whole);
      }
    }
    if (store.tracer?.active) {
      const counts = { clusterBlocks: blocks, payloadBlocks: payload.length };
      store.tracer.emit('cluster:read', { ino, fileBlock: start, ...counts });
    }
  }
}
