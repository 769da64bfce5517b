// A volume's manifest in tests: one string of bytes (latin1) a line, errors without a line as their message.

import { createHash } from 'node:crypto';
import { Manifest, type ManifestRecord, type Volume } from '../src/node/index.ts';

function createSha256() {
  const hash = createHash('sha256');
  return { update: (bytes: Uint8Array) => hash.update(bytes), digest: () => new Uint8Array(hash.digest()) };
}

/** What a manifest said. */
export interface ManifestText {
  lines: string[];
  errors: string[];
}

function add({ lines, errors }: ManifestText, record: ManifestRecord): void {
  if (record.error !== undefined) errors.push(record.error.message);
  if (record.line !== undefined) lines.push(Buffer.from(record.line).toString('latin1'));
}

export function manifestSync(volume: Volume): ManifestText {
  const { scheduler } = volume;
  const text: ManifestText = { lines: [], errors: [] };
  const manifest = scheduler.runSync(Manifest.open(volume, '/', { createHash: createSha256 }));
  for (let record = scheduler.runSync(manifest.next()); record; record = scheduler.runSync(manifest.next()))
    add(text, record);
  return text;
}

export async function manifestAsync(volume: Volume): Promise<ManifestText> {
  const { scheduler } = volume;
  const text: ManifestText = { lines: [], errors: [] };
  const manifest = await scheduler.run(Manifest.open(volume, '/', { createHash: createSha256 }));
  for (let record = await scheduler.run(manifest.next()); record; record = await scheduler.run(manifest.next()))
    add(text, record);
  return text;
}
