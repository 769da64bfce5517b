// Golden volumes, mounted, and damaged copies of them. `plain` is a pinned one (test/fixtures): tests name its blocks.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { type F2fsVolume, mountF2fs } from '@f2fskit/f2fs';
import { runSync } from '@f2fskit/task';
import { loadGolden, readImageBlock, sparseDevice, writeImageBlock } from '@f2fskit/testkit';
import { Vfs } from '@f2fskit/vfs';

/** Mounts a device with every codec, at its checkpoint: what is dumped and checked is what lies there. */
export function mount(device: MemoryDevice): F2fsVolume {
  return runSync(mountF2fs(device, { codecs: defaultCodecs(), norecovery: true }));
}

let pinned: MemoryDevice | undefined;

/** The device of a golden volume, or of the pinned one. Never written to. */
export function goldenDevice(name: string): MemoryDevice {
  if (name !== 'plain') return loadGolden(name).device;
  pinned ??= sparseDevice(gunzipSync(readFileSync(new URL('fixtures/plain.img.gz', import.meta.url))), name);
  return pinned;
}

/** What Linux says the pinned volume holds. */
export function pinnedManifest(): string {
  return readFileSync(new URL('fixtures/plain.manifest', import.meta.url), 'utf8');
}

const mounted = new Map<string, F2fsVolume>();

/** A golden volume, mounted once. */
export function goldenVolume(name: string): F2fsVolume {
  let volume = mounted.get(name);
  if (volume === undefined) {
    volume = mount(goldenDevice(name));
    mounted.set(name, volume);
  }
  return volume;
}

/** A copy of a golden volume with some blocks changed. */
export function damaged(name: string, changes: Readonly<Record<number, (view: DataView) => void>>): MemoryDevice {
  const device = goldenDevice(name).clone();
  for (const [address, change] of Object.entries(changes)) {
    const block = readImageBlock(device, Number(address));
    change(block.view);
    writeImageBlock(device, Number(address), block.bytes);
  }
  return device;
}

/** The inode number of a path. */
export function inoOf(volume: F2fsVolume, path: string): number {
  return runSync(new Vfs(volume).walk(path, { followLast: false })).inode.ino;
}
