// Writeback of one compressed file: the parts that both engines share, and which of them runs.
//
//   iomap   `folio-clusters.ts`: all clusters of a folio at once
//   page    `page-clusters.ts`: pages are gathered until a cluster is together
//
// Source: buffered I/O spec 15.4, 18.

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import type { Folio } from '@f2fskit/pagecache';
import type { Task } from '@f2fskit/task';
import {
  type FolioRange,
  type PassResult,
  type WritebackControl,
  type WritebackPass,
  writeCachePages,
} from '@f2fskit/writeback';
import type { BufferPool } from '../buffer-pool.ts';
import type { CachedFile } from '../cached-file.ts';
import { bytesWithin, yieldsToSyncs } from '../data/file-writeback.ts';
import type { FolioWriteback } from '../data/folio-writeback.ts';
import type { F2fsInode } from '../inode.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import { ClusterOutput } from './cluster-output.ts';
import type { ClusterSlots } from './cluster-slots.ts';
import type { ClusterEncoder } from './encode-cluster.ts';
import { type ClusterWritebackParts, writeFolioClusters } from './folio-clusters.ts';
import { PageClusters } from './page-clusters.ts';

/** The page engine gathers so many pages at once, and at least a cluster (spec 15.9). */
const BATCH_PAGES = 16;

export class ClusterWriteback implements ClusterWritebackParts {
  readonly writer: VolumeWriter;
  readonly inode: F2fsInode;
  readonly file: CachedFile;
  readonly slots: ClusterSlots;
  readonly output: ClusterOutput;
  readonly buffers: BufferPool;
  readonly encoder: ClusterEncoder;
  readonly #folios: FolioWriteback;

  constructor(
    writer: VolumeWriter,
    inode: F2fsInode,
    file: CachedFile,
    buffers: BufferPool,
    encoder: ClusterEncoder,
    folios: FolioWriteback,
  ) {
    this.writer = writer;
    this.inode = inode;
    this.file = file;
    this.slots = inode.clusterSlots();
    this.output = new ClusterOutput(writer, inode, this.slots);
    this.buffers = buffers;
    this.encoder = encoder;
    this.#folios = folios;
  }

  /** A pass over the file; what is written goes to `log`. */
  write(control: WritebackControl, log: number): Task<PassResult> {
    this.output.log = log;
    if (this.writer.bufferedIo === 'iomap') return writeFolioClusters(this, control);
    const { clusterBlocks } = this.slots;
    const bytes = clusterBlocks * BLOCK_SIZE;
    // Clusters are written as wholes, whatever part of one is asked for.
    const { rangeStart = 0, rangeEnd = Number.POSITIVE_INFINITY } = control;
    const whole = {
      ...control,
      rangeStart: Math.floor(rangeStart / bytes) * bytes,
      rangeEnd: Math.ceil(rangeEnd / bytes) * bytes,
    };
    const options = { batchPages: Math.max(BATCH_PAGES, clusterBlocks) };
    return writeCachePages(this.file.mapping, whole, new PageClusters(this), options);
  }

  wantsCompression(): boolean {
    return this.inode.wantsCompression;
  }

  lengthToWrite(folio: Folio): number {
    return bytesWithin(this.inode, folio);
  }

  shouldYield(): boolean {
    return yieldsToSyncs(this.writer);
  }

  makeRoom(): Task<void> | undefined {
    return this.#folios.makeRoom();
  }

  isShort(): boolean {
    return this.#folios.isShort;
  }

  writeRange(range: FolioRange, _pass: WritebackPass): Task<void> | undefined {
    return this.#folios.writeRange(range);
  }
}
