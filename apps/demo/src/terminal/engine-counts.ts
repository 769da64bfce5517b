// What an engine does, counted by its events and by what arrives at the device.

import type { StatisticsDevice } from '@f2fskit/block';
import type { Volume } from 'f2fskit';

/** By what is shown. Names that end in `bytes` are bytes. */
export type EngineCounts = Record<string, number>;

/** Begins to count; the returned function ends it. */
export function countEvents(volume: Volume, device: StatisticsDevice): () => EngineCounts {
  const counts = { folios: 0, pages: 0, read: 0, compressed: 0, raw: 0, clusterBlocks: 0, payloadBlocks: 0 };
  device.reset();
  const stop = volume.tracer.listen((name, event) => {
    if (name === 'folio:create') {
      const { mapping, order } = event as { mapping: string; order: number };
      if (!mapping.startsWith('ino')) return;
      counts.folios++;
      counts.pages += 2 ** order;
    } else if (name === 'cluster:read') counts.read++;
    else if (name === 'cluster:write') {
      const { clusterBlocks, payloadBlocks } = event as { clusterBlocks: number; payloadBlocks: number };
      if (payloadBlocks === 0) counts.raw++;
      else {
        counts.compressed++;
        counts.clusterBlocks += clusterBlocks;
        counts.payloadBlocks += payloadBlocks;
      }
    }
  });
  return () => {
    stop();
    const { write } = device.snapshot();
    return {
      'folios in the page cache': counts.folios,
      'pages in them': counts.pages,
      'clusters read': counts.read,
      'clusters compressed': counts.compressed,
      'clusters written as they are': counts.raw,
      'blocks that were compressed': counts.clusterBlocks,
      'blocks that they became': counts.payloadBlocks,
      'bios written': write.bios,
      'segments in them': write.segments,
      'written bytes': write.bytes,
    };
  };
}
