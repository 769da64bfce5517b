// A volume in Node: its bytes are Buffers, and it has streams.

import type { ReadStream } from 'node:fs';
import type { FsContext, PathLike } from '@f2fskit/node-fs';
import {
  type Bytes,
  type NodeFileHandle,
  nodePlatform,
  type PathStreamOptions,
  pathStream,
} from '@f2fskit/node-fs/node';
import { Volume, type VolumeFactory } from '../volume.ts';

export class NodeVolume extends Volume<Bytes, NodeFileHandle> {
  /** As `fs.createReadStream`: a path, or the option `fd` with an open file. */
  createReadStream(path: PathLike, options?: BufferEncoding | PathStreamOptions): ReadStream {
    return pathStream(this.context as unknown as FsContext<Bytes>, path, options);
  }
}

export const nodeVolume: VolumeFactory<NodeVolume> = (f2fs, tracer, image) =>
  new NodeVolume(f2fs, tracer, image, nodePlatform);
