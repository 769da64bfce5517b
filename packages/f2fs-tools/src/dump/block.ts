// Any block by its address: which area it is in, who owns it, and its bytes.

import type { FsError } from '@f2fskit/errno';
import type { F2fsVolume } from '@f2fskit/f2fs';
import { BLOCK_SIZE, segmentTypeName } from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import { areaOf } from './areas.ts';
import { attempt, type Dump, type DumpFact, newDump, placeAt } from './dump.ts';
import { type BlockOwner, blockOwner } from './owner.ts';
import { requireInRange } from './usage.ts';

/**
 * One block: the facts say where it lies and who owns it, `bytes` are its 4096 bytes. Throws EINVAL for an address that
 * the volume or the device does not have, EIO.
 */
export function* dumpBlock(volume: F2fsVolume, address: number): Task<Dump> {
  const { superblock, device, store } = volume;
  const deviceBlocks = Math.floor(device.size / BLOCK_SIZE);
  requireInRange('block', address, 0, Math.min(superblock.blockCount, deviceBlocks) - 1);
  const area = areaOf(superblock, address);
  const { bytes } = yield* store.blocks.copy(address);
  const facts: DumpFact[] = [{ name: 'area', value: area.text }];
  const problems: FsError[] = [];
  if (area.kind === 'main') {
    const { value: owner, problem } = yield* attempt(blockOwner(volume, address));
    if (owner !== undefined) facts.push(...ownerFacts(owner));
    // A volume without an SSA cannot say who owns a block: that is no damage.
    if (problem?.code === 'ENODATA') facts.push({ name: 'owner', value: `not known: ${problem.detail}` });
    else if (problem !== undefined) problems.push(problem);
  }
  const title = `Block ${address}`;
  return newDump({ title, place: placeAt(address), layout: 'block', facts, problems, bytes: bytes.slice() });
}

function ownerFacts(owner: BlockOwner): DumpFact[] {
  return [
    {
      name: 'segment',
      value: `${segmentTypeName(owner.segmentType)}, this block is ${owner.valid ? 'valid' : 'free'}`,
    },
    { name: 'owner', value: ownerText(owner) },
  ];
}

/** `ino 5, file block 7 (slot 7 of node 5)`. */
export function ownerText({ holds, summary, confirmed, ino, fileBlock }: BlockOwner): string {
  const { nid, offsetInNode } = summary;
  if (nid === 0) return 'none';
  if (holds === 'node') {
    const node = ino === nid || ino === 0 ? `node ${nid}` : `node ${nid} of ino ${ino}`;
    return confirmed ? node : `none: an old copy of ${node}`;
  }
  const slot = `slot ${offsetInNode} of node ${nid}`;
  if (!confirmed) return `none: ${slot} points elsewhere`;
  return fileBlock === undefined ? `ino ${ino} (${slot})` : `ino ${ino}, file block ${fileBlock} (${slot})`;
}
