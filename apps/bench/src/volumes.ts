// Volumes for the benches, made in memory: their content is what matters, and that nothing else is needed.

import { MemoryDevice, writeBytes } from '@f2fskit/block';
import type { F2fsInode } from '@f2fskit/f2fs';
import { BLOCK_SIZE, COMPRESS_ADDRESS, Feature, FileType, NEW_ADDRESS, ROOT_INO } from '@f2fskit/f2fs-format';
import { BlockMapping, mapBlocks } from '@f2fskit/f2fs-node';
import { runSync } from '@f2fskit/task';
import { loadGolden, VolumeBuilder, writeBigFile } from '@f2fskit/testkit';
import { openVolumeSync } from 'f2fskit';

/**
 * A device of zeros whose memory is there. A log goes around the whole device, and to get memory from the host takes longer than to
 * compress what is written to it.
 */
export function filledDevice(bytes: number): MemoryDevice {
  const device = new MemoryDevice(bytes);
  const zeros = new Uint8Array(1 << 20);
  for (let at = 0; at < bytes; at += zeros.length) {
    runSync(writeBytes(device, at, zeros.subarray(0, bytes - at)));
  }
  return device;
}

/** A volume with one file `/big`, as one piece of memory. */
function finish(volume: VolumeBuilder, ino: number): MemoryDevice {
  volume.directory(ROOT_INO, [{ name: 'big', ino, fileType: FileType.regular }]);
  return MemoryDevice.from(volume.image.toBytes());
}

function builderFor(bytes: number, features = 0): VolumeBuilder {
  return new VolumeBuilder({ mainSegments: 16 + Math.ceil(bytes / (512 * BLOCK_SIZE)), features });
}

/** Bytes that look like text and do not repeat soon. */
function textBlock(seed: number): Uint8Array {
  const bytes = new Uint8Array(BLOCK_SIZE);
  for (let at = 0; at < BLOCK_SIZE; at++) bytes[at] = 32 + ((at * 7 + (at >> 5) * seed + seed) % 90);
  return bytes;
}

/** `/big` of so many bytes, in blocks that follow each other. */
export function plainVolume(bytes: number): MemoryDevice {
  const volume = builderFor(bytes);
  const slots = new Uint32Array(bytes / BLOCK_SIZE);
  for (let index = 0; index < slots.length; index++) {
    slots[index] = volume.block();
    volume.write(slots[index]!, textBlock(index));
  }
  return finish(volume, writeBigFile(volume, { size: bytes, slots }));
}

/** `/big` of so many bytes without a block. */
export function holeVolume(bytes: number): MemoryDevice {
  const volume = builderFor(0);
  return finish(volume, writeBigFile(volume, { size: bytes, slots: [] }));
}

/** A compressed volume, and the compressed clusters themselves. */
export interface CompressedVolume {
  device: MemoryDevice;
  clusterBytes: number;
  /** Payload of each cluster as on the volume: header, data, padding. */
  payloads: Uint8Array[];
}

/**
 * `/big` of so many bytes in LZ4 clusters of 64 KiB: the clusters that Linux wrote into a golden volume, again and again.
 */
export function compressedVolume(bytes: number): CompressedVolume {
  const clusterBlocks = 16;
  const device = loadGolden('compress-lz4-16').device;
  const golden = openVolumeSync(device);
  const inode = golden.scheduler.runSync(golden.vfs.walk('/c/big')).inode as F2fsInode;
  const payloads: Uint8Array[] = [];
  const mapping = new BlockMapping();
  for (let at = 0; at < Math.ceil(inode.fields.size / BLOCK_SIZE); at = mapping.end) {
    golden.scheduler.runSync(mapBlocks(golden.f2fs.store, inode.raw, at, at + clusterBlocks, mapping));
    if (mapping.kind !== 'compressed') continue;
    const blocks = [...mapping.payload.subarray(0, mapping.payloadLength)];
    const payload = new Uint8Array(blocks.length * BLOCK_SIZE);
    for (const [index, address] of blocks.entries()) {
      payload.set(device.toBytes(address * BLOCK_SIZE, BLOCK_SIZE), index * BLOCK_SIZE);
    }
    payloads.push(payload);
  }
  const volume = builderFor(bytes, Feature.compression | Feature.extraAttr);
  const slots = new Uint32Array(bytes / BLOCK_SIZE);
  const used: Uint8Array[] = [];
  for (let start = 0; start < slots.length; start += clusterBlocks) {
    const payload = payloads[used.length % payloads.length]!;
    used.push(payload);
    slots.fill(NEW_ADDRESS, start, start + clusterBlocks);
    slots[start] = COMPRESS_ADDRESS;
    for (let index = 0; index < payload.length / BLOCK_SIZE; index++) {
      const address = volume.block();
      volume.write(address, payload.slice(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE));
      slots[start + 1 + index] = address;
    }
  }
  const { compressAlgorithm: algorithm } = inode.fields;
  const ino = writeBigFile(volume, { size: bytes, slots, compression: { algorithm, logClusterSize: 4 } });
  return { device: finish(volume, ino), clusterBytes: clusterBlocks * BLOCK_SIZE, payloads: used };
}
