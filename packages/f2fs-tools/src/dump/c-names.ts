// The C names of every field that a dump shows, as the structures of Linux and the tools of F2FS have them: what a person
// who reads the kernel, a mailing list or the output of dump.f2fs looks for. A table is complete or does not compile.

import type {
  ClusterHeader,
  DeviceNumbers,
  ExtraAttributes,
  NatEntry,
  NodeFooter,
  RawCheckpoint,
  RawDevice,
  RawExtent,
  RawInode,
  RawSuperblock,
  SitEntry,
  SummaryBlock,
  XattrHeader,
} from '@f2fskit/f2fs-format';
import type { CNames } from './dump.ts';

export const superblockNames: CNames<typeof RawSuperblock> = {
  magic: 'magic',
  majorVersion: 'major_ver',
  minorVersion: 'minor_ver',
  logSectorSize: 'log_sectorsize',
  logSectorsPerBlock: 'log_sectors_per_block',
  logBlockSize: 'log_blocksize',
  logBlocksPerSegment: 'log_blocks_per_seg',
  segmentsPerSection: 'segs_per_sec',
  sectionsPerZone: 'secs_per_zone',
  checksumOffset: 'checksum_offset',
  blockCount: 'block_count',
  sectionCount: 'section_count',
  segmentCount: 'segment_count',
  segmentCountCheckpoint: 'segment_count_ckpt',
  segmentCountSit: 'segment_count_sit',
  segmentCountNat: 'segment_count_nat',
  segmentCountSsa: 'segment_count_ssa',
  segmentCountMain: 'segment_count_main',
  segment0Address: 'segment0_blkaddr',
  checkpointAddress: 'cp_blkaddr',
  sitAddress: 'sit_blkaddr',
  natAddress: 'nat_blkaddr',
  ssaAddress: 'ssa_blkaddr',
  mainAddress: 'main_blkaddr',
  rootIno: 'root_ino',
  nodeIno: 'node_ino',
  metaIno: 'meta_ino',
  uuid: 'uuid',
  volumeName: 'volume_name',
  extensionCount: 'extension_count',
  extensions: 'extension_list',
  checkpointPayloadBlocks: 'cp_payload',
  version: 'version',
  initVersion: 'init_version',
  features: 'feature',
  encryptionLevel: 'encryption_level',
  encryptionPasswordSalt: 'encrypt_pw_salt',
  devices: 'devs',
  quotaInos: 'qf_ino',
  hotExtensionCount: 'hot_ext_count',
  encoding: 's_encoding',
  encodingFlags: 's_encoding_flags',
  stopReasons: 's_stop_reason',
  errorBits: 's_errors',
  reserved: 'reserved',
  checksum: 'crc',
};

export const deviceNames: CNames<typeof RawDevice> = { path: 'path', segmentCount: 'total_segments' };

export const checkpointNames: CNames<typeof RawCheckpoint> = {
  version: 'checkpoint_ver',
  userBlockCount: 'user_block_count',
  validBlockCount: 'valid_block_count',
  reservedSegmentCount: 'rsvd_segment_count',
  overprovisionSegmentCount: 'overprov_segment_count',
  freeSegmentCount: 'free_segment_count',
  currentNodeSegments: 'cur_node_segno',
  currentNodeOffsets: 'cur_node_blkoff',
  currentDataSegments: 'cur_data_segno',
  currentDataOffsets: 'cur_data_blkoff',
  flags: 'ckpt_flags',
  packBlockCount: 'cp_pack_total_block_count',
  startSum: 'cp_pack_start_sum',
  validNodeCount: 'valid_node_count',
  validInodeCount: 'valid_inode_count',
  nextFreeNid: 'next_free_nid',
  sitBitmapBytes: 'sit_ver_bitmap_bytesize',
  natBitmapBytes: 'nat_ver_bitmap_bytesize',
  checksumOffset: 'checksum_offset',
  elapsedTime: 'elapsed_time',
  allocationTypes: 'alloc_type',
};

/** What follows the declared head of a checkpoint block. */
export const CHECKPOINT_BITMAP_NAME = 'sit_nat_version_bitmap';

export const natEntryNames: CNames<typeof NatEntry> = { version: 'version', ino: 'ino', blockAddress: 'block_addr' };

export const sitEntryNames: CNames<typeof SitEntry> = {
  validBlocksAndType: 'vblocks',
  validMap: 'valid_map',
  modifiedTime: 'mtime',
};

export const summaryBlockNames: CNames<typeof SummaryBlock> = {
  entries: 'entries',
  journal: 'journal',
  entryType: 'footer.entry_type',
  checksum: 'footer.check_sum',
};

export const inodeNames: CNames<typeof RawInode> = {
  mode: 'i_mode',
  advise: 'i_advise',
  inlineFlags: 'i_inline',
  uid: 'i_uid',
  gid: 'i_gid',
  links: 'i_links',
  size: 'i_size',
  blocks: 'i_blocks',
  accessSeconds: 'i_atime',
  changeSeconds: 'i_ctime',
  modifySeconds: 'i_mtime',
  accessNanoseconds: 'i_atime_nsec',
  changeNanoseconds: 'i_ctime_nsec',
  modifyNanoseconds: 'i_mtime_nsec',
  generation: 'i_generation',
  currentDepth: 'i_current_depth',
  xattrNid: 'i_xattr_nid',
  flags: 'i_flags',
  parentIno: 'i_pino',
  nameLength: 'i_namelen',
  name: 'i_name',
  dirLevel: 'i_dir_level',
  extent: 'i_ext',
  addresses: 'i_addr',
  nids: 'i_nid',
  footer: 'footer',
};

export const extentNames: CNames<typeof RawExtent> = { fileBlock: 'fofs', address: 'blk', length: 'len' };

export const extraAttributeNames: CNames<typeof ExtraAttributes> = {
  size: 'i_extra_isize',
  inlineXattrWords: 'i_inline_xattr_size',
  projectId: 'i_projid',
  checksum: 'i_inode_checksum',
  createSeconds: 'i_crtime',
  createNanoseconds: 'i_crtime_nsec',
  compressedBlocks: 'i_compr_blocks',
  compressAlgorithm: 'i_compress_algorithm',
  logClusterSize: 'i_log_cluster_size',
  compressFlag: 'i_compress_flag',
};

export const footerNames: CNames<typeof NodeFooter> = {
  nid: 'nid',
  ino: 'ino',
  flag: 'flag',
  checkpointVersion: 'cp_ver',
  nextAddress: 'next_blkaddr',
};

/** Device numbers stand in the first address slots. */
export const deviceNumberNames: CNames<typeof DeviceNumbers> = { small: 'i_addr[0]', large: 'i_addr[1]' };

export const clusterHeaderNames: CNames<typeof ClusterHeader> = {
  length: 'clen',
  checksum: 'chksum',
  reserved: 'reserved',
};

export const xattrHeaderNames: CNames<typeof XattrHeader> = {
  magic: 'h_magic',
  referenceCount: 'h_refcount',
  reserved: 'h_reserved',
};
