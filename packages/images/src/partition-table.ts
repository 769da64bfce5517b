// What every partition table comes down to: numbered ranges of a disk.

import type { BlockDevice } from '@f2fskit/block';
import { sectorStart } from './byte-range.ts';

/** One partition. */
export interface Partition {
  /** As Linux counts: from 1; logical ones of an MBR from 5. */
  readonly number: number;
  /** GPT names its partitions; empty where there is no name. */
  readonly name: string;
  /** What the table says it is for: a name where the code is known, else the code. Says nothing about the content. */
  readonly type: string;
  /** The code itself: a GUID in the usual form, or `0x83`. */
  readonly typeCode: string;
  /** Where it begins on the disk, in bytes, a multiple of 512. */
  readonly offset: number;
  /** Bytes that are there; fewer than the table says where the disk ends before the partition does. */
  readonly size: number;
}

export interface PartitionTable {
  readonly scheme: 'GPT' | 'MBR';
  /** In the order of their numbers. */
  readonly partitions: readonly Partition[];
  /** What is wrong with the table although it can be used: sentences. */
  readonly problems: readonly string[];
}

/** `#3`, or `#3 (userdata)`: how messages name a partition. */
export function partitionLabel({ number, name }: Partition): string {
  return name === '' ? `#${number}` : `#${number} (${name})`;
}

/**
 * The part of a partition that lies on the device, as what a table says is only a claim. A partition that is cut, or
 * begins behind the end, is told to `problems`.
 */
export function clampPartition(device: BlockDevice, partition: Partition, problems: string[]): Partition {
  const { offset, size } = partition;
  if (offset + size <= device.size) return partition;
  const found = sectorStart(Math.max(0, device.size - offset));
  const missing = found === 0 ? 'lies behind the end' : `is cut to ${found} of ${size} bytes by the end`;
  problems.push(`partition ${partitionLabel(partition)} ${missing} of ${device.name}`);
  return { ...partition, offset: Math.min(offset, sectorStart(device.size)), size: found };
}
