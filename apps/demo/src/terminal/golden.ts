// The volumes that come with the repository, each with what Linux says it holds.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** From `src/terminal` and from `dist/terminal` alike. */
const folder = new URL('../../../../fixtures/', import.meta.url);

export interface BundledVolume {
  name: string;
  image: Uint8Array;
  /** Bytes of the compressed file in the repository. */
  packedBytes: number;
  /** Path → the manifest line that Linux printed for it. */
  recorded: Map<string, string>;
}

export function loadBundled(name: string): BundledVolume {
  const packed = readFileSync(new URL(`${name}.img.gz`, folder));
  const lines = readFileSync(new URL(`${name}.manifest`, folder), 'utf8')
    .trimEnd()
    .split('\n');
  const recorded = new Map(lines.map((line) => [line.slice(line.lastIndexOf('\t') + 1), line]));
  return { name, image: gunzipSync(packed), packedBytes: packed.length, recorded };
}
