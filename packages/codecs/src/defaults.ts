// The codecs that are always there: no WebAssembly, no native code, the same in Node and the browser.

import { CodecRegistry } from './codec.ts';
import { lz4 } from './lz4.ts';
import { lzo, lzoRle } from './lzo.ts';
import { zstd } from './zstd.ts';

/** A new registry with every codec of this package. */
export function defaultCodecs(): CodecRegistry {
  const registry = new CodecRegistry();
  for (const codec of [lzo, lz4, zstd, lzoRle]) registry.register(codec);
  return registry;
}
