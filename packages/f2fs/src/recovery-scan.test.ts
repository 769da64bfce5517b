import { FaultDevice, ShuffleDevice, StatisticsDevice } from '@f2fskit/block';
import {
  BLOCK_SIZE,
  type Checkpoint,
  CheckpointFlag,
  NODE_FOOTER_OFFSET,
  NodeFlag,
  NodeFooter,
} from '@f2fskit/f2fs-format';
import { DeviceMapping, PageCache } from '@f2fskit/pagecache';
import { runAsync, runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { MountableVolume } from '../test/mountable-volume.ts';
import { CHAIN_NODES_MAX, scanFsyncChain } from './recovery-scan.ts';

// The checkpoint of spec A.6: the chain begins at block 4096 + 512 + 21.
const START = 4629;
const VERSION = 0x6b8b4568;
const CRC = 0x4e889bf4;
const F = NodeFlag.fsync;

function checkpointWith(fields: Partial<Checkpoint> = {}): Checkpoint {
  return {
    versionLow: VERSION,
    versionHigh: 0,
    checksum: CRC,
    flags: CheckpointFlag.compactSummary | CheckpointFlag.crcRecovery | CheckpointFlag.natBits,
    currentNodeSegments: [0, 1, 2],
    currentNodeOffsets: [30, 21, 7],
    ...fields,
  } as Checkpoint;
}

interface ChainNode {
  at: number;
  flag?: number;
  low?: number;
  high?: number;
  next: number;
}

function volumeWith(nodes: readonly ChainNode[]): MountableVolume {
  const volume = new MountableVolume();
  for (const { at, flag = 0, low = VERSION, high = CRC, next } of nodes) {
    volume.edit(at, (view) => {
      NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, flag);
      NodeFooter.checkpointVersion.set(view, NODE_FOOTER_OFFSET, low, high);
      NodeFooter.nextAddress.set(view, NODE_FOOTER_OFFSET, next);
    });
  }
  return volume;
}

function scan(volume: MountableVolume, checkpoint = checkpointWith(), device = new StatisticsDevice(volume.device)) {
  const result = runSync(
    scanFsyncChain(volume.superblock, checkpoint, new DeviceMapping(new PageCache({ poison: true }), device)),
  );
  return { ...result, reads: device.snapshot().read.bios };
}

/** Nodes one behind the other from START on, each with a mark or not. */
const row = (marks: readonly boolean[]): ChainNode[] =>
  marks.map((marked, index) => ({ at: START + index, flag: marked ? F : 0, next: START + index + 1 }));

describe('scanFsyncChain', () => {
  it('finds the three nodes of spec A.6', () => {
    const volume = volumeWith(row([true, true, true]));
    const footer = '10000000 10000000 07000000 68458b6b f49b884e 16120000'.replaceAll(' ', '');
    volume.edit(START, (_, bytes) => bytes.set(Buffer.from(footer, 'hex'), 4072));
    expect(scan(volume)).toEqual({ fsyncedNodes: 3, cutShort: false, tooLong: false, reads: 4 });
  });

  it('finds nothing where the log was not written on', () => {
    expect(scan(volumeWith([]))).toEqual({ fsyncedNodes: 0, cutShort: false, tooLong: false, reads: 1 });
    // An old node lies there, of another checkpoint.
    expect(scan(volumeWith([{ at: START, flag: F, low: VERSION - 1, next: START + 1 }])).fsyncedNodes).toBe(0);
  });

  it('counts marked nodes only, and follows the others', () => {
    expect(scan(volumeWith(row([false, false, true, false])))).toMatchObject({ fsyncedNodes: 1, cutShort: false });
    expect(scan(volumeWith(row([false, false])))).toMatchObject({ fsyncedNodes: 0, cutShort: false });
  });

  it('looks whatever the unmount flag says', () => {
    const { flags } = checkpointWith();
    const unmounted = checkpointWith({ flags: flags | CheckpointFlag.umount });
    expect(scan(volumeWith(row([true])), unmounted).fsyncedNodes).toBe(1);
  });

  it('leaves the segment with the chain', () => {
    const far = 4096 + 512 * 30;
    const nodes = [
      { at: START, flag: 0, next: far },
      { at: far, flag: F, next: 4096 },
      { at: 4096, flag: F, next: 0 },
    ];
    expect(scan(volumeWith(nodes))).toEqual({ fsyncedNodes: 2, cutShort: false, tooLong: false, reads: 3 });
  });

  describe('which nodes belong to the checkpoint', () => {
    const { crcRecovery, noCrcRecovery } = CheckpointFlag;
    it.each([
      ['with the flag: version and CRC', crcRecovery, 0, CRC, 1],
      ['with the flag: not the version alone', crcRecovery, 0, 0, 0],
      ['with the flag: not another CRC', crcRecovery, 0, CRC ^ 1, 0],
      ['with the flag: the CRC over a long version', crcRecovery, 1, (CRC | 1) >>> 0, 1],
      ['without: the version', 0, 0, 0, 1],
      ['without: not with a CRC', 0, 0, CRC, 0],
      ['without: all 64 bits', 0, 7, 7, 1],
      ['without: not 32 of them', 0, 7, 0, 0],
      ['after fsck: the lower half', noCrcRecovery, 0, CRC ^ 1, 1],
      ['after fsck: also where the other flag is set', noCrcRecovery | crcRecovery, 9, 0, 1],
    ])('%s', (_, flags, versionHigh, high, found) => {
      const volume = volumeWith([{ at: START, flag: F, high, next: 0 }]);
      expect(scan(volume, checkpointWith({ flags, versionHigh })).fsyncedNodes).toBe(found);
      const other = volumeWith([{ at: START, flag: F, low: VERSION ^ 1, high, next: 0 }]);
      expect(scan(other, checkpointWith({ flags, versionHigh })).fsyncedNodes).toBe(0);
    });
  });

  it.each([
    ['itself', [START]],
    ['the first of three', [START + 1, START + 2, START]],
    ['the second of four', [START + 1, START + 2, START + 3, START + 1]],
  ])('stops where the chain leads back to %s, and counts each node once', (_, nexts) => {
    const nodes = nexts.map((next, index) => ({ at: START + index, flag: F, next }));
    const reads = nexts.length;
    expect(scan(volumeWith(nodes))).toEqual({ fsyncedNodes: nexts.length, cutShort: true, tooLong: false, reads });
  });

  it('stops at a bound, and says that this was the reason', () => {
    const long = row(new Array<boolean>(CHAIN_NODES_MAX + 1).fill(false));
    const volume = volumeWith(long);
    expect(scan(volume)).toEqual({ fsyncedNodes: 0, cutShort: true, tooLong: true, reads: CHAIN_NODES_MAX });
    // One less, and it ends by itself.
    volume.edit(START + CHAIN_NODES_MAX - 1, (view) => NodeFooter.nextAddress.set(view, NODE_FOOTER_OFFSET, 0));
    expect(scan(volume)).toMatchObject({ fsyncedNodes: 0, cutShort: false, tooLong: false });
  });

  it('keeps what it found when the chain cannot be read on', () => {
    const volume = volumeWith(row([true, true]));
    const range = { start: (START + 1) * BLOCK_SIZE, end: (START + 2) * BLOCK_SIZE };
    const device = new StatisticsDevice(new FaultDevice(volume.device, [{ action: { kind: 'fail' }, range }]));
    expect(scan(volume, checkpointWith(), device)).toMatchObject({ fsyncedNodes: 1, cutShort: true, tooLong: false });
  });

  it('reads nothing where the log stands outside the main area', () => {
    const nowhere = checkpointWith({ currentNodeSegments: [0, 0xffff_ffff, 2] });
    expect(scan(volumeWith([]), nowhere)).toEqual({ fsyncedNodes: 0, cutShort: false, tooLong: false, reads: 0 });
  });

  it('finds the same on a device that completes later', async () => {
    const volume = volumeWith(row([true, false, true]));
    const blocks = new DeviceMapping(new PageCache({ poison: true }), new ShuffleDevice(volume.device, 3));
    const found = await runAsync(scanFsyncChain(volume.superblock, checkpointWith(), blocks));
    expect(found).toEqual({ fsyncedNodes: 2, cutShort: false, tooLong: false });
  });
});
