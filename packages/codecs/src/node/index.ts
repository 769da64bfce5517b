// Codecs that the host brings along: node:zlib has zstd since Node 22.15. It decodes two to five times as fast as the
// default and allocates its output, which is then copied to the target.

import * as zlib from 'node:zlib';
import { type Codec, CodecError, type CodecRegistry, codecIds } from '../codec.ts';
import { checkFrame } from '../zstd/frame.ts';

/** The part of node:zlib used here; its types do not name it for the oldest Node that this package runs on. */
interface ZlibWithZstd {
  zstdDecompressSync?: (source: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Uint8Array;
}

/** The smallest chunk that node:zlib accepts. */
const chunkBytesMin = 64;

/** zstd by node:zlib, with the refusals of the default one; `undefined` on a Node without it. */
export function nodeZstd(): Codec | undefined {
  const { zstdDecompressSync } = zlib as ZlibWithZstd;
  if (zstdDecompressSync === undefined) return undefined;
  return {
    name: 'zstd',
    id: codecIds.zstd,
    decompress(source, target) {
      checkFrame(source, target.length);
      let output: Uint8Array;
      try {
        // One chunk of the whole output: otherwise it grows in steps of 32 KiB that are joined at the end.
        const chunkSize = Math.max(target.length, chunkBytesMin);
        output = zstdDecompressSync(source, { maxOutputLength: chunkSize, chunkSize });
      } catch (error) {
        throw new CodecError('zstd', 'library', 0, 0, error instanceof Error ? error.message : undefined, error);
      }
      if (output.length !== target.length) {
        const reason = output.length < target.length ? 'short' : 'overflow';
        throw new CodecError('zstd', reason, source.length, output.length);
      }
      target.set(output);
      return output.length;
    },
  };
}

/** Replaces the defaults of `registry` by what this Node brings along; returns the names of those replaced. */
export function registerNodeCodecs(registry: CodecRegistry): string[] {
  const codecs = [nodeZstd()].filter((codec) => codec !== undefined);
  for (const codec of codecs) registry.register(codec);
  return codecs.map((codec) => codec.name);
}
