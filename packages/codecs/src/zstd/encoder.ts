// zstd with an encoder of somebody else: a library's one-shot compressor behind the promises of a codec.
//
// A frame has to be one that Linux takes back. f2fs decodes with memory for a window of one cluster and not a byte more, so
// a frame with a larger window is refused there, although every zstd tool reads it. One-shot compressors are told the size
// of the content and make a single segment, whose window is the content; streaming ones are not, and are of no use here.
// Which kind a library is, is tried once, when it is handed over; and every frame is checked before it is let out, because
// a cluster stored as it is costs a few blocks, and one that cannot be read costs the data. (kernel fs/f2fs/compress.c)

import { assert } from '@f2fskit/errno';
import { type Codec, codecIds } from '../codec.ts';
import { zstd } from '../zstd.ts';
import { checkFrame } from './frame.ts';

/** Compresses all of `source` into one frame, at a level of -131072 to 22 but not 0. */
export type ZstdCompress = (source: Uint8Array, level: number) => Uint8Array;

/** What f2fs takes when the volume does not say. */
const levelDefault = 1;
const levelMin = -131072;
const levelMax = 22;

/**
 * The codec that decodes as `decoder` does and encodes with `compress`.
 *
 * @throws {AssertionError} when the frame of a probe is not one that can be read back.
 */
export function zstdCodec(compress: ZstdCompress, decompress: Codec['decompress'] = zstd.decompress): Codec {
  const codec: Codec = {
    name: 'zstd',
    id: codecIds.zstd,
    decompress,
    compress(source, target, level = 0) {
      // 0 is the default, here and in f2fs; to libzstd it would be 3.
      const chosen = Math.max(levelMin, Math.min(levelMax, Math.trunc(level) || levelDefault));
      let frame: Uint8Array;
      try {
        frame = compress(source, chosen);
        if (frame.length > target.length) return 0;
        checkFrame(frame, source.length);
      } catch {
        return 0;
      }
      target.set(frame);
      return frame.length;
    },
  };
  probe(codec);
  return codec;
}

/** What shows whether a frame is raw zstd with a window of its content: enough bytes for a window of its own. */
const probeBytes = 4096;

function probe(codec: Codec): void {
  const content = Uint8Array.from({ length: probeBytes }, (_, index) => (index % 61) * (index >> 9));
  const frame = new Uint8Array(probeBytes);
  const length = codec.compress?.(content, frame) ?? 0;
  assert(length > 0, 'the zstd encoder gives no single frame with the size of its content as window');
  const decoded = new Uint8Array(probeBytes);
  zstd.decompress(frame.subarray(0, length), decoded);
  assert(
    decoded.every((byte, index) => byte === content[index]),
    'the zstd encoder gives a frame of other content',
  );
}
