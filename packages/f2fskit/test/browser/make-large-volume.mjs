// Makes large-volume.blocks.gz: the blocks that are not zero of a fresh volume of 4 GiB with two files in it, each as its
// address (32 bits, little endian) and its 4096 bytes. Needs mkfs.f2fs and sload.f2fs: f2fs-tools 1.15 made the one here.
//
//   node make-large-volume.mjs

import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const SIZE = 4 * 2 ** 30;
const BLOCK_SIZE = 4096;
const CHUNK_SIZE = 256 * BLOCK_SIZE;

const folder = mkdtempSync(path.join(tmpdir(), 'large-volume-'));
const image = path.join(folder, 'image');
const content = path.join(folder, 'content');

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
}

try {
  mkdirSync(path.join(content, 'folder'), { recursive: true });
  writeFileSync(path.join(content, 'hello.txt'), 'hello from 4 GiB\n');
  writeFileSync(
    path.join(content, 'folder', 'numbers'),
    Uint8Array.from({ length: 20_000 }, (_, i) => i % 251),
  );
  writeFileSync(image, '');
  truncateSync(image, SIZE);
  run('mkfs.f2fs', ['-f', '-q', '-t', '0', image]);
  run('sload.f2fs', ['-f', content, image]);

  const parts = [];
  const fd = openSync(image, 'r');
  const chunk = Buffer.alloc(CHUNK_SIZE);
  const zeros = Buffer.alloc(CHUNK_SIZE);
  for (let offset = 0; offset < SIZE; offset += CHUNK_SIZE) {
    readSync(fd, chunk, 0, CHUNK_SIZE, offset);
    if (chunk.equals(zeros)) continue;
    for (let at = 0; at < CHUNK_SIZE; at += BLOCK_SIZE) {
      const block = chunk.subarray(at, at + BLOCK_SIZE);
      if (block.equals(zeros.subarray(0, BLOCK_SIZE))) continue;
      const address = Buffer.alloc(4);
      address.writeUInt32LE((offset + at) / BLOCK_SIZE);
      parts.push(address, Buffer.from(block));
    }
  }
  closeSync(fd);
  const packed = gzipSync(Buffer.concat(parts), { level: 9 });
  writeFileSync(fileURLToPath(new URL('large-volume.blocks.gz', import.meta.url)), packed);
  console.log(`${parts.length / 2} blocks, ${packed.length} bytes`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
