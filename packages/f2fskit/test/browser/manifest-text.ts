// A volume's manifest, as test/manifest-lines.ts has it, without Node.

import { Manifest, type ManifestRecord, type Volume } from 'f2fskit';
import { latin1 } from './golden-files.ts';

/** What a manifest said: one string of bytes a line, errors as their messages. */
export interface ManifestText {
  lines: string[];
  errors: string[];
}

function add({ lines, errors }: ManifestText, record: ManifestRecord): void {
  if (record.error !== undefined) errors.push(record.error.message);
  if (record.line !== undefined) lines.push(latin1(record.line));
}

export async function manifestAsync(volume: Volume): Promise<ManifestText> {
  const { scheduler } = volume;
  const text: ManifestText = { lines: [], errors: [] };
  const manifest = await scheduler.run(Manifest.open(volume));
  for (let record = await scheduler.run(manifest.next()); record; record = await scheduler.run(manifest.next()))
    add(text, record);
  return text;
}

/** The same with calls that finish at once. */
export function manifestSync(volume: Volume): ManifestText {
  const { scheduler } = volume;
  const text: ManifestText = { lines: [], errors: [] };
  const manifest = scheduler.runSync(Manifest.open(volume));
  for (let record = scheduler.runSync(manifest.next()); record; record = scheduler.runSync(manifest.next()))
    add(text, record);
  return text;
}
