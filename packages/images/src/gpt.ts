// GUID partition tables. A header in the second sector of the disk, and a copy of it in the last one; each has its own
// array of entries and the checksums of both. Nothing says how large a sector is: the place of the header does. Source:
// UEFI specification 5.3.
//
//   1. the primary header, at byte 512 or 4096; sound with a sound array: that is the table
//   2. else the backup, in the last sector, then where a primary header that was sound by itself said it would be
//   3. else what was wrong with the primary. A sector that cannot be read is damage like any other

import { type BlockDevice, readBytes, SECTOR_SIZE } from '@f2fskit/block';
import { Corruption, FsError } from '@f2fskit/errno';
import { bits64, bytes, struct, u16s, u32, u64, viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import { sectorEnd, sectorStart } from './byte-range.ts';
import { corrupt } from './corruption.ts';
import { crc32 } from './crc32.ts';
import { clampPartition, type Partition, type PartitionTable } from './partition-table.ts';
import { guidText, guidTypeName } from './partition-types.ts';

export const GPT_SIGNATURE = 'EFI PART';
export const gptSectorSizes: readonly number[] = [512, 4096];

export const GptHeader = struct('EFI_PARTITION_TABLE_HEADER', 92, {
  signature: bytes(0, 8, 'EFI PART'),
  revision: u32(8, '1.0'),
  headerSize: u32(12, 'bytes that the checksum covers'),
  headerChecksum: u32(16, 'CRC-32 of the header, itself as zero'),
  reserved: u32(20),
  ownSector: u64(24, 'where this header lies'),
  otherSector: u64(32, 'where the other copy lies'),
  firstUsableSector: u64(40),
  lastUsableSector: u64(48),
  diskGuid: bytes(56, 16),
  entriesSector: u64(72, 'where the array begins'),
  entryCount: u32(80),
  entrySize: u32(84, 'bytes; 128 times a power of two'),
  entriesChecksum: u32(88, 'CRC-32 of the whole array'),
});

export const GptEntry = struct('EFI_PARTITION_ENTRY', 128, {
  typeGuid: bytes(0, 16, 'zeros: not used'),
  uniqueGuid: bytes(16, 16),
  firstSector: u64(32),
  lastSector: u64(40, 'this one belongs to it'),
  attributes: bits64(48),
  name: u16s(56, 36, 'UTF-16, ends at the first 0'),
});

/** Far beyond any tool's table; what is read of an array is at most the product. */
const ENTRIES_MAX = 1024;
const ENTRY_SIZE_MAX = 1024;

const nextStep = 'repair the table (sgdisk --verify IMAGE), or cut the volume out with dd and open that';

/** A header that is sound by itself. */
interface HeaderFields {
  readonly sectorSize: number;
  readonly otherSector: number;
  readonly entriesOffset: number;
  readonly entryCount: number;
  readonly entrySize: number;
  readonly entriesChecksum: number;
}

/** A number that may be anything on the medium: what is not below 2^53 lies behind every end. */
function u64At(field: typeof GptHeader.ownSector, view: DataView, at: number): number {
  return field.fits(view, at) ? field.get(view, at) : Number.MAX_SAFE_INTEGER;
}

/** True when `sector` begins like a GPT header; nothing else is looked at. */
export function hasGptSignature(sector: Uint8Array): boolean {
  return [...GPT_SIGNATURE].every((character, index) => sector[index] === character.charCodeAt(0));
}

/** Reads the table. Throws what is wrong with the primary copy where neither is sound: Corruption, or EIO. */
export function* readGpt(device: BlockDevice): Task<PartitionTable> {
  const failures: FsError[] = [];
  const backups: Array<readonly [offset: number, sectorSize: number]> = gptSectorSizes.map((size) => [
    (Math.floor(device.size / size) - 1) * size,
    size,
  ]);
  for (const sectorSize of gptSectorSizes) {
    const header = yield* attempt(readHeader(device, sectorSize, sectorSize));
    if (!(header instanceof FsError)) backups.push([header.otherSector * sectorSize, sectorSize]);
    const table = header instanceof FsError ? header : yield* attempt(readTable(device, header));
    if (!(table instanceof FsError)) return table;
    failures.push(table);
  }
  // Where a header begins like one, what is wrong with it says more than that there is none at the other place.
  const primary =
    failures.find((error) => !(error instanceof Corruption && error.kind === 'gptSignature')) ?? failures[0]!;
  for (const [offset, sectorSize] of backups) {
    const header = yield* attempt(readHeader(device, offset, sectorSize));
    const table = header instanceof FsError ? header : yield* attempt(readTable(device, header));
    if (table instanceof FsError) continue;
    const problem = `the primary GPT of ${device.name} is damaged, its backup at byte ${offset} is used: ${primary.message}`;
    return { ...table, problems: [problem, ...table.problems] };
  }
  throw primary;
}

/** What the task returns, or the FsError that it throws. */
function* attempt<T>(task: Task<T>): Task<T | FsError> {
  try {
    return yield* task;
  } catch (error) {
    if (error instanceof FsError) return error;
    throw error;
  }
}

function* readHeader(device: BlockDevice, offset: number, sectorSize: number): Task<HeaderFields> {
  const detail = nextStep;
  if (offset < sectorSize || offset + sectorSize > device.size) {
    throw corrupt('gptSignature', Math.max(0, offset), { expected: GPT_SIGNATURE, found: 'no such sector', detail });
  }
  const sector = new Uint8Array(sectorSize);
  yield* readBytes(device, offset, sector);
  const view = viewOf(sector);
  const headerSize = GptHeader.headerSize.get(view, 0);
  const headerChecksum = GptHeader.headerChecksum.get(view, 0);
  const ownSector = u64At(GptHeader.ownSector, view, 0);
  const otherSector = u64At(GptHeader.otherSector, view, 0);
  const entriesSector = u64At(GptHeader.entriesSector, view, 0);
  const entryCount = GptHeader.entryCount.get(view, 0);
  const entrySize = GptHeader.entrySize.get(view, 0);
  const entriesChecksum = GptHeader.entriesChecksum.get(view, 0);

  if (!hasGptSignature(sector)) {
    throw corrupt('gptSignature', offset, { expected: GPT_SIGNATURE, found: 'something else', detail });
  }
  if (headerSize < GptHeader.$size || headerSize > sectorSize) {
    throw corrupt('gptHeaderSize', offset + 12, { expected: `92 to ${sectorSize}`, found: headerSize, detail });
  }
  GptHeader.headerChecksum.set(view, 0, 0);
  const checksum = crc32(sector.subarray(0, headerSize));
  if (checksum !== headerChecksum) {
    throw corrupt('gptHeaderChecksum', offset + 16, { expected: checksum, found: headerChecksum, detail });
  }
  if (ownSector * sectorSize !== offset) {
    throw corrupt('gptHeaderPlace', offset + 24, { expected: offset / sectorSize, found: ownSector, detail });
  }
  if (entrySize < GptEntry.$size || entrySize > ENTRY_SIZE_MAX || entrySize % 8 !== 0) {
    const expected = `128 to ${ENTRY_SIZE_MAX}`;
    throw corrupt('gptEntrySize', offset + 84, { expected, found: entrySize, detail });
  }
  if (entryCount > ENTRIES_MAX) {
    throw corrupt('gptEntryCount', offset + 80, { expected: `at most ${ENTRIES_MAX}`, found: entryCount, detail });
  }
  const entriesOffset = entriesSector * sectorSize;
  if (entriesOffset < sectorSize || entriesOffset + entryCount * entrySize > device.size) {
    const expected = `sectors of ${device.name}`;
    throw corrupt('gptEntriesPlace', offset + 72, { expected, found: entriesSector, detail });
  }
  return { sectorSize, otherSector, entriesOffset, entryCount, entrySize, entriesChecksum };
}

function* readTable(device: BlockDevice, header: HeaderFields): Task<PartitionTable> {
  const { sectorSize, entriesOffset, entryCount, entrySize } = header;
  const size = entryCount * entrySize;
  // What follows the array in its last sector may lie behind the end of the device: then the array does as well.
  const array = new Uint8Array(sectorEnd(size));
  if (size > 0) yield* readBytes(device, entriesOffset, array);
  const checksum = crc32(array.subarray(0, size));
  if (checksum !== header.entriesChecksum) {
    const details = { expected: header.entriesChecksum, found: checksum, detail: nextStep };
    throw corrupt('gptEntriesChecksum', entriesOffset, details);
  }
  const view = viewOf(array);
  const partitions: Partition[] = [];
  const problems: string[] = [];
  for (let index = 0; index < entryCount; index++) {
    const at = index * entrySize;
    const typeCode = guidText(GptEntry.typeGuid.get(view, at));
    if (/^[0-]*$/.test(typeCode)) continue;
    const first = u64At(GptEntry.firstSector, view, at);
    const last = u64At(GptEntry.lastSector, view, at);
    const name = nameOf(view, at);
    const number = index + 1;
    if (first === 0 || last < first) {
      problems.push(`partition #${number} of ${device.name} ends before it begins, and is left out`);
      continue;
    }
    // Both stay exact, or so large that they are clamped.
    const offset = Math.min(first * sectorSize, sectorStart(Number.MAX_SAFE_INTEGER));
    const bytesClaimed = Math.min((last - first + 1) * sectorSize, sectorStart(Number.MAX_SAFE_INTEGER));
    const partition = { number, name, type: guidTypeName(typeCode), typeCode, offset, size: bytesClaimed };
    partitions.push(clampPartition(device, partition, problems));
  }
  return { scheme: 'GPT', partitions, problems };
}

/** Well-formed text; half of a surrogate pair becomes U+FFFD. */
function nameOf(view: DataView, at: number): string {
  let name = '';
  for (let index = 0; index < GptEntry.name.length; index++) {
    const unit = GptEntry.name.get(view, at, index);
    if (unit === 0) break;
    name += String.fromCharCode(unit);
  }
  return name.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

/** The size of the sectors whose first one behind the boot sector begins like a GPT header, in `head`; 0 for none. */
export function gptSectorSizeIn(head: Uint8Array): number {
  return gptSectorSizes.find((size) => size >= SECTOR_SIZE && hasGptSignature(head.subarray(size, size + 8))) ?? 0;
}
