// zstd for hosts that cannot write it themselves, which are browsers and Node before 22.15: the decoder of this package with
// the encoder of @bokuweb/zstd-wasm, an optional peer dependency of 250 KiB. It is loaded when asked for, and nothing but
// this file names it, so a bundle that does not import this file does not look for it.

import type { Codec } from '../codec.ts';
import { zstdCodec } from '../zstd/encoder.ts';

/** The part of the module `@bokuweb/zstd-wasm` that is used. */
export interface ZstdWasm {
  init(path?: string): Promise<void>;
  compress(source: Uint8Array, level?: number): Uint8Array;
}

/** One codec for each module, because a second `init` leaves the module with the code of one instance and the memory of another. */
const loaded = new WeakMap<ZstdWasm, Promise<Codec>>();

/**
 * Loads zstd with an encoder; the caller registers it: `registry.register(await loadZstd())`. The module is initialised
 * once, and not at all if the caller has done so. Where its `.wasm` file cannot be fetched, the promise stays pending, as
 * that of its `init` does.
 *
 * @param module the module, where the caller has it already or brings another of this shape
 * @param path where the `.wasm` file is to be fetched from, in a browser whose bundler has moved it
 * @throws the error of `import` when the package is not installed; AssertionError when its frames are of no use here.
 */
export async function loadZstd(module?: ZstdWasm, path?: string): Promise<Codec> {
  const wasm: ZstdWasm = module ?? (await import('@bokuweb/zstd-wasm'));
  let codec = loaded.get(wasm);
  if (codec === undefined) {
    codec = initialise(wasm, path);
    loaded.set(wasm, codec);
  }
  return codec;
}

async function initialise(wasm: ZstdWasm, path?: string): Promise<Codec> {
  const make = (): Codec => zstdCodec((source, level) => wasm.compress(source, level));
  try {
    return make();
  } catch {
    await wasm.init(path);
    return make();
  }
}
