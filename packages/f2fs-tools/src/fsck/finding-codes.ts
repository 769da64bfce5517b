// Everything a check can find, as one closed list: how bad it is and what it says. An error is a contradiction that Linux
// or a writer would act on, or that hides or changes data; a warning is one that nobody is hurt by.

export type FindingSeverity = 'error' | 'warning';

interface FindingKind {
  readonly severity: FindingSeverity;
  /** The sentence that a message begins with. */
  readonly text: string;
}

const error = (text: string): FindingKind => ({ severity: 'error', text });
const warning = (text: string): FindingKind => ({ severity: 'warning', text });

const kinds = {
  // superblock and checkpoint
  superblock: error('no copy of the superblock is usable'),
  superblockCopy: error('a copy of the superblock is unusable'),
  superblockDiffers: error('the two copies of the superblock differ'),
  areaSize: error('a metadata area is too small for the main area'),
  truncated: error('the device ends before the volume does'),
  unreadable: error('a block cannot be read'),
  checkpoint: error('no checkpoint pack is usable'),
  checkpointField: error('a field of the checkpoint breaks its rule'),
  checkpointEnd: warning('the first and the last block of the checkpoint pack differ'),
  otherPack: warning('the checkpoint pack that is not in force was not written to its end'),
  packLayout: error('the parts of the checkpoint pack do not fit'),
  nextFreeNid: warning('the search for free nids would start outside the table'),
  natBits: error('nat_bits contradict the NAT'),
  // NAT
  natJournal: error('the NAT journal is damaged'),
  natReserved: error('the NAT entry of a reserved nid is not what it must be'),
  natEntry: error('a NAT entry names no inode that exists'),
  natAddress: error('a NAT entry points outside the main area'),
  nodeUnreachable: error('a node is in the NAT, but nothing points to it'),
  inodeUnreachable: error('an inode is in the NAT, but no directory names it'),
  // SIT, SSA, logs
  sitJournal: error('the SIT journal is damaged'),
  sitCount: error('the number of valid blocks of a segment is not that of its map'),
  sitType: error('a segment has an unknown type'),
  sitUnreached: error('a block is valid in the SIT, but nothing points to it'),
  blockNotValid: error('a block is in use, but not valid in the SIT'),
  blockTwice: error('a block has two owners'),
  segmentType: error('a block lies in a segment of the other class'),
  currentSegmentType: error('the segment that a log stands in is of another type'),
  currentOffset: error('the next block of a log is not free'),
  summaryType: error('a summary says that its segment is of the other class'),
  summaryEntry: error('the summary names another owner of a block'),
  // nodes
  nodePointer: error('a pointer to a node that does not exist'),
  nodeTwice: error('a node is pointed to twice'),
  nodeFooter: error('the footer of a node names another node'),
  nodeOffset: error('the footer of a node says that it is elsewhere in the tree'),
  // inodes
  inode: error('an inode breaks a rule of the format'),
  inodeChecksum: error('the checksum of an inode is wrong'),
  inodeType: error('an inode that must be of one type is of another'),
  compressFlag: error('the compression flag on a volume that has no compression'),
  gcFailures: warning('a file that is not pinned counts failed moves'),
  casefold: error('the casefold flag on something that is no directory'),
  inlineReserved: error('the reserved word before inline contents is not zero'),
  inlineSize: error('inline contents are longer than their place'),
  inlineJunk: error('the inode says that it has no inline data, but its place is not zero'),
  inlineNodes: error('an inode with inline contents has nodes below it'),
  symlinkSize: error('the target of a symbolic link is empty or too long'),
  blockAddress: error('a pointer to a block outside the main area'),
  extent: error('the remembered extent is not where the blocks are'),
  inodeBlocks: error('an inode counts other blocks than it has'),
  compressedBlocks: error('an inode counts other saved blocks than its clusters have'),
  clusterHeader: error('the mark of a compressed cluster where none can be'),
  clusterPattern: error('the slots of a compressed cluster are not head, payload, rest'),
  clusterLeftover: error('slots that no cluster reaches are not empty'),
  // extended attributes
  xattrHeader: error('an xattr area has contents, but not the magic number'),
  xattrEntry: error('an extended attribute runs over the end of its area'),
  xattrTail: warning('there is something behind the last extended attribute'),
  // directories
  dentryIno: error('a directory entry names no inode that exists'),
  dentryType: error('a directory entry and its inode are of different types'),
  dentryName: error('a directory entry has no possible name'),
  dentryBitmap: error('a name runs over slots that are not marked'),
  dentryHash: error('the hash of a directory entry is not that of its name'),
  dentryPosition: error('a directory entry is not in the bucket of its hash'),
  dentryTwice: error('a directory has two entries of one name'),
  dots: error('a directory lacks . or .., or has them twice'),
  dotIno: error('the entry . or .. names another directory'),
  directorySize: error('a directory has a block behind its end'),
  directoryDepth: error('a directory has a block behind its last hash level'),
  directoryTwice: error('a directory has two names'),
  directoryLoop: error('a directory is inside itself: nothing above leads to the root'),
  linkCount: error('an inode counts other names than it has'),
  // orphans and quota
  orphanBlock: error('an orphan block is damaged'),
  orphanIno: error('the orphan list names no inode that exists'),
  orphanLinks: error('an orphan has links, or is listed twice'),
  quotaFile: error('a quota file cannot be read'),
  quotaUsage: error('a quota file counts other usage than there is'),
  // counters of the checkpoint
  validBlockCount: error('the checkpoint counts other valid blocks than there are'),
  validNodeCount: error('the checkpoint counts other nodes than there are'),
  validInodeCount: error('the checkpoint counts other inodes than there are'),
  freeSegmentCount: error('the checkpoint counts other free segments than there are'),
} as const satisfies Record<string, FindingKind>;

export type FindingCode = keyof typeof kinds;

/** Every code, with its severity and its sentence. */
export const findingKinds: Readonly<Record<FindingCode, FindingKind>> = kinds;

export const findingCodes: readonly FindingCode[] = Object.keys(kinds) as FindingCode[];
