// IMAGE on the command line: a path, or `-` for standard input; with `#3` or `#userdata` behind it, a partition of it.

import type { BlockDevice } from '@f2fskit/block';
import type { Volume } from 'f2fskit';
import { type ImageOptions, openImage as openContainers } from 'f2fskit/image';
import type { Output, Streams } from './output.ts';

/** A volume on standard input is held in memory: at most this much. */
const STDIN_BYTES_MAX = 2 ** 31;

/**
 * Opens the image and says on standard error what a person should know about it. `norecovery`: as it lies there, without what
 * was fsynced behind the last checkpoint.
 */
export async function openImage(
  image: string,
  output: Output,
  streams: Streams,
  { norecovery = false }: { norecovery?: boolean } = {},
): Promise<Volume> {
  const [source, options] = await sourceOf(image, streams);
  // Loaded when it is wanted: half of the start of a command that needs no mount would be loading it.
  const { openVolume } = await import('f2fskit');
  const volume = await openVolume(source, { ...options, norecovery });
  for (const problem of volume.problems) output.note(problem.message);
  return volume;
}

/** The device of the volume in the image, for what needs no mount; whoever calls closes it. */
export async function openDevice(image: string, output: Output, streams: Streams): Promise<BlockDevice> {
  const [source, options] = await sourceOf(image, streams);
  const { device, problems } = await openContainers(source, options);
  for (const problem of problems) output.note(problem);
  return device;
}

/** What the library opens: the path as it is, or what standard input holds and the partition named behind `-#`. */
async function sourceOf(image: string, { stdin }: Streams): Promise<[source: string | Uint8Array, ImageOptions]> {
  if (image === '-') return [await readAll(stdin), {}];
  if (!image.startsWith('-#')) return [image, {}];
  return [await readAll(stdin), { partition: image.slice(2) }];
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Buffer);
    size += bytes.length;
    if (size > STDIN_BYTES_MAX) throw new Error('the volume on standard input is larger than 2 GiB: give it as a file');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
