import { EIO } from '@f2fskit/errno';
import { Tracer } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import {
  BioFlag,
  discardBio,
  FaultDevice,
  flushBio,
  LatencyDevice,
  MemoryDevice,
  readBio,
  StatisticsDevice,
  TracingDevice,
  writeBio,
} from './index.ts';

const sector = (): Uint8Array => new Uint8Array(512);

describe('StatisticsDevice', () => {
  it('counts bios, bytes, segments, errors and sequential requests by operation', () => {
    const device = new StatisticsDevice(new MemoryDevice(4096));
    const bios = [
      readBio(0, [sector()]),
      writeBio(2048, [sector(), sector()]),
      readBio(512, [sector(), sector()]), // continues the first read
      readBio(4096, [sector()]), // beyond the end
      discardBio(0, 1024),
      flushBio(),
    ];
    for (const bio of bios) device.submit(bio);
    const { read, write, flush, discard, inFlight, inFlightMax } = device.snapshot();
    expect(read).toEqual({ bios: 3, bytes: 2048, segments: 4, errors: 1, sequential: 1 });
    expect(write).toEqual({ bios: 1, bytes: 1024, segments: 2, errors: 0, sequential: 0 });
    expect(discard).toEqual({ bios: 1, bytes: 1024, segments: 0, errors: 0, sequential: 0 });
    expect(flush).toEqual({ bios: 1, bytes: 0, segments: 0, errors: 0, sequential: 0 });
    expect([inFlight, inFlightMax]).toEqual([0, 1]);
  });

  it('knows what is in flight, over a reset too', () => {
    const slow = new LatencyDevice(new MemoryDevice(4096));
    const device = new StatisticsDevice(slow);
    for (let i = 0; i < 3; i++) device.submit(readBio(0, [sector()]));
    const before = device.snapshot();
    device.reset();
    device.submit(readBio(512, [sector()]));
    expect([before.inFlight, before.read.bios]).toEqual([3, 3]);
    expect(device.snapshot()).toMatchObject({ inFlight: 4, inFlightMax: 4, read: { bios: 1 } });
    slow.drain();
    expect(device.snapshot()).toMatchObject({ inFlight: 0, inFlightMax: 4, read: { bios: 1 } });
    expect(before.inFlight).toBe(3);
  });
});

describe('TracingDevice', () => {
  it('tells of each bio when it is submitted and when it has ended', () => {
    const tracer = new Tracer();
    const memory = new MemoryDevice(4096, { name: 'disk' });
    const fault = new FaultDevice(memory, [{ operation: 'write', action: { kind: 'short', sectors: 1 } }]);
    const device = new TracingDevice(fault, tracer);
    device.submit(readBio(0, [sector()])); // nobody listens yet
    const events: unknown[] = [];
    const stop = tracer.listen((name, event) => events.push([name, event]));
    device.submit(writeBio(1024, [sector(), sector()], BioFlag.META));
    device.submit(flushBio());
    stop();
    device.submit(flushBio());
    const write = { device: 'disk', operation: 'write', flags: 2, offset: 1024, size: 1024, segments: 2 };
    const flush = { device: 'disk', operation: 'flush', flags: 0, offset: 0, size: 0, segments: 0 };
    expect(events).toEqual([
      ['bio:submit', { id: 0, ...write }],
      ['bio:complete', { id: 0, ...write, error: EIO, residual: 512 }],
      ['bio:submit', { id: 1, ...flush }],
      ['bio:complete', { id: 1, ...flush, error: 0, residual: 0 }],
    ]);
  });
});
