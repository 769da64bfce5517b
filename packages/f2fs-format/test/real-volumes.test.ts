// Blocks that Linux and f2fs-tools wrote, decoded and compared field by field with what dump.f2fs prints for them.

import { FsError } from '@f2fskit/errno';
import { viewOf } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  CheckpointFlag,
  compressFlag,
  countBits,
  decodeCheckpoint,
  decodeInode,
  decodeNatJournal,
  decodeOrphanBlock,
  decodePack,
  decodeSitJournal,
  expandCompactSummaries,
  FileType,
  hasCheckpointFlag,
  type InodeFields,
  inodeFlagNames,
  journalsOfPack,
  NatEntry,
  natBitsBlocks,
  natBlockAddress,
  natEntryOffset,
  packAddress,
  packLayout,
  RawInode,
  SegmentType,
  SUMMARY_JOURNAL_OFFSET,
  type Superblock,
  selectPack,
  selectSuperblock,
  versionBitmaps,
} from '../src/index.ts';
import { type RealVolume, realVolume } from './real-blocks.ts';

function open(volume: RealVolume) {
  const copies = [0, 1].map((address) => volume.block(address).subarray(1024, 4096)) as [Uint8Array, Uint8Array];
  const selected = selectSuperblock(...copies);
  const { superblock } = selected;
  const packs = ([0, 1] as const).map((index): Checkpoint | FsError => {
    const address = packAddress(superblock, index);
    try {
      const { packBlockCount } = decodeCheckpoint(volume.block(address), superblock, address);
      return decodePack(volume.block(address), volume.block(address + packBlockCount - 1), superblock, address);
    } catch (error) {
      if (error instanceof FsError) return error;
      throw error;
    }
  });
  const { checkpoint, pack } = selectPack(packs[0]!, packs[1]!);
  const layout = packLayout(checkpoint, superblock);
  const head = new Uint8Array(4096 * (1 + layout.payloadBlocks));
  for (let at = 0; at <= layout.payloadBlocks; at++) head.set(volume.block(checkpoint.address + at), 4096 * at);
  const bitmaps = versionBitmaps(checkpoint, superblock, head);
  return { superblock, problems: selected.problems, checkpoint, pack, layout, bitmaps };
}

function superblockFields(superblock: Superblock): Record<string, number | string> {
  return {
    major_ver: superblock.majorVersion,
    minor_ver: superblock.minorVersion,
    volum_name: superblock.volumeName,
    log_sectorsize: superblock.logSectorSize,
    log_sectors_per_block: superblock.logSectorsPerBlock,
    log_blocksize: superblock.logBlockSize,
    log_blocks_per_seg: superblock.logBlocksPerSegment,
    segs_per_sec: superblock.segmentsPerSection,
    secs_per_zone: superblock.sectionsPerZone,
    block_count: superblock.blockCount,
    section_count: superblock.sectionCount,
    segment_count: superblock.segmentCount,
    segment_count_ckpt: superblock.segmentCountCheckpoint,
    segment_count_sit: superblock.segmentCountSit,
    segment_count_nat: superblock.segmentCountNat,
    segment_count_ssa: superblock.segmentCountSsa,
    segment_count_main: superblock.segmentCountMain,
    segment0_blkaddr: superblock.segment0Address,
    cp_blkaddr: superblock.checkpointAddress,
    sit_blkaddr: superblock.sitAddress,
    nat_blkaddr: superblock.natAddress,
    ssa_blkaddr: superblock.ssaAddress,
    main_blkaddr: superblock.mainAddress,
    root_ino: superblock.rootIno,
    node_ino: superblock.nodeIno,
    meta_ino: superblock.metaIno,
    cp_payload: superblock.checkpointPayloadBlocks,
    crc: superblock.checksum,
  };
}

function checkpointFields(checkpoint: Checkpoint): Record<string, number> {
  const fields: Record<string, number> = {
    checkpoint_ver: Number(checkpoint.version),
    user_block_count: checkpoint.userBlockCount,
    valid_block_count: checkpoint.validBlockCount,
    rsvd_segment_count: checkpoint.reservedSegmentCount,
    overprov_segment_count: checkpoint.overprovisionSegmentCount,
    free_segment_count: checkpoint.freeSegmentCount,
    ckpt_flags: checkpoint.flags,
    cp_pack_total_block_count: checkpoint.packBlockCount,
    cp_pack_start_sum: checkpoint.startSum,
    valid_node_count: checkpoint.validNodeCount,
    valid_inode_count: checkpoint.validInodeCount,
    next_free_nid: checkpoint.nextFreeNid,
    sit_ver_bitmap_bytesize: checkpoint.sitBitmapBytes,
    nat_ver_bitmap_bytesize: checkpoint.natBitmapBytes,
    elapsed_time: checkpoint.elapsedTime,
  };
  const logs = ['HOT', 'WARM', 'COLD'];
  for (const [log, name] of logs.entries()) {
    fields[`cur_node_segno[${log}]`] = checkpoint.currentNodeSegments[log]!;
    fields[`cur_node_blkoff[${log}]`] = checkpoint.currentNodeOffsets[log]!;
    fields[`cur_data_segno[${log}]`] = checkpoint.currentDataSegments[log]!;
    fields[`cur_data_blkoff[${log}]`] = checkpoint.currentDataOffsets[log]!;
    fields[`alloc_type[CURSEG_${name}_DATA]`] = checkpoint.allocationTypes[log]!;
    fields[`alloc_type[CURSEG_${name}_NODE]`] = checkpoint.allocationTypes[SegmentType.hotNode + log]!;
  }
  return fields;
}

/** Only what dump.f2fs prints for this inode: it leaves out fields that the inode is too old for. */
function inodeFields(inode: InodeFields, view: DataView): Record<string, unknown> {
  return {
    i_mode: inode.mode,
    i_advise: inode.advise,
    i_uid: inode.uid,
    i_gid: inode.gid,
    i_links: inode.links,
    i_size: inode.size,
    i_blocks: inode.blocks,
    i_atime: inode.atime.seconds,
    i_atime_nsec: inode.atime.nanoseconds,
    i_ctime: inode.ctime.seconds,
    i_ctime_nsec: inode.ctime.nanoseconds,
    i_mtime: inode.mtime.seconds,
    i_mtime_nsec: inode.mtime.nanoseconds,
    i_generation: inode.generation,
    i_current_depth: inode.fileType === FileType.directory ? inode.currentDepth : RawInode.currentDepth.get(view, 0),
    i_xattr_nid: inode.xattrNid,
    i_flags: inode.flags,
    i_inline: inode.inlineFlags,
    i_pino: inode.parentIno,
    i_dir_level: inode.dirLevel,
    i_namelen: inode.nameBytes.length,
    i_name: new TextDecoder().decode(inode.nameBytes),
    i_ext: [inode.extent.fileBlock, inode.extent.address, inode.extent.length],
    i_extra_isize: 4 * inode.extraWords,
    i_inline_xattr_size: inode.inlineXattrWords,
    i_projid: inode.projectId,
    i_inode_checksum: inode.inodeChecksum,
    i_crtime: inode.crtime?.seconds,
    i_crtime_nsec: inode.crtime?.nanoseconds,
    i_compr_blocks: inode.compressedBlocks,
    i_compress_algrithm: inode.compressAlgorithm,
    i_log_cluster_size: inode.logClusterSize,
    i_padding: compressFlag(inode.compressFlag.checksum, inode.compressFlag.level),
    ...Object.fromEntries(inode.nids.map((nid, index) => [`i_nid[${index}]`, nid])),
  };
}

const names = [
  'plain',
  'android',
  'geometry',
  'crash-orphan',
  'compress-lz4hc-chksum',
  'sload',
  'mkfs-4-tib',
  'mkfs-1-tib-large',
];

describe.each(names)('%s', (name) => {
  const volume = realVolume(name);
  const { superblock, problems, checkpoint, layout, bitmaps } = open(volume);

  it('superblock and checkpoint are what dump.f2fs says', () => {
    expect(problems).toEqual([]);
    expect(volume.fields).toMatchObject(superblockFields(superblock));
    expect(volume.fields).toMatchObject(checkpointFields(checkpoint));
  });

  it('version bitmaps start with the byte that dump.f2fs shows', () => {
    // It shows the first byte after the fixed head. With the checksum there, that is a byte of the checksum.
    const large = hasCheckpointFlag(checkpoint, CheckpointFlag.largeNatBitmap);
    const first = large ? checkpoint.checksum & 0xff : (layout.payloadBlocks > 0 ? bitmaps.nat : bitmaps.sit)[0];
    expect(first).toBe(volume.fields['sit_nat_version_bitmap[0]']);
    expect([bitmaps.nat.length, bitmaps.sit.length]).toEqual([checkpoint.natBitmapBytes, checkpoint.sitBitmapBytes]);
  });

  it('the parts of the pack are where the layout says', () => {
    const place = journalsOfPack(layout);
    const nat = viewOf(volume.block(checkpoint.address + place.nat.index));
    const sit = viewOf(volume.block(checkpoint.address + place.sit.index));
    for (const { nid } of decodeNatJournal(nat, place.nat.offset)) expect(nid).toBeGreaterThanOrEqual(3);
    for (const entry of decodeSitJournal(sit, place.sit.offset, superblock)) {
      expect(countBits(entry.validMap)).toBe(entry.validBlocks);
    }
    expect(layout.natBitsBlocks).toBe(
      hasCheckpointFlag(checkpoint, CheckpointFlag.natBits) ? natBitsBlocks(superblock) : 0,
    );
    for (let log = 0; log < layout.nodeSummaryBlocks; log++) {
      const summary = volume.block(checkpoint.address + layout.nodeSummaryIndex + log);
      expect(summary[4091]).toBe(1);
    }
    if (!layout.compact) return;
    const compact = new Uint8Array(4096 * layout.dataSummaryBlocks);
    for (let at = 0; at < layout.dataSummaryBlocks; at++) {
      compact.set(volume.block(checkpoint.address + layout.dataSummaryIndex + at), 4096 * at);
    }
    const [hot] = expandCompactSummaries(checkpoint, compact);
    expect(decodeNatJournal(viewOf(hot), SUMMARY_JOURNAL_OFFSET)).toEqual(decodeNatJournal(nat, place.nat.offset));
  });

  it('inodes are what dump.f2fs says', () => {
    const seen = Object.entries(volume.inodes);
    expect(seen.length).toBeGreaterThan(0);
    for (const [nid, { address, ...said }] of seen) {
      const block = volume.block(Number(address));
      const inode = decodeInode(block, viewOf(block), superblock, { nid: Number(nid), address: Number(address) });
      const fields = inodeFields(inode, viewOf(block));
      // without the flexible feature dump.f2fs prints the field, which means nothing, and we the default of 50
      const printed = Object.fromEntries(
        Object.entries(said).filter(([key]) => key !== 'i_inline_xattr_size' && fields[key] !== undefined),
      );
      expect(fields, `nid ${nid}`).toMatchObject(printed);
      expect(Object.keys(printed).length).toBeGreaterThanOrEqual(24);
    }
  });
});

describe('what the volumes show together', () => {
  it('all three places of the version bitmaps, and both forms of summaries', () => {
    const opened = names.map((name) => open(realVolume(name)));
    expect(opened.map(({ layout }) => layout.payloadBlocks)).toEqual([0, 0, 0, 0, 0, 0, 2, 3]);
    expect(opened.map(({ checkpoint }) => checkpoint.checksumOffset)).toEqual([
      4092, 4092, 192, 4092, 4092, 4092, 4092, 192,
    ]);
    expect(opened.map(({ layout }) => layout.compact)).toEqual([true, true, true, true, true, false, true, true]);
    expect(opened.map(({ layout }) => layout.dataSummaryBlocks)).toContain(2);
    expect(opened.map(({ pack }) => pack)).toContain(1);
  });

  it('an orphan, listed in the pack of a volume that was cut off', () => {
    const volume = realVolume('crash-orphan');
    const { checkpoint, layout } = open(volume);
    expect(layout).toMatchObject({ orphanIndex: 1, orphanBlocks: 1, nodeSummaryBlocks: 0 });
    const address = checkpoint.address + layout.orphanIndex;
    const orphans = decodeOrphanBlock(viewOf(volume.block(address)), address);
    expect(orphans).toHaveLength(1);
    expect(volume.inodes[orphans[0]!]).toMatchObject({ i_links: 0 });
  });

  it('the NAT leads to the root, through the current copy', () => {
    for (const name of ['plain', 'geometry', 'sload', 'compress-lz4hc-chksum']) {
      const volume = realVolume(name);
      const { superblock, bitmaps } = open(volume);
      const nat = viewOf(volume.block(natBlockAddress(superblock, superblock.rootIno, bitmaps.nat)));
      const at = natEntryOffset(superblock.rootIno);
      expect(NatEntry.ino.get(nat, at)).toBe(3);
      expect(NatEntry.blockAddress.get(nat, at), name).toBe(volume.inodes[3]!['address']);
    }
  });

  it('compressed files and a casefolded directory', () => {
    const volume = realVolume('compress-lz4hc-chksum');
    const { superblock } = open(volume);
    const compressed = Object.entries(volume.inodes).filter(([, inode]) => inode['i_flags'] === 4);
    expect(compressed).toHaveLength(2);
    for (const [nid, inode] of compressed) {
      const block = volume.block(Number(inode['address']));
      const place = { nid: Number(nid), address: Number(inode['address']) };
      expect(decodeInode(block, viewOf(block), superblock, place)).toMatchObject({
        compressed: true,
        addressesPerInode: 864,
        addressesPerNode: 1016,
        compressFlag: { checksum: true, level: 9 },
      });
    }
    const folded = Object.values(realVolume('android').inodes).map((inode) => inodeFlagNames(Number(inode['i_flags'])));
    expect(folded).toContainEqual(['index', 'casefold']);
  });
});
