// What a volume would otherwise take from chance: its uuid, its first checkpoint version, the generations of its inodes. For
// a build that is to give the same bytes again they come from a hash of what is going to be on it.

import { createHash } from 'node:crypto';
import { type RandomSource, seededRandom } from '@f2fskit/task';
import type { Timestamp } from '@f2fskit/vfs';
import { type LinkGroup, type PlanNode, planNodes } from './plan.ts';

export interface Identity {
  uuid: string;
  /** Odd, below 2^31. */
  checkpointVersion: number;
  /** The same numbers from the beginning with every call. */
  random: () => RandomSource;
}

/**
 * The identity of a plan: of every name, attribute, size and link in it, and of `options`, in the order of the plan. Of the
 * contents only their sizes.
 */
export function identityOf(
  root: PlanNode,
  timesOf: (node: PlanNode) => { mtime: Timestamp },
  options: unknown,
): Identity {
  const hash = createHash('sha256').update('f2fskit build 1\n').update(JSON.stringify(options));
  const groups = new Map<LinkGroup, number>();
  const bytes = (value: Uint8Array): void => void hash.update(`${value.length}:`).update(value);
  const depths = new Map<PlanNode, number>();
  for (const node of planNodes(root)) {
    const depth = node.parent === undefined ? 0 : depths.get(node.parent)! + 1;
    if (node.children !== undefined) depths.set(node, depth);
    const { mtime } = timesOf(node);
    let group = -1;
    if (node.links !== undefined) {
      group = groups.get(node.links) ?? groups.size;
      groups.set(node.links, group);
    }
    const { kind, mode, uid, gid, size, major, minor } = node;
    const fields = [depth, kind, mode, uid, gid, size, major, minor, mtime.seconds, mtime.nanoseconds, group];
    hash.update(`\n${fields.join(' ')} `);
    bytes(node.name);
    if (node.target !== undefined) bytes(node.target);
    for (const { name, value } of node.xattrs) {
      bytes(name);
      bytes(value);
    }
  }
  const digest = hash.digest();
  const uuid = Buffer.from(digest.subarray(0, 16));
  // RFC 9562: version 8 is for whoever makes a uuid in a way of their own.
  uuid[6] = (uuid[6]! & 0x0f) | 0x80;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  const hex = uuid.toString('hex');
  const seed = digest.readUIntBE(16, 6);
  return {
    uuid: [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-'),
    checkpointVersion: (digest.readUInt32BE(24) >>> 1) | 1,
    random: () => seededRandom(seed),
  };
}
