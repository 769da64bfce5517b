// What reading a file needs, without a mount: a store on any device, and a buffer pool that knows what it gave away.

import type { BlockDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { NodeAddressTable, NodeStore } from '@f2fskit/f2fs-node';
import type { TestVolume } from '@f2fskit/f2fs-node/test-volume';
import { DeviceMapping, PageCache, type PageCacheOptions } from '@f2fskit/pagecache';
import { BufferPool } from '../src/buffer-pool.ts';
import type { FileReadContext } from '../src/file-data.ts';

/** Counts the buffers that are out, and refuses one that is given twice. */
export class WatchedPool extends BufferPool {
  readonly out = new Set<Uint8Array>();
  taken = 0;
  /** Called before a buffer comes back. */
  onGive: () => void = () => {};

  override take(size: number): Uint8Array {
    const buffer = super.take(size);
    if (this.out.has(buffer)) throw new Error('a buffer was given to two users');
    this.out.add(buffer);
    this.taken++;
    return buffer.fill(0xaa); // its content is undefined: nobody may count on zeros
  }

  override give(buffer: Uint8Array): void {
    this.onGive();
    if (!this.out.delete(buffer)) throw new Error('a buffer came back that was not out');
    super.give(buffer);
  }
}

export function contextOf(
  volume: TestVolume,
  device: BlockDevice = volume.device,
  cache: PageCacheOptions = {},
): FileReadContext & { buffers: WatchedPool } {
  const blocks = new DeviceMapping(new PageCache({ poison: true, ...cache }), device);
  const nat = new NodeAddressTable(volume.superblock, blocks, volume.natBitmap, []);
  return {
    store: new NodeStore(volume.superblock, blocks, nat),
    codecs: defaultCodecs(),
    buffers: new WatchedPool(),
    ignoreClusterChecksums: false,
    writer: undefined,
  };
}
