// What must add up when everything has been met: the blocks that inodes count, the nodes of the NAT, the counters of the
// checkpoint.

import { ExtraAttributes, INODE_ADDRESSES_OFFSET, RawCheckpoint, RawExtent, RawInode } from '@f2fskit/f2fs-format';
import type { CheckState } from './check-state.ts';
import type { FindingCode } from './finding-codes.ts';
import { InodeState } from './inode-table.ts';
import { natPlace } from './nat.ts';
import type { FindingPlace } from './report.ts';
import { freeSegments } from './segments.ts';

/** i_blocks, i_compr_blocks and i_ext of every inode that was met whole. */
export function checkInodeCounters({ inodes, nodes, findings }: CheckState): void {
  for (let index = 0; index < inodes.count; index++) {
    const flags = inodes.flags[index]!;
    if ((flags & InodeState.sound) === 0 || (flags & InodeState.incomplete) !== 0) continue;
    const ino = inodes.nids[index]!;
    const place: FindingPlace = { area: 'main', block: nodes.addressOf(ino), ino };
    const blocks = inodes.blocksFound[index]!;
    if (inodes.blocks[index] !== blocks) {
      findings.add('inodeBlocks', { ...place, offset: RawInode.blocks.offset }, blocks, inodes.blocks[index]!);
    }
    if ((flags & InodeState.compressed) !== 0 && inodes.saved[index] !== inodes.savedFound[index]) {
      const offset = INODE_ADDRESSES_OFFSET + ExtraAttributes.compressedBlocks.offset;
      findings.add('compressedBlocks', { ...place, offset }, inodes.savedFound[index]!, inodes.saved[index]!);
    }
    const length = inodes.extentLengths[index]!;
    if (length > 0 && inodes.extentMet[index] !== length) {
      const offset = RawInode.extent.offset + RawExtent.length.offset;
      const met = `${inodes.extentMet[index]} of its blocks there`;
      findings.add('extent', { ...place, offset }, length, met);
    }
  }
}

/** Nodes that no inode leads to. (Inodes without a name are told with the names.) */
export function checkUnreached(state: CheckState): void {
  const { nodes, inodes, findings } = state;
  for (let nid = 0; nid < nodes.end; nid++) {
    if (nodes.addresses[nid] === 0 || nodes.reached[nid] !== 0 || nodes.inos[nid] === nid) continue;
    // What an inode that cannot be read leads to is not known.
    const owner = nodes.inodeIndex(nodes.inos[nid]!);
    const known = owner >= 0 && inodes.has(owner, InodeState.sound) && !inodes.has(owner, InodeState.incomplete);
    if (known || owner < 0) findings.add('nodeUnreachable', natPlace(state, nid));
  }
}

/** The counters of the checkpoint. */
export function checkCounters(state: CheckState): void {
  const { pack, findings } = state;
  const { checkpoint } = pack;
  const expect = (code: FindingCode, field: { offset: number }, expected: number, found: number, detail?: string) => {
    if (expected === found) return;
    findings.add(code, { area: 'checkpoint', block: pack.address, offset: field.offset }, expected, found, detail);
  };
  const raw = RawCheckpoint;
  expect('validBlockCount', raw.validBlockCount, state.nodesMet + state.dataMet, checkpoint.validBlockCount);
  expect('validNodeCount', raw.validNodeCount, state.natNodes, checkpoint.validNodeCount, 'NAT entries');
  if (state.nodesMet !== state.natNodes) {
    expect('validNodeCount', raw.validNodeCount, state.nodesMet, checkpoint.validNodeCount, 'nodes that were met');
  }
  expect('validInodeCount', raw.validInodeCount, state.natInodes, checkpoint.validInodeCount);
  expect('freeSegmentCount', raw.freeSegmentCount, freeSegments(state), checkpoint.freeSegmentCount);
}
