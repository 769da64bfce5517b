// buildImage(): a volume from a directory of the host or from a tar archive.
//
//   1. the plan: everything that is going to be there, in byte order; nothing is written
//   2. the size: given, or what the plan needs
//   3. the volume, under another name; where the size was searched, again in another size
//   4. its name

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryDevice } from '@f2fskit/block';
import { EINVAL, ENOSPC, EOPNOTSUPP, FsError } from '@f2fskit/errno';
import { BLOCK_SIZE } from '@f2fskit/f2fs-format';
import { type FormatOptions, type FormatReport, formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync } from '@f2fskit/task';
import type { Timestamp } from '@f2fskit/vfs';
import type { AttemptOptions } from './attempt.ts';
import { HostSource } from './host-source.ts';
import { identityOf } from './identity.ts';
import { ImageTarget } from './image-target.ts';
import { blocksNeeded, inodeRoom } from './need.ts';
import { type PlanNode, pathOf, planTotals } from './plan.ts';
import { BuildCounts, BuildNotes, type BuildReport } from './report.ts';
import { Selection } from './selection.ts';
import { buildInSize, plannedSize } from './size-search.ts';
import { Slices } from './slices.ts';
import { openTarSource } from './tar-source.ts';
import type { ContentSource } from './tree-writer.ts';

export type { BuildExample, BuildReason, BuildReasonCount, BuildReport, VolumeSize } from './report.ts';

export interface BuildProgress {
  /** `listing`: the source is looked at; `writing`: everything has a total. */
  phase: 'listing' | 'writing';
  entries: number;
  entriesTotal: number;
  bytes: number;
  bytesTotal: number;
  /** What is being worked on, without a slash before it. */
  path: Uint8Array;
}

/** What mkfs is told, beside what the build settles itself. */
export type BuildFormatOptions = Omit<FormatOptions, 'size' | 'clock' | 'random' | 'blank' | 'owner' | 'checkpointVersion'>;

export interface BuildOptions {
  /**
   * Bytes of the volume; `auto` (default): what is needed and a fifth of it free; `min`: the smallest that works, found by
   * trying. A device is taken whole unless bytes are given.
   */
  size?: number | 'auto' | 'min';
  /** Label, features, uuid and the like. */
  format?: BuildFormatOptions;
  /** The owner of everything. Default: the owners of the source, in numbers. */
  owner?: { readonly uid: number; readonly gid: number };
  /** Keeps extended attributes and access control lists. Default true. */
  xattrs?: boolean;
  /** Takes only what one of these patterns matches, and what lies in it. Default: everything. */
  include?: readonly string[];
  /** Leaves out what one of these patterns matches. */
  exclude?: readonly string[];
  /**
   * Seconds since 1970, as SOURCE_DATE_EPOCH: the same source gives the same bytes. It is the time of the build, times that
   * are later become it, access times become times of change, and the uuid comes from the plan unless one is given.
   */
  sourceDateEpoch?: number;
  /** Replaces a file that is there already, or writes over a device. */
  force?: boolean;
  /** Makes the plan, and writes nothing. */
  dryRun?: boolean;
  /** Stops between two pieces, with nothing left behind. */
  signal?: AbortSignal;
  onProgress?: (progress: BuildProgress) => void;
}

/** A directory or a tar archive on the host, or the bytes of an archive. Archives may be packed with gzip. */
export type BuildInput = string | URL | AsyncIterable<Uint8Array>;

/** A source that is open, and the plan that was made of it. */
export interface BuildSource extends ContentSource {
  readonly root: PlanNode;
  close(): void;
}

/**
 * Builds `image` from `input`. Nothing has its name before it is complete. What could not be taken is in the report; it is
 * no reason to stop. Rejects with ENOSPC for a size that is too small, saying how much is missing; EEXIST for what is there
 * already; EINVAL for wrong options and broken archives; EBUSY; with the signal's reason; and with what the host says about
 * the input and the image themselves.
 */
export async function buildImage(
  input: BuildInput,
  image: string | URL,
  options: BuildOptions = {},
): Promise<BuildReport> {
  const { signal, onProgress, sourceDateEpoch: epoch, dryRun = false } = options;
  signal?.throwIfAborted();
  const rehearsal = checkOptions(options);
  const target = new ImageTarget(toPath(image), (options.force ?? false) || dryRun);
  const selection = new Selection(options.include, options.exclude);
  const notes = new BuildNotes();
  let progress = (): BuildProgress => ({ ...NOTHING, phase: 'listing' });
  const slices = new Slices(signal, () => onProgress?.(progress()));
  const listing = (entries: number): void => {
    progress = () => ({ ...NOTHING, phase: 'listing', entries });
  };
  const source = await openSource(input, target, selection, notes, options, slices, listing);
  try {
    const { root } = source;
    const totals = planTotals(root);
    const timesOf = clampedTimes(epoch);
    const format: FormatOptions = { ...options.format };
    const identity = epoch === undefined ? undefined : identityOf(root, timesOf, { ...options.format, epoch });
    const clock = epoch === undefined ? undefined : fixedClock(epoch);
    if (identity !== undefined && clock !== undefined) {
      Object.assign(format, { uuid: format.uuid ?? identity.uuid, clock });
      Object.assign(format, { checkpointVersion: identity.checkpointVersion });
    }
    const room = inodeRoom(rehearsal.features.includes('extra_attr'));
    const need = { blocks: blocksNeeded(root, room), blocksLeast: blocksNeeded(withoutSparse(root), room) };
    const planned = plannedSize(options.size ?? 'auto', need, format, target.size);
    const label = format.label ?? '';
    const common = { label, features: rehearsal.features, warnings: rehearsal.warnings };
    if (dryRun) {
      const { failures, reasons } = notes;
      return { ...new BuildCounts(), ...common, size: planned, attempts: 0, failures, reasons };
    }
    target.lock();
    const attemptOptions = (): AttemptOptions => ({
      format,
      clock,
      random: identity?.random(),
      tree: { owner: options.owner, timesOf },
    });
    const built = await buildInSize(target, planned, options.size ?? 'auto', need, root, source, attemptOptions, slices, (writer) => {
      progress = () => ({
        phase: 'writing',
        entries: writer.entries,
        entriesTotal: totals.entries - 1,
        bytes: writer.counts.bytes,
        bytesTotal: totals.bytes,
        path: pathOf(writer.current),
      });
    });
    notes.add(built.notes);
    const { failures, reasons } = notes;
    return { ...built.counts, ...common, uuid: built.uuid, size: built.size, attempts: built.attempts, failures, reasons };
  } finally {
    target.unlock();
    source.close();
  }
}
