// A codec turns one compressed cluster into the bytes it stands for: bytes in, bytes out, in one call that never waits.
//
// What is true of every codec here:
//   - the caller owns both arrays, and knows the exact number of bytes that must come out;
//   - nothing outside `target` is written, nothing outside `source` is read, whatever the source holds;
//   - the work is bounded by a constant times (source.length + target.length), the memory by a constant;
//   - no state is kept between calls, so one codec object serves every volume, and a copy of it every worker.

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
   * Encodes all of `source` into the start of `target`.
   *
   * @returns the bytes written, or 0 when they do not fit: the caller then stores the cluster as it is.
   */
  compress?(source: Uint8Array, target: Uint8Array, level?: number): number;
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
