// Recovery: what was promised since the last checkpoint is brought back, what is no longer needed is freed, and a checkpoint
// makes the result durable.
//
//   1. orphans are freed
//   2. files with fsynced nodes in the chain are found; new ones are made, empty
//   3. the chain is gone through once more: inodes, names, attributes, slots, each file up to its last fsynced node
//   4. what lies behind the ends of files is given up
//   5. logs go on behind the recovered data, and behind the chain
//   6. a checkpoint
//
// Until its last block is durable nothing is overwritten that the old checkpoint or the chain refers to, data included: power
// that fails meanwhile finds the same work to do again (I-65). Everything before the checkpoint happens in memory, so when a
// node turns out not to fit what is there, all is forgotten and done again up to that node.
// Source: spec 10.3; kernel fs/f2fs/recovery.c.

import type { BlockDevice } from '@f2fskit/block';
import { Corruption, FsError } from '@f2fskit/errno';
import {
  Advise,
  BLOCK_SIZE,
  corrupt,
  decodeInode,
  FileType,
  InlineFlag,
  mainEndAddress,
  type Superblock,
  XATTR_NODE_OFFSET,
} from '@f2fskit/f2fs-format';
import { type DecodedInode, type NatBits, NodeAddressTable, NodeStore } from '@f2fskit/f2fs-node';
import { viewOf } from '@f2fskit/ondisk';
import { CACHE_BYTES_DEFAULT, DeviceMapping, PAGE_SIZE, PageCache } from '@f2fskit/pagecache';
import type { Clock, Task } from '@f2fskit/task';
import { truncateBlocks } from '../names/free-inode.ts';
import type { Pack } from '../pack.ts';
import { VolumeWriter } from '../volume-writer.ts';
import { BlockWindow, type ChainNode, readNodeChain } from './node-chain.ts';
import { freeOrphans, readOrphans } from './orphans.ts';
import { type LoggedInode, makeInode, recoverInode, recoverXattrNode } from './recover-inode.ts';
import { recoverName } from './recover-name.ts';
import { recoverSlots } from './recover-slots.ts';

/** The most different nodes that are held in memory: 256 MiB. */
const NODES_IN_MEMORY_MAX = 1 << 16;

/** How often it begins anew before it gives up on the chain. */
const ATTEMPTS_MAX = 4;

export interface RecoveryResult {
  /** Files with fsynced nodes behind the checkpoint. */
  readonly files: number;
  /** Orphans that the checkpoint listed. */
  readonly orphans: number;
  /** What could not be recovered, and why. */
  readonly problems: readonly FsError[];
  /** nat_bits after it, where the volume had valid ones. */
  readonly natBits: NatBits | undefined;
}

export interface RecoveryOptions {
  clock?: Clock | undefined;
  /** Where the chain cannot be read on, recover what comes before: for who only looks. Default false. */
  partial?: boolean;
}

/**
 * Recovers the volume on `device` from the checkpoint of `pack`. Throws EROFS where it cannot be written to, Corruption and EIO:
 * nothing has changed then, or a write failed.
 */
export function* recoverVolume(
  superblock: Superblock,
  pack: Pack,
  device: BlockDevice,
  { clock, partial = false }: RecoveryOptions = {},
): Task<RecoveryResult> {
  const chain = yield* readNodeChain(superblock, pack.checkpoint, device);
  // It may be readable the next time.
  if (chain.damage !== undefined && !(chain.damage instanceof Corruption) && !partial) throw chain.damage;
  const problems: FsError[] = chain.damage === undefined ? [] : [chain.damage];
  let end = chain.nodes.findLastIndex(({ fsync }) => fsync) + 1;
  const nodesInMemory = new Set(chain.nodes.slice(0, end).map(({ nid }) => nid)).size;
  if (nodesInMemory > NODES_IN_MEMORY_MAX) {
    problems.push(corrupt('recovery', { found: nodesInMemory, detail: 'too many nodes follow the checkpoint' }));
    end = 0;
  }
  // Twice: directories and indirect nodes come with them.
  const budgetBytes = CACHE_BYTES_DEFAULT + 2 * nodesInMemory * PAGE_SIZE;
  for (let attempt = 1; ; attempt++) {
    const blocks = new DeviceMapping(new PageCache({ budgetBytes }), device);
    const nat = new NodeAddressTable(superblock, blocks, pack.bitmaps.nat, pack.natJournal);
    const writer = yield* VolumeWriter.open(new NodeStore(superblock, blocks, nat), pack, clock && { clock });
    writer.recovering = true;
    const orphans = yield* readOrphans(pack, blocks);
    const recovery = new Recovery(writer, chain.nodes, end);
    try {
      // Without making room first: the checkpoint that this may take would be the end of the chain.
      if (end > 0 || orphans.length > 0) yield* writer.operationUnderFolio(recovery.run(orphans));
    } catch (error) {
      if (!(error instanceof UnfitNode)) throw error;
      problems.push(error.reason);
      end = attempt < ATTEMPTS_MAX ? error.index : 0;
      continue;
    }
    yield* writer.checkpoint();
    const { size: files } = recovery.files;
    return { files, orphans: orphans.length, problems: [...problems, ...recovery.problems], natBits: nat.bits };
  }
}

/** A node of the chain does not fit what is there. */
class UnfitNode extends Error {
  readonly index: number;
  readonly reason: FsError;

  constructor(index: number, reason: FsError) {
    super(reason.message);
    this.index = index;
    this.reason = reason;
  }
}

/** What says that a node does not fit; anything else fails the recovery. */
const UNFIT: ReadonlySet<string> = new Set(['EUCLEAN', 'ENOSPC', 'EFBIG', 'E2BIG']);

interface FsyncedFile {
  /** Place in the chain of its last fsynced node. */
  last: number;
  /** Of the last inode that asks for its name, or -1. */
  lastName: number;
  /** An inode was recovered. */
  complete: boolean;
  /** Its name was given to another file. */
  gone: boolean;
}

class Recovery {
  readonly files = new Map<number, FsyncedFile>();
  readonly problems: FsError[] = [];
  readonly #writer: VolumeWriter;
  readonly #nodes: readonly ChainNode[];
  readonly #end: number;
  readonly #window: BlockWindow;

  /** Nodes from `end` on stay as they are, and are not recovered. */
  constructor(writer: VolumeWriter, nodes: readonly ChainNode[], end: number) {
    this.#writer = writer;
    this.#nodes = nodes;
    this.#end = end;
    const { device, superblock } = writer.store;
    this.#window = new BlockWindow(device, mainEndAddress(superblock));
  }

  *run(orphans: readonly number[]): Task<void> {
    this.problems.push(...(yield* freeOrphans(this.#writer, orphans)));
    if (this.#end === 0) return;
    const { allocator } = this.#writer;
    for (let index = 0; index < this.#end; index++) yield* fit(index, allocator.holdNode(this.#nodes[index]!.address));
    for (let index = 0; index < this.#end; index++) yield* fit(index, this.#find(index));
    for (let index = 0; index < this.#end; index++) yield* fit(index, this.#recover(index));
    for (const [ino, file] of this.files) if (file.complete && !file.gone) yield* this.#cutBehindEnd(ino);
    yield* allocator.settleAdopted();
  }

  /** Notes the file of an fsynced node, and makes a new one. */
  *#find(index: number): Task<void> {
    const { ino, nid, fsync, dentry } = this.#nodes[index]!;
    if (!fsync) return;
    const asksForName = nid === ino && dentry;
    let file = this.files.get(ino);
    if (file === undefined) {
      const { store } = this.#writer;
      const { blockAddress } = yield* store.nat.lookup(ino);
      if (blockAddress !== 0 && asksForName) {
        throw corrupt('recovery', { where: { ino }, expected: 'a number that is free', found: blockAddress });
      }
      // A node of a new file before its inode: it is recovered when the inode comes.
      if (blockAddress === 0 && !asksForName) return;
      if (blockAddress === 0) yield* makeInode(this.#writer, yield* this.#loggedInode(index));
      checkRecoverable(yield* store.readInode(ino));
      file = { last: index, lastName: -1, complete: false, gone: false };
      this.files.set(ino, file);
    }
    file.last = index;
    if (asksForName) file.lastName = index;
  }

  /** Brings a file to the state of one node. */
  *#recover(index: number): Task<void> {
    const { ino, nid, nodeOffset } = this.#nodes[index]!;
    const file = this.files.get(ino);
    if (file === undefined || file.gone || index > file.last) return;
    const writer = this.#writer;
    if (nid === ino) {
      const logged = yield* this.#loggedInode(index);
      yield* recoverInode(writer, logged);
      file.complete = true;
      if (index === file.lastName) {
        const freed = this.files.get(yield* recoverName(writer, logged));
        if (freed !== undefined) freed.gone = true;
      }
      if ((logged.fields.inlineFlags & InlineFlag.data) !== 0) return;
      yield* recoverSlots(writer, ino, { nodeOffset: 0, view: logged.view });
      return;
    }
    const bytes = yield* this.#read(index);
    if (nodeOffset === XATTR_NODE_OFFSET) {
      yield* recoverXattrNode(writer, ino, bytes);
      return;
    }
    const { fields } = yield* writer.store.readInode(ino);
    if ((fields.inlineFlags & InlineFlag.data) === 0)
      yield* recoverSlots(writer, ino, { nodeOffset, view: viewOf(bytes) });
  }

  /** Blocks behind the end are gone with what cut the file, unless they are intended. */
  *#cutBehindEnd(ino: number): Task<void> {
    const inode = yield* this.#writer.store.readInode(ino);
    const { inlineFlags, advise, size } = inode.fields;
    if ((inlineFlags & InlineFlag.data) !== 0 || (advise & (Advise.keepSize | Advise.verity)) !== 0) return;
    yield* truncateBlocks(this.#writer, inode, Math.ceil(size / BLOCK_SIZE));
  }

  *#loggedInode(index: number): Task<LoggedInode> {
    const { nid, address } = this.#nodes[index]!;
    // A copy: others read the chain meanwhile.
    const bytes = (yield* this.#read(index)).slice();
    const view = viewOf(bytes);
    return { bytes, view, fields: decodeInode(bytes, view, this.#writer.store.superblock, { nid, address }) };
  }

  #read(index: number): Task<Uint8Array> {
    return this.#window.read(this.#nodes[index]!.address);
  }
}

function checkRecoverable({ ino, address, fields }: DecodedInode): void {
  if (fields.fileType === FileType.regular && !fields.compressed && !fields.deviceAlias) return;
  const found = 'a file that recovery cannot change';
  throw corrupt('recovery', { where: { block: address, ino }, expected: 'a regular file without clusters', found });
}

/** Runs what recovers a node; what tells that the node does not fit says which. */
function* fit<T>(index: number, task: Task<T>): Task<T> {
  try {
    return yield* task;
  } catch (error) {
    if (error instanceof FsError && UNFIT.has(error.code)) throw new UnfitNode(index, error);
    throw error;
  }
}
