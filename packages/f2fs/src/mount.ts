// Mounting, for reading:
//
//   1. both superblock copies; the first sound one. What is not F2FS is named
//   2. what we cannot read is refused by name: one of several devices
//   3. both checkpoint packs; the newer sound one, with its version bitmaps and journals
//   4. fsynced changes behind the checkpoint are recovered: on the device of a writable mount, else in memory
//   5. what a person should know becomes a problem: damage passed over, fsynced changes not shown, flags
//   6. the root inode must be a directory
//
// A mount reads about ten blocks, whatever the size of the volume; recovery reads more. Source: spec 13.1, 10.3; kernel
// fs/f2fs/super.c.

import { type BlockDevice, OverlayDevice, readBytes, readOnlyDevice } from '@f2fskit/block';
import { EIO, EOPNOTSUPP, EROFS, errnoFrom, FsError } from '@f2fskit/errno';
import {
  BLOCK_SIZE,
  CheckpointFlag,
  corrupt,
  errorNames,
  featureNames,
  hasCheckpointFlag,
  KNOWN_FEATURES,
  type SelectedSuperblock,
  SUPER_OFFSET,
  type Superblock,
  selectSuperblock,
  stopReasonNames,
} from '@f2fskit/f2fs-format';
import type { NatBits } from '@f2fskit/f2fs-node';
import { DeviceMapping, PageCache, type PageCacheOptions } from '@f2fskit/pagecache';
import type { Clock, RandomSource, Task, Tracer } from '@f2fskit/task';
import { type BufferedIo, bufferedIoOf } from './buffered-io.ts';
import type { CodecSource } from './cluster.ts';
import type { ClusterEncoder } from './clusters/encode-cluster.ts';
import { type CompressionOptions, CompressionPolicy, canCompress } from './compression-policy.ts';
import { type Pack, readPack } from './pack.ts';
import { type RecoveryResult, recoverVolume } from './recovery/recover-volume.ts';
import { CHAIN_NODES_MAX, type ChainScan, scanFsyncChain } from './recovery-scan.ts';
import { F2fsVolume, type MountedState, type VolumeProblem } from './volume.ts';
import { VolumeWriter } from './volume-writer.ts';

export interface MountOptions {
  /** Decoders for compressed files; without them those files throw EOPNOTSUPP, and everything else is readable. */
  codecs?: CodecSource;
  /** The page cache of the volume: its budget in bytes (64 MiB), and knobs for tests and measurements. */
  cache?: Omit<PageCacheOptions, 'tracer'>;
  /** Return the data of a compressed cluster whose checksum is wrong, as Linux does, when it decodes. Default false. */
  ignoreClusterChecksums?: boolean;
  tracer?: Tracer;
  /** The engine of buffered reads and writes. There is one, the default: 'page'. EINVAL for others. */
  bufferedIo?: BufferedIo;
  /** What compresses clusters that are written. Default: one after the other, here, by `codecs`. */
  encoder?: ClusterEncoder | undefined;
  /** Also for writing. Throws EROFS, with the reason, where that is not possible. Default false. */
  writable?: boolean;
  /**
   * Of a writable mount: how new files are compressed. EINVAL, with the name of the option, for what Linux refuses. Where the
   * volume has no compression it is passed over, and `problems` says so, as Linux does.
   */
  compress?: CompressionOptions;
  /**
   * Do not recover: show the volume as its last checkpoint left it. Where something waits to be recovered, a writable mount
   * is refused then. Default false.
   */
  norecovery?: boolean;
  /** Of a writable mount: where the times of changes come from. */
  clock?: Clock;
  /** Of a writable mount: where the generations of new inodes come from. */
  random?: RandomSource;
}

/** How much of the start of a foreign volume is looked at to name it: btrfs has its mark at 64 KiB. */
const RECOGNISED_BYTES = 68 * 1024;

/** A volume as far as it is known before its files are looked at. */
interface Head {
  readonly device: BlockDevice;
  readonly selected: SelectedSuperblock;
  readonly blocks: DeviceMapping;
  readonly pack: Pack;
}

/**
 * Mounts the volume on `device`. Throws EINVAL for what is not F2FS and for an unknown engine, EOPNOTSUPP, Corruption, EIO; EROFS
 * where it is to be written to and cannot be.
 */
export function* mountF2fs(device: BlockDevice, options: MountOptions = {}): Task<F2fsVolume> {
  const bufferedIo = bufferedIoOf(options.bufferedIo);
  const compression = new CompressionPolicy(options.compress);
  const found = yield* readHead(device, options);
  const { head, problems: recoveryProblems, natBits } = yield* recover(found, options);
  const { superblock, copy, problems: superblockProblems } = head.selected;
  const { pack, blocks } = head;
  const problems: VolumeProblem[] = [
    ...[...superblockProblems, ...pack.problems].map(damage),
    ...sizeProblems(superblock, device),
    ...flagProblems(superblock, pack),
    ...recoveryProblems,
    ...optionProblems(superblock, options),
  ];
  const state: MountedState = {
    device: head.device,
    superblock,
    superblockCopy: copy,
    pack,
    problems,
    blocks,
    codecs: options.codecs ?? { get: () => undefined },
    encoder: options.encoder,
    ignoreClusterChecksums: options.ignoreClusterChecksums ?? false,
    tracer: options.tracer,
    bufferedIo,
  };
  const volume = new F2fsVolume(state);
  if (options.writable === true)
    volume.attachWriter(yield* openWriter(volume, pack, problems, { ...options, natBits, compression }));
  const root = yield* volume.readInode(superblock.rootIno);
  if (root.kind !== 'directory') {
    const where = { block: root.raw.address, ino: root.ino, offset: 0 };
    throw corrupt('rootInode', { where, expected: 'a directory', found: root.kind });
  }
  return volume;
}

function* readHead(device: BlockDevice, options: MountOptions): Task<Head> {
  const selected = yield* readSuperblock(device);
  const { superblock } = selected;
  // Joined in order, the devices are the volume: addresses count through them.
  if (superblock.devices.length > 1 && device.size < superblock.blockCount * BLOCK_SIZE) {
    const paths = superblock.devices.map(({ path }) => path).join(', ');
    throw new FsError(EOPNOTSUPP, `the volume spans several devices (${paths}); join them into one file first`);
  }
  const cache = new PageCache({ ...options.cache, tracer: options.tracer });
  const blocks = new DeviceMapping(cache, device);
  return { device, selected, blocks, pack: yield* readPack(superblock, blocks) };
}

interface Recovered {
  readonly head: Head;
  readonly problems: VolumeProblem[];
  /** What recovery kept of them. */
  readonly natBits?: NatBits | undefined;
}

/** Recovers what waits for it, and says what became of it. */
function* recover(head: Head, options: MountOptions): Task<Recovered> {
  const { device, pack, blocks } = head;
  const { superblock } = head.selected;
  const writable = options.writable === true;
  const scan = yield* scanFsyncChain(superblock, pack.checkpoint, blocks);
  const orphans = hasCheckpointFlag(pack.checkpoint, CheckpointFlag.orphanPresent);
  const waits = scan.fsyncedNodes > 0 || scan.tooLong;
  const asTheyWait = waitingProblems(pack, scan, orphans);
  if (options.norecovery === true || !(waits || (writable && orphans))) return { head, problems: asTheyWait };
  // Reading changes nothing: what recovery writes stays in memory.
  const target = writable ? device : new OverlayDevice(device);
  try {
    const result = yield* recoverVolume(superblock, pack, target, { clock: options.clock, partial: !writable });
    const recovered = yield* readHead(writable ? device : readOnlyDevice(target), options);
    const { natBits } = result;
    return { head: recovered, problems: recoveredProblems(pack, result, writable), natBits };
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    if (writable && error.code === 'EROFS') throw error;
    if (writable) throw new FsError(EROFS, { detail: `recovery failed: ${error.message}`, cause: error });
    const message = `recovery failed: ${error.message}`;
    return { head, problems: [...asTheyWait, { kind: 'damage', message, error }] };
  }
}

function damage(error: FsError): VolumeProblem {
  return { kind: 'damage', message: error.message, error };
}

function recoveredProblems(
  { checkpoint }: Pack,
  { files, problems }: RecoveryResult,
  writable: boolean,
): VolumeProblem[] {
  const found = problems.map(damage);
  if (files === 0) return found;
  const what = `fsynced changes of ${files} file${files === 1 ? '' : 's'} behind checkpoint ${checkpoint.version}`;
  const where = writable ? '' : ', in memory only: the volume itself is unchanged';
  return [...found, { kind: 'recovered', message: `recovered ${what}${where}` }];
}

/** The writer of a volume. What waits to be recovered would be lost with the first checkpoint: it is refused. */
function* openWriter(
  { store, bufferedIo }: F2fsVolume,
  pack: Pack,
  problems: readonly VolumeProblem[],
  {
    clock,
    random,
    natBits,
    compression,
  }: Pick<MountOptions, 'clock' | 'random'> & Pick<Recovered, 'natBits'> & { compression: CompressionPolicy },
): Task<VolumeWriter> {
  const waiting = problems.find(({ kind }) => kind === 'recovery' || kind === 'orphans');
  if (waiting !== undefined) throw new FsError(EROFS, waiting.message);
  return yield* VolumeWriter.open(store, pack, {
    ...(clock === undefined ? {} : { clock }),
    ...(random === undefined ? {} : { random }),
    natBits,
    bufferedIo,
    compression,
  });
}

function* readSuperblock(device: BlockDevice): Task<SelectedSuperblock> {
  const copies: Array<Uint8Array | number> = [];
  for (const block of [0, 1]) {
    // What ends before its superblock is not F2FS, whatever it is: no error of the medium.
    const bytes = new Uint8Array(Math.max(0, Math.min(BLOCK_SIZE, device.size - block * BLOCK_SIZE)));
    try {
      if (bytes.length > 0) yield* readBytes(device, block * BLOCK_SIZE, bytes);
      copies.push(bytes.subarray(SUPER_OFFSET));
    } catch (error) {
      copies.push(errnoFrom(error, EIO));
    }
  }
  try {
    return selectSuperblock(copies[0]!, copies[1]!);
  } catch (error) {
    if (!(error instanceof FsError) || error.code !== 'EINVAL') throw error;
    // Not F2FS: look further, to say what it is.
    const start = new Uint8Array(Math.min(RECOGNISED_BYTES, device.size));
    try {
      if (start.length > 0) yield* readBytes(device, 0, start);
    } catch {
      throw error; // it is not F2FS, although nobody can say what it is
    }
    return selectSuperblock(copies[0]!, copies[1]!, start);
  }
}

function sizeProblems(superblock: Superblock, device: BlockDevice): VolumeProblem[] {
  const size = superblock.blockCount * BLOCK_SIZE;
  if (device.size >= size) return [];
  const message = `the volume has ${size} bytes, but ${device.name} only ${device.size}: what lies behind its end cannot be read`;
  return [{ kind: 'truncated', message }];
}

function flagProblems(superblock: Superblock, { checkpoint }: Pack): VolumeProblem[] {
  const problems: VolumeProblem[] = [];
  const unknown = superblock.features & ~KNOWN_FEATURES;
  if (unknown !== 0) {
    const message = `unknown features ${featureNames(unknown).join(', ')}: what they change is read as if they did not`;
    problems.push({ kind: 'unknown', message });
  }
  const flags: Array<[flag: number, message: string]> = [
    [CheckpointFlag.error, 'the last mount met an error and stopped (CP_ERROR)'],
    [CheckpointFlag.fsckNeeded, 'the volume asks for fsck (CP_FSCK)'],
    [
      CheckpointFlag.disabled,
      'the last mount had checkpoints disabled: what it wrote is dropped by design (CP_DISABLED)',
    ],
    [CheckpointFlag.resizeFs, 'a resize was not finished (CP_RESIZEFS)'],
    [CheckpointFlag.quotaNeedFsck, 'the quota files are out of date (CP_QUOTA_NEED_FSCK)'],
  ];
  for (const [flag, message] of flags) {
    if (hasCheckpointFlag(checkpoint, flag)) problems.push({ kind: 'flag', message });
  }
  for (const { reason, count } of stopReasonNames(superblock.stopReasons)) {
    problems.push({ kind: 'flag', message: `a mount was stopped ${count} times: ${reason}` });
  }
  const errors = errorNames(superblock.errorBits);
  if (errors.length > 0) problems.push({ kind: 'flag', message: `Linux recorded errors: ${errors.join(', ')}` });
  return problems;
}

function optionProblems(superblock: Superblock, { compress }: MountOptions): VolumeProblem[] {
  if (compress === undefined || canCompress(superblock)) return [];
  const message = 'the volume has no compression (feature compression): the option compress is passed over';
  return [{ kind: 'option', message }];
}

function waitingProblems(
  { checkpoint }: Pack,
  { fsyncedNodes, cutShort, tooLong }: ChainScan,
  orphans: boolean,
): VolumeProblem[] {
  const problems: VolumeProblem[] = [];
  if (fsyncedNodes > 0) {
    const nodes = `${cutShort ? 'at least ' : ''}${fsyncedNodes} fsynced node${fsyncedNodes === 1 ? '' : 's'}`;
    const message = `the volume needs recovery: ${nodes} after the last checkpoint are not shown; this is the state of checkpoint ${checkpoint.version}`;
    problems.push({ kind: 'recovery', message });
  } else if (tooLong) {
    const message = `more than ${CHAIN_NODES_MAX} nodes follow the last checkpoint: fsynced ones among the later would not be shown`;
    problems.push({ kind: 'recovery', message });
  } else if (cutShort) {
    problems.push({ kind: 'damage', message: 'the chain of nodes after the last checkpoint loops or cannot be read' });
  }
  if (orphans) {
    const message =
      'files that were deleted while open wait to be freed (orphans); they have no name and are not shown';
    problems.push({ kind: 'orphans', message });
  }
  return problems;
}
