// Contents of files, changed on the golden volumes page by page: overwritten, extended, cut, written into holes, punched, moved out
// of the inode. A plain array in memory says what they hold; a reader that knows nothing of the writer has to agree, and
// fsck.f2fs has to accept what is left.

import type { MemoryDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import { fixedClock, runSync, seededRandom } from '@f2fskit/task';
import { goldenVolumes, loadGolden } from '@f2fskit/testkit';
import { type AllocationMode, utf8Encode, Vfs } from '@f2fskit/vfs';
import { BytesSource } from '@f2fskit/writeback';
import { describe, expect, it } from 'vitest';
import { type F2fsInode, type F2fsVolume, mountF2fs } from '../src/index.ts';
import { judged, objections } from './judge.ts';

const clock = fixedClock(1_900_000_000, 5);
const mount = (device: MemoryDevice, writable = true): F2fsVolume =>
  runSync(mountF2fs(device, { cache: { poison: true }, ...(writable ? { writable, clock } : {}) }));

/** The regular files of a volume by path, one path for each inode. */
function filesOf(volume: F2fsVolume): Map<string, F2fsInode> {
  const vfs = new Vfs(volume, 1 << 20);
  const tree = vfs.tree(runSync(vfs.walk('/')).inode, utf8Encode('.'));
  const found = new Map<string, F2fsInode>();
  const seen = new Set<number>();
  for (;;) {
    const event = runSync(tree.next());
    if (event === undefined) return found;
    if (event.type !== 'entry' || event.inode.kind !== 'file' || seen.has(event.inode.ino)) continue;
    seen.add(event.inode.ino);
    found.set(Buffer.from(event.path).toString('latin1'), event.inode as F2fsInode);
  }
}

/** Files above this are left alone: the model would be large. */
const MODEL_BYTES_MAX = 4 << 20;

function contentOf(inode: F2fsInode): Uint8Array | undefined {
  const content = new Uint8Array(inode.size);
  try {
    runSync(inode.read(0, content));
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
  return content;
}

const MODES: AllocationMode[] = ['allocate', 'keepSize', 'punch', 'zero', 'zeroKeepSize'];

class Model {
  content: Uint8Array;

  constructor(content: Uint8Array) {
    this.content = content;
  }

  write(position: number, bytes: Uint8Array): void {
    if (position + bytes.length > this.content.length) this.truncate(position + bytes.length);
    this.content.set(bytes, position);
  }

  allocate(mode: AllocationMode, position: number, end: number): void {
    if (mode !== 'allocate' && mode !== 'keepSize') this.content.fill(0, position, end);
    if ((mode === 'allocate' || mode === 'zero') && end > this.content.length) this.truncate(end);
  }

  truncate(size: number): void {
    const content = new Uint8Array(size);
    content.set(this.content.subarray(0, size));
    this.content = content;
  }
}

/** Compressed files are not written to: one volume of them is enough but in the long run. */
const LONG = process.env.F2FSKIT_FULL === '1';
const names = goldenVolumes()
  .map(({ name }) => name)
  .filter((name) => !/(^|\/)crash-/.test(name))
  .filter((name) => LONG || !/^compress-(?!lz4-4$)/.test(name));

describe.each(names)('%s', (name) => {
  const device = loadGolden(name).device.clone();
  const models = new Map<string, Model>();

  it('takes 100 changes of contents, over several checkpoints and syncs', () => {
    const volume = mount(device);
    const random = seededRandom(0xf2f5 + name.length);
    const below = (limit: number): number => random.below(limit);
    const oneIn = (count: number): boolean => below(count) === 0;
    const open: Array<[string, F2fsInode]> = [];
    for (const [path, inode] of filesOf(volume)) {
      if (inode.size > MODEL_BYTES_MAX) continue;
      const content = contentOf(inode);
      if (content !== undefined) open.push([path, inode]);
      if (content !== undefined) models.set(path, new Model(content));
    }
    if (open.length === 0) return;
    for (let change = 0; change < 100; change++) {
      const [path, inode] = open[below(open.length)]!;
      const model = models.get(path)!;
      const edges = [0, 1, 3000, 3488, 4095, 4096, 8191, 923 * 4096, model.content.length];
      const near = edges[below(edges.length)]! + below(7) - 3;
      const position = Math.max(0, oneIn(2) ? near : below(model.content.length + 10_000));
      try {
        const what = below(16);
        if (what < 4) {
          runSync(inode.truncate(position));
          model.truncate(position);
        } else if (what < 7) {
          const mode = MODES[below(MODES.length)]!;
          const length = 1 + below(30_000);
          runSync(inode.allocate(mode, position, length));
          model.allocate(mode, position, position + length);
        } else {
          const bytes = new Uint8Array(1 + below(oneIn(3) ? 100_000 : 5000)).fill(1 + below(255));
          const written = runSync(inode.write(position, new BytesSource(bytes)));
          model.write(position, bytes.subarray(0, written.bytes));
        }
      } catch (error) {
        if (!(error instanceof FsError) || !['EOPNOTSUPP', 'EPERM', 'ENOKEY', 'ENOSPC'].includes(error.code))
          throw error;
      }
      expect(inode.size, path).toBe(model.content.length);
      if (change % 9 === 0) runSync(inode.fsync(inode.errorCursor(), oneIn(2)));
      if (change % 31 === 0) runSync(volume.sync());
      expect(Buffer.compare(contentOf(inode)!, model.content), `${path} after change ${change}`).toBe(0);
    }
    runSync(volume.unmount());
  });

  it('shows them after a new mount', () => {
    const files = filesOf(mount(device, false));
    for (const [path, { content }] of models) {
      const inode = files.get(path)!;
      expect(inode.size, path).toBe(content.length);
      expect(Buffer.compare(contentOf(inode)!, content), path).toBe(0);
    }
  });

  it.skipIf(!judged)('is accepted by fsck.f2fs', () => {
    expect(objections(device)).toBe('');
  });
});

describe('a change of nothing but the size', () => {
  it.each(['sync', 'fsync', 'unmount'])('is durable behind %s', (how) => {
    const device = loadGolden('plain').device.clone();
    const volume = mount(device);
    const [path, inode] = [...filesOf(volume)].find(([, { size }]) => size > 10_000)!;
    const { size } = inode;
    runSync(inode.truncate(size + 100_000));
    if (how === 'sync') runSync(volume.sync());
    else if (how === 'fsync') runSync(inode.fsync(inode.errorCursor(), false));
    else runSync(volume.unmount());
    expect(filesOf(mount(device, false)).get(path)!.size).toBe(size + 100_000);
  });
});
