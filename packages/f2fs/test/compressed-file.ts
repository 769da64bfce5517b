// Files for the reader, stated piece by piece together with the bytes they must read as. Compressed clusters are streams
// written by hand: some literal bytes, then one run of the last of them — the shortest thing that each of the four formats
// can say.

import { BLOCK_SIZE, COMPRESS_ADDRESS, clusterChecksum, InodeFlag, NEW_ADDRESS } from '@f2fskit/f2fs-format';
import type { TestInode } from '@f2fskit/f2fs-node/test-volume';
import type { MountableVolume } from './mountable-volume.ts';

/** Numbers as the volume stores them. */
export const Algorithm = { lzo: 0, lz4: 1, zstd: 2, lzoRle: 3 } as const;

/** Continues a length in bytes of `step` and a last smaller one, as LZ4 (255, `zero` false) and LZO (0 bytes) do. */
function extended(rest: number, zero: boolean): number[] {
  if (!zero) return [...new Array<number>(Math.floor(rest / 255)).fill(255), rest % 255];
  const more = Math.floor((rest - 1) / 255);
  return [...new Array<number>(more).fill(0), rest - 255 * more];
}

function lz4(head: Uint8Array, total: number): number[] {
  const tail = new Array<number>(5).fill(head.at(-1)!);
  const match = total - head.length - tail.length;
  return [0xff, ...extended(head.length - 15, false), ...head, 1, 0, ...extended(match - 19, false), 0x50, ...tail];
}

function lzo(head: Uint8Array, total: number, version: 0 | 1): number[] {
  const literals = [0x00, ...extended(head.length - 18, true), ...head];
  const match = [0x20, ...extended(total - head.length - 33, true), 0x00, 0x00];
  return [...(version === 1 ? [0x11, 0x01] : []), ...literals, ...match, 0x11, 0x00, 0x00];
}

function zstd(head: Uint8Array, total: number): number[] {
  const window = 31 - Math.clz32(total);
  const blockMax = Math.min(total, 1 << 17);
  const block = (size: number, type: number, last: boolean, content: Uint8Array): number[] => {
    const header = (size << 3) | (type << 1) | (last ? 1 : 0);
    return [header & 0xff, (header >> 8) & 0xff, header >> 16, ...content];
  };
  const blocks: number[][] = [];
  for (let from = 0; from < head.length; from += blockMax) {
    const part = head.subarray(from, from + blockMax);
    blocks.push(block(part.length, 0, false, part));
  }
  for (let left = total - head.length; left > 0; left -= blockMax) {
    blocks.push(block(Math.min(left, blockMax), 1, left <= blockMax, head.subarray(-1)));
  }
  return [0x28, 0xb5, 0x2f, 0xfd, 0x00, (window - 10) << 3, ...blocks.flat()];
}

/** A stream of the format that stands for `head` and then its last byte, up to `total` bytes. `head`: 19 bytes or more. */
export function streamOf(algorithm: number, head: Uint8Array, total: number): Uint8Array {
  if (algorithm === Algorithm.lz4) return Uint8Array.from(lz4(head, total));
  if (algorithm === Algorithm.zstd) return Uint8Array.from(zstd(head, total));
  return Uint8Array.from(lzo(head, total, algorithm === Algorithm.lzo ? 0 : 1));
}

/** The payload of a cluster: header, stream, and rubbish up to the end of the last block. */
export function payloadOf(stream: Uint8Array, checksum: boolean): Uint8Array {
  const payload = new Uint8Array(Math.ceil((24 + stream.length) / BLOCK_SIZE) * BLOCK_SIZE).fill(0xee);
  const view = new DataView(payload.buffer);
  view.setUint32(0, stream.length, true);
  view.setUint32(4, checksum ? clusterChecksum(stream) : 0, true);
  payload.fill(0, 8, 24);
  payload.set(stream, 24);
  return payload;
}

/** Bytes that differ from block to block and inside each. */
export function patternBytes(seed: number, size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** One part of a file. */
export interface FilePiece {
  kind: 'hole' | 'reserved' | 'raw' | 'compressed';
  /** Blocks, for all but compressed. */
  blocks: number;
  /** Leaves so many unused blocks before the ones of this piece. */
  gap: number;
  /** Of compressed: literal bytes, as a fraction of what the payload can hold. */
  literals: number;
  /** Of compressed: slots without payload are 0 instead of reserved. */
  released: boolean;
  /** Every other block of the piece is followed by an unused one. */
  scattered?: boolean;
}

export interface FileShape {
  pieces: readonly FilePiece[];
  /** 0: a file without clusters. */
  logClusterSize: number;
  algorithm: number;
  checksum: boolean;
}

/** Writes the data blocks of a file, and returns its slots and what they read as, block by block. */
export function layOut(volume: MountableVolume, shape: FileShape): { slots: number[]; content: Uint8Array } {
  const clusterBlocks = 2 ** shape.logClusterSize;
  const slots: number[] = [];
  const parts: Array<{ at: number; bytes: Uint8Array }> = [];
  const write = (bytes: Uint8Array, scattered: boolean): number[] =>
    Array.from({ length: bytes.length / BLOCK_SIZE }, (_, n) => {
      const address = volume.allocate(scattered && n % 2 === 1 ? 2 : 1);
      volume.write(address, bytes.subarray(n * BLOCK_SIZE, (n + 1) * BLOCK_SIZE));
      return address;
    });
  for (const [index, { kind, blocks, gap, literals, released, scattered = false }] of shape.pieces.entries()) {
    if (gap > 0) volume.allocate(gap);
    if (kind === 'compressed') {
      if (shape.logClusterSize === 0) continue;
      while (slots.length % clusterBlocks !== 0) slots.push(0);
      const total = clusterBlocks * BLOCK_SIZE;
      // Lengths in LZ4 and LZO take a byte for each 255; everything else is less than 100 bytes.
      const room = Math.floor((clusterBlocks - 1) * BLOCK_SIZE * (254 / 256)) - 100;
      const head = patternBytes(index + 1, 19 + Math.floor(literals * (room - 19)));
      const payload = write(payloadOf(streamOf(shape.algorithm, head, total), shape.checksum), scattered);
      const bytes = new Uint8Array(total).fill(head.at(-1)!);
      bytes.set(head);
      parts.push({ at: slots.length, bytes });
      const rest = new Array<number>(clusterBlocks - 1 - payload.length).fill(released ? 0 : NEW_ADDRESS);
      slots.push(COMPRESS_ADDRESS, ...payload, ...rest);
    } else if (kind === 'raw') {
      const bytes = patternBytes(1000 + index, blocks * BLOCK_SIZE);
      parts.push({ at: slots.length, bytes });
      slots.push(...write(bytes, scattered));
    } else {
      for (let n = 0; n < blocks; n++) slots.push(kind === 'hole' ? 0 : NEW_ADDRESS);
    }
  }
  const content = new Uint8Array(slots.length * BLOCK_SIZE);
  for (const { at, bytes } of parts) content.set(bytes, at * BLOCK_SIZE);
  return { slots, content };
}

/** What the inode of a file with this shape says. */
export function inodeOfShape(shape: FileShape, size: number): TestInode {
  const { logClusterSize, algorithm, checksum } = shape;
  if (logClusterSize === 0) return { size, blocks: 1000 };
  const compression = { algorithm, logClusterSize, flag: checksum ? 1 : 0 };
  return { size, blocks: 1000, flags: InodeFlag.compress, compression };
}
