// A checkpoint: the volume as it is, written so that a crash finds either this state or the one before.
//
//   1. every dirty node goes to its log
//   2. changed NAT and SIT entries go to journals or to the copies that are not current; summaries of full segments
//      to the summary area
//   3. flush                       from here on everything the new pack refers to is durable
//   4. the pack that is not in force: checkpoint block, payload, orphans, summaries; nat_bits behind it on leaving
//   5. flush
//   6. its last block, durable     this commits: until now the old pack is in force, from now on the new one
//
// Nothing is written that the old pack refers to. Source: spec 3.3, 3.7, 10.1; kernel fs/f2fs/checkpoint.c.

import { BioFlag, flushDevice, submitAndWait, writeBio, writeBytes } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  type Checkpoint,
  CheckpointFlag,
  type DataSummaries,
  decodeCheckpoint,
  encodeSitEntry,
  hasCheckpointFlag,
  JOURNAL_BYTES,
  LOG_COUNT,
  NatJournal,
  NatJournalEntry,
  type NatRecord,
  packAddress,
  packCompactSummaries,
  packOrphans,
  RawCheckpoint,
  SEGMENT_BLOCKS,
  type SegmentInformation,
  SegmentType,
  SitJournal,
  SitJournalEntry,
  SUMMARY_JOURNAL_OFFSET,
  type Superblock,
  sealCheckpoint,
  versionBitmapOffsets,
} from '@f2fskit/f2fs-format';
import type { FreeNids, MetadataBlocks, NatCommit, NodeAddressTable } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import type { BlockAllocator } from '../log/block-allocator.ts';
import type { NodeEpoch, NodeWriter } from '../log/node-writer.ts';
import type { SegmentTable } from '../log/segment-table.ts';
import type { SpaceAccount } from './space.ts';

/** The parts of a volume that a checkpoint writes. */
export interface CheckpointParts {
  readonly superblock: Superblock;
  readonly metadata: MetadataBlocks;
  readonly nat: NodeAddressTable;
  readonly nids: FreeNids;
  readonly segments: SegmentTable;
  readonly allocator: BlockAllocator;
  readonly nodes: NodeWriter;
  readonly space: SpaceAccount;
  /** Seconds that the volume has been mounted in all. */
  readonly elapsed: () => number;
  /** Inodes without a name that are still open. */
  readonly orphans: ReadonlySet<number>;
}

/** Flags that a checkpoint carries over from the one before. */
const KEPT_FLAGS = CheckpointFlag.largeNatBitmap | CheckpointFlag.fsckNeeded | CheckpointFlag.error;

export class CheckpointWriter {
  readonly #parts: CheckpointParts;
  #current: Checkpoint;
  #index: 0 | 1;
  /** The hot node summary carries how much was ever written. */
  readonly #hotNodeJournal: Uint8Array;

  constructor(parts: CheckpointParts, current: Checkpoint, index: 0 | 1, hotNodeJournal: Uint8Array) {
    this.#parts = parts;
    this.#current = current;
    this.#index = index;
    this.#hotNodeJournal = hotNodeJournal;
  }

  /** The checkpoint in force. */
  get current(): Checkpoint {
    return this.#current;
  }

  /**
   * Writes a checkpoint. The caller keeps everybody else from changing nodes, the log and the tables meanwhile. Throws EIO:
   * the volume must then not be written to any more, and the old checkpoint is in force.
   */
  *write({ unmount }: { unmount: boolean }): Task<void> {
    const { superblock, metadata, nat, nids, segments, allocator, nodes } = this.#parts;
    const { device } = metadata;
    yield* nodes.writeAll();
    // Bits say nothing of a journal: whoever believes them finds everything in the NAT blocks.
    const natCommit = yield* nat.commit(metadata, { emptyJournal: unmount && nat.bits !== undefined });
    const sitJournal = yield* segments.commit();
    yield* metadata.flush();
    yield* flushDevice(device);

    const index = this.#index === 0 ? 1 : 0;
    const address = packAddress(superblock, index);
    const blocks = this.#pack(unmount, natCommit, sitJournal);
    const last = blocks.pop()!;
    if (unmount && nat.bits !== undefined) {
      const bits = nat.bits.blocksFor(decodeCheckpoint(last, superblock, address));
      const bitsAddress = address + SEGMENT_BLOCKS - bits.length;
      yield* submitAndWait(device, writeBio(bitsAddress * BLOCK_SIZE, bits));
    }
    yield* submitAndWait(device, writeBio(address * BLOCK_SIZE, blocks));
    yield* flushDevice(device);
    yield* writeBytes(device, (address + blocks.length) * BLOCK_SIZE, last, BioFlag.PREFLUSH | BioFlag.FUA);

    this.#index = index;
    this.#current = decodeCheckpoint(last, superblock, address);
    nodes.checkpointed(epochOf(this.#current));
    nat.committed();
    nids.committed();
    segments.committed();
    allocator.recount();
  }

  /** The blocks of the pack, the checkpoint block first and last. */
  #pack(unmount: boolean, nat: NatCommit, sitJournal: readonly SegmentInformation[]): Uint8Array[] {
    const { allocator } = this.#parts;
    const summaries = allocator.logs.map((log) => log.summary.slice());
    fillJournals(summaries, nat.journal, sitJournal);
    summaries[SegmentType.hotNode]!.set(this.#hotNodeJournal, SUMMARY_JOURNAL_OFFSET);
    const data = [
      summaries[SegmentType.hotData]!,
      summaries[SegmentType.warmData]!,
      summaries[SegmentType.coldData]!,
    ] as DataSummaries;
    const nodes = [SegmentType.hotNode, SegmentType.warmNode, SegmentType.coldNode].map((type) => summaries[type]!);
    const compact = packCompactSummaries(
      { allocationTypes: this.#allocationTypes(), currentDataOffsets: offsetsOf(allocator, DATA_LOGS) },
      data,
    );
    const dataBlocks = compact === undefined ? data : splitBlocks(compact);
    const orphans = packOrphans([...this.#parts.orphans]);
    const between = [...orphans, ...dataBlocks, ...(unmount ? nodes : [])];
    const { superblock, nat: table } = this.#parts;
    const total = 2 + superblock.checkpointPayloadBlocks + between.length;
    if (unmount && total > SEGMENT_BLOCKS - (table.bits?.blockCount ?? 0)) table.bits = undefined;
    const head = this.#head(unmount, nat.versionBitmap, compact !== undefined, orphans.length, total);
    return [...head, ...between, head[0]!];
  }

  /** The checkpoint block and its payload. */
  #head(
    unmount: boolean,
    natBitmap: Uint8Array,
    compact: boolean,
    orphanBlocks: number,
    packBlocks: number,
  ): Uint8Array[] {
    const { superblock, nat, nids, segments, allocator, space } = this.#parts;
    const old = this.#current;
    const { checkpointPayloadBlocks } = superblock;
    const bytes = new Uint8Array((1 + checkpointPayloadBlocks) * BLOCK_SIZE);
    const view = viewOf(bytes);
    const raw = RawCheckpoint;
    const version = BigInt.asUintN(64, old.version + 1n);
    raw.version.set(view, 0, Number(version & 0xffff_ffffn), Number(version >> 32n));
    raw.userBlockCount.set(view, 0, old.userBlockCount);
    raw.validBlockCount.set(view, 0, space.validBlocks);
    raw.reservedSegmentCount.set(view, 0, old.reservedSegmentCount);
    raw.overprovisionSegmentCount.set(view, 0, old.overprovisionSegmentCount);
    raw.freeSegmentCount.set(view, 0, this.#freeSegments());
    for (let log = 0; log < LOG_FIELDS; log++) {
      const node = allocator.logs[NODE_LOGS[log]!];
      const data = allocator.logs[DATA_LOGS[log]!];
      raw.currentNodeSegments.set(view, 0, log, node?.segno ?? NO_SEGMENT);
      raw.currentNodeOffsets.set(view, 0, log, node?.nextOffset ?? 0);
      raw.currentDataSegments.set(view, 0, log, data?.segno ?? NO_SEGMENT);
      raw.currentDataOffsets.set(view, 0, log, data?.nextOffset ?? 0);
    }
    const flags =
      (old.flags & KEPT_FLAGS) |
      CheckpointFlag.crcRecovery |
      (unmount ? CheckpointFlag.umount : 0) |
      (compact ? CheckpointFlag.compactSummary : 0) |
      // As Linux: also where they are not written. The key says when they are valid.
      (nat.bits === undefined ? 0 : CheckpointFlag.natBits) |
      (orphanBlocks > 0 ? CheckpointFlag.orphanPresent : 0) |
      // Quota files are not kept up to date: Linux then counts anew.
      (superblock.quotaInos.some((ino) => ino !== 0) ? CheckpointFlag.quotaNeedFsck : 0);
    raw.flags.set(view, 0, flags);
    raw.packBlockCount.set(view, 0, packBlocks);
    raw.startSum.set(view, 0, 1 + checkpointPayloadBlocks + orphanBlocks);
    raw.validNodeCount.set(view, 0, space.validNodes);
    raw.validInodeCount.set(view, 0, space.validInodes);
    raw.nextFreeNid.set(view, 0, nids.hint);
    raw.sitBitmapBytes.set(view, 0, old.sitBitmapBytes);
    raw.natBitmapBytes.set(view, 0, old.natBitmapBytes);
    raw.checksumOffset.set(view, 0, old.checksumOffset);
    raw.elapsedTime.set(view, 0, this.#parts.elapsed());
    raw.allocationTypes.set(view, 0, this.#allocationTypes());
    const places = versionBitmapOffsets(old, superblock);
    bytes.set(natBitmap, places.nat);
    bytes.set(segments.versionBitmap, places.sit);
    const blocks = splitBlocks(bytes);
    sealCheckpoint(blocks[0]!);
    return blocks;
  }

  /** Segments with nothing valid in them now that no log writes to. */
  #freeSegments(): number {
    const { segments, allocator } = this.#parts;
    const current = new Set(allocator.logs.map((log) => log.segno));
    let free = 0;
    for (let segno = 0; segno < segments.validCounts.length; segno++) {
      if (segments.validCounts[segno] === 0 && !current.has(segno)) free++;
    }
    return free;
  }

  #allocationTypes(): Uint8Array {
    const types = new Uint8Array(2 * LOG_FIELDS);
    for (const log of this.#parts.allocator.logs) types[log.type] = log.allocation;
    return types;
  }
}

const LOG_FIELDS = 8;
const NO_SEGMENT = 0xffff_ffff;
const NODE_LOGS = [SegmentType.hotNode, SegmentType.warmNode, SegmentType.coldNode];
const DATA_LOGS = [SegmentType.hotData, SegmentType.warmData, SegmentType.coldData];
assert(NODE_LOGS.length + DATA_LOGS.length === LOG_COUNT);

/** What the footers of nodes carry that follow a checkpoint: its checksum too, where it says so. Source: spec 6.1. */
export function epochOf(checkpoint: Checkpoint): NodeEpoch {
  const { versionLow, versionHigh, checksum } = checkpoint;
  const carriesChecksum = hasCheckpointFlag(checkpoint, CheckpointFlag.crcRecovery);
  return { versionLow, versionHigh: carriesChecksum ? (versionHigh | checksum) >>> 0 : versionHigh };
}

function offsetsOf(allocator: BlockAllocator, types: readonly number[]): [number, number, number] {
  const [hot, warm, cold] = types.map((type) => allocator.logs[type]!.nextOffset);
  return [hot!, warm!, cold!];
}

function splitBlocks(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / BLOCK_SIZE }, (_, index) =>
    bytes.subarray(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE),
  );
}

function fillJournals(
  summaries: readonly Uint8Array[],
  nat: readonly NatRecord[],
  sit: readonly SegmentInformation[],
): void {
  const hot = summaries[SegmentType.hotData]!;
  const cold = summaries[SegmentType.coldData]!;
  for (const summary of summaries) summary.fill(0, SUMMARY_JOURNAL_OFFSET, SUMMARY_JOURNAL_OFFSET + JOURNAL_BYTES);
  const natView = viewOf(hot);
  NatJournal.count.set(natView, SUMMARY_JOURNAL_OFFSET, nat.length);
  for (const [index, { nid, version, ino, blockAddress }] of nat.entries()) {
    const at = NatJournal.entries.at(SUMMARY_JOURNAL_OFFSET, index);
    NatJournalEntry.nid.set(natView, at, nid);
    NatJournalEntry.version.set(natView, at, version);
    NatJournalEntry.ino.set(natView, at, blockAddress === 0 ? 0 : ino);
    NatJournalEntry.blockAddress.set(natView, at, blockAddress);
  }
  const sitView = viewOf(cold);
  SitJournal.count.set(sitView, SUMMARY_JOURNAL_OFFSET, sit.length);
  for (const [index, entry] of sit.entries()) {
    const at = SitJournal.entries.at(SUMMARY_JOURNAL_OFFSET, index);
    SitJournalEntry.segno.set(sitView, at, entry.segno);
    encodeSitEntry(sitView, SitJournalEntry.entry.at(at, 0), entry);
  }
}
