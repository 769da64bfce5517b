// One try at a volume of one size: format, mount, write everything, leave. A volume that is too small is an outcome, for
// whoever searches the size; everything else that goes wrong is thrown.

import { FsError } from '@f2fskit/errno';
import { mountF2fs } from '@f2fskit/f2fs';
import { type FormatOptions, formatVolume } from '@f2fskit/f2fs-tools/mkfs';
import { type Clock, type RandomSource, runSync, Scheduler } from '@f2fskit/task';
import { type BuildCompression, markReadOnly } from './compression.ts';
import type { Candidate } from './image-target.ts';
import type { BuildCounts, BuildNotes, VolumeSize } from './report.ts';
import type { Slices } from './slices.ts';
import type { BuildSource } from './source.ts';
import { TreeWriter, type TreeWriterOptions } from './tree-writer.ts';

/** Memory for the pages and nodes of a volume that is being written. */
const CACHE_BYTES = 64 << 20;

export interface AttemptOptions {
  format: FormatOptions;
  clock: Clock | undefined;
  random: RandomSource | undefined;
  tree: TreeWriterOptions;
  compression: BuildCompression | undefined;
  /** Nobody is to write to the volume any more. */
  readOnly: boolean;
}

export type AttemptOutcome =
  | { full: false; uuid: string; size: VolumeSize; counts: BuildCounts; notes: BuildNotes }
  /** It is too small. `userBlocks`: what files could have. */
  | { full: true; userBlocks: number };

/** Tries on a device, which may be `blank`: all zeros. `watch` is told of the writer that is at work. */
export async function attempt(
  { device, blank, bytes }: Pick<Candidate, 'device' | 'blank' | 'bytes'>,
  source: BuildSource,
  { format, clock, random, tree, compression, readOnly }: AttemptOptions,
  slices: Slices,
  watch: (writer: TreeWriter) => void,
): Promise<AttemptOutcome> {
  const { layout, uuid } = runSync(formatVolume(device, { ...format, size: bytes, blank }));
  const { userBlockCount: userBlocks } = layout;
  const volume = runSync(
    mountF2fs(device, {
      writable: true,
      cache: { budgetBytes: CACHE_BYTES },
      ...(clock === undefined ? {} : { clock }),
      ...(random === undefined ? {} : { random }),
      ...(compression === undefined
        ? {}
        : {
            compress: compression.mount,
            codecs: compression.codecs,
            encoder: compression.encoder,
          }),
    }),
  );
  // Everything that happens on the volume: while workers compress, the tree goes on.
  const scheduler = new Scheduler(device.mode);
  volume.takeTurns(scheduler);
  const writer = new TreeWriter(volume, source, tree);
  watch(writer);
  try {
    scheduler.runSync(writer.begin());
    while (scheduler.runSync(writer.next())) if (slices.over) await slices.turn();
    scheduler.runSync(volume.unmount());
    if (readOnly) runSync(markReadOnly(device));
    runSync(device.settle());
  } catch (error) {
    writer.abort();
    // What workers are busy with is not left to them.
    scheduler.runSync(volume.writer!.flusher.stop());
    if (device.failure !== undefined) throw device.failure;
    if (error instanceof FsError && error.code === 'ENOSPC') return { full: true, userBlocks };
    throw error;
  }
  const usedBlocks = volume.writer!.space.validBlocks;
  return {
    full: false,
    uuid,
    size: { bytes: layout.bytes, userBlocks, usedBlocks },
    counts: writer.counts,
    notes: writer.notes,
  };
}
