// buildImage(): a volume from a directory of the host or from a tar archive.
//
//   1. the plan: everything that is going to be there, in byte order; nothing is written
//   2. the size: given, or what the plan needs
//   3. the volume, under another name; where the size was searched, again in another size
//   4. its name

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryDevice } from '@f2fskit/block';
import type { CodecRegistry, PoolWorkers } from '@f2fskit/codecs';
import { EINVAL, FsError } from '@f2fskit/errno';
import { type CompressionOptions, mountF2fs } from '@f2fskit/f2fs';
import { type FormatOptions, type FormatReport, formatVolume } from '@f2fskit/f2fs-tools/mkfs';
import { fixedClock, runSync, systemClock } from '@f2fskit/task';
import type { Timestamp } from '@f2fskit/vfs';
import { attempt } from './attempt.ts';
import { buildCompression, withCompression } from './compression.ts';
import { openHostSource } from './host-source.ts';
import { identityOf } from './identity.ts';
import { ImageTarget } from './image-target.ts';
import { blocksNeeded, inodeRoom } from './need.ts';
import { type PlanNode, pathOf, planTotals } from './plan.ts';
import { BuildCounts, BuildNotes, type BuildReport } from './report.ts';
import { Selection } from './selection.ts';
import { plannedSize, searchSize } from './size-search.ts';
import { Slices } from './slices.ts';
import type { BuildSource } from './source.ts';
import { openTarSource } from './tar-source.ts';

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
export type BuildFormatOptions = Omit<
  FormatOptions,
  'size' | 'clock' | 'random' | 'blank' | 'owner' | 'checkpointVersion'
>;

export interface BuildOptions {
  /**
   * Bytes of the volume; `auto` (default): what is needed and a fifth of it free; `min`: the smallest that works, found by
   * trying. A device is taken whole unless bytes are given.
   */
  size?: number | 'auto' | 'min';
  /** Label, features, uuid and the like. */
  format?: BuildFormatOptions;
  /**
   * Compresses files that have at least one whole cluster: all of them, or those with these extensions. The format gets what
   * that needs. Blocks that are saved stay reserved for their files; with `readOnly` they are free.
   */
  compress?: CompressionOptions;
  /** Codecs for it. Default: those of this package and of this Node. */
  codecs?: CodecRegistry;
  /** Threads that compress beside this one, as for `openVolume`. Default `auto`. The volume is the same with any number of them. */
  compressWorkers?: PoolWorkers;
  /** The volume is for reading only (feature `ro`), and what compression saves is not reserved. */
  readOnly?: boolean;
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
  const { size = 'auto', signal, onProgress, dryRun = false, readOnly = false } = options;
  signal?.throwIfAborted();
  const compression = buildCompression(options.compress, options.codecs, options.compressWorkers);
  const { features, warnings, blocks } = rehearse(options);
  const target = new ImageTarget(toPath(image), options.force === true || dryRun);
  const notes = new BuildNotes();
  let progress: BuildProgress = { ...NOTHING };
  let look = (): BuildProgress => progress;
  const slices = new Slices(signal, () => onProgress?.(look()));
  const source = await openSource(input, target, notes, options, slices, (entries) => {
    progress = { ...NOTHING, entries };
  });
  try {
    if (!dryRun) compression?.startWorkers();
    const clusters = { clusterBlocks: compression?.clusterBlocks ?? 0, release: readOnly };
    const need = blocksNeeded(source.root, { ...inodeRoom(features), ...clusters }, blocks);
    const settled = settle(source.root, options);
    const planned = plannedSize(size, need, settled.format, target.size);
    const wanted = { ...settled, tree: { ...settled.tree, ...clusters }, compression, readOnly };
    const common = { label: settled.format.label ?? '', features, warnings };
    if (dryRun) {
      const { failures, reasons } = notes;
      return { ...new BuildCounts(), ...common, size: planned, attempts: 0, failures, reasons };
    }
    const totals = planTotals(source.root);
    target.lock();
    const fixed = typeof size === 'number' || target.kind === 'device';
    const { candidate, outcome, attempts } = await searchSize(size, need, planned, settled.format, fixed, {
      begin: (bytes) => target.begin(bytes),
      run: (tried) =>
        attempt(tried, source, { ...wanted, random: settled.random?.() }, slices, (writer) => {
          look = () => ({
            phase: 'writing',
            entries: writer.entries,
            entriesTotal: totals.entries - 1,
            bytes: writer.counts.bytes,
            bytesTotal: totals.bytes,
            path: pathOf(writer.current),
          });
        }),
    });
    target.install(candidate);
    notes.add(outcome.notes);
    const { failures, reasons } = notes;
    const { counts, uuid, size: made } = outcome;
    return { ...counts, ...common, uuid, size: made, attempts, failures, reasons };
  } finally {
    compression?.close();
    target.unlock();
    source.close();
  }
}

const NOTHING: BuildProgress = {
  phase: 'listing',
  entries: 0,
  entriesTotal: 0,
  bytes: 0,
  bytesTotal: 0,
  path: new Uint8Array(0),
};

/** Large enough for every option that is not wrong. */
const REHEARSAL_BYTES = 2 ** 40;

/** The volume says so itself (CP_QUOTA_NEED_FSCK). */
const STALE_QUOTAS = 'the quota files do not count the files yet: fsck.f2fs makes them right';

/**
 * Makes an empty volume in memory: what is wrong with the options is said before anything is looked at. `blocks`: those that
 * are in use.
 */
function rehearse({
  format: given = {},
  compress,
  readOnly = false,
}: BuildOptions): Pick<FormatReport, 'features' | 'warnings'> & { blocks: number } {
  const device = new MemoryDevice(REHEARSAL_BYTES);
  const format = formatOf(given, compress);
  const { features: made, warnings } = runSync(formatVolume(device, { ...format, blank: true }));
  if (made.includes('ro'))
    throw new FsError(EINVAL, 'features: a volume for reading only (ro) is an option of its own');
  const features = readOnly ? [...made, 'ro'] : made;
  const blocks = runSync(mountF2fs(device)).checkpoint.validBlockCount;
  if (features.includes('quota')) return { features, warnings: [...warnings, STALE_QUOTAS], blocks };
  return { features, warnings, blocks };
}

/** The format, with the features that compression needs. */
function formatOf(format: BuildFormatOptions, compress: CompressionOptions | undefined): BuildFormatOptions {
  return compress === undefined ? format : { ...format, features: withCompression(format.features) };
}

/** What a volume would otherwise take from time and chance. */
function settle(root: PlanNode, { format: given = {}, compress, owner, sourceDateEpoch: epoch }: BuildOptions) {
  const format = formatOf(given, compress);
  if (epoch === undefined) {
    const timesOf = ({ atime, mtime }: PlanNode) => ({ atime, mtime });
    return { format, clock: undefined, random: undefined, tree: { owner, timesOf } };
  }
  const limit: Timestamp = { seconds: epoch, nanoseconds: 0 };
  const timesOf = ({ mtime }: PlanNode): { atime: Timestamp; mtime: Timestamp } => {
    const late = mtime.seconds > epoch || (mtime.seconds === epoch && mtime.nanoseconds > 0);
    const time = late ? limit : mtime;
    return { atime: time, mtime: time };
  };
  const clock = fixedClock(epoch);
  const { uuid, checkpointVersion, random } = identityOf(root, timesOf, { epoch, owner, ...format });
  const same: FormatOptions = { ...format, uuid: format.uuid ?? uuid, clock, checkpointVersion };
  return { format: same, clock, random, tree: { owner, timesOf } };
}

async function openSource(
  input: BuildInput,
  target: ImageTarget,
  notes: BuildNotes,
  { include, exclude, xattrs = true, signal, sourceDateEpoch }: BuildOptions,
  slices: Slices,
  found: (entries: number) => void,
): Promise<BuildSource> {
  const selection = new Selection(include, exclude);
  const named = typeof input === 'string' || input instanceof URL ? toPath(input) : undefined;
  if (named !== undefined && fs.statSync(named).isDirectory()) {
    return await openHostSource(named, { selection, notes, xattrs, skip: target.id, signal }, slices, found);
  }
  const now = sourceDateEpoch === undefined ? systemClock.now() : { seconds: sourceDateEpoch, nanoseconds: 0 };
  const spoolDirectory = target.kind === 'device' ? os.tmpdir() : path.dirname(path.resolve(target.path));
  const stream = input as AsyncIterable<Uint8Array>;
  return await openTarSource(named ?? stream, { selection, notes, xattrs, now, spoolDirectory, signal }, slices, found);
}

function toPath(name: string | URL): string {
  return typeof name === 'string' ? name : fileURLToPath(name);
}
