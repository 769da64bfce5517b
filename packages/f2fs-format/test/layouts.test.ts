import type { StructLike } from '@f2fskit/ondisk';
import { describe, expect, it } from 'vitest';
import * as format from '../src/index.ts';

/** Every declared layout, by its export name. */
const layouts = Object.entries(format).filter(
  (entry): entry is [string, StructLike & (typeof entry)[1]] =>
    typeof entry[1] === 'object' && entry[1] !== null && '$fields' in entry[1],
);

describe('declared layouts', () => {
  // The sizes are those of the format; that fields tile them is checked when a module loads.
  const sizes: Record<string, number> = {
    AclEntry: 8,
    AclHeader: 4,
    AclShortEntry: 4,
    ClusterHeader: 24,
    CryptContextV1: 28,
    CryptContextV2: 40,
    Dentry: 11,
    DentryBlock: 4096,
    DeviceNumbers: 8,
    DirectNode: 4096,
    ExtraAttributes: 36,
    ExtraInformation: 507,
    IndirectNode: 4096,
    NatBitsHeader: 8,
    NatBlock: 4096,
    NatEntry: 9,
    NatJournal: 507,
    NatJournalEntry: 13,
    NodeBlock: 4096,
    NodeFooter: 24,
    OrphanBlock: 4096,
    QuotaEntry: 72,
    QuotaHeader: 8,
    QuotaInformation: 24,
    QuotaLeafHeader: 16,
    QuotaTreeBlock: 1024,
    RawCheckpoint: 192,
    RawDevice: 68,
    RawExtent: 12,
    RawInode: 4096,
    RawSuperblock: 3072,
    SitBlock: 4096,
    SitEntry: 74,
    SitJournal: 507,
    SitJournalEntry: 78,
    SummaryBlock: 4096,
    SummaryEntry: 7,
    UserAclEntry: 8,
    UserAclHeader: 4,
    VerityDescriptor: 256,
    VerityLocation: 16,
    XattrEntry: 4,
    XattrHeader: 24,
  };

  it('are all here, with their sizes', () => {
    expect(Object.fromEntries(layouts.map(([name, layout]) => [name, layout.$size]))).toEqual(sizes);
  });

  it('say what every field means', () => {
    const silent = layouts.flatMap(([name, { $fields }]) =>
      $fields.filter(([, field]) => field.note === '').map(([field]) => `${name}.${field}`),
    );
    expect(silent).toEqual([]);
  });

  it('have the offsets that other places rely on', () => {
    expect(format.RawInode.addresses.offset).toBe(format.INODE_ADDRESSES_OFFSET);
    expect(format.RawInode.footer.offset).toBe(format.NODE_FOOTER_OFFSET);
    expect(format.RawSuperblock.checksum.offset).toBe(format.SUPER_CHECKSUM_OFFSET);
    expect(format.SUPER_CHECKSUM_OFFSET + 4).toBe(format.SUPER_SIZE);
    expect(format.NodeBlock.footer.offset).toBe(format.NODE_FOOTER_OFFSET);
  });
});

describe('derived constants', () => {
  // Table 1.3 for blocks of 4096 bytes.
  it('follow from the block size', () => {
    const block = format.BLOCK_SIZE;
    expect(format.SIT_ENTRIES_PER_BLOCK).toBe(Math.floor(block / 74));
    expect(format.NAT_ENTRIES_PER_BLOCK).toBe(Math.floor(block / 9));
    expect(format.ADDRESSES_PER_INODE_MAX).toBe((block - 360 - 20 - 24) / 4);
    expect(format.ADDRESSES_PER_NODE).toBe((block - 24) / 4);
    expect(format.NIDS_PER_NODE).toBe((block - 24) / 4);
    expect(format.ORPHANS_PER_BLOCK).toBe((block - 16) / 4);
    expect(format.DENTRIES_PER_BLOCK).toBe(Math.floor((8 * block) / (19 * 8 + 1)));
    expect(format.SUMMARY_ENTRIES_PER_BLOCK).toBe(block / 8);
    expect(format.JOURNAL_BYTES).toBe(block - 5 - 7 * 512);
    expect(format.NAT_JOURNAL_ENTRIES).toBe(Math.floor((507 - 2) / 13));
    expect(format.SIT_JOURNAL_ENTRIES).toBe(Math.floor((507 - 2) / 78));
    expect(format.INLINE_XATTR_WORDS_MAX).toBe(923 - 9 - 1 - 10);
    expect(format.SEGMENT_BYTES).toBe(2 * 1024 * 1024);
    expect(format.SEGMENT_BLOCKS).toBe(2 ** format.SEGMENT_BLOCKS_LOG2);
  });
});

describe('corruption kinds', () => {
  it('are listed once each', () => {
    const kinds = [...format.formatKinds, ...format.higherKinds];
    expect(new Set(kinds).size).toBe(kinds.length);
  });
});

describe('segment types', () => {
  it('have names, and the node ones are told apart', () => {
    const types = Object.values(format.SegmentType);
    expect(types).toEqual([0, 1, 2, 3, 4, 5]);
    expect(types.map(format.segmentTypeName)).toEqual([
      'hot data',
      'warm data',
      'cold data',
      'hot node',
      'warm node',
      'cold node',
    ]);
    expect(types.map(format.isNodeSegmentType)).toEqual([false, false, false, true, true, true]);
    expect(format.segmentTypeName(7)).toBe('unknown 7');
  });
});
