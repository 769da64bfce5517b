// What the inodes of a volume use, by owner, group and project, and where the blocks of the quota files are: collected on
// the walk, compared at its end. Source: spec 8.9.

/** What one id uses. */
export interface Use {
  inodes: number;
  /** Blocks without those of the inodes. */
  blocks: number;
}

export class QuotaUse {
  /** By type, in the order of the superblock (user, group, project): id → use. */
  readonly uses: ReadonlyArray<Map<number, Use>> = [new Map(), new Map(), new Map()];
  /** Inode of a quota file → file block → address. Filled for the inodes that were announced. */
  readonly files = new Map<number, Map<number, number>>();
  readonly sizes = new Map<number, number>();

  /** An inode and its blocks, its own included. */
  add(user: number, group: number, project: number, blocks: number): void {
    addTo(this.uses[0]!, user, blocks);
    addTo(this.uses[1]!, group, blocks);
    addTo(this.uses[2]!, project, blocks);
  }
}

function addTo(uses: Map<number, Use>, id: number, blocks: number): void {
  const use = uses.get(id);
  if (use === undefined) uses.set(id, { inodes: 1, blocks: blocks - 1 });
  else {
    use.inodes++;
    use.blocks += blocks - 1;
  }
}
