// Disks with a partition table.

import { viewOf } from '@f2fskit/ondisk';
import { crc32 } from '../crc32.ts';
import { GPT_SIGNATURE, GptEntry, GptHeader } from '../gpt.ts';
import { MBR_SIGNATURE, Mbr, MbrEntry } from '../mbr.ts';
import { guidBytes, PROTECTIVE_MBR_TYPE } from '../partition-types.ts';

/** What goes into a partition. Partitions lie one behind the other, each in whole sectors. */
export interface DiskPartition {
  readonly content: Uint8Array;
  /** For GPT. */
  readonly name?: string;
  /** A GUID for GPT, a number for MBR; Linux data unless given. */
  readonly type?: string | number;
}

export interface GptDiskOptions {
  /** 512 (default) or 4096. */
  sectorSize?: number;
  entryCount?: number;
  entrySize?: number;
}

const LINUX_GUID = '0fc63daf-8483-4772-8e79-3d69d8477de4';

function sectorsOf(bytes: number, sectorSize: number): number {
  return Math.ceil(bytes / sectorSize);
}

/** A disk with both copies of a GPT. Partition numbers count from 1 in the order given. */
export function buildGptDisk(partitions: readonly DiskPartition[], options: GptDiskOptions = {}): Uint8Array {
  const { sectorSize = 512, entryCount = 128, entrySize = 128 } = options;
  const arraySectors = sectorsOf(entryCount * entrySize, sectorSize);
  const contentSectors = partitions.reduce((sum, { content }) => sum + sectorsOf(content.length, sectorSize), 0);
  const first = 2 + arraySectors;
  const sectors = first + contentSectors + arraySectors + 1;
  const disk = new Uint8Array(sectors * sectorSize);
  const array = new Uint8Array(entryCount * entrySize);
  let next = first;
  for (const [index, partition] of partitions.entries()) {
    const count = sectorsOf(partition.content.length, sectorSize);
    writeGptEntry(array, index * entrySize, partition, next, next + count - 1);
    disk.set(partition.content, next * sectorSize);
    next += count;
  }
  writeMbrEntry(disk, 0, 0, PROTECTIVE_MBR_TYPE, 1, Math.min(sectors - 1, 0xffffffff));
  const last = sectors - 1;
  for (const [own, other, entries] of [
    [1, last, 2],
    [last, 1, last - arraySectors],
  ] as const) {
    disk.set(array, entries * sectorSize);
    const header = disk.subarray(own * sectorSize, own * sectorSize + sectorSize);
    const view = viewOf(header);
    header.set(Uint8Array.from(GPT_SIGNATURE, (character) => character.charCodeAt(0)));
    GptHeader.revision.set(view, 0, 0x10000);
    GptHeader.headerSize.set(view, 0, GptHeader.$size);
    GptHeader.ownSector.set(view, 0, own);
    GptHeader.otherSector.set(view, 0, other);
    GptHeader.firstUsableSector.set(view, 0, first);
    GptHeader.lastUsableSector.set(view, 0, last - arraySectors - 1);
    GptHeader.diskGuid.set(view, 0, guidBytes('6b1f0a52-1c2d-4e3f-8a9b-0c1d2e3f4a5b'));
    GptHeader.entriesSector.set(view, 0, entries);
    GptHeader.entryCount.set(view, 0, entryCount);
    GptHeader.entrySize.set(view, 0, entrySize);
    GptHeader.entriesChecksum.set(view, 0, crc32(array));
    GptHeader.headerChecksum.set(view, 0, crc32(header.subarray(0, GptHeader.$size)));
  }
  return disk;
}

function writeGptEntry(array: Uint8Array, at: number, partition: DiskPartition, first: number, last: number): void {
  const view = viewOf(array);
  GptEntry.typeGuid.set(view, at, guidBytes(String(partition.type ?? LINUX_GUID)));
  GptEntry.uniqueGuid.set(view, at, guidBytes(`00000000-0000-4000-8000-${String(at + 1).padStart(12, '0')}`));
  GptEntry.firstSector.set(view, at, first);
  GptEntry.lastSector.set(view, at, last);
  const name = partition.name ?? '';
  for (let index = 0; index < Math.min(name.length, GptEntry.name.length); index++) {
    GptEntry.name.set(view, at, index, name.charCodeAt(index));
  }
}

/**
 * A disk with an MBR: `primary` ones first (at most four, at most three with logical ones), then `logical` ones in an
 * extended partition behind them. Sectors of 512 bytes.
 */
export function buildMbrDisk(primary: readonly DiskPartition[], logical: readonly DiskPartition[] = []): Uint8Array {
  const size = 512;
  const contents = [...primary, ...logical].reduce((sum, { content }) => sum + sectorsOf(content.length, size), 0);
  const disk = new Uint8Array((1 + contents + logical.length) * size);
  let next = 1;
  for (const [index, { content, type }] of primary.entries()) {
    const count = sectorsOf(content.length, size);
    writeMbrEntry(disk, 0, index, Number(type ?? 0x83), next, count);
    disk.set(content, next * size);
    next += count;
  }
  const extendedStart = next;
  if (logical.length > 0) writeMbrEntry(disk, 0, primary.length, 0x05, next, disk.length / size - next);
  for (const [index, { content, type }] of logical.entries()) {
    const count = sectorsOf(content.length, size);
    writeMbrEntry(disk, next * size, 0, Number(type ?? 0x83), 1, count);
    disk.set(content, (next + 1) * size);
    const following = logical[index + 1];
    if (following !== undefined) {
      const from = next + 1 + count - extendedStart;
      writeMbrEntry(disk, next * size, 1, 0x05, from, 1 + sectorsOf(following.content.length, size));
    }
    next += 1 + count;
  }
  return disk;
}

/** Writes one entry of the sector at `at`, and its signature. */
function writeMbrEntry(disk: Uint8Array, at: number, index: number, type: number, first: number, count: number): void {
  const view = viewOf(disk);
  const entry = Mbr.entries.at(at, index);
  MbrEntry.type.set(view, entry, type);
  MbrEntry.firstSector.set(view, entry, first);
  MbrEntry.sectors.set(view, entry, count);
  Mbr.signature.set(view, at, MBR_SIGNATURE);
}
