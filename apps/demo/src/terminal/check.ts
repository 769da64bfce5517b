// Reads everything on a volume and compares it with what Linux recorded, counting what happens below.

import { createHash } from 'node:crypto';
import { StatisticsDevice } from '@f2fskit/block';
import { deviceOf, Manifest, openVolume, type Volume } from 'f2fskit';
import type { BundledVolume } from './golden.ts';

/** What a whole read of one volume showed. */
export interface CheckResult {
  volume: Volume;
  records: number;
  /** Records that equal Linux's line, hash included. */
  equal: number;
  /** Lines that differ, or that only one side has. */
  differences: string[];
  fileBytes: number;
  deviceReads: number;
  deviceBytes: number;
  clusters: number;
  clusterBlocks: number;
  payloadBlocks: number;
  milliseconds: number;
}

/** node:crypto's SHA-256 as the manifest wants it. */
function createSha256() {
  const hash = createHash('sha256');
  return { update: (bytes: Uint8Array) => hash.update(bytes), digest: () => new Uint8Array(hash.digest()) };
}

export async function checkVolume(bundled: BundledVolume): Promise<CheckResult> {
  const started = performance.now();
  const device = new StatisticsDevice(deviceOf(bundled.image));
  const volume = await openVolume(device);
  let clusters = 0;
  let clusterBlocks = 0;
  let payloadBlocks = 0;
  const stop = volume.tracer.listen((name, event) => {
    if (name !== 'cluster:read') return;
    const cluster = event as { clusterBlocks: number; payloadBlocks: number };
    clusters++;
    clusterBlocks += cluster.clusterBlocks;
    payloadBlocks += cluster.payloadBlocks;
  });
  const missing = new Map(bundled.recorded);
  const differences: string[] = [];
  let records = 0;
  let equal = 0;
  let fileBytes = 0;
  const { scheduler } = volume;
  const manifest = await scheduler.run(Manifest.open(volume, '/', { createHash: createSha256 }));
  for (
    let record = await scheduler.run(manifest.next());
    record !== undefined;
    record = await scheduler.run(manifest.next())
  ) {
    if (record.line === undefined) {
      differences.push(record.error.message);
      continue;
    }
    records++;
    const line = Buffer.from(record.line).toString();
    const path = Buffer.from(record.path).toString();
    const fields = line.split('\t');
    if (fields[0] === 'file' && fields[8] !== '-') fileBytes += Number(fields[5]);
    if (missing.get(path) === line) equal++;
    else differences.push(line);
    missing.delete(path);
  }
  differences.push(...missing.values());
  stop();
  const { read } = device.snapshot();
  return {
    volume,
    records,
    equal,
    differences,
    fileBytes,
    deviceReads: read.bios,
    deviceBytes: read.bytes,
    clusters,
    clusterBlocks,
    payloadBlocks,
    milliseconds: performance.now() - started,
  };
}
