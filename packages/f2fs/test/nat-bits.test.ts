// nat_bits: stored on leaving, as Linux 6.1 does it, by a volume that came with valid ones; and they tell the truth.

import type { MemoryDevice } from '@f2fskit/block';
import {
  CheckpointFlag,
  hasCheckpointFlag,
  NAT_BITS_FULL_OFFSET,
  NAT_ENTRIES_PER_BLOCK,
  natBitsEmptyOffset,
  natBitsKeyMatches,
  natBlockCount,
  setLsb,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import { runSync } from '@f2fskit/task';
import { utf8Encode } from '@f2fskit/vfs';
import { describe, expect, it } from 'vitest';
import type { F2fsVolume } from '../src/index.ts';
import { CrashWorld, mount } from './crash-world.ts';
import { judged, objections } from './judge.ts';

const leave = (volume: F2fsVolume): void => runSync(volume.unmount());

/** What a volume says: whether the flag is there, whether the key matches, and the bitmaps beside a count of the table. */
function natBitsOf(device: MemoryDevice) {
  const volume = mount(device, { norecovery: true });
  const { checkpoint, layout, address, natJournal } = volume.pack;
  const flag = hasCheckpointFlag(checkpoint, CheckpointFlag.natBits);
  if (!flag) return { flag, valid: false };
  const { superblock, blocks } = volume.store;
  const stored = runSync(blocks.copy(address + layout.natBitsIndex));
  expect(layout.natBitsBlocks, 'of these volumes').toBe(1);
  const valid = natBitsKeyMatches(checkpoint, stored.view, 0);
  if (!valid) return { flag, valid };
  const counted = new Uint8Array(stored.bytes.length);
  viewOf(counted).setBigUint64(0, stored.view.getBigUint64(0, true), true);
  const full: number[] = [];
  for (let index = 0; index < natBlockCount(superblock); index++) {
    let used = index === 0 ? 1 : 0;
    for (let nid = index * NAT_ENTRIES_PER_BLOCK + used; nid < (index + 1) * NAT_ENTRIES_PER_BLOCK; nid++) {
      if (runSync(volume.store.nat.lookup(nid)).blockAddress !== 0) used++;
    }
    if (used === 0) setLsb(counted, index, natBitsEmptyOffset(superblock));
    if (used !== NAT_ENTRIES_PER_BLOCK) continue;
    setLsb(counted, index, NAT_BITS_FULL_OFFSET);
    full.push(index);
  }
  expect(Buffer.from(stored.bytes).equals(counted), 'the bitmaps are what a count says').toBe(true);
  return { flag, valid, full, journal: natJournal.length };
}

function create(volume: F2fsVolume, count: number, prefix: string): number[] {
  const root = runSync(volume.readInode(volume.rootIno));
  const owner = { mode: 0o644, uid: 0, gid: 0 };
  return Array.from({ length: count }, (_, index) => runSync(root.create(utf8Encode(`${prefix}${index}`), owner)).ino);
}

function remove(volume: F2fsVolume, count: number, prefix: string): void {
  const root = runSync(volume.readInode(volume.rootIno));
  for (let index = 0; index < count; index++) runSync(root.unlink(utf8Encode(`${prefix}${index}`)));
}

describe('nat_bits', () => {
  it('follow files that come and go, and are stored on leaving, without a journal', () => {
    const { device, volume } = new CrashWorld('plain');
    create(volume, 600, 'a');
    leave(volume);
    const many = natBitsOf(device);
    expect(many).toMatchObject({ flag: true, valid: true, journal: 0 });
    expect(many.full?.length).toBeGreaterThan(0);
    const again = mount(device, { writable: true });
    remove(again, 600, 'a');
    leave(again);
    expect(natBitsOf(device)).toEqual({ flag: true, valid: true, full: [], journal: 0 });
    if (judged) expect(objections(device)).toBe('');
  });

  it('of few changes also go without a journal', () => {
    const { device, volume } = new CrashWorld('plain');
    leave(volume);
    expect(natBitsOf(device)).toEqual({ flag: true, valid: true, full: [], journal: 0 });
  });

  it('of a checkpoint in between are those of an older one; who mounts after a cut there goes on without', () => {
    const { device } = new CrashWorld('plain');
    expect(natBitsOf(device)).toEqual({ flag: true, valid: false });
    const volume = mount(device, { writable: true });
    create(volume, 3, 'b');
    runSync(volume.sync());
    expect(natBitsOf(device)).toEqual({ flag: false, valid: false });
    leave(volume);
    expect(natBitsOf(device)).toEqual({ flag: false, valid: false });
    if (judged) expect(objections(device)).toBe('');
  });

  it('survive the recovery of a chain behind the checkpoint of an unmount', () => {
    const { device, volume } = new CrashWorld('plain');
    leave(volume);
    // Linux writes chains there; we do when somebody goes on after leaving.
    const [ino] = create(volume, 1, 'c');
    expect(runSync(volume.writer!.fsyncInode(ino!)).how).toBe('chain');
    expect(natBitsOf(device)).toMatchObject({ flag: true, valid: true });
    const second = mount(device, { writable: true });
    expect(natBitsOf(device)).toEqual({ flag: true, valid: false });
    create(second, 1, 'd');
    leave(second);
    expect(natBitsOf(device)).toMatchObject({ flag: true, valid: true, journal: 0 });
    if (judged) expect(objections(device)).toBe('');
  });
});
