// Codecs that the host brings along: node:zlib has zstd since Node 22.15. It decodes three times as fast as the default,
// and it encodes, which the default cannot; both into an array of its own, which is then copied to the target.

import * as zlib from 'node:zlib';
import { type Codec, CodecError, type CodecName, type CodecRegistry } from '../codec.ts';
import { zstdCodec } from '../zstd/encoder.ts';
import { checkFrame } from '../zstd/frame.ts';

/** The part of node:zlib that is used. Optional, because the oldest Node that this package runs on lacks it. */
export interface ZlibWithZstd {
  zstdDecompressSync?: (source: Uint8Array, options: { maxOutputLength: number; chunkSize: number }) => Uint8Array;
  zstdCompressSync?: (
    source: Uint8Array,
    options: { maxOutputLength: number; chunkSize: number; params: Record<number, number> },
  ) => Uint8Array;
}

/** The longest frame for so much content: raw blocks of at most 128 KiB with 3 bytes each, the header, and some more. */
const frameBytesMax = (contentBytes: number): number => contentBytes + Math.ceil(contentBytes / 256) + 128;

/** ZSTD_c_compressionLevel, as node:zlib has it in its constants. */
const compressionLevelParameter = 100;

/** The smallest chunk that node:zlib accepts. */
const chunkBytesMin = 64;

/**
 * zstd by node:zlib, or another module of that shape, with the same refusals as the default codec; `undefined` where
 * there is none.
 */
export function nodeZstd(host = zlib as ZlibWithZstd): Codec | undefined {
  const { zstdDecompressSync, zstdCompressSync } = host;
  if (zstdDecompressSync === undefined || zstdCompressSync === undefined) return undefined;

  function decompress(source: Uint8Array, target: Uint8Array): number {
    checkFrame(source, target.length);
    // One chunk for the whole output: otherwise it is gathered in pieces that are joined at the end.
    const chunkSize = Math.max(target.length, chunkBytesMin);
    let output: Uint8Array;
    try {
      output = zstdDecompressSync!(source, { maxOutputLength: chunkSize, chunkSize });
    } catch (error) {
      const { code, message } = error as { code?: unknown; message?: unknown };
      const reason = code === 'ERR_BUFFER_TOO_LARGE' ? 'overflow' : 'library';
      throw new CodecError('zstd', reason, source.length, 0, String(message), error);
    }
    if (output.length !== target.length) {
      throw new CodecError('zstd', output.length < target.length ? 'short' : 'overflow', source.length, output.length);
    }
    target.set(output);
    return output.length;
  }

  function compress(source: Uint8Array, level: number): Uint8Array {
    // Room for whatever it may be, and not only for the budget: with less, libzstd cuts the content into other blocks, and
    // the bytes would depend on the budget.
    const chunkSize = frameBytesMax(source.length);
    const params = { [compressionLevelParameter]: level };
    return zstdCompressSync!(source, { maxOutputLength: chunkSize, chunkSize, params });
  }

  return zstdCodec(compress, decompress);
}

/** One object, however often it is asked for: a pool tells by it that its workers have the same codec. */
const own = nodeZstd();

/** Replaces codecs of `registry` by those that this Node brings along; returns the names of the replaced. */
export function registerNodeCodecs(registry: CodecRegistry): CodecName[] {
  if (own === undefined) return [];
  registry.register(own);
  return [own.name];
}
