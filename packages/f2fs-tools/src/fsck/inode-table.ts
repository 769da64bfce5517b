// What a check keeps of every inode between the sweeps: columns of numbers, one row an inode, in the order of their nids.

/** Bits of `flags`. */
export const InodeState = {
  /** It was read, and its shape is known. */
  sound: 0x01,
  directory: 0x02,
  casefolded: 0x04,
  encrypted: 0x08,
  orphan: 0x10,
  /** Root or quota file: needs no name. */
  rooted: 0x20,
  /** What is below it was left out, so nothing follows from what is missing. */
  incomplete: 0x40,
  released: 0x80,
  compressed: 0x100,
  dot: 0x200,
  dotDot: 0x400,
  quota: 0x800,
  /** The flag of old volumes: its . and .. are not stored. */
  impliedDots: 0x1000,
  /** Something above it leads to the root; or it was found that nothing does. */
  connected: 0x2000,
  adrift: 0x4000,
} as const;

export class InodeTable {
  readonly count: number;
  readonly nids: Uint32Array;
  readonly flags: Uint16Array;
  /** FileType of the mode. */
  readonly types: Uint8Array;
  readonly links: Uint32Array;
  /** Directory entries found, without dots. */
  readonly names: Uint32Array;
  /** Directories: entries for directories found in it. */
  readonly subdirectories: Uint32Array;
  readonly blocks: Float64Array;
  readonly blocksFound: Float64Array;
  readonly saved: Float64Array;
  readonly savedFound: Float64Array;
  /** i_pino: of directories, where .. must lead. */
  readonly parents: Uint32Array;
  /** Directories: file blocks up to i_size. */
  readonly sizeBlocks: Float64Array;
  /** Directories: file blocks of the hash levels in use. */
  readonly depthBlocks: Float64Array;
  readonly dirLevels: Uint8Array;
  readonly logClusterSizes: Uint8Array;
  readonly inodeSlots: Uint16Array;
  readonly nodeSlots: Uint16Array;
  /** The remembered extent: first file block, address, blocks, and blocks of it that were met. */
  readonly extentFileBlocks: Uint32Array;
  readonly extentAddresses: Uint32Array;
  readonly extentLengths: Uint32Array;
  readonly extentMet: Uint32Array;
  /** The first entry that names it: its directory, block address (the directory's own for inline entries), slot, type. */
  readonly nameParents: Uint32Array;
  readonly nameBlocks: Uint32Array;
  readonly nameSlots: Uint16Array;
  readonly nameTypes: Uint8Array;

  constructor(count: number) {
    this.count = count;
    this.nids = new Uint32Array(count);
    this.flags = new Uint16Array(count);
    this.types = new Uint8Array(count);
    this.links = new Uint32Array(count);
    this.names = new Uint32Array(count);
    this.subdirectories = new Uint32Array(count);
    this.blocks = new Float64Array(count);
    this.blocksFound = new Float64Array(count);
    this.saved = new Float64Array(count);
    this.savedFound = new Float64Array(count);
    this.parents = new Uint32Array(count);
    this.sizeBlocks = new Float64Array(count);
    this.depthBlocks = new Float64Array(count);
    this.dirLevels = new Uint8Array(count);
    this.logClusterSizes = new Uint8Array(count);
    this.inodeSlots = new Uint16Array(count);
    this.nodeSlots = new Uint16Array(count);
    this.extentFileBlocks = new Uint32Array(count);
    this.extentAddresses = new Uint32Array(count);
    this.extentLengths = new Uint32Array(count);
    this.extentMet = new Uint32Array(count);
    this.nameParents = new Uint32Array(count);
    this.nameBlocks = new Uint32Array(count);
    this.nameSlots = new Uint16Array(count);
    this.nameTypes = new Uint8Array(count);
  }

  has(index: number, state: number): boolean {
    return (this.flags[index]! & state) !== 0;
  }

  mark(index: number, state: number): void {
    this.flags[index]! |= state;
  }
}
