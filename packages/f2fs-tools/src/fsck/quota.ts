// Quota files against use: for every id that owns an inode, and every id that a file has, the numbers must be equal. A
// checkpoint that says that its quota files are stale is believed.

import { readBytes } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CheckpointFlag,
  hasCheckpointFlag,
  QUOTA_BLOCK_SIZE,
  QUOTA_ENTRIES_PER_LEAF,
  QUOTA_TREE_DEPTH,
  QUOTA_TREE_ROOT,
  QUOTA_VERSION,
  QuotaEntry,
  QuotaHeader,
  QuotaLeafHeader,
  QuotaMagic,
  QuotaTreeBlock,
} from '@f2fskit/f2fs-format';
import { viewOf } from '@f2fskit/ondisk';
import type { Task } from '@f2fskit/task';
import type { CheckState } from './check-state.ts';
import { InodeState } from './inode-table.ts';
import type { FindingPlace } from './report.ts';

const MAGICS = [QuotaMagic.user, QuotaMagic.group, QuotaMagic.project] as const;
const NAMES = ['uid', 'gid', 'project'] as const;
const POINTERS = 256;
const QUOTA_BLOCKS = BLOCK_SIZE / QUOTA_BLOCK_SIZE;

/** Compares the quota files that the superblock names. */
export function* checkQuota(state: CheckState): Task<void> {
  const { superblock, pack, inodes, nodes, notes } = state;
  if (hasCheckpointFlag(pack.checkpoint, CheckpointFlag.quotaNeedFsck)) {
    notes.push({
      kind: 'skipped',
      message: 'the quota files were not compared: the checkpoint says that they are stale',
    });
    return;
  }
  for (const [type, ino] of superblock.quotaInos.entries()) {
    const index = ino === 0 ? -1 : nodes.inodeIndex(ino);
    if (index < 0 || !inodes.has(index, InodeState.sound)) continue;
    yield* new QuotaFile(state, type, ino).check();
  }
}

class QuotaFile {
  readonly #state: CheckState;
  readonly #type: number;
  readonly #ino: number;
  readonly #blocks: ReadonlyMap<number, number>;
  readonly #cache = new Map<number, DataView>();
  readonly #visited = new Set<number>();
  /** Ids that the file has. */
  readonly #met = new Set<number>();

  constructor(state: CheckState, type: number, ino: number) {
    this.#state = state;
    this.#type = type;
    this.#ino = ino;
    this.#blocks = state.quota.files.get(ino) ?? new Map();
  }

  *check(): Task<void> {
    const header = yield* this.#quotaBlock(0);
    if (header === undefined) {
      this.#fail(0, 'a header');
      return;
    }
    const magic = QuotaHeader.magic.get(header.view, header.at);
    const version = QuotaHeader.version.get(header.view, header.at);
    if (magic !== MAGICS[this.#type] || version !== QUOTA_VERSION) {
      this.#fail(0, 'magic number and version', `0x${magic.toString(16)} version ${version}`);
      return;
    }
    yield* this.#tree(QUOTA_TREE_ROOT, 0);
    const { findings, quota } = this.#state;
    for (const [id, { inodes, blocks }] of quota.uses[this.#type]!) {
      if (this.#met.has(id)) continue;
      findings.add('quotaUsage', this.#place(), this.#useText(id, inodes, blocks * BLOCK_SIZE), 'nothing');
    }
  }

  /** Everything below quota block `number` of the tree. Each block is visited once. */
  *#tree(number: number, depth: number): Task<void> {
    if (this.#visited.has(number)) return;
    this.#visited.add(number);
    const block = yield* this.#quotaBlock(number);
    if (block === undefined) {
      this.#fail(number, `quota block ${number}`);
      return;
    }
    if (depth === QUOTA_TREE_DEPTH) {
      this.#leaf(block);
      return;
    }
    for (let n = 0; n < POINTERS; n++) {
      // Read again for each: the blocks below were read in between.
      const child = QuotaTreeBlock.pointers.get(block.view, block.at, n);
      if (child !== 0) yield* this.#tree(child, depth + 1);
    }
  }

  #leaf({ view, at }: { view: DataView; at: number }): void {
    const { findings, quota } = this.#state;
    for (let n = 0; n < QUOTA_ENTRIES_PER_LEAF; n++) {
      const entry = at + QuotaLeafHeader.$size + n * QuotaEntry.$size;
      const inodes = view.getBigUint64(entry + QuotaEntry.inodesUsed.offset, true);
      const bytes = view.getBigUint64(entry + QuotaEntry.bytesUsed.offset, true);
      const id = QuotaEntry.id.get(view, entry);
      const use = quota.uses[this.#type]!.get(id);
      // Entries that are not in use are all zero; id 0 with nothing used looks the same and says the same.
      if (id === 0 && inodes === 0n && bytes === 0n) continue;
      this.#met.add(id);
      const expected = this.#useText(id, use?.inodes ?? 0, (use?.blocks ?? 0) * BLOCK_SIZE);
      const found = this.#useText(id, inodes, bytes);
      if (expected !== found) findings.add('quotaUsage', this.#place(), expected, found);
    }
  }

  #useText(id: number, inodes: number | bigint, bytes: number | bigint): string {
    return `${NAMES[this.#type]} ${id}: ${inodes} inodes, ${bytes} bytes`;
  }

  #place(): FindingPlace {
    return { area: 'main', block: this.#state.nodes.addressOf(this.#ino), ino: this.#ino };
  }

  #fail(number: number, expected: string, found?: string): void {
    const place = { ...this.#place(), fileBlock: Math.floor(number / QUOTA_BLOCKS) };
    this.#state.findings.add('quotaFile', place, expected, found);
  }

  /** A quota block; `undefined` where the file has none or it cannot be read. */
  *#quotaBlock(number: number): Task<{ view: DataView; at: number } | undefined> {
    const fileBlock = Math.floor(number / QUOTA_BLOCKS);
    const at = (number % QUOTA_BLOCKS) * QUOTA_BLOCK_SIZE;
    const address = this.#blocks.get(fileBlock);
    if (address === undefined) return undefined;
    let view = this.#cache.get(fileBlock);
    if (view === undefined) {
      const bytes = new Uint8Array(BLOCK_SIZE);
      try {
        yield* readBytes(this.#state.device, address * BLOCK_SIZE, bytes);
      } catch (error) {
        if (error instanceof FsError) return undefined;
        throw error;
      }
      view = viewOf(bytes);
      this.#cache.set(fileBlock, view);
    }
    return { view, at };
  }
}
