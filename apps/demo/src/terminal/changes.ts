// What happens to the volume: the same, whatever engine moves its data. Each change is made to the volume and to the tree that says
// how files have to be.

import type { Volume } from 'f2fskit';
import type { Tree } from './life.ts';

export interface Changed {
  readonly tree: Tree;
  readonly overwrites: number;
  /** Of the one large file. */
  readonly bigBytes: number;
}

/** Files from this size on have a compressed cluster to overwrite. */
const CLUSTER_BYTES = 16384;
const BIG_BYTES = 4 << 20;

/** Overwrites inside every compressed file, at odd places; an append and a cut; one large file of text. */
export function changeFiles(volume: Volume, source: Tree): Changed {
  const tree: Tree = new Map(source);
  const compressed = [...tree].filter(([file, { length }]) => /\.(ts|md)$/.test(file) && length >= CLUSTER_BYTES);
  let overwrites = 0;
  for (const [file, content] of compressed) {
    const changed = Buffer.from(content);
    const fd = volume.openSync(`/${file}`, 'r+');
    for (const position of [1, 4095, 8192, 12_300]) {
      const note = Buffer.from(`/* overwritten at ${position} */`);
      volume.writeSync(fd, note, 0, note.length, position);
      note.copy(changed, position);
      overwrites++;
    }
    volume.closeSync(fd);
    tree.set(file, changed);
  }
  const [[appended], [cut]] = compressed.slice(-2) as [[string, Buffer], [string, Buffer]];
  const more = Buffer.from('// and one more line\n'.repeat(500));
  volume.appendFileSync(`/${appended}`, more);
  tree.set(appended, Buffer.concat([tree.get(appended)!, more]));
  volume.truncateSync(`/${cut}`, 10_001);
  tree.set(cut, tree.get(cut)!.subarray(0, 10_001));
  const all = Buffer.concat([...source.values()]);
  const big = Buffer.alloc(BIG_BYTES, all.length > 0 ? all : 'text ');
  volume.writeFileSync('/big.txt', big);
  tree.set('big.txt', big);
  return { tree, overwrites, bigBytes: big.length };
}

/**
 * Goes on behind the sync: names change and are synced, one file is fsynced, and a lot is written that nobody promises. Returns what
 * must be there whatever happens.
 */
export function promiseMore(volume: Volume, { tree }: Changed): Tree {
  const promised: Tree = new Map(tree);
  const [renamed, removed, unsure] = [...tree.keys()].filter((file) => file.startsWith('src/')).sort() as [
    string,
    string,
    string,
  ];
  const moved = 'kept/under another name.ts';
  volume.mkdirSync('/kept');
  volume.renameSync(`/${renamed}`, `/${moved}`);
  volume.rmSync(`/${removed}`);
  promised.set(moved, promised.get(renamed)!);
  promised.delete(renamed);
  promised.delete(removed);
  volume.scheduler.runSync(volume.f2fs.sync());

  // After the checkpoint: one file by fsync, the rest by nothing.
  const more = Buffer.from('appended behind the last checkpoint\n');
  volume.writeFileSync('/kept/new', more);
  const fresh = volume.openSync('/kept/new', 'r+');
  volume.fsyncSync(fresh);
  promised.set('kept/new', more);
  volume.writeFileSync(`/${unsure}`, 'perhaps');
  promised.delete(unsure);
  for (let index = 0; index < 50; index++) volume.writeFileSync(`/kept/perhaps ${index}`, Buffer.alloc(20_000, index));
  // Their contents go to the device; nothing that leads to them does.
  volume.scheduler.runSync(volume.f2fs.writer!.flusher.sync());
  return promised;
}
