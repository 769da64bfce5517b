// The order in which a copy is made: no checkpoint may have the new name without the new contents.

import { PassThrough } from 'node:stream';
import { loadGolden } from '@f2fskit/testkit';
import { openVolume, openVolumeSync, type Volume } from 'f2fskit';
import { describe, expect, it } from 'vitest';
import { Edit } from '../edit.ts';
import { Interrupted } from '../errors.ts';
import { Output } from '../output.ts';
import type { Contents, Original } from './original.ts';
import { TreeCopy, unfinishedName } from './tree-copy.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const PLACE = bytes('/d/b4097');

class Made implements Original {
  readonly path = 'made';
  readonly kind = 'file';
  readonly mode = 0o640;
  readonly owner = { uid: 3, gid: 4 };
  readonly times = {};
  readonly device = { major: 0, minor: 0 };
  readonly #contents: Contents;
  constructor(contents: Contents) {
    this.#contents = contents;
  }
  target(): Promise<Uint8Array> {
    throw new TypeError('no symlink');
  }
  open(): Contents {
    return this.#contents;
  }
}

/** `pieces` of 64 KiB, then `end`. */
function contents(pieces: number, end: () => void): Contents & { closed: number } {
  const piece = Buffer.alloc(1 << 16, 'new');
  let given = 0;
  return {
    closed: 0,
    size: pieces * piece.length,
    async next() {
      if (given === pieces) {
        end();
        return undefined;
      }
      return { position: piece.length * given++, bytes: piece };
    },
    close() {
      this.closed++;
    },
  };
}

async function opened(): Promise<{ volume: Volume; edit: Edit; copy: TreeCopy }> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough(), stdin: new PassThrough() };
  const volume = await openVolume(loadGolden('plain').device.clone(), { writable: true });
  const edit = new Edit(volume, new Output(streams), { image: 'image', pauseMs: 0 });
  return { volume, edit, copy: new TreeCopy(edit, { syscall: 'put', preserve: false, preserveOwner: false }) };
}

/** What a mount after a crash would show: the device as it is now. */
function crashed({ device }: Volume, path: Uint8Array): { read: Buffer; names: string[]; mode: number } {
  const after = openVolumeSync((device as ReturnType<typeof loadGolden>['device']).clone());
  const found = { read: after.readFileSync(path) as Buffer, names: after.readdirSync('/d') as string[] };
  return { ...found, mode: after.statSync(path).mode & 0o7777 };
}

describe('a file that is replaced', () => {
  it('has the whole new contents in every checkpoint that has the new name', async () => {
    const { volume, copy, edit } = await opened();
    const before = crashed(volume, PLACE);
    const made = contents(5, () => {});
    await copy.one(new Made(made), PLACE);
    expect([edit.changed, edit.failed, made.closed]).toEqual([1, 0, 1]);
    expect(crashed(volume, PLACE)).toEqual(before);
    // A checkpoint alone, as it may come at any time: it writes no data.
    await volume.scheduler.run(volume.f2fs.writer!.checkpoint());
    const after = crashed(volume, PLACE);
    expect(after.read.equals(Buffer.concat(Array.from({ length: 5 }, () => Buffer.alloc(1 << 16, 'new'))))).toBe(true);
    expect([after.names, after.mode]).toEqual([before.names, before.mode]);
    await volume.close();
  });

  it('stays in every checkpoint before that', async () => {
    const { volume, copy } = await opened();
    const before = crashed(volume, PLACE);
    const checks: number[] = [];
    const made = contents(3, () => {
      void volume.scheduler.run(volume.f2fs.sync());
      const during = crashed(volume, PLACE);
      checks.push(Number(during.read.equals(before.read)));
      expect(during.names.filter((name) => !before.names.includes(name))).toEqual(['.f2fskit-unfinished']);
    });
    await copy.one(new Made(made), PLACE);
    expect(checks).toEqual([1]);
    await volume.close();
  });

  it.each([
    ['what reads it fails', new Error('a bug'), 0],
    ['its host says no', Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5 }), 1],
    ['a signal comes', 'SIGINT', 0],
  ] as const)('stays when %s, and nothing of the new one does', async (_, reason, failed) => {
    const { volume, copy, edit } = await opened();
    const before = crashed(volume, PLACE);
    const made = contents(3, () => {
      if (typeof reason !== 'string') throw reason;
      edit.stop(reason);
    });
    const ended = copy.one(new Made(made), PLACE);
    if (failed === 1) await ended;
    else if (typeof reason === 'string') await expect(ended).rejects.toBeInstanceOf(Interrupted);
    else await expect(ended).rejects.toBe(reason);
    expect([edit.changed, edit.failed, made.closed]).toEqual([0, failed, 1]);
    await volume.close();
    expect(crashed(volume, PLACE)).toEqual(before);
  });
});

it('does not wait for what stands still when a signal comes', async () => {
  const { volume, copy, edit } = await opened();
  const made: Contents = { size: 0, next: () => new Promise(() => {}), close: () => {} };
  const ended = copy.one(new Made(made), PLACE);
  setImmediate(() => edit.stop('SIGTERM'));
  await expect(ended).rejects.toMatchObject({ exitCode: 143 });
  await volume.close();
});

it('an unfinished name has the extensions of the final one, if there is room', () => {
  const text = (name: string): string => Buffer.from(unfinishedName(bytes(name))).toString();
  expect(['x', '.x', 'a.tar.gz', `a.${'x'.repeat(250)}`].map(text)).toEqual([
    '.f2fskit-unfinished',
    '.f2fskit-unfinished',
    '.f2fskit-unfinished.tar.gz',
    '.f2fskit-unfinished',
  ]);
});
