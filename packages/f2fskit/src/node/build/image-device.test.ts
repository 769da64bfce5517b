import {
  type Bio,
  BioFlag,
  type BlockDevice,
  DeviceWrapper,
  FaultDevice,
  flushDevice,
  MemoryDevice,
  writeBytes,
} from '@f2fskit/block';
import { EIO, FsError } from '@f2fskit/errno';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { ImageDevice } from './image-device.ts';

const block = new Uint8Array(4096).fill(1);

/** Notes what arrives. */
class Arrivals extends DeviceWrapper {
  seen: string[] = [];

  constructor(device: BlockDevice = new MemoryDevice(1 << 20)) {
    super(device);
  }

  submit(bio: Bio): void {
    this.seen.push(`${bio.operation} ${bio.offset} ${bio.flags & (BioFlag.PREFLUSH | BioFlag.FUA)}`);
    this.device.submit(bio);
  }
}

function writeAll(device: BlockDevice): void {
  runSync(writeBytes(device, 0, block));
  runSync(writeBytes(device, 4096, block, BioFlag.PREFLUSH | BioFlag.FUA));
  runSync(flushDevice(device));
}

const AS_ASKED = ['write 0 0', `write 4096 ${BioFlag.PREFLUSH | BioFlag.FUA}`, 'flush 0 0'];

describe('the device of an image', () => {
  it('without a name passes no flush on, until it is settled', () => {
    const below = new Arrivals();
    const device = new ImageDevice(below, { nameless: true });
    writeAll(device);
    expect(below.seen).toEqual(['write 0 0', 'write 4096 0']);
    below.seen = [];
    runSync(device.settle());
    writeAll(device);
    expect(below.seen).toEqual(['flush 0 0', ...AS_ASKED]);
  });

  it('that is found by others passes everything on', () => {
    const below = new Arrivals();
    writeAll(new ImageDevice(below, { nameless: false }));
    expect(below.seen).toEqual(AS_ASKED);
  });

  it('remembers what the host refused first', () => {
    const faults = new FaultDevice(new MemoryDevice(1 << 20), []);
    const device = new ImageDevice(faults, { nameless: true });
    faults.inject({ operation: 'flush', action: { kind: 'fail' } });
    writeAll(device);
    expect(device.failure).toBeUndefined();
    expect(() => runSync(device.settle())).toThrow(FsError);
    expect(device.failure).toMatchObject({ errno: -EIO, syscall: 'flush' });
  });
});
