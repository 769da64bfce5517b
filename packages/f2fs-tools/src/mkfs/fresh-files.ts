// All files of a new volume, in their places: inodes one after the other in the hot node log, their data in the hot data
// log. Order: root, quota files, lost+found.

import { BLOCK_SIZE, Feature, ROOT_INO, SEGMENT_BLOCKS } from '@f2fskit/f2fs-format';
import { lostFoundDentries, lostFoundInode, rootDentries, rootInode } from './directories.ts';
import { type FreshInode, freshInode } from './fresh-inode.ts';
import type { Layout } from './layout.ts';
import type { FormatSettings } from './options.ts';
import { quotaContent, quotaInode, quotaTypeNames } from './quota-files.ts';
import type { QuotaInos } from './superblock.ts';

/** A block and where it goes. */
export interface FreshBlock {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** A file of the new volume; its only node is its inode. */
export interface FreshFile {
  readonly ino: number;
  readonly node: FreshBlock;
  readonly data: readonly FreshBlock[];
  /** lost+found stands in the NAT journal only; the others also in the NAT block, as f2fs-tools 1.15 does. */
  readonly inNatBlock: boolean;
}

/** The files, in nid order, which is the order of their blocks. */
export interface FreshFiles {
  readonly files: readonly FreshFile[];
  readonly quotaInos: QuotaInos;
  /** The first nid that is free. */
  readonly nextFreeNid: number;
}

/** Builds all files. */
export function freshFiles(layout: Layout, settings: FormatSettings): FreshFiles {
  const files: FreshFile[] = [];
  const nodeStart = layout.mainAddress + layout.logs.hotNode * SEGMENT_BLOCKS;
  let nextData = layout.mainAddress + layout.logs.hotData * SEGMENT_BLOCKS;
  const add = (
    inode: Omit<FreshInode, 'dataAddresses' | 'nextAddress'>,
    content: Uint8Array,
    { nextNode = files.length + 1, inNatBlock = true } = {},
  ): void => {
    const data = Array.from({ length: content.length / BLOCK_SIZE }, (_, index) => ({
      address: nextData + index,
      bytes: content.subarray(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE),
    }));
    nextData += data.length;
    const dataAddresses = data.map(({ address }) => address);
    const bytes = freshInode({ ...inode, dataAddresses, nextAddress: nodeStart + nextNode }, settings);
    files.push({ ino: inode.ino, node: { address: nodeStart + files.length, bytes }, data, inNatBlock });
  };

  const { inos: quotaInos, nextNid } = quotaNumbers(settings);
  const lostFoundIno = (settings.features & Feature.lostFound) === 0 ? 0 : nextNid;
  add(rootInode(lostFoundIno !== 0), rootDentries(lostFoundIno));
  for (const [type, ino] of quotaInos.entries()) {
    if (ino === 0) continue;
    const owner = [settings.uid, settings.gid, 0][type]!;
    const content = quotaContent(quotaTypeNames[type]!, owner, lostFoundIno === 0 ? 1 : 2);
    // The link counts quota types, not the files that exist: without user and group file it points too far.
    add(quotaInode(ino), content, { nextNode: 2 + type });
  }
  if (lostFoundIno !== 0) add(lostFoundInode(lostFoundIno), lostFoundDentries(lostFoundIno), { inNatBlock: false });
  return { files, quotaInos, nextFreeNid: nextNid + (lostFoundIno === 0 ? 0 : 1) };
}

/** The quota files take the nids behind the root, as many as there are. */
function quotaNumbers({ quotaTypes }: FormatSettings): { inos: QuotaInos; nextNid: number } {
  let nextNid = ROOT_INO + 1;
  const [user, group, project] = quotaTypes.map((exists) => (exists ? nextNid++ : 0));
  return { inos: [user!, group!, project!], nextNid };
}

/** Data blocks of all files. */
export function dataBlockCount({ files }: FreshFiles): number {
  return files.reduce((sum, { data }) => sum + data.length, 0);
}
