// What the tests of this package share beside the volume.

import { type BlockDevice, StatisticsDevice } from '@f2fskit/block';
import { Corruption, FsError } from '@f2fskit/errno';
import type { NatRecord } from '@f2fskit/f2fs-format';
import { DeviceMapping, PageCache } from '@f2fskit/pagecache';
import { runSync, type Task } from '@f2fskit/task';
import { expect } from 'vitest';
import { BlockMapping, type DecodedInode, mapBlocks, NodeAddressTable, NodeStore } from '../src/index.ts';
import type { TestInode, TestVolume } from './test-volume.ts';

export function storeOf(volume: TestVolume, device: BlockDevice = volume.device, journal: NatRecord[] = []): NodeStore {
  const blocks = new DeviceMapping(new PageCache({ poison: true }), device);
  const nat = new NodeAddressTable(volume.superblock, blocks, volume.natBitmap, journal);
  return new NodeStore(volume.superblock, blocks, nat);
}

/** An inode read through a new store, and the store's device, which counts what comes after. */
export function reopen(
  volume: TestVolume,
  ino: number,
): { store: NodeStore; inode: DecodedInode; device: StatisticsDevice } {
  const device = new StatisticsDevice(volume.device);
  const store = storeOf(volume, device);
  const inode = runSync(store.readInode(ino));
  device.reset();
  return { store, inode, device };
}

/** Writes the inode, and as {@link reopen}. */
export function openInode(volume: TestVolume, ino: number, description: TestInode): ReturnType<typeof reopen> {
  volume.inode(ino, description);
  return reopen(volume, ino);
}

/** One run as a plain value. */
export interface Run {
  kind: string;
  start: number;
  length: number;
  address?: number;
  payload?: number[];
}

export function mapOnce(store: NodeStore, inode: DecodedInode, fileBlock: number, end: number): Run {
  const mapping = new BlockMapping();
  runSync(mapBlocks(store, inode, fileBlock, end, mapping));
  return plain(mapping);
}

export function plain({ kind, start, length, address, payload, payloadLength }: BlockMapping): Run {
  if (kind === 'raw') return { kind, start, length, address };
  if (kind === 'compressed') return { kind, start, length, payload: [...payload.subarray(0, payloadLength)] };
  return { kind, start, length };
}

/** Runs the task and returns the FsError it throws; anything else fails the test. */
export function errorOf(task: Task<unknown>): FsError {
  try {
    runSync(task);
  } catch (error) {
    if (error instanceof FsError) return error;
    throw error;
  }
  return expect.unreachable('nothing was thrown');
}

/** Runs the task and returns the Corruption it throws. */
export function corruptionOf(task: Task<unknown>): Corruption {
  const error = errorOf(task);
  expect(error, error.message).toBeInstanceOf(Corruption);
  return error as Corruption;
}
