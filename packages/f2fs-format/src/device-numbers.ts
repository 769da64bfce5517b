// Numbers of character and block devices: two words at the start of the inode's data addresses.

import { struct, u32 } from '@f2fskit/ondisk';

/** The words of the address area that devices use; counted from after the extra attributes. */
export const DeviceNumbers = struct('f2fs_device_numbers', 8, {
  small: u32(0, 'major << 8 | minor when both are below 256, else 0'),
  large: u32(4, 'the numbers in the wide form, else 0'),
});

/** Encodes a device's numbers into the two words: the short form where both are below 256. */
export function encodeDevice(major: number, minor: number): { small: number; large: number } {
  if (major < 256 && minor < 256) return { small: (major << 8) | minor, large: 0 };
  return { small: 0, large: ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0 };
}

/** The numbers of a device from the two words. */
export function decodeDevice(small: number, large: number): { major: number; minor: number } {
  if (small !== 0) return { major: (small >>> 8) & 0xff, minor: small & 0xff };
  return { major: (large & 0xf_ff00) >>> 8, minor: (large & 0xff) | ((large >>> 12) & 0xf_ff00) };
}
