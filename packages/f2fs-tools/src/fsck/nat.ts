// The node address table in one sweep: the copies in force, then the journal over them. Every entry in use must name an
// address in the main area and an inode that is itself in use; reserved nids have fixed entries. nat_bits follow from it.

import { readBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CheckpointFlag,
  decodeNatJournal,
  hasCheckpointFlag,
  isFileNid,
  journalsOfPack,
  META_INO,
  NAT_BITS_FULL_OFFSET,
  NAT_ENTRIES_PER_BLOCK,
  NatEntry,
  type NatRecord,
  NODE_INO,
  natBitsBlocks,
  natBitsEmptyOffset,
  natBitsKeyMatches,
  natBlockCount,
  natBlockIndex,
  natCopyAddress,
  natEntryOffset,
  nidCount,
  RawCheckpoint,
  RESERVED_NODE_ADDRESS,
  testLsb,
  testMsb,
} from '@f2fskit/f2fs-format';
import type { Task } from '@f2fskit/task';
import type { CheckState } from './check-state.ts';
import { InodeTable } from './inode-table.ts';
import { orFinding } from './report.ts';

/** Fills `state.nodes` and makes `state.inodes`, with an empty row for each inode. */
export function* loadNat(state: CheckState): Task<void> {
  const { superblock, pack, nodes, findings } = state;
  const blocks = natBlockCount(superblock);
  const used = new Uint16Array(blocks);
  const journal = journalOf(state);
  const addresses = new Uint32Array(blocks);
  for (let index = 0; index < blocks; index++) {
    addresses[index] = natCopyAddress(superblock, index, testMsb(pack.bitmaps.nat, index) ? 1 : 0);
  }
  const reserved = new Map<number, NatRecord>();
  yield* state.sweep.run(addresses, ({ view }, block, index) => {
    const first = index * NAT_ENTRIES_PER_BLOCK;
    for (let slot = 0, at = 0; slot < NAT_ENTRIES_PER_BLOCK; slot++, at += NatEntry.$size) {
      const blockAddress = NatEntry.blockAddress.get(view, at);
      if (blockAddress === 0 && first + slot > META_INO) continue;
      const version = NatEntry.version.get(view, at);
      const ino = NatEntry.ino.get(view, at);
      const nid = first + slot;
      if (nid <= META_INO) reserved.set(nid, { nid, version, ino, blockAddress });
      else {
        nodes.set(nid, version, ino, blockAddress);
        // Told here, because the journal may overrule it; other inos are compared when all entries are known.
        if (ino === 0) findings.add('natEntry', { area: 'nat', block, offset: at, nid }, 'an inode in use', ino);
      }
      if (blockAddress !== 0) used[index]!++;
    }
    return undefined;
  });
  // nat_bits describe the table itself; the journal of a pack that has them is empty.
  yield* checkNatBits(state, used);
  for (const { nid, version, ino, blockAddress } of journal) {
    if (nid <= META_INO) reserved.set(nid, { nid, version, ino, blockAddress });
    else nodes.set(nid, version, ino, blockAddress);
    if (ino !== 0 || blockAddress === 0) continue;
    findings.add(
      'natEntry',
      { area: 'checkpoint', block: pack.address, nid },
      'an inode in use',
      ino,
      'in the journal',
    );
  }
  checkReserved(state, reserved);
  checkEntries(state);
  const next = pack.checkpoint.nextFreeNid;
  if (next >= nidCount(superblock)) {
    const place = { area: 'checkpoint' as const, block: pack.address, offset: RawCheckpoint.nextFreeNid.offset };
    findings.add('nextFreeNid', place, `below ${nidCount(superblock)}`, next);
  }
}

function journalOf({ superblock, pack, findings }: CheckState): NatRecord[] {
  const { index, offset } = journalsOfPack(pack.layout).nat;
  const block = pack.address + index;
  const journal = orFinding(findings, 'natJournal', 'checkpoint', () =>
    decodeNatJournal(new DataView(pack.bytes.buffer, index * BLOCK_SIZE, BLOCK_SIZE), offset, block),
  );
  const last = nidCount(superblock);
  return (journal ?? []).filter(({ nid }) => {
    if (nid < last) return true;
    findings.add('natJournal', { area: 'checkpoint', block, nid }, `a nid below ${last}`, nid);
    return false;
  });
}

function checkReserved({ superblock, findings, pack }: CheckState, reserved: ReadonlyMap<number, NatRecord>): void {
  const block = natCopyAddress(superblock, 0, testMsb(pack.bitmaps.nat, 0) ? 1 : 0);
  for (const { nid, ino, blockAddress } of reserved.values()) {
    const place = { area: 'nat' as const, block, offset: natEntryOffset(nid), nid };
    const expected = nid === NODE_INO || nid === META_INO ? RESERVED_NODE_ADDRESS : 0;
    if (blockAddress !== expected) findings.add('natReserved', place, expected, blockAddress);
    else if (ino !== (expected === 0 ? 0 : nid)) findings.add('natReserved', place, `ino ${nid}`, ino);
  }
}

/** Address and ino of every entry in use; inodes get their rows. */
function checkEntries(state: CheckState): void {
  const { superblock, nodes, findings, main } = state;
  let inodes = 0;
  for (let nid = 0; nid < nodes.end; nid++) {
    const address = nodes.addresses[nid]!;
    if (address === 0) continue;
    state.natNodes++;
    const ino = nodes.inos[nid]!;
    if (ino === nid) nodes.inodeNumbers[nid] = ++inodes;
    if (!main.contains(address)) findings.add('natAddress', natPlace(state, nid), 'a main address', address);
    if (
      ino !== nid &&
      ino !== 0 &&
      (!isFileNid(superblock, ino) || nodes.inoOf(ino) !== ino || nodes.addressOf(ino) === 0)
    ) {
      findings.add('natEntry', natPlace(state, nid), 'an inode in use', ino);
    }
  }
  state.natInodes = inodes;
  state.inodes = new InodeTable(inodes);
  for (let nid = 0; nid < nodes.end; nid++) {
    const number = nodes.inodeNumbers[nid]!;
    if (number !== 0) state.inodes.nids[number - 1] = nid;
  }
}

/** Where the entry of a nid stands in the table (or would, if the journal did not overrule it). */
export function natPlace(
  { superblock, pack, nodes }: CheckState,
  nid: number,
): { area: 'nat'; block: number; offset: number; nid: number; ino: number } {
  const index = natBlockIndex(nid);
  const block = natCopyAddress(superblock, index, testMsb(pack.bitmaps.nat, index) ? 1 : 0);
  return { area: 'nat', block, offset: natEntryOffset(nid), nid, ino: nodes.inoOf(nid) };
}

function* checkNatBits({ device, superblock, pack, findings }: CheckState, used: Uint16Array): Task<void> {
  const { checkpoint, layout, address } = pack;
  if (!hasCheckpointFlag(checkpoint, CheckpointFlag.natBits)) return;
  const bits = new Uint8Array(natBitsBlocks(superblock) * BLOCK_SIZE);
  const block = address + layout.natBitsIndex;
  try {
    yield* readBytes(device, block * BLOCK_SIZE, bits);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    findings.addError('unreadable', 'checkpoint', error, { block });
    return;
  }
  // A key of another checkpoint: nobody believes them.
  if (!natBitsKeyMatches(checkpoint, new DataView(bits.buffer), 0)) return;
  const emptyAt = natBitsEmptyOffset(superblock);
  for (let index = 0; index < used.length; index++) {
    // Of block 0, nid 0 counts as used.
    const count = used[index]! + (index === 0 ? 1 : 0);
    const full = testLsb(bits, index, NAT_BITS_FULL_OFFSET);
    const empty = testLsb(bits, index, emptyAt);
    if (full === (count === NAT_ENTRIES_PER_BLOCK) && empty === (count === 0)) continue;
    const at = (full === (count === NAT_ENTRIES_PER_BLOCK) ? emptyAt : NAT_BITS_FULL_OFFSET) + (index >>> 3);
    const place = { area: 'checkpoint' as const, block: block + Math.floor(at / BLOCK_SIZE), offset: at % BLOCK_SIZE };
    const said = `${full ? 'full' : ''}${empty ? 'empty' : ''}` || 'neither full nor empty';
    findings.add('natBits', place, `NAT block ${index} with ${count} entries`, said);
  }
}
