// IMAGE on the command line: a path, or `-` for a volume on standard input.

import { type BlockDevice, MemoryDevice } from '@f2fskit/block';
import { FileDevice } from '@f2fskit/block/node';
import { openVolume, type Volume } from 'f2fskit';
import type { Output, Streams } from './output.ts';

/** A volume on standard input is held in memory: at most this much. */
const STDIN_BYTES_MAX = 2 ** 31;

/** Opens the image and says on standard error what a person should know about it. */
export async function openImage(image: string, output: Output, streams: Streams): Promise<Volume> {
  const volume = image === '-' ? await openVolume(await readAll(streams.stdin)) : await openVolume(image);
  for (const problem of volume.problems) output.note(problem.message);
  return volume;
}

/** The device that holds the image, for what needs no mount; whoever calls closes it. */
export async function openDevice(image: string, streams: Streams): Promise<BlockDevice> {
  return image === '-' ? MemoryDevice.from(await readAll(streams.stdin)) : FileDevice.open(image);
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
