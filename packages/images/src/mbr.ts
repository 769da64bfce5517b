// Partition tables of the PC's boot sector. Four entries at byte 446; one of them may be an extended partition: a chain
// of sectors, each with the entry of one logical partition and the link to the next sector. Sectors are taken to be of
// 512 bytes, which is what such a table nearly always counts in.

import { type BlockDevice, readBytes, SECTOR_SIZE } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { bytes, struct, structs, u8, u16, u32, viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { corrupt } from './corruption.ts';
import { clampPartition, type Partition, type PartitionTable } from './partition-table.ts';
import { extendedMbrTypes, mbrTypeCode, mbrTypeName, PROTECTIVE_MBR_TYPE } from './partition-types.ts';

export const MbrEntry = struct('mbr_partition', 16, {
  status: u8(0, '0x80: boot from it; else 0'),
  firstChs: bytes(1, 3),
  type: u8(4, '0: not used'),
  lastChs: bytes(5, 3),
  firstSector: u32(8, 'of the disk; of a link: from the extended partition on; of a logical one: from its sector on'),
  sectors: u32(12),
});

export const Mbr = struct('mbr', 512, {
  code: bytes(0, 446),
  entries: structs(446, MbrEntry, 4),
  signature: u16(510, '0xaa55'),
});

export const MBR_SIGNATURE = 0xaa55;

/** More logical partitions than Linux has numbers for. */
const LOGICAL_MAX = 256;
/** Where the numbers of logical partitions begin. */
const FIRST_LOGICAL = 5;

interface Entry {
  readonly status: number;
  readonly type: number;
  readonly firstSector: number;
  readonly sectors: number;
}

function entriesOf(sector: Uint8Array): Entry[] {
  const view = viewOf(sector);
  return [0, 1, 2, 3].map((index) => {
    const at = Mbr.entries.at(0, index);
    return {
      status: MbrEntry.status.get(view, at),
      type: MbrEntry.type.get(view, at),
      firstSector: MbrEntry.firstSector.get(view, at),
      sectors: MbrEntry.sectors.get(view, at),
    };
  });
}

function isUsed({ type, sectors }: Entry): boolean {
  return type !== 0 && sectors > 0;
}

function hasSignature(sector: Uint8Array): boolean {
  return sector.length >= SECTOR_SIZE && Mbr.signature.get(viewOf(sector), 0) === MBR_SIGNATURE;
}

/**
 * Whether the first sector of a disk is a partition table, and not the boot sector of something else, which has the same
 * two bytes at its end: every entry has a status that exists, at least one is used, and none begins at sector 0.
 */
export function looksLikeMbr(sector: Uint8Array): boolean {
  if (!hasSignature(sector)) return false;
  const entries = entriesOf(sector);
  const used = entries.filter(isUsed);
  return (
    entries.every(({ status }) => status === 0 || status === 0x80) &&
    used.length > 0 &&
    used.every(({ firstSector }) => firstSector > 0)
  );
}

/** Whether the first sector says that the disk has a GPT. */
export function isProtectiveMbr(sector: Uint8Array): boolean {
  return looksLikeMbr(sector) && entriesOf(sector).some(({ type }) => type === PROTECTIVE_MBR_TYPE);
}

/**
 * Reads the table. Throws Corruption where the boot sector has no signature, and what reading throws. A chain of
 * logical partitions that is broken ends there, and is a problem of the table.
 */
export function* readMbr(device: BlockDevice): Task<PartitionTable> {
  const sector = yield* readSector(device, 0);
  if (!hasSignature(sector)) {
    const detail = 'this is no boot sector: name no partition, or repair the table (sfdisk --verify IMAGE)';
    throw corrupt('mbrSignature', 510, {
      expected: MBR_SIGNATURE,
      found: Mbr.signature.get(viewOf(sector), 0),
      detail,
    });
  }
  const partitions: Partition[] = [];
  const problems: string[] = [];
  for (const [index, entry] of entriesOf(sector).entries()) {
    if (!isUsed(entry) || entry.firstSector === 0) continue; // a disk is no partition of itself
    if (!extendedMbrTypes.includes(entry.type)) {
      partitions.push(clampPartition(device, partitionOf(entry, index + 1, 0), problems));
      continue;
    }
    const numbers = partitions.filter(({ number }) => number >= FIRST_LOGICAL).length;
    yield* readLogical(device, entry.firstSector, FIRST_LOGICAL + numbers, partitions, problems);
  }
  partitions.sort((a, b) => a.number - b.number);
  return { scheme: 'MBR', partitions, problems };
}

/** Follows the chain of one extended partition, whose links count from `extendedStart`, in sectors. */
function* readLogical(
  device: BlockDevice,
  extendedStart: number,
  firstNumber: number,
  partitions: Partition[],
  problems: string[],
): Task<void> {
  const detail = 'logical partitions behind it are not shown: repair the table (sfdisk --verify IMAGE)';
  const seen = new Set<number>();
  let number = firstNumber;
  for (let at: number | undefined = extendedStart; at !== undefined; ) {
    const offset = at * SECTOR_SIZE;
    if (seen.has(at) || seen.size === LOGICAL_MAX) {
      const expected = `a chain of at most ${LOGICAL_MAX} sectors without a loop`;
      problems.push(corrupt('mbrLogicalChain', offset, { expected, found: 'a loop or more', detail }).message);
      return;
    }
    seen.add(at);
    if (offset + SECTOR_SIZE > device.size) {
      const found = 'behind the end';
      problems.push(
        corrupt('mbrLogicalChain', offset, { expected: `a sector of ${device.name}`, found, detail }).message,
      );
      return;
    }
    let sector: Uint8Array;
    try {
      sector = yield* readSector(device, offset);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      problems.push(`${error.message}: ${detail}`);
      return;
    }
    if (!hasSignature(sector)) {
      const found = Mbr.signature.get(viewOf(sector), 0);
      problems.push(corrupt('mbrLogicalSignature', offset + 510, { expected: MBR_SIGNATURE, found, detail }).message);
      return;
    }
    let next: number | undefined;
    for (const entry of entriesOf(sector).slice(0, 2)) {
      if (!isUsed(entry) || entry.firstSector === 0) continue;
      if (extendedMbrTypes.includes(entry.type)) next = extendedStart + entry.firstSector;
      else partitions.push(clampPartition(device, partitionOf(entry, number++, at), problems));
    }
    at = next;
  }
}

function* readSector(device: BlockDevice, offset: number): Task<Uint8Array> {
  const sector = new Uint8Array(SECTOR_SIZE);
  yield* readBytes(device, offset, sector);
  return sector;
}

/** `base` is the sector that the entry counts from. */
function partitionOf({ type, firstSector, sectors }: Entry, number: number, base: number): Partition {
  return {
    number,
    name: '',
    type: mbrTypeName(type),
    typeCode: mbrTypeCode(type),
    offset: (base + firstSector) * SECTOR_SIZE,
    size: sectors * SECTOR_SIZE,
  };
}
