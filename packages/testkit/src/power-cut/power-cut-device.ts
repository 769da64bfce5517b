// A device whose power can be cut afterwards. It records every write, discard and flush, with what each promised and when
// it ended, over a base image that stays as it is; then it makes the device as it may look after a cut at any moment.
//
// The medium (what a good device promises, and no more):
//   1. A flush that ended well (a flush bio, or PREFLUSH on a write) made durable what had ended well before the flush
//      was submitted. A FUA write is durable when it has ended.
//   2. Of everything else that was submitted any aligned 4 KiB block may be there or not, in any order; where a block was
//      written several times, the last one that landed wins. Overlapping writes that are in flight together have no
//      order on any device; here the one that was submitted last wins.
//   3. A block is never a mixture of old and new, except where the caller says that it may tear: then every sector of
//      it chooses for itself.
//   4. A write that failed may have landed all the same, and no later flush makes it durable. After a flush that failed,
//      what it should have covered is not durable either, even if a later flush succeeds.
//   5. A discard is a write of zeros.
//   6. Nothing of a PREFLUSH write lands before its flush is done: where a block of it is there, so is what it covers.
//
// Moments are positions in the list of events: a request was submitted, a request ended. A cut at position n has seen the
// first n of them. On a device that finishes inside `submit` each request is two events in a row.

import {
  type Bio,
  BioFlag,
  BLOCK_SIZE,
  type BlockDevice,
  checkBio,
  cloneBio,
  DeviceWrapper,
  discardBytes,
  endWithoutTransfer,
  type MemoryDevice,
  SECTOR_SIZE,
  writeBytes,
} from '@f2fskit/block';
import { assert, ENODEV } from '@f2fskit/errno';
import { type Completion, type RandomSource, runSync, seededRandom } from '@f2fskit/task';

/**
 * What became of the writes that were not durable:
 *
 * - `all`: every one landed.
 * - `none`: nothing but what is durable.
 * - `prefix`: the blocks before a random place in the order of submission.
 * - `subset`: every block with a probability that is itself random, so that "nearly all" and "nearly none" are frequent.
 */
export type PowerCutPolicy = 'all' | 'none' | 'prefix' | 'subset';

export const powerCutPolicies: readonly PowerCutPolicy[] = ['all', 'none', 'prefix', 'subset'];

export interface PowerCutDeviceOptions {
  /**
   * What stands between this device and the copy of the base that it works on: `(live) => new ShuffleDevice(live, 7)`
   * for completions in a random order, a FaultDevice for failures. The result may be async.
   */
  over?: (live: BlockDevice) => BlockDevice;
  /** False: discards end well and change nothing, also after a cut. Default: as the device below. */
  canDiscard?: boolean;
}

export interface ImageOptions {
  /** Blocks of 4 KiB, by their offset on the device in bytes, that may tear between sectors. Default: none. */
  mayTear?: (offset: number) => boolean;
}

/** A request that changes what is durable, or may. */
interface RecordedRequest {
  /** Counts requests from 0, in the order of submission. */
  id: number;
  operation: 'write' | 'discard' | 'flush';
  flags: number;
  offset: number;
  size: number;
  /** What a write brought. */
  bytes: Uint8Array | undefined;
  /** Position of the event that submitted it; the event that ended it, or -1. */
  submitted: number;
  ended: number;
  failed: boolean;
}

interface RecordedEvent {
  kind: 'submit' | 'end';
  request: RecordedRequest;
}

/** Part of a request that lands as a whole or not at all. `bytes` undefined: zeros. */
interface Piece {
  offset: number;
  size: number;
  bytes: Uint8Array | undefined;
  /** The request that it is a part of. */
  id: number;
}

/** What is durable after a cut: the bytes, and the requests that brought them. Moves on from event to event. */
interface DurableState {
  cut: number;
  device: MemoryDevice;
  /** Requests, by id, that are durable. */
  ids: Set<number>;
  /** Ended well, and wait for a flush. */
  cached: Set<number>;
  /** Flushes and PREFLUSH writes that have not ended well, and what each of them covers. */
  unfinished: Map<number, readonly number[]>;
}

/** How probable it is that a block lands, of which a subset draws one. */
const SUBSET_CHANCES = [0.05, 0.5, 0.5, 0.95];

/** A discard of more blocks than this lands in so many runs of blocks: the whole of a huge device is a few pieces. */
const DISCARD_PIECES_MAX = 256;

export class PowerCutDevice extends DeviceWrapper {
  readonly #base: MemoryDevice;
  readonly #events: RecordedEvent[] = [];
  readonly #requests: RecordedRequest[] = [];
  #bytesRecorded = 0;
  #closed = false;
  /** The durable state at the last position asked for; asking in ascending order costs each write once. */
  #durable: DurableState | undefined = undefined;

  /** The base is cloned; it must not change while this device is in use. */
  constructor(base: MemoryDevice, options: PowerCutDeviceOptions = {}) {
    const live = base.clone({ name: `power cut over ${base.name}` });
    const device = options.over?.(live) ?? live;
    super(device, { canDiscard: options.canDiscard ?? device.canDiscard });
    this.#base = base;
  }

  /** Events so far: the position of a cut at this moment. */
  get position(): number {
    return this.#events.length;
  }

  /** Writes that were submitted. */
  get writes(): number {
    return this.#requests.filter(({ operation }) => operation === 'write').length;
  }

  /** Flush bios that were submitted; PREFLUSH and FUA are not counted. */
  get flushes(): number {
    return this.#requests.filter(({ operation }) => operation === 'flush').length;
  }

  /** Bytes of memory that the record holds. */
  get bytesRecorded(): number {
    return this.#bytesRecorded;
  }

  /**
   * The positions at which a cut can leave something new: the start, after every write and discard that was submitted,
   * after everything that made something durable.
   */
  cutPositions(): number[] {
    const positions = [0];
    for (const [index, { kind, request }] of this.#events.entries()) {
      const barrier = request.operation === 'flush' || (request.flags & (BioFlag.PREFLUSH | BioFlag.FUA)) !== 0;
      if (kind === 'submit' ? request.operation !== 'flush' : barrier) positions.push(index + 1);
    }
    return positions;
  }

  /** What happened last before a position: `after write 3: 4096 bytes at 8192`. */
  describeCut(position: number): string {
    const event = this.#events[position - 1];
    if (event === undefined) return 'before the first request';
    const { operation, id, size, offset, flags, failed } = event.request;
    const names = (['PREFLUSH', 'FUA'] as const)
      .filter((name) => (flags & BioFlag[name]) !== 0)
      .map((name) => ` ${name}`);
    const moment = event.kind === 'submit' ? 'submitting' : failed ? 'the failure of' : 'the end of';
    const range = operation === 'flush' ? '' : `: ${size} bytes at ${offset}${names.join('')}`;
    return `after ${moment} request ${id}, a ${operation}${range}`;
  }

  submit(bio: Bio): void {
    const operation = bio.operation;
    if (operation === 'discard' && !this.canDiscard) {
      endWithoutTransfer(this.mode, bio, this.#closed ? ENODEV : checkBio(this, bio));
      return;
    }
    if (operation === 'read' || this.#closed || checkBio(this, bio) !== 0) {
      this.device.submit(bio);
      return;
    }
    const request: RecordedRequest = {
      id: this.#requests.length,
      operation,
      flags: bio.flags,
      offset: bio.offset,
      size: bio.size,
      bytes: operation === 'write' ? gather(bio) : undefined,
      submitted: this.#events.length,
      ended: -1,
      failed: false,
    };
    this.#bytesRecorded += request.bytes?.byteLength ?? 0;
    this.#requests.push(request);
    this.#events.push({ kind: 'submit', request });
    // A bio of its own: whoever waits for the original hears of the end after it was recorded, never before.
    const child = cloneBio(bio);
    child.completion.subscribe(() => {
      const { error } = child.completion;
      request.ended = this.#events.length;
      request.failed = error !== 0;
      this.#events.push({ kind: 'end', request });
      bio.end(error, child.residual);
    });
    this.device.submit(child);
  }

  override close(): Completion {
    this.#closed = true;
    return super.close();
  }

  /**
   * The device as it may look after a cut at `cut`, a position. The same arguments give the same image. Cheap when asked
   * for in ascending order. The image has no volatile cache and changes on its own.
   */
  imageAfter(cut: number, policy: PowerCutPolicy, seed = 0, options: ImageOptions = {}): MemoryDevice {
    const durable = this.#durableAt(cut);
    const image = durable.device.clone({ name: `${this.name}, cut at ${cut}` });
    const loose = this.#looseRequests(cut, durable.ids);
    const landed = choose(loose, durable.unfinished, policy, seededRandom(seed), options);
    // In the order of submission, so that what is durable has the last word over what was submitted before it.
    for (const request of this.#submittedFrom(loose[0]?.id ?? Number.POSITIVE_INFINITY, cut)) {
      const pieces = durable.ids.has(request.id) ? [request] : (landed.get(request.id) ?? []);
      for (const piece of joined(pieces)) put(image, piece);
    }
    return image;
  }

  /** Blocks that may or may not be there after a cut: 0 says that every policy gives the same image. */
  looseAt(cut: number): number {
    return this.#looseRequests(cut, this.#durableAt(cut).ids).flatMap(split).length;
  }

  /** Requests that change bytes, submitted before the cut, from the id `first` on. */
  #submittedFrom(first: number, cut: number): RecordedRequest[] {
    return this.#requests.slice(first).filter(({ operation, submitted }) => submitted < cut && operation !== 'flush');
  }

  #looseRequests(cut: number, durable: ReadonlySet<number>): RecordedRequest[] {
    return this.#submittedFrom(0, cut).filter(({ id }) => !durable.has(id));
  }

  #durableAt(cut: number): DurableState {
    assert(Number.isInteger(cut) && cut >= 0 && cut <= this.position, 'a cut is at a position that was recorded');
    if (this.#durable === undefined || this.#durable.cut > cut) {
      this.#durable = { cut: 0, device: this.#base.clone(), ids: new Set(), cached: new Set(), unfinished: new Map() };
    }
    const state = this.#durable;
    if (state.cut === cut) return state;
    const first = replayEvents(state, this.#events.slice(state.cut, cut));
    state.cut = cut;
    // Also what is there already, from the first new one on: a write may become durable after a later one of its block.
    for (const request of this.#submittedFrom(first, cut)) {
      if (state.ids.has(request.id)) put(state.device, request);
    }
    return state;
  }
}

/** Rules 1 and 4 of the head of this file. Returns the first id that became durable; the bytes are the caller's. */
function replayEvents({ ids, cached, unfinished }: DurableState, events: readonly RecordedEvent[]): number {
  let first = Number.POSITIVE_INFINITY;
  const keep = (id: number): void => {
    ids.add(id);
    first = Math.min(first, id);
  };
  for (const { kind, request } of events) {
    const { id, operation, flags, failed } = request;
    const flushes = operation === 'flush' || (flags & BioFlag.PREFLUSH) !== 0;
    if (kind === 'submit') {
      if (flushes) unfinished.set(id, [...cached]);
      continue;
    }
    if (failed) {
      if (flushes) cached.clear();
      continue;
    }
    for (const covered of unfinished.get(id) ?? []) {
      // No longer in the cache: durable through another flush, or lost with one that failed.
      if (cached.delete(covered)) keep(covered);
    }
    unfinished.delete(id);
    if (operation === 'flush') continue;
    if ((flags & BioFlag.FUA) !== 0) keep(id);
    else cached.add(id);
  }
  return first;
}

/** The pieces that land, by request. */
function choose(
  loose: readonly RecordedRequest[],
  unfinished: DurableState['unfinished'],
  policy: PowerCutPolicy,
  random: RandomSource,
  { mayTear }: ImageOptions,
): Map<number, Piece[]> {
  const landed = new Map<number, Piece[]>();
  if (policy === 'none') return landed;
  if (policy === 'subset') {
    const chance = SUBSET_CHANCES[random.below(SUBSET_CHANCES.length)]!;
    // Rule 6. Whether a flush that has not ended is done yet, nobody knows.
    const undone = new Set([...unfinished.keys()].filter(() => random.chance(0.5)));
    const covered = new Set([...unfinished].flatMap(([id, covers]) => (undone.has(id) ? [] : covers)));
    for (const request of loose) {
      const pieces = split(request).flatMap((piece) => {
        if (!random.chance(chance)) return [];
        if (mayTear?.(piece.offset - (piece.offset % BLOCK_SIZE)) !== true) return [piece];
        return sectors(piece).filter(() => random.chance(0.5));
      });
      if (covered.has(request.id)) landed.set(request.id, split(request));
      else if (!undone.has(request.id)) landed.set(request.id, pieces);
    }
    return landed;
  }
  const pieces = loose.flatMap(split);
  // What a flush covers was submitted before it, so a prefix never breaks rule 6.
  const end = policy === 'prefix' ? random.below(pieces.length + 1) : pieces.length;
  for (const piece of pieces.slice(0, end)) {
    const list = landed.get(piece.id);
    if (list === undefined) landed.set(piece.id, [piece]);
    else list.push(piece);
  }
  return landed;
}

/** The blocks of a request; what does not fill a block is cut at its borders all the same. */
function split({ id, offset, size, bytes }: RecordedRequest): Piece[] {
  const pieces: Piece[] = [];
  const blocks = Math.ceil(size / BLOCK_SIZE);
  const step = bytes === undefined ? Math.max(1, Math.ceil(blocks / DISCARD_PIECES_MAX)) * BLOCK_SIZE : BLOCK_SIZE;
  for (let at = offset; at < offset + size; ) {
    const end = Math.min(at - (at % BLOCK_SIZE) + step, offset + size);
    pieces.push({ id, offset: at, size: end - at, bytes: bytes?.subarray(at - offset, end - offset) });
    at = end;
  }
  return pieces;
}

/** The same with pieces that follow each other as one: large writes cost an image no more than they cost the device. */
function joined(pieces: readonly Piece[]): Piece[] {
  const runs: Piece[] = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (last === undefined || last.offset + last.size !== piece.offset) {
      runs.push({ ...piece });
      continue;
    }
    // Pieces of one request are parts of the same memory.
    if (last.bytes !== undefined && piece.bytes !== undefined) {
      last.bytes = new Uint8Array(last.bytes.buffer, last.bytes.byteOffset, last.size + piece.size);
    }
    last.size += piece.size;
  }
  return runs;
}

function put(device: MemoryDevice, { offset, size, bytes }: Piece): void {
  runSync(bytes === undefined ? discardBytes(device, offset, size) : writeBytes(device, offset, bytes));
}

function sectors({ id, offset, size, bytes }: Piece): Piece[] {
  return Array.from({ length: size / SECTOR_SIZE }, (_, index) => {
    const start = index * SECTOR_SIZE;
    return { id, offset: offset + start, size: SECTOR_SIZE, bytes: bytes?.subarray(start, start + SECTOR_SIZE) };
  });
}

function gather({ segments, size }: Bio): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const segment of segments) {
    bytes.set(segment, at);
    at += segment.byteLength;
  }
  return bytes;
}
