// The pool of Node with real threads. They need moments to start, and finish in any order: what is asserted holds in every one.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { sample } from '../../../test/support.ts';
import { defaultCodecs, lz4 } from '../../index.ts';
import { nodeZstd } from '../../node/index.ts';
import type { CodecPool } from '../codec-pool.ts';
import { Collected } from '../pool-test.ts';
import { SharedPool } from '../shared-pool.ts';
import { nodeCodecPool } from './index.ts';

const pools: CodecPool[] = [];
afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

/** A pool whose workers are all there. */
async function started(workers: number): Promise<SharedPool> {
  const pool = nodeCodecPool({ workers }) as SharedPool;
  pools.push(pool);
  pool.compress(new Collected(lz4, [sample(1, 4096), sample(2, 4096)]));
  while (pool.workersReady < workers) await new Promise((resolve) => setTimeout(resolve, 5));
  return pool;
}

it.each([1, 2, 4])('%i workers give what the codecs give', async (workers) => {
  const pool = await started(workers);
  const codecs = defaultCodecs().list();
  for (const codec of codecs) {
    for (const clusterBytes of [16_384, 65_536, 262_144]) {
      const sources = Array.from({ length: 524_288 / clusterBytes }, (_, index) => sample(index, clusterBytes));
      const batch = new Collected(codec, sources);
      const run = pool.compress(batch);
      run?.waitSync();
      run?.finish();
      batch.check();
    }
  }
  expect(pool.workersReady).toBe(workers);
});
