import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import { corruptionOf } from '../test/caught.ts';
import { referenceRoot, referenceSuperblock } from '../test/reference-volume.ts';
import {
  Advise,
  adviseNames,
  adviseNotes,
  type CorruptionKind,
  decodeInode,
  decodeSuperblock,
  ExtraAttributes,
  Feature,
  FileType,
  f2fsCrc,
  fileTypeOfMode,
  hasInodeChecksum,
  InlineFlag,
  type InodeFields,
  InodeFlag,
  inlineBytesMax,
  inlineFlagNames,
  inlineFlagNotes,
  inodeChecksum,
  inodeFlagNames,
  inodeFlagNotes,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  RawExtent,
  RawInode,
  type Superblock,
  sealInode,
} from './index.ts';

const reference = decodeSuperblock(referenceSuperblock(), 0);
const AT = 360;
const NID = 77;
const ADDRESS = 4200;

const ALL =
  Feature.extraAttr |
  Feature.projectQuota |
  Feature.inodeChecksum |
  Feature.flexibleInlineXattr |
  Feature.inodeCrtime |
  Feature.casefold |
  Feature.compression;

const volume = (features: number): Superblock => ({ ...reference, features });

type Change = (view: DataView) => void;

/** An empty regular file as Linux makes it on a volume with ALL: 36 bytes of extra attributes, 50 words of xattrs. */
function inode(...changes: Change[]): Uint8Array {
  const block = new Uint8Array(4096);
  const view = viewOf(block);
  RawInode.mode.set(view, 0, 0o100644);
  RawInode.inlineFlags.set(view, 0, InlineFlag.extraAttr | InlineFlag.xattr);
  RawInode.links.set(view, 0, 1);
  RawInode.blocks.set(view, 0, 1);
  ExtraAttributes.size.set(view, AT, 36);
  ExtraAttributes.inlineXattrWords.set(view, AT, 50);
  NodeFooter.nid.set(view, NODE_FOOTER_OFFSET, NID);
  NodeFooter.ino.set(view, NODE_FOOTER_OFFSET, NID);
  for (const change of changes) change(view);
  return block;
}

function decoded(features: number, ...changes: Change[]): InodeFields {
  const superblock = volume(features);
  const block = inode(...changes);
  sealInode(superblock, block);
  return decodeInode(block, viewOf(block), superblock, { nid: NID, address: ADDRESS });
}

const mode =
  (value: number): Change =>
  (v) =>
    RawInode.mode.set(v, 0, value);
const size =
  (value: number): Change =>
  (v) =>
    RawInode.size.set(v, 0, value);
const inline =
  (value: number): Change =>
  (v) =>
    RawInode.inlineFlags.set(v, 0, value);
const flags =
  (value: number): Change =>
  (v) =>
    RawInode.flags.set(v, 0, value);
const advise =
  (value: number): Change =>
  (v) =>
    RawInode.advise.set(v, 0, value);
const extraSize =
  (value: number): Change =>
  (v) =>
    ExtraAttributes.size.set(v, AT, value);
const xattrWords =
  (value: number): Change =>
  (v) =>
    ExtraAttributes.inlineXattrWords.set(v, AT, value);
const xattrNid =
  (value: number): Change =>
  (v) =>
    RawInode.xattrNid.set(v, 0, value);
const extent =
  (fileBlock: number, address: number, length: number): Change =>
  (v) => {
    RawExtent.fileBlock.set(v, 348, fileBlock);
    RawExtent.address.set(v, 348, address);
    RawExtent.length.set(v, 348, length);
  };
const compression =
  (algorithm: number, logClusterSize: number, flag = 0, saved = 0): Change =>
  (v) => {
    RawInode.flags.set(v, 0, InodeFlag.compress);
    ExtraAttributes.compressAlgorithm.set(v, AT, algorithm);
    ExtraAttributes.logClusterSize.set(v, AT, logClusterSize);
    ExtraAttributes.compressFlag.set(v, AT, flag);
    ExtraAttributes.compressedBlocks.set(v, AT, saved);
  };

describe('decodeInode', () => {
  it('reads the root of volume R, whose checksum mkfs computed', () => {
    const block = referenceRoot();
    const root = decodeInode(block, viewOf(block), reference, { nid: 3, address: 4096 });
    const time = { seconds: 1_700_000_000, nanoseconds: 0 };
    expect(root).toEqual({
      nid: 3,
      mode: 0o40755,
      fileType: FileType.directory,
      advise: 0,
      inlineFlags: 0x20,
      uid: 0,
      gid: 0,
      links: 2,
      size: 4096,
      blocks: 2,
      atime: time,
      ctime: time,
      mtime: time,
      crtime: undefined,
      generation: 0,
      currentDepth: 1,
      gcFailures: 0,
      xattrNid: 0,
      flags: 0,
      parentIno: 0,
      nameBytes: new Uint8Array(0),
      dirLevel: 0,
      extent: { fileBlock: 0, address: 0, length: 0 },
      extraWords: 3,
      inlineXattrWords: 0,
      projectId: undefined,
      inodeChecksum: 0x8e08641e,
      compressedBlocks: 0,
      compressAlgorithm: 0,
      logClusterSize: 0,
      compressFlag: { checksum: false, level: 0 },
      compressed: false,
      deviceAlias: false,
      addressesPerInode: 920,
      addressesPerNode: 1018,
      addressesOffset: 372,
      inlineArea: { offset: 376, size: 3676 },
      inlineXattrArea: { offset: 4052, size: 0 },
      nids: [0, 0, 0, 0, 0],
    });
    expect(RawInode.addresses.get(viewOf(block), 0, 3)).toBe(5632);
  });

  it('reads every field of a full inode', () => {
    const full = decoded(
      ALL,
      (v) => {
        RawInode.uid.set(v, 0, 0xffff_fffe);
        RawInode.gid.set(v, 0, 100);
        RawInode.accessSeconds.set(v, 0, -5_000_000_000);
        RawInode.accessNanoseconds.set(v, 0, 999_999_999);
        RawInode.changeSeconds.set(v, 0, 100_000_000_000);
        RawInode.modifySeconds.set(v, 0, -1);
        RawInode.modifyNanoseconds.set(v, 0, 2_000_000_000); // Linux does not judge it, nor do we
        RawInode.generation.set(v, 0, 0xdeadbeef);
        RawInode.currentDepth.set(v, 0, 0x0001_0007);
        RawInode.parentIno.set(v, 0, 3);
        RawInode.nameLength.set(v, 0, 300); // not noticed either: the name is at most 255 bytes
        RawInode.name.set(v, 0, new Uint8Array(255).fill(0x61));
        RawInode.dirLevel.set(v, 0, 4);
        RawInode.nids.set(v, 0, 4, 99);
        ExtraAttributes.projectId.set(v, AT, 55);
        ExtraAttributes.createSeconds.set(v, AT, 7);
        ExtraAttributes.createNanoseconds.set(v, AT, 8);
      },
      size(4096 * 3),
      xattrNid(78),
      extent(5, 4096, 3),
      advise(Advise.cold | Advise.keepSize),
    );
    expect(full).toMatchObject({
      uid: 0xffff_fffe,
      gid: 100,
      atime: { seconds: -5_000_000_000, nanoseconds: 999_999_999 },
      ctime: { seconds: 100_000_000_000, nanoseconds: 0 },
      mtime: { seconds: -1, nanoseconds: 2_000_000_000 },
      crtime: { seconds: 7, nanoseconds: 8 },
      generation: 0xdeadbeef,
      currentDepth: 0,
      gcFailures: 7,
      parentIno: 3,
      dirLevel: 4,
      projectId: 55,
      xattrNid: 78,
      extent: { fileBlock: 5, address: 4096, length: 3 },
      nids: [0, 0, 0, 0, 99],
      extraWords: 9,
      inlineXattrWords: 50,
      inlineArea: { offset: 400, size: 3452 },
      inlineXattrArea: { offset: 3852, size: 200 },
    });
    expect(full.nameBytes).toHaveLength(255);
    expect(full.inodeChecksum).toBeDefined();
  });

  it('leaves out what the inode is too old for, or the volume has no feature for', () => {
    const small = decoded(ALL, extraSize(8), (v) => ExtraAttributes.projectId.set(v, AT, 9));
    expect(small).toMatchObject({ projectId: 9, crtime: undefined, inodeChecksum: undefined, extraWords: 2 });
    const tiny = decoded(ALL, extraSize(4), flags(InodeFlag.compress));
    expect(tiny).toMatchObject({ projectId: undefined, compressed: false, compressedBlocks: 0, extraWords: 1 });
    const plain = decoded(Feature.extraAttr, (v) => ExtraAttributes.createSeconds.set(v, AT, 7));
    expect(plain).toMatchObject({ projectId: undefined, crtime: undefined, inodeChecksum: undefined });
  });
});

describe('the shape of the address area', () => {
  const bare = inline(0);
  it.each([
    ['no extra, no inline xattr', 0, [bare], 923, 1018],
    ['inline xattr', 0, [inline(InlineFlag.xattr)], 873, 1018],
    ['extra 36, no xattr', ALL, [inline(InlineFlag.extraAttr), xattrWords(0)], 914, 1018],
    ['extra 36, inline xattr 50', ALL, [], 864, 1018],
    ['extra 36, inline xattr 50 by default', Feature.extraAttr, [], 864, 1018],
    ['cluster 4', ALL, [compression(1, 2)], 864, 1016],
    ['cluster 8', ALL, [compression(1, 3)], 864, 1016],
    ['cluster 16', ALL, [compression(1, 4)], 864, 1008],
    ['cluster 32', ALL, [compression(1, 5)], 864, 992],
    ['cluster 64', ALL, [compression(1, 6)], 832, 960],
    ['cluster 128', ALL, [compression(1, 7)], 768, 896],
    ['cluster 256', ALL, [compression(1, 8)], 768, 768],
    ['a compressed directory', ALL, [compression(1, 8), mode(0o40755)], 864, 1018],
    ['the flag without the feature', ALL & ~Feature.compression, [compression(9, 1)], 864, 1018],
  ] as const)('%s', (_name, features, changes, addressesPerInode, addressesPerNode) => {
    expect(decoded(features, ...changes)).toMatchObject({ addressesPerInode, addressesPerNode });
  });

  it('inline areas start after one reserved word', () => {
    expect([inlineBytesMax(0, 0), inlineBytesMax(0, 50), inlineBytesMax(9, 0), inlineBytesMax(9, 50)]).toEqual([
      3688, 3488, 3652, 3452,
    ]);
    expect(decoded(0, bare).inlineArea).toEqual({ offset: 364, size: 3688 });
    // without the flexible feature an inline directory keeps room for xattrs that it does not have
    const directory = decoded(0, mode(0o40755), inline(InlineFlag.dentry));
    expect(directory.inlineArea).toEqual({ offset: 364, size: 3488 });
    expect(directory.inlineXattrArea).toEqual({ offset: 3852, size: 0 });
    expect(
      decoded(ALL, mode(0o40755), inline(InlineFlag.dentry | InlineFlag.extraAttr), xattrWords(0)).inlineArea.size,
    ).toBe(3652);
  });

  it('the narrowest one still tiles', () => {
    const narrow = decoded(ALL, xattrWords(903));
    expect(narrow).toMatchObject({ addressesPerInode: 11, inlineArea: { offset: 400, size: 40 } });
    expect(narrow.inlineXattrArea).toEqual({ offset: 440, size: 3612 });
    expect(decoded(ALL, xattrWords(903), compression(1, 8)).addressesPerInode).toBe(0);
  });
});

describe('the rules', () => {
  const mainEnd = 4096 + 42 * 512;
  type Rule = readonly [
    name: string,
    features: number,
    changes: readonly Change[],
    kind: CorruptionKind,
    offset: number,
  ];
  const rules: readonly Rule[] = [
    ['footer nid', ALL, [(v) => NodeFooter.nid.set(v, 4072, 78)], 'nodeFooterNid', 4072],
    ['footer ino', ALL, [(v) => NodeFooter.ino.set(v, 4072, 3)], 'nodeFooterIno', 4076],
    ['mode without type', ALL, [mode(0o644)], 'inodeMode', 0],
    ['mode of an unknown type', ALL, [mode(0o170644)], 'inodeMode', 0],
    ['size 2^63', ALL, [(v) => v.setBigUint64(16, 1n << 63n, true)], 'inodeSize', 16],
    ['size above the maximum', ALL, [size(4_329_687_105_537)], 'inodeSize', 16],
    ['size above that of a compressed file', ALL, [compression(1, 2), size(4_329_687_105_536)], 'inodeSize', 16],
    ['no blocks', ALL, [(v) => RawInode.blocks.set(v, 0, 0)], 'inodeBlocks', 24],
    ['2^60 blocks', ALL, [(v) => v.setBigUint64(24, 1n << 60n, true)], 'inodeBlocks', 24],
    ['time 2^60', ALL, [(v) => v.setBigInt64(40, -(1n << 60n), true)], 'inodeTime', 40],
    ['creation time 2^60', ALL, [(v) => v.setBigInt64(372, 1n << 60n, true)], 'inodeTime', 372],
    ['extra attributes without the feature', 0, [], 'inodeExtraFeature', 3],
    ['no extra attributes where every inode has them', ALL, [inline(0)], 'inodeExtraFeature', 3],
    ['extra size 40', ALL, [extraSize(40)], 'inodeExtraSize', 360],
    ['extra size 0', ALL, [extraSize(0)], 'inodeExtraSize', 360],
    ['extra size 6', ALL, [extraSize(6)], 'inodeExtraSize', 360],
    ['extra size 65535', ALL, [extraSize(65535)], 'inodeExtraSize', 360],
    ['inline xattrs of 904 words', ALL, [xattrWords(904)], 'inodeInlineXattrSize', 362],
    ['inline xattrs without room for a header', ALL, [xattrWords(5)], 'inodeInlineXattrSize', 362],
    ['unused inline xattrs of 60000 words', ALL, [inline(0x20), xattrWords(60000)], 'inodeInlineXattrSize', 362],
    ['its own nid for xattrs', ALL, [xattrNid(NID)], 'inodeXattrNid', 76],
    ['a reserved nid for xattrs', ALL, [xattrNid(2)], 'inodeXattrNid', 76],
    ['an xattr nid beyond the table', ALL, [xattrNid(455 * 512)], 'inodeXattrNid', 76],
    ['an extent before the main area', ALL, [extent(0, 4095, 1)], 'inodeExtent', 348],
    ['an extent behind the main area', ALL, [extent(0, mainEnd - 1, 2)], 'inodeExtent', 348],
    ['an extent that wraps', ALL, [extent(0, 4096, 0xffff_ffff)], 'inodeExtent', 348],
    ['casefold without the feature', ALL & ~Feature.casefold, [flags(InodeFlag.casefold)], 'inodeCasefold', 80],
    ['inline data in a directory', ALL, [mode(0o40755), inline(0x23)], 'inodeInlineData', 3],
    ['inline data in a device', ALL, [mode(0o20600), inline(0x23)], 'inodeInlineData', 3],
    ['inline data of 3453 bytes', ALL, [inline(0x23), size(3453)], 'inodeInlineData', 16],
    ['inline data in a compressed file', ALL, [inline(0x23), compression(1, 2)], 'inodeInlineData', 3],
    ['inline data in an encrypted file', ALL, [inline(0x23), advise(Advise.encrypt)], 'inodeInlineData', 3],
    ['inline data in a verity file', ALL, [inline(0x23), advise(Advise.verity)], 'inodeInlineData', 3],
    ['inline entries in a file', ALL, [inline(0x25)], 'inodeInlineDentry', 3],
    ['algorithm 4', ALL, [compression(4, 2)], 'compressAlgorithm', 392],
    ['clusters of 2 blocks', ALL, [compression(1, 1)], 'compressClusterSize', 393],
    ['clusters of 512 blocks', ALL, [compression(1, 9)], 'compressClusterSize', 393],
    ['LZO with a level', ALL, [compression(0, 2, 0x0100)], 'compressLevel', 394],
    ['LZO-RLE with a level', ALL, [compression(3, 2, 0x0100)], 'compressLevel', 394],
    ['LZ4 level 2', ALL, [compression(1, 2, 0x0200)], 'compressLevel', 394],
    ['LZ4 level 99', ALL, [compression(1, 2, 99 << 8)], 'compressLevel', 394],
    ['ZSTD level 23', ALL, [compression(2, 2, 23 << 8)], 'compressLevel', 394],
    ['more blocks saved than it has', ALL, [compression(1, 2, 0, 2)], 'compressBlocks', 384],
    ['2^60 blocks saved', ALL, [compression(1, 2), (v) => v.setBigUint64(384, 1n << 60n, true)], 'compressBlocks', 384],
  ];
  it.each(rules)('%s', (_name, features, changes, kind, offset) => {
    const error = corruptionOf(() => decoded(features, ...changes));
    expect(error.kind).toBe(kind);
    expect(error.where).toEqual({ nid: NID, block: ADDRESS, offset });
    expect([error.expected, error.found]).not.toContain(undefined);
  });

  it('accept their edges, and what Linux does not judge', () => {
    const edges: ReadonlyArray<readonly [number, Change[]]> = [
      [ALL, [size(4_329_687_105_536)]],
      [ALL, [xattrNid(455 * 512 - 1)]],
      [ALL, [extent(0xffff_ffff, mainEnd - 1, 1)]],
      [ALL, [extent(1, 2, 0)]], // without a length the rest may be stale
      [ALL, [inline(0x23), size(3452)]],
      [ALL, [inline(0x20), xattrWords(5)]],
      [ALL, [mode(0o120777), inline(0x23), advise(Advise.encrypt), size(34)]], // encrypted symlinks are inline
      [ALL, [flags(0x0000_0300)]],
      [ALL, [compression(1, 2, 16 << 8)]],
      [ALL, [compression(2, 8, (22 << 8) | 1)]],
      [ALL, [(v) => RawInode.links.set(v, 0, 0)]],
      [ALL, [(v) => RawInode.blocks.set(v, 0, 2 ** 52)]],
      [ALL, [mode(0o40755), compression(9, 1)]],
      [ALL, [(v) => RawInode.nids.set(v, 0, 0, 0xffff_ffff)]],
    ];
    for (const [index, [features, changes]] of edges.entries()) {
      expect(() => decoded(features, ...changes), `edge ${index}`).not.toThrow();
    }
  });

  it('levels are read even where the codec is not judged', () => {
    expect(decoded(ALL, compression(2, 4, 0x0f01)).compressFlag).toEqual({ checksum: true, level: 15 });
  });

  // mkfs marks an alias file pinned and forgets the extra attribute bit; fsck and Linux accept it, so the flexible rule
  // must not refuse it. Its size is that of a device and may exceed what a node tree reaches.
  it('take a device alias as mkfs makes it', () => {
    const alias = decoded(
      ALL | Feature.deviceAlias,
      inline(InlineFlag.pinFile),
      flags(InodeFlag.deviceAlias),
      extent(0, 8192, 12288),
      size(2 ** 43),
      mode(0o100700),
    );
    expect(alias).toMatchObject({ deviceAlias: true, extraWords: 0, inlineXattrWords: 0, size: 2 ** 43 });
    expect(decoded(ALL, flags(InodeFlag.deviceAlias)).deviceAlias).toBe(false);
  });
});

describe('the inode checksum', () => {
  it('is seeded by volume, inode and generation (volume R)', () => {
    const fsSeed = f2fsCrc(0xffff_ffff, reference.uuidBytes);
    expect(fsSeed).toBe(0x7bf88a64);
    expect(f2fsCrc(f2fsCrc(fsSeed, Uint8Array.of(3, 0, 0, 0)), new Uint8Array(4))).toBe(0x818b56b4);
    expect(inodeChecksum(reference, referenceRoot())).toBe(0x8e08641e);
  });

  it('covers every byte but its own four', () => {
    const superblock = volume(ALL);
    const block = inode();
    const right = inodeChecksum(superblock, block);
    for (const at of [0, 68, 359, 367, 368, 371, 372, 1000, 4071, 4072, 4076, 4095]) {
      block[at]! ^= 0x10;
      expect(inodeChecksum(superblock, block) !== right, `byte ${at}`).toBe(at < 368 || at > 371);
      block[at]! ^= 0x10;
    }
  });

  it('is verified before anything else is believed', () => {
    const superblock = volume(ALL);
    const block = inode();
    sealInode(superblock, block);
    RawInode.mode.set(viewOf(block), 0, 0);
    const error = corruptionOf(() => decodeInode(block, viewOf(block), superblock, { nid: NID, address: ADDRESS }));
    expect(error.kind).toBe('inodeChecksum');
    expect(error.where).toEqual({ nid: NID, block: ADDRESS, offset: 368 });
  });

  it('is absent without the feature, the bit, or room for it', () => {
    expect(hasInodeChecksum(volume(ALL), viewOf(inode()))).toBe(true);
    expect(hasInodeChecksum(volume(ALL & ~Feature.inodeChecksum), viewOf(inode()))).toBe(false);
    expect(hasInodeChecksum(volume(ALL), viewOf(inode(inline(0))))).toBe(false);
    expect(hasInodeChecksum(volume(ALL), viewOf(inode(extraSize(8))))).toBe(false);
    expect(hasInodeChecksum(volume(ALL), viewOf(inode(extraSize(12))))).toBe(true);
    const untouched = inode(extraSize(8));
    sealInode(volume(ALL), untouched);
    expect(Buffer.compare(untouched, inode(extraSize(8)))).toBe(0);
  });
});

describe('names and types', () => {
  it('of masks, each with a note', () => {
    expect(inlineFlagNames(0xa1)).toEqual(['xattr', 'extra_attr', 'compress_released']);
    expect(adviseNames(0x0c)).toEqual(['encrypt', 'encrypted_name']);
    expect(inodeFlagNames(0x4000_1004)).toEqual(['compress', 'index', 'casefold']);
    expect(inodeFlagNames(0x8000_0001)).toEqual(['unknown:0x1', 'device_alias']);
    expect(Object.keys(inlineFlagNotes)).toEqual(Object.keys(InlineFlag));
    expect(Object.keys(adviseNotes)).toEqual(Object.keys(Advise));
    expect(Object.keys(inodeFlagNotes)).toEqual(Object.keys(InodeFlag));
  });

  it('file types follow the mode', () => {
    const modes = [0o100644, 0o40755, 0o20600, 0o60600, 0o10600, 0o140777, 0o120777, 0, 0o30000];
    expect(modes.map(fileTypeOfMode)).toEqual([1, 2, 3, 4, 5, 6, 7, 0, 0]);
  });
});
