// From a file to the volume in it: containers are opened until a volume is found, and every refusal says what is there and
// what to do next.
//
// A disk with partitions, none of them named: the one that holds a volume is taken. If no partition does by itself, those
// that are containers are looked into. Several volumes are a question to the caller, never a guess.

import { type BlockDevice, PartitionDevice, readOnlyDevice } from '@f2fskit/block';
import { EINVAL, ENXIO, EOPNOTSUPP, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import { AndroidSparseDevice } from './android-sparse-device.ts';
import { type Container, recogniseContainer, type VolumeFormat } from './container.ts';
import { readGpt } from './gpt.ts';
import { readMbr } from './mbr.ts';
import { PaddedDevice } from './padded-device.ts';
import { type Partition, type PartitionTable, partitionLabel } from './partition-table.ts';

/** Containers in containers that are followed: a sparse image of a disk with a partition needs two. */
export const CONTAINER_DEPTH_MAX = 4;
/** Partitions looked into in one search: tables in partitions of tables must not multiply. */
const PROBES_MAX = 4096;
/** Partitions that a message lists. */
const LISTED_MAX = 40;

export interface ContainerOptions {
  /** What is looked for. */
  format: VolumeFormat;
  /** Which partition: its number, or its name. */
  partition?: number | string;
  /** What follows the last sector of the device in its file: a sparse image ends at any byte. See PaddedDevice. */
  tail?: Uint8Array;
}

/** What {@link openContainer} found. */
export interface OpenedContainer {
  /**
   * The volume's device: the given one where it holds the volume itself, else a read-only one that is over it. Closing it
   * closes both.
   */
  readonly device: BlockDevice;
  /** The containers from outside to inside, one sentence each; empty for a bare volume. */
  readonly description: readonly string[];
  /** What is wrong with them although they could be used. */
  readonly problems: readonly string[];
}

/**
 * Finds the volume on a device. A device on which nothing is known, or which is empty, is handed back as it is: who mounts
 * it says best what is missing. Never closes the device.
 *
 * @throws EOPNOTSUPP for what has to be unpacked first, EINVAL for what is something else, for several volumes and for none:
 *   the message says what is there and what to do.
 * @throws ENXIO for a partition that does not exist.
 * @throws Corruption for a container that is damaged, EIO from the medium.
 */
export function* openContainer(device: BlockDevice, options: ContainerOptions): Task<OpenedContainer> {
  const { format, partition, tail = new Uint8Array(0) } = options;
  const wanted = partition === undefined ? undefined : String(partition);
  return yield* new ContainerSearch(format, tail).open(device, device.name, wanted, 0);
}

/** One look into a partition. */
interface Candidate {
  readonly partition: Partition;
  readonly device: BlockDevice;
}

class ContainerSearch {
  readonly #format: VolumeFormat;
  readonly #tail: Uint8Array;
  #probesLeft = PROBES_MAX;

  constructor(format: VolumeFormat, tail: Uint8Array) {
    this.#format = format;
    this.#tail = tail;
  }

  /**
   * `name` is what a person writes to get at the device; `wanted` is the partition to take at the first table that comes;
   * `depth` counts containers around the device.
   */
  *open(device: BlockDevice, name: string, wanted: string | undefined, depth: number): Task<OpenedContainer> {
    const file = depth === 0 ? this.#file(device) : device;
    // Who names a partition means the table, even if the disk was a volume before it was partitioned.
    const container = yield* recogniseContainer(file, wanted === undefined ? this.#format : undefined);
    switch (container.kind) {
      case 'volume':
        return { device, description: [], problems: [] };
      case 'androidSparse':
        checkDepth(device, depth);
        return yield* this.#openSparse(file, device.size + (depth === 0 ? this.#tail.length : 0), name, wanted, depth);
      case 'gpt':
      case 'mbr':
        checkDepth(device, depth);
        return yield* this.#openTable(device, name, yield* readTable(device, container.kind), wanted, depth);
      default:
        if (wanted !== undefined) throw yield* this.#noTable(device, container, wanted);
        if (depth === 0 && (container.kind === 'empty' || container.kind === 'unknown')) {
          return { device, description: [], problems: [] };
        }
        throw this.#refusal(device, container);
    }
  }

  /** The outermost device with its tail. An image of nothing but holes is shorter than a sector. */
  #file(device: BlockDevice): BlockDevice {
    return this.#tail.length === 0 ? device : new PaddedDevice(device, this.#tail);
  }

  *#openSparse(
    file: BlockDevice,
    fileSize: number,
    name: string,
    wanted: string | undefined,
    depth: number,
  ): Task<OpenedContainer> {
    const device = yield* AndroidSparseDevice.open(file, fileSize);
    const { blockSize, blocks, chunks } = device.header;
    const description = `Android sparse image: ${chunks} chunks, ${blocks} blocks of ${blockSize} bytes`;
    let inner: OpenedContainer;
    try {
      inner = yield* this.open(device, name, wanted, depth + 1);
    } catch (error) {
      throw yield* this.#explainEmptySparse(device, name, error);
    }
    return { ...inner, description: [description, ...inner.description] };
  }

  /** A sparse image without a volume may be the second piece of one: the start of the volume is in the first. */
  *#explainEmptySparse(device: BlockDevice, name: string, error: unknown): Task<unknown> {
    if (!(error instanceof FsError) || error.code !== 'EINVAL') return error;
    const { kind } = yield* recogniseContainer(device);
    if (kind !== 'empty' && kind !== 'unknown') return error;
    const found = kind === 'empty' ? 'it begins with zeros' : 'nothing known is in it';
    return new FsError(EINVAL, {
      detail:
        `the Android sparse image ${name} holds no ${this.#format.name} volume: ${found}; ` +
        'if it is one of several pieces, join them first: simg2img PIECE… IMAGE',
      cause: error,
    });
  }

  *#openTable(
    device: BlockDevice,
    name: string,
    table: PartitionTable,
    wanted: string | undefined,
    depth: number,
  ): Task<OpenedContainer> {
    const candidates = table.partitions.map((partition) => candidateOf(device, name, partition));
    const { candidate, inner } =
      wanted === undefined
        ? yield* this.#onlyVolume(name, table, candidates, depth)
        : yield* this.#named(name, table, candidates, wanted, depth);
    const { partition } = candidate;
    const where = `${partition.type}, ${partition.size} bytes at byte ${partition.offset}`;
    return {
      device: readOnlyDevice(inner.device),
      description: [`${table.scheme} partition ${partitionLabel(partition)}: ${where}`, ...inner.description],
      problems: [...table.problems, ...inner.problems],
    };
  }

  /** The partition that the caller named, by number or else by name. */
  *#named(
    name: string,
    table: PartitionTable,
    candidates: readonly Candidate[],
    wanted: string,
    depth: number,
  ): Task<{ candidate: Candidate; inner: OpenedContainer }> {
    const byNumber = candidates.filter(({ partition }) => String(partition.number) === wanted);
    const found = byNumber.length > 0 ? byNumber : candidates.filter(({ partition }) => partition.name === wanted);
    const [candidate] = found;
    if (candidate === undefined) {
      const list = yield* this.#list(candidates);
      throw new FsError(ENXIO, `${name} has no partition '${wanted}'; choose one of its ${table.scheme}: ${list}`);
    }
    if (found.length > 1) {
      const numbers = found.map(({ device }) => device.name).join(', ');
      throw new FsError(EINVAL, `${name} has several partitions '${wanted}': choose one by its number: ${numbers}`);
    }
    const container = yield* recogniseContainer(candidate.device, this.#format);
    if (isOpenable(container))
      return { candidate, inner: yield* this.open(candidate.device, candidate.device.name, undefined, depth + 1) };
    const list = yield* this.#list(candidates);
    const errno = 'format' in container ? container.format.errno : EINVAL;
    const label = partitionLabel(candidate.partition);
    throw new FsError(
      errno,
      `partition ${label} of ${name} holds no ${this.#format.name} volume: ${this.#describe(container)}; ` +
        `${nextStepOf(container)}; the partitions are ${list}`,
    );
  }

  *#onlyVolume(
    name: string,
    table: PartitionTable,
    candidates: readonly Candidate[],
    depth: number,
  ): Task<{ candidate: Candidate; inner: OpenedContainer }> {
    const found: Array<{ candidate: Candidate; inner: OpenedContainer }> = [];
    for (const candidate of candidates) {
      this.#countProbe(name);
      if (!(yield* this.#format.isOn(candidate.device))) continue;
      found.push({ candidate, inner: { device: candidate.device, description: [], problems: [] } });
    }
    // Only now containers in partitions: they cost more, and nobody who has a volume means them.
    const direct = found.length > 0;
    for (const candidate of direct ? [] : candidates) {
      this.#countProbe(name);
      const inner = yield* this.#openInside(candidate, depth);
      if (inner !== undefined) found.push({ candidate, inner });
    }
    const [first] = found;
    if (first !== undefined && found.length === 1) return first;
    if (first === undefined) {
      const list = yield* this.#list(candidates);
      const none = `no partition of ${name} holds an ${this.#format.name} volume`;
      const next = 'if one of them is meant all the same, name it: IMAGE#NUMBER';
      throw new FsError(EINVAL, `${none}; its ${table.scheme} has ${list}; ${next}`);
    }
    const choices = found.map(({ candidate }) => choiceOf(candidate)).join(', ');
    throw new FsError(
      EINVAL,
      `${found.length} partitions of ${name} hold an ${this.#format.name} volume: choose one: ${choices}`,
    );
  }

  /** The volume in a partition that is a container; `undefined` where there is none, or none that can be had. */
  *#openInside(candidate: Candidate, depth: number): Task<OpenedContainer | undefined> {
    try {
      const { kind } = yield* recogniseContainer(candidate.device);
      if (kind !== 'androidSparse' && kind !== 'gpt' && kind !== 'mbr') return undefined;
      return yield* this.open(candidate.device, candidate.device.name, undefined, depth + 1);
    } catch (error) {
      if (error instanceof FsError) return undefined;
      throw error;
    }
  }

  #countProbe(name: string): void {
    if (this.#probesLeft-- > 0) return;
    throw new FsError(EINVAL, `too many partitions to look into on ${name}: name one: IMAGE#NUMBER`);
  }

  /** Every partition with what it holds, for messages. */
  *#list(candidates: readonly Candidate[]): Task<string> {
    if (candidates.length === 0) return 'no partitions';
    const shown: string[] = [];
    for (const candidate of candidates.slice(0, LISTED_MAX)) {
      if (this.#probesLeft-- <= 0) break; // lists of tables in tables multiply as well
      shown.push(`${choiceOf(candidate)}: ${yield* this.#describePartition(candidate.device)}`);
    }
    const more = candidates.length - shown.length;
    return `${shown.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
  }

  *#describePartition(device: BlockDevice): Task<string> {
    if (device.size === 0) return 'not on the disk';
    try {
      return this.#describe(yield* recogniseContainer(device, this.#format));
    } catch (error) {
      if (error instanceof FsError) return `unreadable (${error.code})`;
      throw error;
    }
  }

  #describe(container: Container): string {
    switch (container.kind) {
      case 'volume':
        return this.#format.name;
      case 'androidSparse':
        return 'an Android sparse image';
      case 'gpt':
      case 'mbr':
        return 'a partition table';
      case 'empty':
        return 'empty (zeros)';
      case 'unknown':
        return 'nothing known (encrypted data look like this)';
      default:
        return container.format.name;
    }
  }

  #refusal(device: BlockDevice, container: Container): FsError {
    const errno = 'format' in container ? container.format.errno : EINVAL;
    const what = this.#describe(container);
    return new FsError(errno, `${device.name} is ${what}, not ${this.#format.name}; ${nextStepOf(container)}`);
  }

  *#noTable(device: BlockDevice, container: Container, wanted: string): Task<FsError> {
    if ('format' in container) return this.#refusal(device, container);
    const isVolume = yield* this.#format.isOn(device);
    const what = isVolume ? `it is an ${this.#format.name} volume itself` : this.#describe(container);
    const detail = `${device.name} has no partition table, so no partition '${wanted}': ${what}; open it without #${wanted}`;
    return new FsError(ENXIO, detail);
  }
}

function readTable(device: BlockDevice, kind: 'gpt' | 'mbr'): Task<PartitionTable> {
  return kind === 'gpt' ? readGpt(device) : readMbr(device);
}

function candidateOf(disk: BlockDevice, diskName: string, partition: Partition): Candidate {
  const { offset, size, number } = partition;
  return { partition, device: new PartitionDevice(disk, offset, size, `${diskName}#${number}`) };
}

/** `disk.img#3 (userdata)`: what to write to get it, and what it is called. */
function choiceOf({ partition, device }: Candidate): string {
  return partition.name === '' ? device.name : `${device.name} (${partition.name})`;
}

function isOpenable({ kind }: Container): boolean {
  return kind === 'volume' || kind === 'androidSparse' || kind === 'gpt' || kind === 'mbr';
}

function nextStepOf(container: Container): string {
  if ('format' in container) return container.format.nextStep;
  if (container.kind === 'empty') return 'it was never formatted, or has been discarded: look at another copy';
  return 'if it is encrypted, unlock it first and open the plain device';
}

function checkDepth(device: BlockDevice, depth: number): void {
  if (depth < CONTAINER_DEPTH_MAX) return;
  throw new FsError(
    EOPNOTSUPP,
    `containers inside containers, more than ${CONTAINER_DEPTH_MAX} deep, at ${device.name}: unpack the outer ones first`,
  );
}
