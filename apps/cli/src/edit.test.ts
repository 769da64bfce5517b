// A run that changes a volume, from inside: how it ends when something comes between.

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import type { F2fsInode } from '@f2fskit/f2fs';
import { loadGolden } from '@f2fskit/testkit';
import { FsError, openVolumeSync } from 'f2fskit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { f2fs } from '../test/run-cli.ts';
import { writeSparse } from '../test/sparse-file.ts';
import type { Context } from './command.ts';
import { type Edit, runEdit } from './edit.ts';
import { Interrupted } from './errors.ts';
import { Output, type Streams } from './output.ts';

const EIO = 5;
const golden = loadGolden('compress-lz4-4').bytes;
let folder: string;
let image: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'f2fskit-edit-'));
  image = path.join(folder, 'disk.img');
  writeSparse(image, golden);
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Watched {
  context: Context;
  /** What was said and printed. */
  said: () => string;
  printed: () => string;
  signal: (name: NodeJS.Signals) => void;
}

function watched(): Watched {
  const text = { stdout: '', stderr: '' };
  let handler: ((name: NodeJS.Signals) => void) | undefined;
  const stream = (name: 'stdout' | 'stderr'): PassThrough =>
    new PassThrough().on('data', (data: Buffer) => {
      text[name] += data.toString();
    });
  const streams: Streams = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdin: new PassThrough(),
    onSignal: (listener) => {
      handler = listener;
      return () => {
        handler = undefined;
      };
    },
  };
  return {
    context: { streams, output: new Output(streams), environment: {} },
    said: () => text.stderr,
    printed: () => text.stdout,
    signal: (name) => handler?.(name),
  };
}

/** Sets the mode of a file. */
async function setMode(edit: Edit, file: string, mode: number): Promise<void> {
  await edit.change('chmod', file, function* () {
    const inode = (yield* edit.volume.vfs.walk(file)).inode as F2fsInode;
    yield* inode.setAttributes({ mode });
    return true;
  });
}

function modeOf(file: string): number {
  const volume = openVolumeSync(image);
  const { mode } = volume.statSync(file);
  void volume.close();
  return mode & 0o7777;
}

const run = (json = false) => ({ name: 'test', image, json, pauseMs: 0 });
const unchanged = (): boolean => fs.readFileSync(image).equals(golden);
const files = (): string[] => fs.readdirSync(folder);

describe('a run', () => {
  it('makes its changes durable, reports them, and gives the lock back', async () => {
    const { context, printed, said } = watched();
    await runEdit(run(true), context, async (edit) => {
      expect(files()).toEqual(['disk.img', 'disk.img.f2fskit-lock']);
      await setMode(edit, '/c', 0o700);
      await edit.change('chmod', '/c', function* () {
        return false;
      });
      expect(printed()).toBe('');
    });
    const counts = { changed: 1, unchanged: 1, failed: 0, failures: [], interrupted: false };
    expect(JSON.parse(printed())).toEqual({ schema: 'f2fs.test/1', image, ...counts });
    expect([said(), context.output.exitCode, files(), modeOf('/c')]).toEqual(['', 0, ['disk.img'], 0o700]);
    expect((await f2fs(['fsck', '-q', image])).status).toBe(0);
  });

  it('goes on after what fails, names it, and ends with 1', async () => {
    const { context, printed, said } = watched();
    await runEdit(run(true), context, async (edit) => {
      await setMode(edit, '/c/absent', 0o700);
      await edit.attempt(() => Promise.reject(new FsError(EIO, 'a part')));
      await setMode(edit, '/c', 0o711);
    });
    expect([context.output.exitCode, modeOf('/c')]).toEqual([1, 0o711]);
    expect(said()).toContain("f2fs: ENOENT: no such file or directory, chmod '/c/absent'\n");
    expect(JSON.parse(printed())).toMatchObject({
      changed: 1,
      failed: 2,
      failures: [
        { path: '/c/absent', code: 'ENOENT', message: expect.stringContaining('chmod') },
        { code: 'EIO', message: expect.stringContaining('a part') },
      ],
    });
  });

  it('lists a thousand failures and counts the rest', async () => {
    const { context, printed } = watched();
    await runEdit(run(true), context, async (edit) => {
      for (let count = 0; count < 1003; count++) await edit.attempt(() => Promise.reject(new FsError(EIO)), '/x');
    });
    const report = JSON.parse(printed());
    expect([report.failed, report.failures.length]).toEqual([1003, 1000]);
  });
});

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s between two changes: what was changed stays, and the volume is left cleanly', async (name, code) => {
    const { context, printed, signal } = watched();
    const ended = runEdit(run(true), context, async (edit) => {
      for (let count = 0; count < 100; count++) {
        await setMode(edit, '/c', 0o500 + (count % 2));
        if (count === 2) setImmediate(() => signal(name)); // heard when the run lets the event loop go round
      }
    });
    const error = await ended.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Interrupted);
    const { changed, interrupted } = JSON.parse(printed());
    expect(error).toMatchObject({ exitCode: code, message: `interrupted: ${changed} changed, and that stays` });
    expect(interrupted).toBe(true);
    expect(changed).toBe(3);
    expect(modeOf('/c')).toBe(0o500);
    expect(files()).toEqual(['disk.img']);
    expect((await f2fs(['fsck', image])).stdout.toString()).toMatch(/^clean: /);
  });

  it('before the first change: nothing is written', async () => {
    const { context, signal } = watched();
    const ended = runEdit(run(), context, async (edit) => {
      signal('SIGINT');
      await setMode(edit, '/c', 0o500);
    });
    await expect(ended).rejects.toMatchObject({ exitCode: 130, message: 'interrupted: 0 changed, and that stays' });
    expect([unchanged(), files()]).toEqual([true, ['disk.img']]);
  });
});

describe('what is not to be trusted is not written', () => {
  it('after a bug of ours', async () => {
    const { context, printed, said } = watched();
    const ended = runEdit(run(true), context, async (edit) => {
      await setMode(edit, '/c', 0o500);
      throw new TypeError('a bug');
    });
    await expect(ended).rejects.toThrow('a bug');
    expect([unchanged(), files(), printed()]).toEqual([true, ['disk.img'], '']);
    expect(said()).toContain('changes of this run may be lost');
  });

  it('when the volume takes no more: the run stops at once', async () => {
    const { context, printed } = watched();
    let tried = 0;
    const ended = runEdit(run(true), context, async (edit) => {
      edit.volume.f2fs.writer!.abandon(new Error('the device is gone'));
      for (; tried < 5; tried++) await setMode(edit, '/c', 0o500);
    });
    await expect(ended).rejects.toMatchObject({ code: 'EROFS' });
    expect([tried, unchanged(), printed(), files()]).toEqual([0, true, '', ['disk.img']]);
  });

  it('when leaving fails, although every change was made', async () => {
    const { context, printed, said } = watched();
    const ended = runEdit(run(true), context, async (edit) => {
      await setMode(edit, '/c', 0o500);
      edit.volume.f2fs.writer!.abandon(new Error('the device is gone'));
    });
    await expect(ended).rejects.toMatchObject({ code: 'EROFS' });
    expect([unchanged(), printed()]).toEqual([true, '']);
    expect(said()).toContain('the volume is as its last checkpoint left it');
  });
});
