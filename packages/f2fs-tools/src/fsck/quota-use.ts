// What the inodes of a volume use, by owner, group and project, and where the blocks of the quota files are: collected on
// the walk, compared at its end. Source: spec 8.9.

/** What one id uses. */
export interface Use {
  inodes: number;
  /** Blocks without those of the inodes. */
  blocks: number;
}

/** user, group, project: the order of the superblock. */
export const QUOTA_TYPES = 3;

export class QuotaUse {
  /** By type: id → use. */
  readonly uses: ReadonlyArray<Map<number, Use>> = [new Map(), new Map(), new Map()];
  /** Inode of a quota file → file block → address. Filled for the inodes that were announced. */
  readonly files = new Map<number, Map<number, number>>();
  readonly sizes = new Map<number, number>();

  add(ids: readonly [user: number, group: number, project: number], blocks: number): void {
    for (let type = 0; type < QUOTA_TYPES; type++) {
      const use = this.uses[type]!.get(ids[type]!);
      if (use === undefined) this.uses[type]!.set(ids[type]!, { inodes: 1, blocks: blocks - 1 });
      else {
        use.inodes++;
        use.blocks += blocks - 1;
      }
    }
  }
}
