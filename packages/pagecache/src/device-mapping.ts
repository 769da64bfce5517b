// The cache of a device's own blocks, by block number: for structures that lie at fixed places.
//
// What `peek` and `get` return is memory of the cache: good until the next wait. Who keeps a block longer takes a `copy`.

import type { BlockDevice } from '@f2fskit/block';
import type { Task } from '@f2fskit/task';
import type { Folio } from './folio.ts';
import { PAGE_SIZE } from './frame-allocator.ts';
import { Mapping } from './mapping.ts';
import type { PageCache } from './page-cache.ts';
import { peekPage, readPage } from './read-page.ts';

/** A block of a device: 4096 bytes. */
export interface BlockCopy {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export class DeviceMapping {
  readonly device: BlockDevice;
  readonly mapping: Mapping;
  /** Blocks that were not cached. */
  misses = 0;

  constructor(cache: PageCache, device: BlockDevice) {
    this.device = device;
    this.mapping = new Mapping(cache, { name: 'device', orderMax: 0, urgent: true });
  }

  /** The block if it is cached; valid until the next wait. */
  peek(block: number): Folio | undefined {
    return peekPage(this.mapping, block);
  }

  /** The block, read if need be; valid until the next wait. Throws EIO naming device and offset. */
  *get(block: number): Task<Folio> {
    const cached = peekPage(this.mapping, block);
    if (cached !== undefined) return cached;
    this.misses++;
    return yield* readPage(this.mapping, block, this.device, block * PAGE_SIZE);
  }

  /** A copy of the block, which stays as it is. Throws EIO naming device and offset. */
  *copy(block: number): Task<BlockCopy> {
    const bytes = (yield* this.get(block)).bytes.slice();
    return { address: block, bytes, view: new DataView(bytes.buffer) };
  }
}
