// What our encoders write, decoded by liblzo2, liblz4 and libzstd: round trips through our own decoders do not show a block
// that only we can read. The libraries are called through python3, because nothing else that a machine may have can call
// them without a compiler; where one is missing its tests are skipped, and say so.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import lz4js from 'lz4js';
import { describe, expect, it } from 'vitest';
import { type Codec, defaultCodecs, lz4, lz4jsEncoder } from '../src/index.ts';
import { registerNodeCodecs } from '../src/node/index.ts';
import { loadZstd } from '../src/zstd-wasm/index.ts';
import { clusterBudget, content, contentKinds, encode, enoughFor, sample } from './support.ts';

const full = process.env['F2FSKIT_FULL'] !== undefined;
const script = fileURLToPath(new URL('reference.py', import.meta.url));
const present = new Set(spawnSync('python3', [script], { encoding: 'utf8' }).stdout?.split(/\s+/) ?? []);

interface Pair {
  block: Uint8Array;
  content: Uint8Array;
}

/** Contents of all kinds and of the lengths that volumes have, encoded. */
function pairs(compress: NonNullable<Codec['compress']>, level: number | undefined, seed: number): Pair[] {
  const result: Pair[] = [];
  const add = (source: Uint8Array, budget = enoughFor(source.length)): void => {
    const block = encode(compress, source, budget, level);
    if (block !== undefined) result.push({ block, content: source });
  };
  for (let length = 0; length <= 300; length++) add(content(length, seed + length, length));
  for (let i = 0; i < (full ? 300 : 60); i++) add(content(i, seed + i, 300 + ((seed * 31 + i * 977) % 20_000)));
  for (let log = 14; log <= 20; log++) {
    if (log > 17 && (level ?? 0) > (full ? 9 : 3)) continue; // seconds for a MiB of two letters
    for (let kind = 0; kind < contentKinds.length; kind++) {
      if (full || (kind + log) % 4 === 0) add(content(kind, seed + log, 2 ** log), clusterBudget(2 ** log));
    }
  }
  return result;
}

/** What the reference says against each pair; it has to end by saying how many there were. */
function refused(format: number, all: Pair[]): string[] {
  const records = all.flatMap(({ block, content }) => {
    const head = Buffer.alloc(9);
    head[0] = format;
    head.writeUInt32LE(block.length, 1);
    head.writeUInt32LE(content.length, 5);
    return [head, block, content];
  });
  const { stdout, stderr } = spawnSync('python3', [script, 'check'], {
    input: Buffer.concat(records),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const lines = stdout.trim().split('\n');
  expect(lines.pop(), stderr).toBe(`done ${all.length}`);
  return lines;
}

const without = (name: string): string =>
  present.has(name) ? '' : ` (skipped: no python3 with the library of ${name})`;

describe.skipIf(!present.has('lz4'))(`liblz4${without('lz4')}`, () => {
  it.each(full ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] : [0, 9, 10])('decodes level %i', (level) => {
    expect(refused(1, pairs(lz4.compress!, level, level))).toEqual([]);
  });

  it('decodes what lz4js writes, by way of its wrapper', () => {
    expect(refused(1, pairs(lz4jsEncoder(lz4js), undefined, 5))).toEqual([]);
  });

  it('refuses blocks of lz4js without the wrapper: these tests can fail', () => {
    const raw: NonNullable<Codec['compress']> = (source, target) => {
      const length = lz4js.compressBlock(source, target, 0, source.length, new Uint32Array(65536));
      return length > target.length ? 0 : length;
    };
    const sources = Array.from({ length: 200 }, (_, i) => sample(i, 300 + i));
    const all = sources.flatMap((source) => {
      const block = encode(raw, source, enoughFor(source.length));
      return block === undefined ? [] : [{ block, content: source }];
    });
    expect(all.length).toBeGreaterThan(150);
    expect(refused(1, all).length).toBeGreaterThan(3);
  });
});

describe.skipIf(!present.has('lzo'))(`liblzo2${without('lzo')}`, () => {
  it.each(['lzo', 'lzo-rle'] as const)('decodes %s', (name) => {
    expect(refused(0, pairs(defaultCodecs().get(name)!.compress!, undefined, 7))).toEqual([]);
  });
});

describe.skipIf(!present.has('zstd'))(`libzstd with the memory that f2fs gives it${without('zstd')}`, () => {
  it.each(full ? [undefined, -7, 1, 3, 19, 22] : [undefined, 19])(
    'decodes level %s by @bokuweb/zstd-wasm',
    async (level) => {
      const { compress } = await loadZstd();
      expect(refused(2, pairs(compress!, level, 3))).toEqual([]);
    },
  );

  const registry = defaultCodecs();
  const native = registerNodeCodecs(registry).includes('zstd');
  it.skipIf(!native)(`decodes what node:zlib writes${native ? '' : ' (skipped: this Node has no zstd)'}`, () => {
    for (const level of [undefined, -7, 3, 19]) {
      expect(refused(2, pairs(registry.get('zstd')!.compress!, level, 3))).toEqual([]);
    }
  });
});
