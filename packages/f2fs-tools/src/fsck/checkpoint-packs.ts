// The second step: both checkpoint packs. The newer sound one is the state that is checked, as Linux and fsck.f2fs take it;
// a pack that was torn by a crash is no damage. Of the pack in force everything is read: its summaries, journals, orphans.

import { type BlockDevice, readBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  type Checkpoint,
  CheckpointFlag,
  checkpointFlagNotes,
  decodeCheckpoint,
  decodePack,
  expandCompactSummaries,
  Feature,
  formatKinds,
  hasCheckpointFlag,
  hasFeature,
  MIN_SEGMENTS,
  type PackLayout,
  packAddress,
  packLayout,
  RawCheckpoint,
  type Superblock,
  selectPack,
  type VersionBitmaps,
  versionBitmaps,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { type CheckNote, type Findings, orFinding } from './report.ts';

/** The pack in force, in memory: at most 2 MiB. */
export interface CheckedPack {
  readonly checkpoint: Checkpoint;
  /** Its first block. */
  readonly address: number;
  readonly layout: PackLayout;
  readonly bitmaps: VersionBitmaps;
  /** Every block of the pack, without nat_bits. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The summary of each log, by segment type 0..5: whole blocks. The node logs lack theirs in packs of a running mount. */
  readonly summaries: readonly (DataView | undefined)[];
}

/** The pack in force; `undefined`, with a finding, when there is none that can be read. */
export function* checkPacks(
  device: BlockDevice,
  superblock: Superblock,
  findings: Findings,
): Task<CheckedPack | undefined> {
  const candidates: Array<Checkpoint | FsError> = [];
  for (const index of [0, 1] as const) candidates.push(yield* readCandidate(device, superblock, index));
  // Field rules are findings; none of them ends the check.
  const selected = orFinding(findings, 'checkpoint', 'checkpoint', () =>
    selectPack(candidates[0]!, candidates[1]!, formatKinds),
  );
  if (selected === undefined) return undefined;
  const { checkpoint } = selected;
  for (const problem of selected.problems) findings.addError('otherPack', 'checkpoint', problem);
  for (const problem of checkpoint.problems) findings.addError('checkpointField', 'checkpoint', problem);

  const address = packAddress(superblock, selected.pack);
  const layout = orFinding(findings, 'packLayout', 'checkpoint', () => packLayout(checkpoint, superblock));
  if (layout === undefined) return undefined;
  const bytes = new Uint8Array(checkpoint.packBlockCount * BLOCK_SIZE);
  try {
    yield* readBytes(device, address * BLOCK_SIZE, bytes);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    findings.addError('unreadable', 'checkpoint', error, { block: address });
    return undefined;
  }
  checkReserve(checkpoint, superblock, findings);
  checkEnds(bytes, address, findings);
  checkStart(checkpoint, layout, findings);
  const bitmaps = orFinding(findings, 'packLayout', 'checkpoint', () => {
    const payload = 1 + superblock.checkpointPayloadBlocks;
    return versionBitmaps(checkpoint, superblock, bytes.subarray(0, payload * BLOCK_SIZE));
  });
  const summaries = orFinding(findings, 'packLayout', 'checkpoint', () => summariesOf(checkpoint, layout, bytes));
  if (bitmaps === undefined || summaries === undefined) return undefined;
  return { checkpoint, address, layout, bitmaps, bytes, view: new DataView(bytes.buffer), summaries };
}

function* readCandidate(device: BlockDevice, superblock: Superblock, index: 0 | 1): Task<Checkpoint | FsError> {
  const address = packAddress(superblock, index);
  const first = new Uint8Array(BLOCK_SIZE);
  const last = new Uint8Array(BLOCK_SIZE);
  try {
    yield* readBytes(device, address * BLOCK_SIZE, first);
    const { packBlockCount } = decodeCheckpoint(first, superblock, address);
    yield* readBytes(device, (address + packBlockCount - 1) * BLOCK_SIZE, last);
    return decodePack(first, last, superblock, address);
  } catch (error) {
    if (error instanceof FsError) return error;
    throw error;
  }
}

/** Metadata and reserve together have at least as many segments as the smallest volume: tools refuse less, Linux nearly. */
function checkReserve(checkpoint: Checkpoint, superblock: Superblock, findings: Findings): void {
  if (hasFeature(superblock, Feature.ro)) return;
  const { segmentCountCheckpoint, segmentCountSit, segmentCountNat, segmentCountSsa } = superblock;
  const meta = segmentCountCheckpoint + segmentCountSit + segmentCountNat + segmentCountSsa;
  const { address, reservedSegmentCount } = checkpoint;
  if (meta + reservedSegmentCount >= MIN_SEGMENTS) return;
  const place = { area: 'checkpoint' as const, block: address, offset: RawCheckpoint.reservedSegmentCount.offset };
  findings.add('checkpointField', place, `at least ${MIN_SEGMENTS - meta}`, reservedSegmentCount);
}

/** A pack ends with the block that it begins with; validity only asks for the same version. */
function checkEnds(bytes: Uint8Array, address: number, findings: Findings): void {
  const last = bytes.length - BLOCK_SIZE;
  for (let offset = 0; offset < BLOCK_SIZE; offset++) {
    if (bytes[offset] === bytes[last + offset]) continue;
    const place = { area: 'checkpoint' as const, block: address + last / BLOCK_SIZE, offset };
    findings.add('checkpointEnd', place, bytes[offset], bytes[last + offset]);
    return;
  }
}

/** Summaries begin right after the orphan blocks. Full ones are found from the end of the pack: both ways must agree. */
function checkStart({ startSum, address }: Checkpoint, layout: PackLayout, findings: Findings): void {
  if (startSum === layout.dataSummaryIndex) return;
  const place = { area: 'checkpoint' as const, block: address, offset: RawCheckpoint.startSum.offset };
  findings.add('packLayout', place, layout.dataSummaryIndex, startSum);
}

function summariesOf(checkpoint: Checkpoint, layout: PackLayout, bytes: Uint8Array): (DataView | undefined)[] {
  const summaries: (DataView | undefined)[] = new Array(6).fill(undefined);
  const at = (index: number): DataView => new DataView(bytes.buffer, index * BLOCK_SIZE, BLOCK_SIZE);
  if (layout.compact) {
    const start = layout.dataSummaryIndex * BLOCK_SIZE;
    const compact = bytes.subarray(start, start + layout.dataSummaryBlocks * BLOCK_SIZE);
    for (const [log, full] of expandCompactSummaries(checkpoint, compact).entries()) {
      summaries[log] = new DataView(full.buffer);
    }
  } else for (let log = 0; log < 3; log++) summaries[log] = at(layout.dataSummaryIndex + log);
  for (let log = 0; log < layout.nodeSummaryBlocks; log++) summaries[3 + log] = at(layout.nodeSummaryIndex + log);
  return summaries;
}

/** What a person should know about the state that is checked. */
export function packNotes(checkpoint: Checkpoint): CheckNote[] {
  const { orphanPresent, fsckNeeded, disabled, resizeFs, quotaNeedFsck } = CheckpointFlag;
  const notes: CheckNote[] = [];
  for (const [name, flag] of Object.entries({ fsckNeeded, disabled, resizeFs, quotaNeedFsck })) {
    if (!hasCheckpointFlag(checkpoint, flag)) continue;
    notes.push({ kind: 'flag', message: checkpointFlagNotes[name as keyof typeof CheckpointFlag] });
  }
  if (hasCheckpointFlag(checkpoint, orphanPresent)) {
    notes.push({ kind: 'orphans', message: 'files that were deleted while open wait to be freed' });
  }
  return notes;
}
