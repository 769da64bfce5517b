import { EIO } from '@f2fskit/errno';
import { seededRandom, Tracer } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import {
  type Bio,
  BioFlag,
  type BlockDevice,
  discardBio,
  FaultDevice,
  flushBio,
  MemoryDevice,
  Plug,
  type PlugOptions,
  readBio,
  ShuffleDevice,
  TracingDevice,
  writeBio,
} from './index.ts';
import type { BioEvent } from './tracing-device.ts';

const BLOCK = 4096;

/** A memory device behind a plug, and the requests that arrive at it as `operation offset+size[segments]`. */
function plugged(options: PlugOptions = {}, device: BlockDevice = new MemoryDevice(1 << 20)) {
  const tracer = new Tracer();
  const requests: string[] = [];
  tracer.listen((name, event) => {
    if (name !== 'bio:submit') return;
    const { operation, offset, size, segments } = event as BioEvent;
    requests.push(operation === 'flush' ? 'flush' : `${operation} ${offset / BLOCK}+${size / BLOCK}[${segments}]`);
  });
  return { plug: new Plug(new TracingDevice(device, tracer), options), requests };
}

const block = (value = 0): Uint8Array => new Uint8Array(BLOCK).fill(value);
const read = (at: number, flags = 0): Bio => readBio(at * BLOCK, [block()], flags);
const write = (at: number, flags = 0): Bio => writeBio(at * BLOCK, [block(at)], flags);

function addAll(plug: Plug, bios: Bio[]): Bio[] {
  for (const bio of bios) plug.add(bio);
  return bios;
}

describe('Plug', () => {
  it('submits nothing before the flush, then one request for neighbours in any order', () => {
    const { plug, requests } = plugged();
    const bios = addAll(
      plug,
      [5, 3, 4, 6, 2].map((at) => write(at)),
    );
    expect([requests.length, plug.held, bios.some((bio) => bio.completion.done)]).toEqual([0, 5, false]);
    plug.flush();
    expect(requests).toEqual(['write 2+5[5]']);
    expect([plug.flushed, plug.submitted, plug.merges, plug.held]).toEqual([5, 1, 4, 0]);
    expect(bios.every((bio) => bio.completion.done && bio.completion.error === 0)).toBe(true);
    plug.flush();
    expect(requests.length).toBe(1);
  });

  it('gives each read its own bytes', () => {
    const memory = new MemoryDevice(1 << 20);
    const { plug, requests } = plugged({}, memory);
    addAll(
      plug,
      [1, 2, 3, 9].map((at) => write(at)),
    );
    plug.flush();
    const bios = addAll(
      plug,
      [3, 9, 1, 2].map((at) => read(at)),
    );
    plug.flush();
    expect(requests).toEqual(['write 1+3[3]', 'write 9+1[1]', 'read 1+3[3]', 'read 9+1[1]']);
    expect(bios.map((bio) => bio.segments[0]![17])).toEqual([3, 9, 1, 2]);
  });

  it('joins memory that is adjacent too: pieces of a folio are one segment', () => {
    const { plug, requests } = plugged({ segmentsMax: 1 });
    const folio = new Uint8Array(8 * BLOCK);
    addAll(
      plug,
      [0, 1, 2, 3].map((i) => writeBio((10 + i) * BLOCK, [folio.subarray(i * BLOCK, (i + 1) * BLOCK)])),
    );
    plug.add(write(14)); // a neighbour on the device, but not in memory
    plug.flush();
    expect(requests).toEqual(['write 10+4[1]', 'write 14+1[1]']);
  });

  it('merges only what is the same kind of request', () => {
    const { plug, requests } = plugged();
    addAll(plug, [write(0), read(1), write(2, BioFlag.META), write(3), read(2, BioFlag.READAHEAD), read(0)]);
    plug.flush();
    // write 2 and read 2 overlap: the second run begins there
    expect(requests).toEqual([
      'read 1+1[1]',
      'write 0+1[1]',
      'write 3+1[1]',
      'write 2+1[1]',
      'read 0+1[1]',
      'read 2+1[1]',
    ]);
    expect(plug.merges).toBe(0);
    addAll(plug, [write(20), write(21, BioFlag.META), read(22)]);
    plug.flush();
    expect(plug.merges).toBe(0);
  });

  it('keeps to its limits of bytes and segments, and to those of the device', () => {
    const bytes = plugged({ bytesMax: 3 * BLOCK });
    addAll(
      bytes.plug,
      [0, 1, 2, 3, 4, 5, 6].map((at) => write(at)),
    );
    bytes.plug.flush();
    expect(bytes.requests).toEqual(['write 0+3[3]', 'write 3+3[3]', 'write 6+1[1]']);

    const segments = plugged({ segmentsMax: 4 });
    addAll(segments.plug, [
      writeBio(0, [block(), block(), block()]),
      write(3),
      write(4),
      writeBio(5 * BLOCK, [block(), block(), block(), block(), block()]), // too many on its own: passed on as it is
      write(10),
    ]);
    segments.plug.flush();
    expect(segments.requests).toEqual(['write 0+4[4]', 'write 4+1[1]', 'write 5+5[5]', 'write 10+1[1]']);

    const narrow = new FaultDevice(new MemoryDevice(1 << 20));
    Object.assign(narrow, { segmentsMax: 2 });
    const device = plugged({}, narrow);
    addAll(
      device.plug,
      [0, 1, 2].map((at) => write(at)),
    );
    device.plug.flush();
    expect(device.requests).toEqual(['write 0+2[2]', 'write 2+1[1]']);
  });

  it('merges discards whatever their size', () => {
    const { plug, requests } = plugged({ bytesMax: BLOCK, segmentsMax: 1 });
    addAll(plug, [discardBio(64 * BLOCK, 64 * BLOCK), discardBio(0, 64 * BLOCK)]);
    plug.flush();
    expect(requests).toEqual(['discard 0+128[0]']);
  });

  it('lets nothing pass a flush, a PREFLUSH or a FUA write, and merges none of them', () => {
    const { plug, requests } = plugged();
    addAll(plug, [write(4), write(3), flushBio(), write(2), write(1), write(0, BioFlag.PREFLUSH)]);
    addAll(plug, [write(8), write(7), write(6, BioFlag.FUA), write(5, BioFlag.FUA), flushBio(), flushBio()]);
    plug.flush();
    expect(requests).toEqual([
      'write 3+2[2]',
      'flush',
      'write 1+2[2]',
      'write 0+1[1]',
      'write 7+2[2]',
      'write 6+1[1]',
      'write 5+1[1]',
      'flush',
      'flush',
    ]);
  });

  it('keeps the order of bios that overlap', () => {
    const memory = new MemoryDevice(1 << 20);
    const { plug, requests } = plugged({}, memory);
    const first = writeBio(0, [block(1), block(1)]);
    const between = readBio(0, [block(), block()]);
    const second = writeBio(BLOCK, [block(2), block(2)]);
    const after = readBio(0, [block(), block(), block()]);
    addAll(plug, [first, between, second, after]);
    plug.flush();
    expect(requests).toEqual(['write 0+2[2]', 'read 0+2[2]', 'write 1+2[2]', 'read 0+3[3]']);
    expect(between.segments.map((segment) => segment[0])).toEqual([1, 1]);
    expect(after.segments.map((segment) => segment[0])).toEqual([1, 2, 2]);
  });

  it('does not let a bio that is refused take its neighbours with it', () => {
    const { plug, requests } = plugged();
    const last = (1 << 20) / BLOCK - 1;
    const bios = addAll(plug, [write(last - 1), write(last + 1), write(last)]);
    plug.flush();
    expect(bios.map((bio) => bio.completion.error)).toEqual([0, EIO, 0]);
    expect(requests).toEqual([`write ${last - 1}+1[1]`, `write ${last + 1}+1[1]`, `write ${last}+1[1]`]);
  });

  it('ends the bios of a request that failed on the way as far as each of them came', () => {
    const fault = new FaultDevice(new MemoryDevice(1 << 20), [{ action: { kind: 'short', sectors: 20 } }]);
    const { plug } = plugged({}, fault);
    const bios = addAll(
      plug,
      [0, 1, 2, 3].map((at) => write(at)),
    );
    plug.flush();
    expect(bios.map((bio) => [bio.completion.error, bio.residual])).toEqual([
      [0, 0],
      [0, 0],
      [EIO, 2048],
      [EIO, 4096],
    ]);
  });

  it('fails all of them when the device cannot say how far it came', () => {
    const fault = new FaultDevice(new MemoryDevice(1 << 20), [{ action: { kind: 'fail' } }]);
    const { plug } = plugged({}, fault);
    const bios = addAll(plug, [read(0), read(1)]);
    plug.flush();
    expect(bios.map((bio) => [bio.completion.error, bio.residual])).toEqual([
      [EIO, BLOCK],
      [EIO, BLOCK],
    ]);
  });

  it('flushes itself when it is full', () => {
    const { plug, requests } = plugged({ biosMax: 4 });
    addAll(
      plug,
      [0, 1, 2, 3, 4].map((at) => write(at)),
    );
    expect([requests, plug.held]).toEqual([['write 0+4[4]'], 1]);
    plug.flush();
    expect(requests.length).toBe(2);
  });

  it('keeps what completions add for the next flush', () => {
    const { plug, requests } = plugged();
    const first = write(0);
    first.completion.subscribe(() => plug.add(write(1)));
    plug.add(first);
    plug.flush();
    expect([requests.length, plug.held]).toEqual([1, 1]);
    plug.flush();
    expect(requests.length).toBe(2);
  });

  it.each([1, 2, 3])('works over a device that ends requests later and in any order (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const shuffle = new ShuffleDevice(new MemoryDevice(1 << 20), seed, { automatic: false });
    const { plug } = plugged({ bytesMax: 4 * BLOCK }, shuffle);
    const places = Array.from({ length: 100 }, (_, at) => at).sort(() => random.u32() - 2 ** 31);
    const bios = addAll(
      plug,
      places.map((at) => write(at)),
    );
    plug.flush();
    expect(plug.submitted).toBe(25);
    expect(bios.some((bio) => bio.completion.done)).toBe(false);
    shuffle.step();
    expect(bios.filter((bio) => bio.completion.done).length).toBe(4);
    shuffle.drain();
    expect(bios.every((bio) => bio.completion.done && bio.completion.error === 0)).toBe(true);
  });
});
