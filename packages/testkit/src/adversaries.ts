// Volumes built to hurt whoever reads them: loops, shared parts, sizes without blocks, names that leave the directory.
// Each has one innocent file in its root directory, which must stay readable whatever lies beside it.

import type { MemoryDevice } from '@f2fskit/block';
import {
  ADDRESSES_PER_INODE_MAX,
  ADDRESSES_PER_NODE,
  BLOCK_SIZE,
  Feature,
  FileType,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  InodeFlag,
  MAX_FILE_BYTES,
  ModeType,
  maxNid,
  NEW_ADDRESS,
  NIDS_PER_NODE,
  NodeOffset,
  RawInode,
  ROOT_INO,
  XATTR_NODE_OFFSET,
  XattrEntry,
  XattrHeader,
} from '@f2fskit/f2fs-format';
import { type BuilderOptions, type BuiltEntry, VolumeBuilder } from './volume-builder.ts';

/** A hostile volume. */
export interface Adversary {
  readonly name: string;
  build(): MemoryDevice;
}

/** In the root directory of every adversary. */
export const INNOCENT_NAME = 'innocent';
export const INNOCENT_CONTENT = 'nobody touched this';

const DIRECTORY = ModeType.directory | 0o755;
const REGULAR = ModeType.regular | 0o644;
const directory = (name: string | Uint8Array, ino: number): BuiltEntry => ({ name, ino, fileType: FileType.directory });
const regular = (name: string | Uint8Array, ino: number): BuiltEntry => ({ name, ino, fileType: FileType.regular });
const link = (name: string, ino: number): BuiltEntry => ({ name, ino, fileType: FileType.symlink });

/** `fill` makes what it likes and returns the entries of the root directory. */
function adversary(name: string, fill: (volume: VolumeBuilder) => BuiltEntry[], options?: BuilderOptions): Adversary {
  return {
    name,
    build() {
      const volume = new VolumeBuilder(options);
      const innocent = volume.file(volume.nid(), INNOCENT_CONTENT);
      volume.directory(ROOT_INO, [regular(INNOCENT_NAME, innocent), ...fill(volume)]);
      return volume.image;
    },
  };
}

function setSlots(view: DataView, values: readonly number[]): void {
  for (const [index, value] of values.entries()) RawInode.addresses.set(view, 0, index, value);
}

/** An inode of `mode` and `size` with these nids; more by `fill`. */
function withNids(volume: VolumeBuilder, mode: number, size: number, nids: readonly number[]): number {
  const ino = volume.nid();
  volume.inode(ino, {
    mode,
    size,
    fill: (view) => {
      for (const [index, nid] of nids.entries()) RawInode.nids.set(view, 0, index, nid);
    },
  });
  return ino;
}

/** The inode's own number is not known before its nodes are made: nodes of `ino`, then the inode. */
function withNodes(
  volume: VolumeBuilder,
  mode: number,
  size: number,
  nodes: (ino: number) => readonly number[],
): number {
  const ino = volume.nid();
  const nids = nodes(ino);
  volume.inode(ino, {
    mode,
    size,
    fill: (view) => {
      for (const [index, nid] of nids.entries()) RawInode.nids.set(view, 0, index, nid);
    },
  });
  return ino;
}

const fillNids = (nid: number) => (view: DataView) => {
  for (let index = 0; index < NIDS_PER_NODE; index++) view.setUint32(4 * index, nid, true);
};

/** The same trick as a file and as a directory. */
function bothKinds(name: string, make: (volume: VolumeBuilder, mode: number) => number): Adversary[] {
  return [
    adversary(`${name}: file`, (volume) => [regular('evil', make(volume, REGULAR))]),
    adversary(`${name}: directory`, (volume) => [directory('evil', make(volume, DIRECTORY))]),
  ];
}

function treeShapes(): Adversary[] {
  return [
    adversary('a directory that contains itself', (volume) => {
      const ino = volume.nid();
      volume.directory(ino, [directory('self', ino), directory('root', ROOT_INO)]);
      return [directory('evil', ino), directory('root', ROOT_INO)];
    }),
    adversary('two names for the next directory, forty levels deep', (volume) => {
      let below = volume.nid();
      volume.directory(below, []);
      for (let level = 0; level < 40; level++) {
        const ino = volume.nid();
        volume.directory(ino, [directory('a', below), directory('b', below)]);
        below = ino;
      }
      return [directory('evil', below)];
    }),
    adversary('two directories that share a third', (volume) => {
      const shared = volume.nid();
      const [left, right] = [volume.nid(), volume.nid()];
      volume.directory(shared, [regular('file', volume.file(volume.nid(), 'shared', shared))], left);
      volume.directory(left, [directory('shared', shared), directory('right', right)]);
      volume.directory(right, [directory('shared', shared), directory('left', left)]);
      return [directory('left', left), directory('right', right)];
    }),
    adversary('seven hundred levels of long names', (volume) => {
      let below = volume.nid();
      volume.directory(below, []);
      for (let level = 0; level < 700; level++) {
        const ino = volume.nid();
        volume.directory(ino, [directory('x'.repeat(200), below)]);
        below = ino;
      }
      return [directory('evil', below)];
    }),
    adversary('entries that lead to what is no inode', (volume) => {
      const file = volume.nid();
      const node = volume.nid();
      volume.node(node, file, NodeOffset.direct0, () => undefined);
      volume.inode(file, { mode: REGULAR, size: 8 * 2 ** 20, fill: (view) => RawInode.nids.set(view, 0, 0, node) });
      const free = volume.nid();
      const numbers = [1, 2, node, free, maxNid(volume.superblock), maxNid(volume.superblock) + 1, 0, 0xffff_ffff];
      return numbers.map((ino, index) => directory(`evil-${index}`, ino));
    }),
    adversary('symlinks in circles', (volume) => [
      link('self', volume.symlink(volume.nid(), 'self')),
      link('there', volume.symlink(volume.nid(), 'back')),
      link('back', volume.symlink(volume.nid(), '/there')),
      link('doubling', volume.symlink(volume.nid(), 'doubling/doubling')),
      link('slashes', volume.symlink(volume.nid(), '/'.repeat(3000))),
      link('out', volume.symlink(volume.nid(), '../../../../etc/passwd')),
      link('nothing', volume.symlink(volume.nid(), '')),
    ]),
  ];
}

function nodeShapes(): Adversary[] {
  return [
    ...bothKinds('one dnode in every place', (volume, mode) =>
      withNodes(volume, mode, MAX_FILE_BYTES, (ino) => {
        const node = volume.nid();
        volume.node(node, ino, NodeOffset.direct0, () => undefined);
        const indirect = volume.nid();
        volume.node(indirect, ino, NodeOffset.indirect0, fillNids(node));
        return [node, node, indirect, indirect, indirect];
      }),
    ),
    ...bothKinds('an indirect node that points to itself', (volume, mode) =>
      withNodes(volume, mode, MAX_FILE_BYTES, (ino) => {
        const node = volume.nid();
        volume.node(node, ino, NodeOffset.doubleIndirect, fillNids(node));
        return [0, 0, 0, 0, node];
      }),
    ),
    ...bothKinds('the inode as its own node', (volume, mode) =>
      withNodes(volume, mode, MAX_FILE_BYTES, (ino) => [ino, ino, ino, ino, ino]),
    ),
    ...bothKinds('nids that are free, at the largest size', (volume, mode) => {
      const free = volume.nid();
      return withNids(volume, mode, MAX_FILE_BYTES, [free, free, free, free, free]);
    }),
    ...bothKinds('the largest size and no block', (volume, mode) => withNids(volume, mode, MAX_FILE_BYTES, [])),
    ...bothKinds('a size of 2^43 and no block', (volume, mode) => withNids(volume, mode, 2 ** 43, [])),
    ...bothKinds('a size of 2^52 and no block', (volume, mode) => withNids(volume, mode, 2 ** 52, [])),
    ...bothKinds('slots that are all reserved', (volume, mode) => {
      const ino = volume.nid();
      const fill = (view: DataView): void => setSlots(view, Array(ADDRESSES_PER_INODE_MAX).fill(NEW_ADDRESS));
      volume.inode(ino, { mode, size: MAX_FILE_BYTES, fill });
      return ino;
    }),
    ...bothKinds('slots that all hold one block', (volume, mode) => {
      const file = volume.file(volume.nid(), 'named too often');
      const block = volume.dentryBlock([regular('a name', file)]);
      return withNodes(volume, mode, 2 * ADDRESSES_PER_NODE * BLOCK_SIZE, (ino) => {
        const fill = (view: DataView): void => {
          for (let index = 0; index < ADDRESSES_PER_NODE; index++) view.setUint32(4 * index, block, true);
        };
        return [0, 1].map((index) => {
          const node = volume.nid();
          volume.node(node, ino, NodeOffset.direct0 + index, fill);
          return node;
        });
      });
    }),
    adversary(
      'a directory of petabytes that claims to be a device',
      (volume) => {
        const ino = volume.nid();
        const free = volume.nid();
        const fill = (view: DataView): void => {
          RawInode.flags.set(view, 0, InodeFlag.deviceAlias);
          for (let index = 0; index < 5; index++) RawInode.nids.set(view, 0, index, free);
        };
        volume.inode(ino, { mode: DIRECTORY, size: 2 ** 52, fill });
        return [directory('evil', ino)];
      },
      { features: Feature.deviceAlias },
    ),
    adversary('a directory of many levels and the largest size', (volume) => {
      const ino = volume.nid();
      const fill = (view: DataView): void => {
        RawInode.currentDepth.set(view, 0, 0xffff_ffff);
        RawInode.dirLevel.set(view, 0, 255);
      };
      volume.inode(ino, { mode: DIRECTORY, size: MAX_FILE_BYTES, fill });
      return [directory('evil', ino)];
    }),
    adversary('fsynced nodes: one that points to itself', (volume) => {
      volume.fsyncChain(1, () => 0);
      return [];
    }),
    adversary('fsynced nodes: seven hundred, back into the middle', (volume) => {
      volume.fsyncChain(700, (index) => (index === 699 ? 300 : index + 1));
      return [];
    }),
  ];
}

function contents(): Adversary[] {
  return [
    adversary('names that no path can have', (volume) => {
      const ino = volume.file(volume.nid(), 'evil');
      const names = ['/', 'a/b', '../up', '..', '.', 'nul\0byte', '\0', '', '/etc/passwd', '.\0', '..\0', 'new\nline'];
      return [
        ...names.map((name) => regular(name, ino)),
        regular(Uint8Array.of(0xff, 0xfe, 0x80), ino),
        regular('twice', ino),
        regular('twice', volume.file(volume.nid(), 'another')),
      ];
    }),
    adversary('attributes that run over their area', (volume) => [
      regular(
        'evil',
        withXattrs(volume, (view) => XattrEntry.valueSize.set(view, XattrHeader.$size, 0xffff)),
      ),
    ]),
    adversary('attributes without an end', (volume) => [
      regular(
        'evil',
        withXattrs(volume, (view) => {
          for (let at: number = XattrHeader.$size; at + 4 <= view.byteLength; at += XattrEntry.$size) {
            XattrEntry.nameIndex.set(view, at, 1);
          }
        }),
      ),
    ]),
    adversary('one xattr node of two inodes', (volume) => {
      const [mine, yours] = [volume.nid(), volume.nid()];
      const node = volume.nid();
      volume.node(node, mine, XATTR_NODE_OFFSET, (view) => {
        XattrEntry.nameIndex.set(view, XattrHeader.$size, 1);
        XattrEntry.valueSize.set(view, XattrHeader.$size, 4000);
      });
      for (const ino of [mine, yours]) {
        volume.inode(ino, { mode: REGULAR, fill: (view) => RawInode.xattrNid.set(view, 0, node) });
      }
      return [regular('mine', mine), regular('yours', yours)];
    }),
  ];
}

/** A file whose inline attribute area `fill` writes; the area is what 50 words hold. */
function withXattrs(volume: VolumeBuilder, fill: (area: DataView) => void): number {
  const ino = volume.nid();
  const bytes = 200;
  volume.inode(ino, {
    mode: REGULAR,
    inlineFlags: InlineFlag.xattr,
    fill: (view) => {
      const end = INODE_ADDRESSES_OFFSET + 4 * ADDRESSES_PER_INODE_MAX;
      const area = new DataView(view.buffer, view.byteOffset + end - bytes, bytes);
      XattrHeader.referenceCount.set(area, 0, 1);
      XattrEntry.nameIndex.set(area, XattrHeader.$size, 1);
      fill(area);
    },
  });
  return ino;
}

/** Every adversary. */
export const adversaries: readonly Adversary[] = [...treeShapes(), ...nodeShapes(), ...contents()];
