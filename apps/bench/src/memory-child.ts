// A process of its own whose memory is measured:
//
//   node memory-child.js IMAGE BUDGET read|extract                               →  the largest resident size, in KiB
//   node memory-child.js IMAGE BUDGET write|write-promises|write-stream BYTES    →  the same; the data goes nowhere
//   node memory-child.js                                                         →  the same, having done nothing
//
// With the engine's flags that the command `f2fs` sets: see apps/cli/src/main.ts.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import v8 from 'node:v8';
import { FileDevice } from '@f2fskit/block/node';
import { ReadaheadState } from '@f2fskit/pagecache';
import { extract, openVolumeSync, type Volume } from 'f2fskit';
import { DataDroppingDevice, DROPPED_BYTE } from './data-dropping-device.ts';

v8.setFlagsFromString('--semi-space-growth-factor=1');
v8.setFlagsFromString('--heap-growing-percent=40');

/**
 * The largest resident size so far. On Linux not `maxRSS`: that begins with the size of the process that started this one.
 */
function peakKib(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}

/** Every file through the cache. */
function readAll({ scheduler, vfs }: Volume): void {
  const tree = vfs.tree(scheduler.runSync(vfs.walk('/')).inode, Uint8Array.of(0x2f));
  const target = new Uint8Array(1 << 20);
  for (let event = scheduler.runSync(tree.next()); event !== undefined; event = scheduler.runSync(tree.next())) {
    if (event.type !== 'entry' || event.inode.kind !== 'file') continue;
    const readahead = new ReadaheadState();
    for (let position = 0; ; ) {
      const count = scheduler.runSync(event.inode.read(position, target, readahead));
      if (count === 0) break;
      position += count;
    }
  }
}

const chunk = new Uint8Array(1 << 20).fill(DROPPED_BYTE);

/** One file of so many bytes, a multiple of 1 MiB. */
async function writeAll(volume: Volume, how: string, bytes: number): Promise<void> {
  if (how === 'write') {
    const fd = volume.openSync('/big', 'w');
    for (let at = 0; at < bytes; at += chunk.length) volume.writeSync(fd, chunk);
    volume.closeSync(fd);
  } else if (how === 'write-promises') {
    const file = await volume.promises.open('/big', 'w');
    for (let at = 0; at < bytes; at += chunk.length) await file.write(chunk);
    await file.close();
  } else {
    const pieces = function* (): Generator<Uint8Array> {
      for (let at = 0; at < bytes; at += chunk.length) yield chunk;
    };
    await pipeline(pieces, volume.createWriteStream('/big'));
  }
}

const [image, budget, how, bytes] = process.argv.slice(2);
if (image !== undefined && how !== undefined) {
  const cache = { budgetBytes: Number(budget) };
  const writes = bytes !== undefined;
  const device = new DataDroppingDevice(FileDevice.open(image, { writable: writes }));
  const volume = openVolumeSync(writes ? device : image, { cache, writable: writes });
  if (writes) await writeAll(volume, how, Number(bytes));
  else if (how === 'read') readAll(volume);
  else {
    const target = mkdtempSync(path.join(path.dirname(image), 'extracted-'));
    await extract(volume, target);
    rmSync(target, { recursive: true, force: true });
  }
  await volume.close();
  if (writes && device.bytesDropped < Number(bytes)) throw new Error(`only ${device.bytesDropped} bytes were written`);
}
console.log(peakKib());
