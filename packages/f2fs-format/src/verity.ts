// Verity files: sealed with a hash tree that lies beyond the end of the file, from the next multiple of 64 KiB; the
// descriptor follows the tree, and an xattr (index 11) says where. Readers that do not verify ignore all of it.

import { bytes, struct, u8, u32, u64, viewOf } from '@f2fskit/ondisk';
import { corrupt } from './corruption.ts';

/** Stored name of the verity attribute (index 11). */
export const VERITY_NAME = 'v';

/** Value of the verity attribute. 16 bytes. */
export const VerityLocation = struct('fsverity_descriptor_location', 16, {
  version: u32(0, '1'),
  descriptorSize: u32(4, 'bytes of the descriptor with its signature'),
  position: u64(8, 'where the descriptor lies in the file, beyond its end'),
});

/** The descriptor, at that position. 256 bytes; a signature may follow. */
export const VerityDescriptor = struct('fsverity_descriptor', 256, {
  version: u8(0, '1'),
  hashAlgorithm: u8(1, '1 SHA-256, 2 SHA-512'),
  logBlockSize: u8(2, '12'),
  saltSize: u8(3, 'bytes of salt in use'),
  signatureSize: u32(4, 'bytes after the descriptor'),
  dataSize: u64(8, 'size of the file when it was sealed'),
  rootHash: bytes(16, 64, 'hash of the tree, zero padded'),
  salt: bytes(80, 32, 'zero padded'),
  reserved: bytes(112, 144, 'zero'),
});

/** Where verity data lies, decoded. */
export interface VerityPlace {
  readonly descriptorSize: number;
  readonly position: number;
}

/** @throws Corruption verityLocation for an unknown version, a wrong size or a position beyond 2^53. */
export function decodeVerityLocation(stored: Uint8Array): VerityPlace {
  const view = viewOf(stored);
  if (stored.length !== VerityLocation.$size) {
    throw corrupt('verityLocation', { expected: `${VerityLocation.$size} bytes`, found: stored.length });
  }
  const version = VerityLocation.version.get(view, 0);
  if (version !== 1) throw corrupt('verityLocation', { where: { offset: 0 }, expected: 1, found: version });
  if (!VerityLocation.position.fits(view, 0)) {
    const where = { offset: VerityLocation.position.offset };
    throw corrupt('verityLocation', { where, expected: 'below 2^53', found: view.getBigUint64(8, true) });
  }
  return {
    descriptorSize: VerityLocation.descriptorSize.get(view, 0),
    position: VerityLocation.position.get(view, 0),
  };
}

/** Where verity data starts in a file of `size` bytes: the next multiple of 64 KiB. */
export function verityDataStart(size: number): number {
  return Math.ceil(size / 65_536) * 65_536;
}
