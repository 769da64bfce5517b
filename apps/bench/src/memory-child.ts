// A process of its own whose memory is measured:
//
//   node memory-child.js IMAGE BUDGET read|extract     →  the largest resident size, in KiB
//   node memory-child.js                               →  the same, having done nothing
//
// With the engine's flags that the command `f2fs` sets: see apps/cli/src/main.ts.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { ReadaheadState } from '@f2fskit/pagecache';
import { extract, openVolumeSync, type Volume } from 'f2fskit';

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

const [image, budget, how] = process.argv.slice(2);
if (image !== undefined) {
  const volume = openVolumeSync(image, { cache: { budgetBytes: Number(budget) } });
  if (how === 'read') readAll(volume);
  else {
    const target = mkdtempSync(path.join(path.dirname(image), 'extracted-'));
    await extract(volume, target);
    rmSync(target, { recursive: true, force: true });
  }
  await volume.close();
}
console.log(peakKib());
