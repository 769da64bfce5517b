// A file whose contents go through the page cache. Folios of a compressed file are at least a cluster, so that a cluster lies
// in one folio; where the cache allows no folio that large, several folios tile a cluster, and reads are rounded to clusters.
// Source: design decision 4.

import type { BlockDevice } from '@f2fskit/block';
import type { BufferedFile, ReadOperations } from '@f2fskit/iomap';
import { Mapping, type MappingOptions } from '@f2fskit/pagecache';
import { RangeLock } from '@f2fskit/task';
import type { FileReadContext } from './file-data.ts';
import { FileMap, type MappedFile } from './file-map.ts';

/**
 * Folios of a compressed file are not larger than this, unless its clusters are: 512 KiB. What has been decoded is copied out
 * soon, and should still be in the processor's cache then (measured: 5 % of a sequential read).
 */
const DECODED_ORDER = 7;

export class CachedFile implements BufferedFile {
  readonly mapping: Mapping;
  readonly operations: ReadOperations;
  readonly device: BlockDevice;
  readonly unitOrder: number;
  /** Of a compressed file: clusters that somebody changes as units. Taken before folios. */
  readonly clusterLocks = new RangeLock();
  /** How often a cluster got other slots: what was found out about clusters before does not hold any more. */
  clusterChanges = 0;
  readonly #context: FileReadContext;
  readonly #file: MappedFile;

  /** `options`: of a file that is written to. */
  constructor(context: FileReadContext, file: MappedFile, options: Pick<MappingOptions, 'stable' | 'onDirty'> = {}) {
    const { ino, fields } = file.raw;
    const { cache } = context.store.blocks.mapping;
    this.unitOrder = fields.compressed ? fields.logClusterSize : 0;
    const pages = context.writer?.bufferedIo === 'page';
    const orders = pages
      ? { orderMax: 0 }
      : fields.compressed
        ? { orderMin: this.unitOrder, orderMax: Math.max(this.unitOrder, DECODED_ORDER) }
        : {};
    this.mapping = new Mapping(cache, { name: `ino ${ino}`, ...orders, ...options });
    this.operations = new FileMap(context, file);
    this.device = context.store.device;
    this.#context = context;
    this.#file = file;
  }

  get size(): number {
    return this.#file.size;
  }

  get cookie(): number {
    return this.#context.writer?.moves ?? 0;
  }
}
