import { codecIds } from '@f2fskit/codecs';
import { expect, it } from 'vitest';
import { loadCodecs } from '../src/node/index.ts';

it('every algorithm of F2FS can be read and written', async () => {
  const codecs = await loadCodecs();
  const cluster = new TextEncoder().encode('all work and no play '.repeat(800)).subarray(0, 16384);
  for (const [name, id] of Object.entries(codecIds)) {
    const codec = codecs.get(id)!;
    const target = new Uint8Array(12264);
    const length = codec.compress!(cluster, target);
    expect([name, length > 0 && length < 1000]).toEqual([name, true]);
    const decoded = new Uint8Array(16384);
    codec.decompress(target.subarray(0, length), decoded);
    expect(Buffer.compare(decoded, cluster)).toBe(0);
  }
});
