// Volumes as files that take no more room than what is in them: tests make many.

import fs from 'node:fs';

const CHUNK = 64 << 10;
const zeros = Buffer.alloc(CHUNK);

/** As `writeFileSync`, with holes for what is zero. */
export function writeSparse(path: string, bytes: Uint8Array): void {
  const fd = fs.openSync(path, 'w');
  try {
    fs.ftruncateSync(fd, bytes.length);
    for (let offset = 0; offset < bytes.length; offset += CHUNK) {
      const chunk = bytes.subarray(offset, offset + CHUNK);
      if (zeros.compare(chunk, 0, chunk.length, 0, chunk.length) !== 0)
        fs.writeSync(fd, chunk, 0, chunk.length, offset);
    }
  } finally {
    fs.closeSync(fd);
  }
}
