// The memory of processes that work on volumes, and of those that write more than any memory holds.

import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { closeDevice } from '@f2fskit/block';
import { FileDevice } from '@f2fskit/block/node';
import { formatVolume } from '@f2fskit/f2fs-tools';
import { runSync, seededRandom } from '@f2fskit/task';
import { makeFolder } from './host-volumes.ts';
import type { BenchResult, Count } from './report.ts';

const MIB = 1 << 20;
/** Of a mount that says nothing else. */
const BUDGET_BYTES = 64 * MIB;

/** The largest resident size of `memory-child` with these arguments, in MiB. */
export function peakMib(...args: string[]): number {
  const child = fileURLToPath(new URL('./memory-child.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [child, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`memory-child: ${stderr}`);
  return Number(stdout) / 1024;
}

/** The same of `node -e 0`, with a look at its size in the end. */
export function emptyMib(): number {
  if (process.platform !== 'linux') return 40;
  const status = "console.log(/VmHWM:\\s+(\\d+)/.exec(require('fs').readFileSync('/proc/self/status', 'utf8'))[1])";
  return Number(spawnSync(process.execPath, ['-e', status]).stdout) / 1024;
}

/** A sparse file with an empty volume on it. */
function makeVolume(image: string, bytes: number): void {
  const fd = openSync(image, 'w');
  ftruncateSync(fd, bytes);
  closeSync(fd);
  const device = FileDevice.open(image, { writable: true });
  runSync(formatVolume(device, { random: seededRandom(1), blank: true }));
  runSync(closeDevice(device));
}

/** One file is written, far larger than every memory of the volume: by sync calls, by promises, and as a stream. */
export function memoryBench(small: boolean): BenchResult {
  const bytes = small ? 256 * MIB : 10_240 * MIB;
  const empty = emptyMib();
  const counts: Count[] = ['write', 'write-promises', 'write-stream'].map((how) => {
    const { folder, remove } = makeFolder('memory');
    try {
      const image = path.join(folder, 'volume.img');
      makeVolume(image, 1.5 * bytes);
      const over = peakMib(image, String(BUDGET_BYTES), how, String(bytes)) - empty - BUDGET_BYTES / MIB;
      const what = `MiB above an empty process and the budget of ${BUDGET_BYTES / MIB} MiB: ${how} ${bytes / MIB} MiB`;
      return { what, value: Math.round(over), most: 100 };
    } finally {
      remove();
    }
  });
  return { name: 'memory of writers', counts, ratios: [] };
}
