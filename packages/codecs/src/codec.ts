// A codec turns one cluster into fewer bytes and those back into the cluster: bytes in, bytes out, in one call that never
// waits.
//
// What is true of every codec here:
//   - the caller owns both arrays; it knows the exact number of bytes that decoding must give, and the number above which
//     encoding is of no use;
//   - nothing outside `target` is written, nothing outside `source` is read, whatever the source holds;
//   - decoding takes work of at most a constant times (source.length + target.length), encoding of a constant that the
//     level chooses times source.length, and the memory is bounded by a constant;
//   - what comes out depends on nothing but source and level; the budget decides whether, not what. Encoders keep tables between calls, to save
//     their allocation, not what is in them; so one codec object serves every volume, and a copy of it every worker.

import { assert, EIO, FsError } from '@f2fskit/errno';

/** The formats. LZ4HC is a way to compress, not a format: its blocks are LZ4 blocks. */
export type CodecName = 'lzo' | 'lz4' | 'zstd' | 'lzo-rle';

/** The number under which a volume records each format. */
export const codecIds: Readonly<Record<CodecName, number>> = { lzo: 0, lz4: 1, zstd: 2, 'lzo-rle': 3 };

/** One format, decoded and perhaps encoded. */
export interface Codec {
  readonly name: CodecName;
  /** Its number in {@link codecIds}. */
  readonly id: number;
  /**
   * Decodes all of `source` into `target`, whose length is the exact output size. The two must not share memory.
   *
   * @returns the bytes written, always `target.length`.
   * @throws {CodecError} when the source is not one whole stream of this format, or stands for another number of bytes;
   *   the content of `target` is then undefined.
   */
  decompress(source: Uint8Array, target: Uint8Array): number;
  /**
   * Encodes all of `source` into the start of `target`, whose length is the budget. The two must not share memory. Stops as
   * soon as it is clear that they do not fit, where the encoder is ours. Bytes of `target` behind the ones returned may have
   * been written too. Never throws.
   *
   * Absent where a format can only be read; `compressHint` then says what is missing.
   *
   * @param level what the format knows: lz4 0 (fast, the default) to 12 (LZ4HC from 1 on), zstd -131072 to 22 (default 1);
   *   the nearest of these if it is another. lzo and lzo-rle have none.
   * @returns the bytes written, or 0 when they do not fit: the caller then stores the cluster as it is.
   */
  compress?(source: Uint8Array, target: Uint8Array, level?: number): number;
  /** Where there is no `compress`: what to do to have it, to be shown to a person. */
  readonly compressHint?: string;
}

/** What a stream does wrong. */
export type CodecErrorReason =
  | 'truncated' // needs bytes beyond the end of the source
  | 'trailing' // ends before the end of the source
  | 'overflow' // stands for more bytes than the target has
  | 'short' // stands for fewer
  | 'distance' // a match starts before the first byte of the output, or has distance 0
  | 'invalid' // not this format, or a value that the format does not define
  | 'unsupported' // right by the format, refused here: dictionaries, oversized windows
  | 'table' // an entropy table contradicts itself
  | 'bits' // an entropy-coded bit stream ends early or late
  | 'checksum' // the content is not what its checksum says
  | 'library'; // a decoder that is not ours refused it; see `cause`

/** A source that its codec refuses. The two offsets find the place: how far the decoder had read, and written. */
export class CodecError extends FsError {
  readonly codec: CodecName;
  /** Bytes of the source consumed, within a few bytes of the fault. */
  readonly sourceOffset: number;
  /** Bytes of the target written before the fault. */
  readonly targetOffset: number;
  readonly reason: CodecErrorReason;

  constructor(
    codec: CodecName,
    reason: CodecErrorReason,
    sourceOffset: number,
    targetOffset: number,
    detail?: string,
    cause?: unknown,
  ) {
    const place = `${codec} ${reason} at source byte ${sourceOffset}, target byte ${targetOffset}`;
    super(EIO, { detail: detail === undefined ? place : `${place}: ${detail}`, cause });
    this.name = 'CodecError';
    this.codec = codec;
    this.reason = reason;
    this.sourceOffset = sourceOffset;
    this.targetOffset = targetOffset;
  }
}

/** The codecs that a volume may use, one per format. */
export class CodecRegistry {
  readonly #byId = new Map<number, Codec>();

  /** Adds a codec; one registered earlier for the same format is replaced, so a faster one comes after the defaults. */
  register(codec: Codec): void {
    assert(codecIds[codec.name] === codec.id, `codec ${codec.name} has id ${codecIds[codec.name]}, not ${codec.id}`);
    this.#byId.set(codec.id, codec);
  }

  /** The codec of a format, by its name or by the number a volume recorded; `undefined` when there is none. */
  get(format: CodecName | number): Codec | undefined {
    return this.#byId.get(typeof format === 'number' ? format : codecIds[format]);
  }

  /** Every registered codec, in the order of the ids. */
  list(): Codec[] {
    return [...this.#byId.values()].sort((a, b) => a.id - b.id);
  }
}
