// A file whose contents go through the page cache. Folios of a compressed file are at least a cluster, so that a cluster lies
// in one folio; where the cache allows no folio that large, several folios tile a cluster, and reads are rounded to clusters.
// Source: design decision 4.

import type { BlockDevice } from '@f2fskit/block';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { BufferedFile, ReadOperations } from '@f2fskit/iomap';
import { Mapping } from '@f2fskit/pagecache';
import type { FileReadContext } from './file-data.ts';
import { FileMap } from './file-map.ts';

export class CachedFile implements BufferedFile {
  readonly mapping: Mapping;
  readonly operations: ReadOperations;
  readonly device: BlockDevice;
  readonly size: number;
  readonly unitOrder: number;

  constructor(context: FileReadContext, inode: DecodedInode) {
    const { compressed, logClusterSize, size } = inode.fields;
    const { cache } = context.store.blocks.mapping;
    this.unitOrder = compressed ? logClusterSize : 0;
    this.mapping = new Mapping(cache, { name: `ino ${inode.ino}`, orderMin: this.unitOrder });
    this.operations = new FileMap(context, inode);
    this.device = context.store.device;
    this.size = size;
  }
}
