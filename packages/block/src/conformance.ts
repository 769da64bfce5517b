// What every block device must do, as a list of cases without a test framework:
//
//   for (const c of deviceConformance(factory, capabilities)) it(c.name, c.run);
//
// The cases know a device only through BlockDevice. What they may write they write and compare with an array of bytes;
// on a read-only device they compare with what the factory says is there. Randomness has a fixed seed; a failure names
// the request.

import { AssertionError, EINVAL, EIO, ENODEV, EROFS, errnoFrom, FsError } from '@f2fskit/errno';
import { waitAll } from '@f2fskit/task';
import { BioFlag, discardBio, flushBio, readBio, SECTOR_SIZE, writeBio } from './bio.ts';
import {
  Bench,
  CONFORMANCE_SIZE_MIN,
  check,
  checkUntouched,
  type DeviceCapabilities,
  type DeviceUnderTest,
  equal,
  guarded,
} from './conformance-bench.ts';
import { closeDevice, discardBytes, flushDevice, readBytes, writeBytes } from './io.ts';

export { CONFORMANCE_SIZE_MIN, type DeviceCapabilities, type DeviceUnderTest } from './conformance-bench.ts';

/** One thing that a device must do. `run` rejects, saying what was wrong, or resolves. */
export interface ConformanceCase {
  name: string;
  run(): Promise<void>;
}

/** The cases for one kind of device. The factory is called once in each. */
export function deviceConformance(
  factory: () => Promise<DeviceUnderTest>,
  capabilities: DeviceCapabilities,
): ConformanceCase[] {
  const applicable = capabilities.writable ? [...readCases, ...writeCases] : [...readCases, ...readOnlyCases];
  return applicable.map(([name, body]) => ({
    name,
    async run() {
      const subject = await factory();
      const bench = new Bench(subject, capabilities);
      try {
        await body(bench);
      } finally {
        await bench.do(closeDevice(subject.device));
        await subject.dispose?.();
      }
    },
  }));
}

type Case = readonly [name: string, body: (bench: Bench) => Promise<void>];

const readCases: readonly Case[] = [
  [
    'has the properties that it claims',
    async ({ device, capabilities }) => {
      equal(device.mode, capabilities.mode, 'mode');
      equal(device.readOnly, !capabilities.writable, 'readOnly');
      equal(device.canDiscard, capabilities.discards, 'canDiscard');
      equal(device.size % SECTOR_SIZE, 0, 'bytes beyond the last sector');
      check(device.size >= CONFORMANCE_SIZE_MIN, 'a device that is large enough for these cases');
      check(device.segmentsMax >= 1, 'room for memory in a bio');
      check(device.name.length > 0, 'a name');
    },
  ],
  ['reads what is there at the start', (bench) => bench.verifyAll()],
  [
    'reads at every sector alignment, into whole and into odd segments',
    async (bench) => {
      for (let sector = 0; sector < 17; sector++) {
        for (const sectors of [1, 2, 7, 8, 9, 40]) {
          await bench.verify(sector * SECTOR_SIZE, [sectors * SECTOR_SIZE]);
          await bench.verify(sector * SECTOR_SIZE, bench.cut(sectors * SECTOR_SIZE));
        }
      }
    },
  ],
  [
    'reads the last sector',
    async (bench) => {
      const bio = readBio(bench.device.size - SECTOR_SIZE, guarded([SECTOR_SIZE]));
      await bench.carryOut(bio);
      if (bench.device.size === CONFORMANCE_SIZE_MIN) bench.compare(bio);
    },
  ],
  [
    'reads into as many segments as it allows, several thousand if it allows any number, and refuses one more',
    async (bench) => {
      const { segmentsMax } = bench.device;
      const count = Math.min(segmentsMax, 3 * 1024 + 5);
      const lengths = new Array<number>(count).fill(3);
      const rest = (SECTOR_SIZE - ((count * 3) % SECTOR_SIZE)) % SECTOR_SIZE;
      lengths[count - 1] = 3 + rest;
      await bench.verify(SECTOR_SIZE, lengths);
      if (segmentsMax > count) return;
      const tooMany = readBio(SECTOR_SIZE, guarded([...lengths, 0]));
      await bench.carryOut(tooMany, EINVAL);
      checkUntouched(tooMany);
    },
  ],
  [
    'reads nothing where nothing is asked for',
    async (bench) => {
      for (const offset of [0, SECTOR_SIZE, bench.device.size]) {
        await bench.carryOut(readBio(offset, []));
        await bench.carryOut(readBio(offset, guarded([0]).concat(guarded([0]))));
      }
    },
  ],
  [
    'refuses reads that are not of whole sectors with EINVAL',
    async (bench) => {
      const requests: Array<[offset: number, size: number]> = [
        [1, SECTOR_SIZE],
        [SECTOR_SIZE - 1, SECTOR_SIZE],
        [0.5, SECTOR_SIZE],
        [Number.NaN, SECTOR_SIZE],
        [Number.POSITIVE_INFINITY, SECTOR_SIZE],
        [0, 1],
        [0, SECTOR_SIZE + 1],
        [-SECTOR_SIZE, SECTOR_SIZE],
        [-SECTOR_SIZE, 2 * SECTOR_SIZE],
        [-1, 0],
      ];
      for (const [offset, size] of requests) {
        const bio = readBio(offset, guarded([size]));
        await bench.carryOut(bio, EINVAL);
        checkUntouched(bio);
      }
    },
  ],
  [
    'refuses reads beyond its end with EIO, also when they begin before it',
    async (bench) => {
      const { size } = bench.device;
      const requests: Array<[offset: number, size: number]> = [
        [size, SECTOR_SIZE],
        [size + SECTOR_SIZE, 0],
        [size - SECTOR_SIZE, 2 * SECTOR_SIZE],
        [0, size + SECTOR_SIZE],
        [2 ** 52, SECTOR_SIZE],
        [Number.MAX_SAFE_INTEGER - (SECTOR_SIZE - 1), SECTOR_SIZE],
      ];
      for (const [offset, length] of requests) {
        if (length > 64 * CONFORMANCE_SIZE_MIN) continue; // a device so large that the memory would be too
        const bio = readBio(offset, guarded([length]));
        await bench.carryOut(bio, EIO);
        checkUntouched(bio);
      }
    },
  ],
  [
    'has many reads in flight',
    async (bench) => {
      const bios = bench.disjointRanges(8).map(({ offset, size }) => readBio(offset, guarded(bench.cut(size))));
      bios.push(...bench.disjointRanges(64).map(({ offset, size }) => readBio(offset, guarded([size]))));
      for (const bio of bios) bench.submit(bio);
      await bench.ended(bios);
      for (const bio of bios) {
        equal(bio.completion.error, 0, 'error', () => bench.name(bio));
        bench.compare(bio);
      }
    },
  ],
  [
    'takes the next request from the completion of the last',
    async (bench) => {
      const order: number[] = [];
      const bios = Array.from({ length: 50 }, (_, i) => readBio(i * SECTOR_SIZE, guarded([SECTOR_SIZE])));
      bios.forEach((bio, i) => {
        bio.completion.subscribe(() => {
          order.push(i);
          const next = bios[i + 1];
          if (next !== undefined) bench.submit(next);
        });
      });
      bench.submit(bios[0]!);
      await bench.ended(bios);
      for (const bio of bios) bench.compare(bio);
      equal(order.join(), bios.map((_, i) => i).join(), 'order of a chain of requests');
    },
  ],
  [
    'flushes',
    async (bench) => {
      await bench.carryOut(flushBio());
      await bench.carryOut(flushBio(BioFlag.SYNC));
      await bench.verifyAll();
    },
  ],
  [
    'tasks read from it, and their errors name device, offset and size',
    async (bench) => {
      const target = guarded([2 * SECTOR_SIZE])[0]!;
      await bench.do(readBytes(bench.device, SECTOR_SIZE, target));
      bench.compare(readBio(SECTOR_SIZE, [target]));
      await bench.do(flushDevice(bench.device));
      const error = await thrown(bench.do(readBytes(bench.device, bench.device.size, target)));
      equal(errnoFrom(error, 0), EIO, 'error of a read beyond the end');
      for (const part of [bench.device.name, String(bench.device.size), String(target.byteLength)]) {
        check(error.message.includes(part), `'${error.message}' names ${part}`);
      }
    },
  ],
  [
    'ends what is in flight before it is closed, and refuses everything afterwards with ENODEV',
    async (bench) => {
      const bios = bench.disjointRanges(64).map(({ offset, size }) => readBio(offset, guarded([size])));
      bios.push(flushBio(), readBio(1, guarded([SECTOR_SIZE])));
      for (const bio of bios) bench.submit(bio);
      const closed = bench.device.close();
      let unfinished = -1;
      closed.subscribe(() => {
        unfinished = bios.filter((bio) => !bio.completion.done).length;
      });
      check(bench.device.close() === closed, 'a second close is the first one');
      const late = readBio(0, guarded([SECTOR_SIZE]));
      await bench.carryOut(late, ENODEV);
      checkUntouched(late);
      await bench.do(closeDevice(bench.device));
      equal(unfinished, 0, 'bios in flight when the device was closed');
      for (const bio of bios.slice(0, -2)) bench.compare(bio);
      for (const bio of [readBio(0, guarded([SECTOR_SIZE])), flushBio(), readBio(0, [])]) {
        await bench.carryOut(bio, ENODEV);
      }
    },
  ],
];

const readOnlyCases: readonly Case[] = [
  [
    'refuses writes and discards with EROFS and stays as it is',
    async (bench) => {
      await bench.carryOut(writeBio(0, [bench.bytes(SECTOR_SIZE)]), EROFS);
      await bench.carryOut(writeBio(0, [bench.bytes(SECTOR_SIZE)], BioFlag.FUA), EROFS);
      await bench.carryOut(writeBio(bench.device.size, [bench.bytes(SECTOR_SIZE)]), EROFS);
      await bench.carryOut(discardBio(0, SECTOR_SIZE), EROFS);
      await bench.verifyAll();
    },
  ],
];

const writeCases: readonly Case[] = [
  [
    'writes at every sector alignment, from whole and from odd segments',
    async (bench) => {
      for (let sector = 0; sector < 17; sector++) {
        for (const sectors of [1, 2, 7, 8, 9, 40]) {
          const size = sectors * SECTOR_SIZE;
          await bench.write(sector * SECTOR_SIZE, [bench.bytes(size)]);
          await bench.write(sector * SECTOR_SIZE + CONFORMANCE_SIZE_MIN / 2, bench.cutBytes(size));
        }
      }
      await bench.verifyAll();
    },
  ],
  [
    'writes from thousands of segments, and the same memory twice',
    async (bench) => {
      const count = Math.min(bench.device.segmentsMax, 4 * SECTOR_SIZE);
      const segments = Array.from({ length: count }, () => bench.bytes(2));
      const rest = (SECTOR_SIZE - ((count * 2) % SECTOR_SIZE)) % SECTOR_SIZE;
      segments[count - 1] = bench.bytes(2 + rest);
      await bench.write(3 * SECTOR_SIZE, segments);
      if (bench.device.segmentsMax >= 2) {
        const memory = bench.bytes(SECTOR_SIZE);
        await bench.write(100 * SECTOR_SIZE, [memory, memory]);
      }
      await bench.verifyAll();
    },
  ],
  [
    'writes nothing where nothing is given',
    async (bench) => {
      for (const offset of [0, SECTOR_SIZE, bench.device.size]) {
        await bench.carryOut(writeBio(offset, []));
        await bench.carryOut(writeBio(offset, [new Uint8Array(0)], BioFlag.PREFLUSH));
        await bench.carryOut(discardBio(offset, 0));
      }
      await bench.verifyAll();
    },
  ],
  [
    'refuses writes and discards out of range as it refuses reads, and changes nothing',
    async (bench) => {
      const { size } = bench.device;
      for (const [offset, length, error] of [
        [1, SECTOR_SIZE, EINVAL],
        [0, SECTOR_SIZE - 1, EINVAL],
        [-SECTOR_SIZE, 2 * SECTOR_SIZE, EINVAL],
        [Number.NaN, SECTOR_SIZE, EINVAL],
        [size, SECTOR_SIZE, EIO],
        [size - SECTOR_SIZE, 2 * SECTOR_SIZE, EIO],
        [2 ** 52, SECTOR_SIZE, EIO],
      ] as const) {
        await bench.carryOut(writeBio(offset, [bench.bytes(length)]), error);
        await bench.carryOut(discardBio(offset, length), error);
      }
      await bench.verifyAll();
      const last = readBio(size - SECTOR_SIZE, guarded([SECTOR_SIZE]));
      await bench.carryOut(last);
      check(
        size === CONFORMANCE_SIZE_MIN || last.segments[0]!.every((byte) => byte === 0),
        'the last sector is as it was',
      );
    },
  ],
  [
    'has many writes in flight',
    async (bench) => {
      const bios = bench.disjointRanges(8).map(({ offset, size }) => writeBio(offset, bench.cutBytes(size)));
      for (const bio of bios) bench.submit(bio);
      await bench.ended(bios);
      for (const bio of bios) bench.remember(bio);
      await bench.verifyAll();
    },
  ],
  [
    'keeps reads and writes of different places apart, in flight together, round after round',
    async (bench) => {
      for (let round = 0; round < 12; round++) {
        const bios = bench.disjointRanges(24).map(({ offset, size }) => {
          if (bench.random.chance(0.5)) return readBio(offset, guarded(bench.cut(size)));
          return writeBio(offset, bench.cutBytes(size));
        });
        const before = bench.expected.slice();
        for (const bio of bios) bench.submit(bio);
        await bench.ended(bios);
        for (const bio of bios) {
          equal(bio.completion.error, 0, 'error', () => bench.name(bio));
          if (bio.operation === 'read') bench.compare(bio, before);
          else bench.remember(bio);
        }
      }
      await bench.verifyAll();
    },
  ],
  [
    'reads back what a write that has ended wrote, again and again in one place',
    async (bench) => {
      for (let i = 0; i < 20; i++) {
        await bench.write(8 * SECTOR_SIZE, bench.cutBytes(8 * SECTOR_SIZE));
        await bench.verify(8 * SECTOR_SIZE, bench.cut(8 * SECTOR_SIZE));
      }
    },
  ],
  [
    'carries out writes that flush before or after, and flushes among other requests',
    async (bench) => {
      const { SYNC, META, PREFLUSH, FUA } = BioFlag;
      for (const flags of [PREFLUSH, FUA, PREFLUSH | FUA, SYNC | META | PREFLUSH | FUA]) {
        await bench.write(flags * SECTOR_SIZE, [bench.bytes(3 * SECTOR_SIZE)], flags);
      }
      const writes = bench.disjointRanges(24).map(({ offset, size }, i) => {
        return writeBio(offset, bench.cutBytes(size), i % 5 === 0 ? PREFLUSH | FUA : 0);
      });
      const bios = writes.flatMap((bio, i) => (i % 4 === 0 ? [bio, flushBio()] : [bio]));
      for (const bio of bios) bench.submit(bio);
      await bench.ended(bios);
      for (const bio of bios) equal(bio.completion.error, 0, 'error', () => bench.name(bio));
      for (const bio of writes) bench.remember(bio);
      await bench.verifyAll();
    },
  ],
  [
    'discards: zeros afterwards, or nothing changed, as it claims; never a byte beside the range',
    async (bench) => {
      await bench.write(0, [bench.bytes(CONFORMANCE_SIZE_MIN)]);
      for (const { offset, size } of bench.disjointRanges(64).slice(0, 12).concat({ offset: 65_536, size: 131_072 })) {
        await bench.carryOut(discardBio(offset, size));
        if (bench.capabilities.discards) bench.expected.fill(0, offset, offset + size);
      }
      await bench.verifyAll();
      await bench.write(70_144, [bench.bytes(SECTOR_SIZE)]);
      await bench.verifyAll();
    },
  ],
  [
    'tasks write to it',
    async (bench) => {
      const source = bench.bytes(4 * SECTOR_SIZE);
      const { device } = bench;
      await bench.do(writeBytes(device, SECTOR_SIZE, source));
      bench.expected.set(source, SECTOR_SIZE);
      await bench.do(flushDevice(device));
      await bench.do(discardBytes(device, 0, SECTOR_SIZE));
      if (bench.capabilities.discards) bench.expected.fill(0, 0, SECTOR_SIZE);
      const bios = [1, 2, 3].map((i) => writeBio(i * 16 * SECTOR_SIZE, [source]));
      for (const bio of bios) bench.submit(bio);
      equal(await bench.do(waitAll(bios.map((bio) => bio.completion))), 0, 'error of three writes');
      for (const bio of bios) bench.remember(bio);
      await bench.verifyAll();
      const error = await thrown(bench.do(writeBytes(device, device.size, source)));
      check(error.message.includes(`write of ${source.byteLength} bytes at ${device.size}`), error.message);
    },
  ],
];

async function thrown(promise: Promise<unknown>): Promise<FsError> {
  try {
    await promise;
  } catch (error) {
    check(error instanceof FsError, `an FsError, not ${String(error)}`);
    return error as FsError;
  }
  throw new AssertionError('the task was expected to throw');
}
