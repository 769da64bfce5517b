// A volume in Node: its bytes are Buffers, and it has streams.

import type { ReadStream, WriteStream } from 'node:fs';
import type { FsContext, PathLike } from '@f2fskit/node-fs';
import {
  type Bytes,
  type NodeFileHandle,
  nodePlatform,
  type PathStreamOptions,
  type PathWriteStreamOptions,
  pathStream,
  pathWriteStream,
} from '@f2fskit/node-fs/node';
import { Volume, type VolumeFactory } from '../volume.ts';
import { hostTimer } from './host-timer.ts';

export class NodeVolume extends Volume<Bytes, NodeFileHandle> {
  /** As `fs.createReadStream`: a path, or the option `fd` with an open file. */
  createReadStream(path: PathLike, options?: BufferEncoding | PathStreamOptions): ReadStream {
    return pathStream(this.context as unknown as FsContext<Bytes>, path, options);
  }

  /** As `fs.createWriteStream`: a path, or the option `fd` with an open file. */
  createWriteStream(path: PathLike, options?: BufferEncoding | PathWriteStreamOptions): WriteStream {
    return pathWriteStream(this.context as unknown as FsContext<Bytes>, path, options);
  }
}

export const nodeVolume: VolumeFactory<NodeVolume> = (f2fs, tracer, image) => {
  const volume = new NodeVolume(f2fs, tracer, image, nodePlatform);
  f2fs.startFlusher(volume.scheduler, hostTimer);
  return volume;
};
