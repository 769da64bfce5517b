// The golden volumes of the repository, as the test server hands them out.

import { sparseBlob, sparseImage } from './sparse-image.ts';

/** Vite replaces the call by a table of functions, each of which gets the address of one file. */
declare global {
  interface ImportMeta {
    glob(pattern: string, options: { query: '?url'; import: 'default' }): Record<string, () => Promise<string>>;
  }
}

const FOLDER = '../../../../fixtures/';
const IMAGE = '.img.gz';
const files = import.meta.glob('../../../../fixtures/*', { query: '?url', import: 'default' });

/** Names of all golden volumes. */
export const goldenNames: readonly string[] = Object.keys(files)
  .filter((file) => file.endsWith(IMAGE))
  .map((file) => file.slice(FOLDER.length, -IMAGE.length))
  .sort();

/** Where a volume is, packed. */
export function imageUrl(name: string): Promise<string> {
  return files[`${FOLDER}${name}${IMAGE}`]!();
}

/** The content of a packed file. A server that calls the packing an encoding has fetch unpack it. */
export async function unpacked(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok || response.body === null) throw new Error(`${url}: ${response.status}`);
  if (response.headers.get('Content-Encoding') === 'gzip') return response.arrayBuffer();
  return new Response(response.body.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/** A volume as a Blob. */
export async function imageBlob(name: string): Promise<Blob> {
  return sparseBlob(sparseImage(await unpacked(await imageUrl(name))));
}

/** What Linux said of a volume, one string of bytes a line; undefined where it was not asked. */
export async function recordedLines(name: string, ending = 'manifest'): Promise<string[] | undefined> {
  const url = await files[`${FOLDER}${name}.${ending}`]?.();
  if (url === undefined) return undefined;
  const response = await fetch(url);
  return latin1(new Uint8Array(await response.arrayBuffer()))
    .split('\n')
    .slice(0, -1);
}

/** One character a byte: names need not be UTF-8. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
