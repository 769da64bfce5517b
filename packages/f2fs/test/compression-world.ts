// A golden volume with compression that is changed by paths, left, judged by fsck.f2fs and read again.

import type { BlockDevice, MemoryDevice } from '@f2fskit/block';
import { defaultCodecs } from '@f2fskit/codecs';
import { FsError } from '@f2fskit/errno';
import { type InodeFields, isMainAddress } from '@f2fskit/f2fs-format';
import { locateDnode } from '@f2fskit/f2fs-node';
import { fixedClock, runSync, seededRandom, type Task } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import {
  BytesSource,
  type FileCompression,
  type FileCompressionUsage,
  utf8Decode,
  utf8Encode,
  Vfs,
} from '@f2fskit/vfs';
import { expect } from 'vitest';
import { treeNodes } from '../src/compression/tree-nodes.ts';
import { type F2fsInode, type F2fsVolume, fileUsage, type MountOptions, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';

const OWNER = { mode: 0o640, uid: 1000, gid: 1001 };
export const clock = fixedClock(1_900_000_000, 7);

export function mounted(device: BlockDevice, options: MountOptions = {}): F2fsVolume {
  return runSync(
    mountF2fs(device, { writable: true, codecs: defaultCodecs(), clock, random: seededRandom(1), ...options }),
  );
}

export class CompressionWorld {
  readonly device: MemoryDevice;
  readonly volume: F2fsVolume;
  readonly vfs: Vfs;

  constructor(name: string, options: MountOptions = {}) {
    this.device = loadGolden(name).device.clone();
    this.volume = mounted(this.device, options);
    this.vfs = new Vfs(this.volume);
  }

  get writer() {
    return this.volume.writer!;
  }

  inode(path: string): F2fsInode {
    return runSync(this.vfs.walk(path, { followLast: false })).inode as F2fsInode;
  }

  fields(path: string): InodeFields {
    return this.inode(path).fields;
  }

  names(path: string): string[] {
    return runSync(this.vfs.readDirectory(path)).map(({ name }) => utf8Decode(name));
  }

  /** A new file or directory; its contents are written as usual. */
  make(path: string, contents?: Uint8Array | 'directory'): F2fsInode {
    const at = path.lastIndexOf('/');
    const parent = this.inode(path.slice(0, at) || '/');
    const name = utf8Encode(path.slice(at + 1));
    if (contents === 'directory') return runSync(parent.mkdir(name, { ...OWNER, mode: 0o755 })) as F2fsInode;
    const inode = runSync(parent.create(name, OWNER)) as F2fsInode;
    if (contents !== undefined) this.write(inode, 0, contents);
    return inode;
  }

  write(inode: F2fsInode, position: number, contents: Uint8Array): void {
    expect(runSync(inode.write(position, new BytesSource(contents))).bytes).toBe(contents.length);
  }

  read(path: string): Uint8Array {
    return runSync(this.vfs.readFile(path));
  }

  using<T>(path: string, body: (compression: FileCompression) => Task<T>): T {
    return runSync(this.vfs.useCompression(path, body));
  }

  usage(path: string): FileCompressionUsage {
    return this.using(path, (compression) => compression.usage());
  }

  /** Leaves the volume; the same volume, mounted for reading. */
  leave(): F2fsVolume {
    runSync(this.volume.unmount());
    if (judged) expect(objections(this.device)).toBe('');
    return runSync(mountF2fs(this.device, { codecs: defaultCodecs() }));
  }
}

/** That nodes and blocks of a file say that they are its own, and are counted as what they are. */
export function expectOwned(world: CompressionWorld, path: string): void {
  const { raw, savedBlocks, ino } = world.inode(path);
  const { store } = world.volume;
  const { nat, superblock } = store;
  const usage = runSync(fileUsage(store, raw));
  expect([path, savedBlocks]).toEqual([path, usage.savedBlocks]);
  const nodes = runSync(treeNodes(store, raw));
  for (const { nid } of nodes) expect(runSync(nat.lookup(nid)).ino).toBe(ino);
  let blocks = 0;
  const end = Math.ceil(raw.fields.size / 4096);
  for (let at = 0; at < end; ) {
    const range = runSync(locateDnode(store, raw, at));
    at = range.end;
    if (range.hole) continue;
    const { node, slotOffset, start, nid } = range;
    const addresses = Array.from({ length: range.end - start }, (_, k) =>
      node.view.getUint32(slotOffset + 4 * k, true),
    );
    for (const [offsetInNode, address] of addresses.entries()) {
      if (!isMainAddress(superblock, address)) continue;
      expect(runSync(world.writer.allocator.ownerOf(address))).toMatchObject({ nid, offsetInNode });
      blocks++;
    }
  }
  expect(blocks).toBe(usage.storedBlocks);
  const { xattrNid } = raw.fields;
  const counted = 1 + nodes.length + (xattrNid === 0 ? 0 : 1) + blocks + usage.reservedBlocks + usage.savedBlocks;
  expect(raw.fields.blocks).toBe(counted);
}

export function codeOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** Text that compresses about 1 to 3, different in every block. */
export function textOf(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  const random = seededRandom(seed);
  for (let at = 0; at < size; ) {
    const word = random.below(64);
    for (let k = 0; k < 12 && at < size; k++) bytes[at++] = 0x61 + ((word * (k + 3)) % 26);
  }
  return bytes;
}

export function noiseOf(size: number, seed = 1): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => random.below(256));
}
