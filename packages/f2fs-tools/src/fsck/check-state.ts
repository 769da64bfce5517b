// What the parts of a check share: the volume, the tables that the sweeps fill, and the findings.

import type { BlockDevice } from '@f2fskit/block';
import type { FsError } from '@f2fskit/errno';
import type { Superblock } from '@f2fskit/f2fs-format';
import { BlockSweep, NumberList } from './block-sweep.ts';
import type { CheckedPack } from './checkpoint-packs.ts';
import { InodeTable } from './inode-table.ts';
import { NameCheck } from './name-check.ts';
import { NodeTable } from './node-table.ts';
import { QuotaUse } from './quota-use.ts';
import type { CheckNote, FindingArea, Findings } from './report.ts';
import { MainArea } from './segments.ts';
import { SummaryCheck } from './summaries.ts';

/** Blocks of directories that wait for their sweep. */
export interface DirectoryBlocks {
  readonly addresses: NumberList;
  /** Index of the directory in the inode table. */
  readonly inodes: NumberList;
  readonly fileBlocks: NumberList;
}

export class CheckState {
  readonly device: BlockDevice;
  readonly superblock: Superblock;
  readonly pack: CheckedPack;
  readonly findings: Findings;
  readonly sweep: BlockSweep;
  readonly nodes = new NodeTable();
  inodes = new InodeTable(0);
  readonly main: MainArea;
  readonly summaries: SummaryCheck;
  readonly names = new NameCheck();
  readonly quota = new QuotaUse();
  readonly notes: CheckNote[] = [];
  readonly directoryBlocks: DirectoryBlocks = {
    addresses: new NumberList(),
    inodes: new NumberList(),
    fileBlocks: new NumberList(),
  };
  /** NAT entries in use, and the inodes among them. */
  natNodes = 0;
  natInodes = 0;
  /** Met on the walk. */
  nodesMet = 0;
  inodesMet = 0;
  /** Data blocks, reserved slots, heads of clusters. */
  dataMet = 0;
  entriesMet = 0;
  /** A directory could not be looked at, or not all of it. */
  namesMissing = false;

  constructor(device: BlockDevice, superblock: Superblock, pack: CheckedPack, findings: Findings) {
    this.device = device;
    this.superblock = superblock;
    this.pack = pack;
    this.findings = findings;
    this.sweep = new BlockSweep(device, this.unreadable('main'));
    this.main = new MainArea(superblock, findings);
    this.summaries = new SummaryCheck(this);
  }

  /** Takes note of a block of an area that cannot be read. */
  unreadable(area: FindingArea): (address: number, error: FsError) => void {
    return (address, error) => this.findings.addError('unreadable', area, error, { block: address });
  }
}
