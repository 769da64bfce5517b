// Clusters on their way out, for both engines: their folios are locked, taken for writing and under writeback.
//
//   1. those that are to be compressed are, all of them together; their bytes do not change meanwhile
//   2. each gets its places, in ascending order, in one operation: compressed; as it is, if it was compressed before; else only
//      what of it is dirty, as in any file
//
// No operation is under way while something is compressed. Where it is too early for a cluster (EAGAIN), it is for those behind it;
// any other error is that of one cluster, and those behind it are sent (I-46).
// Source: buffered I/O spec 18.4.

import { EAGAIN, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { dirtyRunEnd, nextDirtyBlock } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import type { FolioRange, WritebackPass } from '@f2fskit/writeback';
import type { BufferPool } from '../buffer-pool.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { ClusterOutput, PayloadMemory } from './cluster-output.ts';
import type { ClusterPlan } from './cluster-plan.ts';
import type { Tile } from './cluster-set.ts';
import type { ClusterEncoder, ClusterEncoding, ClusterJob } from './encode-cluster.ts';

/** A cluster with what backs it. */
export interface PlannedCluster extends ClusterPlan {
  tiles: readonly Tile[];
}

export interface SendParts {
  readonly writer: VolumeWriter;
  readonly inode: F2fsInode;
  /** For clusters whose tiles do not lie side by side. */
  readonly buffers: BufferPool;
  readonly encoder: ClusterEncoder;
  readonly output: ClusterOutput;
  /** Room was made and is short all the same: what is left is used up. */
  isShort(): boolean;
  /** Sends dirty blocks of a folio as in any file; see `FolioWriter.writeRange`. */
  writeRange(range: FolioRange, pass: WritebackPass): Task<void> | undefined;
}

/** How far sending came. */
export interface Sent {
  /** Blocks that have been sent. */
  blocks: number;
  /** The file block from which on it was too early; infinite where it was not. What came before was sent, or is lost. */
  next: number;
  /** What went wrong first; `undefined` where nothing did. */
  failure: unknown;
}

/** Payloads in requests that have not been submitted, at most. */
const PAYLOAD_BYTES_HELD = 1 << 20;

/** Clusters that are on their way. */
export interface BegunClusters {
  readonly planned: readonly PlannedCluster[];
  /** Where there are some to be compressed: they are being. */
  readonly memory: SendMemory | undefined;
  readonly encoding: ClusterEncoding | undefined;
}

/** Begins to send clusters: those that are to be compressed are being from now on. Ended by {@link sendClusters}. */
export function beginClusters(
  parts: SendParts,
  planned: readonly PlannedCluster[],
  clusterBlocks: number,
): BegunClusters {
  const jobs = planned.filter(({ compress }) => compress);
  const memory = jobs.length === 0 ? undefined : new SendMemory(parts, jobs, clusterBlocks);
  // Memory that requests hold is not free for the next visit.
  if (parts.writer.payloads.bytesTaken > PAYLOAD_BYTES_HELD) parts.writer.bios.submit();
  const encoding = memory && parts.encoder.begin(memory.jobs, parts.inode.fields, memory.scratch);
  return { planned, memory, encoding };
}

/** Sends clusters, ascending; what cannot be sent is in the result. */
export function* sendClusters(
  parts: SendParts,
  { planned, memory, encoding }: BegunClusters,
  pass: WritebackPass,
  clusterBlocks: number,
): Task<Sent> {
  const sent: Sent = { blocks: 0, next: Number.POSITIVE_INFINITY, failure: undefined };
  try {
    const finishing = encoding?.finish();
    if (finishing !== undefined) yield* finishing;
    const reached = { next: 0 };
    for (const cluster of planned) {
      reached.next = cluster.cluster * clusterBlocks;
      const payload = memory?.payloads.get(cluster.cluster);
      try {
        const task = sendOne(parts, cluster, payload, memory, pass, sent, reached);
        if (task !== undefined) yield* task;
        if (payload?.payload !== undefined || cluster.kind === 'compressed') sent.blocks += cluster.blocks;
      } catch (cause) {
        if (isTooEarly(cause)) {
          sent.next = reached.next;
          break;
        }
        if (!(cause instanceof FsError)) throw cause;
        sent.failure ??= cause;
      }
    }
  } catch (cause) {
    sent.failure = cause;
  } finally {
    memory?.release();
  }
  return sent;
}

const isTooEarly = (cause: unknown): boolean => cause instanceof FsError && cause.errno === -EAGAIN;

function sendOne(
  parts: SendParts,
  cluster: PlannedCluster,
  job: ClusterJob | undefined,
  memory: SendMemory | undefined,
  pass: WritebackPass,
  sent: Sent,
  reached: { next: number },
): Task<void> | undefined {
  const { output, writer } = parts;
  const { tiles, kind, blocks } = cluster;
  if (job?.payload === undefined && kind !== 'compressed') return sendDirty(parts, cluster, pass, sent, reached);
  // Making room takes a checkpoint, and nobody waits for one under a folio.
  if (!writer.hasRoom && !parts.isShort()) throw new FsError(EAGAIN, 'room has to be made first');
  return job?.payload === undefined
    ? output.replaceRaw(cluster.cluster, tiles, blocks)
    : output.sendCompressed(cluster.cluster, tiles, job.payload, memory!);
}

/** What is dirty of a cluster that is not compressed and stays so; `reached` is the file block up to which it was sent. */
function* sendDirty(
  parts: SendParts,
  { tiles }: PlannedCluster,
  pass: WritebackPass,
  sent: Sent,
  reached: { next: number },
): Task<void> {
  for (const { folio, from, to } of tiles) {
    for (let next = nextDirtyBlock(folio, from); next < to; ) {
      const range: FolioRange = { folio, next, end: Math.min(to, dirtyRunEnd(folio, next)), dropped: 0 };
      const start = next;
      try {
        const task = parts.writeRange(range, pass);
        if (task !== undefined) yield* task;
      } finally {
        sent.blocks += range.next - start - range.dropped;
        reached.next = folio.index + range.next;
      }
      next = nextDirtyBlock(folio, range.end);
    }
  }
}

/** What the clusters of a visit are compressed from and to. */
export class SendMemory implements PayloadMemory {
  users = 1;
  readonly scratch: Uint8Array;
  readonly jobs: ClusterJob[] = [];
  readonly payloads = new Map<number, ClusterJob>();
  readonly #payloads: BufferPool;
  readonly #buffers: BufferPool;
  /** Clusters whose tiles do not lie side by side, gathered. */
  readonly #gathered: Uint8Array[] = [];

  constructor({ buffers, writer }: SendParts, clusters: readonly PlannedCluster[], clusterBlocks: number) {
    this.#buffers = buffers;
    this.#payloads = writer.payloads;
    const bytes = clusterBlocks * BLOCK_SIZE;
    this.scratch = this.#payloads.take(clusters.length * bytes);
    for (const { cluster, tiles } of clusters) {
      const job: ClusterJob = { source: this.#source(tiles, bytes), payload: undefined };
      this.jobs.push(job);
      this.payloads.set(cluster, job);
    }
  }

  #source(tiles: readonly Tile[], bytes: number): Uint8Array {
    const [first] = tiles;
    if (tiles.length === 1) return first!.folio.bytes.subarray(first!.from * BLOCK_SIZE, first!.to * BLOCK_SIZE);
    const whole = this.#buffers.take(bytes);
    this.#gathered.push(whole);
    for (const { folio, from, to, at } of tiles) {
      whole.set(folio.bytes.subarray(from * BLOCK_SIZE, to * BLOCK_SIZE), at * BLOCK_SIZE);
    }
    return whole.subarray(0, bytes);
  }

  /** Who sends is done with it. */
  release(): void {
    for (const buffer of this.#gathered) this.#buffers.give(buffer);
    this.#gathered.length = 0;
    if (--this.users === 0) this.done();
  }

  done(): void {
    this.#payloads.give(this.scratch);
  }
}
