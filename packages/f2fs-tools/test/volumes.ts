// Golden volumes, mounted, and damaged copies of them.

import type { MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { type F2fsVolume, mountF2fs } from '@f2fskit/f2fs';
import { runSync } from '@f2fskit/task';
import { loadGolden, readImageBlock, writeImageBlock } from '@f2fskit/testkit';
import { Vfs } from '@f2fskit/vfs';

/** Mounts a device with every codec. */
export function mount(device: MemoryDevice): F2fsVolume {
  return runSync(mountF2fs(device, { codecs: defaultCodecs() }));
}

const mounted = new Map<string, F2fsVolume>();

/** A golden volume, mounted once. */
export function goldenVolume(name: string): F2fsVolume {
  let volume = mounted.get(name);
  if (volume === undefined) {
    volume = mount(loadGolden(name).device);
    mounted.set(name, volume);
  }
  return volume;
}

/** A copy of a golden volume with some blocks changed. */
export function damaged(name: string, changes: Readonly<Record<number, (view: DataView) => void>>): MemoryDevice {
  const device = loadGolden(name).device.clone();
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
