// A tar archive as the source of a build: ustar, pax and GNU's format, sparse files and links included. It is listed from its
// headers, and contents are read from where they lie; what comes as a stream, or packed, is kept in a file meanwhile.

import fs from 'node:fs';
import { EINVAL, FsError } from '@f2fskit/errno';
import type { Timestamp } from '@f2fskit/vfs';
import { PIECE_BYTES, StoredContents } from './contents.ts';
import type { BuildNotes } from './report.ts';
import type { Selection } from './selection.ts';
import type { Slices } from './slices.ts';
import type { BuildSource } from './source.ts';
import { checkPacking, GZIP_START, type Spool, spoolArchive } from './spool.ts';
import { TarEntries } from './tar-entries.ts';
import { TarPlan } from './tar-plan.ts';

export interface TarSourceOptions {
  selection: Selection;
  notes: BuildNotes;
  xattrs: boolean;
  /** The time of directories that the archive does not have. */
  now: Timestamp;
  /** Where a stream is kept. */
  spoolDirectory: string;
  signal: AbortSignal | undefined;
}

/** Entries between two looks at the clock. */
const STEP_ENTRIES = 64;

/** Lists an archive: its path, or its bytes. Rejects with EINVAL for what is none, or is broken, and with what the host says. */
export async function openTarSource(
  input: string | AsyncIterable<Uint8Array>,
  options: TarSourceOptions,
  slices: Slices,
  found: (entries: number) => void,
): Promise<BuildSource> {
  const file = await openArchive(input, options);
  try {
    if (file.bytes === 0) throw new FsError(EINVAL, 'tar: an archive without a single byte');
    const plan = new TarPlan(options.now, options.notes, options.xattrs);
    const entries = new TarEntries(file.fd, file.bytes);
    for (let entry = entries.next(); entry !== undefined; entry = entries.next()) {
      plan.add(entry);
      if (plan.entries % STEP_ENTRIES !== 0) continue;
      found(plan.entries);
      if (slices.over) await slices.turn();
    }
    plan.finish();
    options.selection.prune(plan.root);
    const buffer = Buffer.alloc(PIECE_BYTES);
    return {
      root: plan.root,
      open: ({ stored, size }) => new StoredContents(file.fd, stored!, size, buffer),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function openArchive(
  input: string | AsyncIterable<Uint8Array>,
  { spoolDirectory, signal }: TarSourceOptions,
): Promise<Spool> {
  if (typeof input !== 'string') return await spoolArchive(input, spoolDirectory, signal);
  const fd = fs.openSync(input, 'r');
  const stat = fs.fstatSync(fd);
  if (stat.isFile()) {
    try {
      const start = Buffer.alloc(8);
      const packed = fs.readSync(fd, start, 0, start.length, 0) >= 2 && start.subarray(0, 2).equals(GZIP_START);
      checkPacking(start);
      if (!packed) return { fd, bytes: stat.size, close: () => fs.closeSync(fd) };
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }
  // A pipe, or packed. The stream closes the file.
  const stream = fs.createReadStream(input, stat.isFile() ? { fd, start: 0 } : { fd });
  return await spoolArchive(stream, spoolDirectory, signal);
}
