// The slots of compressed files, cluster by cluster. A compressed cluster is head, payload, rest:
//
//   COMPRESS_ADDRESS | 1 .. C-1 blocks | NEW_ADDRESS for what compression saved, or NULL_ADDRESS after a release
//
// Who preallocates a released file makes some of its empty slots NEW again: Linux does so, and fsck.f2fs accepts it.
// Any other cluster has ordinary slots. Head and rest count as blocks of the file until they are released, and they are
// what i_compr_blocks counts. Source: spec 9.4 and 9.6; buffered-io F1, F2, F6.

import { COMPRESS_ADDRESS, NEW_ADDRESS, NULL_ADDRESS } from '@f2fskit/f2fs-format';
import type { CheckState } from './check-state.ts';
import { claimSlot, type SlotRun } from './file-slots.ts';
import { InodeState } from './inode-table.ts';

/** Takes the slots of one node of a compressed file; `run.count` is a multiple of the cluster. */
export function walkClusters(state: CheckState, run: SlotRun): void {
  const { view, at, count, index } = run;
  const blocks = 1 << state.inodes.logClusterSizes[index]!;
  for (let head = 0; head < count; head += blocks) {
    if (view.getUint32(at + 4 * head, true) === COMPRESS_ADDRESS) walkCluster(state, run, head, blocks);
    else {
      for (let slot = head; slot < head + blocks; slot++) {
        const address = view.getUint32(at + 4 * slot, true);
        if (address !== NULL_ADDRESS) claimSlot(state, run, slot, address);
      }
    }
  }
}

function walkCluster(state: CheckState, run: SlotRun, head: number, blocks: number): void {
  const { inodes } = state;
  const { view, at, index } = run;
  const released = inodes.has(index, InodeState.released);
  let payload = 0;
  let ended = false;
  let broken = false;
  let saved = 1;
  for (let slot = head + 1; slot < head + blocks; slot++) {
    const address = view.getUint32(at + 4 * slot, true);
    if (address === NULL_ADDRESS || address === NEW_ADDRESS) {
      ended = true;
      if (address === NULL_ADDRESS && !released) broken = true;
      if (address === NEW_ADDRESS) {
        saved++;
        claimSlot(state, run, slot, address);
      }
    } else {
      if (ended) broken = true;
      payload++;
      claimSlot(state, run, slot, address);
    }
  }
  if (!released) {
    inodes.blocksFound[index]!++;
    inodes.savedFound[index]! += saved;
    state.dataMet++;
  }
  if (!broken && payload > 0) return;
  const place = {
    area: 'main' as const,
    block: run.block,
    offset: at + 4 * head,
    nid: run.nid,
    ino: inodes.nids[index]!,
  };
  const pattern = patternOf(view, at + 4 * head, blocks);
  state.findings.add('clusterPattern', { ...place, fileBlock: run.firstFileBlock + head }, undefined, pattern);
}

/** `CbbN`: C for the head, b for a block, N for a reserved slot, 0 for none. */
function patternOf(view: DataView, at: number, blocks: number): string {
  let text = '';
  for (let slot = 0; slot < blocks; slot++) {
    const address = view.getUint32(at + 4 * slot, true);
    text += address === COMPRESS_ADDRESS ? 'C' : address === NEW_ADDRESS ? 'N' : address === NULL_ADDRESS ? '0' : 'b';
  }
  return text;
}

/** What the clusters of a node do not reach must be empty. */
export function checkLeftover(state: CheckState, run: SlotRun, end: number): void {
  for (let slot = run.count; slot < end; slot++) {
    const address = run.view.getUint32(run.at + 4 * slot, true);
    if (address === NULL_ADDRESS) continue;
    const place = { area: 'main' as const, block: run.block, offset: run.at + 4 * slot, nid: run.nid };
    state.findings.add('clusterLeftover', { ...place, ino: state.inodes.nids[run.index]!, slot }, 0, address);
    return;
  }
}
