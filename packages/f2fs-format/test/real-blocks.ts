import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Blocks of a real volume by address, and what dump.f2fs says about it; see fixtures/README.md. */
export interface RealVolume {
  block(address: number): Uint8Array;
  readonly fields: Readonly<Record<string, number | string>>;
  readonly inodes: Readonly<Record<string, Readonly<Record<string, number | string | number[]>>>>;
}

export function realVolume(name: string): RealVolume {
  const base = new URL(`./fixtures/${name}`, import.meta.url).pathname;
  const records = gunzipSync(readFileSync(`${base}.blocks.gz`));
  const blocks = new Map<number, Uint8Array>();
  for (let at = 0; at < records.length; at += 4100) {
    blocks.set(records.readUInt32LE(at), Uint8Array.from(records.subarray(at + 4, at + 4100)));
  }
  return {
    block: (address) => {
      const block = blocks.get(address);
      if (block === undefined) throw new Error(`block ${address} of ${name} was not extracted`);
      return block;
    },
    ...JSON.parse(readFileSync(`${base}.json`, 'utf8')),
  };
}
