import { type BlockDevice, FaultDevice, MemoryDevice, StatisticsDevice, writeBytes } from '@f2fskit/block';
import { runSync } from '@f2fskit/task';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BlockSweep, NumberList } from './block-sweep.ts';

const BLOCKS = 2000;
const BLOCK = 4096;

/** Every block begins with its own address. */
function numbered(): MemoryDevice {
  const device = new MemoryDevice(BLOCKS * BLOCK);
  for (let block = 0; block < BLOCKS; block++) {
    const bytes = new Uint8Array(BLOCK);
    new DataView(bytes.buffer).setUint32(0, block, true);
    runSync(writeBytes(device, block * BLOCK, bytes));
  }
  return device;
}

const shared = numbered();

interface Visited {
  address: number;
  index: number;
  content: number;
}

function sweep(device: BlockDevice, addresses: number[]): { visited: Visited[]; unreadable: number[] } {
  const visited: Visited[] = [];
  const unreadable: number[] = [];
  const reader = new BlockSweep(device, (address) => unreadable.push(address));
  runSync(
    reader.run(addresses, ({ bytes, view }, address, index) => {
      expect(bytes.length).toBe(BLOCK);
      visited.push({ address, index, content: view.getUint32(0, true) });
      return undefined;
    }),
  );
  return { visited, unreadable };
}

const lists = fc.array(fc.nat(BLOCKS - 1), { maxLength: 300 });

it('visits every block of the list in the order of addresses, with its place in the list', () => {
  fc.assert(
    fc.property(lists, (addresses) => {
      const { visited } = sweep(shared, addresses);
      expect(visited.map(({ address }) => address)).toEqual(addresses.toSorted((a, b) => a - b));
      expect(visited.every(({ address, content }) => address === content)).toBe(true);
      expect(visited.every(({ address, index }) => addresses[index] === address)).toBe(true);
      expect(new Set(visited.map(({ index }) => index)).size).toBe(addresses.length);
    }),
    { numRuns: 50 },
  );
});

it('reads near blocks together, far ones alone, and never more than 1 MiB at once', () => {
  const device = new StatisticsDevice(shared);
  const count = (addresses: number[]): { bios: number; blocks: number } => {
    device.reset();
    sweep(device, addresses);
    const { bios, bytes } = device.snapshot().read;
    return { bios, blocks: bytes / BLOCK };
  };
  expect(count([])).toEqual({ bios: 0, blocks: 0 });
  expect(count([5, 4, 3])).toEqual({ bios: 1, blocks: 3 });
  expect(count([0, 15])).toEqual({ bios: 1, blocks: 16 });
  expect(count([0, 16])).toEqual({ bios: 2, blocks: 2 });
  expect(count(Array.from({ length: 1024 }, (_, n) => n))).toEqual({ bios: 4, blocks: 1024 });
});

it('a block that cannot be read is left out and told, and only that one', () => {
  fc.assert(
    fc.property(lists, fc.nat(BLOCKS - 1), (addresses, bad) => {
      const range = { start: bad * BLOCK, end: (bad + 1) * BLOCK };
      const device = new FaultDevice(shared, [{ action: { kind: 'fail' }, operation: 'read', range }]);
      const { visited, unreadable } = sweep(device, addresses);
      const wanted = addresses.filter((address) => address !== bad).toSorted((a, b) => a - b);
      expect(visited.map(({ address }) => address)).toEqual(wanted);
      expect(visited.every(({ address, content }) => address === content)).toBe(true);
      expect(unreadable).toEqual(addresses.filter((address) => address === bad));
    }),
    { numRuns: 50 },
  );
});

it('blocks behind the end of the device are unreadable', () => {
  expect(sweep(shared, [BLOCKS - 1, BLOCKS, 0xffff_ffff])).toMatchObject({
    visited: [{ address: BLOCKS - 1 }],
    unreadable: [BLOCKS, 0xffff_ffff],
  });
});

it('a list of numbers grows and keeps them', () => {
  const list = new NumberList();
  for (let n = 0; n < 5000; n++) list.push(0xffff_ffff - n);
  expect([list.length, list.at(0), list.at(4999)]).toEqual([5000, 0xffff_ffff, 0xffff_ffff - 4999]);
});
