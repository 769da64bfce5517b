// @f2fskit/node-fs for Node: Buffers and streams.

export * from '../index.ts';
export type { Bytes } from './bytes.ts';
export { NodeFileHandle } from './node-file-handle.ts';
export { nodePlatform } from './node-platform.ts';
export { type PathStreamOptions, pathStream } from './read-stream.ts';
export { type PathWriteStreamOptions, pathWriteStream } from './write-stream.ts';
