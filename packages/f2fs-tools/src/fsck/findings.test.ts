// Every code is provoked: one thing is made wrong on a golden volume, checksums are made right again, and the check must
// name it, in the place where it is. The table has a case for every code: it would not compile without.

import { type Bio, type BlockDevice, DeviceWrapper, PartitionDevice } from '@f2fskit/block';
import { EIO } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  bucketFirstBlock,
  COMPRESS_ADDRESS,
  clearLsb,
  Dentry,
  dentryEntryOffset,
  dentryNameOffset,
  ExtraAttributes,
  FileType,
  INODE_ADDRESSES_OFFSET,
  InlineFlag,
  type InodeFields,
  InodeFlag,
  mainEndAddress,
  NatJournal,
  NODE_FOOTER_OFFSET,
  NodeFooter,
  natBitsEmptyOffset,
  OrphanBlock,
  RawCheckpoint,
  RawExtent,
  RawInode,
  RawSuperblock,
  SitEntry,
  SitJournal,
  SUPER_OFFSET,
  SummaryBlock,
  segmentOf,
  ssaBlockAddress,
  XATTR_MAGIC,
} from '@f2fskit/f2fs-format';
import { runSync } from '@f2fskit/task';
import { readImageBlock } from '@f2fskit/testkit';
import { describe, expect, it } from 'vitest';
import { type Change, Damaged, type Entry, isInline } from '../../test/damaged-volume.ts';
import { checkVolume } from './check-volume.ts';
import { type FindingCode, findingKinds } from './finding-codes.ts';
import type { CheckReport, FindingPlace } from './report.ts';

/** A device whose one block cannot be read. */
class BadBlock extends DeviceWrapper {
  readonly #block: number;

  constructor(device: BlockDevice, block: number) {
    super(device);
    this.#block = block;
  }

  submit(bio: Bio): void {
    const bad = bio.offset <= this.#block * BLOCK_SIZE && bio.endOffset > this.#block * BLOCK_SIZE;
    if (bad) bio.end(EIO);
    else this.device.submit(bio);
  }
}

/** What a case makes wrong, on `plain` if no other volume is named; returns where it must be found, or another device to look at. */
type Case = (volume: Damaged) => FindingPlace | BlockDevice | undefined | void;

const set = (view: DataView, at: number, value: number) => view.setUint32(at, value, true);

/** Adds to a 64-bit count that is small. */
const add = (view: DataView, at: number, value: number) => set(view, at, view.getUint32(at, true) + value);

const cases: Record<FindingCode, Case | [volume: string, provoke: Case]> = {
  superblock: (volume) => unusable(volume, [0, 1]),
  superblockCopy: (volume) => unusable(volume, [1]),
  superblockDiffers: (volume) => {
    volume.superblocks([1], (view) => RawSuperblock.encryptionLevel.set(view, 0, 7));
    return { area: 'superblock', block: 1, offset: SUPER_OFFSET + RawSuperblock.encryptionLevel.offset };
  },
  areaSize: (volume) => {
    volume.superblocks([0, 1], (view) => {
      RawSuperblock.segmentCountSsa.set(view, 0, 0);
      RawSuperblock.mainAddress.set(view, 0, RawSuperblock.ssaAddress.get(view, 0));
    });
  },
  truncated: ({ device }) => new PartitionDevice(device, 0, device.size - BLOCK_SIZE),
  unreadable: (volume) => new BadBlock(volume.device, volume.nat.addressOf(volume.blockFile().nid)),
  checkpoint: (volume) => {
    for (const pack of [0, 512]) volume.block(volume.superblock.checkpointAddress + pack, (view) => set(view, 8, 1));
  },
  checkpointField: (volume) => {
    volume.checkpoint((_view, bytes) => {
      bytes[RawCheckpoint.allocationTypes.offset] = 9;
    });
    return { area: 'checkpoint', block: volume.map.frame.packAddress, offset: RawCheckpoint.allocationTypes.offset };
  },
  checkpointEnd: (volume) => {
    volume.checkpoint((view) => RawCheckpoint.elapsedTime.set(view, 0, 12345), ['last']);
    const { packAddress, layout } = volume.map.frame;
    return { area: 'checkpoint', block: packAddress + layout.lastIndex };
  },
  otherPack: (volume) => {
    const { checkpointAddress } = volume.superblock;
    const other = volume.map.frame.packAddress === checkpointAddress ? checkpointAddress + 512 : checkpointAddress;
    volume.block(other, (view) => set(view, 8, 1));
    return { area: 'checkpoint', block: other };
  },
  packLayout: (volume) => volume.checkpoint((view) => RawCheckpoint.startSum.set(view, 0, 400)),
  nextFreeNid: (volume) => {
    volume.checkpoint((view) => RawCheckpoint.nextFreeNid.set(view, 0, 0xffff_fff0));
    return { area: 'checkpoint', offset: RawCheckpoint.nextFreeNid.offset };
  },
  natBits: (volume) => {
    const { packAddress, layout } = volume.map.frame;
    const at = natBitsEmptyOffset(volume.superblock);
    return {
      ...volume.block(packAddress + layout.natBitsIndex, (_view, bytes) => {
        bytes[at]! ^= 1;
      }),
      area: 'checkpoint',
      offset: at,
    };
  },
  natJournal: (volume) => {
    const { block, offset } = volume.map.frame.natJournal;
    volume.block(block, (view) => NatJournal.count.set(view, offset, 39));
    return { area: 'checkpoint', block, offset };
  },
  natReserved: (volume) => {
    volume.natEntry(1, { blockAddress: 5 });
    return { area: 'nat', nid: 1 };
  },
  natEntry: (volume) => natEntry(volume, { ino: 0 }),
  natAddress: (volume) => natEntry(volume, { blockAddress: 77 }),
  nodeUnreachable: (volume) => {
    let nid = 900;
    while (volume.nat.addressOf(nid) !== 0) nid++;
    volume.natEntry(nid, { ino: volume.blockFile().nid, blockAddress: volume.superblock.mainAddress });
    return { area: 'nat', nid };
  },
  inodeUnreachable: (volume) => {
    const directory = volume.directory();
    const { nid } = volume.fields(volume.file(directory).ino);
    volume.unlink(directory, volume.file(directory));
    return { area: 'main', ino: nid };
  },
  sitJournal: (volume) => {
    const { packAddress, layout } = volume.map.frame;
    const block = packAddress + layout.dataSummaryIndex + (layout.compact ? 0 : 2);
    volume.block(block, (view) => SitJournal.count.set(view, layout.compact ? 507 : 3584, 7));
    return { area: 'checkpoint', block };
  },
  sitCount: (volume) => {
    const segno = segmentOf(volume.superblock, volume.nat.addressOf(3));
    volume.sitEntry(segno, (view, at) => {
      SitEntry.validBlocksAndType.set(view, at, SitEntry.validBlocksAndType.get(view, at) - 1);
    });
    return { area: 'sit', segno };
  },
  sitType: (volume) => {
    const segno = segmentOf(volume.superblock, volume.nat.addressOf(3));
    volume.setSegmentType(segno, 6);
    return { area: 'sit', segno };
  },
  sitUnreached: (volume) => {
    const address = mainEndAddress(volume.superblock) - 1;
    volume.setValid(address, true);
    return { area: 'main', block: address };
  },
  blockNotValid: (volume) => {
    const fields = volume.blockFile();
    volume.setValid(volume.slot(fields, 1), false);
    return { area: 'main', block: volume.slot(fields, 1), ino: fields.nid, nid: fields.nid, slot: 1 };
  },
  blockTwice: (volume) => {
    const fields = volume.blockFile();
    const address = volume.slot(fields, 0);
    volume.inode(fields.nid, (view) => set(view, fields.addressesOffset + 4, address));
    return { area: 'main', block: address, ino: fields.nid, slot: 1 };
  },
  segmentType: (volume) => {
    const segno = segmentOf(volume.superblock, volume.slot(volume.blockFile(), 0));
    volume.setSegmentType(segno, 3);
    return { area: 'main', segno };
  },
  currentSegmentType: (volume) => {
    const segno = volume.map.frame.checkpoint.currentDataSegments[0];
    volume.setSegmentType(segno, 1);
    return { area: 'sit', segno };
  },
  currentOffset: (volume) => {
    const offset = RawCheckpoint.currentNodeOffsets.offset;
    volume.checkpoint((view) => view.setUint16(offset, view.getUint16(offset, true) - 1, true));
    return { area: 'checkpoint', offset };
  },
  summaryType: ['compress-lz4-256', (volume) => ssaBlock(volume, (view) => SummaryBlock.entryType.set(view, 0, 7))],
  summaryEntry: ['compress-lz4-256', (volume) => ssaBlock(volume, (_view, bytes) => bytes.fill(0, 0, 3584))],
  nodePointer: (volume) => {
    const fields = volume.blockFile();
    volume.inode(fields.nid, (view) => RawInode.nids.set(view, 0, 4, 0x7fff_0000));
    return { area: 'main', ino: fields.nid, block: volume.nat.addressOf(fields.nid) };
  },
  nodeTwice: (volume) => {
    const fields = volume.find(({ nids, nid }) => nids[0] !== 0 && nids[1] === 0 && nid > 3);
    volume.inode(fields.nid, (view) => RawInode.nids.set(view, 0, 1, fields.nids[0]!));
    return { area: 'main', ino: fields.nid, nid: fields.nids[0]! };
  },
  nodeFooter: (volume) => directNode(volume, (view) => NodeFooter.nid.set(view, NODE_FOOTER_OFFSET, 5)),
  nodeOffset: (volume) => directNode(volume, (view) => NodeFooter.flag.set(view, NODE_FOOTER_OFFSET, 0x51)),
  inode: (volume) => volume.inode(volume.blockFile().nid, (view) => RawInode.mode.set(view, 0, 0o644)),
  inodeChecksum: [
    'compress-lz4-4',
    (volume) => {
      const { nid } = volume.blockFile();
      return { ...volume.block(volume.nat.addressOf(nid), (view) => RawInode.uid.set(view, 0, 4711)), ino: nid };
    },
  ],
  inodeType: (volume) => volume.inode(3, (view) => RawInode.mode.set(view, 0, 0o100755)),
  compressFlag: ['casefold-names', (volume) => fileFlags(volume, InodeFlag.compress)],
  gcFailures: (volume) => volume.inode(volume.blockFile().nid, (view) => RawInode.currentDepth.set(view, 0, 3)),
  casefold: ['casefold-names', (volume) => fileFlags(volume, InodeFlag.casefold)],
  inlineReserved: (volume) => {
    const { nid, inlineArea } = volume.find(isInline);
    return { ...volume.inode(nid, (view) => set(view, inlineArea.offset - 4, 9)), offset: inlineArea.offset - 4 };
  },
  inlineSize: [
    'xattr-heavy',
    (volume) => {
      const { nid } = volume.find((fields) => isInline(fields) && fields.fileType === FileType.directory);
      return volume.inode(nid, (view) => RawInode.size.set(view, 0, 4096));
    },
  ],
  inlineJunk: (volume) => {
    const { nid, inlineFlags } = volume.find(
      (fields) => isInline(fields) && fields.fileType === FileType.regular && fields.size > 0,
    );
    return volume.inode(nid, (view) => RawInode.inlineFlags.set(view, 0, inlineFlags & ~InlineFlag.dataExist));
  },
  inlineNodes: (volume) => {
    const { nid } = volume.find(isInline);
    return volume.inode(nid, (view) => RawInode.nids.set(view, 0, 0, 4));
  },
  symlinkSize: (volume) => {
    const { nid } = volume.find(({ fileType }) => fileType === FileType.symlink);
    return volume.inode(nid, (view) => RawInode.size.set(view, 0, 0));
  },
  blockAddress: (volume) => {
    const { nid, addressesOffset } = volume.blockFile();
    return { ...volume.inode(nid, (view) => set(view, addressesOffset, 5)), offset: addressesOffset, fileBlock: 0 };
  },
  extent: (volume) => {
    const fields = volume.blockFile();
    return volume.inode(fields.nid, (view) => {
      const at = RawInode.extent.at(0, 0);
      RawExtent.fileBlock.set(view, at, 0);
      RawExtent.address.set(view, at, volume.slot(fields, 0) + 1);
      RawExtent.length.set(view, at, 1);
    });
  },
  inodeBlocks: (volume) => volume.inode(volume.blockFile().nid, (view) => add(view, RawInode.blocks.offset, 1)),
  compressedBlocks: [
    'compress-lz4-4',
    (volume) => {
      const { nid } = volume.find(({ compressed, compressedBlocks }) => compressed && compressedBlocks > 0);
      const at = INODE_ADDRESSES_OFFSET + ExtraAttributes.compressedBlocks.offset;
      return { ...volume.inode(nid, (view) => add(view, at, -1)), offset: at };
    },
  ],
  clusterHeader: (volume) => {
    const { nid, addressesOffset } = volume.blockFile();
    return volume.inode(nid, (view) => set(view, addressesOffset + 4, COMPRESS_ADDRESS));
  },
  clusterPattern: [
    'compress-lz4-4',
    (volume) => {
      const fields = volume.find((found) => found.compressed && volume.slot(found, 0) === COMPRESS_ADDRESS);
      const address = volume.slot(fields, 1);
      return volume.inode(fields.nid, (view) => {
        set(view, fields.addressesOffset + 4, volume.slot(fields, 3));
        set(view, fields.addressesOffset + 12, address);
      });
    },
  ],
  clusterLeftover: [
    'compress-lz4-256',
    (volume) => {
      const { nid, addressesOffset, addressesPerInode } = volume.find(({ compressed }) => compressed);
      const at = addressesOffset + 4 * addressesPerInode;
      return { ...volume.inode(nid, (view) => set(view, at, 7)), offset: at };
    },
  ],
  xattrHeader: [
    'xattr-heavy',
    (volume) => {
      const { nid, inlineXattrArea } = volume.find(
        (fields) => fields.inlineXattrArea.size > 0 && !hasXattrs(volume, fields),
      );
      return volume.inode(nid, (view) => set(view, inlineXattrArea.offset + 40, 1));
    },
  ],
  xattrEntry: [
    'xattr-heavy',
    (volume) => {
      const { nid, inlineXattrArea } = volume.find((fields) => hasXattrs(volume, fields));
      const at = inlineXattrArea.offset + 24;
      return { ...volume.inode(nid, (view) => view.setUint16(at + 2, 0xffff, true)), offset: at };
    },
  ],
  xattrTail: [
    'xattr-heavy',
    (volume) => {
      const fields = volume.find(
        (found) => hasXattrs(volume, found) && found.xattrNid === 0 && lastWord(volume, found) === 0,
      );
      const { offset, size } = fields.inlineXattrArea;
      return { ...volume.inode(fields.nid, (view) => set(view, offset + size - 4, 1)), offset: offset + size - 4 };
    },
  ],
  dentryIno: (volume) => {
    const directory = volume.directory();
    return volume.entry(directory, volume.file(directory), (view, at) => Dentry.ino.set(view, at, 0xfff0));
  },
  dentryType: (volume) => {
    const directory = volume.directory();
    const file = volume.file(directory);
    const { block } = volume.entry(directory, file, (view, at) => Dentry.fileType.set(view, at, FileType.fifo));
    return { area: 'main', block: block!, ino: file.ino, slot: file.slot };
  },
  dentryName: (volume) => {
    const directory = volume.directory();
    return volume.entry(directory, volume.file(directory), (view, at) => Dentry.nameLength.set(view, at, 0));
  },
  dentryBitmap: (volume) => {
    const directory = volume.find(({ fileType, nid }) => {
      return fileType === FileType.directory && volume.entries(nid).some(({ name }) => name.length > 8);
    }).nid;
    const long = volume.entries(directory).find(({ name }) => name.length > 8)!;
    return volume.entry(directory, long, (_view, _at, bytes) => clearLsb(bytes, long.slot + 1, long.at));
  },
  dentryHash: (volume) => {
    const directory = volume.directory();
    return volume.entry(directory, volume.file(directory), (view, at) => Dentry.hash.set(view, at, 1));
  },
  dentryPosition: [
    'bigdir',
    (volume) => {
      // Level 1 has two buckets: one more is the other one.
      const level = (fields: InodeFields) => bucketFirstBlock(1, fields.dirLevel, 0);
      const fields = volume.find((found) => {
        return found.fileType === FileType.directory && !isInline(found) && volume.slot(found, level(found)) !== 0;
      });
      const block = volume.slot(fields, level(fields));
      const entry = volume.entries(fields.nid).find((candidate) => candidate.block === block)!;
      const place = volume.entry(fields.nid, entry, (view, at) => {
        Dentry.hash.set(view, at, (Dentry.hash.get(view, at) ^ 1) >>> 0);
      });
      return { ...place, slot: entry.slot };
    },
  ],
  dentryTwice: (volume) => {
    const directory = volume.directory((fields) => isInline(fields) || fields.nid > 3);
    const files = volume.entries(directory).filter(({ type }) => type === FileType.regular);
    const [first, second] = sameLengths(files);
    return volume.entry(directory, second, (view, at, bytes) => {
      const from = first.at + dentryNameOffset(first.layout, first.slot);
      const to = second.at + dentryNameOffset(second.layout, second.slot);
      bytes.copyWithin(to, from, from + first.name.length);
      Dentry.hash.set(view, at, Dentry.hash.get(view, first.at + dentryEntryOffset(first.layout, first.slot)));
    });
  },
  dots: (volume) => {
    const ino = volume.directory();
    volume.unlink(ino, volume.entries(ino).find(({ name }) => name === '.')!);
    return { area: 'main', ino };
  },
  dotIno: (volume) => {
    const directory = volume.directory(({ nid }) => nid !== 3);
    const above = volume.entries(directory).find(({ name }) => name === '..')!;
    return volume.entry(directory, above, (view, at) => Dentry.ino.set(view, at, directory));
  },
  directorySize: (volume) => blockDirectory(volume, (view) => RawInode.size.set(view, 0, 0)),
  directoryDepth: (volume) => blockDirectory(volume, (view) => RawInode.currentDepth.set(view, 0, 0)),
  directoryTwice: (volume) => {
    const directory = volume.directory(({ nid }) => nid !== 3);
    const other = volume.find(
      ({ fileType, nid }) => fileType === FileType.directory && nid !== 3 && nid !== directory,
    ).nid;
    volume.entry(directory, volume.file(directory), (view, at) => {
      Dentry.ino.set(view, at, other);
      Dentry.fileType.set(view, at, FileType.directory);
    });
    return { area: 'main', ino: other };
  },
  directoryLoop: (volume) => {
    const directory = volume.directory(({ nid }) => nid !== 3);
    const parent = volume.fields(directory).parentIno;
    volume.unlink(parent, volume.entries(parent).find(({ ino, name }) => ino === directory && name !== '..')!);
    volume.entry(directory, volume.file(directory), (view, at) => {
      Dentry.ino.set(view, at, directory);
      Dentry.fileType.set(view, at, FileType.directory);
    });
    return { area: 'main', ino: directory };
  },
  linkCount: (volume) => volume.inode(volume.blockFile().nid, (view) => RawInode.links.set(view, 0, 77)),
  orphanBlock: ['crash-orphan', (volume) => orphans(volume, (view) => OrphanBlock.entryCount.set(view, 0, 2000))],
  orphanIno: ['crash-orphan', (volume) => orphans(volume, (view) => OrphanBlock.inos.set(view, 0, 0, 0xfff0))],
  orphanLinks: [
    'crash-orphan',
    (volume) => {
      const { packAddress, layout } = volume.map.frame;
      const ino = OrphanBlock.inos.get(readImageBlock(volume.device, packAddress + layout.orphanIndex).view, 0, 0);
      return volume.inode(ino, (view) => RawInode.links.set(view, 0, 1));
    },
  ],
  quotaFile: [
    'plain-default',
    (volume) => {
      const ino = volume.superblock.quotaInos[0];
      const fields = volume.fields(ino);
      volume.block(volume.slot(fields, 0), (view) => set(view, 0, 1));
      return { area: 'main', ino };
    },
  ],
  quotaUsage: [
    'plain-default',
    (volume) => {
      volume.inode(volume.blockFile().nid, (view) => RawInode.uid.set(view, 0, 4711));
      return { area: 'main', ino: volume.superblock.quotaInos[0] };
    },
  ],
  validBlockCount: (volume) => counter(volume, RawCheckpoint.validBlockCount),
  validNodeCount: (volume) => counter(volume, RawCheckpoint.validNodeCount),
  validInodeCount: (volume) => counter(volume, RawCheckpoint.validInodeCount),
  freeSegmentCount: (volume) => counter(volume, RawCheckpoint.freeSegmentCount),
};

function unusable(volume: Damaged, copies: readonly number[]): FindingPlace {
  volume.superblocks(copies, (view) => RawSuperblock.logBlocksPerSegment.set(view, 0, 8));
  return { area: 'superblock', block: copies[0]! };
}

function natEntry(volume: Damaged, entry: { ino?: number; blockAddress?: number }): FindingPlace {
  const { nid } = volume.blockFile();
  volume.natEntry(nid, entry);
  return { area: 'nat', nid };
}

function ssaBlock(volume: Damaged, change: Change): FindingPlace {
  const segno = volume.segmentOfSsa();
  return { ...volume.block(ssaBlockAddress(volume.superblock, segno), change), area: 'ssa', segno };
}

function directNode(volume: Damaged, change: Change): FindingPlace {
  const nid = volume.find(({ nids }) => nids[0] !== 0).nids[0]!;
  return { ...volume.block(volume.nat.addressOf(nid), change), nid };
}

function fileFlags(volume: Damaged, flags: number): FindingPlace {
  const { nid } = volume.find(({ fileType }) => fileType === FileType.regular);
  return volume.inode(nid, (view) => RawInode.flags.set(view, 0, flags));
}

function blockDirectory(volume: Damaged, change: Change): FindingPlace {
  const fields = volume.find((found) => found.fileType === FileType.directory && !isInline(found));
  volume.inode(fields.nid, change);
  return { area: 'main', ino: fields.nid, block: volume.slot(fields, 0), fileBlock: 0 };
}

function counter(volume: Damaged, { offset }: { offset: number }): FindingPlace {
  volume.checkpoint((view) => add(view, offset, -1));
  return { area: 'checkpoint', block: volume.map.frame.packAddress, offset };
}

function orphans(volume: Damaged, change: Change): FindingPlace {
  const { packAddress, layout } = volume.map.frame;
  const { block } = volume.block(packAddress + layout.orphanIndex, change);
  return { area: 'checkpoint', block: block! };
}

function hasXattrs(volume: Damaged, { nid, inlineXattrArea: { offset, size } }: InodeFields): boolean {
  return (
    size > 0 && readImageBlock(volume.device, volume.nat.addressOf(nid)).view.getUint32(offset, true) === XATTR_MAGIC
  );
}

function lastWord(volume: Damaged, { nid, inlineXattrArea: { offset, size } }: InodeFields): number {
  return readImageBlock(volume.device, volume.nat.addressOf(nid)).view.getUint32(offset + size - 4, true);
}

/** Two entries of one area whose names have the same length. */
function sameLengths(entries: readonly Entry[]): [Entry, Entry] {
  for (const first of entries) {
    const second = entries.find(
      (other) => other !== first && other.block === first.block && other.name.length === first.name.length,
    );
    if (second !== undefined) return [first, second];
  }
  throw new Error('no two names of one length');
}

const check = (device: BlockDevice): CheckReport => runSync(checkVolume(device));

describe('each code is found where it was provoked', () => {
  const sound = new Map<string, CheckReport>();
  it.each(Object.entries(cases))('%s', (key, entry) => {
    const code = key as FindingCode;
    const [name, provoke] = typeof entry === 'function' ? (['plain', entry] as const) : entry;
    const volume = new Damaged(name);
    if (!sound.has(name)) sound.set(name, check(volume.device));
    expect(sound.get(name)!.findings, 'before').toEqual([]);
    const outcome = provoke(volume);
    const other = outcome !== undefined && 'submit' in outcome;
    const report = check(other ? outcome : volume.device);
    const found = report.findings.filter((finding) => finding.code === code);
    expect(found.length, JSON.stringify(report.findings.slice(0, 5))).toBeGreaterThan(0);
    const places = found.map(({ place }) => place);
    if (outcome !== undefined && !other) expect(places).toContainEqual(expect.objectContaining(outcome));
    expect(report.clean).toBe(findingKinds[code].severity === 'warning' && report.errors === 0);
  });
});

it('a slot that was preallocated in a released file is no broken cluster; in another file an empty one is', () => {
  const patterns = (released: boolean): number => {
    const volume = new Damaged('compress-lz4-4');
    const fields = volume.find((found) => {
      if (!found.compressed || volume.slot(found, 0) !== COMPRESS_ADDRESS) return false;
      return ((found.inlineFlags & InlineFlag.compressReleased) !== 0) === released;
    });
    volume.inode(fields.nid, (view) => set(view, fields.addressesOffset + 12, released ? 0xffff_ffff : 0));
    return check(volume.device).findings.filter(({ code }) => code === 'clusterPattern').length;
  };
  expect([patterns(true), patterns(false)]).toEqual([0, 1]);
});
