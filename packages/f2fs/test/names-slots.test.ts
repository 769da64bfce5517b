// Slots at every depth of a file's tree: nodes come with the first slot below them and go with the last, and what is counted
// is what is there.

import { FsError } from '@f2fskit/errno';
import { ADDRESSES_PER_NODE, InlineFlag, NEW_ADDRESS, NIDS_PER_NODE, NULL_ADDRESS } from '@f2fskit/f2fs-format';
import { fixedClock, runSync } from '@f2fskit/task';
import { loadGolden } from '@f2fskit/testkit';
import { expect, it } from 'vitest';
import { type F2fsInode, mountF2fs } from '../src/index.ts';
import { truncateBlocks } from '../src/names/free-inode.ts';
import { setBlockAddress } from '../src/names/slots.ts';
import { judged, objections } from './judge.ts';
import { bytesOf, namesIn } from './name-model.ts';

it('come and go, one by one and many at once', () => {
  const device = loadGolden('far-sparse').device.clone();
  const volume = runSync(mountF2fs(device, { writable: true, clock: fixedClock(1_900_000_000) }));
  const writer = volume.writer!;
  const root = runSync(volume.readInode(volume.rootIno));
  const files = namesIn(root).map((name) => runSync(volume.readInode(runSync(root.lookup(bytesOf(name))))));
  const file = files.find((each): each is F2fsInode => {
    const { inlineFlags } = each.fields;
    return each.kind === 'file' && (inlineFlags & InlineFlag.data) === 0;
  })!;
  runSync(writer.operation(truncateBlocks(writer, file.raw, 0)));
  expect([file.fields.blocks, file.fields.nids.join()]).toEqual([1, '0,0,0,0,0']);
  const counts = (): number[] => [writer.space.validBlocks, writer.space.validNodes, file.fields.blocks];
  const before = counts();
  const inInode = file.fields.addressesPerInode;
  const direct = inInode + ADDRESSES_PER_NODE;
  const indirect = inInode + 2 * ADDRESSES_PER_NODE;
  const double = indirect + 2 * NIDS_PER_NODE * ADDRESSES_PER_NODE;
  const set = (fileBlock: number, address: number): void =>
    runSync(writer.operation(setBlockAddress(writer, file.raw, fileBlock, address)));
  /** File block, and the nodes that a first slot there needs. */
  const places: Array<[fileBlock: number, nodes: number]> = [
    [0, 0],
    [inInode - 1, 0],
    [inInode, 1],
    [direct, 1],
    [indirect, 2],
    [indirect + 1, 0],
    [double - 1, 2],
    [double, 3],
    [double + ADDRESSES_PER_NODE * NIDS_PER_NODE, 2],
  ];
  let [blocks, nodes] = [0, 0];
  for (const [fileBlock, added] of places) {
    set(fileBlock, NEW_ADDRESS);
    set(fileBlock, NEW_ADDRESS);
    nodes += added;
    blocks += added + 1;
    expect(counts()).toEqual([before[0]! + blocks, before[1]! + nodes, before[2]! + blocks]);
  }
  const full = counts();
  runSync(volume.sync());
  if (judged) expect(objections(device)).toBe('');
  set(indirect, NULL_ADDRESS);
  expect(counts()).toEqual([full[0]! - 1, full[1], full[2]! - 1]);
  // The double indirect node keeps one of its two subtrees.
  runSync(writer.operation(truncateBlocks(writer, file.raw, double + 1)));
  expect(counts()).toEqual([full[0]! - 4, full[1]! - 2, full[2]! - 4]);
  set(double + ADDRESSES_PER_NODE * NIDS_PER_NODE, NEW_ADDRESS);
  runSync(writer.operation(truncateBlocks(writer, file.raw, 1)));
  expect(counts()).toEqual([before[0]! + 1, before[1], before[2]! + 1]);
  const beyond = (): void => set(2 ** 31, NEW_ADDRESS);
  expect(beyond).toThrow(FsError);
  runSync(volume.unmount());
  if (judged) expect(objections(device)).toBe('');
});
