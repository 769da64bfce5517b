// One small volume built by hand with what golden volumes have seldom or never: a symlink in a block of its own, nodes
// three deep, orphans, a directory without inline entries of two levels. So few files that a look at it costs nothing.

import type { MemoryDevice } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import {
  AclTag,
  ADDRESSES_PER_INODE_MAX,
  ADDRESSES_PER_NODE,
  BLOCK_SIZE,
  DeviceNumbers,
  encodeDevice,
  FileType,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  ModeType,
  NIDS_PER_NODE,
  NodeOffset,
  RawInode,
  ROOT_INO,
  XATTR_MAGIC,
  XATTR_NODE_OFFSET,
  XattrHeader,
  XattrIndex,
} from '@f2fskit/f2fs-format';
import { type BuiltEntry, VolumeBuilder } from './volume-builder.ts';

/** How mutators and replay lines call it. */
export const ZOO_NAME = 'zoo';
const INLINE_XATTR_BYTES = 200;

export function buildZoo(): MemoryDevice {
  const volume = new VolumeBuilder({ mainSegments: 12, orphans: [200, 201, 202] });
  const below = volume.nid();
  const { regular, directory, symlink, characterDevice } = FileType;
  volume.directory(below, [
    { name: 'inline', ino: volume.file(volume.nid(), 'a few bytes', below), fileType: regular },
    { name: 'short', ino: volume.symlink(volume.nid(), '../tree', below), fileType: symlink },
  ]);
  const entries: BuiltEntry[] = [
    { name: 'below', ino: below, fileType: directory },
    { name: 'tree', ino: deepFile(volume), fileType: regular },
    { name: 'long symlink', ino: blockSymlink(volume), fileType: symlink },
    { name: 'device', ino: device(volume), fileType: characterDevice },
    { name: 'attributes', ino: withAttributes(volume), fileType: regular },
  ];
  const dots: BuiltEntry[] = ['.', '..'].map((name) => ({ name, ino: ROOT_INO, fileType: directory }));
  const blocks = [volume.dentryBlock([...dots, ...entries.slice(0, 3)]), volume.dentryBlock(entries.slice(3))];
  volume.inode(ROOT_INO, {
    mode: ModeType.directory | 0o755,
    size: 2 * BLOCK_SIZE,
    fill: (view) => {
      RawInode.addresses.set(view, 0, 0, blocks[0]!);
      RawInode.addresses.set(view, 0, 1, blocks[1]!);
    },
  });
  return volume.image;
}

function dataBlock(volume: VolumeBuilder, text: string): number {
  const address = volume.block();
  volume.write(address, new Uint8Array(Buffer.alloc(BLOCK_SIZE, text)));
  return address;
}

/** A sparse file with a block in the inode and below each of its five nids. */
function deepFile(volume: VolumeBuilder): number {
  const ino = volume.nid();
  const direct = (nodeOffset: number): number => {
    const nid = volume.nid();
    const address = dataBlock(volume, `under node ${nodeOffset} `);
    volume.node(nid, ino, nodeOffset, (view) => view.setUint32(4 * 3, address, true));
    return nid;
  };
  const above = (nodeOffset: number, child: number): number => {
    const nid = volume.nid();
    volume.node(nid, ino, nodeOffset, (view) => view.setUint32(0, child, true));
    return nid;
  };
  const { direct0, direct1, indirect0, indirect1, doubleIndirect } = NodeOffset;
  const nids = [
    direct(direct0),
    direct(direct1),
    above(indirect0, direct(indirect0 + 1)),
    above(indirect1, direct(indirect1 + 1)),
    above(doubleIndirect, above(doubleIndirect + 1, direct(doubleIndirect + 2))),
  ];
  const before = ADDRESSES_PER_INODE_MAX + 2 * ADDRESSES_PER_NODE * (1 + NIDS_PER_NODE);
  volume.inode(ino, {
    mode: ModeType.regular | 0o600,
    size: (before + 5) * BLOCK_SIZE - 100,
    fill: (view) => {
      RawInode.addresses.set(view, 0, 0, dataBlock(volume, 'in the inode '));
      for (const [index, nid] of nids.entries()) RawInode.nids.set(view, 0, index, nid);
    },
  });
  return ino;
}

function blockSymlink(volume: VolumeBuilder): number {
  const ino = volume.nid();
  const address = volume.block();
  const target = Buffer.from(`${'./'.repeat(1900)}below/inline`);
  const bytes = new Uint8Array(BLOCK_SIZE);
  bytes.set(target);
  volume.write(address, bytes);
  const fill = (view: DataView): void => RawInode.addresses.set(view, 0, 0, address);
  volume.inode(ino, { mode: ModeType.symlink | 0o777, size: target.length, fill });
  return ino;
}

function device(volume: VolumeBuilder): number {
  const ino = volume.nid();
  const { small, large } = encodeDevice(8, 300);
  volume.inode(ino, {
    mode: ModeType.characterDevice | 0o600,
    fill: (view) => {
      DeviceNumbers.small.set(view, INODE_ADDRESSES_OFFSET, small);
      DeviceNumbers.large.set(view, INODE_ADDRESSES_OFFSET, large);
    },
  });
  return ino;
}

/** An ACL and a user attribute inline, another one in the xattr node. */
function withAttributes(volume: VolumeBuilder): number {
  const ino = volume.nid();
  const acl = Buffer.from([1, 0, 0, 0, AclTag.userObject, 0, 6, 0, AclTag.user, 0, 4, 0, 0xe8, 3, 0, 0]);
  const inline = [
    xattr(XattrIndex.posixAclAccess, '', acl),
    xattr(XattrIndex.user, 'note', Buffer.alloc(120, 'inline ')),
    xattr(XattrIndex.trusted, 'fill', Buffer.alloc(20)), // to the last byte: a zero word would be the end of the list
  ];
  const area = Buffer.concat([Buffer.alloc(XattrHeader.$size), ...inline]);
  area.writeUInt32LE(XATTR_MAGIC, 0);
  area.writeUInt32LE(1, 4);
  assert(area.length === INLINE_XATTR_BYTES, 'the inline area is full');
  const node = volume.nid();
  volume.node(node, ino, XATTR_NODE_OFFSET, (_, bytes) => {
    bytes.set(xattr(XattrIndex.user, 'large', Buffer.alloc(2000, 'in the node ')), 0);
  });
  volume.inode(ino, {
    mode: ModeType.regular | 0o644,
    inlineFlags: InlineFlag.xattr,
    fill: (view, bytes) => {
      const end = INODE_ADDRESSES_OFFSET + 4 * ADDRESSES_PER_INODE_MAX;
      bytes.set(area, end - INLINE_XATTR_BYTES);
      RawInode.xattrNid.set(view, 0, node);
    },
  });
  return ino;
}

function xattr(index: number, name: string, value: Buffer): Buffer {
  const padding = (4 - ((name.length + value.length) % 4)) % 4;
  const head = Buffer.from([index, name.length, value.length & 0xff, value.length >> 8]);
  return Buffer.concat([head, Buffer.from(name), value, Buffer.alloc(padding)]);
}
