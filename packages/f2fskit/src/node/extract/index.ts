// extract(): everything out of a volume, as files of the host or as a tar archive.

import type { Task } from '@f2fskit/task';
import type { PathLike } from '@f2fskit/vfs';
import type { ExtractReport } from '../../extract/report.ts';
import { TarArchive, type TarOptions } from '../../extract/tar-archive.ts';
import type { Volume } from '../../volume.ts';
import { Extraction } from './extraction.ts';
import { openHostXattrs } from './host-xattrs.ts';

/** How long the thread is kept before others get their turn: signals, timers, a progress line. */
const SLICE_MS = 50;

export interface ExtractProgress {
  files: number;
  bytes: number;
  /** What is being worked on. */
  path: Uint8Array;
}

export interface ExtractOptions {
  /** Paths on the volume, files or whole directories; everything unless given. */
  paths?: readonly PathLike[];
  /** Sets owners. Default: where the process runs as root. */
  owners?: boolean;
  /** Sets extended attributes. Default true. */
  xattrs?: boolean;
  /** Makes device nodes and fifos. Default false: they are counted. */
  devices?: boolean;
  /** Replaces files that are there already. Default false: they stay, and are reported. */
  force?: boolean;
  /** Goes on where an earlier run stopped: complete files are kept, unfinished ones removed. */
  resume?: boolean;
  /** Stops between two pieces, with nothing unfinished left behind. */
  signal?: AbortSignal;
  onProgress?: (progress: ExtractProgress) => void;
}

const NO_XATTRS = 'this host sets extended attributes only with fs-xattr or setfattr';

/**
 * Extracts into `directory`, which is made if need be. Nothing is ever written outside of it, and nothing partial has a final
 * name. What could not be done is in the report; it is no reason to stop. Rejects with ENOENT for a path that is not on the
 * volume, with the signal's reason when it is aborted, and with what the host says about `directory` itself.
 */
export async function extract(volume: Volume, directory: string, options: ExtractOptions = {}): Promise<ExtractReport> {
  const { xattrs: withXattrs = true, signal, onProgress } = options;
  // Looked for when the first attribute is met: looking runs a program.
  let xattrs: ReturnType<typeof openHostXattrs> | undefined;
  const extraction = new Extraction(volume.vfs, directory, {
    paths: options.paths,
    owners: options.owners ?? process.getuid?.() === 0,
    force: options.force ?? false,
    resume: options.resume ?? false,
    devices: options.devices ?? false,
    xattrs: withXattrs,
  });
  const { report } = extraction;
  const run = runner(volume);
  let sliceEnd = performance.now() + SLICE_MS;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = run(extraction.next());
      if (!(step instanceof Promise ? await step : step)) break;
      const pending = extraction.pendingXattrs;
      if (pending !== undefined) {
        extraction.pendingXattrs = undefined;
        xattrs ??= openHostXattrs();
        const { host, path } = pending;
        const setter = await xattrs;
        if (setter === undefined) report.note('xattr', path, NO_XATTRS);
        else if (!(await setter.set(host, pending.xattrs))) report.note('xattr', path, 'the name is no text');
      }
      if (performance.now() < sliceEnd) continue;
      onProgress?.({ files: report.files, bytes: report.bytes, path: extraction.path });
      await new Promise((resolve) => setImmediate(resolve));
      sliceEnd = performance.now() + SLICE_MS;
    }
  } finally {
    extraction.abort();
    const problems = await (await xattrs)?.finish();
    for (const line of problems ?? []) report.note('xattr', new Uint8Array(0), line);
  }
  return report;
}

/**
 * The volume as a tar archive in the pax format, chunk by chunk; a chunk is good until the next one is asked for. The report
 * is complete when the last chunk has been read.
 */
export function tarStream(
  volume: Volume,
  options: TarOptions = {},
): { chunks: AsyncIterable<Uint8Array>; report: ExtractReport } {
  const archive = new TarArchive(volume.vfs, options);
  const run = runner(volume);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await run(archive.next());
      if (chunk === undefined) return;
      yield chunk;
    }
  }
  return { chunks: chunks(), report: archive.report };
}

/** On a sync volume without a promise for each step. */
function runner({ scheduler }: Volume): <T>(task: Task<T>) => T | Promise<T> {
  return (task) => (scheduler.mode === 'sync' ? scheduler.runSync(task) : scheduler.run(task));
}
