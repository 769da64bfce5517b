// A new inode, as Linux 6.1 makes one with its default mount options: what it takes from its directory, which extra fields
// it has, what it keeps inside itself.
//
//   all           inline xattrs, extra attributes where the volume has them, a random generation
//   regular       inline data; the mark of cold or hot by its name
//   directory     inline entries, with "." and ".."
//   symlink       its target inside where that fits
//   device        its numbers where the first addresses would be
//
// Whether it is compressed is said by who makes it (`compression-policy.ts`); what is has no data inside.
// Source: spec 6.2 to 6.6, 8.1 to 8.3, 2.6, 9.1; kernel fs/f2fs/namei.c (f2fs_new_inode, set_file_temperature).

import {
  Advise,
  DeviceNumbers,
  EXTRA_ATTRIBUTES_SIZE,
  ExtraAttributes,
  encodeDevice,
  Feature,
  FileType,
  fileTypeOfMode,
  hasFeature,
  INLINE_XATTR_WORDS_DEFAULT,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  InodeFlag,
  inlineBytesMax,
  RawInode,
  type Superblock,
} from '@f2fskit/f2fs-format';
import type { DecodedInode } from '@f2fskit/f2fs-node';
import type { Task } from '@f2fskit/task';
import type { Timestamp } from '@f2fskit/vfs';
import { inodeChanged, setAccessTime, setChangeTime, setModifyTime } from '../change-inode.ts';
import { type CompressionContext, writeContext } from '../compression-policy.ts';
import type { VolumeWriter } from '../volume-writer.ts';
import type { Claim } from './claim.ts';
import { writeDots } from './dentry-edit.ts';
import { inlineAreaIn } from './directory-areas.ts';
import { hasExtension } from './extension.ts';
import { addNode } from './nodes.ts';

/** What a new inode is to be. */
export interface InodeRequest {
  /** With the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly name: Uint8Array;
  /** Of a device. */
  readonly device?: { readonly major: number; readonly minor: number };
  /** Of a symlink. */
  readonly target?: Uint8Array;
  /** Of the last access and the last change of the contents. Default: now. */
  readonly atime?: Timestamp;
  readonly mtime?: Timestamp;
  /** All that a regular file holds. Default: nothing. */
  readonly contents?: Uint8Array;
  /** False: it is not compressed, whatever directory and mount options say. */
  readonly compress?: boolean;
}

const SET_GID = 0o2000;
const NOTHING = new Uint8Array(0);

const INHERITED =
  InodeFlag.sync |
  InodeFlag.noDump |
  InodeFlag.noAtime |
  InodeFlag.dirSync |
  InodeFlag.projectInherit |
  InodeFlag.casefold;

/** What a new inode says of compression: `InodeFlag.compress` with a context, `InodeFlag.noCompress`, or nothing. */
export interface NewCompression {
  readonly flag: number;
  readonly context: CompressionContext;
}

/** Bytes of data or entries that a new inode keeps inside. */
export function inlineBytesOfNew(superblock: Superblock): number {
  const extraBytes = hasFeature(superblock, Feature.extraAttr) ? EXTRA_ATTRIBUTES_SIZE : 0;
  return inlineBytesMax(extraBytes / 4, INLINE_XATTR_WORDS_DEFAULT);
}

/**
 * Makes an inode that has a name already, in memory: `parent` gets it later. A node of the claim is used. Contents and a target
 * that do not fit inside have no blocks yet.
 */
export function* buildInode(
  writer: VolumeWriter,
  claim: Claim,
  parent: DecodedInode,
  request: InodeRequest,
  compression?: NewCompression,
): Task<DecodedInode> {
  const { superblock } = writer.store;
  const fileType = fileTypeOfMode(request.mode);
  const directory = fileType === FileType.directory;
  const node = yield* addNode(writer, claim, { ino: 0, nodeOffset: 0, cold: !directory });
  const { nid: ino, view, bytes } = node;
  const { name, uid } = request;
  const raw = RawInode;
  const now = writer.clock.now();
  const givesGroup = (parent.fields.mode & SET_GID) !== 0;
  raw.mode.set(view, 0, directory && givesGroup ? request.mode | SET_GID : request.mode);
  raw.uid.set(view, 0, uid);
  raw.gid.set(view, 0, givesGroup ? parent.fields.gid : request.gid);
  raw.links.set(view, 0, directory ? 2 : 1);
  raw.blocks.set(view, 0, 1);
  setAccessTime(view, request.atime ?? now);
  setChangeTime(view, now);
  setModifyTime(view, request.mtime ?? now);
  raw.generation.set(view, 0, writer.random.u32());
  raw.flags.set(view, 0, inheritedFlags(parent, fileType) | (compression?.flag ?? 0));
  raw.parentIno.set(view, 0, parent.ino);
  raw.nameLength.set(view, 0, name.length);
  raw.name.set(view, 0, name);
  if (fileType === FileType.regular) raw.advise.set(view, 0, temperatureOf(superblock, name));

  const extraBytes = writeExtra(superblock, view, parent, now);
  const compressed = compression?.flag === InodeFlag.compress;
  if (compressed) writeContext(view, compression.context);
  const inlineBytes = inlineBytesOfNew(superblock);
  const { target, contents = NOTHING, device } = request;
  const inside = fileType === FileType.regular ? contents : target;
  let inlineFlags = InlineFlag.xattr | (extraBytes > 0 ? InlineFlag.extraAttr : 0);
  if (directory) {
    inlineFlags |= InlineFlag.dentry;
    raw.size.set(view, 0, inlineBytes);
    raw.currentDepth.set(view, 0, 1);
  } else if (inside !== undefined) {
    raw.size.set(view, 0, inside.length);
    if (inside.length <= inlineBytes && !compressed) {
      inlineFlags |= inside.length === 0 ? InlineFlag.data : InlineFlag.data | InlineFlag.dataExist;
      bytes.set(inside, INODE_ADDRESSES_OFFSET + extraBytes + 4);
    }
  } else if (device !== undefined) {
    const { small, large } = encodeDevice(device.major, device.minor);
    DeviceNumbers.small.set(view, INODE_ADDRESSES_OFFSET + extraBytes, small);
    DeviceNumbers.large.set(view, INODE_ADDRESSES_OFFSET + extraBytes, large);
  }
  raw.inlineFlags.set(view, 0, inlineFlags);
  const inode = inodeChanged(writer, ino, node);
  if (!directory) return inode;
  writeDots(inlineAreaIn(inode, bytes, view), ino, parent.ino);
  return inodeChanged(writer, ino, node);
}

/** Fills the extra attributes; returns their size in bytes. */
function writeExtra(
  superblock: Superblock,
  view: DataView,
  parent: DecodedInode,
  now: { seconds: number; nanoseconds: number },
): number {
  if (!hasFeature(superblock, Feature.extraAttr)) return 0;
  const at = INODE_ADDRESSES_OFFSET;
  const extra = ExtraAttributes;
  extra.size.set(view, at, EXTRA_ATTRIBUTES_SIZE);
  if (hasFeature(superblock, Feature.flexibleInlineXattr)) {
    extra.inlineXattrWords.set(view, at, INLINE_XATTR_WORDS_DEFAULT);
  }
  const { projectId, flags } = parent.fields;
  if (projectId !== undefined && (flags & InodeFlag.projectInherit) !== 0) extra.projectId.set(view, at, projectId);
  if (hasFeature(superblock, Feature.inodeCrtime)) {
    extra.createSeconds.set(view, at, now.seconds);
    extra.createNanoseconds.set(view, at, now.nanoseconds);
  }
  return EXTRA_ATTRIBUTES_SIZE;
}

function inheritedFlags({ fields: { flags } }: DecodedInode, fileType: number): number {
  if (fileType === FileType.directory) {
    return (flags & INHERITED) | InodeFlag.index;
  }
  if (fileType !== FileType.regular) return flags & (InodeFlag.noDump | InodeFlag.noAtime);
  return flags & INHERITED & ~(InodeFlag.dirSync | InodeFlag.projectInherit | InodeFlag.casefold);
}

/** Cold or hot by the extension of a name. Source: spec 2.6. */
function temperatureOf({ coldExtensions, hotExtensions }: Superblock, name: Uint8Array): number {
  if (coldExtensions.some((extension) => hasExtension(name, extension))) return Advise.cold;
  return hotExtensions.some((extension) => hasExtension(name, extension)) ? Advise.hot : 0;
}
