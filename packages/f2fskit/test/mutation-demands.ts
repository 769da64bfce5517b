// What is demanded of a damaged volume, beyond that nothing crashes: damage in one file or directory shows nowhere else.

import { ROOT_INO } from '@f2fskit/f2fs-format';
import type { MutationCase } from '@f2fskit/testkit';
import type { Examination } from './mutation-examination.ts';
import type { Costs } from './mutation-meter.ts';

/** The demands that are not met, a line each; empty when all is well. */
export function brokenDemands(
  { touched }: Pick<MutationCase, 'touched'>,
  good: Examination,
  seen: Examination,
): string[] {
  const broken = [...seen.broken];
  if (touched === 'all' || touched.has(ROOT_INO)) return broken;
  if (seen.refused !== undefined) {
    broken.push(`the volume does not open any more: ${seen.refused.message}`);
    return broken;
  }
  const affected = affectedPaths(touched, good);
  for (const [path, line] of good.lines) {
    const now = seen.lines.get(path);
    if (now !== line && !affected(path)) broken.push(`${path} shows damage of others: "${line}" became "${now}"`);
  }
  for (const path of seen.lost) {
    if (!affected(path)) broken.push(`${path} is listed, but a lookup does not find it`);
  }
  for (const [path, line] of seen.lines) {
    if (!good.lines.has(path) && !affected(path)) broken.push(`${path} has appeared: "${line}"`);
  }
  return broken;
}

/** Whether a path may change: it leads to a touched inode or lies below one. */
function affectedPaths(touched: ReadonlySet<number>, good: Examination): (path: string) => boolean {
  const known = new Map<string, boolean>();
  const isAffected = (path: string): boolean => {
    const ino = good.inodes.get(path);
    return (ino !== undefined && touched.has(ino)) || isBelow(path);
  };
  const isBelow = (path: string): boolean => {
    const slash = path.lastIndexOf('/');
    if (slash < 0) return false;
    const parent = path.slice(0, slash);
    let below = known.get(parent);
    if (below === undefined) {
      below = isAffected(parent);
      known.set(parent, below);
    }
    return below;
  };
  return isAffected;
}

/** What looking at a volume of `blocks` blocks may cost, whatever is in it. */
export function costLimits(blocks: number): Costs {
  const bytes = blocks * 4096;
  return {
    bios: blocks,
    deviceBytes: 4 * bytes,
    blockLookups: 16 * blocks,
    nodes: 4 * blocks,
    clusters: blocks,
    entries: 4 * blocks,
    problems: blocks,
    fileBytes: 8 * bytes + 4 * 2 ** 30,
    allocatedBytes: 4 * bytes,
    largestAllocation: 4 << 20,
  };
}
