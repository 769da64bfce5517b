// How values read in the column of meanings.

import { BLOCK_SIZE, FileType, fileTypeOfMode, SEGMENT_BYTES } from '@f2fskit/f2fs-format';
import { utf8Decode } from '@f2fskit/vfs';

/** `0x1607`. */
export function hexOf(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** `1 block`, `7 blocks`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `4096` → `4 KiB`. */
export function bytesOf(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Segments as a size: `2` → `4 MiB`. */
export function segmentBytesOf(segments: number): string {
  return bytesOf(segments * SEGMENT_BYTES);
}

/** Blocks as a size. */
export function blockBytesOf(blocks: number): string {
  return bytesOf(blocks * BLOCK_SIZE);
}

/** Stored text in quotes, control characters escaped: a name is anybody's bytes. */
export function quoted(bytes: Uint8Array): string {
  return JSON.stringify(utf8Decode(bytes));
}

const PREVIEW_BYTES = 48;

/** The start of some contents: in quotes where it reads as text, else in hex. */
export function previewOf(bytes: Uint8Array): string {
  const head = bytes.subarray(0, PREVIEW_BYTES);
  const rest = bytes.length > head.length ? '…' : '';
  const readable = head.every((byte) => byte >= 0x20 && byte < 0x7f);
  return readable ? `${quoted(head)}${rest}` : `${hexBytes(head)}${rest}`;
}

/** `de ad be ef`. */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** A date; seconds that no calendar shows have none. */
export function dateOf(seconds: number | bigint): string | undefined {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? undefined : `${date.toISOString().slice(0, 19)}Z`;
}

const fileTypes: ReadonlyMap<number, string> = new Map([
  [FileType.unknown, 'unknown'],
  [FileType.regular, 'regular file'],
  [FileType.directory, 'directory'],
  [FileType.characterDevice, 'character device'],
  [FileType.blockDevice, 'block device'],
  [FileType.fifo, 'fifo'],
  [FileType.socket, 'socket'],
  [FileType.symlink, 'symlink'],
]);

/** The file type byte of a directory entry. */
export function fileTypeName(type: number): string {
  return fileTypes.get(type) ?? `no type (${type})`;
}

/** `0o40755, directory`. */
export function modeOf(mode: number): string {
  return `0o${mode.toString(8)}, ${fileTypeName(fileTypeOfMode(mode))}`;
}

/** `7` or `7..9`: the first and the last of a run. */
export function rangeOf(first: number, count: number): string {
  return count === 1 ? `${first}` : `${first}..${first + count - 1}`;
}
