// A file's blocks as iomap sees them:
//
//   NULL_ADDR              hole
//   NEW_ADDR               unwritten: reserved, no place on the device yet
//   address                mapped
//   compressed cluster     private: one cluster whole, `map.private` is its {@link ClusterMapping}
//   contents in the inode  inline
//
// Source: spec 6.2, 9.5, 9.6 of buffered I/O; kernel fs/f2fs/data.c.

import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { BlockMapping, type DecodedInode, mapBlocks } from '@f2fskit/f2fs-node';
import type { FolioRead, Iomap, ReadBatch, ReadOperations } from '@f2fskit/iomap';
import type { Task } from '@f2fskit/task';
import { readCluster } from './cluster-read.ts';
import type { FileReadContext } from './file-data.ts';
import { hasInlineData, readInlineData } from './inline-data.ts';

/** A compressed cluster: file blocks [start, start + blocks), and where its payload lies. */
export interface ClusterMapping {
  start: number;
  blocks: number;
  /** Addresses of the payload blocks, 1 … blocks - 1 of them. */
  payload: Uint32Array;
}

/** A file as it is now: what its inode decodes to is another object after each change. */
export interface MappedFile {
  readonly raw: DecodedInode;
  /** Bytes. */
  readonly size: number;
  /** Blocks that another file has for it: they hide its own. */
  readonly overlay?: DecodedInode | undefined;
}

export class FileMap implements ReadOperations {
  readonly #context: FileReadContext;
  readonly #file: MappedFile;
  /** Used again by the next `begin`; calls that overlap make one each. Nobody waits between its return and its use. */
  #spare: BlockMapping | undefined = undefined;

  constructor(context: FileReadContext, file: MappedFile) {
    this.#context = context;
    this.#file = file;
  }

  /** Throws Corruption blockAddress, clusterLayout and what reading nodes throws. */
  *begin(position: number, length: number, _request: number, map: Iomap): Task<void> {
    const layout = this.#context.writer?.layout;
    if (layout === undefined) yield* this.#find(position, length, map);
    else {
      if (!layout.tryLockShared()) yield* layout.waitShared();
      try {
        yield* this.#find(position, length, map);
      } finally {
        layout.unlockShared();
      }
    }
  }

  *#find(position: number, length: number, map: Iomap): Task<void> {
    const { raw, overlay } = this.#file;
    if (hasInlineData(raw)) {
      const inline = yield* readInlineData(this.#context.store, raw);
      map.kind = 'inline';
      map.length = Math.max(inline.length, position + length);
      map.inline = inline;
      return;
    }
    const first = Math.floor(position / BLOCK_SIZE);
    const end = Math.ceil((position + length) / BLOCK_SIZE);
    const run = this.#spare ?? new BlockMapping();
    this.#spare = undefined;
    try {
      const { store } = this.#context;
      if (overlay !== undefined) yield* mapBlocks(store, overlay, first, end, run);
      if (overlay === undefined || run.kind !== 'raw') {
        yield* mapBlocks(store, raw, first, overlay === undefined ? end : run.end, run);
      }
    } finally {
      // Also after a throw: these are the blocks that the damage hides.
      map.offset = run.start * BLOCK_SIZE;
      map.length = run.length * BLOCK_SIZE;
      this.#spare = run;
    }
    switch (run.kind) {
      case 'hole':
        map.kind = 'hole';
        break;
      case 'reserved':
        map.kind = 'unwritten';
        break;
      case 'raw':
        map.kind = 'mapped';
        map.address = run.address * BLOCK_SIZE;
        break;
      case 'compressed': {
        const payload = run.payload.slice(0, run.payloadLength);
        map.kind = 'private';
        map.address = payload[0]! * BLOCK_SIZE;
        map.private = { start: run.start, blocks: run.length, payload } satisfies ClusterMapping;
        break;
      }
    }
  }

  readPrivate(batch: ReadBatch, map: Iomap, read: FolioRead, from: number, to: number): void {
    readCluster(this.#context, this.#file.raw, batch, map.private as ClusterMapping, read, from, to);
  }
}
