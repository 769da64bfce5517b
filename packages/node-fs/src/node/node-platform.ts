// Node's platform: Buffers, Buffer's encodings, handles with streams.

import { Buffer } from 'node:buffer';
import { invalidValue } from '../argument-error.ts';
import type { Platform } from '../platform.ts';
import type { Bytes } from './bytes.ts';
import { NodeFileHandle } from './node-file-handle.ts';

export const nodePlatform: Platform<Bytes, NodeFileHandle> = {
  bytes: (view) => Buffer.from(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength),
  text(bytes, encoding) {
    if (!Buffer.isEncoding(encoding)) throw invalidValue('encoding', encoding, 'is invalid encoding');
    return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
  },
  encode: (text, encoding) => (Buffer.isEncoding(encoding) ? Buffer.from(text, encoding) : undefined),
  handle: (context, fd) => new NodeFileHandle(context, fd),
};
