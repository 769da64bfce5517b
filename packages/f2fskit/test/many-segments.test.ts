// More segments than the table keeps in memory. Those that the logs write to must stay: who asked for one again would get another
// object, with maps of its own, and what the log has written since would be missing in it.

import { MemoryDevice } from '@f2fskit/block';
import { type F2fsInode, mountF2fs } from '@f2fskit/f2fs';
import { SEGMENT_BLOCKS } from '@f2fskit/f2fs-format';
import { checkVolume, formatVolume } from '@f2fskit/f2fs-tools';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { BytesSource } from '@f2fskit/vfs';
import { expect, it } from 'vitest';

it('the segments of the logs are not given up, however many others are looked at', () => {
  const device = new MemoryDevice(4 * 2 ** 30);
  const clock = fixedClock(1_700_000_000, 0);
  runSync(formatVolume(device, { clock, random: seededRandom(1), blank: true }));
  const volume = runSync(mountF2fs(device, { writable: true, clock, random: seededRandom(2) }));
  const { allocator } = volume.writer!;
  const root = runSync(volume.readInode(volume.rootIno));
  const request = { mode: 0o644, uid: 0, gid: 0 };
  const inode = runSync(root.create(new TextEncoder().encode('file'), request)) as F2fsInode;
  const { mainAddress, segmentCountMain } = volume.superblock;
  expect(segmentCountMain).toBeGreaterThan(1500);
  for (let round = 0; round < 3; round++) {
    runSync(inode.write(0, new BytesSource(new Uint8Array(64 * 1024).fill(round + 1))));
    runSync(volume.sync());
    for (let segno = 100; segno < segmentCountMain; segno++) {
      runSync(allocator.readSegmentOf(mainAddress + segno * SEGMENT_BLOCKS));
    }
  }
  runSync(volume.unmount());
  expect(runSync(checkVolume(device)).findings).toEqual([]);
});
