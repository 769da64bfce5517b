// Every codec that can be had here. Node reads Zstandard, and from 22.15 on writes it; before that a package in WebAssembly does, where
// it is installed. Loading that takes time, so a volume that is opened does not wait for it: who wants to write Zstandard asks.

import { type CodecRegistry, codecIds, defaultCodecs } from '@f2fskit/codecs';
import { registerNodeCodecs } from '@f2fskit/codecs/node';
import { loadZstd } from '@f2fskit/codecs/zstd-wasm';

/** For the option `codecs` of `openVolume` and `buildImage`. What is not installed is not there: the codec then says what is missing. */
export async function loadCodecs(): Promise<CodecRegistry> {
  const codecs = defaultCodecs();
  registerNodeCodecs(codecs);
  if (codecs.get(codecIds.zstd)?.compress === undefined) {
    try {
      codecs.register(await loadZstd());
    } catch {
      // Not installed, or not for this machine: only who needs it will miss it, and be told by `compressHint`.
    }
  }
  return codecs;
}
