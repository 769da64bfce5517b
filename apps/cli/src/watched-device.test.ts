import { PassThrough } from 'node:stream';
import { type BlockDevice, MemoryDevice, readBytes } from '@f2fskit/block';
import { deviceConformance } from '@f2fskit/block/conformance';
import type { Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { Interrupted } from './errors.ts';
import type { Streams } from './output.ts';
import { runWatched, WatchedDevice } from './watched-device.ts';

/** Streams whose standard error is a terminal; `signal` sends one. */
function terminal(): { streams: Streams; shown: () => string; signal: (name: NodeJS.Signals) => void; heard: number } {
  const stderr = Object.assign(new PassThrough(), { isTTY: true });
  let text = '';
  stderr.on('data', (data: Buffer) => {
    text += data.toString();
  });
  let handler: ((name: NodeJS.Signals) => void) | undefined;
  const subject = {
    heard: 0,
    shown: () => text,
    signal: (name: NodeJS.Signals) => handler?.(name),
    streams: {
      stdout: new PassThrough(),
      stderr,
      stdin: new PassThrough(),
      onSignal(listener: (name: NodeJS.Signals) => void) {
        handler = listener;
        subject.heard++;
        return () => {
          handler = undefined;
          subject.heard--;
        };
      },
    },
  };
  return subject;
}

function* readAll(device: BlockDevice, onBlock: (index: number) => void): Task<string> {
  const block = new Uint8Array(4096);
  for (let index = 0; index * 4096 < device.size; index++) {
    onBlock(index);
    yield* readBytes(device, index * 4096, block);
  }
  return 'done';
}

describe.each([0, 1e9])('a watched device that breathes every %d ms', (breathMs) => {
  const factory = async () => ({
    device: new WatchedDevice(new MemoryDevice(1 << 20), breathMs, () => {}),
  });
  const capabilities = { mode: 'async', writable: true, discards: true } as const;
  for (const { name, run } of deviceConformance(factory, capabilities)) it(name, run);
});

describe('runWatched', () => {
  it('shows how far it is, on a terminal, and cleans up after itself', async () => {
    const { streams, shown, ...subject } = terminal();
    const blocks: number[] = [];
    const options = { streams, doing: 'checking', stopped: 'interrupted', breathMs: 0 };
    const done = runWatched(new MemoryDevice(8192), (device) => readAll(device, (n) => blocks.push(n)), options);
    expect(await done).toBe('done');
    expect(blocks).toEqual([0, 1]);
    expect(shown()).toBe('\r\u001b[Kchecking: 4.0 KiB\r\u001b[Kchecking: 8.0 KiB\r\u001b[K');
    expect(subject.heard).toBe(0);
    const silent = terminal();
    silent.streams.stderr.isTTY = false;
    await runWatched(new MemoryDevice(8192), (device) => readAll(device, () => {}), {
      ...options,
      streams: silent.streams,
    });
    expect(silent.shown()).toBe('');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('stops at the next wait after %s', async (name, exitCode) => {
    const subject = terminal();
    const blocks: number[] = [];
    const task = (device: BlockDevice): Task<string> =>
      readAll(device, (index) => {
        blocks.push(index);
        if (index === 1) setImmediate(() => subject.signal(name)); // arrives while the process breathes
      });
    const options = { streams: subject.streams, doing: 'x', stopped: 'as it was', breathMs: 0 };
    const error = await runWatched(new MemoryDevice(1 << 20), task, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Interrupted);
    expect(error).toMatchObject({ exitCode, message: 'as it was' });
    expect(blocks.length).toBeLessThan(10);
    expect(subject.heard).toBe(0);
  });

  it('passes on what the task throws', async () => {
    const { streams } = terminal();
    const task = function* (): Task<void> {
      throw new Error('no');
    };
    await expect(runWatched(new MemoryDevice(512), task, { streams, doing: 'x', stopped: 'y' })).rejects.toThrow('no');
  });
});
