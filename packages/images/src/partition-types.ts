// Names for the type codes that people meet; any other code is shown as it is.

/** GPT type GUIDs. Source: UEFI specification 5.3.3, the Discoverable Partitions Specification, and their vendors. */
const guidTypes = new Map([
  ['c12a7328-f81f-11d2-ba4b-00a0c93ec93b', 'EFI system'],
  ['21686148-6449-6e6f-744e-656564454649', 'BIOS boot'],
  ['e3c9e316-0b5c-4db8-817d-f92df00215ae', 'Microsoft reserved'],
  ['ebd0a0a2-b9e5-4433-87c0-68b6b72699c7', 'Microsoft basic data'],
  ['de94bba4-06d1-4d40-a16a-bfd50179d6ac', 'Windows recovery'],
  ['0fc63daf-8483-4772-8e79-3d69d8477de4', 'Linux filesystem'],
  ['0657fd6d-a4ab-43c4-84e5-0933c84b4f4f', 'Linux swap'],
  ['e6d6d379-f507-44c2-a23c-238f2a3df928', 'Linux LVM'],
  ['a19d880f-05fc-4d3b-a006-743f0f84911e', 'Linux RAID'],
  ['933ac7e1-2eb4-4f13-b844-0e14e2aef915', 'Linux /home'],
  ['4f68bce3-e8cd-4db1-96e7-fbcaf984b709', 'Linux root (x86-64)'],
  ['b921b045-1df0-41c3-af44-4c6f280d3fae', 'Linux root (arm64)'],
]);

/** Types of an MBR that hold more partitions. */
export const extendedMbrTypes: readonly number[] = [0x05, 0x0f, 0x85];
/** The type that says: do not touch, this disk has a GPT. */
export const PROTECTIVE_MBR_TYPE = 0xee;

const mbrTypes = new Map([
  [0x01, 'FAT12'],
  [0x04, 'FAT16'],
  [0x06, 'FAT16'],
  [0x07, 'NTFS or exFAT'],
  [0x0b, 'FAT32'],
  [0x0c, 'FAT32'],
  [0x0e, 'FAT16'],
  [0x82, 'Linux swap'],
  [0x83, 'Linux'],
  [0x8e, 'Linux LVM'],
  [0xa5, 'FreeBSD'],
  [0xaf, 'HFS'],
  [0xee, 'protects a GPT'],
  [0xef, 'EFI system'],
  [0xfd, 'Linux RAID'],
]);

export function guidTypeName(guid: string): string {
  return guidTypes.get(guid) ?? guid;
}

export function mbrTypeName(type: number): string {
  return mbrTypes.get(type) ?? mbrTypeCode(type);
}

/** `0x83`. */
export function mbrTypeCode(type: number): string {
  return `0x${type.toString(16).padStart(2, '0')}`;
}

/** The usual form of a GUID. Its first three groups are stored with the last byte first, the others as they are read. */
export function guidText(bytes: Uint8Array): string {
  const order = [3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15];
  return order.map((index) => (index < 0 ? '-' : bytes[index]!.toString(16).padStart(2, '0'))).join('');
}

/** The bytes of a GUID in the usual form. */
export function guidBytes(text: string): Uint8Array {
  const digits = text.replaceAll('-', '');
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Uint8Array.from(order, (index) => Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16));
}
